//! Files: uploads in three steps, after which Slack works on them for a while, and the image blocks
//! that name them.

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::SlackSim;
use super::api::{Call, Failure, Reply};
use super::limits::kind;
use super::state::State;

/// How every PNG begins.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// An upload, or the file that it became.
pub(super) struct File {
    id: String,
    name: String,
    title: String,
    /// The last part of its upload address.
    key: String,
    length: usize,
    bytes: Option<Vec<u8>>,
    closed: bool,
    /// So often `files.info` finds it unfinished.
    unfinished: u32,
}

impl File {
    fn mime(&self) -> &'static str {
        match &self.bytes {
            Some(bytes) if bytes.starts_with(PNG) => "image/png",
            _ => "application/octet-stream",
        }
    }

    fn is_ready(&self) -> bool {
        self.closed && self.unfinished == 0
    }
}

/// Every file, and how Slack behaves about them.
#[derive(Default)]
pub(super) struct Files {
    all: Vec<File>,
    /// Base URL of the uploads.
    pub public: String,
    delay: u32,
    refusals: u32,
}

pub(super) fn get_upload_url(state: &mut State, call: &Call) -> Reply {
    let name = call.given("filename").ok_or("invalid_arguments")?;
    let length = call.number("length").filter(|n| *n > 0);
    let length = length.ok_or("invalid_arguments")?;
    let (id, key) = (state.next_id("F"), state.next_id("up"));
    let url = format!("{}/upload/v1/{key}", state.files.public);
    state.files.all.push(File {
        id: id.clone(),
        title: name.clone(),
        name,
        key,
        length,
        bytes: None,
        closed: false,
        unfinished: state.files.delay,
    });
    Ok(json!({"upload_url": url, "file_id": id}))
}

pub(super) fn complete_upload(state: &mut State, call: &Call) -> Reply {
    let files = call.json("files").map_err(|_| "invalid_arguments")?;
    let named = files.as_ref().and_then(Value::as_array);
    let named = named.filter(|f| !f.is_empty()).ok_or("invalid_arguments")?;
    if call.given("channel_id").is_some() || call.given("channels").is_some() {
        state.complain("an upload was shared with a channel: it posts a message of its own");
    }
    let mut done = Vec::new();
    for one in named {
        let id = one["id"].as_str().unwrap_or_default();
        let file = state.files.all.iter_mut().find(|f| f.id == id);
        let file = file.filter(|f| f.bytes.is_some()).ok_or("file_not_found")?;
        if let Some(title) = one["title"].as_str() {
            file.title = title.to_owned();
        }
        file.closed = true;
        done.push(json!({"id": file.id, "title": file.title}));
    }
    Ok(json!({"files": done}))
}

pub(super) fn info(state: &mut State, call: &Call) -> Reply {
    let id = call.text("file");
    let file = state.files.all.iter_mut().find(|f| f.id == id && f.closed);
    let file = file.ok_or("file_not_found")?;
    let ready = file.is_ready();
    file.unfinished = file.unfinished.saturating_sub(1);
    let (mime, kind) = if ready {
        (file.mime(), "png")
    } else {
        ("", "")
    };
    Ok(json!({"file": {
        "id": file.id,
        "name": file.name,
        "title": file.title,
        "mimetype": mime,
        "filetype": kind,
        "size": file.length,
    }}))
}

/// Slack takes an image block only of a picture that it is done with.
pub(super) fn check_images(state: &mut State, blocks: &[Value]) -> Result<(), Failure> {
    for (index, block) in blocks.iter().enumerate() {
        let named = block.get("slack_file").filter(|_| kind(block) == "image");
        let Some(named) = named else {
            continue;
        };
        let id = named["id"].as_str().unwrap_or_default();
        let file = state.files.all.iter().find(|f| f.id == id);
        let known = file.is_some_and(|f| f.is_ready() && f.mime().starts_with("image/"));
        let refused = state.files.refusals > 0;
        state.files.refusals = state.files.refusals.saturating_sub(1);
        if !known || refused {
            let at = format!("[json-pointer:/blocks/{index}/slack_file]");
            let message = format!("[ERROR] invalid slack file {at}");
            return Err(Failure::with("invalid_blocks", vec![message]));
        }
    }
    Ok(())
}

impl SlackSim {
    /// The bytes of an upload, as its address takes them.
    pub(super) fn take_bytes(&self, key: &str, bytes: &Bytes) -> (StatusCode, String) {
        self.with(|state| {
            let file = state
                .files
                .all
                .iter_mut()
                .find(|f| f.key == key && !f.closed);
            match file {
                None => (StatusCode::NOT_FOUND, "no such upload".into()),
                Some(file) if file.length != bytes.len() => {
                    (StatusCode::BAD_REQUEST, "not the announced length".into())
                }
                Some(file) => {
                    file.bytes = Some(bytes.to_vec());
                    (StatusCode::OK, format!("OK - {}", bytes.len()))
                }
            }
        })
    }

    /// From now on a file is unfinished for so many calls of `files.info` after its upload.
    pub fn set_file_delay(&self, calls: u32) {
        self.with(|s| s.files.delay = calls);
    }

    /// Refuses the next so many messages with an image, whatever `files.info` says of it.
    pub fn refuse_images(&self, messages: u32) {
        self.with(|s| s.files.refusals = messages);
    }

    /// What a file is and its bytes, once its upload is closed.
    pub fn file(&self, id: &str) -> Option<(String, Vec<u8>)> {
        self.with(|s| {
            let file = s.files.all.iter().find(|f| f.id == id && f.closed)?;
            Some((file.mime().to_owned(), file.bytes.clone()?))
        })
    }

    /// The files whose upload is closed, oldest first.
    pub fn files(&self) -> Vec<String> {
        self.with(|s| {
            let closed = s.files.all.iter().filter(|f| f.closed);
            closed.map(|f| f.id.clone()).collect()
        })
    }
}
