//! The demo's clock can run fast; what waits for the network and the disk keeps real time.

use chrono::{DateTime, TimeDelta, Utc};
use syncgate::model::{Clock, ProposalId};
use syncgate::store::{Access, Arrival, Due, InboxWriter, Lane, Store};

/// One row of everything that a worker takes with a lease, due now.
async fn rows(store: &Store, now: DateTime<Utc>) {
    let Store::Sqlite { writer, .. } = store else {
        panic!("the demo's database is SQLite")
    };
    let facts = r#"{"now":"2026-11-23T07:00:00Z","until":"2026-11-24T07:00:00Z","zone":"UTC","rows":[],"more":0}"#;
    for row in [
        "proposals (id, kind, state, document, version, created_at) VALUES (1, 'plan', 'approved', '{}', 1, $1)",
        "steps (id, proposal_id, revision, position, connection_id, state, document, version, in_flight, run_after) \
         VALUES (1, 1, 1, 0, 'c', 'queued', '{}', 1, FALSE, $1)",
        "messages (id, key, kind, channel, text, blocks, content, version, run_after, created_at) \
         VALUES (1, 'k', 'card', 'C', 't', '[]', 'c', 1, $1, $1)",
        "pictures (proposal_id, revision, facts, run_after) VALUES (1, 1, $2, $1)",
        "model_calls (id, incident_id, brief, state, created_at, run_after) VALUES (1, 1, '{}', 'waiting', $1, $1)",
    ] {
        let insert = format!("INSERT INTO {row}");
        let insert = sqlx::query(sqlx::AssertSqlSafe(insert)).bind(now);
        let insert = if row.contains("$2") {
            insert.bind(facts)
        } else {
            insert
        };
        insert.execute(writer).await.unwrap();
    }
}

/// What a worker gets hold of at this time.
async fn taken(store: &Store, at: DateTime<Utc>) -> Vec<&'static str> {
    let mut tx = store.begin().await.unwrap();
    let delivery = tx.claim_inbox("w", Lane::Ask, at).await.unwrap();
    let taken = [
        ("delivery", delivery.is_some()),
        (
            "step",
            tx.claim_step("w", at, Due::Any).await.unwrap().is_some(),
        ),
        ("message", tx.claim_message(1, at).await.unwrap().is_some()),
        (
            "picture",
            tx.claim_picture(ProposalId(1), at).await.unwrap().is_some(),
        ),
        (
            "question",
            tx.claim_question(1, at).await.unwrap().is_some(),
        ),
    ];
    tx.commit().await.unwrap();
    let taken = taken.into_iter().filter(|(_, taken)| *taken);
    taken.map(|(what, _)| what).collect()
}

#[test]
fn t174_leases_last_as_long_in_real_time_whenever_the_clock_is_made_to_run_fast() {
    crate::process::runtime().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("fast.db").display());
        let (store, _lock) = Store::open(&url, Access::Serve).await.unwrap();
        let clock = Clock::paced(60);
        let store = store.timed_by(&clock);
        let now = clock.now();
        rows(&store, now).await;
        let (inbox, writer) = InboxWriter::new(store.clone());
        let writer = tokio::spawn(writer);
        for held in [false, true] {
            let arrival = Arrival {
                key: format!("held:{held}"),
                route: "command",
                lane: Lane::Ask,
                received_at: now,
                body: "{}".into(),
                raw_sha256: "0".repeat(64),
                held,
            };
            inbox.store(arrival).await.unwrap();
        }
        let all = ["delivery", "step", "message", "picture", "question"];
        assert_eq!(taken(&store, now).await, all);
        // Everything is held when the switch is thrown. A second of real time is a minute from now on.
        clock.set_speed(60);
        let later = |real_seconds| now + TimeDelta::minutes(real_seconds);
        let none: [&str; 0] = [];
        assert_eq!(taken(&store, later(7)).await, none);
        assert_eq!(taken(&store, later(9)).await, ["step"]);
        // What is taken while it runs fast lasts as long.
        assert_eq!(taken(&store, later(16)).await, none);
        assert_eq!(taken(&store, later(29)).await, ["step"]);
        // One delivery was claimed, the other held by the one who brought it.
        assert_eq!(taken(&store, later(31)).await, ["delivery", "message"]);
        assert_eq!(taken(&store, later(32)).await, ["delivery"]);
        assert_eq!(taken(&store, later(44)).await, ["step"]);
        assert_eq!(taken(&store, later(46)).await, ["picture"]);
        assert_eq!(taken(&store, later(60)).await, ["step", "question"]);
        writer.abort();
    });
}
