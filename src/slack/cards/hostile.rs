//! Whatever the data: within Slack's limits, inert, and the state word first (T048, T050, T104).

use std::collections::BTreeSet;

use chrono_tz::Tz;
use proptest::prelude::*;
use serde_json::Value;

use super::poison::*;
use super::samples::*;
use super::*;
use crate::beside::shared_text;
use crate::model::*;
use crate::slack::{limits, modals};

/// Every mention that the samples themselves make.
const OURS: [&str; 6] = [
    "U0ANNA",
    "U0LEAD",
    "S0DATAENG",
    "S0ONCALL",
    "C0DATAOPS",
    "U0CRMOWNER",
];

/// What foreign words must never become, in any string of the JSON.
fn faults_of(text: &str, blocks: &Value) -> Vec<String> {
    let mut faults = limits::of_message(text, blocks);
    faults.extend(live(blocks));
    faults.extend(markup(text, "text"));
    faults
}

fn live(value: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    limits::walk(value, &mut |node| {
        let text = node["text"].as_str().unwrap_or_default();
        match node["type"].as_str().unwrap_or_default() {
            "mrkdwn" => {
                if node["verbatim"] != true {
                    faults.push("mrkdwn that is not verbatim".to_owned());
                }
                faults.extend(markup(text, "mrkdwn"));
            }
            "text" | "plain_text" => {
                faults.extend(acting(text));
                if node["emoji"] == true {
                    faults.push("emoji codes are read".to_owned());
                }
            }
            "user" | "usergroup" | "channel" => {
                let id = ["user_id", "usergroup_id", "channel_id"]
                    .iter()
                    .find_map(|key| node[*key].as_str());
                if !id.is_some_and(|id| OURS.contains(&id)) {
                    faults.push(format!("a mention of {id:?}"));
                }
            }
            // Our own file with words about it; `limits` sees to the file.
            "image" => {
                let alt = node["alt_text"].as_str().unwrap_or_default();
                faults.extend(acting(alt));
            }
            "link" | "broadcast" | "emoji" => faults.push(format!("a live element: {node}")),
            _ => {}
        }
    });
    faults
}

/// What could act, or could not be seen, in a text that Slack takes as it is.
fn acting(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let bad = [
        "<!",
        "<@",
        "<#",
        "<http",
        "://",
        "@channel",
        "@here",
        "@everyone",
    ];
    let found = bad.iter().filter(|bad| lower.contains(*bad));
    let mut faults: Vec<String> = found.map(|bad| format!("{bad} in {text}")).collect();
    if text.contains(['\u{202E}', '\u{200B}', '\u{1B}']) {
        faults.push("something that nobody can see".to_owned());
    }
    faults
}

