//! Which `response_url` may be called: it comes out of a payload, and a payload can be forged by
//! whoever holds the signing secret, or point wherever a mistake lets it (SPEC §4).

use url::Url;

/// Where Slack's own answer addresses lie.
const HOOKS: &str = "hooks.slack.com";
/// Answers to slash commands, to clicks, to message actions. Not `/services/` (incoming webhooks
/// post into channels) and not `/redirect`.
const PATHS: [&str; 3] = ["/commands/", "/actions/", "/app-actions/"];
/// Slack's are about 90 characters long.
const MAX_CHARS: usize = 1_000;

/// Why an address is not called. Its text never holds the address: who has it can post as us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadUrl {
    /// Not an absolute address, or spelled in another way than it is read.
    #[error("the address is not plainly spelled")]
    Malformed,
    /// Not Slack's host, scheme, port or path, nor those of `SLACK_API_URL`.
    #[error("the address does not point to Slack")]
    ForeignHost,
    /// A user, a password, a query or a fragment.
    #[error("the address carries more than a path")]
    Extras,
}

/// Reads a `response_url` and lets it pass only if it is Slack's: `https://hooks.slack.com/…`, or
/// the scheme, host and port of `SLACK_API_URL`, which is how a simulated Slack is reached.
///
/// The address must be spelled exactly as a URL parser writes it back. That alone does away with
/// tabs, line breaks, backslashes, odd digits and other spellings that two parsers read
/// differently.
///
/// # Errors
/// When the address is anything else; it must then not be called at all.
pub fn allowed(url: &str, slack_api_base: &Url) -> Result<Url, BadUrl> {
    let parsed = plainly_spelled(url)?;
    let extras = !parsed.username().is_empty()
        || parsed.password().is_some()
        || parsed.query().is_some()
        || parsed.fragment().is_some();
    if extras {
        return Err(BadUrl::Extras);
    }
    if is_slacks(&parsed) || is_configured(&parsed, slack_api_base) {
        Ok(parsed)
    } else {
        Err(BadUrl::ForeignHost)
    }
}

/// Reads an address that is spelled as a URL parser writes it back.
pub(super) fn plainly_spelled(url: &str) -> Result<Url, BadUrl> {
    if url.len() > MAX_CHARS {
        return Err(BadUrl::Malformed);
    }
    let parsed = Url::parse(url).map_err(|_| BadUrl::Malformed)?;
    if parsed.as_str() == url {
        Ok(parsed)
    } else {
        Err(BadUrl::Malformed)
    }
}

fn is_slacks(url: &Url) -> bool {
    url.scheme() == "https"
        && url.host_str() == Some(HOOKS)
        && url.port().is_none()
        && PATHS.iter().any(|path| url.path().starts_with(path))
}

/// Whether an address is on the configured Slack.
pub(super) fn is_configured(url: &Url, base: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.scheme() == base.scheme()
        && url.host().is_some()
        && url.host() == base.host()
        && url.port_or_known_default() == base.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beside::shared_text;
    use serde_json::Value;

    fn real() -> Url {
        Url::parse("https://slack.com/api").unwrap()
    }

    #[test]
    fn slacks_own_addresses_pass() {
        for path in [
            "commands/T1/1/abc",
            "actions/T1/1/abc",
            "app-actions/T1/1/abc",
        ] {
            let url = format!("https://hooks.slack.com/{path}");
            assert_eq!(allowed(&url, &real()).unwrap().as_str(), url);
        }
    }

    #[test]
    fn the_configured_host_passes_with_its_own_scheme_and_port_only() {
        let base = Url::parse("http://127.0.0.1:4000/api").unwrap();
        assert!(allowed("http://127.0.0.1:4000/answers/1", &base).is_ok());
        for other in [
            "https://127.0.0.1:4000/answers/1",
            "http://127.0.0.1:4001/answers/1",
            "http://localhost:4000/answers/1",
            "http://127.0.0.1/answers/1",
        ] {
            assert_eq!(allowed(other, &base), Err(BadUrl::ForeignHost), "{other}");
        }
        let user = "http://u:p@127.0.0.1:4000/answers/1";
        assert_eq!(allowed(user, &base), Err(BadUrl::Extras));
    }

    #[test]
    fn t129_every_row_gets_its_verdict() {
        let Some(rows) = shared_text("corpora/ssrf/response_url.jsonl") else {
            return;
        };
        let mut count = 0;
        for row in rows.lines() {
            let row: Value = serde_json::from_str(row).unwrap();
            let url = row["url"].as_str().unwrap();
            // The government cloud's host is accepted "only if configured", and it is not here.
            let accept = row["expect"] == "accept";
            assert_eq!(allowed(url, &real()).is_ok(), accept, "{url:?}");
            count += 1;
        }
        assert_eq!(count, 53);
    }

    #[test]
    fn the_refusal_does_not_repeat_the_address() {
        let refusal = allowed("https://evil.example/actions/T1/1/sEcReT", &real()).unwrap_err();
        assert!(!format!("{refusal} {refusal:?}").contains("sEcReT"));
    }
}
