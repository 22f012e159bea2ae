//! Much at once, and Slack away for long: the channel stays readable, and nothing is lost (T094 to
//! T096). What a channel is told during an outage in general is in `outbox`.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use syncgate::sim::fivetran::{Connection, Notice};
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::plain;
use syncgate::store::{Draft, MessageKind};

use crate::harness::people::{ANA, EMIL, POLICY};
use crate::harness::{CHANNEL, World, world, world_with};

const DAY: Duration = Duration::from_secs(24 * 3_600);

impl World {
    async fn says_much(&self, cards: usize) {
        let mut tx = self.app().store.begin().await.unwrap();
        for n in 0..cards {
            let text = format!("card {n}");
            let draft = Draft {
                asked_at: None,
                key: text.clone(),
                kind: MessageKind::Card,
                channel: CHANNEL.into(),
                parent: None,
                thread_ts: None,
                recipient: None,
                response_url: None,
                text: text.clone(),
                blocks: "[]".into(),
                content: text,
            };
            tx.put_message(&draft, self.now()).await.unwrap();
        }
        tx.commit().await.unwrap();
    }
}

/// How many fail at once; `SYNCGATE_FLOOD=5000` for the whole measure.
fn flood() -> usize {
    let asked = std::env::var("SYNCGATE_FLOOD").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(250)
}

impl World {
    /// So many connections more, of which each failed a minute ago.
    fn many_fail(&self, count: usize) {
        let now = self.now();
        for n in 0..count {
            let id = format!("flood_{n}");
            let connection = Connection::new(&id, "hubspot", &id, "g_warehouse");
            self.fivetran.add_connection(connection.every(360));
            self.edit(&id, |c| {
                c.succeeded_at = Some(now - TimeDelta::hours(2));
                c.failed_at = Some(now - TimeDelta::minutes(1));
            });
        }
    }

    async fn poll(&self) {
        self.clock.advance(Duration::from_secs(60));
        self.app().poll().await.unwrap();
    }

    /// The card on which a flood is counted.
    fn flood_card(&self) -> String {
        let mut cards = self.roots();
        cards.retain(|m| plain(m).contains("more failed connection"));
        assert!(cards.len() <= 1, "one card for all");
        let card = cards.first().map(plain).unwrap_or_default();
        card.replace('*', "")
    }
}

#[test]
fn t094_a_model_is_not_asked_about_what_has_no_card_and_gives_it_none() {
    world(async |w| {
        w.with_model().await;
        w.many_fail(30);
        for n in 0..30 {
            // Each at a host of its own: else it is one trouble, and one incident.
            let told = format!("no such host db{n}.internal.example");
            let task = Notice::new("table_sync_error", &told);
            w.edit(&format!("flood_{n}"), |c| c.tasks = vec![task]);
        }
        w.poll().await;
        w.seconds(70).await;
        let own = w.roots().into_iter();
        let own = own.filter(|m| m.text.starts_with("Open: incident"));
        assert_eq!(own.count(), 20, "{}", w.channel());
        assert!(
            w.flood_card().contains("10 more failed connections"),
            "{}",
            w.flood_card()
        );
        let asked = w.prompts().len();
        assert!((1..=20).contains(&asked), "{asked}");
    });
}

#[test]
fn t094_a_flood_of_failures_is_one_card_with_the_exact_count() {
    world(async |w| {
        let count = flood();
        w.many_fail(count);
        w.poll().await;
        let open = w.count("incidents WHERE open").await;
        assert_eq!(usize::try_from(open).unwrap(), count, "each is an incident");
        let waiting = w.app().health().await.unwrap().messages_waiting;
        assert!(waiting <= 100, "{waiting} messages wait");
        w.seconds(70).await;
        let posts = w.slack.post_times(CHANNEL);
        for from in &posts {
            let to = *from + TimeDelta::minutes(1);
            let within = posts.iter().filter(|at| (*from..to).contains(*at)).count();
            assert!(within <= 60, "{within} posts in a minute");
        }
        let own = w
            .roots()
            .iter()
            .filter(|m| m.text.starts_with("Open: incident"))
            .count();
        assert_eq!(own, 20, "the first have their own");
        let rest = count - own;
        let card = w.flood_card();
        let said = format!(
            "Open · {rest} more failed connections found since 23 Nov 08:00 CET\n{rest} of them are open"
        );
        assert!(card.starts_with(&said), "{card}");
        // One that fails again when the flood is over gets its card, with its remedy.
        let last = format!("flood_{}", count - 1);
        let now = w.now();
        w.edit(&last, |c| c.failed_at = Some(now));
        w.poll().await;
        w.settle().await;
        assert!(
            w.flood_card()
                .contains(&format!("\n{} of them are open", rest - 1)),
            "{}",
            w.flood_card()
        );
        assert!(
            w.card().contains(&last) && w.card().contains("failed 2 times"),
            "{}",
            w.card()
        );
        assert!(
            w.thread().contains(&format!("Sync {last} again")),
            "{}",
            w.thread()
        );
        // And when all run again, one card says so.
        let now = w.now();
        for n in 0..count {
            w.edit(&format!("flood_{n}"), |c| c.succeeded_at = Some(now));
        }
        w.poll().await;
        w.pass(Duration::from_secs(120)).await;
        assert_eq!(w.count("incidents WHERE open").await, 0);
        let card = w.flood_card();
        assert!(
            card.starts_with(&format!("Resolved · {rest} more")),
            "{card}"
        );
        let health = w.app().health().await.unwrap();
        assert_eq!((health.messages_waiting, health.messages_dead), (0, 0));
    });
}

