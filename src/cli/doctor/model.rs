//! The language model: it is asked one small question, as `serve` would ask it.

use std::time::Duration;

use super::Patient;
use super::report::Finding;
use crate::cli::assemble;
use crate::config::ModelAccount;
use crate::llm::{self, Trouble};
use crate::model::Ctx;
use crate::triage::brief::{Brief, Line};

const CHECK: &str = "model";
/// A little less than a peer may take, so that the model itself is told to be slow.
const PATIENCE: Duration = Duration::from_secs(11);

pub(super) async fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let found = match ModelAccount::read(patient.variables) {
        Ok(None) => Finding::ok(CHECK, "none is set; the built-in analyst works alone"),
        Ok(Some(account)) => ask(&account).await,
        // Each problem is told among the settings.
        Err(_) => Finding::not_checked(CHECK, "its settings are not complete"),
    };
    vec![found]
}

async fn ask(account: &ModelAccount) -> Finding {
    let mend = "Look at OPENAI_BASE_URL, OPENAI_MODEL and OPENAI_API_KEY, and whether this machine reaches \
                the server. Without it causes stand on the rules.";
    let ctx = Ctx::new(assemble::clock());
    let asked = assemble::model(account, PATIENCE, ctx).and_then(|model| {
        let prompt = llm::prompt::render(&question())?;
        Ok((model, prompt))
    });
    let (model, prompt) = match asked {
        Ok(asked) => asked,
        Err(error) => return Finding::fail(CHECK, format!("{error:#}"), mend),
    };
    let heard = model.ask(&prompt).await;
    let name = &heard.model;
    let form = heard.form;
    match heard.end {
        Ok(_) if !heard.repaired => Finding::ok(
            CHECK,
            format!("{name} answers in the form asked for, by {form}"),
        ),
        Ok(_) => Finding::warn(
            CHECK,
            format!("{name} answers in the form asked for only when told twice, by {form}"),
            "A larger model, or a server that enforces json_schema, costs less.",
        ),
        Err(Trouble::Malformed(_)) => Finding::warn(
            CHECK,
            format!("{name} answers, but not in the form asked for, by {form}"),
            "Take a larger model, or a server that enforces json_schema; until then causes stand on the rules.",
        ),
        Err(trouble) => Finding::fail(CHECK, trouble.to_string(), mend),
    }
}

/// A case that needs no account.
fn question() -> Brief {
    Brief {
        candidates: Vec::new(),
        precedents: Vec::new(),
        connector: "postgres".to_owned(),
        ending: "it failed".to_owned(),
        lines: vec![Line {
            origin: "made up by `doctor`".to_owned(),
            label: "SEVERE error".to_owned(),
            text: "could not translate the host name db.example.com: no such host".to_owned(),
            ..Line::default()
        }],
        ..Brief::default()
    }
}
