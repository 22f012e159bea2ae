//! Fivetran's webhook, set up from the terminal beside a running `serve`.

use serde_json::Value;

use crate::harness::people::POLICY;
use crate::harness::{Database, WEBHOOK_SECRET};
use crate::operator::{no, ok};
use crate::process::{Stage, runtime, stage};

impl Stage {
    /// Where the running service is reached, as Fivetran is to know it.
    fn is_public(&mut self) -> String {
        let url = format!("http://{}", self.address());
        self.set("SYNCGATE_PUBLIC_URL", &url);
        format!("{url}/fivetran/webhooks")
    }

    /// The operator's records about the webhook: code and call.
    async fn told_of_webhook(&self) -> Vec<String> {
        let audit = self.audit().await.into_iter();
        audit
            .filter(|record| record.subject == "webhook")
            .map(|record| {
                assert!(record.actor.contains("operator"), "{}", record.actor);
                let body: Value = serde_json::from_str(&record.body).unwrap();
                format!("{} {}", record.code, body["call"].as_str().unwrap())
            })
            .collect()
    }
}

#[test]
fn installed_twice_beside_a_running_service_there_is_one_webhook_and_it_works() {
    stage(async |s| {
        s.start().await;
        let address = s.is_public();
        let missing = no(s, &["webhook", "check"]).await;
        insta::assert_snapshot!(missing, @r"
        No webhook of the account posts to this address.
        Run `syncgate webhook install`.
        ");
        let plain = |said: String| said.replace(&address, "ADDRESS");
        let said = plain(ok(s, &["webhook", "install", "--yes"]).await);
        insta::assert_snapshot!(said, @r"
        A webhook for sync_end is registered at ADDRESS, with the secret in FIVETRAN_WEBHOOK_SECRET.
        Registered: webhook_1.
        Fivetran posted a trial event, and it was taken.
        ");
        let said = plain(ok(s, &["webhook", "install", "--yes"]).await);
        insta::assert_snapshot!(said, @r"
        The webhook webhook_1 at ADDRESS is set to sync_end, with the secret in FIVETRAN_WEBHOOK_SECRET.
        Repaired: webhook_1.
        Fivetran posted a trial event, and it was taken.
        ");
        let said = plain(ok(s, &["webhook", "check"]).await);
        insta::assert_snapshot!(said, @"The webhook at ADDRESS is active and posts sync_end. Its secret nobody can read: `syncgate webhook install` sets it again and lets Fivetran try it.");
        let hooks = s.fivetran.webhooks();
        assert_eq!(hooks.len(), 1, "{hooks:?}");
        assert_eq!((&*hooks[0].url, hooks[0].active), (&*address, true));
        assert_eq!(hooks[0].secret.as_deref(), Some(WEBHOOK_SECRET));
        let told = s.told_of_webhook().await;
        let expected = [
            "webhook.intended create",
            "webhook.done create",
            "webhook.intended try",
            "webhook.done try",
            "webhook.intended repair",
            "webhook.done repair",
            "webhook.intended try",
            "webhook.done try",
        ];
        assert_eq!(told, expected);
    });
}

#[test]
fn a_webhook_with_another_secret_is_repaired() {
    stage(async |s| {
        s.start().await;
        let address = s.is_public();
        s.fivetran.set_webhook(&address, "a-secret-of-yesterday");
        let said = ok(s, &["webhook", "install", "--yes"]).await;
        assert!(said.contains("Repaired: webhook_1."), "{said}");
        assert!(said.contains("it was taken"), "{said}");
        let hooks = s.fivetran.webhooks();
        assert_eq!(hooks[0].secret.as_deref(), Some(WEBHOOK_SECRET));
    });
}

#[test]
fn where_serve_has_another_secret_nothing_is_registered_and_the_reason_told() {
    stage(async |s| {
        s.start().await;
        s.is_public();
        s.set("FIVETRAN_WEBHOOK_SECRET", "not-the-one-of-serve-0006");
        let said = no(s, &["webhook", "install", "--yes"]).await;
        assert!(
            said.contains("It did not work: Fivetran refused it"),
            "{said}"
        );
        assert!(said.contains("answered 401"), "{said}");
        assert!(!said.contains("not-the-one-of-serve"), "{said}");
        assert_eq!(s.fivetran.webhooks().len(), 0);
        let told = s.told_of_webhook().await;
        assert_eq!(told, ["webhook.intended create", "webhook.failed create"]);
    });
}

#[test]
fn under_a_halt_and_without_a_yes_nothing_leaves() {
    stage(async |s| {
        s.start().await;
        s.is_public();
        let said = no(s, &["webhook", "install"]).await;
        assert!(said.contains("Nothing was changed."), "{said}");
        ok(s, &["halt"]).await;
        let said = no(s, &["webhook", "install", "--yes"]).await;
        assert!(said.contains("run `syncgate unhalt` first"), "{said}");
        assert_eq!(s.writes().len(), 0);
        assert_eq!(s.told_of_webhook().await, Vec::<String>::new());
        ok(s, &["unhalt"]).await;
    });
}

#[test]
fn an_address_that_is_not_https_or_not_set_is_refused() {
    runtime().block_on(async {
        let database = Database::Sqlite(tempfile::tempdir().unwrap());
        let mut s = Stage::new(database, POLICY).await;
        s.set("SYNCGATE_PUBLIC_URL", "http://gate.example.com");
        let said = no(&s, &["webhook", "install", "--yes"]).await;
        insta::assert_snapshot!(said, @"SYNCGATE_PUBLIC_URL: must begin with https:// (http:// only for this machine)");
        s.set("SYNCGATE_PUBLIC_URL", "");
        s.set("FIVETRAN_WEBHOOK_SECRET", "");
        let said = no(&s, &["webhook", "check"]).await;
        insta::assert_snapshot!(said, @r"
        SYNCGATE_PUBLIC_URL: is not set; it is the https:// address at which Fivetran reaches this service
        FIVETRAN_WEBHOOK_SECRET: is not set; make one, for example with `openssl rand -hex 32`, and start `serve` with it
        ");
        assert_eq!(s.writes().len(), 0);
    });
}
