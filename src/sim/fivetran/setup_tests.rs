//! Setup tests: the look at the source that a PATCH makes unless it is told not to.

use serde_json::json;

use super::outcome::Outcome;
use super::sync::breaks_setup;
use super::world::World;

/// Runs them. They find what the next sync would find: a source that refuses the login breaks the set-up, a healthy one
/// mends it.
pub(super) fn run(world: &mut World, id: &str) {
    let Some(c) = world.connections.get_mut(id) else {
        return;
    };
    let next = c.planned.front().unwrap_or(&c.usual);
    let broken = match next {
        Outcome::FailsWith {
            task: Some(task),
            reason,
            ..
        } if breaks_setup(&task.code) => Some(reason.clone()),
        Outcome::FailsWith { .. }
        | Outcome::Succeeds { .. }
        | Outcome::Reschedules { .. }
        | Outcome::NeverEnds
        | Outcome::NeverStarts => None,
    };
    match broken {
        Some(reason) => {
            c.setup_state = "broken".into();
            c.setup_tests = vec![
                json!({"title": "Connecting to host", "status": "PASSED", "message": ""}),
                json!({"title": "Validate Login", "status": "FAILED", "message": reason}),
            ];
        }
        None => {
            c.setup_state = "connected".into();
            c.tasks.retain(|t| !breaks_setup(&t.code));
            c.setup_tests = vec![
                json!({"title": "Connecting to host", "status": "PASSED", "message": ""}),
                json!({"title": "Validate Login", "status": "PASSED", "message": ""}),
            ];
        }
    }
}
