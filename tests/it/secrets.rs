//! What must stay home: our own secrets, and those that others let slip.

use serde_json::json;
use sha2::{Digest, Sha256};
use syncgate::config::{Settings, Variables};
use syncgate::sim::fault::FaultKind;
use syncgate::sim::fivetran::{Group, Notice, Outcome};
use syncgate::sim::ledger::Service;

use crate::harness::people::{ANA, EMIL, ERIN, POLICY, VIV};
use crate::harness::{
    API_KEY, API_SECRET, BOT_TOKEN, CHANNEL, SIGNING_SECRET, WEBHOOK_SECRET, World, world,
    world_with,
};

const OURS: [&str; 5] = [
    BOT_TOKEN,
    SIGNING_SECRET,
    API_KEY,
    API_SECRET,
    WEBHOOK_SECRET,
];

/// A secret of two halves, and a sentence that holds it.
macro_rules! theirs {
    (($front:literal, $back:literal), $before:literal, $after:literal) => {
        (
            concat!($front, $back),
            concat!($before, $front, $back, $after),
        )
    };
}

/// Secrets of other people, each in words that come from outside. The marks are put together here, so that no file holds
/// what a scanner would take for a real one.
const THEIRS: [(&str, &str); 6] = [
    theirs!(
        ("hunter2-", "Xq7"),
        "cannot connect to postgres://ana:",
        "@db.internal:5432/orders"
    ),
    theirs!(("s3cr3t-", "Kd93"), "FATAL: login failed, password=", ""),
    theirs!(("AKIA", "IOSFODNN7EXAMPLF"), "denied for key ", ""),
    theirs!(
        ("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"),
        "git said ",
        ""
    ),
    theirs!(("jane.roe", "@corp.example"), "ask ", " about it"),
    theirs!(
        (
            "eyJhbGciOiJIUzI1NiJ9",
            ".eyJzdWIiOiJhIn0.dBjftJeZ4CVPmB92K27u"
        ),
        "Authorization: Bearer ",
        ""
    ),
];

pub fn leaks(text: &str) -> Vec<&'static str> {
    let all = OURS.into_iter().chain(THEIRS.map(|(secret, _)| secret));
    all.filter(|secret| text.contains(secret)).collect()
}

/// A sentence with every secret there is.
pub fn everything() -> String {
    let theirs = THEIRS.map(|(_, sentence)| sentence).join("\n");
    format!(
        "{theirs}\n{}",
        OURS.map(|secret| format!("we saw {secret} there"))
            .join("\n")
    )
}

/// Lets every secret come in by every way there is.
async fn plant(w: &World) {
    let (all, now) = (everything(), w.now());
    w.edit("sales_id", |c| {
        c.failed_at = Some(now);
        c.tasks.push(Notice {
            details: Some(all.clone()),
            ..Notice::new("reconnect", &all)
        });
        c.warnings.push(Notice::new("slow", &all));
    });
    let failed = Outcome::fails(5, "reconnect", &all, &all);
    let hook = w
        .fivetran
        .webhook_request("sales_id", "sync-1", Some(&failed))
        .unwrap();
    assert_eq!(w.send(w.as_fivetran(hook.body)).await.status, 200);
    let odd = json!({
        "event": all, "created": all, "connector_id": "hub_id", "connector_name": all, "sync_id": all,
        "data": {"status": all, "reason": all, "taskType": all, "more": all}, "more": all,
    });
    assert_eq!(w.send(w.as_fivetran(odd.to_string())).await.status, 200);
    w.settle().await;
    w.command(VIV, &all).await;
    w.command(VIV, &format!("status {all}")).await;
    assert!(
        w.slack
            .mention(VIV, CHANNEL, &format!("status {all}"), None)
            .await
            .ok()
    );
    w.command(ANA, "pause orders for 2h").await;
    w.command(EMIL, &format!("reject 2 {all}")).await;
    w.command(ANA, "pause orders for 2h").await;
    assert!(w.press(EMIL, "Reject…").await.ok());
    w.settle().await;
    assert!(w.submit(EMIL, &[("reason", &all)]).await.ok());
    w.fault(
        Service::Fivetran,
        "/v1/connections/orders_id",
        FaultKind::answer(400, refusal()),
    );
    w.command(ANA, "sync orders").await;
    w.fault(
        Service::Fivetran,
        "/v1/connections/hub_id/sync",
        FaultKind::answer(400, refusal()),
    );
    w.command(ANA, "sync hubspot").await;
}

