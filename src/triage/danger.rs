//! Remedies that would do harm: by the kind of cause, and why. No data file can take one from this
//! list; a family of the catalogue may add to it. What no cause ever allows (deleting, trusting
//! unseen) has no name at all in [`RemedyName`].

use super::labels::{Category, RemedyName};

/// What a remedy would do where a failure has this kind of cause; none where it does no harm.
pub fn harm(category: Category, remedy: RemedyName) -> Option<&'static str> {
    match remedy {
        RemedyName::RetrySync => of_another_sync(category),
        RemedyName::WaitAutoRetry => (category == Category::ReplicationLogLost)
            .then_some("each attempt fails, and more of the change log is lost meanwhile"),
        RemedyName::ResyncTable | RemedyName::HistoricalResync => of_a_resync(category, remedy),
        RemedyName::ReconnectHuman => matches!(
            category,
            Category::SourceUnavailable
                | Category::DestinationUnavailable
                | Category::FivetranInternal
                | Category::NoFailure
        )
        .then_some("the credential is not the cause, and a good one may be lost"),
        RemedyName::ResumeConnection => (category == Category::BillingOrPlanLimit)
            .then_some("it is stopped for the bill, and fails until that is settled"),
        RemedyName::PauseConnection | RemedyName::OpenFivetranTicket => {
            (category == Category::NoFailure).then_some("nothing is wrong")
        }
        _ => None,
    }
}

fn of_another_sync(category: Category) -> Option<&'static str> {
    Some(match category {
        Category::CredentialExpired | Category::DestinationPermission => "it can lock the account",
        Category::PermissionDenied => "it fails until the privilege is granted",
        Category::CertificateOrFingerprint => "it fails until somebody has checked who answers",
        Category::SourceRateLimited => "it uses up more of the limit and may lengthen the ban",
        Category::SchemaChange => "it may load a change that nobody has looked at",
        Category::ReplicationLogLost => "the position is gone, and no sync brings it back",
        Category::ConfigError => "it fails until the setting is corrected",
        Category::MalformedData => "it stops at the same record",
        Category::DestinationCapacity => "it fills what is full",
        Category::BillingOrPlanLimit => "it fails until the bill is settled",
        Category::NoFailure => "nothing is wrong",
        Category::NetworkUnreachable
        | Category::SourceUnavailable
        | Category::SourceTimeout
        | Category::DestinationUnavailable
        | Category::ResourceExhausted
        | Category::FivetranInternal => return None,
    })
}

fn of_a_resync(category: Category, remedy: RemedyName) -> Option<&'static str> {
    // A changed table may need to be read again, and a defective record may be gone by that.
    let tables = remedy == RemedyName::ResyncTable;
    match category {
        Category::ReplicationLogLost => None,
        Category::SchemaChange | Category::MalformedData if tables => None,
        Category::DestinationCapacity => Some("it fills what is full"),
        Category::SourceRateLimited | Category::SourceTimeout | Category::ResourceExhausted => {
            Some("it asks even more of what gives too little already")
        }
        _ => Some("it mends nothing, and reads and costs much"),
    }
}

/// A remedy as what people are told not to do.
pub fn deed(remedy: RemedyName) -> &'static str {
    match remedy {
        RemedyName::RetrySync => "sync again",
        RemedyName::WaitAutoRetry => "only wait",
        RemedyName::ResyncTable => "re-sync tables",
        RemedyName::HistoricalResync => "re-sync the history",
        RemedyName::ReconnectHuman => "enter another credential",
        RemedyName::ResumeConnection => "resume it",
        RemedyName::PauseConnection => "pause it",
        RemedyName::OpenFivetranTicket => "open a ticket",
        RemedyName::ReloadSchema => "reload the schema",
        RemedyName::RunSetupTests => "run the setup tests",
        RemedyName::ExcludeTableOrColumn => "take the table or column out",
        RemedyName::RescheduleOffPeak => "move the sync",
        RemedyName::ReduceSyncFrequency => "sync less often",
        RemedyName::IncreaseSyncFrequency => "sync more often",
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dangers(category: Category) -> Vec<&'static str> {
        let all = RemedyName::ALL.iter().copied();
        let dangerous = all.filter(|remedy| harm(category, *remedy).is_some());
        dangerous.map(RemedyName::as_str).collect()
    }

    /// The column "wrong or dangerous" of the evaluation's rules; what is always dangerous has no
    /// name here.
    const RULES: [(&str, &str); 18] = [
        (
            "credential_expired",
            "retry_sync resync_table historical_resync",
        ),
        (
            "permission_denied",
            "retry_sync resync_table historical_resync",
        ),
        ("network_unreachable", "resync_table historical_resync"),
        (
            "certificate_or_fingerprint",
            "retry_sync resync_table historical_resync",
        ),
        (
            "source_rate_limited",
            "retry_sync resync_table historical_resync",
        ),
        (
            "source_unavailable",
            "resync_table historical_resync reconnect_human",
        ),
        ("source_timeout", "resync_table historical_resync"),
        ("schema_change", "retry_sync historical_resync"),
        ("replication_log_lost", "wait_auto_retry retry_sync"),
        ("config_error", "retry_sync resync_table historical_resync"),
        ("malformed_data", "retry_sync historical_resync"),
        (
            "destination_unavailable",
            "resync_table historical_resync reconnect_human",
        ),
        (
            "destination_permission",
            "retry_sync resync_table historical_resync",
        ),
        (
            "destination_capacity",
            "retry_sync resync_table historical_resync",
        ),
        ("resource_exhausted", "resync_table historical_resync"),
        (
            "billing_or_plan_limit",
            "retry_sync resync_table historical_resync resume_connection",
        ),
        (
            "fivetran_internal",
            "resync_table historical_resync reconnect_human",
        ),
        (
            "no_failure",
            "retry_sync resync_table historical_resync pause_connection reconnect_human open_fivetran_ticket",
        ),
    ];

    #[test]
    fn each_category_forbids_what_the_rules_call_dangerous_and_no_more() {
        assert_eq!(RULES.len(), Category::ALL.len());
        for (word, forbidden) in RULES {
            let category = Category::ALL.iter().find(|c| c.as_str() == word).unwrap();
            assert_eq!(dangers(*category).join(" "), forbidden, "{word}");
        }
    }

    #[test]
    fn what_is_always_dangerous_cannot_be_named() {
        for never in [
            "delete_connection",
            "drop_destination_table",
            "auto_approve_certificate",
            "disable_tls_verification",
            "expose_secret",
        ] {
            let read: Result<RemedyName, _> = serde_json::from_value(never.into());
            assert!(read.is_err(), "{never}");
        }
    }
}
