//! Words and bytes that nobody should type, in every place where something can be typed.

use serde_json::{Value, json};
use syncgate::sim::fivetran::Connection;
use syncgate::sim::slack::{Message, plain};

use crate::beside::shared;
use crate::harness::people::{ANA, EMIL, VIV};
use crate::harness::wire::naughty;
use crate::harness::{CHANNEL, World, world};
use crate::inert::without_pages;

/// Everything in a message that Slack would make a mention, a link or a date of, and that is not
/// of our own making.
fn lively(message: &Message) -> Vec<String> {
    let mut found = Vec::new();
    tokens(&message.text, &mut found);
    let mut todo: Vec<&Value> = message.blocks.iter().collect();
    while let Some(value) = todo.pop() {
        match value {
            Value::Object(fields) => {
                match fields.get("type").and_then(Value::as_str) {
                    Some("mrkdwn") => tokens(fields["text"].as_str().unwrap(), &mut found),
                    Some("link" | "broadcast" | "channel" | "emoji") => {
                        found.push(value.to_string())
                    }
                    _ => {}
                }
                todo.extend(fields.values());
            }
            Value::Array(items) => todo.extend(items),
            _ => {}
        }
    }
    found
}

fn tokens(mrkdwn: &str, found: &mut Vec<String>) {
    let ours = [
        "@U0",
        "!subteam^S0DATAENG",
        "!subteam^S0ANALYTICS",
        "!date^",
        "#C0DATAOPS",
    ];
    for token in without_pages(mrkdwn).split('<').skip(1) {
        if !ours.iter().any(|form| token.starts_with(form)) {
            found.push(format!("<{token}"));
        }
    }
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

fn injections() -> Vec<String> {
    let file = shared("corpora/sql/sqli.jsonl");
    file.map_or_else(Vec::new, |file| {
        let rows = std::fs::read_to_string(file).unwrap();
        let rows = rows
            .lines()
            .map(|row| serde_json::from_str::<Value>(row).unwrap());
        let all: Vec<String> = rows
            .map(|row| row["text"].as_str().unwrap().to_owned())
            .collect();
        assert_eq!(all.len(), 28);
        all
    })
}

/// The newest message that stands in no thread.
fn newest(w: &World) -> Message {
    let mut all = w.slack.messages(CHANNEL);
    all.retain(|m| m.thread_ts.is_none());
    all.pop().expect("a card")
}

async fn nothing_died(w: &World) {
    let health = w.app().health().await.unwrap();
    assert_eq!((health.inbox_dead, health.messages_dead), (0, 0));
    assert_eq!(w.get("/healthz").await.status, 200);
}

#[test]
fn t027_whatever_is_typed_is_answered_within_bounds() {
    world(async |w| {
        let mut texts = naughty();
        texts.push("a".repeat(10_000));
        texts.push(format!("sync {}", "ü".repeat(10_000)));
        texts.push(format!("reject 1 {}", "<!channel> ".repeat(1_000)));
        texts.push("sync ".repeat(2_000));
        texts.push("status or\0ders".to_owned());
        texts.push("status \u{202e}sredro\u{feff}".to_owned());
        for text in &texts {
            let ack = w.slack.command(VIV, CHANNEL, text).await;
            assert_eq!((ack.status, ack.body.as_str()), (200, ""), "{text:?}");
        }
        w.settle().await;
        let told = w.slack.ephemerals(VIV);
        assert_eq!(told.len(), texts.len());
        for told in told {
            assert!(told.text.chars().count() <= 4_000, "{:.100}", told.text);
            assert!(Value::from(told.blocks.clone()).to_string().len() <= 15_000);
            assert_eq!(lively(&told.as_message()), Vec::<String>::new());
        }
        nothing_died(w).await;
    });
}

#[test]
fn t030_a_button_of_another_version_is_refused_politely_and_recorded() {
    world(async |w| {
        w.command(ANA, "pause orders for 2h").await;
        let card = w.with_button("Approve");
        let ack = w
            .slack
            .click_raw(EMIL, CHANNEL, &card.ts, "launch_missiles", "v9.1.2")
            .await;
        assert_eq!((ack.status, ack.body.as_str()), (200, ""));
        w.settle().await;
        let words = "*Refused*: this version of Syncgate does not know that button. Use the newest card of the proposal.";
        assert_eq!(w.told(EMIL), words);
        assert!(w.press(EMIL, "Reject…").await.ok());
        w.settle().await;
        let view = w.slack.views(EMIL).pop().unwrap();
        let mut submission = w
            .slack
            .submission_payload(EMIL, &view.id, json!({}))
            .unwrap();
        submission["view"]["callback_id"] = "launch".into();
        assert!(w.slack.interact(&submission).await.ok());
        w.settle().await;
        let refused = |(code, body): &(String, Value)| {
            code == "request.refused" && body["why"] == "action.unknown"
        };
        assert_eq!(w.audit().await.iter().filter(|r| refused(r)).count(), 2);
        assert_eq!(w.slack.ephemerals(EMIL).len(), 1, "the form says it itself");
        assert!(
            newest(w).text.starts_with("Proposed: "),
            "{}",
            newest(w).text
        );
    });
}

#[test]
fn t135_no_json_however_broken_gets_more_than_a_400() {
    world(async |w| {
        let Some(folder) = shared("corpora/parsing/JSONTestSuite") else {
            return;
        };
        let mut count = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let file = file.unwrap();
            let name = file.file_name().into_string().unwrap();
            let bytes = std::fs::read(file.path()).unwrap();
            let mut payload = b"payload=".to_vec();
            payload.extend(url::form_urlencoded::byte_serialize(&bytes).flat_map(str::bytes));
            for request in [
                w.as_fivetran(bytes.clone()),
                w.as_slack("/slack/events", bytes),
                w.as_slack("/slack/interactions", payload),
            ] {
                let path = request.path.clone();
                let answer = w.send(request).await;
                let right =
                    answer.status == 400 || (answer.status == 200 && !name.starts_with("n_"));
                assert!(right && answer.body.is_empty(), "{path} {name}: {answer:?}");
            }
            count += 1;
        }
        assert_eq!(count, 318);
        w.command(ANA, "sync orders").await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        nothing_died(w).await;
    });
}

