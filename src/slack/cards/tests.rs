//! The main cards, as people read them.

use super::golden::{plan, states};
use super::render::rendered;
use super::samples::*;
use super::*;
use crate::model::*;

fn shown(sample: &Sample) -> String {
    rendered(&proposal_card(&sample.view()))
}

fn state(name: &str) -> Sample {
    let (_, sample) = states().into_iter().find(|(n, _)| *n == name).unwrap();
    sample
}

#[test]
fn a_proposal_says_what_it_does_and_what_it_needs() {
    insta::assert_snapshot!(shown(&state("proposed")), @r##"
    [Proposed: #12 Pause salesforce_prod. <@U0ANNA> asks for 1 change (1 pause). No answer by 22 Nov 17:00 CET changes nothing.]
    *Proposed* · #12 *Pause salesforce_prod*
    <@U0ANNA> asks for 1 change (1 pause).
    1. *salesforce_prod* `id_salesforce_prod`: pause until <22 Nov 21:00 CET>
    Now: every 6h, not paused
    Why: its data is older than it may be
    Side effects: no data arrives until <22 Nov 21:00 CET>; then Syncgate resumes it by itself; if Syncgate itself is down, it stays paused
    Undo: resumes it; the sync that was cut and the freshness missed stay lost
    Approvals: 0 of 1, still needed: 1 of <!subteam^S0DATAENG>, <@U0LEAD>. No answer by <!date^1795363200^{date_short_pretty} {time}|22 Nov 17:00 CET>: nothing changes.
    [Approve primary (danger: salesforce_prod: pause until 22 Nov 21:00 CET. Side effects: no data arrives until 22 Nov 21:00 CET; then Syncgate resumes it by itself; if Syncgate itself is down, it stays paused.)] [Modify…] [Reject…]
    ~ audit #12 3f9a41c07b2e3f9a · policy abcdef12 · fingerprint a0533399
    "##);
}

#[test]
fn a_plan_lists_every_change_with_what_it_does_besides() {
    insta::assert_snapshot!(shown(&plan()), @r##"
    [Proposed: #12 the next 24 hours. Syncgate asks for 9 changes (1 sync, 1 forced sync, 1 sync at a set time, 1 pause, 1 resume, 1 change of frequency, 1 table re-sync, 1 historical re-sync, 1 run of setup tests). No answer by 22 Nov 17:00 CET changes nothing.]
    *Proposed* · #12 *Plan*: 9 changes · the next 24 hours
    Syncgate asks for 9 changes (1 sync, 1 forced sync, 1 sync at a set time, 1 pause, 1 resume, 1 change of frequency, 1 table re-sync, 1 historical re-sync, 1 run of setup tests).
    *Changed* in revision 2: line 3 runs at 19:30, not at 18:00
    1. *salesforce_prod* `id_salesforce_prod`: sync now
    Now: every 6h, not paused
    Why: its data is older than it may be
    Undo: none, Fivetran cannot cancel a sync; its load and cost stay
    2. *orders_pg* `id_orders_pg`: sync now by force
    Now: every 6h, not paused
    Why: its data is older than it may be
    Side effects: kills a running sync and starts over; what that sync did so far is lost
    Undo: none, the killed sync does not come back
    3. *stripe* `id_stripe`: sync at <22 Nov 19:30 CET>
    Now: every 6h, not paused
    Why: its data is older than it may be
    Side effects: by Syncgate's clock: if Syncgate is down then, it does not run
    Undo: until it runs, undo cancels it; none afterwards
    4. *hubspot* `id_hubspot`: pause until <22 Nov 21:00 CET>
    Now: every 6h, not paused
    Why: its data is older than it may be
    Side effects: no data arrives until <22 Nov 21:00 CET>; then Syncgate resumes it by itself; if Syncgate itself is down, it stays paused
    Undo: resumes it; the sync that was cut and the freshness missed stay lost
    5. *netsuite* `id_netsuite`: resume
    Now: every 6h, not paused
    Why: its data is older than it may be
    Side effects: a sync may start at once
    Undo: nothing to take back, it was not paused
    6. *salesforce_prod* `id_salesforce_prod`: sync every 24h, at about 03:00 UTC, until <23 Nov 00:00 CET>
    Now: every 6h, not paused
    Why: its data is older than it may be
    Side effects: fewer syncs, older data; at <23 Nov 00:00 CET> Syncgate sets the old values again; if Syncgate itself is down, they stay as they are
    Undo: sets every 6h again; syncs that ran stay
    7. *orders_pg* `id_orders_pg`: re-sync 2 tables: public.orders, public.customers
    Now: every 6h, not paused
    Why: its data is older than it may be
    Side effects: reads these tables from the source again: costs rows and hours (no estimate: Syncgate has no history of this connection yet)
    Undo: none, Fivetran cannot cancel a re-sync
    8. *stripe* `id_stripe`: re-sync the whole history
    Now: every 6h, not paused
    Why: its data is older than it may be
    Side effects: reads everything from the source again: costs rows and hours (no estimate: Syncgate has no history of this connection yet); a running sync is cancelled
    Undo: none, Fivetran cannot cancel a re-sync
    9. *hubspot* `id_hubspot`: run the setup tests
    Now: every 6h, not paused
    Why: its data is older than it may be
    Side effects: logs in to the source and looks at it; reads no data
    Undo: nothing to take back
    *Shadow mode*, shown only, not part of what is approved and never run:
    • *marketing_ads* `id_marketing_ads`: sync now, because its data is older than it may be
    Approvals: 1 of 2, still needed: 1 of <!subteam^S0DATAENG>, <@U0LEAD>. No answer by <!date^1795363200^{date_short_pretty} {time}|22 Nov 17:00 CET>: nothing changes.
    Approved by <@U0LEAD>, <!date^1795349400^{date_short_pretty} {time}|22 Nov 13:10 CET>, by button.
    [Approve primary (danger: Syncgate makes 9 changes (1 sync, 1 forced sync, 1 sync at a set time, 1 pause, 1 resume, 1 change of frequency, 1 table re-sync, 1 historical re-sync, 1 run of setup tests). What each does stands on the card; some of it cannot be undone.)] [Modify…] [Reject…]
    ~ audit #12 3f9a41c07b2e3f9a · policy abcdef12 · fingerprint 15e6d2b9
    "##);
}

#[test]
fn what_is_done_can_be_undone() {
    insta::assert_snapshot!(shown(&state("done")), @r##"
    [Done: #12 Two changes. <@U0ANNA> asks for 2 changes (1 sync, 1 pause): 2 of 2 done.]
    *Done* · #12 *Two changes*
    <@U0ANNA> asks for 2 changes (1 sync, 1 pause): 2 of 2 done.
    1. *salesforce_prod* `id_salesforce_prod`: pause until <22 Nov 21:00 CET>
    Now: every 6h, not paused
    Why: its data is older than it may be
    Side effects: no data arrives until <22 Nov 21:00 CET>; then Syncgate resumes it by itself; if Syncgate itself is down, it stays paused
    Undo: resumes it; the sync that was cut and the freshness missed stay lost
    *Done*: Fivetran took it, <22 Nov 13:12 CET>. Ends by itself <22 Nov 21:00 CET>
    2. *orders_pg* `id_orders_pg`: sync now
    Now: every 6h, not paused
    Why: its data is older than it may be
    Undo: none, Fivetran cannot cancel a sync; its load and cost stay
    *Done*: Fivetran took it, <22 Nov 13:12 CET>
    Approved by <@U0LEAD>, <!date^1795349400^{date_short_pretty} {time}|22 Nov 13:10 CET>, by button.
    [Undo (primary: Syncgate takes back 1 change of 2. A value that somebody changed since stays as it is, and the card says so.)]
    ~ audit #12 3f9a41c07b2e3f9a · policy abcdef12 · fingerprint b2228f49
    "##);
}

#[test]
fn what_no_reading_can_tell_is_asked() {
    insta::assert_snapshot!(shown(&state("unknown_asking")), @r##"
    [Unknown: #12 Two changes. <@U0ANNA> asks for 2 changes (1 sync, 1 pause): 0 of 2 done, 1 unknown, 1 waiting.]
    *Unknown* · #12 *Two changes*
    <@U0ANNA> asks for 2 changes (1 sync, 1 pause): 0 of 2 done, 1 unknown, 1 waiting.
    1. *salesforce_prod* `id_salesforce_prod`: pause until <22 Nov 21:00 CET>
    Now: every 6h, not paused
    Why: its data is older than it may be
    Side effects: no data arrives until <22 Nov 21:00 CET>; then Syncgate resumes it by itself; if Syncgate itself is down, it stays paused
    Undo: resumes it; the sync that was cut and the freshness missed stay lost
    *Unknown*: Fivetran gave no answer (timed out), <22 Nov 13:12 CET>. No reading can tell whether it ran: look in Fivetran and say so here
    [It ran] [It did not run]
    2. *orders_pg* `id_orders_pg`: sync now
    Now: every 6h, not paused
    Why: its data is older than it may be
    Undo: none, Fivetran cannot cancel a sync; its load and cost stay
    *Waiting*: due <22 Nov 13:10 CET>
    Approved by <@U0LEAD>, <!date^1795349400^{date_short_pretty} {time}|22 Nov 13:10 CET>, by button.
    ~ audit #12 3f9a41c07b2e3f9a · policy abcdef12 · fingerprint b2228f49
    "##);
}

#[test]
fn a_rejection_leaves_no_button() {
    insta::assert_snapshot!(shown(&state("rejected")), @r##"
    [Rejected: #12 Pause salesforce_prod. <@U0ANNA> asks for 1 change (1 pause).]
    *Rejected* · #12 *Pause salesforce_prod*
    <@U0ANNA> asks for 1 change (1 pause).
    1. *salesforce_prod* `id_salesforce_prod`: pause until <22 Nov 21:00 CET>
    Now: every 6h, not paused
    Why: its data is older than it may be
    Side effects: no data arrives until <22 Nov 21:00 CET>; then Syncgate resumes it by itself; if Syncgate itself is down, it stays paused
    Undo: resumes it; the sync that was cut and the freshness missed stay lost
    Rejected by <@U0LEAD>, <22 Nov 13:30 CET>: month end. Nothing was changed.
    ~ audit #12 3f9a41c07b2e3f9a · policy abcdef12 · fingerprint a0533399
    "##);
}

#[test]
fn a_halt_is_told_where_something_waits() {
    insta::assert_snapshot!(shown(&state("halted")), @r##"
    [Halted: #12 Pause salesforce_prod. <@U0ANNA> asks for 1 change (1 pause): 0 of 1 done, 1 waiting.]
    *Halted* · #12 *Pause salesforce_prod*
    <@U0ANNA> asks for 1 change (1 pause): 0 of 1 done, 1 waiting.
    *Halted* by <@U0LEAD>, <22 Nov 13:15 CET>: the warehouse is full. Nothing that waits is sent until `unhalt`.
    1. *salesforce_prod* `id_salesforce_prod`: pause until <22 Nov 21:00 CET>
    Now: every 6h, not paused
    Why: its data is older than it may be
    Side effects: no data arrives until <22 Nov 21:00 CET>; then Syncgate resumes it by itself; if Syncgate itself is down, it stays paused
    Undo: resumes it; the sync that was cut and the freshness missed stay lost
    *Waiting*: halted, nothing is sent; due <22 Nov 13:10 CET>
    Approved by <@U0LEAD>, <!date^1795349400^{date_short_pretty} {time}|22 Nov 13:10 CET>, by button.
    ~ audit #12 3f9a41c07b2e3f9a · policy abcdef12 · fingerprint a0533399
    "##);
}

#[test]
fn an_incident_says_what_failed_and_what_comes_next() {
    let remedy = Remedy {
        proposal: ProposalId(13),
        value: "v1.13.1.0123456789abcdef0123456789abcdef".to_owned(),
        what: "sync now".to_owned(),
        can_approve: true,
        dangerous: false,
    };
    let sample = plan();
    let card = incident_card(&IncidentView {
        warnings: &[],
        page: None,
        person: None,
        steps: &["Enter a valid credential in the connection's setup."],
        incident: &incident(IncidentState::Open),
        siblings: &Siblings::default(),
        can_check: false,
        lines: true,
        remedy: Some(&remedy),
        owner: Some("U0CRMOWNER"),
        attended: &Attended::default(),
        head: &sample.head,
        tz: chrono_tz::Tz::Europe__Berlin,
        now: at(12, 0),
    });
    insta::assert_snapshot!(rendered(&card), @r##"
    [Open: incident 4, the sync of salesforce_prod failed. Next: approve #13, which would sync now.]
    *Open* · incident 4 · *salesforce_prod* `id_salesforce_prod`: the sync failed
    Since <!date^1795345200^{date_short_pretty} {time}|22 Nov 12:00 CET>, failed 3 times, last <!date^1795347900^{date_short_pretty} {time}|22 Nov 12:45 CET>.
    *Cause*, *confirmed*: `source_timeout`. The source (salesforce) is there, but a call takes too long.
    1. log row of 2026-11-22 10:44:58.000, SEVERE error:
    | SocketTimeoutException: Read timed out

    Read from the log: 12 rows; 1 line or file of it could not be read.
    *What changed before*:
    1. log row of 2026-11-22 03:10:00.000, INFO alter_table, line 4711: table lead, type ADD_COLUMN
    *What the sync said*:
    | SocketTimeoutException: Read timed out
    |   at List<Row>.read()

    *Task, stops syncing* `reconnect`:
    | Reconnect the source
    | The token has expired.

    *Warning* `slow_source`:
    | The source answers slowly

    *Next*: approve #13, which would sync now.
    *What people can do*:
    1. Enter a valid credential in the connection's setup.
    Owner: <@U0CRMOWNER>
    [Approve the fix primary (primary: #13, salesforce_prod: sync now.)] [Show lines] [I'm on it] [Dismiss] [… Silence its reminders for 1 h / Silence its reminders for 4 h]
    [Cause is right] [Partly] [Wrong]
    ~ audit #12 3f9a41c07b2e3f9a
    "##);
}

#[test]
fn a_long_plan_is_cut_but_counted() {
    let mut long = sample("Many", vec![Action::SyncNow { force: false }; 500]);
    long = long.approved(vec![queued(); 500]);
    long.steps[499].state = unknown(true);
    let text = shown(&long);
    assert!(
        text.contains("500. *netsuite*"),
        "what needs an answer is not cut"
    );
    let listed = text.lines().filter(|l| l.starts_with("Why: ")).count();
    let more = format!("… and {} more: `audit 12` shows all.", 500 - listed);
    assert!(text.contains(&more), "{text}");
    assert!(text.contains("500 changes (500 syncs): 0 of 500 done, 1 unknown, 499 waiting"));
}

#[test]
fn what_is_dangerous_is_not_cut_from_a_long_plan() {
    let mut actions = vec![Action::SyncNow { force: false }; 300];
    actions.push(Action::HistoricalResync);
    let text = shown(&sample("Many", actions));
    assert!(
        text.contains("301. *salesforce_prod* `id_salesforce_prod`: re-sync the whole"),
        "{text}"
    );
}

#[test]
fn a_button_stands_only_where_it_works() {
    let ids =
        |sample: &Sample| crate::slack::limits::action_ids(&proposal_card(&sample.view()).blocks);
    assert_eq!(ids(&state("proposed")), ["approve", "modify", "reject"]);
    assert_eq!(ids(&state("done")), ["undo"]);
    assert_eq!(
        ids(&state("unknown_asking")),
        ["settle_done", "settle_failed"]
    );
    for over in [
        "approved",
        "failed",
        "rejected",
        "expired",
        "superseded",
        "undone",
        "unknown_checking",
    ] {
        assert!(ids(&state(over)).is_empty(), "{over}");
    }
    let mut late = state("proposed");
    late.now = at(16, 0);
    assert!(ids(&late).is_empty(), "an approval would come too late");
    let sync = Action::SyncNow { force: false };
    let done = sample("Sync", vec![sync.clone()]).approved(vec![done(&sync)]);
    assert!(ids(&done).is_empty(), "a sync has no way back");
    let mut shadow = plan();
    shadow.revision.lines.clear();
    assert!(ids(&shadow).is_empty(), "shadow lines have no buttons");
    let at_six = sample("Later", vec![Action::SyncAt { time: at(18, 0) }]);
    let at_six = at_six.approved(vec![StepState::Queued {
        due_at: at(18, 0),
        attempt: 1,
        note: None,
    }]);
    assert_eq!(
        ids(&at_six),
        ["undo"],
        "what waits for its time can be cancelled"
    );
}

#[test]
fn a_button_carries_the_revision_and_nothing_else() {
    let sample = state("unknown_asking");
    let card = proposal_card(&sample.view()).blocks.to_string();
    let value = format!("v1.12.1.{}", sample.fingerprint.short());
    assert!(card.contains(&format!("\"{value}.0\"")), "{card}");
}
