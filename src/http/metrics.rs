//! What `/metrics` tells, and its recorder. `docs/metrics.md` is the table for people.

use metrics::{describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Bounds of the buckets, in seconds: Slack waits three.
const SECONDS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 3.0];
/// The same for incidents, from seconds to a day.
const SPANS: [f64; 9] = [
    1.0, 10.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 43_200.0, 86_400.0,
];

/// What kind of figure a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Only grows while the process lives.
    Counter,
    /// As the database has it; brought up to date every five seconds.
    Gauge,
    /// How long something took.
    Seconds,
}

/// Every metric: its name, its kind, what it counts.
const ALL: [(&str, Kind, &str); 22] = [
    (
        "syncgate_deliveries_total",
        Kind::Counter,
        "Signed deliveries that came in, by route.",
    ),
    (
        "syncgate_deliveries_refused_total",
        Kind::Counter,
        "Deliveries that could not be stored and were answered 503, by route.",
    ),
    (
        "syncgate_unauthorized_total",
        Kind::Counter,
        "Requests whose signature or age was wrong, by whose they claimed to be.",
    ),
    (
        "syncgate_delivery_stored_seconds",
        Kind::Seconds,
        "From a delivery's last byte to its commit.",
    ),
    (
        "syncgate_slack_socket_troubles_total",
        Kind::Counter,
        "Troubles of Socket Mode's connections.",
    ),
    (
        "syncgate_slack_requests_total",
        Kind::Counter,
        "Calls to Slack, by outcome: ok, refused, rate_limited, not_sent, ambiguous.",
    ),
    (
        "syncgate_fivetran_requests_total",
        Kind::Counter,
        "Requests to Fivetran, by kind (read, write) and status (2xx, 3xx, 4xx, 429, 5xx, none).",
    ),
    (
        "syncgate_inbox_waiting",
        Kind::Gauge,
        "Deliveries that wait to be handled.",
    ),
    (
        "syncgate_inbox_oldest_seconds",
        Kind::Gauge,
        "For how long the oldest of them has waited.",
    ),
    (
        "syncgate_inbox_dead",
        Kind::Gauge,
        "Deliveries that failed too often and were put aside.",
    ),
    (
        "syncgate_messages_waiting",
        Kind::Gauge,
        "Messages that wait to be sent to Slack.",
    ),
    (
        "syncgate_messages_oldest_seconds",
        Kind::Gauge,
        "For how long the oldest of them has waited.",
    ),
    (
        "syncgate_messages_dead",
        Kind::Gauge,
        "Messages that were given up.",
    ),
    (
        "syncgate_questions_waiting",
        Kind::Gauge,
        "Questions to the language model that wait or are being asked.",
    ),
    (
        "syncgate_proposals_waiting",
        Kind::Gauge,
        "Proposals that wait for a decision.",
    ),
    (
        "syncgate_incidents_open",
        Kind::Gauge,
        "Incidents that are not over.",
    ),
    (
        "syncgate_incident_detect_seconds",
        Kind::Seconds,
        "From a connection's first failure to its incident, once that is proved to be over.",
    ),
    (
        "syncgate_incident_card_seconds",
        Kind::Seconds,
        "From an incident to Slack's post of its card, by Slack's clock in whole seconds.",
    ),
    (
        "syncgate_incident_fix_seconds",
        Kind::Seconds,
        "From a connection's first failure to the success that proves it over.",
    ),
    (
        "syncgate_actions_open",
        Kind::Gauge,
        "Approved actions that are not settled.",
    ),
    (
        "syncgate_overrides",
        Kind::Gauge,
        "Changes in force that have an end or are being taken back.",
    ),
    (
        "syncgate_halted",
        Kind::Gauge,
        "1 while everything is halted.",
    ),
];

/// Installs the process's recorder; `None` where there is one already, which then shows the same
/// figures.
pub fn recorder() -> Option<PrometheusHandle> {
    let spans = Matcher::Prefix("syncgate_incident_".to_owned());
    let builder = PrometheusBuilder::new().set_buckets(&SECONDS).ok()?;
    let builder = builder.set_buckets_for_metric(spans, &SPANS).ok()?;
    let handle = builder.install_recorder().ok()?;
    for (name, kind, what) in ALL {
        match kind {
            Kind::Counter => describe_counter!(name, what),
            Kind::Gauge => describe_gauge!(name, what),
            Kind::Seconds => describe_histogram!(name, what),
        }
    }
    Some(handle)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    /// The metrics' names that a text holds.
    fn named(text: &str, found: &mut BTreeSet<String>) {
        let word = |c: char| c.is_ascii_lowercase() || c == '_';
        for start in text.match_indices("syncgate_").map(|(at, _)| at) {
            let name = text[start..].split(|c| !word(c)).next().unwrap_or_default();
            found.insert(name.to_owned());
        }
    }

    fn sources(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs")
                && !path.ends_with("http/metrics.rs")
            {
                let text = std::fs::read_to_string(&path).unwrap();
                let macros = ["counter!(", "gauge!(", "histogram!(", "set("];
                let lines = text.lines().map(str::trim);
                let mut counts = false;
                for line in lines {
                    counts |= macros.iter().any(|name| line.contains(name));
                    if counts {
                        named(line, found);
                    }
                    counts &= !line.ends_with(';');
                }
            }
        }
    }

    #[test]
    fn the_table_names_every_metric_and_no_other_and_so_does_the_page() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let table: BTreeSet<String> = ALL.iter().map(|(name, ..)| (*name).to_owned()).collect();
        let mut counted = BTreeSet::new();
        sources(&root.join("src"), &mut counted);
        assert_eq!(counted, table, "src/ against the table");
        let page = std::fs::read_to_string(root.join("docs/metrics.md")).unwrap();
        for (name, kind, what) in ALL {
            let kind = match kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Seconds => "histogram",
            };
            let row = format!("| `{name}` | {kind} | {what} |");
            assert!(page.contains(&row), "docs/metrics.md lacks: {row}");
        }
    }
}
