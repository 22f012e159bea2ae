//! What can become of a call, in the four words that the outbox decides by.

use std::error::Error;
use std::time::Duration;

use serde_json::Value;
use slack_morphism::errors::SlackClientError;

/// When Slack says "later" without a number that makes sense.
const DEFAULT_WAIT: Duration = Duration::from_secs(30);
/// No outage is so long that it would not be worth another look after an hour.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

const INTERNAL: &str = "internal_error";
const FATAL: &str = "fatal_error";

/// A call that did not plainly succeed. Its text never holds a token, a body or an address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlackError {
    /// Slack did nothing and wants to be asked again later.
    #[error("Slack asks to wait {} s", .retry_after.as_secs())]
    RateLimited {
        /// How long to wait before the next call of this method, from 1 s to 1 h.
        retry_after: Duration,
    },
    /// Provably not delivered: no connection ever stood, or no request could be made.
    #[error("Slack was not reached: {why}")]
    NotSent {
        /// The operating system's or the TLS library's reason.
        why: String,
    },
    /// It may have been done, or not: look before repeating.
    #[error("it is not known whether Slack did it: {detail}")]
    Ambiguous {
        /// What was seen.
        detail: String,
    },
    /// Slack understood and refused; nothing was done.
    #[error("Slack refused with {code}{}{detail}", if .detail.is_empty() { "" } else { ": " })]
    Refused {
        /// Slack's error code, for example `not_in_channel`.
        code: String,
        /// What Slack says about it: `response_metadata.messages`, or the scope that is missing.
        detail: String,
    },
}

/// Counts what became of a call.
pub(super) fn count<T>(called: &Result<T, SlackError>) {
    let outcome = match called {
        Ok(_) => "ok",
        Err(SlackError::RateLimited { .. }) => "rate_limited",
        Err(SlackError::NotSent { .. }) => "not_sent",
        Err(SlackError::Ambiguous { .. }) => "ambiguous",
        Err(SlackError::Refused { .. }) => "refused",
    };
    metrics::counter!("syncgate_slack_requests_total", "outcome" => outcome).increment(1);
}

impl SlackError {
    /// Whether the same call would be refused again however often it is repeated, until somebody
    /// mends what [`SlackError::remedy`] names.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::NotSent { .. } | Self::Ambiguous { .. } => false,
            Self::Refused { code, .. } => !matches!(
                code.as_str(),
                "service_unavailable" | "request_timeout" | "team_added_to_org" | "unknown_error"
            ),
        }
    }

    /// Whether it says something about this one message; else Slack itself is away, or our way to it.
    pub fn is_about_this_message(&self) -> bool {
        match self {
            Self::RateLimited { .. } | Self::NotSent { .. } => false,
            // Slack's own words for a failure in the middle of this call.
            Self::Ambiguous { detail } => matches!(detail.as_str(), INTERNAL | FATAL),
            Self::Refused { code, .. } => !Self::is_outage(code),
        }
    }

    /// Whether a code of Slack's says that Slack itself is out of order.
    pub fn is_outage(code: &str) -> bool {
        matches!(code, "service_unavailable" | "request_timeout")
    }

    /// Whether the click or command had become too old to open a form.
    pub fn is_expired_trigger(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if is_trigger_code(code))
    }

    /// What a person can do about it, as a sentence or two.
    pub fn remedy(&self) -> String {
        match self {
            Self::RateLimited { retry_after } => {
                format!(
                    "Nothing to do: it is tried again in {} s.",
                    retry_after.as_secs()
                )
            }
            Self::NotSent { .. } => {
                "Check that this machine can reach Slack (SLACK_API_URL); it is tried again.".into()
            }
            Self::Ambiguous { .. } => {
                "Nothing to do: the channel is looked at before it is tried again.".into()
            }
            Self::Refused { code, detail } => refusal_remedy(code, detail),
        }
    }

    pub(super) fn ambiguous(detail: impl Into<String>) -> Self {
        Self::Ambiguous {
            detail: detail.into(),
        }
    }

    /// A `Retry-After` in seconds, kept within bounds.
    pub(super) fn rate_limited(retry_after: Option<Duration>) -> Self {
        let wait = retry_after.unwrap_or(DEFAULT_WAIT);
        Self::RateLimited {
            retry_after: wait.clamp(SHORTEST_WAIT, LONGEST_WAIT),
        }
    }

    /// An error code of Slack's, sorted.
    pub(super) fn refused(code: &str, detail: String) -> Self {
        match code {
            "ratelimited" | "rate_limited" => Self::rate_limited(None),
            // Slack documents for both that a part may have been done before the failure.
            INTERNAL | FATAL => Self::ambiguous(code),
            _ => Self::Refused {
                code: harmless(code, 80),
                detail,
            },
        }
    }

    /// What the client crate reports. Its own texts hold whole bodies and are never used.
    pub(super) fn from_call(error: SlackClientError) -> Self {
        match error {
            SlackClientError::RateLimitError(error) => Self::rate_limited(error.retry_after),
            SlackClientError::ApiError(error) => {
                let body = error.http_response_body.unwrap_or_default();
                Self::refused(&error.code, detail(&body))
            }
            // Redirects are not followed; whatever stands there, it is not Slack's own refusal.
            SlackClientError::HttpError(error) => {
                Self::ambiguous(format!("HTTP status {}", error.status_code.as_u16()))
            }
            SlackClientError::HttpProtocolError(error) => error.cause.map_or_else(
                || Self::ambiguous("the connection broke"),
                |cause| from_transport(&*cause),
            ),
            // Without a body it was our own request that could not be written.
            SlackClientError::ProtocolError(error) if error.json_body.is_none() => Self::NotSent {
                why: "the request is not JSON".into(),
            },
            SlackClientError::ProtocolError(_) => Self::ambiguous("an answer that is not Slack's"),
            SlackClientError::SystemError(_)
            | SlackClientError::EndOfStream(_)
            | SlackClientError::SocketModeProtocolError(_) => {
                Self::ambiguous("the connection broke in the middle of the answer")
            }
        }
    }
}

