//! The writes about webhooks that can leave for Fivetran, and no others: beside [`super::Call`] the
//! only ones. There is no DELETE, and nothing that touches another one's address.

use serde_json::{Value, json};

use super::call::encode_segment;

/// The events that Syncgate makes something of.
pub const HOOK_EVENTS: [&str; 1] = ["sync_end"];

/// What stands for the secret where a request is recorded.
pub const HIDDEN: &str = "hidden";

/// One mutating request about the account's webhooks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HookCall {
    /// `POST /v1/webhooks/account`
    Create {
        /// Where Fivetran posts.
        url: String,
    },
    /// `PATCH /v1/webhooks/{id}`: events and secret set anew, and switched on.
    Repair {
        /// Which.
        id: String,
    },
    /// `POST /v1/webhooks/{id}/test`: Fivetran posts one event about no real connection.
    Try {
        /// Which.
        id: String,
    },
}

impl HookCall {
    /// Its name in the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Repair { .. } => "repair",
            Self::Try { .. } => "try",
        }
    }

    /// The HTTP method.
    pub fn method(&self) -> &'static str {
        match self {
            Self::Create { .. } | Self::Try { .. } => "POST",
            Self::Repair { .. } => "PATCH",
        }
    }

    /// The path below the REST base; the id is percent-encoded, whatever it holds.
    pub fn path(&self) -> String {
        match self {
            Self::Create { .. } => "/v1/webhooks/account".to_owned(),
            Self::Repair { id } => format!("/v1/webhooks/{}", encode_segment(id)),
            Self::Try { id } => format!("/v1/webhooks/{}/test", encode_segment(id)),
        }
    }

    /// The exact bytes of the body with this secret, as JSON text.
    pub fn body(&self, secret: &str) -> String {
        self.fields(secret).to_string()
    }

    /// The request as it is recorded: the secret is `HIDDEN`.
    pub fn recorded(&self) -> Value {
        json!({ "method": self.method(), "path": self.path(), "body": self.body(HIDDEN) })
    }

    fn fields(&self, secret: &str) -> Value {
        match self {
            Self::Create { url } => {
                json!({ "url": url, "events": HOOK_EVENTS, "active": true, "secret": secret })
            }
            Self::Repair { .. } => {
                json!({ "events": HOOK_EVENTS, "active": true, "secret": secret })
            }
            Self::Try { .. } => json!({ "event": HOOK_EVENTS[0] }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_recorded_is_the_request_without_its_secret() {
        let url = "https://gate.example.com/fivetran/webhooks".to_owned();
        for call in [
            HookCall::Create { url },
            HookCall::Repair { id: "w".into() },
            HookCall::Try { id: "w".into() },
        ] {
            let recorded = call.recorded();
            assert!(!recorded.to_string().contains("a-secret-of-ours"));
            let sent = call
                .body("a-secret-of-ours")
                .replace("a-secret-of-ours", HIDDEN);
            assert_eq!(recorded["body"], sent.as_str());
        }
    }

    #[test]
    fn an_id_cannot_leave_its_path_segment() {
        let call = HookCall::Repair { id: "../x?".into() };
        assert_eq!(call.path(), "/v1/webhooks/%2E%2E%2Fx%3F");
    }
}
