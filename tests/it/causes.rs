//! Why a sync failed, on its incident's card: from the log, from what Fivetran says, or not at all
//! (SPEC §2.2, I6).

use syncgate::fivetran::LogSource;
use syncgate::sim::fivetran::Outcome;
use tempfile::TempDir;

use crate::harness::people::{EMIL, VIV};
use crate::harness::{MINUTE, World, world};
use crate::incident::steady;

const HOST: &str = "UnknownHostException: db.internal.example";

/// A folder with the log, while the test runs.
pub struct Log(TempDir);

impl Log {
    /// Puts a row into the log, as Fivetran would.
    pub fn says(&self, at: &str, message: &str) {
        let data = serde_json::json!({ "message": message }).to_string();
        self.row(&format!("2026-11-23 {at}"), "SEVERE", "error", &data);
    }

    /// Puts a change of a table into it.
    pub fn changed(&self, at: &str, data: &str) {
        self.row(at, "INFO", "alter_table", data);
    }

    fn row(&self, at: &str, level: &str, event: &str, data: &str) {
        let row = serde_json::json!({
            "time_stamp": at, "event": level, "message_event": event,
            "message_data": data, "sync_id": at, "connection_id": "orders_id",
        });
        let file = format!("{}.jsonl", at.replace(':', "-"));
        std::fs::write(self.0.path().join(file), row.to_string()).unwrap();
    }
}

impl World {
    /// The service with an empty log, from now on.
    pub async fn with_log(&mut self) -> Log {
        let folder = tempfile::tempdir().unwrap();
        self.log = Some(LogSource::Files(folder.path().to_owned()));
        self.restart().await;
        self.webhooks();
        Log(folder)
    }

    /// A sync of `orders` fails at 07:01, and a webhook tells of it.
    pub async fn fails(&self, reason: &str) {
        self.syncs("orders_id", Outcome::fails_unknown(1, reason))
            .await;
        self.told_by_webhook().await;
    }
}

