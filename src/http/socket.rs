//! Socket Mode's side of the door: each envelope goes where the same thing would go over HTTP.

use std::sync::Arc;

use tokio::sync::watch;

use super::Door;
use super::delivery::{self, Answer, Parse};
use crate::slack::inbound::{self, envelope};
use crate::slack::socket::{Ack, Envelope, Kind, Line};

/// Keeps Slack's connections up and hands in what comes over them, until `stop` says so; then what
/// is under way is finished and acknowledged.
pub async fn serve(door: Arc<Door>, line: Line, stop: watch::Receiver<bool>) {
    let take = move |envelope: Envelope| {
        let door = door.clone();
        async move { take(&door, &envelope).await }
    };
    line.run(take, stop).await;
}

/// One envelope. Without an acknowledgement Slack delivers it again.
async fn take(door: &Arc<Door>, envelope: &Envelope) -> Option<Ack> {
    let (route, parse): (_, Parse) = match envelope.kind {
        Kind::Command => ("command", envelope::command),
        Kind::Interaction => ("interaction", envelope::interaction),
        Kind::Event => ("event", inbound::event),
    };
    match delivery::take(door, route, &envelope.payload, parse).await {
        Ok(Answer::Empty) => Some(Ack::Plain),
        Ok(Answer::Json(answer)) => Some(Ack::With(answer)),
        // Nothing of it was kept, which is in the log.
        Ok(Answer::Forged) | Err(_) => None,
    }
}