/// Rejects a fresh proposal for this reason.
async fn reject(w: &World, reason: &str, by_command: bool) {
    w.command(ANA, "pause orders for 2h").await;
    if by_command {
        let number = w.with_button("Approve").text;
        let number = number
            .split('#')
            .nth(1)
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .to_owned();
        w.command(EMIL, &format!("reject {number} {reason}")).await;
    } else {
        assert!(w.press(EMIL, "Reject…").await.ok());
        w.settle().await;
        let ack = w.submit(EMIL, &[("reason", reason)]).await;
        assert_eq!((ack.status, ack.body.as_str()), (200, ""), "{reason:?}");
    }
    assert!(
        newest(w).text.starts_with("Rejected: "),
        "{reason:?} {}",
        newest(w).text
    );
}

#[test]
fn t141_a_reason_is_shown_as_it_was_typed_and_does_nothing() {
    world(async |w| {
        let schema = w.schema().await;
        let injections = injections();
        for (number, seven) in injections.chunks(7).enumerate() {
            let reason = seven.join(" \u{2022} ");
            reject(w, &reason, number % 2 == 0).await;
            let thread = w.slack.thread(CHANNEL, &newest(w).ts);
            let shown: String = thread.iter().chain([&newest(w)]).map(plain).collect();
            let shown = unescaped(&shown);
            for one in seven {
                assert!(
                    shown.contains(&w.app().clean(one.clone())),
                    "{one}\n{shown}"
                );
            }
        }
        reject(
            w,
            "no\0thing <!channel> <@U0LEAD> <https://evil.example|here>",
            false,
        )
        .await;
        let mut words = String::new();
        for text in naughty() {
            if words.len() + text.len() > 900 {
                reject(w, &std::mem::take(&mut words), false).await;
            }
            words.push_str(&text);
            words.push('\n');
        }
        for message in w.all_messages() {
            assert_eq!(lively(&message), Vec::<String>::new());
        }
        assert_eq!(w.schema().await, schema);
        nothing_died(w).await;
    });
}

#[test]
fn t141_names_are_shown_and_never_run() {
    world(async |w| {
        let schema = w.schema().await;
        let tables = w.tables().await;
        // Some for those who do not have the corpora.
        let own = ["'; DROP TABLE connections; --", "<!channel> *all* `of` you"];
        let mut names: Vec<String> = own.map(str::to_owned).into();
        names.extend(injections());
        names.extend(naughty().into_iter().step_by(7));
        names.push("x\0y".to_owned());
        names.retain(|name| !name.trim().is_empty());
        for (number, name) in names.iter().enumerate() {
            let id = format!("naughty_{number}");
            let connection = Connection::new(&id, "postgres", name, "g_warehouse");
            w.fivetran
                .add_connection(connection.every(360).succeeded_at(w.now()));
        }
        w.command(VIV, "status").await;
        for (number, name) in names.iter().enumerate() {
            assert!(
                w.slack
                    .command(VIV, CHANNEL, &format!("status {name}"))
                    .await
                    .ok()
            );
            let by_id = format!("status naughty_{number}");
            assert!(w.slack.command(VIV, CHANNEL, &by_id).await.ok());
        }
        w.settle().await;
        let told = w.slack.ephemerals(VIV);
        assert_eq!(told.len(), 1 + 2 * names.len());
        for told in told {
            assert_eq!(lively(&told.as_message()), Vec::<String>::new());
        }
        w.command(ANA, "pause naughty_1 for 2h").await;
        assert!(w.channel().contains("Proposed"), "{}", w.told(ANA));
        w.click(EMIL, "Approve").await;
        assert_eq!(w.fivetran_saw(), "naughty_1 Paused");
        for message in w.all_messages() {
            assert_eq!(lively(&message), Vec::<String>::new());
        }
        assert_eq!(w.schema().await, schema);
        assert_eq!(w.tables().await, tables);
        assert_eq!(
            w.count("connections").await,
            4 + i64::try_from(names.len()).unwrap()
        );
        nothing_died(w).await;
    });
}
