//! The client of a language model against servers as they are: what they refuse, how they fail, and
//! how long any of it may take.

use std::time::Duration;

use serde_json::json;
use syncgate::llm::prompt::render;
use syncgate::llm::{Heard, Llm, Prompt, Settings, Trouble};
use syncgate::model::Ctx;
use syncgate::sim::fault::{Fault, FaultKind};
use syncgate::sim::ledger::Service;
use syncgate::sim::llm::{Mode, NAME};
use syncgate::triage::brief::{Brief, Line};

use crate::harness::{World, world};

fn prompt() -> Prompt {
    let line = Line {
        origin: "log row".to_owned(),
        label: "SEVERE error".to_owned(),
        text: "no such host db.internal".to_owned(),
        ..Line::default()
    };
    let brief = Brief {
        candidates: Vec::new(),
        precedents: Vec::new(),
        ending: "it failed".to_owned(),
        lines: vec![line],
        ..Brief::default()
    };
    render(&brief).unwrap()
}

/// A body as a server would send it around these words.
fn completion(content: &str) -> String {
    let message = json!({ "role": "assistant", "content": content });
    json!({ "model": "gateway/x", "choices": [{ "message": message }] }).to_string()
}

fn ended(heard: &Heard) -> String {
    match &heard.end {
        Ok(_) => format!("answered, {} {}", heard.form, heard.requests),
        Err(trouble) => format!("{trouble}, {} {}", heard.form, heard.requests),
    }
}

/// A client of the world's model with this much time.
fn client(w: &World, patience: Duration) -> Llm {
    let account = w.model().account();
    let settings = Settings {
        base: account.base,
        key: account.key,
        model: account.model,
        azure_version: None,
        timeout: patience,
        daily: Settings::DAILY,
    };
    Llm::new(settings, Ctx::new(w.clock.clone())).unwrap()
}

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

#[test]
fn a_server_that_takes_no_schema_is_asked_more_simply_and_remembered() {
    world(async |w| {
        w.with_model().await;
        for status in [500, 400, 422] {
            let model = client(w, LONG);
            w.model().sim.set_mode(Mode::NoFormat(status));
            assert_eq!(
                ended(&model.ask(&prompt()).await),
                "answered, plain 3",
                "{status}"
            );
            assert_eq!(
                ended(&model.ask(&prompt()).await),
                "answered, plain 1",
                "{status}"
            );
        }
        let model = client(w, LONG);
        w.model().sim.set_mode(Mode::Honest);
        let heard = model.ask(&prompt()).await;
        assert_eq!(ended(&heard), "answered, json_schema 1");
        assert_eq!(heard.model, NAME);
        assert!(heard.tokens > 100 && !heard.repaired);
        w.model().sim.set_mode(Mode::Broken(500));
        let heard = model.ask(&prompt()).await;
        assert_eq!(ended(&heard), "HTTP 500, plain 3");
        w.model().sim.set_mode(Mode::Honest);
        let heard = model.ask(&prompt()).await;
        assert_eq!(
            ended(&heard),
            "answered, json_schema 1",
            "a bad hour teaches nothing"
        );
    });
}

#[test]
fn a_bad_moment_gives_up_no_form_for_longer_than_an_hour() {
    world(async |w| {
        w.with_model().await;
        let model = client(w, LONG);
        let ask = async || ended(&model.ask(&prompt()).await);
        w.fault(Service::Llm, "/chat", FaultKind::answer(500, "oops"));
        assert_eq!(ask().await, "answered, json_object 2");
        // A server that never takes a schema says no more than that.
        assert_eq!(ask().await, "answered, json_object 1");
        w.clock.advance(Duration::from_secs(3_600));
        assert_eq!(ask().await, "answered, json_schema 1");
        // One that says so is believed.
        w.model().sim.set_mode(Mode::NoFormat(400));
        assert_eq!(ask().await, "answered, plain 3");
        w.clock.advance(Duration::from_secs(7_200));
        assert_eq!(ask().await, "answered, plain 1");
    });
}

#[test]
fn other_spellings_of_the_request_are_found_by_what_the_server_says() {
    world(async |w| {
        w.with_model().await;
        let model = client(w, LONG);
        let refuse = |what: &str| {
            let body = json!({ "error": { "code": 400, "message": what } }).to_string();
            w.fault(Service::Llm, "/chat", FaultKind::answer(400, body));
        };
        refuse("Unsupported value: 'temperature' does not support 0 with this model");
        refuse("unknown field: max_completion_tokens");
        assert_eq!(
            ended(&model.ask(&prompt()).await),
            "answered, json_schema 3"
        );
        let sent = w.prompts().pop().unwrap().json();
        assert!(sent["temperature"].is_null() && sent["max_completion_tokens"].is_null());
        assert_eq!(sent["max_tokens"], 1_500);
        assert!(sent["stream"].is_null() && sent["store"].is_null());
    });
}

