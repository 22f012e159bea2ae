//! The picture of a plan: it comes after the card, by an edit, once, or not at all; the card never
//! waits for it and never suffers from it.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use syncgate::model::ProposalId;
use syncgate::sim::fault::FaultKind;
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::{Message, plain};

use crate::harness::people::{ANA, EMIL, ERIN, POLICY};
use crate::harness::{CHANNEL, Database, World, world, world_with};
use crate::process::{Stage, by_signal, runtime};

/// A minute, in which everything is settled that can be.
const MINUTE: Duration = Duration::from_secs(60);

impl World {
    /// A plan with one line, for the connection that waits for two people.
    async fn plans(&self) {
        let now = self.now();
        self.edit("sales_id", |c| {
            c.succeeded_at = Some(now - TimeDelta::hours(5))
        });
        self.command(ANA, "plan now").await;
    }

    fn plan_card(&self) -> Message {
        self.cards(CHANNEL).pop().unwrap()
    }

    /// The pictures that a message shows.
    fn shown(&self) -> Vec<String> {
        pictures(&self.plan_card().blocks)
    }

    /// How often the card's edits brought or took away a picture.
    fn turns(&self) -> usize {
        let card = self.plan_card();
        let before = card.versions.iter().map(|v| pictures(&v.blocks));
        let mut all: Vec<Vec<String>> = before.collect();
        all.push(pictures(&card.blocks));
        all.windows(2).filter(|pair| pair[0] != pair[1]).count()
    }

    fn uploads(&self) -> usize {
        self.slack_calls("files.completeUploadExternal").len()
    }

    /// What is said of the plan's picture in the database.
    async fn given_up(&self) -> Vec<String> {
        let sql = "SELECT error FROM pictures WHERE run_after IS NULL AND error IS NOT NULL";
        self.ask(sql).await
    }

    /// The card lives on: people approve it, and it is done.
    async fn is_approved(&mut self) {
        self.command(EMIL, "approve 1").await;
        self.command(ERIN, "approve 1").await;
        self.pass(MINUTE).await;
        assert_eq!(
            self.fivetran_saw(),
            "sales_id SyncStarted { force: false }",
            "{}",
            self.card()
        );
        assert_eq!(self.state(), "Done");
    }
}

