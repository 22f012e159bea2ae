//! Whatever Fivetran, a log line or a person says: it is shown and does nothing, and its secrets stay home (I5, I7).

use serde_json::Value;
use syncgate::sim::fivetran::{Connection, Notice, Outcome};
use syncgate::sim::ledger::Service;

use crate::beside::shared_text;
use crate::harness::people::{ANA, EMIL, ERIN, LEAD, VIV};
use crate::harness::{CHANNEL, World, world};

/// The rows of a shared corpus; none when it is not there.
fn corpus(name: &str) -> Vec<Value> {
    let text = shared_text(&format!("corpora/{name}")).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

impl World {
    /// A connection whose last sync failed, and which says this wherever it can say something.
    fn add_saying(&self, id: &str, schema: &str, text: &str) {
        let now = self.now();
        let notice = |code: &str| Notice {
            details: Some(text.to_owned()),
            ..Notice::new(code, text)
        };
        let mut connection = Connection::new(id, "postgres", schema, "g_warehouse")
            .every(1440)
            .failed_at(now);
        connection.tasks = vec![notice(&text.chars().take(80).collect::<String>())];
        connection.warnings = vec![notice("source_warning")];
        self.fivetran.add_connection(connection);
    }

    /// Fivetran's webhook of a failure with this reason.
    async fn told_why(&self, id: &str, reason: &str) {
        let outcome = Outcome::fails(1, "source_error", reason, reason);
        let post = self
            .fivetran
            .webhook_request(id, "s", Some(&outcome))
            .unwrap();
        assert_eq!(self.post(&post).await, 200);
    }

    /// Until every message is out: a channel takes one a second.
    async fn drain(&self) {
        self.settle().await;
        while self.app().health().await.unwrap().messages_waiting > 0 {
            self.settle().await;
        }
    }

    /// Everything that Slack was sent, as JSON.
    fn sent_to_slack(&self) -> Vec<(String, Value)> {
        let entries = self.ledger.entries().into_iter();
        entries
            .filter(|e| e.service == Service::Slack && e.method == "POST" && !e.body.is_empty())
            .map(|e| (e.path.clone(), e.json()))
            .filter(|(_, body)| body.is_object())
            .collect()
    }
}

/// People, groups and channels that Syncgate itself may name.
const OURS: [&str; 9] = [
    "U0LEAD",
    "U0EMIL",
    "U0ERIN",
    "U0ANA",
    "U0VIV",
    "S0DATAENG",
    "S0ANALYTICS",
    CHANNEL,
    "U0GUEST",
];

const ACTIONS: [&str; 15] = [
    "approve",
    "reject",
    "modify",
    "undo",
    "check",
    "lines",
    "take",
    "snooze",
    "dismiss",
    "feedback_right",
    "feedback_partly",
    "feedback_wrong",
    "settle_done",
    "settle_failed",
    "v",
];

/// What in a message or view could act.
fn live(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| live(item, found)),
        Value::Object(map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str).unwrap_or_default();
            match text("type") {
                "mrkdwn" => {
                    found.extend(markup(text("text")));
                    if map.get("verbatim") != Some(&Value::Bool(true)) {
                        found.push(format!("links are made of {}", text("text")));
                    }
                }
                "user" | "usergroup" | "channel" => {
                    let ids = [text("user_id"), text("usergroup_id"), text("channel_id")];
                    if !ids.iter().any(|id| OURS.contains(id)) {
                        found.push(format!("a mention of {ids:?}"));
                    }
                }
                "link" | "broadcast" | "image" | "emoji" | "markdown" | "team" | "video" => {
                    found.push(format!("{value}"))
                }
                _ => {}
            }
            let id = text("action_id");
            if !id.is_empty() && !ACTIONS.contains(&id) && !id.starts_with("choose:") {
                found.push(format!("a foreign action {id}"));
            }
            for key in ["url", "image_url", "attachments"] {
                if map.contains_key(key) {
                    found.push(format!("{key} in {value}"));
                }
            }
            map.values().for_each(|item| live(item, found));
        }
        _ => {}
    }
}

/// A text without the links to the catalogue's own pages that a card of these tests may have.
pub fn without_pages(text: &str) -> String {
    let ours = [
        "<https://www.postgresql.org/docs/current/>",
        "<https://developer.salesforce.com/docs>",
        "<https://fivetran.com/docs/connectors>",
        "<https://fivetran.com/docs/destinations>",
    ];
    ours.iter()
        .fold(text.to_owned(), |text, page| text.replace(page, ""))
}

/// Everything in angle brackets, and everything that Slack makes a link or a call of by itself.
fn markup(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let text = &without_pages(text);
    for token in text.split('<').skip(1) {
        let token = token.split('>').next().unwrap_or_default();
        let id = token
            .trim_start_matches(['@', '#'])
            .trim_start_matches("!subteam^");
        let date = token.starts_with("!date^") && !token.contains("//");
        if !OURS.contains(&id) && !date {
            found.push(format!("<{token}>"));
        }
    }
    let lower = text.to_lowercase();
    for call in ["://", "@channel", "@here", "@everyone"] {
        if lower.contains(call) {
            found.push(format!("{call} in {text}"));
        }
    }
    found
}

