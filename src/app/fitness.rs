//! Whether an approved line may still run: rights and limits under the policy in force, and the
//! connection as it is now (SPEC I2, §6).

use chrono::{DateTime, Utc};

use super::card::{Whole, approvals_of};
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
        let subjects: Vec<_> = position
            .into_iter()
            .flat_map(|at| whole.subjects_at(at))
            .collect();
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
                && !subjects
                    .iter()
                    .all(|s| policy.may_run_directly(line.action.kind(), s))
            {
                let why = "it may no longer run without an approval";
                return Ok(Some(why.to_owned()));
            }
        }
        let longest = subjects
            .iter()
            .filter_map(|s| policy.connection(s).max_pause())
            .min();
        if let Action::Pause { until } = &line.action
            && let Some(longest) = longest.map(super::span)
            && *until - now > longest
        {
            return Ok(Some("the pause is longer than max_pause".to_owned()));
        }
        Ok(self.too_few(whole))
    }

    /// Whether the approvals are fewer than the same policy asks now that more is known of the
    /// connections. Under another policy they were enough: its change does not void them (SPEC §6).
    fn too_few(&self, whole: &Whole) -> Option<String> {
        if let Some(line) = whole.unplaced() {
            return Some(format!("nothing is known of {} any more", line.name));
        }
        let policy = self.policy.load();
        let mut approvals = whole.decisions.iter();
        let direct = approvals.any(|d| d.verdict == Verdict::Direct);
        let same = whole
            .decisions
            .iter()
            .all(|d| d.policy_hash == policy.hash());
        let (given, quorum) = (approvals_of(whole).len(), self.quorum(whole));
        let short = u32::try_from(given).is_ok_and(|given| given < quorum);
        (short && same && !direct).then(|| format!("it needs {quorum} approvals and has {given}"))
    }
}

/// Why the line no longer fits the connection as it is now.
pub(super) fn unfit(line: &Line, live: &Connection) -> Option<SkipReason> {
    let now = PreImage::of(live);
    let call = Call::of(&line.action);
    // Fivetran takes the frequency, says yes, and goes on by the other schedule.
    if let (Action::SetFrequency { .. }, Some(kind)) = (&line.action, live.flexible_schedule()) {
        let why = format!(
            "{} runs by a {kind} schedule, not by a frequency",
            line.name
        );
        return Some(SkipReason::NotAllowed { why });
    }
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
        Call::Sync { .. }
        | Call::Resync
        | Call::ResyncTables { .. }
        | Call::Test
        | Call::Patch(_) => None,
    }
}
