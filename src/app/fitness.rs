//! Whether an approved line may still run: rights and limits under the policy in force, and the
//! connection as it is now (SPEC I2, §6).

use chrono::{DateTime, Utc};

use super::card::Whole;
use super::{App, Flow};
use crate::model::{Action, Call, Connection, Line, PreImage, SkipReason, SyncState, Verdict};
use crate::policy::Role;
use crate::policy::verdict::may;

impl App {
    /// What the policy in force says against it now: rights that were taken away, limits that were
    /// tightened. An approval is not void because the policy changed (SPEC §6).
    pub(super) async fn still_allowed(
        &self,
        whole: &Whole,
        line: &Line,
        now: DateTime<Utc>,
    ) -> Flow<Option<String>> {
        let policy = self.policy.load_full();
        let position = whole.revision.lines.iter().position(|l| l == line);
        let subject = position.and_then(|at| whole.subjects.get(at));
        for decision in &whole.decisions {
            let role = match decision.verdict {
                Verdict::Approve => Role::Approver,
                Verdict::Direct => Role::Operator,
                Verdict::Reject | Verdict::Undo => continue,
            };
            // A plan has many lines and few who decided: each line anew would use up Slack's limit.
            let member = self.decider(&decision.by, decision.at).await?;
            if may(role, &member, &policy).is_err() {
                return Ok(Some(format!(
                    "{} no longer has the role {role}",
                    decision.by
                )));
            }
            if decision.verdict == Verdict::Direct
                && !subject.is_some_and(|s| policy.may_run_directly(line.action.kind(), s))
            {
                let why = "it may no longer run without an approval";
                return Ok(Some(why.to_owned()));
            }
        }
        if let (Action::Pause { until }, Some(subject)) = (&line.action, subject)
            && let Some(longest) = policy.connection(subject).max_pause().map(super::span)
            && *until - now > longest
        {
            return Ok(Some("the pause is longer than max_pause".to_owned()));
        }
        Ok(None)
    }
}

/// Why the line no longer fits the connection as it is now.
pub(super) fn unfit(line: &Line, live: &Connection) -> Option<SkipReason> {
    let now = PreImage::of(live);
    let call = Call::of(&line.action);
    if let Call::Patch(patch) = &call
        && patch.holds_in(&now)
    {
        let what = format!("{} is so already", line.name);
        return Some(SkipReason::AlreadySo { what });
    }
    let differences = line.pre_image.differences(&now);
    if !differences.is_empty() {
        return Some(SkipReason::Drifted { differences });
    }
    // Nothing is changed for a while that could not be put back afterwards (I10).
    if line.action.until().is_some() && Call::inverse_of(&line.action, &now).is_none() {
        let why = format!(
            "the present schedule of {} could not be put back",
            line.name
        );
        return Some(SkipReason::NotAllowed { why });
    }
    match call {
        Call::Sync { force: false } if live.sync_state == SyncState::Syncing => {
            Some(SkipReason::AlreadySo {
                what: format!("{} is syncing already", line.name),
            })
        }
        Call::Sync { .. } | Call::Resync | Call::ResyncTables { .. } | Call::Patch(_) => None,
    }
}