fn judge(sent: &[(String, Value)]) {
    assert!(
        sent.len() > 50,
        "only {} requests were looked at",
        sent.len()
    );
    for (path, body) in sent {
        let mut found = Vec::new();
        live(body, &mut found);
        found.extend(markup(body["text"].as_str().unwrap_or_default()));
        if path.contains("chat.postMessage") && body["unfurl_links"] != Value::Bool(false) {
            found.push("links are unfurled".to_owned());
        }
        assert!(found.is_empty(), "{path}: {found:?}\n{body}");
    }
}

#[test]
fn i5_t050_t104_hostile_names_logs_and_words_do_nothing_anywhere() {
    let rows = corpus("slack/slack_rendering_attacks.jsonl");
    let texts: Vec<&str> = rows
        .iter()
        .map(|row| row["text"].as_str().unwrap())
        .collect();
    if texts.is_empty() {
        return;
    }
    assert_eq!(texts.len(), 63);
    world(async |w| {
        w.webhooks();
        for (n, text) in texts.iter().enumerate() {
            w.add_saying(&format!("atk{n}"), text, text);
            w.told_why(&format!("atk{n}"), text).await;
            // More at once would be a flood, and have no cards of their own.
            if n % 10 == 9 {
                w.drain().await;
            }
        }
        w.drain().await;
        assert_eq!(
            w.codes()
                .await
                .iter()
                .filter(|c| *c == "incident.opened")
                .count(),
            texts.len()
        );
        for (n, text) in texts.iter().enumerate() {
            for (user, words) in [(ANA, format!("sync {text}")), (VIV, (*text).to_owned())] {
                w.slack.command(user, CHANNEL, &words).await.ok();
            }
            let id = n + 1;
            match n % 9 {
                1 => rejected_in_a_form(w, id, text).await,
                2 => halted(w, text).await,
                _ => {
                    let words = format!("reject {id} {text}");
                    assert!(w.slack.command(EMIL, CHANNEL, &words).await.ok());
                }
            }
        }
        w.drain().await;
        w.command(ANA, "status").await;
        w.command(ANA, "plan now").await;
        w.command(VIV, "audit 1").await;
        w.drain().await;
        judge(&w.sent_to_slack());
        // What the operator named by its hostile name did sync, and nothing else happened.
        let saw = w.fivetran_saw();
        let plain =
            |line: &str| line.starts_with("atk") && line.ends_with("SyncStarted { force: false }");
        assert!(saw.lines().all(plain), "{saw}");
    });
}

/// The reason typed into the form of the remedy's card.
async fn rejected_in_a_form(w: &World, id: usize, text: &str) {
    let proposal = format!("#{id}");
    let all = w.all_messages();
    let card = all
        .iter()
        .find(|m| m.text.split(' ').any(|word| word == proposal));
    let card = card.unwrap_or_else(|| panic!("no card of {proposal}"));
    let ack = w
        .slack
        .click_label(ERIN, CHANNEL, &card.ts, "Reject…")
        .await;
    assert!(ack.ok(), "{ack:?}");
    w.settle().await;
    let cut: String = text.chars().take(1_000).collect();
    let reason = if cut.trim().is_empty() { "empty" } else { &cut };
    let ack = w.submit(ERIN, &[("reason", reason)]).await;
    assert!(ack.ok(), "{text}: {ack:?}");
}

async fn halted(w: &World, text: &str) {
    w.command(LEAD, &format!("halt {text}")).await;
    w.command(LEAD, "unhalt").await;
}

#[test]
fn i7_t119_secrets_of_logs_reach_neither_slack_nor_the_database_nor_the_audit_log() {
    let rows = corpus("secrets/fivetran_log_positives.jsonl");
    if rows.is_empty() {
        return;
    }
    world(async |w| {
        w.webhooks();
        for (n, row) in rows.iter().enumerate() {
            let line = row["line"].as_str().unwrap();
            w.add_saying(&format!("leak{n}"), &format!("leak{n}"), line);
            w.told_why(&format!("leak{n}"), line).await;
        }
        w.drain().await;
        // The intent keeps the connection as it was read.
        w.command(EMIL, "approve 1").await;
        assert!(!w.fivetran_saw().is_empty());
        w.command(ANA, "status").await;
        let mut kept: Vec<(String, String)> = w.raw().await.everything().await;
        kept.extend(w.ledger.entries().into_iter().map(|e| (e.path, e.body)));
        assert!(
            kept.len() > 5_000,
            "only {} texts were looked at",
            kept.len()
        );
        let mut leaks = Vec::new();
        for row in &rows {
            for secret in row["secrets"].as_array().unwrap() {
                let secret = secret.as_str().unwrap();
                let quoted = Value::from(secret).to_string();
                let quoted = quoted.trim_matches('"');
                let leak = kept
                    .iter()
                    .find(|(_, text)| text.contains(secret) || text.contains(quoted));
                leaks
                    .extend(leak.map(|(place, _)| format!("{}: {secret} in {place}", row["kind"])));
            }
        }
        assert!(
            leaks.is_empty(),
            "{} leaks:\n{}",
            leaks.len(),
            leaks.join("\n")
        );
    });
}