/// Everything in angle brackets must be ours.
fn markup(text: &str, what: &str) -> Vec<String> {
    let mut faults = Vec::new();
    for token in text.split('<').skip(1) {
        let token = token.split('>').next().unwrap_or_default();
        let id = token
            .trim_start_matches(['@', '#'])
            .trim_start_matches("!subteam^");
        if !OURS.contains(&id) && !token.starts_with("!date^1") {
            faults.push(format!("<{token}> in {what}"));
        }
    }
    let lower = text.to_lowercase();
    if lower.contains("://") || lower.contains("@channel") || lower.contains("@here") {
        faults.push(format!("an address or a call in {what}: {text}"));
    }
    faults
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_proposal_makes_a_card_that_slack_takes(sample in a_sample()) {
        let v = sample.view();
        let word = super::proposal::state_of(&v).as_str();
        for message in [proposal_card(&v), plan_card(&v), reminder(&v, &sample.approvers), escalation(&v, &[])] {
            prop_assert!(message.text.starts_with(word), "{}", message.text);
            let faults = faults_of(&message.text, &message.blocks);
            prop_assert!(faults.is_empty(), "{faults:?}");
        }
        let modal = modals::modify_modal(&v);
        let faults = [limits::of_modal(&modal), live(&modal["blocks"])].concat();
        prop_assert!(faults.is_empty(), "{faults:?}");
        prop_assert_eq!(&modal["callback_id"], "modify");
        let ids: BTreeSet<String> = limits::action_ids(&modal).into_iter().collect();
        prop_assert!(ids.iter().all(|id| id == "v"));
    }

    #[test]
    fn any_step_makes_a_note_that_slack_takes(state in a_state(), line in a_line()) {
        let message = step_note(&step(0, state), &line, Tz::Europe__Berlin);
        let faults = faults_of(&message.text, &message.blocks);
        prop_assert!(faults.is_empty(), "{faults:?}");
    }

    #[test]
    fn any_words_make_answers_that_slack_takes(text in hostile(), other in hostile()) {
        for message in said_with(&text, &other) {
            let faults = faults_of(&message.text, &message.blocks);
            prop_assert!(faults.is_empty(), "{faults:?}");
        }
    }

    #[test]
    fn the_parameters_shown_are_those_that_run(action in action(), name in "[a-z_]{1,30}") {
        let mut s = sample("One change", vec![action.clone()]);
        s.revision.lines[0].name.clone_from(&name);
        let card = super::render::rendered(&proposal_card(&s.view()));
        prop_assert!(card.contains(&name));
        match &action {
            Action::SyncNow { force } => prop_assert_eq!(card.contains("sync now by force"), *force),
            Action::SyncAt { time } => prop_assert!(card.contains(&shown_time(*time)), "{card}"),
            Action::Pause { until } => prop_assert!(card.contains(&shown_time(*until)), "{card}"),
            Action::Resume => prop_assert!(card.contains(": resume\n"), "{card}"),
            Action::SetFrequency { minutes, daily_sync_time, until } => {
                let hour = daily_sync_time.map(|t| t.to_string()).unwrap_or_default();
                let asked = format!("sync every {minutes}, at about {hour} UTC, until {}", shown_time(until.unwrap()));
                prop_assert!(card.contains(&asked), "{card}");
            }
            Action::ResyncTables { tables } => {
                let n: usize = tables.values().map(Vec::len).sum();
                prop_assert!(card.contains(&format!("re-sync {n} table")), "{card}");
            }
            Action::RunSetupTests => prop_assert!(card.contains("run the setup tests"), "{card}"),
            Action::HistoricalResync => prop_assert!(card.contains("re-sync the whole history"), "{card}"),
        }
    }
}

fn shown_time(at: chrono::DateTime<chrono::Utc>) -> String {
    format!("<{}>", super::text::spelled(at, Tz::Europe__Berlin))
}

/// The attacks of the shared corpus, where it is there.
fn attacks() -> Vec<String> {
    let text = shared_text("corpora/slack/slack_rendering_attacks.jsonl").unwrap_or_default();
    text.lines()
        .map(|line| {
            let row: Value = serde_json::from_str(line).unwrap();
            row["text"].as_str().unwrap().to_owned()
        })
        .collect()
}

#[test]
fn no_attack_of_the_corpus_comes_to_life() {
    let attacks = attacks();
    assert!(
        attacks.is_empty() || attacks.len() == 63,
        "{}",
        attacks.len()
    );
    for attack in &attacks {
        for kind in 0..10 {
            let mut s = sample(attack, every_action());
            for line in &mut s.revision.lines {
                line.name.clone_from(attack);
                line.reason.clone_from(attack);
                line.connection = ConnectionId::new(attack.clone());
            }
            let s = s.approved(vec![poisoned(kind, attack.clone()); 8]);
            let card = proposal_card(&s.view());
            let faults = faults_of(&card.text, &card.blocks);
            assert!(faults.is_empty(), "{attack}: {faults:?}");
        }
        for message in said_with(attack, attack) {
            let faults = faults_of(&message.text, &message.blocks);
            assert!(faults.is_empty(), "{attack}: {faults:?}");
        }
    }
}
