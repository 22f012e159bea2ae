//! What would do harm is proposed by nobody, and people are told what not to do (SPEC §5, I5).

use syncgate::sim::fivetran::Outcome;

use crate::harness::people::{ANA, POLICY, VIV};
use crate::harness::{World, world};
use crate::incident::steady;

const THROTTLED: &str = "HTTP 429 Too Many Requests: Exceeded 2 calls per second for api client.";

/// A policy with a catalogue file of these entries, and the folder that keeps it.
fn with_ours(entries: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ours.yml");
    std::fs::write(&path, entries).unwrap();
    let policy = format!("{POLICY}\ncatalogue: [{}]\n", path.display());
    (folder, policy)
}

const OURS: &str = r#"
- family: billing_gateway
  category: source_unavailable
  cause: "Our billing gateway is being restarted."
  link: https://runbooks.example.com/gateway
  remedies: [wait_auto_retry]
  dangerous: [retry_sync]
  exact: ['ACME-GW-\d{3}']
"#;

async fn hashes(w: &World) -> Vec<String> {
    let audit = w.audit().await.into_iter();
    let loaded = audit.filter(|(code, _)| code == "policy.loaded");
    loaded
        .map(|(_, facts)| facts["policy_hash"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn for_a_source_that_throttles_no_sync_is_proposed_and_the_card_says_why() {
    world(async |w| {
        w.webhooks();
        w.fails(THROTTLED).await;
        insta::assert_snapshot!(steady(&w.incident()), @"
        Open · incident 1 · orders orders_id: the sync failed
        Since 23 Nov 08:01 CET, failed 1 time, last 23 Nov 08:01 CET.
        Cause, confirmed: source_rate_limited. The service (postgres) throttles: its quota or rate of calls is used up for now.
        1. what the sync said:
        | HTTP 429 Too Many Requests: Exceeded 2 calls per second for api client.
        No log was read.
        *Next*: Syncgate proposes no sync: for this cause it would do harm, as below.
        *What people can do*:
        1. Wait: Fivetran tries again by itself at its next turn.
        2. Move the sync to a quieter time of the source.
        *Do not* sync again: it uses up more of the limit and may lengthen the ban.
        *Do not* re-sync tables or re-sync the history: it asks even more of what gives too little already.
        More about it: <https://www.postgresql.org/docs/current/>
        [Done, check it] [Show lines] [I'm on it] [Dismiss] [… Silence its reminders for 1 h / Silence its reminders for 4 h]
        [Cause is right] [Partly] [Wrong]
        ~ audit #4 <hash>
        ");
        assert!(!w.codes().await.contains(&"proposal.created".to_owned()));
        w.command(VIV, "explain orders").await;
        let told = w.told(VIV);
        assert!(
            told.contains("*Do not* sync again: it uses up more of the limit"),
            "{told}"
        );
        assert!(
            told.contains("<https://www.postgresql.org/docs/current/>"),
            "{told}"
        );
    });
}

#[test]
fn a_persons_own_command_is_not_forbidden_but_its_card_warns() {
    world(async |w| {
        w.webhooks();
        w.fails(THROTTLED).await;
        w.command(ANA, "resync orders").await;
        let card = w.card();
        assert!(
            card.contains(
                "Warning: incident 1 speaks against it: it asks even more of what gives too little already."
            ),
            "{card}"
        );
        // What the cause says nothing against has no warning.
        w.command(ANA, "pause orders for 1h").await;
        assert!(!w.card().contains("Warning"), "{}", w.card());
        w.command(ANA, "resync sales").await;
        assert!(!w.card().contains("Warning"), "{}", w.card());
    });
}

#[test]
fn a_users_own_failure_is_named_explained_and_kept_from_harm() {
    world(async |w| {
        w.webhooks();
        let (_folder, policy) = with_ours(OURS);
        w.set_policy(&policy).await;
        w.fails("gateway says ACME-GW-017, password expired").await;
        let card = w.incident();
        assert!(
            card.contains("confirmed: source_unavailable. Our billing gateway is being restarted."),
            "{card}"
        );
        assert!(
            card.contains("*Do not* sync again: it does harm where this is the cause."),
            "{card}"
        );
        assert!(
            card.contains("More about it: <https://runbooks.example.com/gateway>"),
            "{card}"
        );
        assert!(!w.codes().await.contains(&"proposal.created".to_owned()));
    });
}

#[test]
fn a_changed_catalogue_file_is_taken_up_with_the_policy_and_changes_its_hash() {
    world(async |w| {
        w.webhooks();
        let (folder, policy) = with_ours(OURS);
        w.set_policy(&policy).await;
        let path = folder.path().join("ours.yml");
        let other = OURS
            .replace("ACME-GW", "ACME-LB")
            .replace("restarted", "moved");
        std::fs::write(&path, other).unwrap();
        w.set_policy(&policy).await;
        let seen = hashes(w).await;
        assert_eq!(seen.len(), 3, "{seen:?}");
        assert!(seen[1] != seen[2] && seen[0] != seen[1]);
        w.fails("ACME-LB-001").await;
        assert!(
            w.incident().contains("Our billing gateway is being moved."),
            "{}",
            w.incident()
        );
    });
}

#[test]
fn a_catalogue_file_that_is_wrong_leaves_everything_as_it_was() {
    world(async |w| {
        w.webhooks();
        let (folder, policy) = with_ours(OURS);
        w.set_policy(&policy).await;
        let before = hashes(w).await;
        let path = folder.path().join("ours.yml");
        let wrong = OURS.replace("[wait_auto_retry]", "[historical_resync]");
        std::fs::write(&path, wrong).unwrap();
        // The policy itself changes too, and is not taken up either.
        w.set_policy(&policy.replace("max_pause: 6h", "max_pause: 1h"))
            .await;
        w.settle().await;
        let told = w.channel();
        assert!(told.contains("the one before stays in force"), "{told}");
        assert!(
            told.contains(
                "line 6, column 14: `historical_resync` is dangerous for source_unavailable"
            ),
            "{told}"
        );
        assert_eq!(hashes(w).await, before);
        w.command(ANA, "pause orders for 2h").await;
        assert!(!w.told(ANA).contains("at most"), "{}", w.told(ANA));
        w.syncs("orders_id", Outcome::fails_unknown(1, "ACME-GW-017"))
            .await;
        w.told_by_webhook().await;
        assert!(
            w.incident().contains("Our billing gateway"),
            "{}",
            w.incident()
        );
    });
}
