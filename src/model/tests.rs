//! The state machine and the reconciliation against what they promise, whatever happens.

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::seconds(1_000_000 + seconds)
}

fn connection() -> Connection {
    Connection {
        succeeded_at: Some(at(-600)),
        read_at: at(0),
        ..samples::connection()
    }
}

fn actions() -> impl Strategy<Value = Action> {
    prop_oneof![
        any::<bool>().prop_map(|force| Action::SyncNow { force }),
        Just(Action::SyncAt { time: at(60) }),
        Just(Action::Pause { until: at(3_600) }),
        Just(Action::Resume),
        Just(Action::SetFrequency {
            minutes: Frequency::DAILY,
            daily_sync_time: None,
            until: None
        }),
        Just(Action::ResyncTables {
            tables: [("s".to_owned(), vec!["t".to_owned()])].into()
        }),
        Just(Action::HistoricalResync),
        Just(Action::RunSetupTests),
    ]
}

fn intent(action: &Action, accepted: bool) -> Intent {
    let call = Call::of(action);
    let before = connection();
    Intent {
        body_sha256: call.body_sha256(),
        inverse: Call::inverse_of(action, &PreImage::of(&before)),
        call,
        before,
        attempt: 1,
        at: at(0),
        accepted_at: accepted.then(|| at(1)),
        request_id: None,
    }
}

fn transitions() -> impl Strategy<Value = Transition> {
    let intents = actions().prop_map(|action| Transition::Intend(Box::new(intent(&action, false))));
    prop_oneof![
        intents,
        Just(Transition::Accept { request_id: None }),
        Just(Transition::Doubt(Doubt::Crash)),
        Just(Transition::GiveUpReading),
        Just(Transition::Done {
            restore_at: Some(at(3_600))
        }),
        Just(Transition::Fail("no".into())),
        Just(Transition::Skip(SkipReason::Gone)),
        any::<bool>().prop_map(|sent| Transition::Requeue {
            due_at: at(5),
            sent,
            note: "later".into()
        }),
        Just(Transition::Revert(RevertReason::Ended)),
    ]
}

/// What a connection may show when it is read again.
fn readings() -> impl Strategy<Value = Connection> {
    let states = prop_oneof![
        Just(SyncState::Scheduled),
        Just(SyncState::Syncing),
        Just(SyncState::Paused),
        Just(SyncState::Rescheduled),
    ];
    let ends = prop_oneof![Just(Some(at(-600))), Just(Some(at(30))), Just(None)];
    let frequency = prop_oneof![
        Just(Some(360)),
        Just(Some(1440)),
        Just(Some(60)),
        Just(None)
    ];
    (any::<bool>(), any::<bool>(), states, ends, frequency).prop_map(
        |(paused, is_historical_sync, sync_state, succeeded_at, sync_frequency)| Connection {
            paused,
            is_historical_sync,
            sync_state,
            succeeded_at,
            sync_frequency,
            ..connection()
        },
    )
}

proptest! {
    /// A small reference model: a call may be sent only from the queue (or the queue of the way
    /// back), what is settled stays settled, and what is in flight knows its call.
    #[test]
    fn i4_no_sequence_of_events_sends_twice_without_a_queue_between(
        changes in proptest::collection::vec(transitions(), 1..40),
    ) {
        let mut state = StepState::Queued { due_at: at(0), attempt: 1, note: None };
        let mut may_send = true;
        for change in changes {
            let sends = matches!(change, Transition::Intend(_));
            let requeues = matches!(change, Transition::Requeue { .. });
            let reverts = matches!(change, Transition::Revert(_));
            let settled = matches!(
                state,
                StepState::Failed { .. }
                    | StepState::Skipped { .. }
                    | StepState::Reverted { .. }
                    | StepState::RevertRefused { .. }
            );
            match state.clone().apply(change, at(10)) {
                Ok(next) => {
                    prop_assert!(!settled, "{state:?} was settled");
                    prop_assert!(!sends || may_send, "sent twice: {state:?}");
                    if sends {
                        may_send = false;
                    }
                    if requeues || (reverts && matches!(next, StepState::Reverting { .. })) {
                        may_send = true;
                    }
                    prop_assert!(!next.in_flight() || next.intent().is_some());
                    let stored = serde_json::to_string(&next).unwrap();
                    prop_assert_eq!(&serde_json::from_str::<StepState>(&stored).unwrap(), &next);
                    state = next;
                }
                Err(refused) => prop_assert_eq!(refused.from, state.as_str()),
            }
        }
    }

    /// Whatever is read, and whenever: a re-sync or a force is never declared safe to repeat, and
    /// nothing is while the call may still take effect.
    #[test]
    fn i4_only_proof_makes_a_call_repeatable(
        action in actions(),
        accepted in any::<bool>(),
        read in readings(),
        after in 0_i64..4_000,
    ) {
        let intent = intent(&action, accepted);
        let verdict = reconcile(&intent, Reading::Found(&read), at(after));
        if verdict == Reconciled::NothingHappened {
            prop_assert!(intent.call.repeatable());
            prop_assert!(!accepted);
            prop_assert!(at(after) >= intent.settled_at());
            prop_assert_eq!(read.sync_state == SyncState::Syncing && matches!(intent.call, Call::Sync { .. }), false);
        }
        if verdict == Reconciled::Unprovable {
            prop_assert!(at(after) >= intent.settled_at());
        }
    }

    /// The pre-image names exactly the fields that differ.
    #[test]
    fn differences_are_found_and_only_those(read in readings()) {
        let (was, now) = (PreImage::of(&connection()), PreImage::of(&read));
        prop_assert_eq!(was.differences(&now).is_empty(), was == now);
        prop_assert!(was.differences(&was).is_empty());
    }
}

