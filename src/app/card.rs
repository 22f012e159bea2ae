//! Keeping a proposal's card and its thread true: rendered from the rows, in the transaction that
//! changed them.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::asked::{content_of, draft};
use super::fleet::subject_at;
use super::{App, Flow};
use crate::model::audit::Head;
use crate::model::{
    ChannelId, Decision, Fingerprint, Line, Proposal, ProposalId, ProposalKind, ProposalState,
    Revision, Step, UserId, Verdict,
};
use crate::policy::{Policy, Role, Subject};
use crate::slack::cards::{self, HaltView, InForce, Message, Picture, ProposalView};
use crate::store::{self, Draft, MessageKind, Tx};

/// A proposal with everything that its card shows.
pub(crate) struct Whole {
    pub proposal: Proposal,
    pub version: i64,
    pub revision: Revision,
    pub fingerprint: Fingerprint,
    pub decisions: Vec<Decision>,
    pub steps: Vec<Step>,
    /// What the policy's rules match, with the position of its line: each connection as it was when
    /// it was proposed and as last read. Where the two differ, the stricter rule holds.
    pub subjects: Vec<(usize, Subject)>,
}

/// What a proposal's card shows beside the proposal itself.
pub(crate) struct Seen {
    policy: Arc<Policy>,
    approvers: Vec<String>,
    quorum: u32,
    overrides: Vec<InForce>,
    halted: Option<HaltView>,
    changed: Option<String>,
    picture: Option<Picture>,
    head: Head,
    now: DateTime<Utc>,
}

impl Seen {
    /// The card's view of the proposal.
    pub fn view<'a>(&'a self, whole: &'a Whole) -> ProposalView<'a> {
        ProposalView {
            proposal: &whole.proposal,
            revision: &whole.revision,
            fingerprint: &whole.fingerprint,
            steps: &whole.steps,
            decisions: &whole.decisions,
            quorum: self.quorum,
            approvers: &self.approvers,
            shadow: &whole.proposal.shadow,
            overrides: &self.overrides,
            halted: self.halted.as_ref(),
            changed: self.changed.as_deref(),
            picture: self.picture.as_ref(),
            head: &self.head,
            tz: self.policy.timezone(),
            now: self.now,
        }
    }
}

/// The key of a proposal's card.
pub(crate) fn card_key(id: ProposalId) -> String {
    format!("proposal:{id}")
}

/// Whose card a message of this key is.
pub(crate) fn proposal_of(key: &str) -> Option<ProposalId> {
    let number = key.strip_prefix("proposal:")?;
    number.parse().ok().map(ProposalId)
}

/// The key of the message in whose thread a proposal's story is told: an incident's card, where it
/// answers one, else its own.
fn thread_key(proposal: &Proposal) -> String {
    match proposal.incident {
        Some(incident) => format!("incident:{incident}"),
        None => card_key(proposal.id),
    }
}

impl App {
    /// Loads a proposal with its current revision.
    pub(crate) async fn whole(&self, tx: &mut Tx, id: ProposalId) -> Flow<Option<Whole>> {
        let Some(stored) = tx.proposal(id).await? else {
            return Ok(None);
        };
        let number = stored.proposal.revision;
        let (revision, fingerprint) = tx.revision(id, number).await?.ok_or_else(|| {
            store::Error::corrupt("proposal", format!("#{id} has no revision {number}"))
        })?;
        let mut subjects = Vec::with_capacity(revision.lines.len());
        for (position, line) in revision.lines.iter().enumerate() {
            let proposed = line.place.clone();
            let proposed = proposed.map(|place| subject_at(&line.connection, place));
            let read = match tx.connection(&line.connection).await? {
                Some(connection) => Some(self.subject(tx, &connection).await?),
                None => None,
            };
            let moved = read.filter(|read| proposed.as_ref() != Some(read));
            subjects.extend(proposed.into_iter().chain(moved).map(|s| (position, s)));
        }
        Ok(Some(Whole {
            decisions: tx.decisions(id, number).await?,
            steps: tx.steps_of(id, number).await?,
            proposal: stored.proposal,
            version: stored.version,
            revision,
            fingerprint,
            subjects,
        }))
    }

    /// Approvals that the revision needs under the policy in force.
    pub(crate) fn quorum(&self, whole: &Whole) -> u32 {
        let lines = &whole.revision.lines;
        let subjects = whole.subjects.iter();
        let known =
            subjects.filter_map(|(at, subject)| Some((lines.get(*at)?.action.kind(), subject)));
        self.policy.load().quorum(known)
    }

    /// Brings the card up to what the rows say, in this transaction.
    pub(crate) async fn show(&self, tx: &mut Tx, id: ProposalId) -> Flow<()> {
        let Some(whole) = self.whole(tx, id).await? else {
            return Ok(());
        };
        let head = tx.audit_head().await?;
        let message = self.render(tx, &whole, &head).await?;
        // The head moves with every record; an edit for its sake alone would never end.
        let content = content_of(&self.render(tx, &whole, &Head::genesis()).await?);
        let draft = Draft {
            content,
            ..self.card_draft(&whole.proposal, &message)
        };
        tx.put_message(&draft, self.ctx.now()).await?;
        if let Some(incident) = whole.proposal.incident {
            self.show_incident(tx, incident).await?;
        }
        Ok(())
    }

