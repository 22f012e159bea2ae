//! The demo's clock can run fast; what waits for the network and the disk keeps real time.

use chrono::TimeDelta;
use syncgate::model::Clock;
use syncgate::store::{Access, Arrival, InboxWriter, Lane, Store};

#[test]
fn t174_leases_last_as_long_in_real_time_however_fast_the_clock_runs() {
    crate::process::runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("fast.db").display());
        let (store, _lock) = Store::open(&url, Access::Serve).await.unwrap();
        let clock = Clock::paced();
        let store = store.timed_by(&clock);
        assert_eq!(store.lasting(TimeDelta::seconds(8)), TimeDelta::seconds(8));
        clock.set_speed(60);
        assert_eq!(store.lasting(TimeDelta::seconds(8)), TimeDelta::minutes(8));

        let now = clock.now();
        let (inbox, writer) = InboxWriter::new(store.clone());
        let writer = tokio::spawn(writer);
        let arrival = |held| Arrival {
            key: format!("held:{held}"),
            route: "command",
            lane: Lane::Ask,
            received_at: now,
            body: "{}".into(),
            raw_sha256: "0".repeat(64),
            held,
        };
        for held in [false, true] {
            inbox.store(arrival(held)).await.unwrap();
        }
        let claim = async |after: TimeDelta| {
            let mut tx = store.begin().await.unwrap();
            let row = tx.claim_inbox("worker", Lane::Ask, now + after).await;
            tx.commit().await.unwrap();
            row.unwrap().map(|row| row.key)
        };
        // Half a minute of real time is half an hour of this clock's.
        assert_eq!(
            claim(TimeDelta::zero()).await.as_deref(),
            Some("held:false")
        );
        assert_eq!(claim(TimeDelta::minutes(29)).await, None);
        assert!(claim(TimeDelta::minutes(31)).await.is_some());
        writer.abort();
    });
}
