//! The prompt: templates that are files under `prompts/`, rendered with a neutral brief.

use std::sync::LazyLock;

use anyhow::Context;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::triage::brief::Brief;
use crate::triage::catalogue::Catalogue;
use crate::triage::labels::Category;

const SYSTEM: &str = include_str!("../../prompts/root_cause/system.j2");
const USER: &str = include_str!("../../prompts/root_cause/user.j2");
const SCHEMA: &str = include_str!("../../prompts/root_cause/schema.json");

/// A prompt, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What is always the same.
    pub system: String,
    /// The case.
    pub user: String,
    /// A word in it that no answer may hold: an answer that does repeats what it was told to keep.
    pub mark: String,
    /// SHA-256 of the templates and the schema.
    pub version: &'static str,
    /// SHA-256 of the prompt as it is sent.
    pub hash: String,
}

#[derive(Serialize)]
struct Kind {
    word: &'static str,
    meaning: String,
}

/// The schema of an answer. Its keys are in the order of the alphabet, which JSON libraries keep
/// even where they keep no other: a server that enforces it makes the model quote before it judges.
pub(super) fn schema() -> Value {
    static READ: LazyLock<Value> =
        LazyLock::new(|| serde_json::from_str(SCHEMA).unwrap_or_default());
    READ.clone()
}

/// SHA-256 of the templates and the schema: which prompt it is.
pub fn version() -> &'static str {
    static HASH: LazyLock<String> = LazyLock::new(|| sha256(&[SYSTEM, USER, SCHEMA].join("\0")));
    &HASH
}

/// The prompt that asks about a brief.
///
/// # Errors
/// When a template is broken: a bug.
pub fn render(brief: &Brief) -> anyhow::Result<Prompt> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let fill = |template: &str, with: minijinja::Value| {
        let filled = environment.render_str(template, with);
        filled.context("a prompt's template")
    };
    let brief = brief.neutral();
    let brief = minijinja::Value::from(Serde(brief));
    let user = fill(USER, minijinja::context! { brief })?;
    // The same case has the same mark, so that its prompt has the same hash.
    let mark = format!("mark-{}", &sha256(&user)[..16]);
    let kinds = minijinja::Value::from(Serde(kinds()));
    let remedies = words("remedies");
    let system = fill(
        SYSTEM,
        minijinja::context! { kinds, remedies, mark => mark.as_str() },
    )?;
    let hash = sha256(&[system.as_str(), &user].join("\0"));
    Ok(Prompt {
        system,
        user,
        mark,
        version: version(),
        hash,
    })
}

/// Every kind of cause in the schema's order, with the catalogue's words for it.
fn kinds() -> Vec<Kind> {
    let all = words("kind");
    let known = Category::ALL.iter().copied();
    let order = |kind: &Kind| all.iter().position(|word| word == kind.word);
    let mut kinds: Vec<Kind> = known
        .map(|category| Kind {
            word: category.as_str(),
            meaning: meaning(category),
        })
        .collect();
    kinds.sort_by_key(order);
    kinds
}

fn meaning(category: Category) -> String {
    let nothing = "Nothing is wrong: it succeeded, was put off as planned, or somebody stopped it.";
    let entry = Catalogue::shipped().entry_of(category);
    let cause = entry.map_or_else(|| nothing.to_owned(), |entry| entry.cause.clone());
    cause
        .replace(" ({source})", "")
        .replace(" ({destination})", "")
}

/// The closed set that the schema allows for a key.
fn words(key: &str) -> Vec<String> {
    let schema = schema();
    let of = &schema["properties"][key];
    let list = of["enum"].as_array().or(of["items"]["enum"].as_array());
    let list = list.into_iter().flatten();
    list.filter_map(|word| Some(word.as_str()?.to_owned()))
        .collect()
}

fn sha256(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
#[path = "prompt_tests.rs"]
mod tests;
