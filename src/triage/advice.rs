//! What a remedy is to people: a step in words, or something that Syncgate can propose.

use super::catalogue::Catalogue;
use super::danger;
use super::labels::{Category, RemedyName};
use crate::model::{Action, Cause, Opinion, Page, Warned};

/// The remedies of a cause; words of another version are left out.
fn remedies(cause: &Cause) -> impl Iterator<Item = RemedyName> + '_ {
    let named = |word: &String| {
        let all = RemedyName::ALL.iter().copied();
        all.into_iter().find(|name| name.as_str() == word)
    };
    cause.remedies.iter().filter_map(named)
}

/// The kind of a cause; none for a word of another version.
fn category(cause: &Cause) -> Option<Category> {
    let all = Category::ALL.iter().copied();
    all.into_iter().find(|kind| kind.as_str() == cause.category)
}

/// What people are told to do about a cause, the best first.
pub fn steps(catalogue: &Catalogue, cause: &Cause) -> Vec<&'static str> {
    let harmless = |remedy: &RemedyName| harm(catalogue, cause, *remedy).is_none();
    remedies(cause).filter(harmless).filter_map(step).collect()
}

/// What a remedy would do where this is the cause; none where it does no harm.
pub fn harm(catalogue: &Catalogue, cause: &Cause, remedy: RemedyName) -> Option<&'static str> {
    catalogue.harm(category(cause)?, cause.family.as_deref(), remedy)
}

/// What an action would do where this is the cause; none where it does no harm.
pub fn harm_of(catalogue: &Catalogue, cause: &Cause, action: &Action) -> Option<&'static str> {
    harm(catalogue, cause, as_remedy(action)?)
}

/// Whether setup tests that pass show that the cause is mended: they log in and look, and read no data.
/// Of a cause that is only guessed nothing better is to be had.
pub fn tests_prove(cause: &Cause) -> bool {
    match category(cause) {
        Some(
            Category::CredentialExpired
            | Category::PermissionDenied
            | Category::NetworkUnreachable
            | Category::CertificateOrFingerprint
            | Category::ConfigError
            | Category::DestinationPermission,
        )
        | None => true,
        Some(_) => !cause.certainty().is_sure(),
    }
}

/// What an action is among the remedies; none for one that triage never recommends.
fn as_remedy(action: &Action) -> Option<RemedyName> {
    match action {
        // When it comes makes no difference to what it does.
        Action::SyncNow { .. } | Action::SyncAt { .. } => Some(RemedyName::RetrySync),
        Action::Pause { .. } => Some(RemedyName::PauseConnection),
        Action::Resume => Some(RemedyName::ResumeConnection),
        Action::ResyncTables { .. } => Some(RemedyName::ResyncTable),
        Action::HistoricalResync => Some(RemedyName::HistoricalResync),
        Action::RunSetupTests => Some(RemedyName::RunSetupTests),
        Action::SetFrequency { .. } => None,
    }
}

/// What would do harm where a failure has this kind of cause, in the order of the remedies.
pub fn warnings(catalogue: &Catalogue, kind: Category, family: Option<&str>) -> Vec<Warned> {
    let mut all: Vec<Warned> = Vec::new();
    for remedy in RemedyName::ALL.iter().copied() {
        let Some(harm) = catalogue.harm(kind, family, remedy) else {
            continue;
        };
        let deed = danger::deed(remedy);
        match all.iter_mut().find(|warned| warned.harm == harm) {
            Some(same) => same.deeds.push(deed),
            None => all.push(Warned {
                deeds: vec![deed],
                harm,
            }),
        }
    }
    all
}

/// The same for the cause of an incident; nothing where too little is known of it to warn.
pub fn warnings_of(catalogue: &Catalogue, cause: &Cause) -> Vec<Warned> {
    match category(cause) {
        Some(kind) if cause.certainty().is_sure() => {
            warnings(catalogue, kind, cause.family.as_deref())
        }
        _ => Vec::new(),
    }
}

/// The page that says more about a cause, for a connector's type; its address is the catalogue's,
/// never the log's.
pub fn page<'a>(catalogue: &'a Catalogue, cause: &Cause, connector: &str) -> Option<&'a Page> {
    catalogue.page(category(cause)?, cause.family.as_deref(), connector, "")
}

/// Whether another sync may do harm by what the rules know. What a model alone says withholds
/// nothing: it explains, and decides nothing.
pub fn another_sync_does_harm(catalogue: &Catalogue, cause: &Cause) -> bool {
    let by_rules = !matches!(cause.opinion, Some(Opinion::Leads { .. }));
    by_rules && harm(catalogue, cause, RemedyName::RetrySync).is_some()
}

/// Whether nothing helps before a person has acted: then no sync is proposed. A guess is no reason to
/// withhold one.
pub fn only_a_person_helps(cause: &Cause) -> bool {
    // What a model alone says withholds nothing: it explains, and decides nothing.
    let by_rules = !matches!(cause.opinion, Some(Opinion::Leads { .. }));
    cause.certainty().is_sure() && by_rules && !remedies(cause).any(a_sync_may_help)
}

/// Whether the trouble may be over when a sync is tried again.
fn a_sync_may_help(remedy: RemedyName) -> bool {
    matches!(
        remedy,
        RemedyName::None
            | RemedyName::WaitAutoRetry
            | RemedyName::RetrySync
            | RemedyName::RunSetupTests
            | RemedyName::RescheduleOffPeak
    )
}

