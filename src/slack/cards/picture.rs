//! The picture of a plan on its card, and the same in words for those who do not see it.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use slack_morphism::prelude::SlackBlock;

use crate::model::{ByItself, Chart, ChartRow, ProposalId};
use crate::slack::inert::{Inert, units};

/// What Slack takes is 2,000.
const ALT: usize = 1_900;

/// What the file is called when somebody saves it.
pub const PICTURE_FILE: &str = "plan.png";

/// A picture that Slack has ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Slack's name for the file.
    pub file: String,
    /// What it shows.
    pub chart: Chart,
}

/// The picture with its words. Only a file of ours can be named here, never an address.
pub(super) fn block(picture: &Picture) -> SlackBlock {
    SlackBlock::Unknown(json!({
        "type": "image",
        "slack_file": {"id": picture.file},
        "alt_text": alt_text(&picture.chart),
    }))
}

/// The file that these blocks show, if they show one.
pub fn picture_in(blocks: &str) -> Option<String> {
    let blocks: Vec<Value> = serde_json::from_str(blocks).ok()?;
    let mut files = blocks.iter().map(|block| &block["slack_file"]["id"]);
    files.find_map(Value::as_str).map(str::to_owned)
}

/// What Slack calls the file.
pub fn picture_title(id: ProposalId) -> String {
    format!("Plan #{id}")
}

/// What the picture shows, row by row, as far as Slack takes it.
pub fn alt_text(chart: &Chart) -> String {
    let clock = |at: DateTime<Utc>| -> String {
        let local = at.with_timezone(&chart.tz());
        local.format("%a %-d %b %H:%M").to_string()
    };
    let mut words = format!(
        "The plan as a picture, {} to {}, times in {}.",
        clock(chart.now),
        clock(chart.until),
        chart.tz().name(),
    );
    let mut left_out = chart.more;
    for row in &chart.rows {
        let told = format!("\n{}", row_words(chart, row));
        if left_out > chart.more || units(&words) + units(&told) > ALT {
            left_out += 1;
        } else {
            words.push_str(&told);
        }
    }
    match left_out {
        0 => {}
        1 => words.push_str("\nAnd 1 more connection."),
        more => words.push_str(&format!("\nAnd {more} more connections.")),
    }
    words
}

/// `salesforce: proposed Mon 08:50; approved Mon 10:00; by itself every 6 h, next end Mon 13:30; to be fresh by Mon 09:30.`
fn row_words(chart: &Chart, row: &ChartRow) -> String {
    let clock = |at: DateTime<Utc>| -> String {
        let local = at.with_timezone(&chart.tz());
        local.format("%a %H:%M").to_string()
    };
    let starts = |what, at| match at {
        at if at <= chart.now => format!("{what} now"),
        at => format!("{what} {}", clock(at)),
    };
    let added = row.added.iter().map(|added| match added.shadow {
        true => starts("shown only", added.at),
        false => starts("proposed", added.at),
    });
    let approved = row.approved.iter().map(|at| starts("approved", *at));
    let mut parts: Vec<String> = added.chain(approved).collect();
    parts.push(match row.by_itself {
        ByItself::Never => "by itself never".to_owned(),
        ByItself::Unknown => "by itself not known".to_owned(),
        ByItself::Every { minutes, first_end } => {
            let next = clock(first_end);
            format!("by itself every {}, next end {next}", every(minutes))
        }
    });
    if !row.due.is_empty() {
        let due: Vec<String> = row.due.iter().take(4).map(|at| clock(*at)).collect();
        parts.push(format!("to be fresh by {}", due.join(", ")));
    }
    let name = Inert::line(&row.name, 60);
    format!("{}: {}.", name.as_str(), parts.join("; "))
}

fn every(minutes: i64) -> String {
    if minutes % 60 == 0 {
        format!("{} h", minutes / 60)
    } else {
        format!("{minutes} min")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slack::cards::samples;

    #[test]
    fn the_words_say_what_the_picture_shows() {
        let mut chart = samples::picture().chart;
        insta::assert_snapshot!(alt_text(&chart), @r"
        The plan as a picture, Sun 22 Nov 13:00 to Mon 23 Nov 13:00, times in Europe/Berlin.
        hubspot: proposed now; by itself never.
        salesforce_prod: proposed Sun 14:50; by itself every 6 h, next end Sun 17:30; to be fresh by Sun 15:30.
        marketing_ads: shown only Sun 19:00; approved now; approved Sun 21:00; by itself every 45 min, next end Sun 13:20.
        And 5 more connections.
        ");
        chart.rows.truncate(1);
        chart.rows[0].by_itself = ByItself::Unknown;
        chart.rows[0].added.clear();
        chart.more = 1;
        insta::assert_snapshot!(alt_text(&chart), @r"
        The plan as a picture, Sun 22 Nov 13:00 to Mon 23 Nov 13:00, times in Europe/Berlin.
        hubspot: by itself not known.
        And 1 more connection.
        ");
    }

    #[test]
    fn words_that_slack_would_refuse_are_left_out_and_counted() {
        let mut chart = samples::picture().chart;
        let mut long = chart.rows[1].clone();
        long.name = "𝕬".repeat(90);
        chart.rows = vec![long; 40];
        let words = alt_text(&chart);
        assert!(units(&words) <= 2_000, "{}", units(&words));
        let told = words.matches("proposed").count();
        assert!(told > 5, "{words}");
        let rest = format!("And {} more connections.", 5 + 40 - told);
        assert!(words.ends_with(&rest), "{words}");
    }
}
