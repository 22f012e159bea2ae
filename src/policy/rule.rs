//! What the policy says about one connection.

use std::time::Duration;

use chrono::NaiveTime;

use super::STANDARD;
use super::document::{Rule, Source};
use crate::model::Mode;

/// How long a pause without an end lasts.
const DEFAULT_PAUSE: Duration = Duration::from_secs(4 * 3600);

/// The first rule that matches a connection, if any does, with the defaults.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionRule<'p> {
    rule: Option<&'p Rule>,
    policy_mode: Option<Mode>,
}

impl<'p> ConnectionRule<'p> {
    pub(super) fn new(rule: Option<&'p Rule>, policy_mode: Option<Mode>) -> Self {
        Self { rule, policy_mode }
    }

    /// Its tier: `standard` where no rule matches or the rule names none.
    pub fn tier(&self) -> &'p str {
        self.rule
            .and_then(|rule| rule.tier.as_deref())
            .unwrap_or(STANDARD)
    }

    /// The rule's mode, else the policy's, else shadow.
    pub fn mode(&self) -> Mode {
        let mode = self.rule.and_then(|rule| rule.mode);
        mode.or(self.policy_mode).unwrap_or(Mode::Shadow)
    }

    /// Who is told of its incidents: a user or a user group, as written.
    pub fn owner(&self) -> Option<&'p str> {
        self.rule.and_then(|rule| rule.owner.as_deref())
    }

    /// How old its data may be.
    pub fn max_age(&self) -> Option<Duration> {
        self.rule.and_then(|rule| rule.max_age)
    }

    /// Local times by which its data must be fresh.
    pub fn fresh_by(&self) -> &'p [NaiveTime] {
        self.rule.map_or(&[], |rule| rule.fresh_by.as_slice())
    }

    /// The longest pause that it bears.
    pub fn max_pause(&self) -> Option<Duration> {
        self.rule.and_then(|rule| rule.max_pause)
    }

    /// How long a pause without an end lasts: 4 hours, or [`Self::max_pause`] where that is less.
    pub fn default_pause(&self) -> Duration {
        self.max_pause()
            .map_or(DEFAULT_PAUSE, |most| most.min(DEFAULT_PAUSE))
    }

    /// The system that it reads from.
    pub fn source(&self) -> Option<&'p Source> {
        self.rule.and_then(|rule| rule.source.as_ref())
    }

    /// The line of the rule in the file, from 1; unset where none matches.
    pub fn line(&self) -> Option<usize> {
        self.rule.map(|rule| rule.line)
    }
}
