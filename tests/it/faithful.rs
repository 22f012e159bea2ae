//! The card, the fingerprint and the bytes on the wire are one and the same thing (SPEC I2).

use std::time::Duration;

use sha2::{Digest, Sha256};
use syncgate::model::{Fingerprint, ProposalId};

use crate::dice::Dice;
use crate::harness::people::{ANA, EMIL, ERIN};
use crate::harness::world;

#[test]
fn t047_the_bytes_on_the_wire_are_those_of_the_intent() {
    world(async |w| {
        let mut dice = Dice::new(47);
        for _ in 0..25 {
            let name = ["orders", "salesforce", "hubspot", "old_paused"][dice.index(4)];
            let text = match dice.index(7) {
                0 => format!(
                    "schedule {name} every {}",
                    ["1h", "2h", "8h", "15m"][dice.index(4)]
                ),
                1 => format!("schedule {name} daily at {:02}:00", dice.index(24)),
                2 => format!("pause {name} for {}m", 1 + dice.index(300)),
                3 => format!("resume {name}"),
                4 => format!("sync {name}{}", ["", " force"][dice.index(2)]),
                5 => format!("resync {name}"),
                _ => "resync orders public.orders,public.customers".to_owned(),
            };
            w.command(ANA, &text).await;
            let newest: i64 = w
                .sql_text("SELECT CAST(coalesce(max(id), 0) AS TEXT) FROM proposals")
                .await
                .parse()
                .unwrap_or(0);
            for approver in [EMIL, ERIN] {
                w.command(approver, &format!("approve {newest}")).await;
            }
            w.later(Duration::from_secs(420)).await;
        }
        w.fivetran_saw();
        let mut hashes: Vec<String> = w
            .writes()
            .iter()
            .map(|e| hex::encode(Sha256::digest(&e.body)))
            .collect();
        let mut intended: Vec<String> = Vec::new();
        for (code, body) in w.audit().await {
            if code.ends_with(".intended") {
                intended.push(body["request"]["sha256"].as_str().unwrap().to_owned());
            }
        }
        assert!(hashes.len() > 12, "only {} writes", hashes.len());
        hashes.sort();
        intended.sort();
        assert_eq!(hashes, intended);
    });
}

#[test]
fn t048_the_card_says_what_then_runs() {
    world(async |w| {
        let acts = [
            (
                "schedule orders every 1h",
                "sync every 1h",
                "orders_id FrequencySet { minutes: 60 }",
            ),
            (
                "schedule hubspot daily at 03:00",
                "sync every 24h, at about 03:00 UTC",
                "hub_id FrequencySet { minutes: 1440 }",
            ),
            (
                "sync salesforce force",
                "sync now by force",
                "sales_id SyncStarted { force: true }",
            ),
            (
                "resync orders public.orders,public.customers",
                "re-sync 2 tables: public.orders, public.customers",
                "orders_id TablesResync { tables: [\"public.customers\", \"public.orders\"] }",
            ),
            (
                "resync hubspot",
                "re-sync the whole history",
                "hub_id Resync",
            ),
            (
                "pause salesforce for 90m",
                "pause until 23 Nov 09:3",
                "sales_id Paused",
            ),
        ];
        for (id, (command, says, does)) in (1..).zip(acts) {
            w.command(ANA, command).await;
            let card = w.card_of(id);
            assert!(card.contains(says), "{command}: {card}");
            w.command(EMIL, &format!("approve {id}")).await;
            w.command(ERIN, &format!("approve {id}")).await;
            assert_eq!(w.fivetran_saw(), does, "{command}: {}", w.card_of(id));
            let thread = w.thread_of(id);
            assert!(thread.contains(says), "{command}: {thread}");
        }
    });
}

#[test]
fn t051_the_fingerprint_outlives_a_restart() {
    world(async |w| {
        w.command(ANA, "sync salesforce").await;
        let shown = w.value_of(1, "approve");
        w.restart().await;
        // The first of two approvals makes the new process render the card anew.
        w.click_on(EMIL, 1, "Approve").await;
        assert_eq!(w.value_of(1, "approve"), shown);
        let canonical = w
            .sql_text("SELECT canonical FROM revisions WHERE proposal_id = 1")
            .await;
        let again = Fingerprint::of(&canonical);
        let button = syncgate::slack::Button::new(ProposalId(1), 1, &again);
        assert_eq!(button.value(), shown);
    });
}
