//! A language model on the terminal: `doctor`, `triage` and `eval`.

use std::sync::Arc;

use syncgate::model::Clock;
use syncgate::sim::ledger::Service;
use syncgate::sim::llm::{LlmSim, Mode};
use syncgate::sim::serve::{self, Server};

use crate::harness::people::POLICY;
use crate::harness::{Database, MODEL_KEY};
use crate::process::{Stage, runtime};

const LOG: &str = concat!(
    r#"{"time_stamp":"1","connection_id":"odd","event":"SEVERE","message_event":"sync_end","message_data":"#,
    r#""{\"status\":\"FAILURE\",\"reason\":\"widget flux 17: no host of balance, says ana.roe@corp.example\"}","sync_id":"s"}"#,
);

/// A stage with a model beside it.
async fn with_model(s: &mut Stage, mode: Mode) -> (LlmSim, Server) {
    let sim = LlmSim::new(MODEL_KEY);
    sim.set_mode(mode);
    let clock = Clock::machine();
    let clock = Arc::new(move || clock.now());
    let (ledger, faults) = (s.ledger.clone(), s.faults.clone());
    let any = ([127, 0, 0, 1], 0).into();
    let up = serve::serve(Service::Llm, sim.router(), ledger, faults, clock, any);
    let server = up.await.unwrap();
    s.set("OPENAI_API_KEY", MODEL_KEY);
    s.set("OPENAI_BASE_URL", &format!("{}/v1", server.url()));
    s.set("OPENAI_MODEL", "sim");
    (sim, server)
}

/// What a command says on a stage that never served, with the model in this mode.
fn says(mode: Mode, arguments: &[&str], change: impl Fn(&mut Stage)) -> (i32, String, usize) {
    runtime().block_on(async {
        let database = Database::Sqlite(tempfile::tempdir().unwrap());
        let mut s = Stage::new(database, POLICY).await;
        let (_sim, _server) = with_model(&mut s, mode).await;
        std::fs::write(s.folder.path().join("log.jsonl"), LOG).unwrap();
        change(&mut s);
        let out = s.run(arguments).await;
        let said = String::from_utf8([out.stdout, out.stderr].concat()).unwrap();
        assert!(!said.contains(MODEL_KEY), "{said}");
        let prompts = s.ledger.matching(Service::Llm, "POST", "/v1/chat");
        assert!(
            prompts
                .iter()
                .all(|p| !p.body.contains("ana.roe@corp.example"))
        );
        (out.status.code().unwrap(), said, prompts.len())
    })
}

fn models_line((code, said, _): (i32, String, usize)) -> String {
    let line = said.lines().find(|line| line.contains("  model: "));
    format!("{code}: {}", line.unwrap_or(&said))
}

#[test]
fn doctor_asks_the_model_one_question_and_says_how_it_answers() {
    let doctor = |mode| models_line(says(mode, &["doctor"], |_| {}));
    insta::assert_snapshot!(doctor(Mode::Honest), @"0: ok    model: sim-model-1 answers in the form asked for, by json_schema");
    insta::assert_snapshot!(doctor(Mode::NoFormat(500)), @"0: ok    model: sim-model-1 answers in the form asked for, by plain");
    insta::assert_snapshot!(doctor(Mode::Prose), @"0: warn  model: sim-model-1 answers, but not in the form asked for, by json_schema → Take a larger model, or a server that enforces json_schema; until then causes stand on the rules.");
    insta::assert_snapshot!(doctor(Mode::Broken(503)), @"1: fail  model: HTTP 503 → Look at OPENAI_BASE_URL, OPENAI_MODEL and OPENAI_API_KEY, and whether this machine reaches the server. Without it causes stand on the rules.");
    let wrong = says(Mode::Honest, &["doctor"], |s| {
        s.set("OPENAI_API_KEY", "another-key-0008")
    });
    insta::assert_snapshot!(models_line(wrong), @"1: fail  model: HTTP 401 → Look at OPENAI_BASE_URL, OPENAI_MODEL and OPENAI_API_KEY, and whether this machine reaches the server. Without it causes stand on the rules.");
    let half = says(Mode::Honest, &["doctor"], |s| s.set("OPENAI_MODEL", ""));
    assert!(
        half.1.contains("fail  OPENAI_MODEL: is not set"),
        "{}",
        half.1
    );
    insta::assert_snapshot!(models_line(half), @"1: warn  model: not checked: its settings are not complete");
}

#[test]
fn triage_weighs_the_models_view_against_the_rules() {
    let triage = |mode| says(mode, &["triage", "log.jsonl"], |_| {});
    let (code, said, asked) = triage(Mode::Honest);
    assert_eq!((code, asked), (0, 1));
    insta::assert_snapshot!(said, @r#"
    odd
    Cause: network_unreachable, likely (70 %)
      The log speaks of "host", which is a sign of network unreachable.
    Proof (log row of 1, SEVERE sync_end, line 1): widget flux 17: no host of balance, says
    To do: open_network_human
    Do not: re-sync tables or re-sync the history (it mends nothing, and reads and costs much)
    More: https://fivetran.com/docs/connectors
    Model: sim-model-1, leads
    "#);
    let (code, said, _) = triage(Mode::Broken(500));
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("inconclusive") && said.contains("Model: sim, silent: HTTP 500"),
        "{said}"
    );
    let (code, said, _) = says(Mode::Honest, &["triage", "log.jsonl"], |s| {
        s.set("OPENAI_FLAVOUR", "azure");
    });
    assert_eq!(code, 1);
    assert!(said.contains("OPENAI_DEPLOYMENT: is not set"), "{said}");
}

#[test]
fn eval_says_who_judged_and_what_came_of_it() {
    let case = r#"{"id":"a","connector_service":"postgres","destination_service":"","logs":[],"api_status":{"setup_state":"broken","tasks":[{"code":"t","message":"no such host db.internal","details":null}]}}"#;
    let (code, said, asked) = says(Mode::Honest, &["eval", "cases.jsonl"], |s| {
        std::fs::write(s.folder.path().join("cases.jsonl"), case).unwrap();
    });
    assert_eq!((code, asked), (0, 1));
    insta::assert_snapshot!(said, @"
    1 cases, judged by the built-in analyst and sim
      model sim-model-1, agrees: 1
    ");
}
