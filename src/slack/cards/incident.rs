//! The card of an incident: what failed, since when, what Fivetran says, what comes next.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use slack_morphism::prelude::*;

use super::attend::{self, Attended};
use super::blocks::{button, confirm};
use super::cause::{explained, more, steps, warnings};
use super::lines::in_a_sentence;
use super::message::{Builder, Message};
use super::precedents::precedents;
use super::proposal::chain;
use super::text::Words;
use crate::model::{Cause, Incident, IncidentState, Notice, Page, ProposalId, Warned, audit};
use crate::slack::inert::Inert;

/// The proposal that answers an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// Its number.
    pub proposal: ProposalId,
    /// What its approve button carries.
    pub value: String,
    /// What it would do, in a few words.
    pub what: String,
    /// Whether a click here can still approve it; else the card names its number.
    pub can_approve: bool,
    /// Whether it kills, costs or stops data.
    pub dangerous: bool,
}

/// The connections that have the same trouble as the one that an incident was opened for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Siblings {
    /// Some of those that still fail.
    pub named: Vec<String>,
    /// How many still fail.
    pub failing: i64,
    /// How many succeed again, or are gone.
    pub over: i64,
    /// Whether the first is over while others are not.
    pub first_is_over: bool,
}

/// All that an incident's card shows.
#[derive(Clone, Copy, Debug)]
pub struct IncidentView<'a> {
    /// The incident.
    pub incident: &'a Incident,
    /// Which other connections have the same trouble.
    pub siblings: &'a Siblings,
    /// Whether a person may say that the work is done, so that it is looked at.
    pub can_check: bool,
    /// Whether lines of evidence are kept that can be shown.
    pub lines: bool,
    /// What answers it.
    pub remedy: Option<&'a Remedy>,
    /// What comes next where nothing was proposed: a person's work, or what the mode keeps back.
    pub person: Option<&'static str>,
    /// What people can do about the cause, the best first.
    pub steps: &'a [&'static str],
    /// What would do harm.
    pub warnings: &'a [Warned],
    /// Where more is written about the cause.
    pub page: Option<&'a Page>,
    /// Who is told: a user or a user group, once the mention is due.
    pub owner: Option<&'a str>,
    /// What people have to do with it.
    pub attended: &'a Attended,
    /// The end of the audit chain.
    pub head: &'a audit::Head,
    /// The policy's zone.
    pub tz: Tz,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Tasks, and warnings, that the card shows.
const NOTICES: usize = 4;

/// The card of an incident.
pub fn incident_card(v: &IncidentView<'_>) -> Message {
    let i = v.incident;
    let head = Words::new()
        .bold(i.state.title())
        .say(" · incident ")
        .number(i.id)
        .say(" · ")
        .name(&i.name)
        .say(" ")
        .id(i.connection.as_str());
    let all = v.siblings.failing + v.siblings.over;
    let head = match all {
        0 => head.say(": the sync failed"),
        all => head.say(" and ").number(all).say(" more: the syncs failed"),
    };
    let fallback = Words::new()
        .say(i.state.title())
        .say(": incident ")
        .number(i.id)
        .say(", the sync of ")
        .quote(&i.name, 100);
    let fallback = match all {
        0 => fallback.say(" failed. Next: "),
        all => fallback
            .say(" and ")
            .number(all)
            .say(" more failed. Next: "),
    };
    let fallback = fallback.then(next_step(v));
    let mut card = Builder::with_fallback(&fallback, &head)
        .paragraph(&since(v))
        .paragraph(&attend::attention(v))
        .paragraph(&attend::durations(v))
        .paragraph(&same_trouble(v.siblings));
    let mut told = Told::default();
    if let Some(cause) = &i.cause {
        card = explained(card, cause);
        told.quotes(cause);
    }
    if let Some(reason) = told.fresh(i.reason.as_deref()) {
        card = card.block(quoted("What the sync said", None, reason));
    }
    card = notices(card, "Task, stops syncing", &i.tasks, &mut told);
    card = notices(card, "Warning", &i.warnings, &mut told);
    card = card.paragraph(&Words::new().bold("Next").say(": ").then(next_step(v)));
    if i.resolved_at.is_none() {
        card = card.paragraph(&steps(v.steps));
        card = card.paragraph(&warnings(v.warnings));
        card = card.paragraph(&more(v.page));
        card = card.paragraph(&precedents(&i.care.precedents, v.tz));
    }
    if let Some(owner) = v.owner {
        card = card.paragraph(&Words::new().say("Owner: ").role(owner));
    }
    let fixes = buttons(v).into_iter().map(Into::into);
    card.actions(fixes.chain(attend::acts(i)).collect())
        .buttons(attend::ratings(i))
        .small(&attend::voices(&v.attended.feedback))
        .small(&chain(v.head))
        .build()
}

fn since(v: &IncidentView<'_>) -> Words {
    let i = v.incident;
    let words = Words::new()
        .say("Since ")
        .time(i.opened_at, v.tz)
        .say(", failed ")
        .number(i.failures)
        .say(if i.failures == 1 { " time" } else { " times" })
        .say(", last ")
        .time(i.failed_at, v.tz)
        .say(".");
    match i.resolved_at {
        Some(at) => words.say(" Over since ").time(at, v.tz).say("."),
        None => words,
    }
}

