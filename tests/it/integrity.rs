//! What was approved is what runs, whatever the database or Fivetran became meanwhile (SPEC I1, I2).

use std::time::Duration;

use chrono::TimeDelta;
use syncgate::model::{Proposal, StepState};
use syncgate::sim::fivetran::Connection;

use crate::dice::Dice;
use crate::harness::people::{ANA, EMIL, LEAD, without_age};
use crate::harness::{World, world, world_with};

/// A schedule change, approved and not yet sent; gives its number.
async fn approved(w: &World) -> i64 {
    let now = w.fivetran.connection("orders_id").unwrap().sync_frequency;
    let next = if now == 60 { "2h" } else { "1h" };
    w.command(ANA, &format!("schedule orders every {next}"))
        .await;
    let id: i64 = w
        .sql_text("SELECT CAST(max(id) AS TEXT) FROM proposals")
        .await
        .parse()
        .unwrap();
    assert!(w.press_on(EMIL, id, "Approve").await.ok());
    w.decide_only().await;
    id
}

#[test]
fn t043_i1_a_changed_row_of_what_was_approved_is_not_executed() {
    world(async |w| {
        let tampering = [
            "UPDATE revisions SET canonical = replace(canonical, '\"paused\":false', '\"paused\":true') WHERE proposal_id = {}",
            "UPDATE revisions SET canonical = replace(canonical, '\"do\":\"set_frequency\"', '\"do\":\"pause\",\"until\":\"2027-01-01T00:00:00Z\"') WHERE proposal_id = {}",
            "UPDATE revisions SET canonical = replace(canonical, 'orders_id', 'hub_id') WHERE proposal_id = {}",
            "UPDATE revisions SET canonical = replace(canonical, '\"name\":\"orders\"', '\"name\":\"orderz\"') WHERE proposal_id = {}",
            "UPDATE revisions SET canonical = replace(canonical, 'U0ANA', 'U0VIV') WHERE proposal_id = {}",
            "UPDATE revisions SET canonical = replace(canonical, '\"number\":1', '\"number\":2') WHERE proposal_id = {}",
            "UPDATE revisions SET canonical = replace(canonical, '\"minutes\":', '\"minutes\":1') WHERE proposal_id = {}",
            "UPDATE revisions SET canonical = canonical || ' ' WHERE proposal_id = {}",
            "UPDATE revisions SET canonical = 'garbage' WHERE proposal_id = {}",
            "UPDATE revisions SET number = 2 WHERE proposal_id = {}",
            "UPDATE proposals SET document = replace(document, '\"fingerprint\":\"', '\"fingerprint\":\"0') WHERE id = {}",
            "UPDATE proposals SET document = replace(document, '\"revision\":1', '\"revision\":2') WHERE id = {}",
            "UPDATE proposals SET document = replace(document, '\"at\":\"2026', '\"at\":\"2027') WHERE id = {}",
            "UPDATE proposals SET document = '{}' WHERE id = {}",
            "UPDATE decisions SET at = '2026-11-22 07:00:00+00:00' WHERE proposal_id = {}",
            "UPDATE decisions SET reason = 'because' WHERE proposal_id = {}",
            "UPDATE decisions SET fingerprint = 'f' || fingerprint WHERE proposal_id = {}",
            "UPDATE decisions SET verdict = 'reject' WHERE proposal_id = {}",
            "UPDATE decisions SET verdict = 'direct' WHERE proposal_id = {}",
            "UPDATE decisions SET verdict = 'perhaps' WHERE proposal_id = {}",
            "UPDATE decisions SET by_user = 'U0ERIN' WHERE proposal_id = {}",
            "UPDATE decisions SET by_user = 'U0VIV' WHERE proposal_id = {}",
            "UPDATE decisions SET revision = 2 WHERE proposal_id = {}",
            "UPDATE decisions SET via = 'command' WHERE proposal_id = {}",
            "UPDATE decisions SET policy_hash = 'other' WHERE proposal_id = {}",
            "DELETE FROM decisions WHERE proposal_id = {}",
            "UPDATE steps SET connection_id = 'hub_id' WHERE proposal_id = {}",
            "UPDATE steps SET position = 1 WHERE proposal_id = {}",
            "UPDATE steps SET revision = 2 WHERE proposal_id = {}",
            "UPDATE steps SET document = 'garbage' WHERE proposal_id = {}",
        ];
        for statement in tampering {
            let id = approved(w).await;
            let statement = statement.replace("= {}", &format!("= {id}"));
            assert_eq!(w.sql(&statement).await, 1, "{statement}");
            let before = w.audited("action.skipped").await;
            w.settle().await;
            assert_eq!(w.fivetran_saw(), "", "{statement}");
            assert_eq!(
                w.audited("action.skipped").await,
                before + 1,
                "not audited: {statement}"
            );
        }
        // None of it holds up what is whole.
        let id = approved(w).await;
        w.later(Duration::from_secs(60)).await;
        let card = w.card_of(id);
        assert_eq!(
            w.fivetran_saw(),
            "orders_id FrequencySet { minutes: 60 }",
            "{card}"
        );
        assert!(
            w.channel().contains("are not what was approved"),
            "people are told"
        );
    });
}