fn pictures(blocks: &[Value]) -> Vec<String> {
    let images = blocks.iter().filter(|b| b["type"] == "image");
    let named = images.map(|b| {
        b["slack_file"]["id"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    });
    named.collect()
}

#[test]
fn the_card_comes_first_and_then_its_picture_by_an_edit() {
    world(async |w| {
        w.plans().await;
        let card = w.plan_card();
        let first = card.versions.first().map_or(&card.blocks, |v| &v.blocks);
        assert!(pictures(first).is_empty(), "the card waits for nothing");
        w.pass(MINUTE).await;
        let files = w.slack.files();
        assert_eq!(w.shown(), files);
        assert_eq!((files.len(), w.turns()), (1, 1));
        let (mime, bytes) = w.slack.file(&files[0]).unwrap();
        assert_eq!(mime, "image/png");
        assert!(bytes.len() > 5_000, "{}", bytes.len());
        let card = plain(&w.plan_card());
        let words = "(image: The plan as a picture, Mon 23 Nov 08:00 to Tue 24 Nov 08:00, times in Europe/Berlin.
salesforce: proposed now; by itself every 6 h, next end Mon 09:00.";
        assert!(card.contains(words), "{card}");
        assert!(card.contains("[Approve] [Modify…] [Reject…]"), "{card}");
        // Nothing else was posted for it, and it stays when the plan is done.
        assert_eq!(w.all_messages().len(), 1, "{}", w.channel());
        w.is_approved().await;
        assert_eq!(w.shown(), files);
        assert_eq!((w.uploads(), w.turns()), (1, 1));
    });
}

#[test]
fn what_people_have_approved_already_is_in_the_picture_and_its_words() {
    world(async |w| {
        // To be synced at 08:50, which two people approve.
        w.command(ANA, "plan now").await;
        w.command(EMIL, "approve 1").await;
        w.command(ERIN, "approve 1").await;
        let now = w.now();
        w.edit("hub_id", |c| {
            c.schedule_type = "manual".to_owned();
            c.rescheduled_for = Some(now - TimeDelta::minutes(10));
        });
        w.command(ANA, "plan now").await;
        w.seconds(60).await;
        let card = w.card();
        assert!(card.contains("hubspot: proposed now; by itself"), "{card}");
        let told = "salesforce: proposed Mon 10:40; approved Mon 08:50; by itself";
        assert!(card.contains(told), "{card}");
        w.leaves_work = true;
    });
}

#[test]
fn an_unchanged_day_has_no_picture() {
    world_with(&crate::harness::people::without_age(), async |w| {
        w.command(ANA, "plan now").await;
        w.pass(MINUTE).await;
        assert!(w.channel().contains("changes nothing"));
        assert_eq!(w.count("pictures").await, 0);
        assert_eq!(w.uploads(), 0);
    });
}

#[test]
fn a_file_that_slack_still_works_on_is_waited_for() {
    world(async |w| {
        w.slack.set_file_delay(2);
        w.plans().await;
        w.pass(MINUTE).await;
        assert_eq!(w.slack_calls("files.info").len(), 3, "two looks too early");
        assert_eq!((w.shown().len(), w.turns(), w.uploads()), (1, 1, 1));
    });
}

#[test]
fn a_card_that_slack_refuses_for_its_picture_goes_without_and_gets_it_later() {
    world(async |w| {
        w.slack.refuse_images(2);
        w.plans().await;
        w.pass(Duration::from_secs(120)).await;
        let edits = w.slack_calls("chat.update");
        let with = edits.iter().filter(|e| !pictures(blocks(e)).is_empty());
        assert_eq!(with.count(), 3, "twice refused, then taken");
        assert_eq!((w.shown().len(), w.turns(), w.uploads()), (1, 1, 1));
        let degraded = w.ask("SELECT key FROM messages WHERE degraded").await;
        assert!(degraded.is_empty(), "the card itself was made plainer");
        w.is_approved().await;
    });
}

#[test]
fn a_picture_that_slack_refuses_costs_the_next_revision_nothing() {
    world(async |w| {
        let now = w.now();
        w.edit("hub_id", |c| {
            c.schedule_type = "manual".to_owned();
            c.rescheduled_for = Some(now - TimeDelta::minutes(10));
        });
        w.plans().await;
        w.click(EMIL, "Modify…").await;
        while w.count("pictures WHERE ready").await == 0 {
            w.clock.advance(Duration::from_secs(1));
            w.app().run_picture().await.unwrap();
        }
        // The plan is changed while the card with its picture is on its way, which is refused.
        w.slack.refuse_images(1);
        let slow = FaultKind::Delay(Duration::from_millis(1_200));
        w.fault(Service::Slack, "/api/chat.update", slow);
        let app = w.app().clone();
        let sender = tokio::spawn(async move { app.deliver_one().await });
        while w.faults.waiting() > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        let view = w.slack.views(EMIL).pop().unwrap();
        let dropped = [("line:0:keep", "drop")];
        assert!(w.slack.submit(EMIL, &view.id, &dropped).await.ok());
        w.take_up().await;
        sender.await.unwrap().unwrap();
        w.settle().await;
        let card = w.card();
        assert!(card.contains("in revision 2"), "{card}");
        assert!(card.contains("[Approve] [Modify…] [Reject…]"), "{card}");
        w.pass(MINUTE).await;
        assert_eq!((w.shown().len(), w.uploads()), (1, 2));
        assert_eq!(w.count("pictures WHERE refused > 0").await, 0);
        // Nor does a refusal that comes later still, about a file that the card shows no more.
        let mut tx = w.app().store.begin().await.unwrap();
        let old = w.slack.files().remove(0);
        let refused = tx.picture_refused(ProposalId(1), &old, w.now(), 5, "late");
        assert_eq!(refused.await.unwrap(), None);
        tx.commit().await.unwrap();
    });
}

#[test]
fn a_picture_that_slack_never_takes_is_given_up_and_the_card_stands() {
    world(async |w| {
        w.slack.refuse_images(1_000);
        w.plans().await;
        w.pass(Duration::from_secs(600)).await;
        let edits = w.slack_calls("chat.update");
        let with = edits.iter().filter(|e| !pictures(blocks(e)).is_empty());
        assert_eq!(with.count(), 5);
        assert!(w.shown().is_empty());
        assert_eq!(w.given_up().await.len(), 1);
        let health = w.app().health().await.unwrap();
        assert_eq!((health.messages_waiting, health.messages_dead), (0, 0));
        w.is_approved().await;
    });
}

#[test]
fn without_the_scopes_the_card_stays_as_it_is() {
    for scope in ["files:write", "files:read"] {
        world(async |w| {
            w.slack.set_scope(scope, false);
            w.plans().await;
            w.pass(MINUTE).await;
            assert!(w.shown().is_empty(), "{scope}");
            let why = w.given_up().await;
            assert!(why[0].contains(scope), "{scope}: {why:?}");
            let calls = w.slack_calls("files.").len();
            w.pass(MINUTE).await;
            assert_eq!(w.slack_calls("files.").len(), calls, "{scope}: tried again");
            w.is_approved().await;
        });
    }
}

#[test]
fn a_shut_door_is_waited_for() {
    world(async |w| {
        let busy = FaultKind::rate_limited(30);
        w.fault(Service::Slack, "/api/files.getUploadURLExternal", busy);
        w.plans().await;
        w.seconds(20).await;
        assert_eq!(w.slack_calls("files.getUploadURLExternal").len(), 1);
        w.seconds(20).await;
        assert_eq!(w.slack_calls("files.getUploadURLExternal").len(), 2);
        w.pass(MINUTE).await;
        assert_eq!((w.shown().len(), w.turns()), (1, 1));
    });
}

#[test]
fn a_fault_at_any_step_leaves_one_picture_in_the_end() {
    let steps = [
        "/api/files.getUploadURLExternal",
        "/upload/v1/",
        "/api/files.completeUploadExternal",
        "/api/files.info",
    ];
    for step in steps {
        world(async |w| {
            for fault in [
                FaultKind::answer(503, "<html>"),
                FaultKind::Close { apply: false },
                FaultKind::Close { apply: true },
                FaultKind::answer(200, "no JSON"),
            ] {
                w.fault(Service::Slack, step, fault);
            }
            w.plans().await;
            assert_eq!(w.state(), "Proposed");
            w.pass(Duration::from_secs(300)).await;
            assert_eq!((w.shown().len(), w.turns()), (1, 1), "{step}");
            assert_eq!(w.given_up().await, Vec::<String>::new());
        });
    }
}

#[test]
fn an_upload_address_that_is_not_slacks_gets_nothing() {
    world(async |w| {
        let elsewhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/upload/v1/1", elsewhere.local_addr().unwrap());
        let answer = json!({"ok": true, "file_id": "F0ELSEWHERE", "upload_url": address});
        let answer = FaultKind::answer(200, answer.to_string());
        w.fault(Service::Slack, "/api/files.getUploadURLExternal", answer);
        w.plans().await;
        w.pass(MINUTE).await;
        let called = tokio::time::timeout(Duration::from_millis(50), elsewhere.accept()).await;
        assert!(called.is_err(), "it was called");
        let why = w.given_up().await;
        assert!(
            why[0].contains("does not point to Slack") && !why[0].contains("127.0.0.1"),
            "{why:?}"
        );
        w.is_approved().await;
    });
}

#[test]
fn an_outage_of_slack_costs_nobody_the_plan() {
    let policy = format!("{POLICY}\ndigest: {{at: \"08:30\"}}\n");
    world_with(&policy, async |w| {
        w.down(Service::Slack).await;
        w.pass(Duration::from_secs(7_200)).await;
        assert!(w.cards(CHANNEL).is_empty());
        w.up(Service::Slack).await;
        w.pass(MINUTE).await;
        assert_eq!(w.state(), "Proposed");
        assert_eq!((w.shown().len(), w.turns(), w.uploads()), (1, 1, 1));
    });
}

#[test]
fn a_restart_between_upload_and_edit_goes_on_with_the_same_file() {
    world(async |w| {
        w.slack.set_file_delay(3);
        w.plans().await;
        assert!(w.shown().is_empty());
        w.restart().await;
        w.pass(MINUTE).await;
        assert_eq!((w.shown().len(), w.turns(), w.uploads()), (1, 1, 1));
    });
}

/// The process dies on the way of a picture into Slack, and is started again.
async fn dies_at(point: &str, database: Database) {
    let mut s = Stage::new(database, POLICY).await;
    let long_ago = s.slack.now() - TimeDelta::hours(5);
    s.fivetran
        .change("sales_id", |c| c.succeeded_at = Some(long_ago));
    s.start_with(&[("SYNCGATE_CRASH_AT", point)]).await;
    assert!(s.types(ANA, "plan now").await.ok());
    let status = s.died().await;
    assert!(by_signal(status, 6), "{point}: {status}: {}", s.log());
    // The dead process's lease is over.
    s.skip(60);
    s.start().await;
    let shown = |s: &Stage| -> Vec<String> {
        let cards = s.cards(CHANNEL);
        cards.iter().flat_map(|c| pictures(&c.blocks)).collect()
    };
    s.until("the picture", async |s| shown(s).len() == 1).await;
    s.quiet().await;
    assert_eq!(shown(&s).len(), 1, "{point}");
    assert_eq!(s.slack.files(), shown(&s), "{point}: uploaded twice");
    assert_eq!(
        (s.cards(CHANNEL).len(), s.states()),
        (1, vec!["Proposed".into()]),
        "{point}"
    );
    s.check().await;
    s.end().await;
}

#[test]
fn a_death_at_any_step_leaves_one_picture_in_the_end() {
    const POINTS: [&str; 4] = [
        "picture-marked",
        "picture-named",
        "picture-uploaded",
        "picture-shown",
    ];
    runtime().block_on(async {
        let each = POINTS.iter().flat_map(|point| {
            let engines = Database::engines().into_iter();
            engines.map(move |database| dies_at(point, database))
        });
        let all: Vec<()> = stream::iter(each).buffer_unordered(4).collect().await;
        assert!(all.len() >= POINTS.len());
    });
}

#[test]
fn a_plan_that_is_decided_meanwhile_needs_no_picture() {
    world(async |w| {
        w.slack.set_file_delay(5);
        w.plans().await;
        w.is_approved().await;
        w.pass(MINUTE).await;
        assert!(w.shown().is_empty());
        assert_eq!(w.count("pictures WHERE run_after IS NOT NULL").await, 0);
        assert_eq!(w.given_up().await, Vec::<String>::new(), "no fault either");
    });
}

#[test]
fn a_superseded_plan_keeps_its_picture_and_the_new_one_gets_its_own() {
    world(async |w| {
        w.plans().await;
        w.pass(MINUTE).await;
        let old = w.shown();
        w.command(ANA, "plan now").await;
        w.pass(MINUTE).await;
        let cards = w.cards(CHANNEL);
        assert!(cards[0].text.starts_with("Superseded"));
        assert_eq!(pictures(&cards[0].blocks), old);
        assert_eq!(w.shown().len(), 1);
        assert_ne!(w.shown(), old);
    });
}

#[test]
fn a_changed_plan_never_shows_the_picture_of_the_old_one() {
    world(async |w| {
        let now = w.now();
        w.edit("hub_id", |c| {
            c.schedule_type = "manual".to_owned();
            c.rescheduled_for = Some(now - TimeDelta::minutes(10));
        });
        w.plans().await;
        w.pass(MINUTE).await;
        let old = w.shown();
        assert!(w.card().contains("hubspot: proposed now"), "{}", w.card());
        w.click(EMIL, "Modify…").await;
        assert!(w.submit(EMIL, &[("line:0:keep", "drop")]).await.ok());
        let card = w.plan_card();
        let by_revision = card
            .versions
            .iter()
            .map(|v| &v.blocks)
            .chain([&card.blocks]);
        for blocks in by_revision.filter(|b| json!(b).to_string().contains("in revision ")) {
            assert!(!pictures(blocks).iter().any(|p| old.contains(p)));
        }
        w.pass(MINUTE).await;
        assert_eq!(w.shown().len(), 1);
        assert_ne!(w.shown(), old);
        let card = w.card();
        assert!(card.contains("hubspot: by itself never."), "{card}");
        assert!(card.contains("salesforce: proposed now"), "{card}");
    });
}

#[test]
fn a_name_with_a_secret_or_a_call_stands_in_no_picture() {
    world(async |w| {
        let secret = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        let name = format!("<!channel> {secret}");
        let now = w.now();
        w.edit("hub_id", |c| {
            c.schema.clone_from(&name);
            c.schedule_type = "manual".to_owned();
            c.rescheduled_for = Some(now - TimeDelta::minutes(10));
        });
        w.plans().await;
        w.pass(MINUTE).await;
        let card = w.plan_card();
        let image = card.blocks.iter().find(|b| b["type"] == "image").unwrap();
        let alt = image["alt_text"].as_str().unwrap();
        assert!(
            !alt.contains(&secret) && !alt.contains("<!channel>"),
            "{alt}"
        );
        let facts = w.ask("SELECT facts FROM pictures").await;
        assert!(!facts[0].contains(&secret), "{facts:?}");
    });
}

#[test]
fn a_deleted_file_costs_the_card_nothing() {
    world(async |w| {
        w.plans().await;
        w.pass(MINUTE).await;
        assert_eq!(w.shown().len(), 1);
        // Somebody deletes the file: Slack takes no message any more that shows it.
        w.slack.refuse_images(1_000);
        w.command(EMIL, "approve 1").await;
        w.pass(MINUTE).await;
        assert!(w.shown().is_empty());
        assert!(w.card().contains("1 of 2"), "{}", w.card());
        w.command(ERIN, "approve 1").await;
        w.pass(MINUTE).await;
        assert_eq!(w.state(), "Done");
        assert_eq!(w.fivetran_saw(), "sales_id SyncStarted { force: false }");
    });
}

fn blocks(call: &Value) -> &[Value] {
    call["blocks"].as_array().map_or(&[], Vec::as_slice)
}
