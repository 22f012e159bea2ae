//! Slack: the token, what it may do, the channels and the user groups that the policy names.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use secrecy::SecretString;

use super::report::Finding;
use super::{ONE_CALL, Patient};
use crate::config::Settings;
use crate::model::ChannelId;
use crate::policy::Policy;
use crate::slack::client::Greeting;
use crate::slack::{SlackClient, SlackError};

const TOKEN: &str = "Slack token";
const SCOPES: &str = "Slack scopes";
const CLOCK: &str = "Slack clock";
const CHANNELS: &str = "Slack channels";
const GROUPS: &str = "Slack user groups";
const SOCKET: &str = "Socket Mode";

/// Slack's requests are refused when they are older than this (seconds).
const SIGNATURE_AGE: i64 = 300;

/// The scopes without which something does not work at all.
const NEEDED: [&str; 4] = ["app_mentions:read", "chat:write", "commands", "users:read"];
/// Those without which a post whose answer was lost may come twice.
const HISTORY: [&str; 2] = ["channels:history", "groups:history"];
/// Those without which a plan has no picture.
const PICTURE: [&str; 2] = ["files:read", "files:write"];
/// For user groups in the policy.
const OF_GROUPS: &str = "usergroups:read";

pub(super) async fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let Some(settings) = &patient.settings else {
        return nothing("the settings are not complete");
    };
    let slack = match client(settings, &settings.slack_token) {
        Ok(slack) => slack,
        Err(error) => {
            let mend = "Look at SLACK_API_URL and SLACK_BOT_TOKEN.";
            return vec![Finding::fail(TOKEN, error.to_string(), mend)];
        }
    };
    let greeting = match slack.greet().await {
        Ok(greeting) => greeting,
        Err(error) => {
            let mut findings = nothing("Slack did not say who we are");
            findings[0] = Finding::fail(TOKEN, in_words(&error), remedy(&error));
            return findings;
        }
    };
    let policy = patient.policy.as_deref();
    let (channels, groups, socket) = tokio::join!(
        channels(&slack, policy),
        groups(&slack, policy),
        socket(settings)
    );
    let now = patient.ctx.now();
    let mut findings = vec![
        token(&greeting),
        scopes(greeting.scopes.as_ref(), policy),
        Finding::clock(CLOCK, now, greeting.date, Some(SIGNATURE_AGE)),
    ];
    findings.extend(channels);
    findings.push(groups);
    findings.extend(socket);
    findings
}

/// That nothing could be looked at.
fn nothing(because: &str) -> Vec<Finding> {
    let all = [TOKEN, SCOPES, CLOCK, CHANNELS, GROUPS];
    all.map(|check| Finding::not_checked(check, because)).into()
}

fn client(settings: &Settings, token: &SecretString) -> anyhow::Result<SlackClient> {
    let slack = SlackClient::new(&settings.slack_api, token.clone())?;
    Ok(slack.with_deadline(ONE_CALL))
}

/// Whether Slack gives a connection for the app's token; none is opened.
async fn socket(settings: &Settings) -> Option<Finding> {
    let token = settings.slack_app_token.as_ref()?;
    let client = match client(settings, token) {
        Ok(client) => client,
        Err(error) => {
            let mend = "Look at SLACK_API_URL and SLACK_APP_TOKEN.";
            return Some(Finding::fail(SOCKET, error.to_string(), mend));
        }
    };
    Some(match client.open_connection().await {
        Ok(_) => Finding::ok(SOCKET, "Slack gives connections for SLACK_APP_TOKEN"),
        Err(error) => {
            let mend = "Make an app-level token with the scope connections:write under Basic \
                        Information, switch Socket Mode on, and set SLACK_APP_TOKEN to it.";
            Finding::fail(SOCKET, in_words(&error), mend)
        }
    })
}

fn token(greeting: &Greeting) -> Finding {
    let Greeting {
        identity,
        team,
        bot,
        ..
    } = greeting;
    let found = format!(
        "valid: bot {bot} ({}) in the workspace {team} ({})",
        identity.user_id, identity.team_id
    );
    if identity.bot_id.is_some() {
        Finding::ok(TOKEN, found)
    } else {
        let mend = "Set SLACK_BOT_TOKEN to the Bot User OAuth Token.";
        Finding::fail(TOKEN, "it is a person's and not a bot's", mend)
    }
}