/// The text with one character changed; `None` where the change is none.
fn changed(text: &str, dice: &mut Dice) -> Option<String> {
    let mut bytes = text.as_bytes().to_vec();
    let at = dice.index(bytes.len());
    bytes[at] = b'0' + u8::try_from(dice.below(75)).unwrap();
    let changed = String::from_utf8(bytes).ok()?;
    (changed != text).then_some(changed)
}

/// Whether both texts can be read and say the same of what was decided.
fn says_the_same<T, P>(before: &str, after: &str, part: impl Fn(&T) -> P) -> bool
where
    T: serde::de::DeserializeOwned,
    P: PartialEq,
{
    let read = |text| serde_json::from_str::<T>(text).ok();
    match (read(before), read(after)) {
        (Some(before), Some(after)) => part(&before) == part(&after),
        _ => false,
    }
}

#[test]
fn t043_one_changed_character_of_what_was_approved_runs_nothing() {
    world(async |w| {
        let mut dice = Dice::new(43);
        for round in 0..45 {
            let id = approved(w).await;
            let wanted = match w.fivetran.connection("orders_id").unwrap().sync_frequency {
                60 => "orders_id FrequencySet { minutes: 120 }",
                _ => "orders_id FrequencySet { minutes: 60 }",
            };
            let (table, column, key) = [
                ("revisions", "canonical", "proposal_id"),
                ("revisions", "fingerprint", "proposal_id"),
                ("proposals", "document", "id"),
                ("steps", "document", "proposal_id"),
            ][round % 4];
            let text = w
                .sql_text(&format!("SELECT {column} FROM {table} WHERE {key} = {id}"))
                .await;
            let Some(changed) = changed(&text, &mut dice) else {
                w.settle().await;
                assert_eq!(w.fivetran_saw(), wanted);
                continue;
            };
            let quoted = changed.replace('\'', "''");
            w.sql(&format!(
                "UPDATE {table} SET {column} = '{quoted}' WHERE {key} = {id}"
            ))
            .await;
            w.settle().await;
            let saw = w.fivetran_saw();
            // A title or a note may read differently; then exactly what was approved runs.
            let runs = match table {
                "proposals" => says_the_same(&text, &changed, |p: &Proposal| {
                    (p.id, p.revision, p.state.clone())
                }),
                "steps" => says_the_same(&text, &changed, |state: &StepState| state.as_str()),
                // Never read: the fingerprint is made anew from the content.
                _ => column == "fingerprint",
            };
            assert_eq!(saw, if runs { wanted } else { "" }, "{table}: {changed}");
        }
    });
}

#[test]
fn i1_a_forged_inverse_is_not_sent() {
    world(async |w| {
        w.command(ANA, "schedule hubspot every 1h").await;
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "hub_id FrequencySet { minutes: 60 }");
        let forged = "UPDATE steps SET document = replace(document, '\"sync_frequency\":360', '\"sync_frequency\":1')";
        assert_eq!(w.sql(forged).await, 1);
        w.command(EMIL, "undo 1").await;
        assert_eq!(w.fivetran_saw(), "", "{}", w.card_of(1));
    });
}

#[test]
fn i1_a_proposal_forged_as_approved_is_not_executed() {
    world(async |w| {
        w.command(ANA, "sync salesforce").await;
        w.click_on(EMIL, 1, "Approve").await;
        let fingerprint = w
            .sql_text("SELECT fingerprint FROM revisions WHERE proposal_id = 1")
            .await;
        let state = format!(
            "\"state\":{{\"state\":\"approved\",\"at\":\"2026-11-23T07:00:00Z\",\"fingerprint\":\"{fingerprint}\"}}"
        );
        let document = w
            .sql_text("SELECT document FROM proposals WHERE id = 1")
            .await;
        let mut forged: serde_json::Value = serde_json::from_str(&document).unwrap();
        let state: serde_json::Value = serde_json::from_str(&format!("{{{state}}}")).unwrap();
        forged["state"] = state["state"].clone();
        w.sql(&format!(
            "UPDATE proposals SET state = 'approved', document = '{forged}' WHERE id = 1"
        ))
        .await;
        w.sql(
            "INSERT INTO steps (id, proposal_id, revision, position, connection_id, state, document, version, in_flight, run_after) \
             VALUES (900, 1, 1, 0, 'sales_id', 'queued', \
             '{\"state\":\"queued\",\"due_at\":\"2026-11-23T07:00:00Z\",\"attempt\":1,\"note\":null}', 1, FALSE, '2026-11-23 07:00:00+00:00')",
        )
        .await;
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "", "one of two approvals");
        assert_eq!(w.audited("action.skipped").await, 1);
    });
}