    /// The card's row of the outbox.
    fn card_draft(&self, proposal: &Proposal, message: &Message) -> Draft {
        let key = card_key(proposal.id);
        match proposal.incident {
            Some(_) => Draft {
                parent: Some(thread_key(proposal)),
                ..draft(key, MessageKind::Reply, &proposal.channel, message)
            },
            None => draft(key, MessageKind::Card, &proposal.channel, message),
        }
    }

    /// What the card says now.
    async fn render(&self, tx: &mut Tx, whole: &Whole, head: &Head) -> Flow<Message> {
        let seen = Seen {
            head: head.clone(),
            ..self.seen(tx, whole).await?
        };
        Ok(cards::proposal_card(&seen.view(whole)))
    }

    /// What surrounds a proposal on its card.
    pub(crate) async fn seen(&self, tx: &mut Tx, whole: &Whole) -> Flow<Seen> {
        let approved = matches!(whole.proposal.state, ProposalState::Approved { .. });
        let halt = tx.halted().await?.filter(|_| approved);
        let overrides = match whole.proposal.kind {
            ProposalKind::Plan => self.in_force(tx, &whole.proposal.channel).await?,
            ProposalKind::Remediation | ProposalKind::Adhoc => Vec::new(),
        };
        let changed = changed_fact(whole.proposal.id, whole.revision.number);
        let policy = self.policy.load_full();
        Ok(Seen {
            approvers: self.tellable(policy.role_entries(Role::Approver)),
            policy,
            quorum: self.quorum(whole),
            overrides,
            halted: halt.map(|h| HaltView {
                by: h.by,
                reason: h.reason,
                at: h.at,
            }),
            changed: tx.fact(&changed).await?,
            picture: picture_of(tx, whole).await?,
            head: tx.audit_head().await?,
            now: self.ctx.now(),
        })
    }

    /// Adds a note to the thread in which the proposal's story is told. `name` makes it unique:
    /// the same note is never written twice. Of a card that nobody gets to see nothing is told,
    /// whatever thread that would stand in: so its notes are named after it.
    pub(crate) async fn note(
        &self,
        tx: &mut Tx,
        proposal: &Proposal,
        name: &str,
        message: &Message,
    ) -> Flow<()> {
        let card = card_key(proposal.id);
        if !tx.hold_message(&card).await? {
            return Ok(());
        }
        let key = format!("{card}:{name}");
        let draft = Draft {
            parent: Some(thread_key(proposal)),
            ..draft(key, MessageKind::Reply, &proposal.channel, message)
        };
        Ok(tx.put_message(&draft, self.ctx.now()).await?)
    }

    /// Posts a message of its own.
    pub(crate) async fn post(
        &self,
        tx: &mut Tx,
        key: String,
        channel: &ChannelId,
        message: &Message,
    ) -> Flow<()> {
        let draft = draft(key, MessageKind::Card, channel, message);
        Ok(tx.put_message(&draft, self.ctx.now()).await?)
    }
}

/// The picture of what the card shows, once Slack has it ready.
async fn picture_of(tx: &mut Tx, whole: &Whole) -> Flow<Option<Picture>> {
    let Whole {
        proposal, revision, ..
    } = whole;
    if proposal.kind != ProposalKind::Plan {
        return Ok(None);
    }
    let ready = tx.ready_picture(proposal.id, revision.number).await?;
    Ok(ready.map(|ready| Picture {
        file: ready.file,
        chart: ready.facts.with(&revision.lines, &proposal.shadow),
    }))
}

impl Whole {
    /// What the policy's rules match of the line in this position.
    pub fn subjects_at(&self, position: usize) -> impl Iterator<Item = &Subject> {
        let mine = self.subjects.iter().filter(move |(at, _)| *at == position);
        mine.map(|(_, subject)| subject)
    }

    /// A line of whose connection nothing is known that the policy could match.
    pub fn unplaced(&self) -> Option<&Line> {
        let lines = self.revision.lines.iter().enumerate();
        let mut unplaced = lines.filter(|(at, _)| self.subjects_at(*at).next().is_none());
        unplaced.next().map(|(_, line)| line)
    }
}

/// Where the summary of a modification is kept, for every later rendering of that revision.
pub(crate) fn changed_fact(id: ProposalId, revision: i64) -> String {
    format!("changed:{id}:{revision}")
}

/// Who approved exactly this revision with exactly this content.
pub(crate) fn approvals_of(whole: &Whole) -> BTreeSet<UserId> {
    let counts =
        |d: &&Decision| d.verdict == Verdict::Approve && d.fingerprint == whole.fingerprint;
    whole
        .decisions
        .iter()
        .filter(counts)
        .map(|d| d.by.clone())
        .collect()
}
