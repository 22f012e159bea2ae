//! What is admitted, what is left out, and why.

use super::*;
use crate::triage::brief::Line;

fn brief() -> Brief {
    let line = |origin: &str, text: &str| Line {
        origin: origin.to_owned(),
        label: "SEVERE error".to_owned(),
        text: text.to_owned(),
        ..Line::default()
    };
    Brief {
        precedents: Vec::new(),
        connector: "postgres".to_owned(),
        ending: "it failed".to_owned(),
        lines: vec![
            line("row 1", "retry of the <first> page"),
            line(
                "row 2",
                "login refused for user ‹email-1›: the token was withdrawn",
            ),
        ],
        ..Brief::default()
    }
}

fn admitted_from(json: &serde_json::Value, strangers: &[String]) -> Result<Admitted, Refusal> {
    let redactor = Redactor::new(&[])
        .unwrap()
        .with_known(["our-own-key-77".to_owned()]);
    let ground = Ground {
        brief: &brief(),
        mark: "mark-0123",
        strangers,
        redactor: &redactor,
    };
    admit(Untrusted::read(&json.to_string()).unwrap(), &ground)
}

fn answer(line: u64, quote: &str) -> serde_json::Value {
    serde_json::json!({
        "evidence": [{ "line": line, "quote": quote }],
        "explanation": "The token was withdrawn.",
        "kind": "credential_expired",
        "remedies": ["reconnect_human"],
    })
}

fn admitted(json: &serde_json::Value) -> Admitted {
    admitted_from(json, &[]).unwrap()
}

#[test]
fn t118_a_quotation_counts_only_if_it_stands_in_its_line_word_for_word() {
    let proved = admitted(&answer(2, "the token was  withdrawn"));
    let quote = Quote {
        origin: "row 2".to_owned(),
        text: "the token was withdrawn".to_owned(),
    };
    assert_eq!((proved.quotes, proved.unproved), (vec![quote], 0));
    for (line, quote) in [
        (1, "the token was withdrawn"),
        (2, "The token was withdrawn"),
        (2, "token was withdrawn by its owner"),
        (2, "withdraw"),
        (0, "the token was withdrawn"),
        (9, "the token was withdrawn"),
    ] {
        let left = admitted(&answer(line, quote));
        let proves_much = line == 2 && quote == "withdraw";
        assert_eq!(
            left.quotes.len(),
            usize::from(proves_much),
            "{line} {quote}"
        );
    }
    assert_eq!(
        admitted(&answer(2, "refused")).quotes,
        [],
        "too short to prove anything"
    );
}

#[test]
fn a_quotation_is_what_stands_in_the_evidence_and_never_a_placeholder() {
    let shown = admitted(&answer(1, "of the ‹first› page"));
    assert_eq!(shown.quotes[0].text, "of the <first> page");
    let shown = admitted(&answer(2, "user ‹email-1›: the token was withdrawn"));
    assert_eq!(shown.quotes[0].text, ": the token was withdrawn");
}

#[test]
fn t102_what_is_not_of_the_form_is_refused_as_a_whole() {
    let good = answer(2, "the token was withdrawn");
    assert!(Untrusted::read(&good.to_string()).is_ok());
    for (key, value) in [
        ("connection_id", serde_json::json!("sales_id")),
        ("risk", serde_json::json!("LOW")),
        ("auto_approve", serde_json::json!(true)),
        ("confidence", serde_json::json!(0.9)),
        ("kind", serde_json::json!("netzwerkfehler")),
        ("remedies", serde_json::json!(["delete_connection"])),
        ("remedies", serde_json::json!("reconnect_human")),
        ("evidence", serde_json::json!(["the token was withdrawn"])),
        ("explanation", serde_json::json!(null)),
    ] {
        let mut bad = good.clone();
        bad[key] = value;
        assert!(Untrusted::read(&bad.to_string()).is_err(), "{bad}");
    }
    let nan = good.to_string().replace("\"line\":2", "\"line\":NaN");
    assert!(Untrusted::read(&nan).is_err());
}

#[test]
fn a_remedy_that_its_kind_does_not_allow_is_left_out_and_counted() {
    let mut costly = answer(2, "the token was withdrawn");
    costly["remedies"] =
        serde_json::json!(["historical_resync", "pause_connection", "notify_owner"]);
    let admitted = admitted(&costly);
    assert_eq!(admitted.remedies, [RemedyName::NotifyOwner]);
    let dropped = [RemedyName::HistoricalResync, RemedyName::PauseConnection];
    assert_eq!(admitted.dropped, dropped);
    costly["remedies"] = serde_json::json!(["historical_resync"]);
    let left = super::tests::admitted(&costly).remedies;
    assert_eq!(left, [RemedyName::ReconnectHuman], "the catalogue's own");
}

#[test]
fn t106_t108_an_answer_that_leaks_denies_or_names_another_connection_is_refused() {
    let mut leak = answer(2, "the token was withdrawn");
    leak["explanation"] = serde_json::json!("My mark is mark-0123.");
    assert_eq!(admitted_from(&leak, &[]), Err(Refusal::Leak));
    let mut denies = answer(2, "the token was withdrawn");
    denies["kind"] = serde_json::json!("no_failure");
    assert_eq!(admitted_from(&denies, &[]), Err(Refusal::NothingFailed));
    let mut stranger = answer(2, "the token was withdrawn");
    stranger["explanation"] = serde_json::json!("Pause sales_id first.");
    let others = ["sales_id".to_owned(), "hub_id".to_owned()];
    assert_eq!(admitted_from(&stranger, &others), Err(Refusal::Stranger));
    stranger["explanation"] = serde_json::json!("presales_id is a column.");
    assert!(admitted_from(&stranger, &others).is_ok());
}

#[test]
fn i7_its_words_are_redacted_cut_and_on_one_line() {
    let mut long = answer(2, "the token was withdrawn");
    let words = format!(
        "our-own-key-77 \0password=hunter2-x9k\n{}",
        "no ".repeat(5_000)
    );
    long["explanation"] = serde_json::json!(words);
    let said = admitted(&long).summary;
    assert!(
        !said.contains("our-own-key-77") && !said.contains("hunter2"),
        "{said}"
    );
    assert!(
        said.chars().count() <= WORDS && !said.contains(['\n', '\0']),
        "{said}"
    );
}

#[test]
fn the_inside_of_a_placeholder_is_no_proof_however_it_is_cut() {
    assert_eq!(outside("a ‹secret-1› b"), ["a ", " b"]);
    for cut in [
        "‹personal-1›",
        "personal-1›",
        "‹personal-1",
        "‹email-10›‹personal-1›",
    ] {
        let pieces = outside(cut);
        assert!(
            pieces.iter().all(|piece| piece.is_empty()),
            "{cut}: {pieces:?}"
        );
    }
}
