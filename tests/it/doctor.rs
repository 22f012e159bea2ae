//! `syncgate doctor`: what is well, what is not and how to mend it, without changing anything.

use serde_json::Value;
use syncgate::model::{Clock, Ctx};
use syncgate::sim::fault::{Fault, FaultKind};
use syncgate::sim::ledger::Service;

use crate::harness::people::POLICY;
use crate::harness::{CHANNEL, Database, SECRETS};
use crate::operator::ok;
use crate::process::{Stage, runtime, stage};

/// The lines of `doctor` and its exit code; none of our secrets is in them.
async fn examined(s: &Stage) -> (i32, String) {
    let out = s.run(&["doctor"]).await;
    let said = [out.stdout, out.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    for secret in SECRETS {
        assert!(!said.contains(secret), "a secret: {said}");
    }
    (out.status.code().unwrap(), said)
}

/// What it says of a stage that never served, after a change.
fn examine(change: impl Fn(&mut Stage)) -> (i32, String) {
    runtime().block_on(async {
        let database = Database::Sqlite(tempfile::tempdir().unwrap());
        let mut s = Stage::new(database, POLICY).await;
        s.set("FIVETRAN_WEBHOOK_SECRET", "");
        change(&mut s);
        let (code, said) = examined(&s).await;
        assert_eq!(s.writes().len(), 0);
        (
            code,
            said.replace(&s.folder.path().display().to_string(), "FOLDER"),
        )
    })
}

/// The lines that are not `ok`.
fn complaints((code, said): (i32, String)) -> String {
    let lines = said.lines().filter(|line| !line.starts_with("ok "));
    let lines: Vec<&str> = lines
        .filter(|line| !line.contains("there is no database"))
        .collect();
    format!("exit {code}\n{}", lines.join("\n"))
}

#[test]
fn beside_a_running_service_all_is_well_and_nothing_is_changed() {
    stage(async |s| {
        s.start().await;
        let url = format!("http://{}", s.address());
        s.set("SYNCGATE_PUBLIC_URL", &url);
        ok(s, &["webhook", "install", "--yes"]).await;
        s.quiet().await;
        // The service itself chains the receipts of what came in whenever it has time.
        let records = async |s: &Stage| {
            let audit = s.audit().await.into_iter();
            audit
                .filter(|record| record.code != "inbound.taken")
                .count()
        };
        let before = (records(s).await, s.writes().len());
        let (code, said) = examined(s).await;
        assert_eq!(code, 0, "{said}");
        let on_postgres = matches!(s.database, Database::Postgres { .. });
        for line in said.lines() {
            // The tests' own schema switches synchronous_commit off.
            let expected =
                line.starts_with("warn  durability") == on_postgres || !line.contains("durability");
            assert!(expected, "{said}");
            assert!(
                line.starts_with("ok ") || line.starts_with("warn  durability"),
                "{said}"
            );
        }
        for check in [
            "settings",
            "policy",
            "database",
            "durability",
            "Slack token",
            "Slack scopes",
            "Slack clock",
            "Slack channel C0DATAOPS",
            "Slack user groups",
            "Fivetran key",
            "Fivetran clock",
            "Fivetran connections",
            "Fivetran webhook",
            "model",
        ] {
            assert!(said.contains(&format!("  {check}: ")), "{check}:\n{said}");
        }
        let json: Value = serde_json::from_str(&ok(s, &["doctor", "--json"]).await).unwrap();
        assert_eq!(json["ok"], true);
        assert_eq!(
            json["checks"].as_array().unwrap().len(),
            said.lines().count()
        );
        assert_eq!((records(s).await, s.writes().len()), before);
    });
}

#[test]
fn before_the_first_start_it_says_that_there_is_no_database_yet() {
    let (code, said) = examine(|_| {});
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("warn  database: "), "{said}");
    assert!(said.contains("`syncgate serve` makes it"), "{said}");
}

