//! What people type: names, direct acts and proposals, answers for them alone (SPEC §4).

use std::time::Duration;

use syncgate::sim::fivetran::{Connection, Group};

use crate::harness::people::{ANA, EMIL, LEAD, POLICY, VIV};
use crate::harness::{World, world, world_with};

/// The same as `orders`, nearly.
fn second_orders(w: &World) {
    w.fivetran
        .add_group(Group::new("g_eu", "Europe", "bigquery"));
    let more = Connection::new("orders_eu_id", "postgres", "orders_eu", "g_eu").every(360);
    w.fivetran.add_connection(more.succeeded_at(w.now()));
}

#[test]
fn help_shows_what_this_person_can_do() {
    world(async |w| {
        w.command(VIV, "help").await;
        insta::allow_duplicates! { insta::assert_snapshot!(w.told(VIV), @r"
        *Help*: what you can do here. In a thread, mention me with the same words.
        `help` shows this
        `status [connection]` shows the fleet, or one connection
        `incidents` lists what is wrong now
        `explain &lt;connection or incident&gt;` tells why a connection's last sync failed, afresh
        `plan [now]` shows today's plan; `now` makes a new one
        `audit &lt;number&gt;` tells the story of one proposal
        "); }
        w.command(ANA, "").await;
        assert!(
            w.told(ANA).contains("`pause &lt;connection&gt; [for 2h]`"),
            "{}",
            w.told(ANA)
        );
        assert!(!w.told(ANA).contains("`approve"), "{}", w.told(ANA));
        w.command(LEAD, "help").await;
        assert!(w.told(LEAD).contains("`halt [reason]`"), "{}", w.told(LEAD));
        assert_eq!(w.channel(), "", "answers are for the one who asked");
    });
}

#[test]
fn status_shows_the_fleet_and_one_connection() {
    world(async |w| {
        w.command(VIV, "status").await;
        insta::allow_duplicates! { insta::assert_snapshot!(w.told(VIV), @r"
        *Status*: 4 connections, 0 failing, 0 late, 1 paused, 3 fine.
        paused old_paused: data of 23 Nov 07:30 CET (30m old)
        fine hubspot: data of 23 Nov 07:30 CET (30m old)
        fine orders: data of 23 Nov 07:30 CET (30m old)
        fine salesforce: data of 23 Nov 07:30 CET (30m old, at most 2h allowed)
        "); }
        w.command(VIV, "status salesforce").await;
        insta::allow_duplicates! { insta::assert_snapshot!(w.told(VIV), @r"
        Status: salesforce sales_id, salesforce in Warehouse, is fine.
        data of 23 Nov 07:30 CET (30m old, at most 2h allowed).
        Fivetran says scheduled; every 6h, not paused. Tier critical, mode copilot. Read 23 Nov 08:00 CET.
        "); }
        w.command(VIV, "status nowhere").await;
        assert!(w.told(VIV).contains("Not found"), "{}", w.told(VIV));
    });
}

#[test]
fn names_are_found_by_id_by_schema_and_by_a_unique_likeness() {
    world(async |w| {
        for name in [
            "sales_id",
            "salesforce",
            "SalesForce",
            "sales force",
            "sales",
            "salesfroce",
        ] {
            w.command(VIV, &format!("status {name}")).await;
            assert!(
                w.told(VIV).contains("salesforce `sales_id`")
                    || w.told(VIV).contains("salesforce sales_id"),
                "{name}: {}",
                w.told(VIV)
            );
        }
        w.command(VIV, "status ordesr").await;
        assert!(w.told(VIV).contains("orders"), "{}", w.told(VIV));
    });
}

#[test]
fn an_ambiguous_name_answers_with_buttons_to_choose() {
    world(async |w| {
        second_orders(w);
        w.command(ANA, "sync order").await;
        let told = w.told(ANA);
        assert!(
            told.contains("Which one? order means 2 connections"),
            "{told}"
        );
        assert!(
            told.contains("orders_eu") && told.contains("in Europe"),
            "{told}"
        );
        assert_eq!(w.fivetran_saw(), "");
        w.click_told(ANA, "orders_eu orders_eu_id").await;
        assert_eq!(
            w.fivetran_saw(),
            "orders_eu_id SyncStarted { force: false }"
        );
        // The rest of the command goes with the choice.
        w.command(ANA, "schedule order daily at 03:00").await;
        w.click_told(ANA, "orders orders_id").await;
        assert!(
            w.card_of(2).contains("at about 03:00 UTC"),
            "{}",
            w.card_of(2)
        );
        w.command(ANA, "pause order for 90m").await;
        w.click_told(ANA, "orders_eu orders_eu_id").await;
        assert!(
            w.card_of(3).contains("pause until 23 Nov 09:3"),
            "{}",
            w.card_of(3)
        );
    });
}

#[test]
fn a_choice_gives_no_right_that_its_clicker_lacks() {
    world(async |w| {
        second_orders(w);
        w.command(VIV, "status order").await;
        let ts = w.slack.ephemerals(VIV).pop().unwrap().ts;
        let forged = "sync orders_id";
        let ack = w
            .slack
            .click_raw(VIV, crate::harness::CHANNEL, &ts, "choose:0", forged)
            .await;
        assert!(ack.ok());
        w.settle().await;
        assert!(
            w.told(VIV).contains("you may not ask for changes"),
            "{}",
            w.told(VIV)
        );
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn a_sync_of_what_is_paused_offers_resume_and_then_sync() {
    world(async |w| {
        w.command(ANA, "sync old_paused").await;
        assert!(w.told(ANA).contains("is paused"), "{}", w.told(ANA));
        assert_eq!(w.fivetran_saw(), "");
        w.click_told(ANA, "Resume").await;
        let saw = w.fivetran_saw();
        assert!(saw.starts_with("paused_id Resumed"), "{saw}");
    });
}

#[test]
fn unknown_words_answer_with_the_nearest_command() {
    world(async |w| {
        for (typed, answer) in [
            ("synch orders", "Did you mean sync <connection> [force]?"),
            ("xyzzy", "help lists what you can do here"),
            ("approve twelve", "Write approve <number>"),
            ("reject 1", "Say why"),
            ("schedule orders every 7h", "the nearest it takes is 6h"),
            (
                "schedule orders daily at 03:30",
                "write a whole hour such as 03:00",
            ),
            ("pause orders for soon", "is not a length of time"),
            ("resync orders customers", "is not a table"),
            ("approve 12", "there is no #12"),
            ("audit 12", "there is no #12"),
            ("undo 12", "there is no #12"),
        ] {
            w.command(LEAD, typed).await;
            assert!(w.told(LEAD).contains(answer), "{typed}: {}", w.told(LEAD));
        }
        assert_eq!(w.channel(), "");
    });
}

#[test]
fn what_runs_at_once_and_what_asks_is_the_tiers_word() {
    world(async |w| {
        let direct = [
            ("sync orders", "orders_id SyncStarted { force: false }"),
            ("resume old_paused", "paused_id Resumed"),
        ];
        for (command, does) in direct {
            w.command(ANA, command).await;
            assert_eq!(w.fivetran_saw(), does, "{command}");
            assert!(
                w.told(ANA).contains("runs by your own decision"),
                "{}",
                w.told(ANA)
            );
        }
        w.edit("sales_id", |c| c.paused = true);
        for command in [
            "resume salesforce",
            "schedule salesforce every 1h",
            "pause hubspot",
            "sync hubspot force",
            "resync hubspot",
            "schedule hubspot every 1h",
        ] {
            w.command(ANA, command).await;
            assert_eq!(w.fivetran_saw(), "", "{command}");
            assert!(
                w.told(ANA).contains("waits for approval"),
                "{command}: {}",
                w.told(ANA)
            );
        }
        w.command(EMIL, "sync salesforce").await;
        assert!(w.told(EMIL).contains("is paused"), "{}", w.told(EMIL));
    });
}

#[test]
fn adhoc_direct_is_the_tiers_else_the_policys() {
    let policy = POLICY.replace(
        "mode: copilot",
        "mode: copilot\nadhoc: {direct: [set_frequency]}",
    );
    world_with(&policy, async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        assert_eq!(w.fivetran_saw(), "orders_id FrequencySet { minutes: 60 }");
        w.command(ANA, "sync orders").await;
        w.command(ANA, "schedule salesforce every 1h").await;
        w.command(VIV, "schedule hubspot every 1h").await;
        assert!(
            w.told(VIV).contains("you may not ask for changes"),
            "{}",
            w.told(VIV)
        );
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn a_pause_always_has_an_end_that_the_policy_allows() {
    world(async |w| {
        w.command(ANA, "pause orders for 7h").await;
        assert!(
            w.told(ANA).contains("at most 360 minutes"),
            "{}",
            w.told(ANA)
        );
        w.command(ANA, "pause orders").await;
        assert!(
            w.card_of(1).contains("pause until 23 Nov 12:00 CET"),
            "{}",
            w.card_of(1)
        );
        w.command(ANA, "pause orders for 1h").await;
        assert!(
            w.told(ANA).contains("#1 asks for the same"),
            "{}",
            w.told(ANA)
        );
        w.command(ANA, "pause old_paused").await;
        assert!(w.told(ANA).contains("paused"), "{}", w.told(ANA));
        w.command(ANA, "pause hubspot for 9000000h").await;
        assert!(
            w.told(ANA).contains("The longest pause is 366 days"),
            "{}",
            w.told(ANA)
        );
        w.command(ANA, "pause hubspot for 300000y").await;
        assert_eq!(w.fivetran_saw(), "");
        assert!(!w.told(ANA).is_empty());
    });
}

#[test]
fn decisions_typed_are_the_same_gate() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.command(ANA, "schedule hubspot every 1h").await;
        w.command(ANA, "approve 1").await;
        assert!(
            w.told(ANA).contains("you may not decide"),
            "{}",
            w.told(ANA)
        );
        w.command(EMIL, "approve #1").await;
        assert_eq!(w.fivetran_saw(), "orders_id FrequencySet { minutes: 60 }");
        w.command(EMIL, "reject 2 the source is <!channel> *busy*")
            .await;
        let card = w.card_of(2);
        assert!(card.starts_with("Rejected"), "{card}");
        assert!(card.contains("the source is"), "{card}");
        w.command(EMIL, "approve 2").await;
        assert!(
            w.told(EMIL)
                .contains("#2 was rejected by <@U0EMIL> already"),
            "{}",
            w.told(EMIL)
        );
        w.command(EMIL, "undo 1").await;
        assert_eq!(w.fivetran_saw(), "orders_id FrequencySet { minutes: 360 }");
        w.command(VIV, "audit 1").await;
        let story = w.told(VIV);
        for code in [
            "proposal.created",
            "decision.approve",
            "proposal.approved",
            "action.intended",
            "action.done",
            "decision.undo",
            "revert.done",
        ] {
            assert!(story.contains(code), "{code}: {story}");
        }
        assert!(story.contains("by U0EMIL"), "{story}");
        let policy = w.app().policy.load().hash().to_owned();
        for (code, body) in w.audit().await {
            if code.starts_with("decision.") {
                assert_eq!(body["policy_hash"], policy, "{code}");
            }
        }
    });
}

#[test]
fn reject_asks_for_the_reason_and_keeps_it() {
    world(async |w| {
        w.command(ANA, "schedule orders every 1h").await;
        w.click_on(EMIL, 1, "Reject…").await;
        let blank = w.submit(EMIL, &[("reason", "   ")]).await;
        assert_eq!(blank.json()["response_action"], "errors", "{blank:?}");
        let ack = w.submit(EMIL, &[("reason", "month end")]).await;
        assert!(ack.ok() && ack.body.is_empty(), "{ack:?}");
        assert!(w.card_of(1).contains("month end"), "{}", w.card_of(1));
        assert!(w.thread_of(1).contains("month end"), "{}", w.thread_of(1));
        w.later(Duration::from_secs(5 * 3600)).await;
        assert_eq!(
            (w.state_of(1), w.fivetran_saw()),
            ("Rejected".into(), String::new())
        );
    });
}

#[test]
fn a_changed_policy_is_taken_up_and_a_broken_one_is_kept_out_and_told() {
    world(async |w| {
        w.set_policy(&POLICY.replace("max_pause: 6h", "max_pause: 1h"))
            .await;
        w.command(ANA, "pause orders for 2h").await;
        assert!(
            w.told(ANA).contains("at most 60 minutes"),
            "{}",
            w.told(ANA)
        );
        w.set_policy("version: 1\nroles: {approver: [everyone]}\nchanels: {}\n")
            .await;
        w.settle().await;
        let channel = w.channel();
        assert!(
            channel.contains("the policy file cannot be taken up"),
            "{channel}"
        );
        assert!(channel.contains("chanels"), "{channel}");
        w.command(ANA, "pause orders for 2h").await;
        assert!(
            w.told(ANA).contains("at most 60 minutes"),
            "{}",
            w.told(ANA)
        );
        w.command(ANA, "pause orders for 1h").await;
        w.click_on(VIV, 1, "Approve").await;
        assert_eq!(w.fivetran_saw(), "");
        let codes = w.codes().await;
        let policy: Vec<_> = codes.iter().filter(|c| c.starts_with("policy.")).collect();
        assert_eq!(policy, ["policy.loaded", "policy.loaded", "policy.refused"]);
    });
}
