//! The closed sets that every judgement is made of: categories of causes, and what may be done.

use serde::{Deserialize, Serialize};

macro_rules! closed_set {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word for it in files and in answers.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

closed_set! {
    /// What kind of cause a failure has.
    Category {
        /// The source rejects the login.
        CredentialExpired = "credential_expired",
        /// The login works, but lacks a privilege at the source.
        PermissionDenied = "permission_denied",
        /// The host cannot be reached, or refuses the caller's address.
        NetworkUnreachable = "network_unreachable",
        /// TLS or SSH trust fails.
        CertificateOrFingerprint = "certificate_or_fingerprint",
        /// The source throttles, or a quota of it is used up for now.
        SourceRateLimited = "source_rate_limited",
        /// The source is down, starting or in maintenance.
        SourceUnavailable = "source_unavailable",
        /// The source takes too long.
        SourceTimeout = "source_timeout",
        /// Something that the sync depends on was dropped, renamed or changed.
        SchemaChange = "schema_change",
        /// The saved position in the change log is gone, or about to go.
        ReplicationLogLost = "replication_log_lost",
        /// A setting is wrong or missing.
        ConfigError = "config_error",
        /// A record or file cannot be read for its content.
        MalformedData = "malformed_data",
        /// The destination is down, starting, unreachable or busy.
        DestinationUnavailable = "destination_unavailable",
        /// The destination's login fails, or its role lacks a privilege.
        DestinationPermission = "destination_permission",
        /// The destination is out of disk, credits, slots or columns.
        DestinationCapacity = "destination_capacity",
        /// Memory, disk or connections run out at the source or in the connector.
        ResourceExhausted = "resource_exhausted",
        /// A bill, a trial or a frozen account stops the sync.
        BillingOrPlanLimit = "billing_or_plan_limit",
        /// A defect that only the pipeline's maintainers can repair.
        FivetranInternal = "fivetran_internal",
        /// Nothing is wrong.
        NoFailure = "no_failure",
    }
}

closed_set! {
    /// What may be done about it. Those that end in `_human` are work for a person.
    RemedyName {
        /// Nothing.
        None = "none",
        /// Leave it to the next attempt.
        WaitAutoRetry = "wait_auto_retry",
        /// Sync now, without force.
        RetrySync = "retry_sync",
        /// Run the connection's setup tests.
        RunSetupTests = "run_setup_tests",
        /// Read the schema config from the source again.
        ReloadSchema = "reload_schema",
        /// A person reviews the change of the schema.
        ReviewSchemaChangeHuman = "review_schema_change_human",
        /// Take the failing table or column out of the sync.
        ExcludeTableOrColumn = "exclude_table_or_column",
        /// Sync the affected tables from the beginning.
        ResyncTable = "resync_table",
        /// Sync the whole connection from the beginning.
        HistoricalResync = "historical_resync",
        /// Pause the connection.
        PauseConnection = "pause_connection",
        /// Resume a paused connection.
        ResumeConnection = "resume_connection",
        /// Move the sync to a quieter time.
        RescheduleOffPeak = "reschedule_off_peak",
        /// Sync less often.
        ReduceSyncFrequency = "reduce_sync_frequency",
        /// Sync more often.
        IncreaseSyncFrequency = "increase_sync_frequency",
        /// A person enters a new credential.
        ReconnectHuman = "reconnect_human",
        /// A person grants the missing privilege at the source.
        GrantSourcePermissionHuman = "grant_source_permission_human",
        /// A person mends DNS, firewall, allowlist or tunnel.
        OpenNetworkHuman = "open_network_human",
        /// A person checks the certificate or fingerprint out of band.
        VerifyCertificateHuman = "verify_certificate_human",
        /// A person asks for more quota at the source.
        RaiseSourceQuotaHuman = "raise_source_quota_human",
        /// A person corrects a setting.
        FixSourceConfigHuman = "fix_source_config_human",
        /// A person lengthens the retention of the change log.
        ExtendLogRetentionHuman = "extend_log_retention_human",
        /// A person repairs the record or file at its origin.
        FixSourceDataHuman = "fix_source_data_human",
        /// A person gives the source or the connector more room.
        ScaleSourceOrAgentHuman = "scale_source_or_agent_human",
        /// A person makes the slow query fast, or its limit longer.
        TuneSourceHuman = "tune_source_human",
        /// A person resumes or repairs the destination.
        ResumeDestinationHuman = "resume_destination_human",
        /// A person repairs the destination's login or its rights.
        GrantDestinationPermissionHuman = "grant_destination_permission_human",
        /// A person gives the destination more room.
        ExpandDestinationHuman = "expand_destination_human",
        /// A person pays, renews or changes the plan.
        SettleBillingHuman = "settle_billing_human",
        /// Ask the pipeline's maintainers.
        OpenFivetranTicket = "open_fivetran_ticket",
        /// Tell the connection's owner.
        NotifyOwner = "notify_owner",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_what_is_read_and_written() {
        for category in Category::ALL {
            let written = serde_json::to_value(category).unwrap();
            assert_eq!(written, category.as_str());
        }
        for remedy in RemedyName::ALL {
            let written = serde_json::to_value(remedy).unwrap();
            assert_eq!(written, remedy.as_str());
        }
        assert_eq!((Category::ALL.len(), RemedyName::ALL.len()), (18, 30));
    }
}
