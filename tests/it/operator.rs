//! The emergency handles on the terminal, beside a running `serve` and without one.

use serde_json::Value;
use syncgate::model::Clock;
use syncgate::sim::fivetran::Connection;
use syncgate::sim::slack::plain;

use crate::harness::people::{ANA, EMIL, POLICY};
use crate::harness::{CHANNEL, Database};
use crate::process::{Stage, get_text, runtime, signal, stage};

/// Runs a subcommand that succeeds, and gives what it printed.
pub async fn ok(s: &Stage, arguments: &[&str]) -> String {
    let out = s.run(arguments).await;
    let said = String::from_utf8(out.stdout).unwrap();
    let complained = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{arguments:?}: {said}{complained}");
    said
}

/// Runs a subcommand that the user must act on, and gives what it said.
pub async fn no(s: &Stage, arguments: &[&str]) -> String {
    let out = s.run(arguments).await;
    assert_eq!(out.status.code(), Some(1), "{arguments:?}: {out:?}");
    let said = [out.stdout, out.stderr].concat();
    String::from_utf8(said).unwrap()
}

async fn asked(s: &mut Stage) {
    s.start().await;
    assert!(s.types(ANA, "pause orders for 2h").await.ok());
    s.says("Proposed").await;
}

async fn paused(s: &mut Stage) {
    asked(s).await;
    assert!(s.clicks(EMIL, "Approve").await.unwrap().ok());
    s.says("Done").await;
    s.quiet().await;
}

#[test]
fn t183_a_halt_from_the_terminal_stops_what_is_approved_and_survives_kill_9() {
    stage(async |s| {
        asked(s).await;
        let said = ok(s, &["halt", "vendor", "is", "down"]).await;
        insta::assert_snapshot!(said, @"Halted. Nothing is sent to Fivetran until `syncgate unhalt`.");
        assert_eq!(ok(s, &["halt"]).await, "Halted already.\n");
        assert!(s.clicks(EMIL, "Approve").await.unwrap().ok());
        s.says("Halted").await;
        s.kill();
        assert!(ok(s, &["status"]).await.starts_with("HALTED by "));
        s.start().await;
        s.none(&["inbox_waiting", "messages_waiting"]).await;
        assert_eq!((s.effects(), s.writes().len()), (String::new(), 0));
        assert!(s.channel().contains("vendor is down"), "{}", s.channel());
        let status: Value = serde_json::from_str(&ok(s, &["status", "--json"]).await).unwrap();
        assert_eq!(status["halted"]["reason"], "vendor is down");
        assert_eq!(status["actions_open"], 1);
        insta::assert_snapshot!(ok(s, &["unhalt"]).await, @"Unhalted. What is not past its time goes on.");
        s.quiet().await;
        assert_eq!(s.effects(), "orders_id Paused");
        insta::assert_snapshot!(ok(s, &["unhalt"]).await, @"Not halted: there is nothing to let go on.");
        let status = ok(s, &["status"]).await;
        assert!(
            status.starts_with("not halted\noverride: orders_id by proposal 1, ends "),
            "{status}"
        );
    });
}

#[test]
fn a_halt_without_a_service_is_in_force_when_it_starts() {
    stage(async |s| {
        asked(s).await;
        s.quiet().await;
        s.kill();
        ok(s, &["halt"]).await;
        s.start().await;
        assert!(s.clicks(EMIL, "Approve").await.unwrap().ok());
        s.says("Halted").await;
        assert_eq!(s.writes().len(), 0);
        ok(s, &["unhalt"]).await;
        s.quiet().await;
        assert_eq!(s.effects(), "orders_id Paused");
    });
}

