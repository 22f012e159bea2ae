//! What is kept of deliveries: long enough to know a repetition, and no longer.

use std::time::Duration;

use syncgate::app::Ran;
use syncgate::store::{Arrival, Arrived, Lane};

use crate::harness::people::ANA;
use crate::harness::{CHANNEL, world};

#[test]
fn a_signature_is_taken_once_whatever_it_comes_with() {
    world(async |w| {
        let arrival = |key: &str, signature: &str| Arrival {
            key: key.to_owned(),
            route: "event",
            lane: Lane::Decide,
            received_at: w.now(),
            body: r#"{"inbound":"ignored","what":"test"}"#.to_owned(),
            raw_sha256: key.to_owned(),
            signature: signature.to_owned(),
            held: false,
        };
        let store = async |key, signature| w.app().inbox.store(arrival(key, signature)).await;
        assert_eq!(store("one", "v0=1").await.unwrap(), Arrived::New);
        assert_eq!(store("one", "v0=1").await.unwrap(), Arrived::Again);
        assert_eq!(store("two", "v0=1").await.unwrap(), Arrived::Forged);
        assert_eq!(store("two", "v0=2").await.unwrap(), Arrived::New);
        assert_eq!(store("three", "").await.unwrap(), Arrived::New);
        assert_eq!(store("four", "").await.unwrap(), Arrived::New);
        assert_eq!(w.count("inbox").await, 4);
        w.settle().await;
    });
}

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
