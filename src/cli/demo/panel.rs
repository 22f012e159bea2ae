//! The side panel: the simulated Fivetran as its own pages would show it, and its switches.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use maud::{Markup, html};

use super::calls::Call;
use super::switches::{FAST, State};
use crate::sim::fivetran::{Panel, PanelLine};
use crate::sim::page::{Item, Part};
use crate::sim::scenarios::demo::failures::{ALL_AT_ONE, FAILURES};

/// What the panel is made from.
pub(super) struct Seen<'a> {
    pub account: Panel,
    pub calls: Vec<Call>,
    pub switches: State,
    /// Only connections that hold this.
    pub search: &'a str,
}

/// The panel, part by part.
pub(super) fn parts(seen: &Seen<'_>) -> Vec<Part> {
    let times = Times {
        now: seen.account.now,
        zone: seen.switches.zone,
    };
    vec![
        Part::one("fivetran-switches", switches(&seen.switches, times)),
        Part::new("fivetran-calls", calls(seen, times)),
        Part::one("fivetran-sum", sum(&seen.account.connections)),
        Part::new("fivetran-fleet", fleet(seen, times)),
    ]
}

/// How times are written.
#[derive(Clone, Copy)]
struct Times {
    now: DateTime<Utc>,
    zone: Tz,
}

impl Times {
    /// The time of day, with the day when it is not today.
    fn of(self, at: DateTime<Utc>) -> String {
        let (at, now) = (
            at.with_timezone(&self.zone),
            self.now.with_timezone(&self.zone),
        );
        let format = match at.date_naive() == now.date_naive() {
            true => "%H:%M",
            false => "%a %-d %b %H:%M",
        };
        at.format(format).to_string()
    }

    fn or_never(self, at: Option<DateTime<Utc>>) -> String {
        at.map_or_else(|| "never".to_owned(), |at| self.of(at))
    }
}

fn switches(state: &State, times: Times) -> Markup {
    let now = state.now.with_timezone(&state.zone);
    let switch = |what: &str, label: &str, on: Option<bool>| {
        let pressed = on.map(|on| on.to_string());
        html! { button name="do" value=(what) aria-pressed=[pressed] { (label) } }
    };
    let faster = format!("Clock × {FAST}");
    html! {
        div.clock {
            b { (now.format("%a %-d %b, %H:%M")) }
            small { (state.zone.name()) @if state.is_fast { " · runs " (FAST) " times as fast" } }
        }
        form method="post" action="/page/switch" {
            div.switches {
                (switch("faster", &faster, Some(state.is_fast)))
                @if let Some(morning) = state.next_morning {
                    (switch("morning", &format!("Next morning, {}", times.of(morning)), None))
                }
                (switch("limit", "Rate limit", Some(state.is_limited)))
                (switch("fivetran-down", "Fivetran is down", Some(state.fivetran_down)))
                (switch("slack-down", "Slack is down", Some(state.slack_down)))
                @if state.obeys.is_some() { (switch("obey", "Model obeys attackers", state.obeys)) }
            }
        }
        details {
            summary { "Make something fail" }
            form method="post" action="/page/switch" {
                div.switches {
                    @for failure in FAILURES { (switch(failure.name, failure.label, None)) }
                    (switch(ALL_AT_ONE, "Everything at one destination", None))
                }
            }
        }
    }
}

/// The calls that changed something, newest first.
fn calls(seen: &Seen<'_>, times: Times) -> Vec<Item> {
    let head = html! {
        h3 { "Changes that arrived, and who allowed each" }
        @if seen.calls.is_empty() { small { "None yet: nothing has been approved." } }
    };
    let mut items = vec![Item::new("head", head)];
    for (n, call) in seen.calls.iter().enumerate() {
        items.push(Item::new(
            format!("{}-{}-{n}", call.path, call.at.timestamp_micros()),
            one_call(call, seen, times),
        ));
    }
    items
}