#[test]
fn i4_neither_old_nor_new_is_a_conflict_only_when_the_call_can_do_nothing_any_more() {
    let intent = intent(
        &Action::SetFrequency {
            minutes: Frequency::DAILY,
            daily_sync_time: None,
            until: None,
        },
        true,
    );
    let read = Connection {
        sync_frequency: Some(60),
        ..connection()
    };
    let at = |now| reconcile(&intent, Reading::Found(&read), now);
    assert_eq!(at(at_settled(&intent, -1)), Reconciled::TooEarly);
    assert!(matches!(
        at(at_settled(&intent, 0)),
        Reconciled::Conflict(_)
    ));
}

fn at_settled(intent: &Intent, seconds: i64) -> DateTime<Utc> {
    intent.settled_at() + TimeDelta::seconds(seconds)
}

#[test]
fn a_try_to_take_back_rests_ever_longer_up_to_half_an_hour() {
    let rests: Vec<i64> = (1..=9)
        .map(|n| Intent::rest_after(n).num_seconds())
        .collect();
    assert_eq!(rests, [30, 60, 120, 240, 480, 960, 1_800, 1_800, 1_800]);
    assert_eq!(Intent::rest_after(u32::MAX), TimeDelta::minutes(30));
}

#[test]
fn a_fingerprint_covers_every_word_of_a_revision() {
    let line = Line {
        connection: "c".into(),
        name: "orders".into(),
        action: Action::Pause { until: at(60) },
        place: Some(Place::of(&connection(), "warehouse".into())),
        pre_image: PreImage::of(&connection()),
        reason: "why".into(),
        decide_by: None,
    };
    let revision = Revision {
        proposal: ProposalId(1),
        number: 1,
        lines: vec![line.clone()],
        requesters: [Actor::Syncgate].into(),
        created_at: at(0),
        expires_at: at(60),
        policy_hash: "p".into(),
    };
    let print = |r: &Revision| Fingerprint::of(&r.canonical().unwrap());
    let mut seen = vec![print(&revision)];
    let changed_line = |line: Line| Revision {
        lines: vec![line],
        ..revision.clone()
    };
    let paused = PreImage {
        paused: true,
        ..line.pre_image.clone()
    };
    for other in [
        Revision {
            proposal: ProposalId(2),
            ..revision.clone()
        },
        Revision {
            number: 2,
            ..revision.clone()
        },
        Revision {
            lines: vec![],
            ..revision.clone()
        },
        Revision {
            requesters: [Actor::Operator].into(),
            ..revision.clone()
        },
        Revision {
            expires_at: at(61),
            ..revision.clone()
        },
        Revision {
            policy_hash: "q".into(),
            ..revision.clone()
        },
        changed_line(Line {
            connection: "d".into(),
            ..line.clone()
        }),
        changed_line(Line {
            action: Action::Pause { until: at(61) },
            ..line.clone()
        }),
        changed_line(Line {
            place: None,
            ..line.clone()
        }),
        changed_line(Line {
            pre_image: paused,
            ..line.clone()
        }),
        changed_line(Line {
            reason: "because".into(),
            ..line.clone()
        }),
    ] {
        let print = print(&other);
        assert!(!seen.contains(&print), "{other:?}");
        seen.push(print);
    }
}
