//! The table of the module, line by line.

use super::*;
use crate::model::{LogRead, Quote};
use crate::triage::labels::{Category, RemedyName};

fn quote() -> Quote {
    Quote {
        origin: "log".to_owned(),
        text: "no such host".to_owned(),
    }
}

fn rules(percent: u8) -> Cause {
    Cause {
        category: "network_unreachable".to_owned(),
        percent,
        summary: "the rules' words".to_owned(),
        quotes: vec![quote()],
        remedies: vec!["open_network_human".to_owned()],
        log: LogRead::Off,
        before: Vec::new(),
        opinion: None,
    }
}

fn says(category: Category, proofs: usize) -> Admitted {
    Admitted {
        category,
        remedies: vec![RemedyName::HistoricalResync],
        summary: "the model's words".to_owned(),
        quotes: vec![quote(); proofs],
        unproved: 0,
        dropped: Vec::new(),
    }
}

fn told(cause: &Cause) -> String {
    let opinion = cause.opinion.as_ref().map_or("none", Opinion::as_str);
    let sure = cause.certainty().as_str();
    format!(
        "{} {sure} {}, {opinion}",
        cause.category,
        cause.remedies.join(" ")
    )
}

#[test]
fn certainty_is_computed_by_the_table() {
    let (same, other) = (Category::NetworkUnreachable, Category::ReplicationLogLost);
    let lines = [
        (95, same, 1),
        (80, same, 1),
        (95, other, 1),
        (80, other, 1),
        (45, other, 1),
        (45, same, 1),
        (95, other, 0),
        (45, same, 0),
    ];
    let told = lines.map(|(percent, category, proofs)| {
        let cause = weighed(rules(percent), says(category, proofs), "m");
        format!("{percent} {category} {proofs}: {}", told(&cause))
    });
    insta::assert_snapshot!(told.join("\n"), @"
    95 network_unreachable 1: network_unreachable confirmed open_network_human, agrees
    80 network_unreachable 1: network_unreachable likely open_network_human, agrees
    95 replication_log_lost 1: network_unreachable likely open_network_human, differs
    80 replication_log_lost 1: network_unreachable likely open_network_human, differs
    45 replication_log_lost 1: replication_log_lost likely historical_resync, leads
    45 network_unreachable 1: network_unreachable likely historical_resync, leads
    95 replication_log_lost 0: network_unreachable confirmed open_network_human, unproved
    45 network_unreachable 0: network_unreachable inconclusive open_network_human, unproved
    ");
}

#[test]
fn the_terminal_weighs_by_the_same_table() {
    for percent in [95, 80, 60, 59, 45, 0] {
        for category in [Category::NetworkUnreachable, Category::SchemaChange] {
            for proofs in [0, 1] {
                let cause = weighed(rules(percent), says(category, proofs), "m");
                let judgement = Judgement {
                    category: Category::NetworkUnreachable,
                    confidence: f64::from(percent) / 100.0,
                    root_cause: "the rules' words".to_owned(),
                    evidence: vec!["no such host".to_owned()],
                    actions: vec![RemedyName::OpenNetworkHuman],
                };
                let (judged, said) = weighed_judgement(judgement, &says(category, proofs));
                assert_eq!(Some(said), cause.opinion.as_ref().map(Opinion::as_str));
                assert_eq!(judged.category.as_str(), cause.category);
                assert_eq!(judged.certainty(), cause.certainty().as_str());
                assert_eq!(judged.root_cause, cause.summary);
            }
        }
    }
}

#[test]
fn what_was_said_of_a_failure_is_said_again_when_it_is_explained_afresh() {
    for percent in [95, 80, 45] {
        for category in [Category::NetworkUnreachable, Category::SchemaChange] {
            for proofs in [0, 1] {
                let on_card = weighed(rules(percent), says(category, proofs), "m");
                let afresh = weighed_afresh(rules(percent), &on_card);
                assert_eq!(afresh, on_card, "{percent} {category} {proofs}");
            }
        }
    }
    for opinion in [Opinion::Asked { question: 1 }, silent(), refused()] {
        let on_card = Cause {
            opinion: Some(opinion),
            ..rules(45)
        };
        assert_eq!(weighed_afresh(rules(45), &on_card), on_card);
    }
    assert_eq!(weighed_afresh(rules(45), &rules(95)), rules(45));
}

#[test]
fn rules_that_know_more_by_now_are_not_outdone_by_an_older_view() {
    let same = Category::NetworkUnreachable;
    let other = Category::SchemaChange;
    let afresh = |before: u8, category, now: Cause| {
        let on_card = weighed(rules(before), says(category, 1), "m");
        told(&weighed_afresh(now, &on_card))
    };
    let moved = Cause {
        category: "config_error".to_owned(),
        ..rules(95)
    };
    insta::assert_snapshot!(
        [
            afresh(45, same, rules(95)),
            afresh(45, other, rules(95)),
            afresh(95, other, rules(45)),
            afresh(95, same, rules(45)),
            afresh(95, same, moved),
        ]
        .join("\n"),
        @"
    network_unreachable confirmed open_network_human, agrees
    network_unreachable likely open_network_human, differs
    schema_change likely , leads
    network_unreachable inconclusive open_network_human, none
    config_error confirmed open_network_human, none
    "
    );
}

fn silent() -> Opinion {
    let why = crate::model::Silence::Down;
    Opinion::Silent { why }
}

fn refused() -> Opinion {
    let model = "m".to_owned();
    Opinion::Refused { model }
}
