//! T066: the process is killed at a random system call, again and again, and nothing is lost or
//! doubled.
//!
//! A cycle: approve what the cycle before asked for, command a sync, ask for the next pause; strace
//! kills the process at its Nth write to disk or network on the way (often again while it
//! recovers); the next start brings everything to its end. Two stages run side by side, one on each
//! engine. Only a death in the middle of work counts; each stage goes on until it has seen enough of
//! them. `SYNCGATE_KILL_SEED` repeats a run's random choices, `SYNCGATE_KILLS` makes it longer.

use std::time::Duration;

use syncgate::sim::fivetran::Group;
use syncgate::sim::slack::Ack;

use crate::dice::Dice;
use crate::harness::Database;
use crate::harness::people::{ANA, EMIL, POLICY};
use crate::process::{Stage, Tracer, by_signal, connection, runtime, signal, state};

/// The deaths that each of the two stages must live through.
const KILLS: u64 = 100;
/// A channel takes one message a second; with so many of them no cycle waits for the last one's.
const CHANNELS: u64 = 16;
/// Longer than a call takes to settle.
const SETTLED: i64 = 200;
/// The calls that a death is put at.
const CALLS: &str = "fsync,fdatasync,pwrite64,write,sendto,recvfrom";

#[test]
fn t066_two_hundred_kills_lose_nothing_and_double_nothing() {
    let seed = number("SYNCGATE_KILL_SEED").unwrap_or(20_261_122);
    let kills = number("SYNCGATE_KILLS").unwrap_or(KILLS);
    let mut engines = Database::engines();
    if engines.len() == 1 {
        engines.append(&mut Database::engines());
    }
    std::thread::scope(|scope| {
        for (lane, database) in (0..).zip(engines) {
            let dice = Dice::new(seed ^ (lane << 32));
            scope.spawn(move || runtime().block_on(run(database, kills, dice)));
        }
    });
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What happened so far.
#[derive(Default)]
struct Tally {
    /// Deaths by SIGKILL in the middle of work.
    kills: u64,
    /// Of them, those while the process recovered from the one before.
    in_recovery: u64,
    lost_clicks: u64,
}

impl Tally {
    /// Counts the process's end if it was killed. An end of another kind is a fault of its own.
    fn count(&mut self, s: &mut Stage) -> bool {
        let Some(status) = s.ended() else {
            return false;
        };
        assert!(
            by_signal(status, 9),
            "it ended by itself, {status}:\n{}",
            s.log()
        );
        self.kills += 1;
        true
    }
}

async fn run(database: Database, kills: u64, mut dice: Dice) {
    let engine = match &database {
        Database::Sqlite(_) => "SQLite",
        Database::Postgres { .. } => "PostgreSQL",
    };
    let mut s = set_up(database).await;
    let mut tally = Tally::default();
    let mut cycle = 0;
    while tally.kills < kills {
        assert!(
            cycle < 4 * kills,
            "most deaths come too late: {}",
            tally.kills
        );
        add(&s, cycle + 1);
        let acks = die(&mut s, cycle, &mut dice, &mut tally).await;
        heal(&s, cycle, &acks, &mut tally).await;
        cycle += 1;
        if cycle % 20 == 0 {
            s.check().await;
        }
    }
    s.quiet().await;
    told(&s, cycle);
    s.check().await;
    println!(
        "t066 {engine}: {} kills in {cycle} cycles, {} of them in a recovery; {} clicks were not \
         acknowledged and had to be repeated",
        tally.kills, tally.in_recovery, tally.lost_clicks
    );
    s.end().await;
}

/// A stage with many channels, and a first card that waits for its approval.
async fn set_up(database: Database) -> Stage {
    let mut s = Stage::new(database, &policy()).await;
    for lane in 0..CHANNELS {
        s.slack
            .add_channel(&channel(lane), &format!("kills-{lane}"));
        s.fivetran
            .add_group(Group::new(&group(lane), "Kills", "snowflake"));
    }
    add(&s, 0);
    s.start().await;
    let asked = s.types(ANA, &ask(0)).await;
    assert!(asked.ok());
    s.until("the first card", async |s| waits(s, 0)).await;
    s
}

/// What was acknowledged of what a cycle's people did.
struct Acks {
    approve: Ack,
    sync: Ack,
    ask: Ack,
}

async fn die(s: &mut Stage, cycle: u64, dice: &mut Dice, tally: &mut Tally) -> Acks {
    let nth = 1 + dice.below(80);
    println!("cycle {cycle}: death at call {nth}");
    let mut killer = Killer::attach(s, nth);
    let here = channel(cycle);
    let sync = format!("sync s{cycle}");
    let next = ask(cycle + 1);
    let (approve, sync, ask) = tokio::join!(
        s.clicks_in(&here, EMIL, "Approve"),
        s.types(ANA, &sync),
        s.types(ANA, &next),
    );
    killer.wait(s, cycle).await;
    tally.count(s);
    s.kill();
    drop(killer);
    s.skip(SETTLED);
    if dice.below(2) == 0 {
        let nth = 1 + dice.below(60);
        println!("  and at call {nth} of the start after it");
        let inject = format!("inject={CALLS}:signal=KILL:when={nth}");
        if s.spawn_traced(&["-e", &format!("trace={CALLS}"), "-e", &inject]) {
            s.dies_within(Duration::from_secs(2)).await;
            tally.in_recovery += u64::from(tally.count(s));
            s.kill();
        }
    }
    s.start().await;
    let approve = approve.expect("the card of this cycle has its button");
    Acks { approve, sync, ask }
}

/// Lets everything come to its end; people repeat what was not acknowledged and left no trace.
async fn heal(s: &Stage, cycle: u64, acks: &Acks, tally: &mut Tally) {
    let settled = async |s: &Stage| {
        let state = s.state().await;
        state["inbox_waiting"] == 0 && state["actions_open"] == 0
    };
    let settled = async |s: &Stage| settled(s).await && settled(s).await;
    s.until("the recovery ends", settled).await;
    if count(s, &format!("p{cycle} Paused")) == 0 {
        assert!(!acks.approve.ok(), "an acknowledged click was lost");
        tally.lost_clicks += 1;
        let again = s.clicks_in(&channel(cycle), EMIL, "Approve").await;
        assert!(again.unwrap().ok());
        let paused = async |s: &Stage| count(s, &format!("p{cycle} Paused")) > 0;
        s.until("the repeated click counts", paused).await;
        s.until("it is settled", settled).await;
    }
    assert_eq!(
        count(s, &format!("p{cycle} Paused")),
        1,
        "pauses of p{cycle}"
    );
    let syncs = count(s, &format!("s{cycle} SyncStarted {{ force: false }}"));
    assert!(syncs <= 1, "s{cycle} was synced {syncs} times");
    assert!(
        syncs == 1 || !acks.sync.ok(),
        "an acknowledged command was lost: s{cycle}\n{}",
        s.report().await
    );
    let posted = async |s: &Stage| waits(s, cycle + 1) || s.state().await["messages_waiting"] == 0;
    s.until("the next card is posted, if it was asked for", posted)
        .await;
    if !waits(s, cycle + 1) {
        assert!(!acks.ask.ok(), "an acknowledged command was lost");
        assert!(s.types(ANA, &ask(cycle + 1)).await.ok());
        s.until("the next card", async |s| waits(s, cycle + 1))
            .await;
    }
}

/// Every card told its story to the end: one card for each pause.
fn told(s: &Stage, cycles: u64) {
    for cycle in 0..cycles {
        let name = format!("pipe_p{cycle} ");
        let cards = s.cards(&channel(cycle));
        let about =
            |m: &&syncgate::sim::slack::Message| syncgate::sim::slack::plain(m).contains(&name);
        let states: Vec<_> = cards.iter().filter(about).map(state).collect();
        let ends = [vec!["Done".to_owned()], vec!["Undone".to_owned()]];
        assert!(ends.contains(&states), "the cards of p{cycle}: {states:?}");
        let resumed = count(s, &format!("p{cycle} Resumed"));
        assert_eq!(resumed, usize::from(states == ["Undone"]), "p{cycle}");
    }
}

fn count(s: &Stage, effect: &str) -> usize {
    s.effects().lines().filter(|line| *line == effect).count()
}

fn waits(s: &Stage, cycle: u64) -> bool {
    let name = format!("pipe_p{cycle} ");
    let cards = s.cards(&channel(cycle)).into_iter();
    cards
        .map(|m| syncgate::sim::slack::plain(&m))
        .any(|text| text.contains(&name) && text.contains("[Approve]"))
}

fn ask(cycle: u64) -> String {
    format!("pause p{cycle} for 2h")
}

fn channel(cycle: u64) -> String {
    format!("C0KILLS{}", cycle % CHANNELS)
}

fn group(cycle: u64) -> String {
    format!("g_kills_{}", cycle % CHANNELS)
}

fn add(s: &Stage, cycle: u64) {
    for kind in ["p", "s"] {
        let (id, schema) = (format!("{kind}{cycle}"), format!("pipe_{kind}{cycle}"));
        let mut new = connection(&id, "hubspot", &schema);
        new.group_id = group(cycle);
        new.succeeded_at = Some(s.slack.now());
        // Its own schedule starts no sync that a command is then told of: the clock goes on for hours.
        s.fivetran.add_connection(new.manual());
    }
}

fn policy() -> String {
    let routes = (0..CHANNELS).map(|lane| {
        let (group, channel) = (group(lane), channel(lane));
        format!("    - {{match: {{group: {group}}}, channel: {channel}}}\n")
    });
    let channels = format!(
        "channels:\n  default: C0DATAOPS\n  routes:\n{}",
        routes.collect::<String>()
    );
    POLICY.replace("channels: {default: C0DATAOPS}\n", &channels)
}

/// What ends the running process.
enum Killer {
    /// A tracer, attached; it kills at the chosen call.
    Strace(#[expect(dead_code, reason = "it lives as long as its process")] Tracer),
    /// No tracer is to be had: a signal once so many more requests have left the process.
    After(usize),
}

impl Killer {
    fn attach(s: &Stage, nth: u64) -> Self {
        let requests = s.ledger.entries().len() + usize::try_from(nth % 12).unwrap();
        let trace = format!("trace={CALLS}");
        let inject = format!("inject={CALLS}:signal=KILL:when={nth}");
        match s.attach(&["-e", &trace, "-e", &inject]) {
            Some(tracer) => Self::Strace(tracer),
            None => Self::After(requests),
        }
    }

    /// Until the process is dead, or the cycle's work is done and it was not to die. Without a
    /// tracer the signal comes from here, while work is left.
    async fn wait(&mut self, s: &mut Stage, cycle: u64) {
        for _ in 0..100 {
            let effects = [format!("p{cycle} Paused"), format!("s{cycle} SyncStarted")];
            let all = s.effects();
            let done = effects.iter().all(|e| all.contains(e.as_str())) && waits(s, cycle + 1);
            if s.ended().is_some() || done {
                return;
            }
            if matches!(self, Self::After(requests) if s.ledger.entries().len() >= *requests) {
                signal(s.id(), "KILL");
                assert!(s.dies_within(Duration::from_secs(10)).await);
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}
