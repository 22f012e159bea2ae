//! What is kept of deliveries: long enough to know a repetition, and no longer.

use std::time::Duration;

use syncgate::app::Ran;

use crate::harness::people::ANA;
use crate::harness::{CHANNEL, world};

#[test]
fn what_is_settled_is_forgotten_after_a_week_and_what_waits_is_not() {
    world(async |w| {
        w.command(ANA, "help").await;
        assert!(w.slack.command(ANA, CHANNEL, "help").await.ok());
        let rows = async || (w.count("inbox").await, w.count("messages").await);
        w.clock.advance(Duration::from_secs(6 * 86_400));
        w.app().forget().await.unwrap();
        assert_eq!(rows().await, (2, 1));
        w.clock.advance(Duration::from_secs(2 * 86_400));
        w.app().forget().await.unwrap();
        assert_eq!(rows().await, (2, 0), "no receipt of it is in the chain yet");
        while w.app().chain_receipts().await.unwrap() == Ran::Ran {}
        w.app().forget().await.unwrap();
        assert_eq!(rows().await, (1, 0), "one delivery waits");
        w.settle().await;
    });
}
