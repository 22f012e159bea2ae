//! What a file says wrong only as a whole: each key is right, but they do not go together.

use std::collections::BTreeSet;

use super::document::Document;
use super::errors::{quoted, suggestion};
use super::people::Role;
use super::read::{At, Reader, join};
use super::values::is_user;
use super::{DEFAULT_EXPIRY, STANDARD};

/// Writes down every contradiction of the document.
pub(super) fn check(reader: &mut Reader, document: &Document) {
    quorums(reader, document);
    times(reader, document);
    tiers(reader, document);
}

/// A quorum that the people who are named can never reach. User groups and `everyone` may hold
/// any number of people, so only a list of users alone can be judged.
fn quorums(r: &mut Reader, document: &Document) {
    if r.is_wrong("roles") {
        // Whoever is misspelt there may be the one who is missed here.
        return;
    }
    let none = Vec::new();
    let approvers = document.roles.get(&Role::Approver).unwrap_or(&none);
    if !approvers.iter().all(|entry| is_user(entry)) {
        return;
    }
    let distinct = approvers.iter().collect::<BTreeSet<_>>().len();
    let who = match distinct {
        0 => "names nobody".to_owned(),
        1 => "names 1 person".to_owned(),
        n => format!("names {n} people"),
    };
    let mut check = |quorum: &At<u32>, path: &str| {
        if usize::try_from(quorum.value).is_ok_and(|n| n > distinct) {
            let message = format!(
                "a quorum of {} can never be met: `roles.approver` {who}; name more or ask fewer",
                quorum.value
            );
            r.wrong(quorum.place, path, message);
        }
    };
    if let Some(quorum) = &document.approvals.quorum {
        check(quorum, "approvals.quorum");
    }
    for (kind, quorum) in &document.approvals.by_action {
        check(quorum, &format!("approvals.by_action.{kind}"));
    }
    for (name, tier) in &document.tiers {
        if let Some(quorum) = &tier.quorum {
            check(quorum, &format!("{}.approvals.quorum", join("tiers", name)));
        }
    }
}

/// Reminders and escalations that would come when there is nothing left to decide, or to nobody.
fn times(r: &mut Reader, document: &Document) {
    let approvals = &document.approvals;
    let expiry = approvals
        .expires_after
        .as_ref()
        .map_or(DEFAULT_EXPIRY, |e| e.value);
    let shown = humantime::format_duration(expiry);
    let pairs = [
        (&approvals.remind_after, "remind_after"),
        (&approvals.escalate_after, "escalate_after"),
    ];
    for (after, key) in pairs {
        if let Some(after) = after.as_ref().filter(|after| after.value >= expiry) {
            let message = format!(
                "a proposal expires after {shown} (`expires_after`), before this; make it shorter, or the expiry longer"
            );
            r.wrong(after.place, &join("approvals", key), message);
        }
    }
    match (&approvals.escalate_after, &approvals.escalate_to) {
        (Some(after), None) => r.wrong(
            after.place,
            "approvals.escalate_after",
            "nobody is told; add `escalate_to: [S…]` or remove this",
        ),
        (None, Some(to)) => r.wrong(
            to.place,
            "approvals.escalate_to",
            "it is not said when; add `escalate_after: 2h` or remove this",
        ),
        (Some(_), Some(_)) | (None, None) => {}
    }
}

/// A tier that is used but not declared, which is most often a misspelt one. Without any `tiers`
/// there is nothing to misspell.
fn tiers(r: &mut Reader, document: &Document) {
    if document.tiers.is_empty() {
        return;
    }
    let declared = document.tiers.keys().map(String::as_str);
    let known: BTreeSet<&str> = declared.chain([STANDARD]).collect();
    for (tier, path) in std::mem::take(&mut r.tiers_used) {
        if known.contains(tier.value.as_str()) {
            continue;
        }
        let mut hint = suggestion(&tier.value, known.iter().copied());
        if hint.is_empty() {
            hint = "; add it there".to_owned();
        }
        let message = format!("{} is not under `tiers`{hint}", quoted(&tier.value));
        r.wrong(tier.place, &path, message);
    }
}