fn one_call(call: &Call, seen: &Seen<'_>, times: Times) -> Markup {
    let known = |line: &&PanelLine| call.path.split('/').any(|part| part == line.id);
    let schema = seen.account.connections.iter().find(known);
    let answer = match call.status {
        None => "no answer yet".to_owned(),
        Some(status) => status.to_string(),
    };
    let class = match (&call.allowed, call.status) {
        (None, _) => "call ungated",
        (Some(_), Some(200..=299)) => "call",
        (Some(_), _) => "call refused",
    };
    html! {
        div class=(class) {
            p { (times.of(call.at)) " · " b { (schema.map_or("the account", |line| &line.schema)) } " · " (answer) }
            p { code { (call.method) " " (call.path) @if !call.body.is_empty() { " " (call.body) } } }
            p { (call.allowed.as_deref().unwrap_or("Nothing in the audit log allows it.")) }
        }
    }
}

fn sum(all: &[PanelLine]) -> Markup {
    let count = |wanted: Going| all.iter().filter(|line| Going::on(line) == wanted).count();
    html! {
        h3 {
            (all.len()) " connections: " (count(Going::Failing)) " failing, " (count(Going::Waiting)) " waiting, "
            (count(Going::Syncing)) " syncing"
        }
    }
}

/// What goes on with a connection; what needs somebody comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Going {
    Failing,
    Waiting,
    Syncing,
    Paused,
    Well,
}

impl Going {
    fn on(line: &PanelLine) -> Self {
        match line.sync_state {
            "paused" => Self::Paused,
            "syncing" => Self::Syncing,
            _ if line.failed || line.setup_state == "broken" => Self::Failing,
            "rescheduled" => Self::Waiting,
            _ if line.delayed => Self::Waiting,
            _ => Self::Well,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Failing => "state bad",
            Self::Waiting => "state warn",
            Self::Syncing => "state busy",
            Self::Paused => "state",
            Self::Well => "state good",
        }
    }
}

fn fleet(seen: &Seen<'_>, times: Times) -> Vec<Item> {
    let wanted = seen.search.trim().to_lowercase();
    let mut lines: Vec<_> = seen
        .account
        .connections
        .iter()
        .filter(|line| words(line).contains(&wanted))
        .collect();
    lines.sort_by_key(|line| Going::on(line));
    let items = lines.iter();
    items
        .map(|line| Item::new(&line.id, connection(line, times)))
        .collect()
}

/// What a connection is found by.
fn words(line: &PanelLine) -> String {
    let state = state(line);
    format!(
        "{} {} {} {} {state}",
        line.schema, line.id, line.service, line.group
    )
    .to_lowercase()
}

fn state(line: &PanelLine) -> &'static str {
    match (Going::on(line), line.sync_state) {
        (Going::Failing, _) if line.setup_state == "broken" => "broken",
        (Going::Failing, _) => "failed",
        (Going::Waiting, "rescheduled") => "rescheduled",
        (Going::Waiting, _) => "delayed",
        (Going::Well, _) => "ok",
        (_, other) => other,
    }
}

/// How far the sync under way is, in percent.
fn progress(line: &PanelLine, now: DateTime<Utc>) -> Option<i64> {
    let (since, until) = (line.running_since?, line.running_until?);
    let whole = (until - since).num_seconds().max(1);
    Some(((now - since).num_seconds() * 100 / whole).clamp(0, 100))
}

