//! Who may import whom (DESIGN §1): read from the `use` lines, so that the plan cannot drift.

use std::path::Path;

/// Module, what of ours it may import.
const PLAN: [(&str, &[&str]); 13] = [
    ("model", &[]),
    ("policy", &["model"]),
    ("planner", &["model"]),
    ("triage", &["model"]),
    ("store", &["model"]),
    ("fivetran", &["model"]),
    ("slack", &["model"]),
    (
        "app",
        &[
            "model", "policy", "planner", "triage", "store", "fivetran", "slack",
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
            "jobs", "http", "sim",
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

/// The modules of ours that a line names, as `crate::…`.
fn named(line: &str) -> impl Iterator<Item = &str> {
    line.split("crate::").skip(1).map(|rest| {
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn every_module_imports_only_what_its_layer_may() {
    let modules: Vec<&str> = PLAN.iter().map(|(module, _)| *module).collect();
    let mut wrong = Vec::new();
    for (module, may) in PLAN {
        for (file, text) in of_module(module) {
            for (at, line) in text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                for name in named(code) {
                    let ours = modules.contains(&name) && name != module;
                    if ours && !may.contains(&name) {
                        wrong.push(format!("{file}:{}: {module} imports {name}", at + 1));
                    }
                }
                let pure = ["model", "policy", "planner", "triage"].contains(&module);
                if pure && IMPURE.iter().any(|c| code.contains(&format!("{c}::"))) {
                    wrong.push(format!("{file}:{}: {module} is to be pure", at + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
