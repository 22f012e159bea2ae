//! The model's part in an incident: the card comes at once with the rules' cause; a model is asked
//! afterwards, and what it says is weighed against that.
//!
//! A question is a row, put in the transaction that stores the cause. One worker takes it, commits
//! that it asks (with the prompt), asks, and commits what it heard with the changed card. A crash
//! in between costs one more request, and a second one ends the question. The same model is never
//! asked the same again once its answer is stored. The model proposes nothing, withdraws nothing and decides
//! nothing: what it changes is the explanation on the card, and how sure that is.

use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::answer::{Outcome, Says, silence, weighable};
use super::incident::subject_of;
use super::{App, Flow, Ran, Stop, crash_point};
use crate::llm::{self, Heard, Llm, Prompt, Trouble};
use crate::model::{Actor, Cause, Incident, Opinion, Silence};
use crate::slack::words;
use crate::store::{self, Question, Settled, Tx};
use crate::triage::admit::{Admitted, Answer, Ground, Refusal, Untrusted, admit};
use crate::triage::brief::Brief;
use crate::triage::weigh::weighed;

/// How often one question is asked, if Syncgate ends while it waits for the answer.
const TRIES: i64 = 2;
/// The span that the daily limits are about.
const DAY: TimeDelta = TimeDelta::days(1);
/// So long nobody waits for a model that did not answer in time: in a bad hour each card would come
/// later by as much.
const REST: TimeDelta = TimeDelta::seconds(60);
/// Characters of an answer that are kept, and that enter the audit log.
const KEPT: usize = 16 << 10;
const CHAINED: usize = 2_000;

impl App {
    /// Puts the question that belongs to an incident's new cause, if a model is there to be asked, there
    /// is something to ask about, and a card of its own to show the answer on. The caller stores the
    /// incident.
    pub(super) async fn put_question(
        &self,
        tx: &mut Tx,
        incident: &mut Incident,
        brief: Option<&Brief>,
    ) -> Flow<()> {
        let (Some(brief), Some(cause), Some(_)) = (brief, &mut incident.cause, &self.llm) else {
            return Ok(());
        };
        let has_card = tx.has_message(&subject_of(incident.id)).await?;
        if brief.lines.is_empty() || !has_card {
            return Ok(());
        }
        let question = tx.next_question().await?;
        let document = serde_json::to_string(brief).context("a brief")?;
        tx.put_question(question, incident.id, &document, self.ctx.now())
            .await?;
        cause.opinion = Some(Opinion::Asked { question });
        Ok(())
    }

