//! Slack opens a form only within three seconds, and fills it later.

use std::time::Duration;

use syncgate::sim::fault::FaultKind;
use syncgate::sim::ledger::Service;
use syncgate::sim::slack::plain_view;

use crate::harness::people::{ANA, EMIL};
use crate::harness::world;

const PAUSE: &str = "pause orders for 2h";

#[test]
fn a_modal_that_opens_too_late_is_told() {
    world(async |w| {
        w.command(ANA, PAUSE).await;
        for (button, command) in [("Modify…", "modify 1"), ("Reject…", "reject 1")] {
            assert!(w.press(EMIL, button).await.ok());
            w.clock.advance(Duration::from_secs(4));
            w.settle().await;
            assert!(w.told(EMIL).contains(command), "{}", w.told(EMIL));
            assert!(w.slack.views(EMIL).is_empty());
        }
        insta::assert_snapshot!(w.told(EMIL), @"*Refused*: Slack gave Syncgate three seconds to open the form, and they had passed. Click again, or write `reject 1`.");
        assert_eq!(w.word(), "Proposed");
    });
}

#[test]
fn a_modal_opens_at_once_and_is_filled_then() {
    world(async |w| {
        w.command(ANA, PAUSE).await;
        let before = w.ledger.entries().len();
        w.click(EMIL, "Modify…").await;
        let calls = w.ledger.entries().split_off(before);
        assert!(
            calls[0].path.starts_with("/api/views.open"),
            "{}",
            calls[0].path
        );
        assert!(calls[0].body.contains("Loading"), "{}", calls[0].body);
        let view = plain_view(&w.slack.views(EMIL).pop().unwrap());
        assert!(view.contains("orders"), "{view}");
    });
}

#[test]
fn a_modal_that_cannot_be_filled_is_told() {
    world(async |w| {
        w.command(ANA, PAUSE).await;
        w.fault(
            Service::Slack,
            "/api/views.update",
            FaultKind::answer(500, ""),
        );
        w.click(EMIL, "Modify…").await;
        assert!(w.told(EMIL).contains("modify 1"), "{}", w.told(EMIL));
        w.command(EMIL, "modify 1").await;
        let view = plain_view(&w.slack.views(EMIL).pop().unwrap());
        assert!(view.contains("orders"), "{view}");
    });
}