fn connection(line: &PanelLine, times: Times) -> Markup {
    let last = times.or_never(line.succeeded_at);
    let when = match (line.running_since, line.rescheduled_for, line.next_start) {
        (Some(since), ..) => format!("last {last} · running since {}", times.of(since)),
        (None, Some(until), None) => {
            let until = times.of(until);
            format!("last {last} · put off until {until}, and nobody starts it")
        }
        (None, _, Some(next)) => format!("last {last} · next {}", times.of(next)),
        (None, None, None) => format!("last {last} · does not start by itself"),
    };
    let fact = |name: &str, value: &str| html! { dt { (name) } dd { (value) } };
    html! {
        details.connection data-find=(words(line)) {
            summary {
                b { (line.schema) }
                span class=(Going::on(line).class()) { (state(line)) }
                @if let Some(percent) = progress(line, times.now) {
                    progress max="100" value=(percent) aria-label={ "Sync of " (line.schema) } {}
                }
                small { (line.service) " · " (when) }
            }
            dl {
                (fact("Id", &line.id))
                (fact("Destination", &line.group))
                (fact("Schedule", &format!("every {} min, {}", line.sync_frequency, line.schedule_type)))
                (fact("Failed", &times.or_never(line.failed_at)))
                @for task in &line.tasks { (fact("Task", &task.message)) }
            }
            form method="post" action="/page/switch" {
                input type="hidden" name="connection" value=(line.id);
                div.switches {
                    button name="do" value="fail" { "Fail this sync" }
                    button name="do" value="mend" { "Mend" }
                    button name="do" value="reschedule" { "Reschedule" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::fivetran::{Connection, FivetranSim, Outcome};

    fn at() -> DateTime<Utc> {
        DateTime::from_timestamp(1_795_334_400, 0).unwrap()
    }

    fn shown(fivetran: &FivetranSim, calls: Vec<Call>, search: &str) -> String {
        let seen = Seen {
            account: fivetran.panel(),
            calls,
            switches: State {
                now: at(),
                zone: Tz::Europe__Berlin,
                is_fast: false,
                next_morning: None,
                fivetran_down: false,
                slack_down: false,
                is_limited: false,
                obeys: None,
            },
            search,
        };
        let all = parts(&seen).into_iter().map(|part| part.show().0);
        all.collect()
    }

    fn forty() -> FivetranSim {
        let sim = FivetranSim::new(std::sync::Arc::new(at), "key", "secret");
        for n in 0..40 {
            let name = format!("schema_{n:02}");
            let connection = Connection::new(&format!("id_{n:02}"), "postgres", &name, "g");
            sim.add_connection(
                connection
                    .every(1440)
                    .succeeded_at(at() - chrono::TimeDelta::hours(1)),
            );
        }
        sim
    }

    #[test]
    fn of_forty_connections_what_needs_somebody_comes_first_and_each_can_be_found() {
        let sim = forty();
        let failure = Outcome::fails_unknown(0, "broken");
        sim.fail_now("id_37", failure);
        sim.start_sync("id_21");
        sim.tick();
        let page = shown(&sim, Vec::new(), "");
        let place = |name: &str| page.find(name).unwrap();
        assert!(place("schema_37") < place("schema_21") && place("schema_21") < place("schema_00"));
        assert!(
            page.contains("40 connections: 1 failing, 0 waiting, 1 syncing"),
            "{page}"
        );
        let found = shown(&sim, Vec::new(), "SCHEMA_3");
        assert_eq!(found.matches("<details class=\"connection\"").count(), 10);
    }

    #[test]
    fn t104_names_bodies_and_reasons_are_inert() {
        let attack = "<script>alert(1)</script>\"onx=\"1";
        let sim = FivetranSim::new(std::sync::Arc::new(at), "key", "secret");
        sim.add_connection(Connection::new("a", attack, attack, attack));
        let call = Call {
            at: at(),
            method: "POST".into(),
            path: format!("/v1/{attack}"),
            body: attack.into(),
            status: None,
            allowed: Some(attack.into()),
        };
        let ungated = Call {
            allowed: None,
            ..call.clone()
        };
        let page = shown(&sim, vec![call, ungated], "");
        assert!(
            !page.contains("<script") && !page.contains("\"onx"),
            "{page}"
        );
        assert!(page.contains("Nothing in the audit log allows it."));
    }
}