#[test]
fn i10_restore_beside_a_running_service_ends_every_override() {
    stage(async |s| {
        paused(s).await;
        let said = ok(s, &["restore"]).await;
        insta::assert_snapshot!(said, @r"
        To be taken back: 1.
        Done. Their cards follow as soon as the service runs.
        ");
        s.says("Undone").await;
        s.quiet().await;
        assert_eq!(s.effects(), "orders_id Paused\norders_id Resumed");
        assert!(
            ok(s, &["restore"])
                .await
                .starts_with("To be taken back: 0.\n")
        );
    });
}

#[test]
fn i10_restore_without_a_service_does_it_itself() {
    stage(async |s| {
        paused(s).await;
        s.kill();
        ok(s, &["restore"]).await;
        assert_eq!(s.effects(), "orders_id Paused\norders_id Resumed");
        s.start().await;
        s.says("Undone").await;
        s.quiet().await;
        assert_eq!(s.effects(), "orders_id Paused\norders_id Resumed");
    });
}

#[test]
fn i10_restore_under_a_halt_says_what_it_waits_for() {
    stage(async |s| {
        paused(s).await;
        ok(s, &["halt"]).await;
        let said = no(s, &["restore"]).await;
        assert!(
            said.starts_with("To be taken back: 1.\nHalted by "),
            "{said}"
        );
        assert!(said.contains("run `syncgate unhalt` first"), "{said}");
        let status = ok(s, &["status"]).await;
        assert!(
            status.contains("override: orders_id by proposal 1, is being taken back"),
            "{status}"
        );
        assert_eq!(s.effects(), "orders_id Paused");
        ok(s, &["unhalt"]).await;
        s.says("Undone").await;
        s.quiet().await;
        assert_eq!(s.effects(), "orders_id Paused\norders_id Resumed");
    });
}

#[test]
fn restore_without_a_service_sends_nothing_that_only_waits_for_its_turn() {
    stage(async |s| {
        paused(s).await;
        ok(s, &["halt"]).await;
        assert!(s.types(ANA, "sync hubspot").await.ok());
        s.says("Halted").await;
        s.kill();
        ok(s, &["unhalt"]).await;
        ok(s, &["restore"]).await;
        assert_eq!(s.effects(), "orders_id Paused\norders_id Resumed");
        s.start().await;
        s.quiet().await;
        assert!(
            s.effects().contains("hub_id SyncStarted"),
            "{}",
            s.effects()
        );
    });
}

#[test]
fn the_audit_commands_read_beside_a_running_service() {
    stage(async |s| {
        paused(s).await;
        let verified = ok(s, &["audit", "verify"]).await;
        assert!(verified.starts_with("The chain holds: "), "{verified}");
        let records = s.audit().await;
        let csv = ok(s, &["audit", "export", "--format", "csv"]).await;
        let mut table = csv::Reader::from_reader(csv.as_bytes());
        let header = table.headers().unwrap().clone();
        let codes = header.iter().position(|name| name == "code").unwrap();
        let codes: Vec<String> = table
            .records()
            .map(|r| r.unwrap()[codes].to_owned())
            .collect();
        let exported: Vec<_> = records.iter().map(|record| record.code.clone()).collect();
        assert_eq!(codes, exported);
        let story = ok(s, &["audit", "show", "1"]).await;
        for code in [
            "proposal.created",
            "decision.approve",
            "action.intended",
            "action.done",
        ] {
            assert!(story.contains(code), "{code}:\n{story}");
        }
        assert_eq!(
            no(s, &["audit", "show", "99"]).await,
            "There is no proposal 99.\n"
        );
        // The card is the witness.
        let card = plain(&s.cards(CHANNEL)[0]);
        let (_, footer) = card.split_once("audit #").unwrap();
        let head: Vec<&str> = footer.split([' ', '·']).take(2).collect();
        let witness = head.join(":");
        ok(s, &["audit", "verify", "--witness", &witness]).await;
        let forged = format!("{}:{}", head[0], "0".repeat(12));
        let broken = no(s, &["audit", "verify", "--witness", &forged]).await;
        assert!(broken.starts_with("The chain is broken: "), "{broken}");
        assert!(
            s.state().await["slack_known"].as_bool().unwrap(),
            "the service goes on"
        );
    });
}

#[test]
fn without_a_database_the_handles_say_how_one_is_made() {
    runtime().block_on(async {
        let database = Database::Sqlite(tempfile::tempdir().unwrap());
        let s = Stage::new(database, POLICY).await;
        let file = s.settings["DATABASE_URL"].replace("sqlite://", "");
        let commands: [&[&str]; 4] = [&["status"], &["halt"], &["unhalt"], &["audit", "verify"]];
        for command in commands {
            let said = no(&s, command).await;
            let expected = format!(
                "DATABASE_URL: there is no database at {file}; `syncgate serve` makes it\n"
            );
            assert_eq!(said, expected, "{command:?}");
        }
        assert!(!std::path::Path::new(&file).exists());
    });
}

#[test]
fn the_demo_opens_with_a_plan_and_an_incident_on_its_page() {
    runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let mut demo = std::process::Command::new(env!("CARGO_BIN_EXE_syncgate"))
            .arg("demo")
            .env_clear()
            .env("SYNCGATE_BIND", "127.0.0.1:0")
            .current_dir(folder.path())
            .stdout(std::fs::File::create(&out).unwrap())
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let mut seen = String::new();
        for _ in 0..600 {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            let said = std::fs::read_to_string(&out).unwrap();
            let Some((_, rest)) = said.split_once("open http://") else {
                continue;
            };
            let address = rest.split(' ').next().unwrap().parse().unwrap();
            seen = get_text(address, "/")
                .await
                .map(|(_, page)| page)
                .unwrap_or_default();
            if seen.contains("Plan of ") && seen.contains("Open") && seen.contains("Approve") {
                break;
            }
        }
        signal(demo.id(), "TERM");
        let status = demo.wait().unwrap();
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert!(
            seen.contains("Plan of ") && seen.contains("Open"),
            "{seen}\n{log}"
        );
        // Its reason stands on the incident's card and nowhere else.
        let (_, card) = seen.split_once("incident 1").expect("the incident");
        let reason = card.find("HTTP 503 Service Unavailable");
        let remedy = card.find("Approve the fix");
        assert!(reason.is_some() && reason < remedy, "{card}");
        assert_eq!(status.code(), Some(0), "{log}");
    });
}

