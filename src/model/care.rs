//! What people and timers have to do with an incident: who is on it, who is told when, what was done
//! about the same trouble before.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::action::ActionKind;
use super::feedback::Feedback;
use super::ids::{IncidentId, UserId};

/// What is kept with an incident beside the failure itself. An incident of before it was kept has
/// none of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Care {
    /// `failed_at` of the first failure that it counts.
    pub first_failed_at: Option<DateTime<Utc>>,
    /// What it has in common with other failures of the same trouble; none where nothing proves the
    /// cause.
    pub likeness: Option<String>,
    /// Who is on it.
    pub taken: Option<Taken>,
    /// Until when its reminders are silent, and who wants that.
    pub snoozed: Option<Silenced>,
    /// Who waved it away.
    pub dismissed: Option<Dismissal>,
    /// Whether its timers were set: once, with its card.
    pub watched: bool,
    /// When its owner is to be mentioned.
    pub mention_at: Option<DateTime<Utc>>,
    /// When its owner was mentioned.
    pub mentioned_at: Option<DateTime<Utc>>,
    /// When people are reminded that the data will be late, the next first.
    pub reminders: Vec<DateTime<Utc>>,
    /// How many incidents of the same trouble this connection had in the day before.
    pub earlier: usize,
    /// What was done about the same trouble before.
    pub precedents: Vec<Precedent>,
    /// `succeeded_at` of the success that proved it over.
    pub recovered_at: Option<DateTime<Utc>>,
}

impl Care {
    /// When something is due next.
    pub fn next_timer(&self) -> Option<DateTime<Utc>> {
        let silent = self.snoozed.as_ref().map(|silenced| silenced.until);
        let reminders = self.reminders.iter().copied();
        reminders.chain(self.mention_at).chain(silent).min()
    }

    /// Lets whatever would be told before this moment wait for it; several become one.
    pub fn silence(&mut self, until: DateTime<Utc>) {
        self.mention_at = self.mention_at.map(|at| at.max(until));
        for at in &mut self.reminders {
            *at = (*at).max(until);
        }
        self.reminders.dedup();
    }
}

/// A person is on an incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Who.
    pub by: UserId,
    /// Since when.
    pub at: DateTime<Utc>,
    /// From whom, if another had it before.
    pub from: Option<UserId>,
}

/// A person wants silence: of one incident's reminders, or of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silenced {
    /// Who.
    pub by: UserId,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// A person waved an incident away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dismissal {
    /// Who.
    pub by: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// Why, redacted.
    pub reason: String,
}

/// When the data of a connection is late, if no sync succeeds before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Late {
    /// From this moment.
    pub at: DateTime<Utc>,
    /// By which rule of the policy.
    pub rule: LateRule,
}

/// Which rule of the policy makes data late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LateRule {
    /// `sla.max_age`: it is too old.
    MaxAge,
    /// `sla.fresh_by`: it was to be fresh at a time of day.
    FreshBy,
}

/// An earlier incident of the same trouble, and what came of it, as it was when it was looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precedent {
    /// Which incident.
    pub incident: IncidentId,
    /// Its connection's schema name, where that is another one.
    pub elsewhere: Option<String>,
    /// When it was opened.
    pub opened_at: DateTime<Utc>,
    /// What was carried out in Fivetran between its failure and its end, each kind once.
    pub done: Vec<ActionKind>,
    /// Whether a person was on it.
    pub taken: bool,
    /// What came of it.
    pub held: Held,
    /// What people said of its cause.
    pub said: Vec<Feedback>,
}

/// Whether an earlier recovery held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Held {
    /// For a day the connection did not fail in the same way.
    Held,
    /// It failed in the same way within a day.
    Failed,
    /// The day is not over.
    TooSoon,
    /// It was dismissed: nobody knows.
    Dismissed,
}

impl Held {
    /// In a word or two, for people and for a model.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Failed => "failed again within a day",
            Self::TooSoon => "too soon to tell whether it holds",
            Self::Dismissed => "dismissed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_a_silence_comes_once_at_its_end_and_what_comes_later_stays() {
        let at = |minute: i64| DateTime::from_timestamp(minute * 60, 0).unwrap();
        let mut care = Care {
            mention_at: Some(at(5)),
            reminders: vec![at(20), at(30), at(90)],
            ..Care::default()
        };
        assert_eq!(care.next_timer(), Some(at(5)));
        care.silence(at(60));
        assert_eq!(care.mention_at, Some(at(60)));
        assert_eq!(care.reminders, [at(60), at(90)]);
        assert_eq!(Care::default().next_timer(), None);
    }
}