#[test]
fn a_webhook_brings_a_card_with_the_cause_and_its_proof() {
    world(async |w| {
        let log = w.with_log().await;
        log.says("07:00:58.000", HOST);
        log.says("06:29:00.000", "permission denied for table, long ago");
        w.fails("HTTP 503 Service Unavailable").await;
        insta::assert_snapshot!(steady(&w.incident()), @"
        Open · incident 1 · orders orders_id: the sync failed
        Since 23 Nov 08:01 CET, failed 1 time, last 23 Nov 08:01 CET.
        Cause, likely: network_unreachable. The source (postgres) cannot be reached from Fivetran, or refuses its address: DNS, firewall, allowlist, port or tunnel. It may also be this: The source (postgres) itself is down, starting, in maintenance or answers with errors of its own.
        1. log row of 2026-11-23 07:00:58.000, SEVERE error, line 1:
        | UnknownHostException: db.internal.example
        2. what the sync said:
        | HTTP 503 Service Unavailable
        Read from the log: 1 row.
        *Next*: A person must act first, as below; another sync would fail too.
        *What people can do*:
        1. Check host, port, DNS, firewall, allowlist and tunnel between Fivetran and the source.
        [Show lines] [I'm on it] [Dismiss] [… Silence its reminders for 1 h / Silence its reminders for 4 h]
        [Cause is right] [Partly] [Wrong]
        ~ audit #4 <hash>
        ");
        let explained = w.audit().await;
        let (_, facts) = explained
            .iter()
            .find(|(code, _)| code == "incident.explained")
            .unwrap();
        insta::assert_snapshot!(facts, @r#"{"category":"network_unreachable","cited":[{"line_sha256":"9154b3af6a0a8f394d04917d4ee697488056e06d56c7ddf4a04ae318e5ecf46c","origin":"log row of 2026-11-23 07:00:58.000, SEVERE error, line 1"},{"line_sha256":"029ccd6d4d11c3e4497ec0337c699571d1c26cf5a6c266d70e269c4614a9f102","origin":"what the sync said"}],"confidence":"likely","log":{"passed_over":0,"read":"rows","rows":1},"percent":76,"reason":"HTTP 503 Service Unavailable","remedies":["open_network_human"]}"#);
    });
}

#[test]
fn where_only_a_person_helps_there_are_steps_and_no_button() {
    world(async |w| {
        let log = w.with_log().await;
        log.says("07:00:58.000", HOST);
        w.fails("it failed").await;
        let card = w.incident();
        assert!(card.contains("A person must act first"), "{card}");
        assert!(card.contains("1. Check host, port, DNS"), "{card}");
        assert!(!card.contains("[Approve"), "{card}");
        assert!(!w.codes().await.contains(&"proposal.created".to_owned()));
    });
}

#[test]
fn a_fix_is_withdrawn_when_the_reason_says_that_only_a_person_helps() {
    world(async |w| {
        w.webhooks();
        let reason = "ORA-01017: invalid username/password";
        w.syncs("orders_id", Outcome::fails_unknown(1, reason))
            .await;
        // The poll does not know why.
        w.polls().await;
        assert!(
            w.incident().contains("[Approve the fix]"),
            "{}",
            w.incident()
        );
        w.told_by_webhook().await;
        let card = w.incident();
        assert!(card.contains("credential_expired"), "{card}");
        assert!(!card.contains("[Approve"), "{card}");
        w.command(EMIL, "approve 1").await;
        assert!(
            w.told(EMIL).contains("no longer needed"),
            "{}",
            w.told(EMIL)
        );
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn the_poll_finds_the_cause_in_the_log_alone() {
    world(async |w| {
        let log = w.with_log().await;
        log.says("07:00:58.000", HOST);
        w.syncs("orders_id", Outcome::fails_unknown(1, "nobody told"))
            .await;
        w.polls().await;
        let card = w.incident();
        assert!(card.contains("confirmed: network_unreachable"), "{card}");
        assert!(card.contains(HOST), "{card}");
        w.fivetran.take_webhooks();
    });
}

#[test]
fn without_a_log_the_card_stands_on_what_fivetran_says() {
    world(async |w| {
        w.webhooks();
        w.fails("ORA-01017: invalid username/password").await;
        let card = w.incident();
        assert!(card.contains("confirmed: credential_expired"), "{card}");
        assert!(card.contains("No log was read."), "{card}");
    });
}

#[test]
fn a_log_that_cannot_be_read_keeps_no_card_from_coming() {
    world(async |w| {
        let log = w.with_log().await;
        drop(log);
        w.fails("connection reset").await;
        let card = w.incident();
        assert!(card.contains("The log could not be read."), "{card}");
        assert!(card.contains("inconclusive"), "{card}");
        assert!(card.contains("[Approve the fix]"), "{card}");
    });
}

#[test]
fn rubbish_in_the_folder_is_passed_over_and_counted() {
    world(async |w| {
        let log = w.with_log().await;
        log.says("07:00:58.000", HOST);
        std::fs::write(log.0.path().join("core"), b"\x7fELF\0\0").unwrap();
        std::fs::write(log.0.path().join("empty.csv"), b"").unwrap();
        w.fails("it failed").await;
        let card = w.incident();
        assert!(
            card.contains("Read from the log: 1 row; 2 lines or files"),
            "{card}"
        );
        assert!(card.contains(HOST), "{card}");
    });
}

#[test]
fn i7_a_secret_in_the_log_goes_nowhere() {
    world(async |w| {
        let log = w.with_log().await;
        log.says(
            "07:00:58.000",
            "login failed for user ft, password=hunter2secret was sent",
        );
        w.fails("it failed").await;
        assert!(w.incident().contains("login failed for user ft"));
        w.command(VIV, "explain orders").await;
        assert!(w.told(VIV).contains("login failed"), "{}", w.told(VIV));
        let stored = format!("{:?}", w.rows().await);
        let sent = format!("{:?}", w.ledger.entries());
        let audit = format!("{:?}", w.records().await);
        for place in [stored, sent, audit] {
            assert!(!place.contains("hunter2secret"));
        }
    });
}

#[test]
fn i5_hostile_words_of_the_log_do_nothing_in_slack() {
    world(async |w| {
        let log = w.with_log().await;
        log.says(
            "07:00:58.000",
            "no such host <!channel> @here <https://evil.example|ok> *bold* `code`",
        );
        w.fails("it failed").await;
        let card = w.incident();
        assert!(card.contains("‹!channel> ＠here ‹https[:]//evil"), "{card}");
        let sent = w.ledger.entries();
        assert!(sent.iter().all(|entry| !entry.body.contains("<!channel>")));
    });
}

#[test]
fn a_failure_that_comes_again_is_explained_again_and_a_success_ends_it() {
    world(async |w| {
        let log = w.with_log().await;
        log.says("07:00:58.000", HOST);
        w.fails("it failed").await;
        assert!(w.incident().contains(HOST), "{}", w.incident());
        log.says(
            "07:02:00.000",
            "canceling statement due to statement timeout",
        );
        w.fails("it failed").await;
        let card = w.incident();
        assert!(card.contains("failed 2 times"), "{card}");
        assert!(card.contains("source_timeout"), "{card}");
        assert!(!card.contains(HOST), "that was another failure: {card}");
        w.click(EMIL, "Approve the fix").await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        w.pass(6 * MINUTE).await;
        w.told_by_webhook().await;
        let card = w.incident();
        assert!(card.starts_with("Resolved"), "{card}");
        assert!(!card.contains("What people can do"), "{card}");
    });
}

#[test]
fn people_ask_what_is_wrong_and_why() {
    world(async |w| {
        let log = w.with_log().await;
        w.command(VIV, "incidents").await;
        insta::assert_snapshot!(w.told(VIV), @"*Incidents*: none is open.");
        w.command(VIV, "explain orders").await;
        insta::assert_snapshot!(w.told(VIV), @"Nothing to explain: the last sync of orders orders_id did not fail.");
        w.fails("it failed").await;
        let card = w.incident();
        assert!(
            card.contains("The log has no row of this failure yet."),
            "{card}"
        );
        w.command(VIV, "incidents").await;
        insta::assert_snapshot!(w.told(VIV), @"
        *Incidents*: 1 open.
        1 orders since 23 Nov 08:01 CET, failed 1 time; inconclusive: source_unavailable
        ");
        log.says("07:00:58.000", HOST);
        w.command(VIV, "explain #1").await;
        insta::assert_snapshot!(w.told(VIV), @"
        Explained: orders orders_id, incident 1, failed 23 Nov 08:01 CET.
        Cause, confirmed: network_unreachable. The source (postgres) cannot be reached from Fivetran, or refuses its address: DNS, firewall, allowlist, port or tunnel.
        1. log row of 2026-11-23 07:00:58.000, SEVERE error, line 1:
        | UnknownHostException: db.internal.example
        2. what the sync said:
        | it failed
        Read from the log: 1 row.
        *What people can do*:
        1. Check host, port, DNS, firewall, allowlist and tunnel between Fivetran and the source.
        ");
        w.command(VIV, "explain").await;
        assert!(w.told(VIV).contains("Write"), "{}", w.told(VIV));
        assert_eq!(w.incident(), card, "an answer for one changes no card");
    });
}
