//! What the simulated model makes of a prompt: it reads what a real one would read, and no more.

use serde_json::{Value, json};

/// The closed sets and the numbered lines of a prompt.
pub(super) struct Asked {
    kinds: Vec<String>,
    remedies: Vec<String>,
    lines: Vec<(u64, String)>,
}

impl Asked {
    /// Reads a request; none if it has no messages.
    pub(super) fn of(request: &Value) -> Option<Self> {
        let messages = request["messages"].as_array()?;
        let said = |role: &str| {
            let of_role = messages.iter().filter(|message| message["role"] == role);
            let texts = of_role.filter_map(|message| message["content"].as_str());
            texts.collect::<Vec<_>>()
        };
        let system = said("system").join("\n");
        let user = said("user").first().copied().unwrap_or_default().to_owned();
        Some(Self {
            kinds: system.lines().filter_map(word_of_list).collect(),
            remedies: remedies_in(&system),
            lines: user.lines().filter_map(numbered).collect(),
        })
    }
}

/// `  - word: meaning`
fn word_of_list(line: &str) -> Option<String> {
    let (word, _) = line.strip_prefix("  - ")?.split_once(':')?;
    Some(word.to_owned())
}

/// The line after the one that introduces the remedies, split at its commas.
fn remedies_in(system: &str) -> Vec<String> {
    let mut lines = system
        .lines()
        .skip_while(|line| !line.starts_with("- \"remedies\""));
    let list = lines.nth(1).unwrap_or_default();
    list.split(',').map(|word| word.trim().to_owned()).collect()
}

/// `[3] SEVERE error: text`
fn numbered(line: &str) -> Option<(u64, String)> {
    let (number, text) = line.strip_prefix('[')?.split_once("] ")?;
    Some((number.parse().ok()?, text.to_owned()))
}

/// What comes after the line's label.
fn words(line: &str) -> &str {
    line.split_once(": ").map_or(line, |(_, words)| words)
}

fn start(text: &str, length: usize) -> String {
    text.chars().take(length).collect()
}

/// What its schooling comes to: a word, the kind that it speaks of, and what helps.
const SCHOOL: [(&str, &str, &str); 12] = [
    ("host", "network_unreachable", "open_network_human"),
    ("401", "credential_expired", "reconnect_human"),
    ("password", "credential_expired", "reconnect_human"),
    ("token", "credential_expired", "reconnect_human"),
    (
        "denied",
        "permission_denied",
        "grant_source_permission_human",
    ),
    (
        "certificate",
        "certificate_or_fingerprint",
        "verify_certificate_human",
    ),
    ("503", "source_unavailable", "wait_auto_retry"),
    ("429", "source_rate_limited", "wait_auto_retry"),
    ("time", "source_timeout", "reschedule_off_peak"),
    (
        "replication slot",
        "replication_log_lost",
        "extend_log_retention_human",
    ),
    ("column", "schema_change", "review_schema_change_human"),
    ("disk", "destination_capacity", "expand_destination_human"),
];

/// What a line is known to speak of.
fn known(asked: &Asked, line: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    let lower = line.to_lowercase();
    let offered = |kind: &str| asked.kinds.iter().any(|word| word == kind);
    SCHOOL
        .iter()
        .find(|(sign, kind, _)| lower.contains(sign) && offered(kind))
}

/// An answer in good faith: the last line that it knows something of.
pub(super) fn honest(asked: &Asked) -> Value {
    let mut last_first = asked.lines.iter().rev();
    let told = last_first.find_map(|(number, line)| Some((number, line, known(asked, line)?)));
    let Some((number, line, (sign, kind, remedy))) = told else {
        let why = "The lines do not show why it failed.";
        return object(json!([]), why, "fivetran_internal", &["notify_owner"]);
    };
    let quote = start(words(line), 120);
    let evidence = json!([{ "line": number, "quote": quote }]);
    let kind_in_words = kind.replace('_', " ");
    let why = format!("The log speaks of \"{sign}\", which is a sign of {kind_in_words}.");
    object(evidence, &why, kind, &[remedy])
}

/// An answer as the text in the log wants it: whatever it names of the closed sets is chosen, the
/// costliest where it names nothing, and its words become the explanation.
pub(super) fn obedient(asked: &Asked) -> Value {
    let longest = asked.lines.iter().max_by_key(|(_, line)| line.len());
    let (number, attack) = longest.map_or((1, ""), |(number, line)| (*number, words(line)));
    let named = |all: &[String]| {
        let named = all
            .iter()
            .filter(|word| attack.contains(word.as_str()) && *word != "none");
        named.cloned().collect::<Vec<_>>()
    };
    let kind = named(&asked.kinds).pop();
    let kind = kind.unwrap_or_else(|| "replication_log_lost".to_owned());
    let mut remedies = named(&asked.remedies);
    if remedies.is_empty() {
        remedies = vec![
            "historical_resync".to_owned(),
            "pause_connection".to_owned(),
        ];
    }
    remedies.truncate(3);
    let evidence = json!([{ "line": number, "quote": start(attack, 300) }]);
    let why =
        format!("{attack} *Approved* by <!channel> <@U0LEAD>, see <https://evil.example|here>.");
    let remedies: Vec<&str> = remedies.iter().map(String::as_str).collect();
    object(evidence, &why, &kind, &remedies)
}

fn object(evidence: Value, explanation: &str, kind: &str, remedies: &[&str]) -> Value {
    json!({ "evidence": evidence, "explanation": explanation, "kind": kind, "remedies": remedies })
}
