//! Files: the three calls that an upload takes, and the look whether Slack is done with it.
//!
//! A file that is shared with no channel is seen by nobody but us; a message of ours can show it.

use serde_json::json;
use url::Url;

use super::answer::{not_answered, retry_after};
use super::{SlackClient, SlackError, required};
use crate::slack::upload_url;

/// An upload that Slack has named and that has no bytes yet. The address is a key to it: it is
/// neither stored nor logged.
pub struct Upload {
    /// The file's name in Slack, `F…`.
    pub file: String,
    url: Url,
}

impl SlackClient {
    /// Announces a file (`files.getUploadURLExternal`). Nothing is there for anybody yet.
    ///
    /// # Errors
    /// See [`SlackError`]; it can always be repeated. `Refused` with `bad_upload_url` when the
    /// address is not Slack's: nothing is then sent to it.
    pub async fn begin_upload(&self, name: &str, length: usize) -> Result<Upload, SlackError> {
        let length = length.to_string();
        let query = [("filename", Some(name)), ("length", Some(length.as_str()))];
        let answer = self.get("files.getUploadURLExternal", &query).await?;
        let file = required(&answer, "/file_id")?;
        if !is_file(&file) {
            return Err(SlackError::ambiguous("an answer without a file's name"));
        }
        let url = upload_url::allowed(&required(&answer, "/upload_url")?, &self.base)
            .map_err(|why| SlackError::refused("bad_upload_url", why.to_string()))?;
        Ok(Upload { file, url })
    }

    /// Sends the bytes and closes the upload (`files.completeUploadExternal`), shared with nobody.
    ///
    /// # Errors
    /// See [`SlackError`]; after `Ambiguous` the file may be there.
    pub async fn finish_upload(
        &self,
        upload: Upload,
        title: &str,
        bytes: Vec<u8>,
    ) -> Result<(), SlackError> {
        self.send_bytes(upload.url, bytes).await?;
        let request = json!({"files": [{"id": upload.file, "title": title}]});
        self.post_json("files.completeUploadExternal", &request)
            .await?;
        Ok(())
    }

    /// To an address that Slack made for this one file: by the client that has no token.
    async fn send_bytes(&self, url: Url, bytes: Vec<u8>) -> Result<(), SlackError> {
        let request = self.answers.post(url);
        let request = request.header(reqwest::header::CONTENT_TYPE, "application/octet-stream");
        let sent = tokio::time::timeout(self.deadline, request.body(bytes).send()).await;
        let sent = sent.map_err(|_| SlackError::ambiguous("no answer in time"))?;
        let response = sent.map_err(|error| not_answered(&error))?;
        match response.status().as_u16() {
            200..=299 => Ok(()),
            429 => Err(SlackError::rate_limited(retry_after(&response))),
            status @ 500.. => Err(SlackError::ambiguous(format!("HTTP status {status}"))),
            status => Err(SlackError::refused(
                &format!("http_{status}"),
                String::new(),
            )),
        }
    }

    /// Whether a message can show the file already (`files.info`): Slack works on it for a while
    /// after the upload, and refuses the message until then. Its kind is the last that it finds out.
    ///
    /// # Errors
    /// See [`SlackError`]; a read can always be repeated. `Refused` with `file_not_found` when the
    /// upload was never closed.
    pub async fn is_file_ready(&self, file: &str) -> Result<bool, SlackError> {
        let answer = self.get("files.info", &[("file", Some(file))]).await?;
        required(&answer, "/file/id")?;
        Ok(super::text(&answer, "/file/mimetype").is_some())
    }
}

/// As Slack's blocks take it; anything else would be refused with the whole message.
fn is_file(name: &str) -> bool {
    let rest = name.strip_prefix('F').unwrap_or_default();
    let letter = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit();
    (8..=40).contains(&rest.len()) && rest.bytes().all(letter)
}