fn scopes(granted: Option<&BTreeSet<String>>, policy: Option<&Policy>) -> Finding {
    let Some(granted) = granted else {
        return Finding::not_checked(SCOPES, "Slack's answer does not name them");
    };
    let missing = |wanted: &[&str]| -> Vec<String> {
        let lacks = |scope: &&&str| !granted.contains(**scope);
        wanted
            .iter()
            .filter(lacks)
            .map(|s| (*s).to_owned())
            .collect()
    };
    let mut needed = missing(&NEEDED);
    if policy.is_some_and(|policy| !policy.members_named().is_empty()) {
        needed.extend(missing(&[OF_GROUPS]));
    }
    let mend = "Add it to the app under OAuth & Permissions (manifest.yml names all), then install \
                the app again.";
    if !needed.is_empty() {
        return Finding::fail(SCOPES, format!("missing: {}", needed.join(", ")), mend);
    }
    let (history, picture) = (missing(&HISTORY), missing(&PICTURE));
    if history.is_empty() && picture.is_empty() {
        return Finding::ok(SCOPES, "all are granted");
    }
    let mut found = format!(
        "missing: {}",
        [history.clone(), picture.clone()].concat().join(", ")
    );
    if !history.is_empty() {
        found.push_str("; a card whose answer was lost may come twice");
    }
    if !picture.is_empty() {
        found.push_str("; plans come without a picture");
    }
    Finding::warn(SCOPES, found, mend)
}

async fn channels(slack: &SlackClient, policy: Option<&Policy>) -> Vec<Finding> {
    let Some(policy) = policy else {
        return vec![Finding::not_checked(CHANNELS, "the policy is not good")];
    };
    let looks = policy.channels().into_iter().map(async |channel| {
        let found = slack.is_in_channel(&channel).await;
        self::channel(&channel, found)
    });
    join_all(looks).await
}

fn channel(channel: &ChannelId, found: Result<(), SlackError>) -> Finding {
    let check = format!("Slack channel {channel}");
    match found {
        Ok(()) => Finding::ok(check, "the bot is in it"),
        Err(SlackError::Refused { code, .. }) if code == "missing_scope" => Finding::not_checked(
            check,
            "the token may read neither channels nor their history",
        ),
        Err(error) => Finding::fail(check, in_words(&error), remedy(&error)),
    }
}

async fn groups(slack: &SlackClient, policy: Option<&Policy>) -> Finding {
    let Some(policy) = policy else {
        return Finding::not_checked(GROUPS, "the policy is not good");
    };
    let named = policy.members_named();
    if named.is_empty() {
        return Finding::ok(GROUPS, "the policy names none");
    }
    let known = match slack.groups().await {
        Ok(known) => known,
        Err(error) => return Finding::fail(GROUPS, in_words(&error), remedy(&error)),
    };
    let is_known = |name: &&String| {
        let name = name.trim_start_matches('@');
        known.iter().any(|g| g.id == name || g.handle == name)
    };
    let unknown: Vec<&str> = named
        .iter()
        .filter(|name| !is_known(name))
        .map(String::as_str)
        .collect();
    if unknown.is_empty() {
        let all: Vec<&str> = named.iter().map(String::as_str).collect();
        return Finding::ok(GROUPS, format!("all exist: {}", all.join(", ")));
    }
    let found = format!("Slack has no enabled user group {}", unknown.join(", "));
    Finding::fail(
        GROUPS,
        found,
        "Correct the policy, or make the group in Slack.",
    )
}

/// An error of a look: [`SlackError`] itself speaks of writes whose outcome is not known.
fn in_words(error: &SlackError) -> String {
    match error {
        SlackError::Ambiguous { detail } => format!("Slack gave no good answer: {detail}"),
        SlackError::RateLimited { .. }
        | SlackError::NotSent { .. }
        | SlackError::Refused { .. } => error.to_string(),
    }
}

fn remedy(error: &SlackError) -> String {
    match error {
        SlackError::RateLimited { .. } => "Run it again in a minute.".to_owned(),
        SlackError::NotSent { .. } | SlackError::Ambiguous { .. } => {
            "Look whether this machine reaches Slack (SLACK_API_URL, proxy, firewall).".to_owned()
        }
        SlackError::Refused { .. } => error.remedy(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The manifest and the doctor name the same scopes.
    #[test]
    fn the_scopes_are_those_of_the_manifest() {
        let manifest = include_str!("../../../manifest.yml");
        let (_, scopes) = manifest.split_once("    bot:\n").unwrap();
        let (scopes, _) = scopes.split_once("\nsettings:").unwrap();
        let named = scopes
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- "));
        let named: BTreeSet<&str> = named.collect();
        let ours = NEEDED.into_iter().chain(HISTORY).chain(PICTURE);
        let ours = ours.chain([OF_GROUPS]);
        assert_eq!(named, ours.collect());
    }
}
