//! Events: mentions of the bot and changes of user groups.

use serde_json::Value;

use super::json::{object, required, text};
use super::{BadPayload, Inbound, Parsed, body_key, ignored};
use crate::model::{ChannelId, UserId};

/// Where the workspace stands; `team_id` is null in an organisation-wide installation.
const TEAM: [&str; 3] = [
    "/team_id",
    "/authorizations/0/team_id",
    "/authorizations/0/enterprise_id",
];

/// Reads the body of an event request (`application/json`).
///
/// # Errors
/// When it is not a JSON object in UTF-8, or a kind that we know lacks what it needs.
pub fn event(body: &[u8]) -> Result<Parsed, BadPayload> {
    let body_text = std::str::from_utf8(body).map_err(|_| BadPayload::NotUtf8)?;
    let payload = object(body_text)?;
    let (key, inbound) = match payload.pointer("/type").and_then(Value::as_str) {
        Some("url_verification") => {
            let challenge = required(&payload, "/challenge")?;
            (None, Inbound::Challenge { challenge })
        }
        Some("event_callback") => {
            let event_id = required(&payload, "/event_id")?;
            (Some(format!("event:{event_id}")), inner(&payload)?)
        }
        kind => (None, ignored(kind.unwrap_or("untyped"))),
    };
    Ok(Parsed {
        key: key.unwrap_or_else(|| body_key(body)),
        inbound,
    })
}

fn inner(payload: &Value) -> Result<Inbound, BadPayload> {
    let kind = payload.pointer("/event/type").and_then(Value::as_str);
    match kind.unwrap_or("untyped") {
        "app_mention" => mention(payload),
        kind @ ("subteam_members_changed" | "subteam_updated") => {
            let group = text(payload, &["/event/subteam_id", "/event/subteam/id"]);
            Ok(group.map_or_else(|| ignored(kind), |group| Inbound::GroupChanged { group }))
        }
        kind => Ok(ignored(kind)),
    }
}

fn mention(payload: &Value) -> Result<Inbound, BadPayload> {
    // Another bot's mention is no person's wish; answering it could start an endless talk.
    let user = text(payload, &["/event/user"]);
    let (Some(user), None) = (user, text(payload, &["/event/bot_id"])) else {
        return Ok(ignored("app_mention/bot"));
    };
    let bot = text(payload, &["/authorizations/0/user_id"]);
    let written = text(payload, &["/event/text"]).unwrap_or_default();
    Ok(Inbound::Mention {
        team: text(payload, &TEAM).ok_or(BadPayload::Lacks("team_id"))?,
        user: UserId::new(user),
        channel: ChannelId::new(required(payload, "/event/channel")?),
        ts: required(payload, "/event/ts")?,
        thread_ts: text(payload, &["/event/thread_ts"]),
        text: as_written(&without_mention(&written, bot.as_deref())),
    })
}

/// The words without the first mention of the bot; where Slack did not say who the bot is, without
/// a mention at the start. Other people's mentions stay: `mute` and `take` may name them.
fn without_mention(written: &str, bot: Option<&str>) -> String {
    let found = mentions(written).find(|(start, _, user)| match bot {
        Some(bot) => *user == bot,
        None => written[..*start].trim().is_empty(),
    });
    match found {
        Some((start, end, _)) => {
            let (before, after) = (written[..start].trim(), written[end..].trim());
            format!("{before} {after}").trim().to_owned()
        }
        None => written.trim().to_owned(),
    }
}

/// What the person saw while writing: Slack makes links of whatever looks like an address, and
/// escapes three characters. Mentions stay as they are.
fn as_written(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        plain.push_str(before);
        let Some((inside, behind)) = after.split_once('>') else {
            rest = &rest[before.len()..];
            break;
        };
        if inside.starts_with(['@', '#', '!']) {
            plain.extend(["<", inside, ">"]);
        } else {
            plain.push_str(inside.split_once('|').map_or(inside, |(_, label)| label));
        }
        rest = behind;
    }
    plain.push_str(rest);
    plain
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

/// Every `<@U…>` and `<@U…|name>` with where it starts and ends.
fn mentions(text: &str) -> impl Iterator<Item = (usize, usize, &str)> {
    text.match_indices("<@").filter_map(|(start, opening)| {
        let inside = start + opening.len();
        let end = inside + text[inside..].find('>')?;
        let user = text[inside..end].split('|').next()?;
        Some((start, end + 1, user))
    })
}
