//! The picture of a plan: drawn, uploaded, and put on the card by an edit.
//!
//! The card goes out without it. Then its row says what is to be done: upload, look whether Slack
//! is done with the file, show it. Slack's name for the upload is committed before the bytes leave,
//! so that a start after a crash looks for that file first. What is uploaded twice all the same is
//! seen by nobody, for only the file that the row names is shown. Whatever goes wrong leaves the
//! card as it was, and is logged when the picture is given up.

use chrono::TimeDelta;

use super::delivered::{backoff, is_lost};
use super::{App, Ran, Stop, crash_point};
use crate::model::{Chart, ProposalId, ProposalState};
use crate::picture;
use crate::slack::{SlackError, cards};
use crate::store::{self, MessageRow, PictureRow, PictureStep, Tx};

/// How long after the upload, and after a refusal, until the next look.
const LOOK: TimeDelta = TimeDelta::seconds(1);
/// About half an hour; a plan waits for hours, but a picture that comes so late helps nobody.
const TRIES: i64 = 60;
/// So often Slack may refuse a card because of its picture.
const REFUSALS: i64 = 5;

/// How far an attempt came.
enum Came {
    /// Slack has the bytes.
    Uploaded,
    /// Slack still works on the file.
    Unfinished,
    /// A card may show it.
    Ready,
}

/// Why it came no further.
enum Trouble {
    Slack(SlackError),
    Drawing(anyhow::Error),
}

impl From<SlackError> for Trouble {
    fn from(error: SlackError) -> Self {
        Self::Slack(error)
    }
}