fn next_step(v: &IncidentView<'_>) -> Words {
    let words = Words::new();
    match (v.incident.state, v.remedy) {
        (IncidentState::Open | IncidentState::Acknowledged, Some(remedy)) => {
            let words = if remedy.can_approve {
                words.say("approve #")
            } else {
                words.say("see the card of #")
            };
            words
                .number(remedy.proposal)
                .say(", which would ")
                .quote(&in_a_sentence(&remedy.what), 200)
                .say(".")
        }
        (IncidentState::Open | IncidentState::Acknowledged, None) => {
            words.say(v.person.unwrap_or(
                "a person has to look in Fivetran; Syncgate has nothing safe to propose.",
            ))
        }
        (IncidentState::Recovering, _) => {
            words.say("the fix runs; Syncgate watches until a sync succeeds.")
        }
        (IncidentState::Resolved, _) if v.incident.gone => {
            words.say("nothing; the connection no longer exists in Fivetran.")
        }
        (IncidentState::Resolved, _) => words.say("nothing; a later sync succeeded."),
        (IncidentState::Dismissed, _) => match v.incident.joined {
            Some(older) => words
                .say("nothing here; it is the same trouble as incident ")
                .number(older)
                .say(", which counts it."),
            None if v.incident.abandoned => words
                .say("nothing here; the last of them fails of something else now, which has an incident of its own."),
            None => words.say("nothing; a person dismissed it."),
        },
    }
}

fn same_trouble(siblings: &Siblings) -> Words {
    let mut words = Words::new();
    if siblings.failing > 0 {
        words = words.say("The same trouble: ");
        for (n, name) in siblings.named.iter().enumerate() {
            words = words.say(if n > 0 { ", " } else { "" }).quote(name, 60);
        }
        let named = i64::try_from(siblings.named.len()).unwrap_or(i64::MAX);
        words = match siblings.failing - named {
            ..=0 => words.say("."),
            more => words.say(" and ").number(more).say(" more."),
        };
    }
    if siblings.first_is_over {
        words = words.say(" The first of them succeeds again.");
    }
    match siblings.over {
        0 => words,
        1 if !siblings.first_is_over => words.say(" Another one had it and succeeds again."),
        over if !siblings.first_is_over => words
            .say(" ")
            .number(over)
            .say(" others had it and succeed again."),
        over => words.say(" So do ").number(over).say(" others."),
    }
}

/// What the card has said already: the same words are shown once.
#[derive(Debug, Default)]
struct Told(Vec<String>);

impl Told {
    fn quotes(&mut self, cause: &Cause) {
        self.0.extend(cause.quotes.iter().map(|q| folded(&q.text)));
    }

    /// A text, unless it was told.
    fn fresh<'t>(&mut self, text: Option<&'t str>) -> Option<&'t str> {
        let text = text?;
        let plain = folded(text);
        let new = !plain.is_empty() && self.0.iter().all(|told| !told.contains(&plain));
        self.0.push(plain);
        new.then_some(text)
    }
}

fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn notices(mut card: Builder, label: &'static str, notices: &[Notice], told: &mut Told) -> Builder {
    for notice in notices.iter().take(NOTICES) {
        let text = match told.fresh(notice.details.as_deref()) {
            Some(details) => format!("{}\n{details}", notice.message),
            None => notice.message.clone(),
        };
        card = card.block(quoted(label, Some(&notice.code), &text));
    }
    match notices.len().saturating_sub(NOTICES) {
        0 => card,
        more => card.paragraph(
            &Words::new()
                .say("… and ")
                .number(more)
                .say(" more, see Fivetran."),
        ),
    }
}

/// Fivetran's own words: set apart, so that nobody takes them for Syncgate's.
pub(super) fn quoted(label: &'static str, code: Option<&str>, text: &str) -> SlackBlock {
    let mut words = Words::new().bold(label);
    if let Some(code) = code {
        words = words.say(" ").id(code);
    }
    let text = Inert::block(text, 800, 12);
    let mut rich = words.say(":").rich();
    rich.elements
        .push(SlackRichTextPreformatted::new(vec![text.as_str().into()]).into());
    rich.into()
}

fn buttons(v: &IncidentView<'_>) -> Vec<SlackBlockButtonElement> {
    let show = v
        .lines
        .then(|| button("lines", "Show lines", &v.incident.id.to_string()));
    let check = v.can_check
        && matches!(
            v.incident.state,
            IncidentState::Open | IncidentState::Acknowledged
        );
    let check = check.then(|| {
        let effect = Words::new()
            .say("Runs the setup tests of ")
            .quote(&v.incident.name, 60)
            .say(": Fivetran logs in to the source and reads no data.");
        button("check", "Done, check it", &v.incident.id.to_string()).with_confirm(confirm(
            "Is it mended?",
            &effect,
            "Check it",
            false,
        ))
    });
    approve(v).into_iter().chain(check).chain(show).collect()
}

fn approve(v: &IncidentView<'_>) -> Option<SlackBlockButtonElement> {
    let remedy = v.remedy.filter(|remedy| remedy.can_approve)?;
    if !matches!(
        v.incident.state,
        IncidentState::Open | IncidentState::Acknowledged
    ) {
        return None;
    }
    let effect = Words::new()
        .say("#")
        .number(remedy.proposal)
        .say(", ")
        .quote(&v.incident.name, 60)
        .say(": ")
        .quote(&remedy.what, 180)
        .say(".");
    Some(
        button("approve", "Approve the fix", &remedy.value)
            .with_style(SlackBlockButtonStyle::Primary)
            .with_confirm(confirm(
                "Approve this fix?",
                &effect,
                "Approve",
                remedy.dangerous,
            )),
    )
}
