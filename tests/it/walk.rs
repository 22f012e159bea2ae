//! The whole way, once: command, card, approval, effect, undo.

use crate::harness::people::{ANA, EMIL};
use crate::harness::world;

/// Without what depends on every byte of the policy and of the code's own words.
fn unhashed(card: &str) -> String {
    let hash = |word: &str| word.len() >= 8 && word.chars().all(|c| c.is_ascii_hexdigit());
    let words = card.split(' ').map(|word| match word.len() {
        16 if hash(word) => "HEAD",
        8 if hash(word) => "HASH",
        _ => word,
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn an_operators_own_sync_runs_and_its_card_tells_so() {
    world(async |w| {
        w.command(ANA, "sync orders").await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        insta::allow_duplicates! {
            insta::assert_snapshot!(unhashed(&w.card()), @r"
            Done · #1 Sync orders
            <@U0ANA> asks for 1 change (1 sync): 1 of 1 done.
            1. orders orders_id: sync now
            Now: every 6h, not paused
            Undo: none, Fivetran cannot cancel a sync; its load and cost stay
            Done: Fivetran took it, 23 Nov 08:00 CET
            Run at once, as the policy allows, by <@U0ANA>, 23 Nov 08:00 CET, by command.
            ~ audit #7 HEAD · policy HASH · fingerprint HASH
            ");
        }
    });
}

#[test]
fn a_pause_waits_for_an_approver_runs_once_and_ends_by_itself() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        assert_eq!(w.fivetran_saw(), "");
        insta::allow_duplicates! {
            insta::assert_snapshot!(unhashed(&w.card()), @r"
            Proposed · #1 Pause orders
            <@U0ANA> asks for 1 change (1 pause).
            1. orders orders_id: pause until 23 Nov 10:00 CET
            Now: every 6h, not paused
            Side effects: no data arrives until 23 Nov 10:00 CET; then Syncgate resumes it by itself; if Syncgate itself is down, it stays paused
            Undo: resumes it; the sync that was cut and the freshness missed stay lost
            Approvals: 0 of 1, still needed: 1 of <!subteam^S0DATAENG>, <@U0LEAD>. No answer by 23 Nov 10:00 CET: nothing changes.
            [Approve] [Modify…] [Reject…]
            ~ audit #3 HEAD · policy HASH · fingerprint HASH
            ");
        }
        w.click(EMIL, "Approve").await;
        assert_eq!(w.fivetran_saw(), "orders_id Paused");
        assert_eq!(w.state(), "Done");
        w.pass(std::time::Duration::from_secs(2 * 3600 + 60)).await;
        assert_eq!(w.fivetran_saw(), "orders_id Resumed");
        assert_eq!(w.state(), "Undone");
        insta::allow_duplicates! {
            insta::assert_snapshot!(w.thread(), @r"
            Approved by <@U0EMIL>, 23 Nov 08:00 CET, by button. That is enough: it runs.
            Sent: orders, pause until 23 Nov 10:00 CET; 23 Nov 08:00 CET; no answer yet.
            Sent: orders, pause until 23 Nov 10:00 CET; 23 Nov 08:00 CET; Fivetran accepted it, waiting to see it.
            Done: orders, pause until 23 Nov 10:00 CET; Fivetran took it, 23 Nov 08:00 CET. Ends by itself 23 Nov 10:00 CET.
            Undoing: orders, pause until 23 Nov 10:00 CET; its time ended, due 23 Nov 10:00 CET.
            Undoing: orders, pause until 23 Nov 10:00 CET; its time ended; sent 23 Nov 10:00 CET; no answer yet.
            Undoing: orders, pause until 23 Nov 10:00 CET; its time ended; sent 23 Nov 10:00 CET; Fivetran accepted it, waiting to see it.
            Ended: orders, pause until 23 Nov 10:00 CET; what was before is set again, 23 Nov 10:00 CET.
            ");
        }
    });
}