/// A remedy as a step for a person; none for what Syncgate does by itself, or what is no work.
fn step(remedy: RemedyName) -> Option<&'static str> {
    Some(match remedy {
        // The first is nothing; the second is the proposal; the third stands on the card anyway.
        RemedyName::None | RemedyName::RetrySync | RemedyName::NotifyOwner => return None,
        RemedyName::WaitAutoRetry => "Wait: Fivetran tries again by itself at its next turn.",
        RemedyName::RunSetupTests => "Run the connection's setup tests in Fivetran.",
        RemedyName::ReloadSchema => "Reload the schema in Fivetran.",
        RemedyName::ReviewSchemaChangeHuman => {
            "Look at what changed in the source's schema, and decide what to sync."
        }
        RemedyName::ExcludeTableOrColumn => {
            "Consider taking the failing table or column out of the sync."
        }
        RemedyName::ResyncTable => "Consider a re-sync of the affected tables; it costs time.",
        RemedyName::HistoricalResync => {
            "Consider a historical re-sync; it reads everything again and costs time."
        }
        RemedyName::PauseConnection => "Consider pausing the connection until it is mended.",
        RemedyName::ResumeConnection => "Resume the connection.",
        RemedyName::RescheduleOffPeak => "Move the sync to a quieter time of the source.",
        RemedyName::ReduceSyncFrequency => "Sync less often.",
        RemedyName::IncreaseSyncFrequency => "Sync more often.",
        RemedyName::ReconnectHuman => "Enter a valid credential in the connection's setup.",
        RemedyName::GrantSourcePermissionHuman => "Grant the missing privilege at the source.",
        RemedyName::OpenNetworkHuman => {
            "Check host, port, DNS, firewall, allowlist and tunnel between Fivetran and the source."
        }
        RemedyName::VerifyCertificateHuman => {
            "Check the new certificate or fingerprint with its owner before you trust it."
        }
        RemedyName::RaiseSourceQuotaHuman => "Ask for more quota at the source.",
        RemedyName::FixSourceConfigHuman => "Correct the setting in the connection's setup.",
        RemedyName::ExtendLogRetentionHuman => "Let the source keep its change log for longer.",
        RemedyName::FixSourceDataHuman => "Repair the record or file where it comes from.",
        RemedyName::ScaleSourceOrAgentHuman => "Give the source or the connector more room.",
        RemedyName::TuneSourceHuman => "Make the slow query faster, or its limit longer.",
        RemedyName::ResumeDestinationHuman => "Resume or repair the destination.",
        RemedyName::GrantDestinationPermissionHuman => {
            "Repair the login at the destination, or what it may do there."
        }
        RemedyName::ExpandDestinationHuman => "Give the destination more room.",
        RemedyName::SettleBillingHuman => "Pay, renew or change the plan.",
        RemedyName::OpenFivetranTicket => "Open a ticket with Fivetran's support.",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LogRead, Quote};

    fn cause(percent: u8, remedies: &[&str]) -> Cause {
        Cause {
            category: "credential_expired".to_owned(),
            percent,
            summary: String::new(),
            quotes: vec![Quote {
                origin: "log".to_owned(),
                text: "invalid_grant".to_owned(),
            }],
            remedies: remedies.iter().map(|&word| word.to_owned()).collect(),
            log: LogRead::Off,
            before: Vec::new(),
            family: None,
            opinion: None,
        }
    }

    #[test]
    fn a_sync_is_withheld_only_where_a_sure_cause_needs_a_person() {
        assert!(only_a_person_helps(&cause(95, &["reconnect_human"])));
        assert!(!only_a_person_helps(&cause(45, &["reconnect_human"])));
        assert!(!only_a_person_helps(&cause(95, &["wait_auto_retry"])));
        assert!(only_a_person_helps(&cause(95, &["historical_resync"])));
    }

    #[test]
    fn a_model_alone_withholds_nothing() {
        let mut lonely = cause(70, &["reconnect_human"]);
        assert!(only_a_person_helps(&lonely));
        let model = "m".to_owned();
        lonely.opinion = Some(Opinion::Leads { model });
        assert!(!only_a_person_helps(&lonely));
    }

    #[test]
    fn steps_are_in_their_order_and_unknown_words_are_left_out() {
        let told = steps(
            Catalogue::shipped(),
            &cause(
                95,
                &[
                    "retry_sync",
                    "historical_resync",
                    "rm_rf",
                    "open_network_human",
                    "notify_owner",
                ],
            ),
        );
        insta::assert_snapshot!(told.join("\n"), @"Check host, port, DNS, firewall, allowlist and tunnel between Fivetran and the source.");
    }

    #[test]
    fn no_sync_is_proposed_where_it_does_harm_whatever_is_recommended() {
        use crate::model::samples::connection;
        use crate::triage::{Remedy, remedy};

        let catalogue = Catalogue::shipped();
        let failed = connection();
        for kind in Category::ALL {
            for percent in [95, 45] {
                let mut cause = cause(percent, &["retry_sync", "wait_auto_retry"]);
                cause.category = kind.as_str().to_owned();
                let proposed =
                    matches!(remedy(catalogue, &failed, Some(&cause)), Remedy::Propose(_));
                let harmful = catalogue.is_dangerous(*kind, None, RemedyName::RetrySync);
                assert_eq!(proposed, !harmful, "{kind} {percent}");
                let words = steps(catalogue, &cause);
                let waits = catalogue.is_dangerous(*kind, None, RemedyName::WaitAutoRetry);
                assert_eq!(words.is_empty(), waits, "{kind}");
            }
        }
    }
}