#[test]
fn words_that_are_no_answer_are_sent_back_once() {
    world(async |w| {
        w.with_model().await;
        let model = client(w, LONG);
        w.fault(
            Service::Llm,
            "/chat",
            FaultKind::answer(200, completion("A network problem.")),
        );
        let heard = model.ask(&prompt()).await;
        assert_eq!(
            (ended(&heard).as_str(), heard.repaired),
            ("answered, json_schema 2", true)
        );
        let sent = w.prompts().pop().unwrap().json();
        let last = sent["messages"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(sent["messages"][2]["content"], "A network problem.");
        assert!(
            last["content"]
                .as_str()
                .unwrap()
                .starts_with("Rejected: there is no JSON object"),
            "{last}"
        );
        w.model().sim.set_mode(Mode::Prose);
        let heard = model.ask(&prompt()).await;
        assert_eq!(heard.requests, 2, "and no third time");
        assert!(matches!(heard.end, Err(Trouble::Malformed(_))));
        assert!(heard.raw.unwrap().starts_with("Of course!"));
        // A fence around the object, and words before it, do no harm.
        let fenced = r#"Sure: ```json {"evidence":[],"explanation":"x","kind":"config_error","remedies":[]} ```"#;
        w.model().sim.set_mode(Mode::Says(fenced.to_owned()));
        assert_eq!(
            ended(&model.ask(&prompt()).await),
            "answered, json_schema 1"
        );
    });
}

#[test]
fn t113_nothing_takes_longer_than_it_may() {
    world(async |w| {
        w.with_model().await;
        let model = client(w, SHORT);
        w.model().sim.set_mode(Mode::Hang);
        assert_eq!(
            ended(&model.ask(&prompt()).await),
            "no answer in time, json_schema 1"
        );
        w.model().sim.set_mode(Mode::Honest);
        let drip = FaultKind::Drip {
            every: Duration::from_millis(20),
        };
        w.fault(Service::Llm, "/chat", drip);
        assert_eq!(
            ended(&model.ask(&prompt()).await),
            "no answer in time, json_schema 1"
        );
        let model = client(w, LONG);
        let busy = |seconds: u32| {
            let FaultKind::Answer { headers, .. } = FaultKind::rate_limited(seconds) else {
                return;
            };
            let body = r#"{"error":{"code":429,"message":"slow down"}}"#.to_owned();
            let kind = FaultKind::Answer {
                status: 429,
                headers,
                body,
            };
            w.fault(Service::Llm, "/chat", kind);
        };
        busy(0);
        assert_eq!(
            ended(&model.ask(&prompt()).await),
            "answered, json_schema 2"
        );
        busy(86_400);
        assert_eq!(
            ended(&model.ask(&prompt()).await),
            "HTTP 429, json_schema 1",
            "nobody waits a day"
        );
        w.faults.clear();
    });
}

#[test]
fn a_server_that_answers_rubbish_is_a_server_out_of_order() {
    world(async |w| {
        w.with_model().await;
        let model = client(w, LONG);
        for (body, why) in [
            ("<html>proxy</html>", "it is no chat completion"),
            ("", "it is no chat completion"),
            (r#"{"choices":[]}"#, "it is empty"),
            ("{}", "it is empty"),
        ] {
            w.faults.clear();
            let kind = FaultKind::answer(200, body);
            w.faults.add(Fault::always(Service::Llm, "/chat", kind));
            let ended = ended(&model.ask(&prompt()).await);
            assert!(ended.contains(why), "{body}: {ended}");
        }
        w.faults.clear();
        w.model().sim.set_mode(Mode::Huge);
        let heard = model.ask(&prompt()).await;
        assert!(ended(&heard).contains("it is far too long"), "{heard:?}");
        assert_eq!(heard.raw, None, "two megabytes are not read to their end");
        w.model().sim.set_mode(Mode::Honest);
        w.fault(Service::Llm, "/chat", FaultKind::answer(302, ""));
        assert!(
            ended(&model.ask(&prompt()).await).starts_with("HTTP 302"),
            "not followed"
        );
        w.fault(Service::Llm, "/chat", FaultKind::HalfAnswer { apply: true });
        assert!(ended(&model.ask(&prompt()).await).starts_with("the answer broke off"));
    });
}

#[test]
fn azure_is_asked_at_its_own_address_with_its_own_header() {
    world(async |w| {
        w.with_model().await;
        let base = w.model().account().base.join("/").unwrap();
        let settings = Settings {
            base,
            key: "azure-key-of-the-test".to_owned().into(),
            model: "gpt-4o-eu".to_owned(),
            azure_version: Some("2024-10-21".to_owned()),
            timeout: LONG,
            daily: Settings::DAILY,
        };
        let model = Llm::new(settings, Ctx::new(w.clock.clone()));
        let _ = model.unwrap().ask(&prompt()).await;
        let sent = w.ledger.matching(Service::Llm, "POST", "/openai").remove(0);
        assert_eq!(
            sent.path,
            "/openai/deployments/gpt-4o-eu/chat/completions?api-version=2024-10-21"
        );
        assert_eq!(sent.header("api-key"), Some("azure-key-of-the-test"));
        assert_eq!(sent.header("authorization"), None);
    });
}
