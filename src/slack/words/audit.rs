//! `audit <id>`: the story of one proposal.

use chrono::DateTime;
use chrono_tz::Tz;
use slack_morphism::prelude::*;

use crate::model::{Actor, ProposalId, audit};
use crate::slack::cards::{Builder, Message, Words};
use crate::slack::inert::{Inert, units};

/// Records in one block, and blocks in one answer.
const RECORDS: usize = 6;
const BLOCKS: usize = 5;
/// How much of a record's facts is shown.
const BODY: usize = 220;

/// The records of one proposal, oldest first; the newest are shown when there are too many.
pub fn audit_story(id: ProposalId, records: &[audit::Record], tz: Tz) -> Message {
    let words = Words::new()
        .bold("Audit")
        .say(" of #")
        .number(id)
        .say(": ")
        .count(records.len(), "record", "records");
    let left_out = records.len().saturating_sub(RECORDS * BLOCKS);
    let cut = records
        .iter()
        .skip(left_out)
        .any(|record| units(&record.body) > BODY);
    let words = match (left_out, cut) {
        (0, false) => words.say("."),
        (0, true) => words.say(", long ones cut."),
        _ => words
            .say(", the last ")
            .number(RECORDS * BLOCKS)
            .say(" of them here, long ones cut."),
    };
    let words = if left_out > 0 || cut {
        words
            .say(" On the terminal ")
            .command("syncgate audit show", id)
            .say(" shows all.")
    } else {
        words
    };
    let mut card = Builder::new(&words);
    let shown: Vec<&audit::Record> = records.iter().skip(left_out).collect();
    for chunk in shown.chunks(RECORDS) {
        let mut lines = SlackRichTextBlock::new(Vec::new());
        for record in chunk {
            lines.elements.extend(told(record, tz).rich().elements);
            let body = Inert::line(&record.body, BODY);
            lines
                .elements
                .push(SlackRichTextPreformatted::new(vec![body.as_str().into()]).into());
        }
        card = card.block(lines);
    }
    card.build()
}

fn told(record: &audit::Record, tz: Tz) -> Words {
    let words = Words::new().say("#").number(record.seq).say(" ");
    let words = match DateTime::parse_from_rfc3339(&record.at) {
        Ok(at) => words.time(at.to_utc(), tz),
        // A record that was tampered with is shown as it is.
        Err(_) => words.quote(&record.at, 40),
    };
    let words = words
        .say(" ")
        .id(&record.code)
        .say(" ")
        .quote(&record.subject, 60)
        .say(" by ");
    match serde_json::from_str::<Actor>(&record.actor) {
        Ok(Actor::User { id }) => words.quote(id.as_str(), 40),
        Ok(actor @ (Actor::Operator | Actor::Rule { .. } | Actor::Syncgate)) => words.actor(&actor),
        Err(_) => words.quote(&record.actor, 60),
    }
    .say(", hash ")
    .hex(&record.hash, 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_none_is_shown_as_it_is() {
        let mut record = audit::Record {
            seq: 1,
            at: "yesterday".to_owned(),
            code: "x".to_owned(),
            actor: "{}".to_owned(),
            subject: "proposal:1".to_owned(),
            body: "{}".to_owned(),
            prev: String::new(),
            hash: "zz".to_owned(),
        };
        let told = |record: &audit::Record| told(record, Tz::UTC).plain();
        insta::assert_snapshot!(told(&record), @"#1 yesterday x proposal:1 by {}, hash -");
        record.at = "2026-11-22T12:00:00.000000Z".to_owned();
        record.actor = r#"{"kind":"syncgate"}"#.to_owned();
        insta::assert_snapshot!(told(&record), @"#1 22 Nov 12:00 UTC x proposal:1 by Syncgate, hash -");
    }
}
