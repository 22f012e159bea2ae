//! A language model beside the built-in analyst, on the terminal.

use super::{Failure, assemble};
use crate::app::PolicyFile;
use crate::config::{ModelAccount, Variables};
use crate::llm::{self, Llm, Trouble};
use crate::model::Ctx;
use crate::triage::admit::{Ground, admit};
use crate::triage::analyst::{self, Judgement};
use crate::triage::brief::Brief;
use crate::triage::case::Case;
use crate::triage::cause::{self, redacted};
use crate::triage::changes;
use crate::triage::redact::Redactor;
use crate::triage::weigh::weighed_judgement;

/// The analyst, with a model beside it where one is configured.
pub(super) struct Analyst {
    redactor: Redactor,
    model: Option<Llm>,
}

/// What came of a case.
pub(super) struct Judged {
    pub judgement: Judgement,
    /// What the model's part in it is, where one is configured.
    pub model: Option<String>,
}

/// A case whose changes are still among its rows, as in labelled cases.
fn with_changes(case: &Case) -> Case {
    let mut case = case.clone();
    if case.changes.is_empty() {
        let told = case.logs.iter().filter(|row| changes::is_change(row));
        case.changes = told.cloned().collect();
    }
    case
}

impl Analyst {
    /// Nothing leaves for a model that the policy hides, where there is one, and none of the settings'
    /// secrets.
    ///
    /// # Errors
    /// When the model's settings are half there or wrong, or the policy is.
    pub(super) fn new(variables: &Variables) -> Result<Self, Failure> {
        let account = ModelAccount::read(variables);
        let account = account.map_err(|problems| Failure::User(problems.to_string()))?;
        let secrets = variables.secrets();
        let redactor = if account.is_some() && variables.policy().exists() {
            let file = PolicyFile::new(variables.policy(), secrets);
            file.load().map_err(Failure::User)?.1
        } else {
            Redactor::new(&[])?.with_known(secrets)
        };
        let timeout = llm::Settings::TIMEOUT;
        let model =
            account.map(|account| assemble::model(&account, timeout, Ctx::new(assemble::clock())));
        Ok(Self {
            redactor,
            model: model.transpose()?,
        })
    }

    /// What it lets nobody see.
    pub(super) fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// Where each quotation stands, as far as it is known.
    pub(super) fn places(&self, case: &Case, quotations: &[String]) -> Vec<Option<String>> {
        cause::places(&redacted(case.clone(), &self.redactor), quotations)
    }

    /// Who judges, for people.
    pub(super) fn name(&self) -> String {
        let model = self.model.as_ref();
        let name = "the built-in analyst".to_owned();
        model.map_or(name, |model| {
            format!("the built-in analyst and {}", model.model())
        })
    }

    /// Judges a case; the model's answer passes the same admission as in the service.
    ///
    /// # Errors
    /// When the prompt's template is broken.
    pub(super) async fn judge(&self, case: &Case) -> anyhow::Result<Judged> {
        let rules = analyst::judge(case, &self.redactor);
        let case = &with_changes(case);
        let brief = Brief::of(&redacted(case.clone(), &self.redactor));
        let Some(model) = self.model.as_ref().filter(|_| !brief.lines.is_empty()) else {
            return Ok(Judged {
                judgement: rules,
                model: None,
            });
        };
        let prompt = llm::prompt::render(&brief)?;
        let heard = model.ask(&prompt).await;
        let ground = Ground {
            brief: &brief,
            mark: &prompt.mark,
            strangers: &[],
            redactor: &self.redactor,
        };
        let admitted = heard.end.map(|answer| admit(answer, &ground));
        let (judgement, said) = match admitted {
            Ok(Ok(admitted)) => {
                let (judgement, said) = weighed_judgement(rules, &admitted);
                (judgement, said.to_owned())
            }
            Ok(Err(refusal)) => (rules, format!("refused: {}", refusal.as_str())),
            Err(Trouble::Malformed(_)) => (rules, "refused: not of the form".to_owned()),
            Err(trouble) => (rules, format!("silent: {trouble}")),
        };
        let name = self.redactor.text(&heard.model).into_owned();
        Ok(Judged {
            judgement,
            model: Some(format!("{name}, {said}")),
        })
    }
}
