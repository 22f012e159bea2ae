//! What people have to do with an incident, on its card: who is on it, what is silent until when,
//! what breaks by when, and the buttons for all that.

use chrono::TimeDelta;
use slack_morphism::prelude::*;

use super::blocks::{button, option};
use super::incident::IncidentView;
use super::text::Words;
use crate::model::{Care, Feedback, Incident, IncidentState, Judgement, Late, LateRule, Silenced};
use crate::slack::button::incident_value;

/// What a card shows of an incident beside the incident itself.
#[derive(Clone, Debug, Default)]
pub struct Attended {
    /// Who silenced its connection, and until when.
    pub muted: Option<Silenced>,
    /// When the data is late.
    pub late: Option<Late>,
    /// From opening it to Slack's post of the card.
    pub to_card: Option<TimeDelta>,
    /// What people say of the cause, the newest first.
    pub feedback: Vec<Feedback>,
}

/// Choices of the menu that silences reminders, in minutes.
pub const SNOOZES: [(i64, &str); 2] = [
    (60, "Silence its reminders for 1 h"),
    (240, "Silence its reminders for 4 h"),
];

/// Who is on it, what is silent, how often it has come back.
pub(super) fn attention(v: &IncidentView<'_>) -> Words {
    let care = &v.incident.care;
    let mut lines = Vec::new();
    lines.extend(taken(care, v));
    if let Some(gone) = &care.dismissed {
        let words = Words::new().say("Dismissed by ").user(&gone.by).say(", ");
        let words = words.time(gone.at, v.tz).say(": ");
        lines.push(words.quote(&gone.reason, 300));
    }
    if v.incident.state.is_open() {
        if care.earlier >= FLAPPING {
            let words = Words::new().bold("Flapping").say(": time ");
            let words = words.number(care.earlier + 1);
            lines.push(words.say(" within 24 h that it fails like this and recovers."));
        }
        if let Some(muted) = &v.attended.muted {
            let words = Words::new().bold("Muted").say(" until ");
            let words = words.time(muted.until, v.tz).say(" by ").user(&muted.by);
            lines.push(words.say(": nobody is mentioned or reminded."));
        }
        if let Some(silent) = care.snoozed.as_ref().filter(|s| s.until > v.now) {
            let words = Words::new().say("Reminders are silent until ");
            let words = words.time(silent.until, v.tz).say(", asked by ");
            lines.push(words.user(&silent.by).say("."));
        }
        lines.extend(v.attended.late.map(|late| lateness(&late, v)));
    }
    joined(lines)
}

/// From so many earlier incidents of a day on, another is called flapping.
pub const FLAPPING: usize = 2;

fn joined(lines: Vec<Words>) -> Words {
    let mut all = Words::new();
    for (number, line) in lines.into_iter().enumerate() {
        all = if number > 0 { all.say("\n") } else { all };
        all = all.then(line);
    }
    all
}

fn taken(care: &Care, v: &IncidentView<'_>) -> Option<Words> {
    let taken = care.taken.as_ref()?;
    let words = Words::new().say("Taken by ").user(&taken.by).say(" at ");
    let words = words.time(taken.at, v.tz);
    Some(match &taken.from {
        Some(before) => words.say("; before that ").user(before).say(" had it."),
        None => words.say("."),
    })
}

fn lateness(late: &Late, v: &IncidentView<'_>) -> Words {
    let words = Words::new();
    let words = if late.at > v.now {
        words
            .bold("Late by")
            .say(" ")
            .time(late.at, v.tz)
            .say(" unless a sync succeeds before: ")
    } else {
        words
            .bold("Late since")
            .say(" ")
            .time(late.at, v.tz)
            .say(": ")
    };
    words.say(rule_of(late))
}

pub(super) fn rule_of(late: &Late) -> &'static str {
    match late.rule {
        LateRule::MaxAge => "then its data is older than the policy allows (`max_age`).",
        LateRule::FreshBy => "by then the policy wants its data fresh (`fresh_by`).",
    }
}

/// The buttons for people: to be on it, to wave it away, to have silence.
pub(super) fn acts(incident: &Incident) -> Vec<SlackActionBlockElement> {
    if !incident.state.is_open() {
        return Vec::new();
    }
    let value = incident_value(incident.id);
    let label = match incident.care.taken {
        None => "I'm on it",
        Some(_) => "I take over",
    };
    let choice = |(minutes, label): (i64, &str)| option(label, &format!("{value}.{minutes}"));
    let menu = SlackBlockOverflowElement::new(SNOOZES.map(choice).to_vec())
        .with_action_id(SlackActionId("snooze".to_owned()));
    vec![
        button("take", label, &value).into(),
        button("dismiss", "Dismiss", &value).into(),
        menu.into(),
    ]
}

/// The buttons to say how right the cause is; it can be said when all is over, too.
pub(super) fn ratings(incident: &Incident) -> Vec<SlackBlockButtonElement> {
    if incident.cause.is_none() {
        return Vec::new();
    }
    let value = incident_value(incident.id);
    let rate = |judgement: Judgement| {
        let (action, label) = match judgement {
            Judgement::Right => ("feedback_right", "Cause is right"),
            Judgement::Partly => ("feedback_partly", "Partly"),
            Judgement::Wrong => ("feedback_wrong", "Wrong"),
        };
        button(action, label, &value)
    };
    Judgement::ALL.map(rate).to_vec()
}

/// What people said of the cause, in one line: how many each, and what it really was.
pub(super) fn voices(feedback: &[Feedback]) -> Words {
    let mut words = Words::new();
    for judgement in Judgement::ALL {
        let count = feedback.iter().filter(|f| f.judgement == judgement).count();
        if count > 0 {
            let first = words.is_empty();
            words = words.say(if first {
                "People say of the cause: "
            } else {
                ", "
            });
            words = words.number(count).say(" ").say(judgement.as_str());
        }
    }
    let mut meant: Vec<&String> = feedback
        .iter()
        .filter_map(|f| f.category.as_ref())
        .collect();
    meant.sort_unstable();
    meant.dedup();
    for (number, category) in meant.into_iter().enumerate() {
        words = words
            .say(if number == 0 { "; really: " } else { ", " })
            .id(category);
    }
    words
}

/// How long it took to notice, to tell and to mend, once it is over.
pub(super) fn durations(v: &IncidentView<'_>) -> Words {
    let i = v.incident;
    if i.state != IncidentState::Resolved || i.gone {
        return Words::new();
    }
    let Some(failed_at) = i.care.first_failed_at else {
        return Words::new();
    };
    let mut parts = vec![("noticed after ", Some(i.opened_at - failed_at))];
    parts.push(("card after ", v.attended.to_card));
    parts.push((
        "mended after ",
        i.care.recovered_at.map(|at| at - failed_at),
    ));
    let mut words = Words::new();
    for (what, span) in parts {
        if let Some(span) = span {
            let first = words.is_empty();
            words = words.say(if first { "Times: " } else { ", " });
            words = words.say(what).then(lasted(span));
        }
    }
    words.say(".")
}

/// A length of time for people: `40 s`, `12 min`, `3 h 5 min`.
pub(super) fn lasted(span: TimeDelta) -> Words {
    let words = Words::new();
    let seconds = span.num_seconds().max(0);
    let minutes = (seconds + 30) / 60;
    match (minutes / 60, minutes % 60) {
        _ if seconds < 60 => words.number(seconds).say(" s"),
        (0, minutes) => words.number(minutes).say(" min"),
        (hours, 0) => words.number(hours).say(" h"),
        (hours, minutes) => words.number(hours).say(" h ").number(minutes).say(" min"),
    }
}
