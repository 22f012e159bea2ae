//! Pictures that the bot uploaded.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::Page;
use crate::sim::slack::SlackSim;

/// A picture as it was uploaded.
pub(super) struct Picture {
    /// Its media type; only pictures are shown.
    pub kind: String,
    pub bytes: Vec<u8>,
}

/// The picture of this id, once it is there.
pub(super) fn find(slack: &SlackSim, id: &str) -> Option<Picture> {
    let (kind, bytes) = slack.file(id)?;
    Some(Picture { kind, bytes })
}

/// The id of the file that an image names, by itself or in its address.
pub(super) fn named(image: &Value) -> Option<&str> {
    let file = image.get("slack_file")?;
    let in_address = || {
        let address = file["url"].as_str()?;
        let is_id = |part: &&str| part.len() > 1 && part.starts_with('F');
        address.split(['/', '?', '-']).find(is_id)
    };
    file["id"].as_str().or_else(in_address)
}

pub(super) async fn file(State(page): State<Page>, Path(id): Path<String>) -> Response {
    match find(&page.slack, &id) {
        // Whatever was uploaded: as a picture or not at all, so that no page of anybody's opens here.
        Some(picture) if picture.kind.starts_with("image/") && picture.kind != "image/svg+xml" => {
            ([(header::CONTENT_TYPE, picture.kind)], picture.bytes).into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