pub fn refusal() -> String {
    json!({"code": "InvalidInput", "message": everything()}).to_string()
}

#[test]
fn i7_t126_no_secret_reaches_slack_fivetran_the_database_or_an_answer() {
    world(async |w| {
        plant(w).await;
        let rows = w.rows().await;
        assert!(
            rows.iter().any(|(_, row)| row.contains("‹secret-")),
            "nothing was planted"
        );
        for (table, row) in rows {
            assert_eq!(leaks(&row), Vec::<&str>::new(), "{table}: {row}");
        }
        for entry in w.ledger.entries() {
            let sent = format!("{} {}", entry.path, entry.body);
            assert_eq!(leaks(&sent), Vec::<&str>::new(), "{sent}");
        }
        for path in ["/healthz", "/readyz", "/metrics"] {
            let answer = w.get(path).await;
            assert_eq!(leaks(&answer.body), Vec::<&str>::new(), "{path}");
        }
        assert!(w.channel().contains("‹secret-"), "{}", w.channel());
    });
}

#[test]
fn i7_the_inbox_keeps_the_hash_of_what_came() {
    world(async |w| {
        let command = w
            .slack
            .command_request(VIV, CHANNEL, "status password=s3cr3t-Kd93");
        assert!(w.slack.deliver(&command).await.ok());
        let hashes = w.ask("SELECT raw_sha256 FROM inbox").await;
        assert_eq!(hashes, [hex::encode(Sha256::digest(&command.body))]);
        w.settle().await;
    });
}

#[test]
fn t128_neither_settings_nor_environment_can_be_printed() {
    world(async |w| {
        let variables =
            Variables::of([("SLACK_BOT_TOKEN", BOT_TOKEN), ("HOME_BANKING_PIN", "9137")]);
        let database = Settings {
            database: "postgres://u:hunter2-Xq7@db/x".into(),
            ..settings(w)
        };
        let shown = format!(
            "{:?} {:?} {variables:?} {database:?} {:?}",
            w.settings,
            w.app().fivetran,
            w.app().slack
        );
        assert_eq!(leaks(&shown), Vec::<&str>::new(), "{shown}");
        assert!(!shown.contains("9137"), "{shown}");
    });
}

fn settings(w: &World) -> Settings {
    Settings::read(&Variables::of([
        ("SLACK_BOT_TOKEN", BOT_TOKEN),
        ("SLACK_SIGNING_SECRET", SIGNING_SECRET),
        ("SLACK_API_URL", w.settings.slack_api.as_str()),
        ("FIVETRAN_API_KEY", API_KEY),
        ("FIVETRAN_API_SECRET", API_SECRET),
        ("FIVETRAN_WEBHOOK_SECRET", WEBHOOK_SECRET),
    ]))
    .unwrap()
}

/// An e-mail address in names that people gave in Fivetran. The policy matches what Fivetran says, so
/// the tables that it is matched with hold that; nothing else does.
#[test]
fn i7_a_secret_in_a_name_stays_home_and_the_policy_still_matches_the_name() {
    let (secret, _) = THEIRS[4];
    let policy = POLICY
        .replace("{service: postgres}", "{group: \"*jane.roe*\"}")
        .replace("max_pause: 6h", "tier: critical");
    world_with(&policy, async |w| {
        let now = w.now();
        w.fivetran
            .add_group(Group::new("g_jane", &format!("of {secret}"), "snowflake"));
        w.edit("hub_id", |c| {
            c.group_id = "g_jane".to_owned();
            c.schema = format!("hub_{secret}");
            c.failed_at = Some(now);
        });
        w.polls().await;
        w.command(VIV, "status").await;
        w.command(VIV, "status hub_id").await;
        w.command(ANA, "pause hub_id for 1h").await;
        w.click_on(EMIL, 2, "Approve").await;
        assert!(
            w.card_of(2).contains("Approvals: 1 of 2"),
            "{}",
            w.card_of(2)
        );
        w.click_on(ERIN, 2, "Approve").await;
        assert_eq!(w.fivetran_saw(), "hub_id Paused");
        let matched = ["connections", "groups", "revisions"];
        for (table, row) in w.rows().await {
            if !matched.iter().any(|name| table.starts_with(name)) {
                assert!(!row.contains(secret), "{table}: {row}");
            }
        }
        for entry in w.ledger.entries() {
            let sent = format!("{} {}", entry.path, entry.body);
            assert!(!sent.contains(secret), "{sent}");
        }
        assert!(w.channel().contains("‹email-"), "{}", w.channel());
    });
}
