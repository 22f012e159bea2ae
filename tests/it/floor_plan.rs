//! Who may import whom (DESIGN §1): read from the `use` lines, so that the plan cannot drift.

use std::path::Path;

/// Module, what of ours it may import.
const PLAN: [(&str, &[&str]); 15] = [
    ("model", &[]),
    ("policy", &["model"]),
    ("planner", &["model"]),
    ("picture", &["model"]),
    ("triage", &["model"]),
    ("store", &["model"]),
    // Its log sources answer in rows of triage.
    ("fivetran", &["model", "triage"]),
    ("slack", &["model"]),
    // What it is asked and answers is of the pure layer: a brief, the catalogue, what is not trusted.
    ("llm", &["model", "triage"]),
    (
        "app",
        &[
            "model", "policy", "planner", "picture", "triage", "store", "fivetran", "slack", "llm",
        ],
    ),
    ("jobs", &["app", "model", "store"]),
    (
        "http",
        &["app", "model", "store", "jobs", "slack", "fivetran"],
    ),
    ("config", &[]),
    ("sim", &[]),
    (
        "cli",
        &[
            "app", "config", "model", "policy", "planner", "triage", "store", "fivetran", "slack",
            "llm", "jobs", "http", "sim",
        ],
    ),
];

/// Crates that pure modules must not touch.
const IMPURE: [&str; 6] = [
    "tokio",
    "sqlx",
    "reqwest",
    "axum",
    "hyper",
    "slack_morphism",
];

/// The crates that the model may use, and no others.
const OF_MODEL: [&str; 10] = [
    "chrono",
    "chrono_tz",
    "hex",
    "humantime",
    "serde",
    "serde_json",
    "sha2",
    "strsim",
    "thiserror",
    "uuid",
];

fn sources(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push((
                path.display().to_string(),
                std::fs::read_to_string(&path).unwrap(),
            ));
        }
    }
}

fn of_module(module: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let folder = root.join(module);
    if folder.is_dir() {
        sources(&folder, &mut found);
    } else {
        let file = root.join(format!("{module}.rs"));
        found.push((
            file.display().to_string(),
            std::fs::read_to_string(&file).unwrap(),
        ));
    }
    found
}

/// The modules of ours that a line names, as `crate::…` or as a `super::…` that leaves its module.
/// `depth` is the file's own: 1 for `src/slack.rs` and `src/slack/mod.rs`.
fn named(line: &str, depth: usize) -> impl Iterator<Item = &str> {
    let up = "super::".repeat(depth);
    let by_super = line
        .match_indices(&up)
        .map(move |(at, _)| at + depth * "super::".len());
    let by_crate = line
        .match_indices("crate::")
        .map(|(at, _)| at + "crate::".len());
    let starts: Vec<usize> = by_crate.chain(by_super).collect();
    starts.into_iter().map(|start| {
        let rest = &line[start..];
        let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '{';
        &rest[..rest.find(|c| !is_name(c)).unwrap_or(rest.len())]
    })
}

/// How deep in the tree of modules a file below `src` is.
fn depth(file: &str) -> usize {
    let parts = file.split('/').count();
    if file.ends_with("/mod.rs") {
        parts - 1
    } else {
        parts
    }
}

/// The crates that a line names with a path.
fn crates<'a>(line: &'a str, known: &'a [String]) -> impl Iterator<Item = &'a String> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    known.iter().filter(move |name| {
        let path = format!("{name}::");
        line.match_indices(&path)
            .any(|(at, _)| !line[..at].ends_with(|c| is_name(c) || c == ':'))
    })
}

/// The names of the crates that we use, as code spells them.
fn dependencies() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let (_, rest) = manifest.split_once("[dependencies]").unwrap();
    let (all, _) = rest.split_once("\n[").unwrap();
    let names = all.lines().filter_map(|line| line.split_once(" = "));
    names.map(|(name, _)| name.replace('-', "_")).collect()
}

/// What is wrong with a file of a module: `module/file.rs` and its text.
fn faults(file: &str, text: &str, known: &[String]) -> Vec<String> {
    let module = file.split(['/', '.']).next().unwrap();
    let (_, may) = PLAN.iter().find(|(name, _)| *name == module).unwrap();
    let mut wrong = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let mut say = |what: String| wrong.push(format!("{file}:{}: {module} {what}", at + 1));
        let code = line.split("//").next().unwrap_or_default();
        for name in named(code, depth(file)) {
            let ours = PLAN.iter().any(|(other, _)| *other == name) && name != module;
            if ours && !may.contains(&name) {
                say(format!("imports {name}"));
            }
            // One path a line: this test reads lines.
            if name.starts_with('{') {
                say("imports several modules in one line".to_owned());
            }
        }
        for name in crates(code, known) {
            let pure = ["policy", "planner", "picture", "triage"].contains(&module);
            if module == "model" && !OF_MODEL.contains(&name.as_str())
                || pure && IMPURE.contains(&name.as_str())
            {
                say(format!("is to be pure and uses {name}"));
            }
        }
    }
    wrong
}

#[test]
fn every_module_imports_only_what_its_layer_may() {
    let known = dependencies();
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (module, _) in PLAN {
        for (file, text) in of_module(module) {
            let below = Path::new(&file).strip_prefix(&src).unwrap();
            wrong.extend(faults(below.to_str().unwrap(), &text, &known));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_plan_bites() {
    let known = dependencies();
    for (file, line) in [
        ("slack/client/mod.rs", "use crate::store::Tx;"),
        ("slack/mod.rs", "use super::fivetran::Sent;"),
        ("slack/client/mod.rs", "use super::super::store;"),
        (
            "slack/client/view.rs",
            "    super::super::super::app::run();",
        ),
        ("config.rs", "use super::store::Store;"),
        ("policy/mod.rs", "use crate::{model, store};"),
        ("policy/mod.rs", "let pool = sqlx::PgPool::connect(url);"),
        ("model/ids.rs", "use tracing::info;"),
        ("sim/mod.rs", "use crate::model::Clock;"),
    ] {
        assert_eq!(faults(file, line, &known).len(), 1, "{file}: {line}");
    }
    for (file, line) in [
        (
            "slack/client/mod.rs",
            "use super::inert::escape; // not crate::store::Tx",
        ),
        ("slack/client/view.rs", "use super::super::cards;"),
        ("model/ids.rs", "use serde::Serialize;"),
        ("policy/mod.rs", "use crate::model::Role;"),
    ] {
        assert_eq!(faults(file, line, &known), Vec::<String>::new());
    }
}

#[test]
fn every_module_is_in_the_plan() {
    let lib = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs"));
    let lib = lib.unwrap();
    let declared = lib
        .lines()
        .filter_map(|l| l.strip_prefix("pub mod ")?.strip_suffix(';'));
    for module in declared {
        assert!(
            PLAN.iter().any(|(known, _)| *known == module),
            "{module} is not in the plan"
        );
    }
}
