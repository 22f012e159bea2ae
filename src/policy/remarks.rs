//! What a good file still leaves people to wonder about: that nobody can approve, or that a key has no
//! effect yet.

use super::Policy;
use super::document::{Automation, Budgets, Document, Lineage};
use super::people::Role;
use crate::model::Mode;

impl Policy {
    /// Remarks on a file without mistakes, each a sentence.
    pub fn remarks(&self) -> Vec<String> {
        let document = &self.document;
        let mut remarks = Vec::new();
        let empty = |role| document.roles.get(&role).is_none_or(Vec::is_empty);
        if empty(Role::Approver) {
            remarks.push(
                "Nobody can approve anything: `roles.approver` names nobody. Name people or a user group."
                    .to_owned(),
            );
        }
        if empty(Role::Admin) {
            remarks.push(
                "Nobody can halt from Slack: `roles.admin` names nobody. `syncgate halt` on the terminal works all the same."
                    .to_owned(),
            );
        }
        let idle = without_effect(document);
        if !idle.is_empty() {
            remarks.push(format!(
                "Read and checked, but without effect in this version: {}.",
                idle.join(", ")
            ));
        }
        remarks
    }
}

/// The keys of the file that nothing acts on yet.
fn without_effect(document: &Document) -> Vec<&'static str> {
    let Budgets {
        monthly_mar,
        monthly_amount,
        alert_at,
    } = &document.budgets;
    let Lineage {
        dbt_manifest,
        exposures,
    } = &document.lineage;
    let Automation { rules, breaker } = &document.automation;
    let auto = |mode: Option<Mode>| mode == Some(Mode::Auto);
    let connections = &document.connections;
    let given = [
        (
            "mode: auto (as copilot)",
            auto(document.mode) || connections.iter().any(|rule| auto(rule.mode)),
        ),
        (
            "connections[].source (but its name)",
            connections.iter().any(|rule| rule.source.is_some()),
        ),
        ("destinations", !document.destinations.is_empty()),
        (
            "budgets",
            monthly_mar.is_some() || monthly_amount.is_some() || alert_at.is_some(),
        ),
        ("calendars", !document.calendars.is_empty()),
        ("lineage", dbt_manifest.is_some() || exposures.is_some()),
        ("automation.rules", !rules.is_empty()),
        ("automation.breaker", breaker.is_some()),
    ];
    let given = given.into_iter().filter(|(_, given)| *given);
    given.map(|(key, _)| key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remarks(text: &str) -> String {
        Policy::parse(text).unwrap().remarks().join("\n")
    }

    #[test]
    fn a_file_under_which_nobody_can_approve_or_halt_says_so() {
        insta::assert_snapshot!(remarks("version: 1\nchannels: {default: C0DATAOPS}\n"), @r"
        Nobody can approve anything: `roles.approver` names nobody. Name people or a user group.
        Nobody can halt from Slack: `roles.admin` names nobody. `syncgate halt` on the terminal works all the same.
        ");
    }

    #[test]
    fn the_example_says_which_of_its_keys_do_nothing_yet() {
        insta::assert_snapshot!(remarks(include_str!("../../policy.example.yml")), @"Read and checked, but without effect in this version: mode: auto (as copilot), connections[].source (but its name), destinations, budgets, calendars, lineage, automation.rules, automation.breaker.");
    }
}
