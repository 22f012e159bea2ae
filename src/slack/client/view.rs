//! Modals.

use serde::Serialize;
use serde_json::Value;

use super::{SlackClient, SlackError, ViewId, required};

/// As the crate's requests, but with the view as the JSON that the modal's maker wrote.
#[derive(Serialize)]
struct Open<'a> {
    trigger_id: &'a str,
    view: &'a Value,
}

#[derive(Serialize)]
struct Update<'a> {
    view_id: &'a str,
    view: &'a Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<&'a str>,
}

impl SlackClient {
    /// Opens a modal (`views.open`), within 3 s of the click that gave the trigger, once.
    ///
    /// # Errors
    /// See [`SlackError`]; a trigger cannot be used again whatever came back.
    pub async fn open_view(&self, trigger_id: &str, view: &Value) -> Result<ViewId, SlackError> {
        let request = Open { trigger_id, view };
        let answer = self.post_json("views.open", &request).await?;
        required(&answer, "/view/id").map(ViewId)
    }

    /// Replaces what a modal shows (`views.update`); with a hash only if it still shows that state.
    ///
    /// # Errors
    /// See [`SlackError`]: `hash_conflict` and `not_found` when the modal was changed or closed.
    pub async fn update_view(
        &self,
        view_id: &ViewId,
        view: &Value,
        hash: Option<&str>,
    ) -> Result<(), SlackError> {
        let view_id = view_id.0.as_str();
        let request = Update {
            view_id,
            view,
            hash,
        };
        self.post_json("views.update", &request).await?;
        Ok(())
    }
}
