//! A language model that is slow, wrong, dead or too dear, and a service that dies while it asks
//! (SPEC I12).

use std::time::Duration;

use syncgate::llm::Settings;
use syncgate::sim::fault::{Fault, FaultKind};
use syncgate::sim::ledger::Service;
use syncgate::sim::llm::Mode;

use crate::harness::world;
use crate::model::{HOST, ODD};

#[test]
fn t113_i12_a_model_that_is_slow_or_dead_is_told_of_and_the_rules_stand() {
    // The card is there before the model is asked; this is when it says that no answer came.
    const { assert!(Settings::TIMEOUT.as_secs() <= 25) };
    let late = "Model: it did not answer in time. This is the rules' view.";
    let down = "Model: it cannot be reached or is out of order. This is the rules' view.";
    world(async |w| {
        w.with_model().await;
        w.model.as_mut().unwrap().patience = Duration::from_millis(400);
        w.restart().await;
        w.webhooks();
        let kinds = [
            (Mode::Hang, late),
            (Mode::Broken(500), down),
            (Mode::Broken(401), down),
            (Mode::Throttled(86_400), down),
            (Mode::Cut, down),
        ];
        for (n, (mode, told)) in kinds.into_iter().enumerate() {
            w.model().sim.set_mode(mode.clone());
            w.fails(&format!("{HOST} {n}")).await;
            assert_eq!(w.models_part().lines().next(), Some(told), "{mode:?}");
            assert!(
                w.incident().contains("network_unreachable"),
                "{}",
                w.incident()
            );
            assert_eq!(w.last_of_model().await.0, "model.silent");
        }
        w.faults.add(Fault::always(
            Service::Llm,
            "",
            FaultKind::Close { apply: false },
        ));
        w.fails(&format!("{HOST} closed")).await;
        assert_eq!(w.models_part().lines().next(), Some(down));
        w.faults.clear();
    });
}

#[test]
fn t114_t115_an_answer_out_of_form_is_refused_and_kept_in_the_audit_log() {
    world(async |w| {
        w.with_model().await;
        w.webhooks();
        let kinds = [
            (Mode::Prose, "Of course!"),
            (Mode::HalfJson, "\"evidence\""),
            (Mode::WrongEnum, "netzwerkfehler"),
            (
                Mode::OtherConnection("sales_id".to_owned()),
                "connection_id",
            ),
            (Mode::Nan, "NaN"),
            (Mode::Huge, ""),
            (Mode::Empty, ""),
            (Mode::Refusal, ""),
            (Mode::Says("password=hunter2-x9k {".to_owned()), "password="),
        ];
        for (n, (mode, kept)) in kinds.into_iter().enumerate() {
            w.model().sim.set_mode(mode.clone());
            w.fails(&format!("{HOST} {n}")).await;
            let part = w.models_part();
            assert!(part.contains("its answer was refused"), "{mode:?}: {part}");
            assert!(
                w.incident().contains("network_unreachable"),
                "{}",
                w.incident()
            );
            let (code, facts) = w.last_of_model().await;
            assert_eq!(code, "model.refused", "{mode:?}");
            let answer = facts["answer"].as_str().unwrap_or_default();
            assert!(
                answer.contains(kept) && answer.len() < 9_000,
                "{mode:?}: {answer}"
            );
        }
        let all = format!("{:?}{:?}", w.rows().await, w.audit().await);
        assert!(!all.contains("hunter2-x9k"));
    });
}

#[test]
fn t065_p23_a_crash_between_question_and_answer_costs_one_more_request_and_no_third() {
    world(async |w| {
        w.with_model().await;
        w.webhooks();
        w.model().sim.set_mode(Mode::Hang);
        w.fails_unasked(HOST).await;
        w.dies_while_asking().await;
        w.model().sim.set_mode(Mode::Honest);
        w.restart().await;
        w.settle().await;
        assert!(w.models_part().contains("agrees"), "{}", w.incident());
        assert_eq!(w.prompts().len(), 2);
        w.webhooks();
        w.model().sim.set_mode(Mode::Hang);
        w.fails_unasked(ODD).await;
        for _ in 0..2 {
            w.dies_while_asking().await;
            w.restart().await;
        }
        w.settle().await;
        assert!(
            w.models_part()
                .contains("Syncgate ended before the answer came"),
            "{}",
            w.incident()
        );
        assert_eq!(w.prompts().len(), 4, "two more, and no third");
        let asked = w
            .model_records()
            .await
            .into_iter()
            .filter(|(code, _)| code == "model.asked");
        assert_eq!(asked.count(), 4, "each request has its intent");
    });
}

#[test]
fn t117_a_days_limit_ends_the_asking_and_is_told_once() {
    world(async |w| {
        w.with_model().await;
        w.model.as_mut().unwrap().daily = (1, 1_000_000);
        w.restart().await;
        w.webhooks();
        w.fails(HOST).await;
        for reason in [ODD, "another oddity altogether"] {
            w.fails(reason).await;
            assert!(
                w.models_part().contains("today's limit is used up"),
                "{}",
                w.incident()
            );
        }
        assert_eq!(w.prompts().len(), 1);
        let told = w
            .all_messages()
            .into_iter()
            .filter(|m| m.text.starts_with("Paused: the language model"));
        assert_eq!(told.count(), 1);
        w.meddle(
            "UPDATE model_calls SET asked_at = '2026-11-21T07:00:00Z' WHERE asked_at IS NOT NULL",
        )
        .await;
        w.fails("a third oddity").await;
        assert_eq!(w.prompts().len(), 2, "a day later it is asked again");
    });
}

#[test]
fn a_question_that_cannot_be_read_holds_up_no_other() {
    world(async |w| {
        w.with_model().await;
        w.webhooks();
        w.fails_unasked(HOST).await;
        w.meddle("UPDATE model_calls SET brief = '{'").await;
        w.settle().await;
        assert!(
            w.models_part()
                .starts_with("Model: it was not asked, since the stored question cannot be read."),
            "{}",
            w.incident()
        );
        assert_eq!(
            w.last_of_model().await.1["why"],
            "the stored question cannot be read"
        );
        w.fails(ODD).await;
        assert_eq!(w.prompts().len(), 1);
    });
}

#[test]
fn two_replicas_ask_once() {
    world(async |w| {
        w.with_model().await;
        w.webhooks();
        w.fails_unasked(HOST).await;
        let twin = w.twin(Duration::ZERO);
        let (ours, theirs) = tokio::join!(w.app().ask_model(), twin.ask_model());
        assert!(ours.is_ok() && theirs.is_ok());
        w.settle().await;
        assert_eq!(w.prompts().len(), 1);
        assert!(w.models_part().contains("agrees"), "{}", w.incident());
    });
}
