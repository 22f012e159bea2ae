//! The demo's page without its script: every act is a form, and every answer a page.

use std::time::Duration;

use regex::Regex;
use reqwest::Client;
use reqwest::header::REFERER;

use super::Demo;

const LEAD: &str = "U0LEAD";
const EMIL: &str = "U0ENGINEER";

/// A browser that runs no script: it shows pages and sends forms.
struct Plain<'a> {
    demo: &'a Demo,
    http: Client,
}

impl Plain<'_> {
    async fn page(&self, user: &str) -> String {
        let shown = self.http.get(self.demo.of(user)).send().await.unwrap();
        assert!(shown.status().is_success(), "{}", shown.status());
        shown.text().await.unwrap()
    }

    /// Loads a person's page again until it shows these words.
    async fn sees(&self, user: &str, words: &str) -> String {
        for _ in 0..300 {
            let page = self.page(user).await;
            if page.contains(words) {
                return page;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("in vain: {words}");
    }

    /// Sends a form of a person's page as it stands there, with what was typed into it.
    async fn send(&self, user: &str, form: &str, typed: &[(&str, &str)]) -> String {
        let action = named(form, r#"action="([^"]+)""#);
        let hidden = Regex::new(r#"<input type="hidden" name="([^"]+)" value="([^"]*)""#).unwrap();
        let mut fields: Vec<(String, String)> = hidden
            .captures_iter(form)
            .map(|field| (field[1].to_owned(), field[2].to_owned()))
            .collect();
        fields.extend(typed.iter().map(|(n, v)| ((*n).into(), (*v).into())));
        let sent = self.http.post(format!("{}{action}", self.demo.url));
        let sent = sent.header(REFERER, self.demo.of(user)).form(&fields);
        let answer = sent.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        let place = answer.url().query().unwrap_or_default().to_owned();
        assert!(place.contains(user), "back where one was: {place}");
        answer.text().await.unwrap()
    }
}

fn named(text: &str, pattern: &str) -> String {
    let found = Regex::new(pattern).unwrap().captures(text);
    found.unwrap_or_else(|| panic!("{pattern} in {text}"))[1].to_owned()
}

/// The form of this button, on the message that holds these words.
fn form_of(page: &str, words: &str, button: &str) -> String {
    let mut messages = page.split("<article").skip(1);
    let message = messages.find(|m| m.contains(words) && m.contains(&format!(">{button}<")));
    let message = message.unwrap_or_else(|| panic!("no {button} on a message with {words}"));
    let mut forms = message.split("<form").skip(1);
    let form = forms.find(|form| form.contains(&format!(">{button}<")));
    form.unwrap().to_owned()
}

#[test]
fn a_plan_is_approved_and_a_command_answered_without_a_script() {
    crate::process::runtime().block_on(async {
        let demo = Demo::start(&[]).await;
        let http = Client::builder().no_proxy().build().unwrap();
        let browser = Plain { demo: &demo, http };
        let page = browser.sees(LEAD, "Plan of").await;
        let approve = form_of(&page, "Plan of", "Approve");
        browser.send(LEAD, &approve, &[]).await;
        let allowed = "Approved by Lena Lead: #1, revision 1";
        let page = browser.sees(EMIL, allowed).await;
        assert!(!page.contains("Nothing in the audit log allows it."));

        let forms = page
            .split("<form")
            .filter(|form| form.contains("/page/type"));
        let type_it = forms.last().unwrap().to_owned();
        let command = [("text", "/syncgate status zendesk")];
        browser.send(EMIL, &type_it, &command).await;
        browser.sees(EMIL, "<b>Status</b>").await;
        assert!(!browser.page(LEAD).await.contains("<b>Status</b>"));
    });
}

/// Every failure of the panel: its button, the connection, and the words of its card.
const PROVOKED: [(&str, &str, &str); 16] = [
    ("fail-credential", "lively_beacon", "credential_expired"),
    ("fail-grant", "narrow_gate", "permission_denied"),
    ("fail-host", "plain_tumbler", "network_unreachable"),
    ("fail-host-key", "mossy_ferry", "certificate_or_fingerprint"),
    ("fail-rate", "brave_lantern", "source_rate_limited"),
    ("fail-down", "swift_pebble", "source_unavailable"),
    ("fail-timeout", "pensive_otter", "source_timeout"),
    ("fail-column", "stout_barrel", "schema_change"),
    ("fail-position", "broad_willow", "replication_log_lost"),
    ("fail-setting", "silent_quarry", "config_error"),
    ("fail-file", "airy_cobble", "malformed_data"),
    ("fail-full", "tidy_ribbon", "destination_capacity"),
    (
        "fail-destination-grant",
        "candid_oyster",
        "destination_permission",
    ),
    ("fail-asleep", "rugged_spindle", "destination_unavailable"),
    ("fail-bill", "mellow_kettle", "billing_or_plan_limit"),
    ("fail-defect", "early_almanac", "fivetran_internal"),
];

/// What an incident's card of this connection says of its cause.
fn cause_on(page: &str, connection: &str) -> Option<String> {
    let mut messages = page.split("<article").skip(1);
    let mine = format!("<code>{connection}</code>");
    let card = messages.find(|m| m.contains("· incident ") && m.contains(&mine))?;
    let cause = Regex::new(r"<b>Cause</b>, <b>(\w+)</b>: <code>(\w+)</code>").unwrap();
    let found = cause.captures(card)?;
    Some(format!("{} {}", &found[1], &found[2]))
}

#[test]
fn each_failure_that_can_be_provoked_gets_a_card_that_names_its_cause() {
    crate::process::runtime().block_on(async {
        let demo = Demo::start(&[]).await;
        let http = Client::builder().no_proxy().build().unwrap();
        let browser = Plain { demo: &demo, http };
        let page = browser.sees(LEAD, "Make something fail").await;
        let mut forms = page.split("<form");
        let form = forms.find(|form| form.contains("fail-credential")).unwrap();
        for (button, connection, category) in PROVOKED {
            assert!(form.contains(&format!("value=\"{button}\"")), "{button}");
            browser.send(LEAD, form, &[("do", button)]).await;
            let mut told = None;
            for _ in 0..150 {
                told = cause_on(&browser.page(LEAD).await, connection);
                if told.is_some() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let (sure, kind) = told
                .as_deref()
                .unwrap_or("no card")
                .split_once(' ')
                .unwrap();
            assert!(
                kind == category && sure != "inconclusive",
                "{button}: {told:?}"
            );
        }
        browser.send(LEAD, form, &[("do", "fail-snowflake")]).await;
        // One trouble, so one card for all of them.
        let many = Regex::new(r"and \d+ more: the syncs failed").unwrap();
        let one_card = async || {
            let page = browser.page(LEAD).await;
            let mut messages = page.split("<article");
            messages.any(|m| many.is_match(m) && m.contains("<code>destination_unavailable</code>"))
        };
        for attempt in 0.. {
            assert!(attempt < 300, "no card for everything at one destination");
            if one_card().await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    });
}
