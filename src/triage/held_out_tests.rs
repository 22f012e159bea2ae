//! What the analyst makes of failures whose own part of the catalogue is taken away: how well the rest
//! stands for wording that nobody thought of. A measurement (docs/triage.md), so it is not run by itself:
//! `cargo test --lib held_out -- --ignored --nocapture`.

use std::collections::BTreeSet;

use super::analyst::{Judgement, judge};
use super::catalogue::Catalogue;
use super::redact::Redactor;
use super::score::LabelledCase;

const CASES: [&str; 2] = [
    include_str!("../../tests/data/failures/a.jsonl"),
    include_str!("../../tests/data/failures/b.jsonl"),
];

/// What came of the cases that a part of the catalogue had decided.
#[derive(Default)]
struct Held {
    cases: usize,
    right_before: usize,
    right: usize,
    confirmed: usize,
    wrongly_confirmed: usize,
    inconclusive: usize,
}

impl Held {
    fn add(&mut self, case: &LabelledCase, before: &Judgement, after: &Judgement) {
        let right = |said: &Judgement| case.labels.category == Some(said.category);
        let confirmed = after.certainty() == "confirmed";
        self.cases += 1;
        self.right_before += usize::from(right(before));
        self.right += usize::from(right(after));
        self.confirmed += usize::from(confirmed);
        self.wrongly_confirmed += usize::from(confirmed && !right(after));
        self.inconclusive += usize::from(after.certainty() == "inconclusive");
    }

    fn tell(&self, name: &str) {
        println!(
            "{name:<24} {:>4} cases, right {:>3} -> {:>3}; confirmed {:>3}, wrongly {:>2}; inconclusive {:>3}",
            self.cases,
            self.right_before,
            self.right,
            self.confirmed,
            self.wrongly_confirmed,
            self.inconclusive
        );
    }
}

fn families(of: &Catalogue) -> BTreeSet<String> {
    of.entries().filter_map(|e| e.family.clone()).collect()
}

/// Judges what `names` had decided with what is left.
fn held_out(
    cases: &[(LabelledCase, Judgement)],
    names: &BTreeSet<String>,
    left: &Catalogue,
) -> Held {
    let redactor = Redactor::new(&[]).unwrap();
    let mut held = Held::default();
    for (case, before) in cases {
        if before.family.as_ref().is_some_and(|f| names.contains(f)) {
            held.add(case, before, &judge(&case.case, left, &redactor));
        }
    }
    held
}

#[test]
#[ignore = "a measurement"]
fn held_out_parts_of_the_catalogue() {
    let redactor = Redactor::new(&[]).unwrap();
    let whole = Catalogue::shipped();
    let lines = CASES.iter().flat_map(|file| file.lines());
    let cases: Vec<(LabelledCase, Judgement)> = lines
        .map(|line| {
            let case: LabelledCase = serde_json::from_str(line).unwrap();
            let judged = judge(&case.case, whole, &redactor);
            (case, judged)
        })
        .collect();
    let mut all = Held::default();
    for (name, left) in whole.without_each_file() {
        let names: BTreeSet<String> = &families(whole) - &families(&left);
        let held = held_out(&cases, &names, &left);
        held.tell(name);
        all.cases += held.cases;
        all.right_before += held.right_before;
        all.right += held.right;
        all.confirmed += held.confirmed;
        all.wrongly_confirmed += held.wrongly_confirmed;
        all.inconclusive += held.inconclusive;
    }
    all.tell("a file at a time");
    let mut each = Held::default();
    for family in families(whole) {
        let left = whole.without_family(&family);
        let held = held_out(&cases, &BTreeSet::from([family]), &left);
        each.cases += held.cases;
        each.right_before += held.right_before;
        each.right += held.right;
        each.confirmed += held.confirmed;
        each.wrongly_confirmed += held.wrongly_confirmed;
        each.inconclusive += held.inconclusive;
    }
    each.tell("a family at a time");
    assert!(all.cases > 100 && each.cases > 100);
}
