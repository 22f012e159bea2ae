use super::*;

fn with(text: &str) -> Result<Catalogue, String> {
    Catalogue::with(&[("ours.yml".to_owned(), text.to_owned())])
}

fn wrong(text: &str) -> String {
    with(text).unwrap_err()
}

#[test]
fn what_is_shipped_is_whole() {
    let read = Catalogue::read(&FILES).unwrap();
    for category in Category::ALL {
        let known = read.entries().any(|entry| entry.category == *category);
        assert_eq!(known, *category != Category::NoFailure, "{category}");
        let link = read.entry_of(*category).and_then(|e| e.link.as_ref());
        assert_eq!(link.is_some(), known, "{category}");
    }
    assert!(read.entries().all(|entry| !entry.remedies.is_empty()));
    assert_eq!(
        read.entries().count(),
        Catalogue::shipped().entries().count()
    );
}

#[test]
fn nothing_that_is_shipped_recommends_what_is_dangerous() {
    for entry in Catalogue::shipped().entries() {
        let family = entry.family.as_deref();
        for remedy in entry.remedies.iter().chain(&entry.while_it_still_syncs) {
            let catalogue = Catalogue::shipped();
            let harm = catalogue.harm(entry.category, family, *remedy);
            assert_eq!(harm, None, "{family:?} {}: {remedy}", entry.category);
        }
    }
}

const OURS: &str = r#"
- family: billing_gateway
  category: source_unavailable
  cause: "Our billing gateway is being restarted."
  link: https://runbooks.example.com/gateway
  remedies: [wait_auto_retry, notify_owner]
  dangerous: [reschedule_off_peak]
  exact: ['ACME-GW-\d{3}']
"#;

#[test]
fn a_users_entry_is_read_beside_the_shipped_ones() {
    let catalogue = with(OURS).unwrap();
    let ours = catalogue.entries().find(|entry| entry.own).unwrap();
    assert_eq!(ours.family.as_deref(), Some("billing_gateway"));
    assert!(ours.find(b"acme-gw-503").is_some() && ours.find(b"acme").is_none());
    let kind = Category::SourceUnavailable;
    let page = |family| catalogue.page(kind, family, "postgres_rds", "snowflake");
    let page = |family| page(family).unwrap().as_str();
    assert_eq!(
        page(Some("billing_gateway")),
        "https://runbooks.example.com/gateway"
    );
    assert_eq!(page(None), "https://www.postgresql.org/docs/current/");
}

#[test]
fn a_family_adds_to_what_is_dangerous_and_takes_nothing_away() {
    let catalogue = with(OURS).unwrap();
    let kind = Category::SourceUnavailable;
    let dangerous = |family, remedy| catalogue.is_dangerous(kind, family, remedy);
    let ours = Some("billing_gateway");
    assert!(dangerous(ours, RemedyName::RescheduleOffPeak));
    assert!(!dangerous(None, RemedyName::RescheduleOffPeak));
    assert!(dangerous(ours, RemedyName::ReconnectHuman));
}

#[test]
fn what_is_inherited_is_without_what_the_family_calls_dangerous() {
    let text = "- {family: ours, category: source_rate_limited, cause: Throttled., dangerous: [reschedule_off_peak], clear: [acme]}";
    let catalogue = with(text).unwrap();
    let ours = catalogue.family(Category::SourceRateLimited, Some("ours"));
    assert_eq!(ours.unwrap().remedies, [RemedyName::WaitAutoRetry]);
}

#[test]
fn the_page_is_that_of_the_side_that_failed() {
    let page = |kind, connector, destination| {
        let page = Catalogue::shipped().page(kind, None, connector, destination);
        page.unwrap().as_str().to_owned()
    };
    let destination = Category::DestinationCapacity;
    assert_eq!(
        page(destination, "mysql", "snowflake"),
        "https://docs.snowflake.com"
    );
    assert_eq!(
        page(destination, "mysql", ""),
        "https://fivetran.com/docs/destinations"
    );
    let source = Category::SourceTimeout;
    assert_eq!(
        page(source, "aurora_postgres", ""),
        "https://www.postgresql.org/docs/current/"
    );
    assert_eq!(
        page(source, "unheard_of", ""),
        "https://fivetran.com/docs/connectors"
    );
    let theirs = Category::FivetranInternal;
    assert_eq!(
        page(theirs, "mysql", "snowflake"),
        "https://support.fivetran.com"
    );
}

