//! What people do with an incident besides mending it: be on it, silence it, wave it away, say how
//! right its cause is (SPEC §2.2, §4).

use syncgate::sim::fivetran::Outcome;
use syncgate::sim::slack::plain;

use crate::harness::people::{ANA, EMIL, GUEST, LEAD, VIV};
use crate::harness::{CHANNEL, MINUTE, World, world};

const RESET: &str = "connection reset by peer";
const TIMEOUT: &str = "canceling statement due to statement timeout";

impl World {
    /// A sync of a connection fails, and a webhook tells it.
    pub async fn breaks(&self, connection: &str, reason: &str) {
        self.syncs(connection, Outcome::fails_unknown(1, reason))
            .await;
        self.told_by_webhook().await;
    }

    /// The next one succeeds.
    pub async fn recovers(&self, connection: &str) {
        self.syncs(connection, Outcome::succeeds(1)).await;
        self.told_by_webhook().await;
    }

    /// What stands in the thread of the newest incident's card.
    pub fn incident_thread(&self) -> String {
        let card = self.incidents().pop().expect("an incident's card");
        let thread = self.slack.thread(CHANNEL, &card.ts);
        let notes = thread.iter().filter(|m| m.ts != card.ts);
        notes.map(plain).collect::<Vec<_>>().join("\n---\n")
    }

    /// Chooses from the menu of the newest incident's card.
    pub async fn snoozes(&self, user: &str, value: &str) {
        let ts = self.incidents().pop().expect("an incident's card").ts;
        let ack = self.slack.choose(user, CHANNEL, &ts, "snooze", value).await;
        assert!(ack.ok(), "{ack:?}");
        self.settle().await;
    }
}

#[test]
fn whoever_takes_an_incident_stands_on_the_card_and_another_can_take_it_over() {
    world(async |w| {
        w.webhooks();
        w.breaks("orders_id", RESET).await;
        w.click(ANA, "I'm on it").await;
        let card = w.incident();
        assert!(card.starts_with("Acknowledged · incident 1"), "{card}");
        assert!(card.contains("Taken by <@U0ANA> at"), "{card}");
        assert!(
            w.told(ANA).contains("incident 1 is yours"),
            "{}",
            w.told(ANA)
        );
        w.command(ANA, "take 1").await;
        assert!(w.told(ANA).contains("yours already"), "{}", w.told(ANA));
        w.command(ANA, "status orders").await;
        assert!(w.told(ANA).contains("taken by <@U0ANA>"), "{}", w.told(ANA));
        w.command(LEAD, "take #1").await;
        let card = w.incident();
        assert!(card.contains("Taken by <@U0LEAD>"), "{card}");
        assert!(card.contains("before that <@U0ANA> had it"), "{card}");
        assert!(
            w.incident_thread()
                .contains("<@U0LEAD> is on it now, in the place of <@U0ANA>"),
            "{}",
            w.incident_thread()
        );
        assert_eq!(w.audited("incident.taken").await, 2);
        w.click(EMIL, "Approve the fix").await;
        assert!(w.incident().starts_with("Recovering"), "{}", w.incident());
        w.fivetran_saw();
    });
}

#[test]
fn i8_who_may_not_is_told_alone_and_what_is_over_is_not_taken() {
    world(async |w| {
        w.webhooks();
        w.breaks("orders_id", RESET).await;
        for stranger in [VIV, GUEST] {
            w.click(stranger, "I'm on it").await;
            assert!(
                w.told(stranger).starts_with("*Refused*"),
                "{}",
                w.told(stranger)
            );
            w.snoozes(stranger, "v1.incident.1.60").await;
            assert!(
                w.told(stranger).starts_with("*Refused*"),
                "{}",
                w.told(stranger)
            );
        }
        w.command(VIV, "mute orders for 2h").await;
        assert!(w.told(VIV).starts_with("*Refused*"), "{}", w.told(VIV));
        assert!(w.incident().starts_with("Open"), "{}", w.incident());
        assert_eq!(w.count("mutes").await, 0);
        w.command(ANA, "take 9").await;
        assert!(w.told(ANA).contains("no incident 9"), "{}", w.told(ANA));
        w.recovers("orders_id").await;
        w.command(ANA, "take 1").await;
        assert!(
            w.told(ANA).contains("over: it is resolved"),
            "{}",
            w.told(ANA)
        );
    });
}

#[test]
fn a_dismissed_incident_is_over_with_its_remedy_and_the_next_failure_opens_another() {
    world(async |w| {
        w.webhooks();
        w.breaks("orders_id", RESET).await;
        w.click(VIV, "Dismiss").await;
        let refused = w.submit(VIV, &[("reason", "not mine")]).await;
        assert!(refused.body.contains("you may not"), "{refused:?}");
        w.click(ANA, "Dismiss").await;
        let ack = w
            .submit(ANA, &[("reason", "a known <!channel> maintenance")])
            .await;
        assert!(ack.ok(), "{ack:?}");
        let card = w.incident();
        assert!(card.starts_with("Dismissed"), "{card}");
        assert!(card.contains("Dismissed by <@U0ANA>"), "{card}");
        assert!(
            card.contains("maintenance") && !card.contains("<!channel>"),
            "{card}"
        );
        assert!(
            !card.contains("[Approve") && !card.contains("[Dismiss]"),
            "{card}"
        );
        w.command(EMIL, "approve 1").await;
        assert!(
            w.told(EMIL).contains("no longer needed"),
            "{}",
            w.told(EMIL)
        );
        w.polls().await;
        assert_eq!(w.incidents().len(), 1, "the same failure is no new one");
        w.breaks("orders_id", RESET).await;
        let cards = w.incidents();
        assert_eq!(cards.len(), 2, "{}", w.channel());
        assert!(
            plain(&cards[1]).starts_with("Open · incident 2"),
            "{}",
            w.channel()
        );
        let told = plain(&cards[1]);
        assert!(told.contains("it was dismissed"), "{told}");
    });
}

