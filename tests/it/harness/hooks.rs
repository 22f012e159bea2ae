//! What Fivetran tells by itself: webhooks, and what a reading finds.

use std::time::Duration;

use syncgate::sim::fivetran::{Outcome, WebhookRequest};
use syncgate::sim::slack::Signed;

use super::{WEBHOOK_SECRET, World};

pub const MINUTE: Duration = Duration::from_secs(60);

/// A webhook's request as one that can be delivered.
pub fn signed(request: &WebhookRequest) -> Signed {
    let headers = request.headers.iter();
    Signed {
        path: "/fivetran/webhooks".to_owned(),
        headers: headers
            .map(|(k, v)| (k.to_lowercase(), v.clone()))
            .collect(),
        body: request.body.clone(),
    }
}

impl World {
    /// Fivetran posts its webhooks to the service from now on.
    pub fn webhooks(&self) {
        self.fivetran.set_webhook(
            &format!("{}/fivetran/webhooks", self.service().url),
            WEBHOOK_SECRET,
        );
    }

    /// A sync of the connection that takes a minute and ends like this.
    pub async fn syncs(&self, id: &str, outcome: Outcome) {
        self.fivetran.next_sync(id, outcome);
        assert!(self.fivetran.start_sync(id));
        self.pass(MINUTE + Duration::from_secs(10)).await;
    }

    /// Delivers what webhooks wait, and lets everything happen that follows.
    pub async fn told_by_webhook(&self) {
        self.fivetran.deliver_webhooks().await;
        self.settle().await;
    }

    /// Posts one webhook by hand.
    pub async fn post(&self, request: &WebhookRequest) -> u16 {
        self.slack.deliver(&signed(request)).await.status
    }

    /// Somebody halts on the terminal; whether that was new.
    pub async fn halts(&self, reason: Option<&str>) -> bool {
        let reason = reason.map(str::to_owned);
        syncgate::app::halt_beside(&self.app().store, self.now(), reason)
            .await
            .unwrap()
    }

    /// Somebody ends the halt on the terminal; whether there was one.
    pub async fn unhalts(&self) -> bool {
        syncgate::app::unhalt_beside(&self.app().store, self.now())
            .await
            .unwrap()
    }

    pub async fn polls(&self) {
        self.pass(Duration::from_secs(61)).await;
        self.app().poll().await.unwrap();
        self.settle().await;
    }
}