impl App {
    /// Does the next thing about one plan's picture.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn run_picture(&self) -> anyhow::Result<Ran> {
        let now = self.ctx.now();
        let Some(next) = self.store.snapshot().await?.next_picture(now).await? else {
            return Ok(Ran::Empty);
        };
        let mut tx = self.store.begin().await?;
        if let Some(row) = tx.claim_picture(next, now).await? {
            let Some(chart) = wanted(&mut tx, &row).await? else {
                // Decided or changed meanwhile: the card keeps what it has.
                let file = row.file.as_deref();
                let step = PictureStep {
                    file,
                    ..PictureStep::default()
                };
                tx.picture_step(&row, step).await?;
                tx.commit().await?;
                return Ok(Ran::Ran);
            };
            tx.commit().await?;
            crash_point!("picture-marked");
            match self.go_on(row, chart).await {
                // Another worker has it, or another revision asks for another one.
                Err(error) if is_lost(&error) => {}
                done => done?,
            }
        } else {
            tx.commit().await?;
        }
        Ok(Ran::Ran)
    }

    async fn go_on(&self, mut row: PictureRow, chart: Chart) -> anyhow::Result<()> {
        let came = match &row.file {
            Some(file) => match self.slack.is_file_ready(file).await {
                Ok(true) => Ok(Came::Ready),
                Ok(false) => Ok(Came::Unfinished),
                Err(error) => Err(error.into()),
            },
            None => self.upload(&mut row, chart).await?,
        };
        let again = self.ctx.now() + backoff(row.attempts);
        match came {
            Ok(Came::Ready) => self.show_picture(&row).await,
            Ok(Came::Uploaded) => self.later(&row, self.ctx.now() + LOOK, None).await,
            Ok(Came::Unfinished) => {
                let why = "Slack does not finish the file";
                self.try_again(&row, again, why).await
            }
            Err(Trouble::Slack(SlackError::RateLimited { retry_after })) => {
                let until = self.ctx.now() + TimeDelta::from_std(retry_after)?;
                self.later(&row, until, Some("slack:files")).await
            }
            // The process died before the upload was closed, or somebody deleted the file.
            Err(Trouble::Slack(SlackError::Refused { code, .. })) if code == "file_not_found" => {
                row.file = None;
                self.try_again(&row, again, "Slack does not know the file")
                    .await
            }
            Err(Trouble::Slack(error)) if error.is_permanent() => {
                let why = format!("{error}. {}", error.remedy());
                self.give_up(&row, &why).await
            }
            Err(Trouble::Slack(error)) => self.try_again(&row, again, &error.to_string()).await,
            Err(Trouble::Drawing(error)) => {
                let why = format!("it cannot be drawn: {error:#}");
                self.give_up(&row, &why).await
            }
        }
    }

    /// Draws the picture and uploads it; the outer error is the database's.
    async fn upload(
        &self,
        row: &mut PictureRow,
        chart: Chart,
    ) -> anyhow::Result<Result<Came, Trouble>> {
        let drawn = tokio::task::spawn_blocking(move || picture::png(&chart)).await;
        let bytes = match drawn.map_err(anyhow::Error::from).and_then(|bytes| bytes) {
            Ok(bytes) => bytes,
            Err(error) => return Ok(Err(Trouble::Drawing(error))),
        };
        let upload = match self
            .slack
            .begin_upload(cards::PICTURE_FILE, bytes.len())
            .await
        {
            Ok(upload) => upload,
            Err(error) => return Ok(Err(error.into())),
        };
        let mut tx = self.store.begin().await?;
        tx.picture_named(row, &upload.file).await?;
        tx.commit().await?;
        row.file = Some(upload.file.clone());
        crash_point!("picture-named");
        let title = cards::picture_title(row.proposal);
        let sent = self.slack.finish_upload(upload, &title, bytes).await;
        crash_point!("picture-uploaded");
        Ok(sent.map(|()| Came::Uploaded).map_err(Trouble::from))
    }

    /// Puts the picture on the card, if people still decide on what it shows.
    async fn show_picture(&self, row: &PictureRow) -> anyhow::Result<()> {
        let mut tx = self.store.begin().await?;
        tx.hold_proposal(row.proposal).await?;
        let ready = wanted(&mut tx, row).await?.is_some();
        let file = row.file.as_deref();
        let step = PictureStep {
            file,
            ready,
            ..PictureStep::default()
        };
        tx.picture_step(row, step).await?;
        if ready {
            self.show(&mut tx, row.proposal).await.map_err(failed)?;
        }
        tx.commit().await?;
        crash_point!("picture-shown");
        self.wake.messages.notify_one();
        Ok(())
    }

    async fn later(
        &self,
        row: &PictureRow,
        until: chrono::DateTime<chrono::Utc>,
        shut: Option<&str>,
    ) -> anyhow::Result<()> {
        let mut tx = self.store.begin().await?;
        if let Some(door) = shut {
            tx.pace(door, until).await?;
        }
        let step = PictureStep {
            file: row.file.as_deref(),
            run_after: Some(until),
            ..PictureStep::default()
        };
        tx.picture_step(row, step).await?;
        Ok(tx.commit().await?)
    }

    async fn try_again(
        &self,
        row: &PictureRow,
        at: chrono::DateTime<chrono::Utc>,
        why: &str,
    ) -> anyhow::Result<()> {
        if row.attempts >= TRIES {
            return self.give_up(row, why).await;
        }
        self.later(row, at, None).await
    }

    async fn give_up(&self, row: &PictureRow, why: &str) -> anyhow::Result<()> {
        let why = self.redacted(why);
        let mut tx = self.store.begin().await?;
        let step = PictureStep {
            file: row.file.as_deref(),
            error: Some(&why),
            ..PictureStep::default()
        };
        tx.picture_step(row, step).await?;
        tx.commit().await?;
        told(row.proposal, &why);
        Ok(())
    }

    /// Slack refused a message's blocks: if it is a card with a picture that it still is to show,
    /// that is taken off, to be tried again later, and the card goes without it. Says whether it was
    /// one. Meanwhile another revision may have got another picture, which nobody has refused.
    pub(super) async fn without_picture(
        &self,
        tx: &mut Tx,
        row: &MessageRow,
        why: &str,
    ) -> anyhow::Result<bool> {
        let of = super::card::proposal_of(&row.key);
        let Some((id, file)) = of.zip(cards::picture_in(&row.blocks)) else {
            return Ok(false);
        };
        tx.hold_proposal(id).await?;
        let again = self.ctx.now() + backoff(row.attempts.max(5));
        let refused = tx.picture_refused(id, &file, again, REFUSALS, why).await?;
        let Some(refused) = refused else {
            return Ok(false);
        };
        if refused >= REFUSALS {
            told(id, why);
        }
        self.show(tx, id).await.map_err(failed)?;
        Ok(true)
    }
}

fn told(proposal: ProposalId, why: &str) {
    tracing::warn!(%proposal, why, "the plan's picture is given up; its card stays without it");
}

/// What the picture shows, if people still decide on that revision.
async fn wanted(tx: &mut Tx, row: &PictureRow) -> anyhow::Result<Option<Chart>> {
    let Some(stored) = tx.proposal(row.proposal).await? else {
        return Ok(None);
    };
    let proposal = stored.proposal;
    let open = match proposal.state {
        ProposalState::Draft | ProposalState::Proposed { .. } => true,
        ProposalState::Approved { .. }
        | ProposalState::Rejected { .. }
        | ProposalState::Expired { .. }
        | ProposalState::Superseded { .. } => false,
    };
    if !open || proposal.revision != row.revision {
        return Ok(None);
    }
    let revision = tx.revision(row.proposal, row.revision).await?;
    Ok(revision.map(|(revision, _)| {
        let facts = row.facts.clone();
        facts.with(&revision.lines, &proposal.shadow)
    }))
}

/// A part of a flow that nobody asked for.
fn failed(stop: Stop) -> anyhow::Error {
    match stop {
        Stop::Fail(error) => error,
        Stop::Race => store::Error::Lost.into(),
        Stop::Say { code, .. } => anyhow::anyhow!("nobody asked for a picture: {code}"),
    }
}