#[test]
fn a_wrong_token_is_told_and_what_hangs_on_it_is_not_checked() {
    let found = examine(|s| s.set("SLACK_BOT_TOKEN", "xoxb-not-the-one"));
    assert!(!found.1.contains("xoxb-not-the-one"), "{}", found.1);
    insta::assert_snapshot!(complaints(found), @r"
        exit 1
        fail  Slack token: Slack refused with invalid_auth → The token is not valid any more: install the app again and set SLACK_BOT_TOKEN.
        warn  Slack scopes: not checked: Slack did not say who we are
        warn  Slack clock: not checked: Slack did not say who we are
        warn  Slack channels: not checked: Slack did not say who we are
        warn  Slack user groups: not checked: Slack did not say who we are
        ");
}

#[test]
fn missing_scopes_are_named() {
    let found = examine(|s| {
        s.slack.set_scope("users:read", false);
        s.slack.set_scope("app_mentions:read", false);
    });
    insta::assert_snapshot!(complaints(found), @r"
        exit 1
        fail  Slack scopes: missing: app_mentions:read, users:read → Add it to the app under OAuth & Permissions (manifest.yml names all), then install the app again.
        ");
    let found = examine(|s| s.slack.set_scope("groups:history", false));
    insta::assert_snapshot!(complaints(found), @r"
        exit 0
        warn  Slack scopes: missing: groups:history; a card whose answer was lost may come twice → Add it to the app under OAuth & Permissions (manifest.yml names all), then install the app again.
        ");
    let found = examine(|s| s.slack.set_scope("files:write", false));
    insta::assert_snapshot!(complaints(found), @r"
        exit 0
        warn  Slack scopes: missing: files:write; plans come without a picture → Add it to the app under OAuth & Permissions (manifest.yml names all), then install the app again.
        ");
}

#[test]
fn a_channel_without_the_bot_is_told_whatever_the_token_may_read() {
    let out = |s: &mut Stage| s.slack.change_channel(CHANNEL, |c| c.is_member = false);
    insta::assert_snapshot!(complaints(examine(out)), @r"
        exit 1
        fail  Slack channel C0DATAOPS: Slack refused with not_in_channel → Invite the bot: type /invite @syncgate in the channel.
        ");
    let blind = |s: &mut Stage| {
        s.slack.set_scope("channels:read", false);
        s.slack.set_scope("groups:read", false);
        s.slack.set_scope("im:read", false);
    };
    assert_eq!(complaints(examine(blind)), "exit 0\n");
    let found = examine(|s| {
        blind(s);
        out(s);
    });
    insta::assert_snapshot!(complaints(found), @r"
        exit 1
        fail  Slack channel C0DATAOPS: Slack refused with not_in_channel → Invite the bot: type /invite @syncgate in the channel.
        ");
}

#[test]
fn a_group_that_slack_does_not_have_is_named() {
    let found = examine(|s| {
        let policy = POLICY.replace("S0DATAENG", "\"@nobodys\"");
        std::fs::write(s.folder.path().join("policy.yml"), policy).unwrap();
    });
    insta::assert_snapshot!(complaints(found), @r"
        exit 1
        fail  Slack user groups: Slack has no enabled user group nobodys → Correct the policy, or make the group in Slack.
        ");
}

#[test]
fn a_wrong_fivetran_key_is_told() {
    let found = examine(|s| s.set("FIVETRAN_API_SECRET", "not-the-one-0007"));
    assert!(!found.1.contains("not-the-one-0007"), "{}", found.1);
    insta::assert_snapshot!(complaints(found), @r"
        exit 1
        fail  Fivetran key: Fivetran refuses the API key: GET /v1/account/info: 401: AuthFailed: Invalid authorization credentials → Set FIVETRAN_API_KEY and FIVETRAN_API_SECRET to a system key that is valid and may do CONNECTOR: MANAGE and DESTINATION: READ.
        warn  Fivetran clock: not checked: Fivetran did not say who we are
        warn  Fivetran connections: not checked: Fivetran did not say who we are
        warn  Fivetran webhook: not checked: Fivetran did not say who we are
        ");
}

#[test]
fn a_missing_policy_and_missing_settings_are_told_at_once() {
    let found = examine(|s| s.set("SYNCGATE_POLICY", "no-such.yml"));
    insta::assert_snapshot!(complaints(found), @r"
        exit 1
        fail  policy: SYNCGATE_POLICY: cannot read no-such.yml: No such file or directory (os error 2); start from policy.example.yml → Mend the file; `syncgate policy check` shows it line by line.
        warn  Slack channels: not checked: the policy is not good
        warn  Slack user groups: not checked: the policy is not good
        ");
    let found = examine(|s| {
        s.set("SLACK_BOT_TOKEN", "");
        s.set("FIVETRAN_API_KEY", "");
    });
    insta::assert_snapshot!(complaints(found), @r"
        exit 1
        fail  SLACK_BOT_TOKEN: is not set; it is the xoxb- token on your Slack app's page under OAuth & Permissions → Set it in the environment or in .env.
        fail  FIVETRAN_API_KEY: is not set; make a system key in Fivetran under Account Settings, API Config → Set it in the environment or in .env.
        warn  Slack token: not checked: the settings are not complete
        warn  Slack scopes: not checked: the settings are not complete
        warn  Slack clock: not checked: the settings are not complete
        warn  Slack channels: not checked: the settings are not complete
        warn  Slack user groups: not checked: the settings are not complete
        warn  Fivetran key: not checked: the settings are not complete
        warn  Fivetran clock: not checked: the settings are not complete
        warn  Fivetran connections: not checked: the settings are not complete
        warn  Fivetran webhook: not checked: the settings are not complete
        ");
}

#[test]
fn a_clock_that_goes_wrong_is_told_before_signatures_are_refused() {
    insta::assert_snapshot!(
        complaints(examine(|s| s.skip(120))).replace("121 s", "120 s").replace("119 s", "120 s"), @r"
        exit 0
        warn  Slack clock: our clock is 120 s ahead of theirs → Set this machine's clock (NTP).
        warn  Fivetran clock: our clock is 120 s ahead of theirs → Set this machine's clock (NTP).
        ");
    let (code, said) = examine(|s| s.skip(400));
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("fail  Slack clock: our clock is "), "{said}");
    assert!(said.contains("signatures are refused"), "{said}");
}

#[test]
fn a_webhook_that_is_not_registered_is_told() {
    let found = examine(|s| {
        s.set("SYNCGATE_PUBLIC_URL", "https://gate.example.com/");
        s.set("FIVETRAN_WEBHOOK_SECRET", crate::harness::WEBHOOK_SECRET);
    });
    insta::assert_snapshot!(complaints(found), @r"
        exit 1
        fail  Fivetran webhook: No webhook of the account posts to this address. → Run `syncgate webhook install` while `serve` runs.
        ");
}

#[test]
fn peers_that_hang_cost_seconds_and_not_the_answer() {
    // Takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let began = Ctx::new(Clock::machine()).monotonic();
    let found = examine(|s| {
        for service in [Service::Slack, Service::Fivetran] {
            s.faults
                .add(Fault::always(service, "", FaultKind::Hang { apply: false }));
        }
        s.set("DATABASE_URL", &format!("postgres://nobody@{address}/none"));
    });
    println!("all down: {:?}", began.elapsed());
    let said = complaints(found);
    assert!(said.starts_with("exit 1\n"), "{said}");
    for line in [
        "fail  database: DATABASE_URL: the database does not open",
        "fail  Slack token: Slack gave no good answer: no answer in time",
        "fail  Fivetran key: Fivetran cannot be reached",
        "warn  Slack channels: not checked: Slack did not say who we are",
    ] {
        assert!(said.contains(line), "{line}:\n{said}");
    }
}