    /// Asks one question that is due.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ask_model(&self) -> anyhow::Result<Ran> {
        let now = self.ctx.now();
        let due = self.store.snapshot().await?.next_due_question(now).await?;
        let Some(due) = due else {
            return Ok(Ran::Empty);
        };
        let mut tx = self.store.begin().await?;
        let Some(question) = tx.claim_question(due, now).await? else {
            return Ok(Ran::Ran);
        };
        // By itself: if what follows fails, the question waits for its lease to end, and the others go
        // on.
        tx.commit().await?;
        let mut tx = self.store.begin().await?;
        let outcome = match self.before_asking(&mut tx, &question).await? {
            Before::Settle(outcome) => {
                tx.commit().await?;
                *outcome
            }
            Before::Ask(llm, ask) => {
                self.record_asking(&mut tx, &question, llm, &ask).await?;
                tx.commit().await?;
                crash_point!("model-asked");
                let began = self.ctx.monotonic();
                let heard = llm.ask(&ask.prompt).await;
                let took = began.elapsed();
                crash_point!("model-answered");
                if matches!(heard.end, Err(Trouble::Late)) {
                    *self.model_rests() = Some(self.ctx.now() + REST);
                }
                self.heard(&question, &ask, heard, took)
            }
        };
        self.settle_question(&question, outcome).await?;
        Ok(Ran::Ran)
    }

    /// Whether the question has to be asked at all.
    async fn before_asking(&self, tx: &mut Tx, question: &Question) -> anyhow::Result<Before<'_>> {
        let silent = |why, told: &str| {
            let facts = json!({ "question": question.id, "why": told });
            Before::Settle(Box::new(silence(why, facts)))
        };
        let Some(llm) = &self.llm else {
            return Ok(silent(Silence::Off, "no model is configured"));
        };
        let incident = tx.incident(question.incident).await?;
        let Some((incident, _)) = incident.filter(|(i, _)| waits_for(i, question)) else {
            return Ok(silent(Silence::Interrupted, "it failed again since"));
        };
        let Ok(stored) = serde_json::from_str::<Brief>(&question.brief) else {
            let told = "the stored question cannot be read";
            return Ok(silent(Silence::Unreadable, told));
        };
        // It was redacted when it was stored; the policy may know more by now.
        let brief = stored.clean(&self.redactor.load());
        let prompt = llm::prompt::render(&brief)?;
        let ask = Ask {
            key: llm.key_of(&prompt),
            prompt,
            brief,
            strangers: tx.other_connections(&incident.connection).await?,
        };
        if let Some((answer, model)) = tx.answer_to(&ask.key).await? {
            return Ok(Before::Settle(Box::new(
                self.again(question, &ask, answer, model),
            )));
        }
        if question.attempts >= TRIES {
            return Ok(silent(
                Silence::Interrupted,
                "asked twice without hearing the answer",
            ));
        }
        if self
            .model_rests()
            .is_some_and(|until| self.ctx.now() < until)
        {
            return Ok(silent(
                Silence::Late,
                "it did not answer in time a moment ago",
            ));
        }
        let (requests, tokens) = tx.model_use_since(self.ctx.now() - DAY).await?;
        let (most_requests, most_tokens) = self.policy.load().model_limits(llm.daily);
        if requests >= most_requests || tokens >= most_tokens {
            self.tell_spent(tx, requests, tokens).await?;
            return Ok(silent(Silence::Spent, "the daily limit is reached"));
        }
        Ok(Before::Ask(llm, Box::new(ask)))
    }

    /// Tells the default channel that no more is asked for now, once a day.
    async fn tell_spent(&self, tx: &mut Tx, requests: i64, tokens: i64) -> store::Result<()> {
        let policy = self.policy.load();
        let day = self
            .ctx
            .now()
            .with_timezone(&policy.timezone())
            .date_naive();
        let message = words::model_spent(requests, tokens);
        let kind = store::MessageKind::Card;
        let key = format!("alert:model-spent:{day}");
        let draft = super::asked::draft(key, kind, &policy.default_channel(), &message);
        tx.put_message(&draft, self.ctx.now()).await
    }

    fn model_rests(&self) -> MutexGuard<'_, Option<DateTime<Utc>>> {
        let rests = self.model_rests.lock();
        rests.unwrap_or_else(PoisonError::into_inner)
    }

    async fn record_asking(
        &self,
        tx: &mut Tx,
        question: &Question,
        llm: &Llm,
        ask: &Ask,
    ) -> store::Result<()> {
        let prompt = &ask.prompt;
        let text = self.clean([prompt.system.as_str(), &prompt.user].join("\n\n"));
        tx.question_asked(question, &text, &ask.key, self.ctx.now())
            .await?;
        let facts = json!({
            "question": question.id,
            "attempt": question.attempts + 1,
            "model": llm.model(),
            "prompt_sha256": prompt.hash,
            "template_sha256": prompt.version,
        });
        let subject = subject_of(question.incident);
        tx.audit(self.entry("model.asked", Actor::Syncgate, subject, facts));
        Ok(())
    }

    /// An answer that the same prompt was given before: it is admitted afresh.
    fn again(&self, question: &Question, ask: &Ask, answer: String, model: String) -> Outcome {
        let read = llm::read(&answer).map_err(Trouble::Malformed);
        let admitted = read.map(|answer| self.admitted(answer, ask));
        let facts = json!({
            "question": question.id,
            "model": model,
            "prompt_sha256": ask.prompt.hash,
            "again": true,
        });
        let settled = Settled {
            answer: Some(answer),
            model: Some(model.clone()),
            ..Settled::default()
        };
        weighable(settled, facts, admitted, model)
    }

    fn heard(&self, question: &Question, ask: &Ask, heard: Heard, took: Duration) -> Outcome {
        let Heard { end, raw, .. } = heard;
        let hash = raw
            .as_ref()
            .map(|raw| hex::encode(Sha256::digest(raw.as_bytes())));
        let answer = raw.map(|raw| self.clean(raw).chars().take(KEPT).collect::<String>());
        let chained = answer
            .as_ref()
            .map(|text| text.chars().take(CHAINED).collect::<String>());
        let model = self.redacted(&heard.model);
        let facts = json!({
            "question": question.id,
            "model": model,
            "prompt_sha256": ask.prompt.hash,
            "answer_sha256": hash,
            "answer": chained,
            "form": heard.form,
            "repaired": heard.repaired,
            "requests": heard.requests,
            "tokens": heard.tokens,
            "ms": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        });
        let settled = Settled {
            // What is not of the form is in the chain for whoever looks, and never used again.
            answer: answer.filter(|_| end.is_ok()),
            model: Some(model.clone()),
            requests: heard.requests.into(),
            tokens: i64::try_from(heard.tokens).unwrap_or(i64::MAX),
        };
        let admitted = end.map(|answer| self.admitted(answer, ask));
        weighable(settled, facts, admitted, model)
    }

    fn admitted(&self, answer: Untrusted<Answer>, ask: &Ask) -> Result<Admitted, Refusal> {
        let redactor = self.redactor.load_full();
        let ground = Ground {
            brief: &ask.brief,
            mark: &ask.prompt.mark,
            strangers: &ask.strangers,
            catalogue: &self.catalogue.load(),
            redactor: &redactor,
        };
        admit(answer, &ground)
    }

    /// Commits what came of a question, with the card if it is still about that question.
    async fn settle_question(&self, question: &Question, outcome: Outcome) -> anyhow::Result<()> {
        for _ in 0..5 {
            match self.try_settle(question, &outcome).await {
                Ok(()) => return Ok(()),
                Err(Stop::Race) if !self.is_held(question).await? => return Ok(()),
                Err(Stop::Race) => {}
                Err(Stop::Fail(error)) => return Err(error),
                Err(Stop::Say { code, .. }) => anyhow::bail!("nobody asked a model: {code}"),
            }
        }
        anyhow::bail!("lost five races over one answer")
    }

    /// Whether the question is still open; a worker that woke late finds it settled by another.
    async fn is_held(&self, question: &Question) -> anyhow::Result<bool> {
        Ok(self
            .store
            .snapshot()
            .await?
            .question_is_open(question)
            .await?)
    }

    async fn try_settle(&self, question: &Question, outcome: &Outcome) -> Flow<()> {
        let mut tx = self.store.begin().await?;
        tx.question_settled(question, &outcome.settled).await?;
        let mut facts = outcome.facts.clone();
        let found = tx.incident(question.incident).await?;
        let found = found.filter(|(incident, _)| waits_for(incident, question));
        // Else it failed again since, and another question is the one that counts.
        if let Some((mut incident, version)) = found {
            incident.cause = incident.cause.map(|cause| match &outcome.says {
                Says::Admitted(admitted, model) => weighed(cause, (**admitted).clone(), model),
                Says::Nothing(opinion) => Cause {
                    opinion: Some(opinion.clone()),
                    ..cause
                },
            });
            let opinion = incident
                .cause
                .as_ref()
                .and_then(|cause| cause.opinion.as_ref());
            facts["opinion"] = json!(opinion.map(Opinion::as_str));
            facts["percent"] = json!(incident.cause.as_ref().map(|cause| cause.percent));
            tx.update_incident(&incident, version).await?;
        }
        let subject = subject_of(question.incident);
        tx.audit(self.entry(outcome.code, Actor::Syncgate, subject, facts));
        self.reshow_incident(&mut tx, question.incident).await?;
        self.finish(tx).await
    }
}

/// What is to be done with a question.
enum Before<'a> {
    Settle(Box<Outcome>),
    Ask(&'a Llm, Box<Ask>),
}

/// What is asked, and what the answer is held against.
struct Ask {
    brief: Brief,
    prompt: Prompt,
    /// What its answer is found again by.
    key: String,
    /// The ids that no answer about this incident may name.
    strangers: Vec<String>,
}

/// Whether this question's answer is the one that the incident's card waits for.
fn waits_for(incident: &Incident, question: &Question) -> bool {
    let cause = incident.cause.as_ref();
    let opinion = cause.and_then(|cause| cause.opinion.as_ref());
    opinion
        == Some(&Opinion::Asked {
            question: question.id,
        })
}
