//! Where the bytes of a file may be sent: Slack names the address in an answer, and an answer can
//! be forged by whatever stands between.

use url::Url;

use super::response_url::{BadUrl, is_configured, plainly_spelled};

/// Reads an upload address and lets it pass only if it is Slack's: `https` on `slack.com` or a host
/// below it, or the scheme, host and port of `SLACK_API_URL`, which is how a simulated Slack is
/// reached.
///
/// # Errors
/// When the address is anything else; nothing must then be sent to it.
pub fn allowed(url: &str, slack_api_base: &Url) -> Result<Url, BadUrl> {
    let parsed = plainly_spelled(url)?;
    if !parsed.username().is_empty() || parsed.password().is_some() || parsed.fragment().is_some() {
        return Err(BadUrl::Extras);
    }
    if is_slacks(&parsed) || is_configured(&parsed, slack_api_base) {
        Ok(parsed)
    } else {
        Err(BadUrl::ForeignHost)
    }
}

fn is_slacks(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    url.scheme() == "https"
        && url.port().is_none()
        && (host == "slack.com" || host.ends_with(".slack.com"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slacks_own_hosts_and_the_configured_one_get_a_file() {
        let real = Url::parse("https://slack.com/api").unwrap();
        let local = Url::parse("http://127.0.0.1:4000/api").unwrap();
        for good in [
            "https://files.slack.com/upload/v1/CwABAAAA",
            "https://slack.com/upload/v1/1?id=2",
        ] {
            assert!(allowed(good, &real).is_ok(), "{good}");
        }
        assert!(allowed("http://127.0.0.1:4000/upload/v1/1", &local).is_ok());
        for bad in [
            "http://files.slack.com/upload/v1/1",
            "https://files.slack.com:8443/upload/v1/1",
            "https://files.slack.com.evil.example/upload/v1/1",
            "https://evilslack.com/upload/v1/1",
            "https://169.254.169.254/latest/meta-data",
            "file:///etc/passwd",
            "http://127.0.0.1:4000/upload/v1/1",
        ] {
            assert_eq!(allowed(bad, &real), Err(BadUrl::ForeignHost), "{bad}");
        }
        for bad in ["http://127.0.0.1:4001/u", "https://127.0.0.1:4000/u"] {
            assert_eq!(allowed(bad, &local), Err(BadUrl::ForeignHost), "{bad}");
        }
        let user = "https://u:p@files.slack.com/upload/v1/1";
        assert_eq!(allowed(user, &real), Err(BadUrl::Extras));
        for bad in ["https:\\\\files.slack.com/u", "files.slack.com/u", ""] {
            assert_eq!(allowed(bad, &real), Err(BadUrl::Malformed), "{bad}");
        }
    }
}