/// The plan beside a running service: the same text twice, and nothing stored, posted or sent.
#[test]
fn the_plan_on_the_terminal_reads_and_does_nothing_else() {
    stage(async |s| {
        // So that none of them syncs by itself meanwhile.
        for id in ["orders_id", "sales_id", "hub_id"] {
            let manual = |c: &mut Connection| c.schedule_type = "manual".to_owned();
            assert!(s.fivetran.change(id, manual));
        }
        let at = Clock::machine().now() + chrono::TimeDelta::hours(3);
        let at = at.to_rfc3339();
        let json = ["plan", "--json", "--at", &at];
        let before = ok(s, &json).await;
        s.start().await;
        s.quiet().await;
        assert_eq!(ok(s, &json).await, before, "with a service and without one");
        let plan: Value = serde_json::from_str(&before).unwrap();
        assert_eq!(
            (&plan["connections"], &plan["timezone"]),
            (&4.into(), &"Europe/Berlin".into())
        );
        let change = &plan["changes"][0];
        assert_eq!(change["connection"], "sales_id");
        assert_eq!(change["action"]["do"], "sync_now");
        assert_eq!(
            (&change["mode"], &change["channel"]),
            (&"copilot".into(), &CHANNEL.into())
        );
        let words = ok(s, &["plan", "--at", &at]).await;
        assert!(words.contains(": 1 change for 4 connections.\n"), "{words}");
        assert!(
            words.contains("  salesforce sales_id: sync now\n    Its data is 3 h old"),
            "{words}"
        );
        assert_eq!((s.channel(), s.writes().len()), (String::new(), 0));
    });
}

#[test]
fn the_plan_on_the_terminal_names_what_is_missing_and_needs_no_slack() {
    stage(async |s| {
        s.start().await;
        s.quiet().await;
        let whole = s.settings.clone();
        s.settings.remove("SLACK_BOT_TOKEN");
        s.settings.remove("SLACK_SIGNING_SECRET");
        s.set("DATABASE_URL", "sqlite://nowhere.db");
        ok(s, &["plan"]).await;
        let wrong = no(s, &["plan", "--at", "tomorrow"]).await;
        assert!(wrong.contains("write a time with its zone"), "{wrong}");
        s.settings.remove("FIVETRAN_API_KEY");
        s.set("SYNCGATE_POLICY", "nowhere.yml");
        let wrong = no(s, &["plan"]).await;
        assert!(
            wrong.contains("FIVETRAN_API_KEY: is not set")
                && wrong.contains("SYNCGATE_POLICY: cannot read nowhere.yml"),
            "{wrong}"
        );
        s.settings = whole;
    });
}
