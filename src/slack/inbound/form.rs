//! Form bodies, read with a bound and without guessing.

use serde_json::Value;

use super::BadPayload;

/// Slack's longest form has about 20 fields.
pub const MAX_FIELDS: usize = 200;

/// The fields that we use; everything else in the form is passed over.
#[derive(Debug, Default)]
pub struct Form {
    pub channel_id: Option<String>,
    pub enterprise_id: Option<String>,
    pub payload: Option<String>,
    pub response_url: Option<String>,
    pub ssl_check: Option<String>,
    pub team_id: Option<String>,
    pub text: Option<String>,
    pub trigger_id: Option<String>,
    pub user_id: Option<String>,
}

impl Form {
    /// Slack tests the certificate of an address with this and nothing else in the form.
    pub fn is_ssl_check(&self) -> bool {
        self.ssl_check.as_deref() == Some("1") && self.payload.is_none()
    }

    fn slot(&mut self, name: &str) -> Option<(&'static str, &mut Option<String>)> {
        Some(match name {
            "channel_id" => ("channel_id", &mut self.channel_id),
            "enterprise_id" => ("enterprise_id", &mut self.enterprise_id),
            "payload" => ("payload", &mut self.payload),
            "response_url" => ("response_url", &mut self.response_url),
            "ssl_check" => ("ssl_check", &mut self.ssl_check),
            "team_id" => ("team_id", &mut self.team_id),
            "text" => ("text", &mut self.text),
            "trigger_id" => ("trigger_id", &mut self.trigger_id),
            "user_id" => ("user_id", &mut self.user_id),
            _ => return None,
        })
    }
}

/// Reads a form. Not the `url` crate's reader: that one replaces what is not UTF-8 instead of
/// refusing.
///
/// # Errors
/// Bytes that are not UTF-8, too many fields, a field of ours twice, or JSON, in which what a person
/// typed may look like a form.
pub fn read(body: &[u8]) -> Result<Form, BadPayload> {
    if body.trim_ascii_start().starts_with(b"{") {
        return Err(BadPayload::OtherRoute);
    }
    let mut form = Form::default();
    let pairs = body.split(|b| *b == b'&').filter(|pair| !pair.is_empty());
    for (index, pair) in pairs.enumerate() {
        if index >= MAX_FIELDS {
            return Err(BadPayload::TooManyFields);
        }
        let at = pair.iter().position(|b| *b == b'=').unwrap_or(pair.len());
        let (name, value) = pair.split_at(at);
        let name = decoded(name)?;
        let value = decoded(value.strip_prefix(b"=").unwrap_or(value))?;
        if let Some((name, slot)) = form.slot(&name) {
            // An empty value says as much as an absent one, but it still may not come twice.
            if slot.replace(value).is_some() {
                return Err(BadPayload::Twice(name));
            }
        }
    }
    Ok(form.without_empty())
}

/// The same fields from a JSON object, as they come over a socket. What is no text is passed over.
pub fn of_object(object: &Value) -> Form {
    let mut form = Form::default();
    for (name, value) in object.as_object().into_iter().flatten() {
        if let (Some((_, slot)), Some(text)) = (form.slot(name), value.as_str()) {
            *slot = Some(text.to_owned());
        }
    }
    form.without_empty()
}

impl Form {
    fn without_empty(mut self) -> Self {
        for slot in [
            &mut self.channel_id,
            &mut self.enterprise_id,
            &mut self.response_url,
            &mut self.team_id,
            &mut self.trigger_id,
            &mut self.user_id,
        ] {
            slot.take_if(|value| value.is_empty());
        }
        self
    }
}

/// Plus signs and percent escapes undone; a percent sign that starts no escape stands for itself.
fn decoded(raw: &[u8]) -> Result<String, BadPayload> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                _ => bytes.push(b'%'),
            },
            _ => bytes.push(first),
        }
    }
    String::from_utf8(bytes).map_err(|_| BadPayload::NotUtf8)
}

fn digit(hex: u8) -> Option<u8> {
    match hex {
        b'0'..=b'9' => Some(hex - b'0'),
        b'a'..=b'f' => Some(hex - b'a' + 10),
        b'A'..=b'F' => Some(hex - b'A' + 10),
        _ => None,
    }
}