#[test]
fn t095_a_channel_gets_one_message_a_second_for_ten_minutes() {
    world(async |w| {
        w.leaves_work = true;
        w.says_much(650).await;
        let began = w.now();
        while w.round().await {}
        // A clock that moves by whole seconds would hide a pace below one.
        for _ in 0..30 {
            for millis in [999, 1] {
                w.clock.advance(Duration::from_millis(millis));
                while w.round().await {}
            }
        }
        w.seconds(570).await;
        let posts = w.slack.post_times(CHANNEL);
        let gaps = posts.windows(2).map(|pair| pair[1] - pair[0]);
        let gaps: BTreeSet<TimeDelta> = gaps.collect();
        assert_eq!(
            gaps,
            BTreeSet::from([TimeDelta::seconds(1)]),
            "neither less nor more"
        );
        assert_eq!(posts.len(), 601);
        for minute in 0..10 {
            let from = began + TimeDelta::minutes(minute);
            let to = from + TimeDelta::minutes(1);
            let within = posts.iter().filter(|at| (from..to).contains(*at)).count();
            assert!(within <= 60, "minute {minute}: {within} posts");
        }
        let texts: Vec<String> = w.roots().into_iter().map(|m| m.text).collect();
        let expected: Vec<String> = (0..texts.len()).map(|n| format!("card {n}")).collect();
        assert_eq!(texts, expected, "in their order, each once");
    });
}

#[test]
fn t096_what_was_superseded_while_slack_was_away_is_never_posted() {
    let policy = POLICY.replace("expires_after: 4h", "expires_after: 120h");
    let policy = format!("{policy}\ndigest: {{at: \"09:00\"}}\n");
    world_with(&policy, async |w| {
        w.down(Service::Slack).await;
        for day in 1..=4 {
            // Ten o'clock, an hour after the digest.
            w.later(if day == 1 { DAY / 12 } else { DAY }).await;
            let plans = w.audited("digest.posted").await;
            assert_eq!(plans, day, "a plan each day");
            let waiting = w.app().health().await.unwrap().messages_waiting;
            assert!(waiting <= 2, "day {day}: {waiting} messages wait");
        }
        w.up(Service::Slack).await;
        w.later(Duration::from_secs(120)).await;
        w.settle().await;
        let cards = w.cards(CHANNEL);
        assert_eq!(cards.len(), 1, "{}", w.channel());
        assert!(w.card().starts_with("Proposed · #4"), "{}", w.card());
        assert_eq!(w.thread(), "", "nobody is told of what nobody saw");
        // The log has them all.
        assert_eq!(w.audited("proposal.superseded").await, 3);
        w.command(EMIL, "approve 1").await;
        assert!(w.told(EMIL).contains("#2"), "{}", w.told(EMIL));
        w.command(ANA, "status").await;
        assert_eq!(w.fivetran_saw(), "");
    });
}

#[test]
fn t096_nobody_is_reminded_of_a_remedy_that_nobody_was_shown() {
    world(async |w| {
        w.down(Service::Slack).await;
        w.many_fail(1);
        w.poll().await;
        // A reminder is due after an hour, an escalation after two.
        for _ in 0..5 {
            w.later(DAY / 48).await;
        }
        let now = w.now();
        w.edit("flood_0", |c| c.succeeded_at = Some(now));
        w.poll().await;
        w.up(Service::Slack).await;
        w.later(Duration::from_secs(120)).await;
        w.settle().await;
        assert!(w.top().starts_with("Resolved"), "{}", w.top());
        assert_eq!(w.thread(), "", "of a remedy that was never shown");
        assert_eq!(w.audited("proposal.superseded").await, 1);
    });
}

#[test]
fn t096_nobody_is_reminded_of_a_remedy_that_slack_refused_for_good() {
    world(async |w| {
        w.many_fail(1);
        w.poll().await;
        while w.roots().is_empty() {
            w.seconds(1).await;
        }
        let no = r#"{"ok":false,"error":"restricted_action"}"#;
        let no = syncgate::sim::fault::FaultKind::answer(200, no);
        w.fault(Service::Slack, "/api/chat.postMessage", no);
        w.settle().await;
        assert_eq!(w.app().health().await.unwrap().messages_dead, 1);
        for _ in 0..5 {
            w.later(DAY / 48).await;
        }
        assert_eq!(w.thread(), "", "of a remedy that was never shown");
        // Once its card stands there, with what became of it, so does the note.
        w.command(EMIL, "reject 1 not now").await;
        assert!(w.thread().contains("Rejected · #1"), "{}", w.thread());
        assert!(w.thread().contains("by command: not now"), "{}", w.thread());
    });
}

#[test]
fn t096_a_card_that_may_have_arrived_is_brought_to_its_end() {
    world(async |w| {
        let now = w.now();
        w.edit("sales_id", |c| {
            c.succeeded_at = Some(now - TimeDelta::hours(5))
        });
        // Posted, but the answer is lost: whether it stands there is not known yet.
        let lost = syncgate::sim::fault::FaultKind::Close { apply: true };
        w.fault(Service::Slack, "/api/chat.postMessage", lost);
        w.command_now(ANA, "plan now").await;
        w.command_now(ANA, "plan now").await;
        w.settle().await;
        let cards = w.cards(CHANNEL);
        assert_eq!(cards.len(), 2, "{}", w.channel());
        assert!(cards[0].text.starts_with("Superseded"), "{}", cards[0].text);
        assert!(cards[1].text.starts_with("Proposed"), "{}", cards[1].text);
    });
}