#[test]
fn a_muted_connection_makes_no_noise_and_gets_its_card_when_the_mute_ends() {
    world(async |w| {
        w.webhooks();
        w.command(ANA, "mute salesforce for 2h").await;
        assert!(w.told(ANA).contains("Muted"), "{}", w.told(ANA));
        w.breaks("sales_id", RESET).await;
        assert!(w.incidents().is_empty(), "{}", w.channel());
        assert_eq!(w.audited("incident.opened").await, 1);
        w.command(VIV, "status salesforce").await;
        assert!(w.told(VIV).contains("Muted until"), "{}", w.told(VIV));
        assert!(w.told(VIV).contains("Incident 1"), "{}", w.told(VIV));
        w.command(VIV, "status").await;
        assert!(w.told(VIV).contains("muted until"), "{}", w.told(VIV));
        w.restart().await;
        w.pass(60 * MINUTE).await;
        assert!(w.incidents().is_empty(), "{}", w.channel());
        w.pass(61 * MINUTE).await;
        let card = w.incident();
        assert!(card.starts_with("Open · incident 1"), "{card}");
        assert!(
            card.contains("[Approve the fix]") && !card.contains("Muted"),
            "{card}"
        );
        assert_eq!(w.audited("mute.ended").await, 1);
        assert_eq!(w.count("mutes").await, 0);
        w.pass(5 * MINUTE).await;
        assert!(w.incident_thread().contains("you own this connection"));
        assert_eq!(w.audited("incident.mentioned").await, 1);
    });
}

#[test]
fn a_mute_of_a_failing_connection_stands_on_its_card_and_keeps_its_owner_undisturbed() {
    world(async |w| {
        w.webhooks();
        w.breaks("sales_id", RESET).await;
        w.command(ANA, "mute salesforce for 3h").await;
        assert!(w.incident().contains("*Muted* until"), "{}", w.incident());
        w.pass(90 * MINUTE).await;
        assert_eq!(w.audited("incident.mentioned").await, 0);
        assert_eq!(w.audited("incident.reminded").await, 0);
        w.recovers("sales_id").await;
        assert!(w.incident().starts_with("Resolved"), "{}", w.incident());
        w.pass(100 * MINUTE).await;
        assert_eq!(w.audited("mute.ended").await, 1);
        assert_eq!(w.audited("incident.mentioned").await, 0);
    });
}

#[test]
fn people_say_how_right_the_cause_is_once_each_and_after_the_end_too() {
    world(async |w| {
        w.webhooks();
        w.breaks("orders_id", TIMEOUT).await;
        w.click(VIV, "Cause is right").await;
        assert!(w.told(VIV).contains("Thank you"), "{}", w.told(VIV));
        let card = w.incident();
        assert!(card.contains("People say of the cause: 1 right"), "{card}");
        w.recovers("orders_id").await;
        w.click(EMIL, "Wrong").await;
        let ack = w.submit(EMIL, &[("category", "credential_expired")]).await;
        assert!(ack.ok(), "{ack:?}");
        w.click(VIV, "Partly").await;
        assert!(w.submit(VIV, &[("category", "unknown")]).await.ok());
        let card = w.incident();
        let line = "People say of the cause: 1 partly, 1 wrong; really: credential_expired";
        assert!(card.contains(line), "{card}");
        assert_eq!(w.count("feedback").await, 2, "one voice each");
        assert_eq!(w.audited("incident.feedback").await, 3);
        w.click(GUEST, "Cause is right").await;
        assert!(w.told(GUEST).starts_with("*Refused*"), "{}", w.told(GUEST));
        assert_eq!(w.count("feedback").await, 2);
    });
}

#[test]
fn a_resolved_card_says_how_long_it_took_to_notice_to_tell_and_to_mend() {
    world(async |w| {
        w.webhooks();
        w.syncs("orders_id", Outcome::fails_unknown(1, RESET)).await;
        w.clock.advance(3 * MINUTE);
        w.told_by_webhook().await;
        w.pass(20 * MINUTE).await;
        w.recovers("orders_id").await;
        let card = w.incident();
        let times = card.lines().find(|line| line.starts_with("Times: "));
        let times = times.unwrap_or_else(|| panic!("{card}"));
        assert!(
            times.starts_with("Times: noticed after 3 min, card after "),
            "{times}"
        );
        assert!(times.contains(" s, mended after 24 min"), "{times}");
    });
}

#[test]
fn a_click_that_nobody_was_shown_is_refused() {
    world(async |w| {
        w.webhooks();
        w.breaks("orders_id", RESET).await;
        let ts = w.incidents()[0].ts.clone();
        for (action, value) in [
            ("take", "1"),
            ("snooze", "v1.incident.1.5"),
            ("snooze", "v1.incident.1"),
            ("dismiss", "v1.incident.x"),
            ("feedback_right", "v1.incident.77"),
        ] {
            let ack = w.slack.click_raw(ANA, CHANNEL, &ts, action, value).await;
            assert!(ack.ok(), "{ack:?}");
            w.settle().await;
            let told = w.told(ANA);
            assert!(
                told.starts_with("*Refused*") || told.starts_with("*Not found*"),
                "{action}: {told}"
            );
        }
        assert!(w.incident().starts_with("Open"), "{}", w.incident());
        assert!(!w.incident().contains("silent"), "{}", w.incident());
    });
}
