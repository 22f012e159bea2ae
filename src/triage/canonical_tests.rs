//! The best known sentence of each system means what everybody knows it to mean, and words that only
//! look like a sign make nobody certain.

use super::*;
use crate::triage::case::{ApiStatus, LogRow};

/// What is said of a sync that failed with these words while reading, or while loading.
fn judged(reason: &str, loading: bool) -> Judgement {
    let row = |event: &str, data: serde_json::Value| LogRow {
        message_event: event.to_owned(),
        message_data: Some(data.to_string()),
        sync_id: Some("s".to_owned()),
        ..LogRow::default()
    };
    let mut logs = Vec::new();
    if loading {
        logs.push(row(
            "write_to_table_start",
            serde_json::json!({ "table": "t" }),
        ));
    }
    let end = serde_json::json!({ "status": "FAILURE", "reason": reason });
    logs.push(row("sync_end", end));
    let case = Case {
        connector_service: "the_source".to_owned(),
        destination_service: "the_destination".to_owned(),
        logs,
        api_status: ApiStatus::default(),
        ..Case::default()
    };
    judge(&case, Catalogue::shipped(), &Redactor::new(&[]).unwrap())
}

#[test]
fn the_best_known_sentences_mean_what_everybody_knows() {
    let told = |(sentence, loading): (&str, bool)| {
        let j = judged(sentence, loading);
        format!(
            "{sentence}\n  {} {} {}",
            j.category,
            j.certainty(),
            j.root_cause
        )
    };
    let reading = [
        "FATAL: password authentication failed for user \"fivetran\"",
        "ORA-00942: table or view does not exist",
        "ORA-01017: invalid username/password; logon denied",
        "Got fatal error 1236 from master: Could not find first log file name in binary log index file",
        "Access to binary log denied: missing REPLICATION SLAVE privilege",
        "ERROR: permission denied for table orders",
        "Table orders doesn’t exist",
        "ssl.SSLCertVerificationError: certificate verify failed: unable to get local issuer certificate",
        "Permission denied (publickey).",
        "java.net.UnknownHostException: db.example.internal",
        "HTTP 401 Unauthorized, headers {X-RateLimit-Limit=5000, X-RateLimit-Remaining=4990}",
        "HTTP 429 Too Many Requests",
        "HTTP 402 Payment Required",
        "HTTP 503 Service Unavailable",
        "canceling statement due to statement timeout",
        "java.lang.OutOfMemoryError: Java heap space",
        "java.lang.NullPointerException",
        "ANMELDUNG FÜR DEN BENUTZER 'etl' FEHLGESCHLAGEN",
    ];
    let loading = [
        "Statement failed on table orders: NULL result in a non-nullable column",
        "Query exceeded memory limit on table orders",
        "Warehouse 'LOAD' cannot be resumed because resource monitor 'M' has exceeded its quota.",
        "permission denied for schema raw",
    ];
    let all = reading.map(|s| (s, false)).into_iter();
    let all: Vec<_> = all.chain(loading.map(|s| (s, true))).map(told).collect();
    insta::assert_snapshot!(all.join("\n"), @r#"
    FATAL: password authentication failed for user "fivetran"
      credential_expired confirmed The database (the_source) refuses the login: the user or its password is wrong, expired, locked or was changed.
    ORA-00942: table or view does not exist
      schema_change confirmed A table, view, column, key or type that the sync depends on was dropped, renamed or changed.
    ORA-01017: invalid username/password; logon denied
      credential_expired confirmed The source (the_source) does not accept the login: a password, key or token is wrong, expired or revoked.
    Got fatal error 1236 from master: Could not find first log file name in binary log index file
      replication_log_lost confirmed The saved position in the change log of the database (the_source) is gone, or about to go: changes since then cannot be read.
    Access to binary log denied: missing REPLICATION SLAVE privilege
      permission_denied confirmed The database user of the source (the_source) may log in, but not read something that the sync needs.
    ERROR: permission denied for table orders
      permission_denied confirmed The database user of the source (the_source) may log in, but not read something that the sync needs.
    Table orders doesn’t exist
      schema_change confirmed A table, view or column of the database (the_source) that the sync reads is gone, renamed or of another type.
    ssl.SSLCertVerificationError: certificate verify failed: unable to get local issuer certificate
      certificate_or_fingerprint confirmed Trust in the other end fails at TLS or SSH: its certificate, host key or protocol is not what was expected.
    Permission denied (publickey).
      credential_expired confirmed The SSH or SFTP server of the source (the_source) refuses the user, the key or the password.
    java.net.UnknownHostException: db.example.internal
      network_unreachable confirmed The source (the_source) cannot be reached from Fivetran, or refuses its address: DNS, firewall, allowlist, port or tunnel.
    HTTP 401 Unauthorized, headers {X-RateLimit-Limit=5000, X-RateLimit-Remaining=4990}
      credential_expired likely The source (the_source) does not accept the login: a password, key or token is wrong, expired or revoked.
    HTTP 429 Too Many Requests
      source_rate_limited confirmed The service (the_source) throttles: its quota or rate of calls is used up for now.
    HTTP 402 Payment Required
      billing_or_plan_limit confirmed A bill, a trial, a plan or a closed account stops it; only settling that helps.
    HTTP 503 Service Unavailable
      source_unavailable confirmed The service (the_source) itself is down, overloaded, in maintenance, or answers with errors of its own.
    canceling statement due to statement timeout
      source_timeout confirmed A query at the database (the_source) takes longer than it may, waits for a lock, or was cancelled.
    java.lang.OutOfMemoryError: Java heap space
      resource_exhausted confirmed The connector's code, its agent or the source (the_source) runs out of memory, disk or slots.
    java.lang.NullPointerException
      fivetran_internal confirmed Something inside the pipeline or the connector's code is in a state that only its maintainers can repair.
    ANMELDUNG FÜR DEN BENUTZER 'etl' FEHLGESCHLAGEN
      credential_expired confirmed The database (the_source) refuses the login: the user or its password is wrong, expired, locked or was changed.
    Statement failed on table orders: NULL result in a non-nullable column
      malformed_data likely A record or file cannot be read, converted or loaded because of what is in it.
    Query exceeded memory limit on table orders
      destination_capacity likely The destination (the_destination) has no room left: disk, credits, query slots, memory, columns or a size limit.
    Warehouse 'LOAD' cannot be resumed because resource monitor 'M' has exceeded its quota.
      destination_capacity confirmed The destination (the_destination) has no room left: disk, credits, query slots, memory, columns or a size limit.
    permission denied for schema raw
      destination_permission confirmed The login at the destination (the_destination) fails, or its role lacks a privilege.
    "#);
}

#[test]
fn words_that_only_look_like_a_sign_make_nobody_certain_of_it() {
    use Category as C;
    for (sentence, never) in [
        (
            "could not connect: 42 of 402 partitions failed, Connection refused",
            C::BillingOrPlanLimit,
        ),
        (
            "deadlock detected: Process 402 waits for ShareLock",
            C::BillingOrPlanLimit,
        ),
        (
            "GET /accounts/402/reports: 401 Unauthorized",
            C::BillingOrPlanLimit,
        ),
        (
            "Container memory usage 2.1 GB exceeds its limit",
            C::BillingOrPlanLimit,
        ),
        ("database disk usage limit reached", C::BillingOrPlanLimit),
        (
            "Mar 12 03:00:01 db connection limit exceeded",
            C::BillingOrPlanLimit,
        ),
        ("Webhook subscription expired", C::BillingOrPlanLimit),
        ("Connection timed out after 429 ms", C::SourceRateLimited),
        (
            "Retry attempt (#4) failed: login failed for user",
            C::SourceRateLimited,
        ),
        (
            "HTTP 401 Unauthorized, headers {X-RateLimit-Limit=5000}",
            C::SourceRateLimited,
        ),
        (
            "Relationship Owner is not in the schema of Contact",
            C::NetworkUnreachable,
        ),
        (
            "zip file is not in the expected folder",
            C::NetworkUnreachable,
        ),
        (
            "The field Membership is not in the report",
            C::NetworkUnreachable,
        ),
        ("membership restricted for this user", C::NetworkUnreachable),
        ("batch-813 failed", C::NetworkUnreachable),
        ("time slot 12:00 to 13:00 exceeded", C::ReplicationLogLost),
        (
            "Access to binary log denied: missing REPLICATION SLAVE privilege",
            C::ReplicationLogLost,
        ),
        (
            "Lost connection, server-id 123 (Connection refused)",
            C::ConfigError,
        ),
        ("view orders_v does not exist", C::ConfigError),
        (
            "Query was killed by administrator after 90 s",
            C::ResourceExhausted,
        ),
    ] {
        let judgement = judged(sentence, false);
        let certain = judgement.category == never && judgement.confidence >= LIKELY;
        assert!(!certain, "{sentence}: {judgement:?}");
    }
    for sentence in [
        "Deadlock found on table orders",
        "Query exceeded memory limit on table x",
        "Duplicate row found in merge on table orders",
        "Connection timed out while loading on schema public",
        "value too long for column on table x",
    ] {
        let judgement = judged(sentence, true);
        let certain =
            judgement.category == C::DestinationPermission && judgement.confidence >= LIKELY;
        assert!(!certain, "{sentence}: {judgement:?}");
    }
}