#[test]
fn what_is_wrong_is_told_with_its_file_and_place() {
    let told = wrong(
        r#"- family: Ours
  category: source_timeout
  cause: ""
  link: http://example.com
  remedies: [historical_resync]
  dangerous: [tune_source_human]
  exact: ['(', 'x*']
- category: config_error
  cause: A setting.
- family: nothing
  category: config_error
  cause: A setting.
- family: contrary
  category: config_error
  cause: A setting.
  remedies: [notify_owner]
  dangerous: [notify_owner]
  vague: [acme]
"#,
    );
    insta::assert_snapshot!(told, @r"
    ours.yml: line 1, column 11: a family is up to 60 small letters, digits and _
    ours.yml: line 3, column 10: the cause is one or two sentences of up to 300 characters
    ours.yml: line 4, column 9: a link is an https address of up to 200 letters, digits and -._~/, without a query
    ours.yml: line 5, column 14: `historical_resync` is dangerous for source_timeout: it asks even more of what gives too little already
    ours.yml: line 7, column 11: no regular expression: unclosed group
    ours.yml: line 7, column 16: the sign fits every text, since it fits the empty one
    ours.yml: line 8, column 13: the entry has no `family`; give it a name
    ours.yml: line 11, column 13: it has no sign; give at least one of decisive, exact, clear, vague
    ours.yml: line 16, column 14: `notify_owner` is dangerous for config_error: the entry itself calls it dangerous
    ");
}

#[test]
fn words_that_are_not_of_the_closed_sets_are_told_with_their_place() {
    let entry = |rest: &str| format!("- family: ours\n  cause: It broke.\n  exact: [acme]\n{rest}");
    for (rest, told) in [
        (
            "  category: gone_fishing\n",
            "line 4, column 13: unknown variant `gone_fishing`, expected one of credential_expired,",
        ),
        (
            "  category: config_error\n  remedies: [delete_connection]\n",
            "line 5, column 14: unknown variant `delete_connection`, expected one of none,",
        ),
        (
            "  category: config_error\n  remedy: [notify_owner]\n",
            "line 5, column 3: unknown field `remedy`, expected one of family, category,",
        ),
        (
            "  category: config_error\n  cause: Twice.\n",
            "line 5, column 3: duplicate mapping key: cause",
        ),
    ] {
        let found = wrong(&entry(rest));
        assert!(found.starts_with(&format!("ours.yml: {told}")), "{found}");
        assert!(!found.contains("Options"), "{found}");
    }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let told = wrong(&"#".repeat(300_000));
    assert!(
        told.starts_with("ours.yml: line 1, column 1: the file has 300000 bytes"),
        "{told}"
    );
    let entry = "- {family: a, category: config_error, cause: c, exact: [acme]}\n";
    let told = wrong(&entry.repeat(501));
    assert!(told.ends_with("501 entries; at most 500"), "{told}");
}

#[test]
fn a_users_sign_wins_over_a_shipped_one_that_is_no_stronger() {
    use crate::triage::analyst::judge;
    use crate::triage::case::{Case, LogRow};
    use crate::triage::redact::Redactor;

    let said = "ORA-01017: invalid username/password; ACME-GW-017";
    let data = serde_json::json!({ "status": "FAILURE", "reason": said });
    let case = Case {
        logs: vec![LogRow {
            message_event: "sync_end".to_owned(),
            message_data: Some(data.to_string()),
            sync_id: Some("s".to_owned()),
            ..LogRow::default()
        }],
        ..Case::default()
    };
    let redactor = Redactor::new(&[]).unwrap();
    let shipped = judge(&case, Catalogue::shipped(), &redactor);
    assert_eq!(shipped.category, Category::CredentialExpired);
    let judged = judge(&case, &with(OURS).unwrap(), &redactor);
    assert_eq!(judged.category, Category::SourceUnavailable);
    assert_eq!(judged.family.as_deref(), Some("billing_gateway"));
    assert_eq!(judged.certainty(), "confirmed");
    // A stronger one of ours stands: a hint of the user's does not outdo a code.
    let hint = OURS.replace("exact:", "vague:");
    let judged = judge(&case, &with(&hint).unwrap(), &redactor);
    assert_eq!(judged.category, Category::CredentialExpired);
}
