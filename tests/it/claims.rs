//! Several senders on one database: each message has one of them (T148 in its smallest form).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use syncgate::model::{Clock, Ctx};
use syncgate::store::{Access, Draft, Due, MessageKind, STEP_LEASE, Store};

use crate::harness::people::{ANA, EMIL};
use crate::harness::{Database, world};
use crate::process::runtime;

const MESSAGES: usize = 300;
const SENDERS: usize = 8;

fn draft(number: usize) -> Draft {
    Draft {
        asked_at: None,
        key: format!("message {number}"),
        kind: MessageKind::Ephemeral,
        channel: "C".to_owned(),
        parent: None,
        thread_ts: None,
        recipient: Some("U".to_owned()),
        response_url: None,
        text: "text".to_owned(),
        blocks: "[]".to_owned(),
        content: "content".to_owned(),
    }
}

async fn send(store: Store, ctx: Ctx, sent: Arc<Mutex<BTreeMap<String, usize>>>) {
    let mut idle = 0;
    while idle < 20 {
        let mut tx = store.begin().await.unwrap();
        let next = tx.next_message(ctx.now()).await.unwrap();
        let claimed = match next {
            Some(next) => tx.claim_message(next, ctx.now()).await.unwrap(),
            None => None,
        };
        tx.commit().await.unwrap();
        let Some(row) = claimed else {
            idle += 1;
            continue;
        };
        idle = 0;
        *sent.lock().unwrap().entry(row.key.clone()).or_default() += 1;
        let mut tx = store.begin().await.unwrap();
        tx.message_sent(&row, Some("1.1"), ctx.now()).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// Whoever reads a connection to decide about a step must be alone with it until he has decided.
#[test]
fn i10_of_two_steps_of_one_connection_only_one_is_held() {
    world(async |w| {
        assert!(w.halts(None).await);
        for (id, ask) in [(1, "pause orders for 2h"), (2, "schedule orders every 1h")] {
            w.command(ANA, ask).await;
            w.click_on(EMIL, id, "Approve").await;
        }
        assert!(w.unhalts().await);
        let store = &w.app().store;
        let claim = async |at| {
            let mut tx = store.begin().await.unwrap();
            let claimed = tx.claim_step("w", at, Due::Any).await.unwrap();
            tx.commit().await.unwrap();
            claimed.is_some()
        };
        let now = w.now() + TimeDelta::minutes(1);
        assert!(claim(now).await);
        assert!(!claim(now).await, "the other step waits for the first");
        assert!(claim(now + STEP_LEASE).await, "whoever died holds nothing");
        w.leaves_work = true;
    });
}

#[test]
fn t148_each_message_is_taken_by_one_of_many_senders() {
    for database in Database::engines() {
        runtime().block_on(async {
            let ctx = Ctx::new(Clock::machine());
            let (store, _lock) = Store::open(&database.url(), Access::Serve).await.unwrap();
            let mut tx = store.begin().await.unwrap();
            for number in 0..MESSAGES {
                tx.put_message(&draft(number), ctx.now()).await.unwrap();
            }
            tx.commit().await.unwrap();
            let sent = Arc::new(Mutex::new(BTreeMap::new()));
            let senders =
                (0..SENDERS).map(|_| tokio::spawn(send(store.clone(), ctx.clone(), sent.clone())));
            for sender in senders.collect::<Vec<_>>() {
                sender.await.unwrap();
            }
            let mut sent = sent.lock().unwrap().clone();
            assert_eq!(sent.len(), MESSAGES);
            sent.retain(|_, times| *times > 1);
            assert_eq!(sent, BTreeMap::new(), "{}: sent twice", store.engine());
            store.close().await;
            database.drop().await;
        });
    }
}