#[test]
fn t045_i2_each_field_that_changed_after_the_card_skips_its_line_and_the_others_run() {
    let policy = without_age().replace(
        "max_pause: 6h",
        "max_pause: 6h\n  - match: {schema: \"drift_*\"}\n    sla: {max_age: 1h}",
    );
    world_with(&policy, async |w| {
        for n in 0..7 {
            let c = Connection::new(
                &format!("d{n}"),
                "hubspot",
                &format!("drift_{n}"),
                "g_warehouse",
            )
            .daily_at("04:00")
            .succeeded_at(w.now() - TimeDelta::hours(3));
            w.fivetran.add_connection(c);
        }
        w.command(ANA, "plan now").await;
        assert!(w.card_of(1).contains("7 changes"), "{}", w.card_of(1));
        w.edit("d0", |c| c.paused = true);
        w.edit("d1", |c| c.sync_frequency = 60);
        w.edit("d2", |c| c.daily_sync_time = Some("05:00".into()));
        w.edit("d3", |c| c.schedule_type = "manual".into());
        w.edit("d4", |c| c.setup_state = "broken".into());
        w.edit("d5", |c| c.is_historical_sync = true);
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "d6 SyncStarted { force: false }");
        assert_eq!(w.state_of(1), "Partly failed");
        let card = w.card_of(1);
        for said in [
            "paused was false, is true",
            "sync_frequency was 1440, is 60",
            "daily_sync_time was 04:00, is 05:00",
            "schedule_type was auto, is manual",
            "setup_state was connected, is broken",
            "is_historical_sync was false, is true",
        ] {
            assert!(card.contains(said), "{said}: {card}");
            assert!(w.thread_of(1).contains(said), "{said}");
        }
        assert_eq!(w.audited("action.skipped").await, 6);
    });
}

#[test]
fn t046_a_connection_deleted_before_the_approval_is_skipped_in_words() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.fivetran.delete("orders_id");
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "");
        assert!(
            w.card_of(1)
                .contains("Skipped: the connection no longer exists"),
            "{}",
            w.card_of(1)
        );
        assert_eq!(w.state_of(1), "Failed");
    });
}

#[test]
fn t046_of_a_plan_the_lines_whose_connection_is_gone_are_skipped_and_the_others_run() {
    let policy = without_age().replace(
        "max_pause: 6h",
        "max_pause: 6h\n  - match: {schema: \"late_*\"}\n    sla: {max_age: 1h}",
    );
    world_with(&policy, async |w| {
        for n in 0..4 {
            let (id, schema) = (format!("l{n}"), format!("late_{n}"));
            let late = Connection::new(&id, "hubspot", &schema, "g_warehouse")
                .daily_at("04:00")
                .succeeded_at(w.now() - TimeDelta::hours(3));
            w.fivetran.add_connection(late);
        }
        w.command(ANA, "plan now").await;
        assert!(w.card_of(1).contains("4 changes"), "{}", w.card_of(1));
        w.fivetran.delete("l0");
        assert!(w.press_on(EMIL, 1, "Approve").await.ok());
        w.decide_only().await;
        w.fivetran.delete("l2");
        w.settle().await;
        let saw = w.fivetran_saw();
        let mut saw: Vec<_> = saw.lines().collect();
        saw.sort_unstable();
        assert_eq!(
            saw,
            ["l1", "l3"].map(|id| format!("{id} SyncStarted {{ force: false }}"))
        );
        let card = w.card_of(1);
        let gone = "Skipped: the connection no longer exists";
        assert_eq!(card.matches(gone).count(), 2, "{card}");
        assert_eq!(w.state_of(1), "Partly failed");
    });
}

#[test]
fn t046_a_connection_deleted_after_the_approval_is_skipped_in_words() {
    world(async |w| {
        approved(w).await;
        w.fivetran.delete("orders_id");
        w.command(LEAD, "status").await;
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "");
        assert!(
            w.card_of(1)
                .contains("Skipped: the connection no longer exists"),
            "{}",
            w.card_of(1)
        );
        w.later(Duration::from_secs(3600)).await;
        assert_eq!(w.app().health().await.unwrap().actions_open, 0);
    });
}