fn from_transport(cause: &(dyn Error + Send + Sync + 'static)) -> SlackError {
    match cause.downcast_ref::<hyper_util::client::legacy::Error>() {
        Some(error) if !error.is_connect() => SlackError::ambiguous("the connection broke"),
        // Anything else failed while the request was put together.
        _ => SlackError::NotSent {
            why: innermost(cause),
        },
    }
}

/// The reason at the bottom of a chain of errors: the outer ones say only that a call failed, and
/// some of them print the address.
pub(super) fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string().chars().take(200).collect()
}

/// What Slack says beside the code.
fn detail(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let messages = body
        .pointer("/response_metadata/messages")
        .and_then(Value::as_array);
    let mut said: Vec<String> = messages
        .into_iter()
        .flatten()
        .filter_map(|message| message.as_str().map(str::to_owned))
        .collect();
    if let Some(scope) = body.get("needed").and_then(Value::as_str) {
        said.push(format!("needs the scope {scope}"));
    }
    said.join("; ").chars().take(500).collect()
}

fn harmless(code: &str, length: usize) -> String {
    let keep = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    code.chars().filter(keep).take(length).collect()
}

fn is_trigger_code(code: &str) -> bool {
    matches!(
        code,
        "expired_trigger_id"
            | "trigger_expired"
            | "trigger_exchanged"
            | "exchanged_trigger_id"
            | "invalid_trigger_id"
    )
}

fn refusal_remedy(code: &str, detail: &str) -> String {
    match code {
        "not_in_channel" => "Invite the bot: type /invite @syncgate in the channel.".into(),
        "channel_not_found" => "Check the channel's id in the policy; if the channel is private, \
            invite the bot: type /invite @syncgate there."
            .into(),
        "is_archived" => {
            "The channel is archived: unarchive it, or name another one in the policy.".into()
        }
        "restricted_action"
        | "restricted_action_read_only_channel"
        | "restricted_action_thread_only_channel"
        | "restricted_action_non_threadable_channel" => {
            "The workspace's settings forbid the bot to post there: let an owner allow it, or name \
             another channel in the policy."
                .into()
        }
        "token_revoked" | "account_inactive" | "invalid_auth" | "not_authed" | "token_expired" => {
            "The token is not valid any more: install the app again and set SLACK_BOT_TOKEN.".into()
        }
        "missing_scope" | "no_permission" | "not_allowed_token_type" => {
            let scope = if detail.is_empty() {
                String::new()
            } else {
                format!(" ({detail})")
            };
            format!(
                "The app lacks a right{scope}: add the scopes of manifest.yml and install it again."
            )
        }
        "msg_too_long"
        | "msg_blocks_too_long"
        | "invalid_blocks"
        | "invalid_blocks_format"
        | "view_too_large"
        | "invalid_arguments" => {
            "Slack does not take this message as it is: a plainer one is sent. Please report this."
                .into()
        }
        code if is_trigger_code(code) => {
            "The window came too late for Slack (3 s): please click or type it again.".into()
        }
        "message_not_found" | "cant_update_message" | "edit_window_closed" => {
            "The message is gone or cannot be edited any more: what is new stands in the thread."
                .into()
        }
        "used_url" | "expired_url" => {
            "Slack takes no more answers to that command or click (5, within 30 minutes).".into()
        }
        "user_not_in_channel" | "user_not_found" | "users_not_found" => {
            "That person is not in the channel, or not in this workspace.".into()
        }
        "hash_conflict" | "not_found" | "view_not_found" => {
            "The window was changed or closed in the meantime: please open it again.".into()
        }
        "paid_teams_only" | "plan_upgrade_required" | "no_such_subteam" => {
            "User groups are not to be had here: name people instead of groups in the policy."
                .into()
        }
        "unsearchable" => {
            "Nothing to do: the message is sent once more, and says that it may stand there twice."
                .into()
        }
        "bad_response_url" | "redirected" | "http_404" | "http_403" => {
            "The answer could not be delivered; the card and its thread tell what happened.".into()
        }
        _ => format!("Run `syncgate doctor`; Slack's documentation explains {code}."),
    }
}
