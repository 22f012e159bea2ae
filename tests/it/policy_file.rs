//! The policy file while the service runs: nothing of a change is lost (SPEC §7).

use std::time::Duration;

use syncgate::app::Ran;

use crate::harness::people::{ANA, POLICY};
use crate::harness::world;

fn tighter() -> String {
    POLICY.replace("max_pause: 6h", "max_pause: 1h")
}

#[test]
fn a_change_that_the_database_does_not_take_is_taken_up_later() {
    world(async |w| {
        let raw = w.raw().await;
        let away = "ALTER TABLE facts RENAME TO facts_away";
        raw.run(away).await.unwrap();
        assert!(w.put_policy(tighter().as_bytes()).await.is_err());
        let back = "ALTER TABLE facts_away RENAME TO facts";
        raw.run(back).await.unwrap();
        w.set_policy(&tighter()).await;
        w.command(ANA, "pause orders for 2h").await;
        let told = w.told(ANA);
        assert!(told.contains("at most 60 minutes"), "{told}");
        let codes = w.codes().await;
        let loaded = codes.iter().filter(|c| *c == "policy.loaded").count();
        assert_eq!(loaded, 2, "{codes:?}");
    });
}

#[test]
fn a_file_that_cannot_be_read_for_a_minute_is_told_once() {
    world(async |w| {
        let odd = b"version: 1 \xff";
        assert_eq!(w.put_policy(odd).await.unwrap(), Ran::Empty);
        w.pass(Duration::from_secs(50)).await;
        assert_eq!(w.put_policy(odd).await.unwrap(), Ran::Empty);
        w.pass(Duration::from_secs(20)).await;
        assert_eq!(w.put_policy(odd).await.unwrap(), Ran::Ran);
        assert_eq!(w.put_policy(odd).await.unwrap(), Ran::Empty);
        w.settle().await;
        let told = w
            .channel()
            .matches("the policy file cannot be taken up")
            .count();
        assert_eq!(told, 1, "{}", w.channel());
        w.set_policy(&tighter()).await;
        w.command(ANA, "pause orders for 2h").await;
        assert!(
            w.told(ANA).contains("at most 60 minutes"),
            "{}",
            w.told(ANA)
        );
    });
}
