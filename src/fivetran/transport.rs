//! Requests as they leave and answers as they come, bounded in time and size.

use std::error::Error;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, ClientBuilder, Method, Request, Response, redirect, retry};
use url::{Host, Url};

/// The connection endpoints are versioned; anything else may answer 406 (OpenAPI file, `Accept`).
pub(super) const ACCEPT_CONNECTION: &str = "application/json;version=2";
/// For all other endpoints.
pub(super) const ACCEPT_PLAIN: &str = "application/json";
/// The most of a page of a list that is read.
pub(super) const LIST_LIMIT: usize = 64 << 20;
/// The most of any other answer that is read.
pub(super) const ANSWER_LIMIT: usize = 4 << 20;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TEXT_LIMIT: usize = 300;

/// An answer, as far as it came.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    /// The body, or why there is none to read: it broke off or is too big.
    pub(super) body: Result<Vec<u8>, String>,
}

/// The base address, checked: what is joined to it stays below it.
pub(super) fn check_base(base: &Url) -> anyhow::Result<()> {
    ensure!(
        matches!(base.scheme(), "http" | "https") && base.has_host(),
        "the Fivetran address must begin with https:// (or http:// for a local one)"
    );
    ensure!(
        base.username().is_empty() && base.password().is_none(),
        "the Fivetran address must not hold credentials"
    );
    if base.query().is_some() || base.fragment().is_some() {
        bail!("the Fivetran address must end with its path");
    }
    let path = base.path().trim_end_matches('/');
    ensure!(
        !path.ends_with("/v1"),
        "write the Fivetran address without /v1"
    );
    Ok(())
}

/// The client for reads: it keeps connections open.
pub(super) fn reading(base: &Url, timeout: Duration) -> anyhow::Result<Client> {
    common(base, timeout).build().context("no HTTP client")
}

/// The client for writes. Each request gets a connection of its own: a kept one that the other
/// side has just closed is what makes HTTP libraries send a request a second time by themselves.
pub(super) fn writing(base: &Url, timeout: Duration) -> anyhow::Result<Client> {
    common(base, timeout)
        .pool_max_idle_per_host(0)
        .build()
        .context("no HTTP client")
}

fn common(base: &Url, timeout: Duration) -> ClientBuilder {
    let builder = Client::builder()
        .user_agent(concat!("syncgate/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(timeout)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        // HTTP/2 has its own ways of sending a request again.
        .http1_only();
    if is_loopback(base) {
        builder.no_proxy()
    } else {
        builder
    }
}

fn is_loopback(base: &Url) -> bool {
    match base.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The full address of a path. URL parsers resolve `%2E%2E` like `..`, so an id of that spelling
/// would reach another endpoint: an address whose path is not the one asked for is refused.
pub(super) fn address(base: &Url, path: &str) -> Result<Url, String> {
    let prefix = base.path().trim_end_matches('/');
    let whole = format!("{prefix}{path}");
    let mut url = base.clone();
    url.set_path(&whole);
    if url.path() == whole && !whole.contains("//") {
        Ok(url)
    } else {
        Err(format!("{path} is not a path below the Fivetran address"))
    }
}

/// Builds a request; the credentials are marked so that nothing prints them.
pub(super) fn request(
    http: &Client,
    method: Method,
    url: Url,
    accept: &'static str,
    credentials: (&str, &str),
    body: Option<String>,
) -> Result<Request, String> {
    let (key, secret) = credentials;
    let mut builder = http
        .request(method, url)
        .basic_auth(key, Some(secret))
        .header("accept", HeaderValue::from_static(accept));
    if let Some(body) = body {
        builder = builder
            .header("content-type", HeaderValue::from_static("application/json"))
            .body(body);
    }
    builder.build().map_err(|error| explain(&error))
}

/// Sends a request once and reads the answer up to `limit` bytes.
///
/// # Errors
/// When no answer came at all; one that broke off is an [`Answer`].
pub(super) async fn exchange(
    http: &Client,
    request: Request,
    limit: usize,
) -> Result<Answer, reqwest::Error> {
    let kind = if *request.method() == Method::GET {
        "read"
    } else {
        "write"
    };
    let answered = http.execute(request).await;
    let status = match &answered {
        Ok(response) => status_class(response.status().as_u16()),
        Err(_) => "none",
    };
    metrics::counter!("syncgate_fivetran_requests_total", "kind" => kind, "status" => status)
        .increment(1);
    let mut response = answered?;
    Ok(Answer {
        status: response.status().as_u16(),
        headers: std::mem::take(response.headers_mut()),
        body: read_body(response, limit).await,
    })
}

/// A status as a metric tells it.
fn status_class(status: u16) -> &'static str {
    match status {
        429 => "429",
        0..=299 => "2xx",
        300..=399 => "3xx",
        400..=499 => "4xx",
        _ => "5xx",
    }
}

async fn read_body(mut response: Response, limit: usize) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => {
                return Err(format!("the answer is larger than {} MiB", limit >> 20));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) if error.is_timeout() => {
                return Err("the answer did not end in time".to_owned());
            }
            Err(_) => return Err("the answer broke off".to_owned()),
        }
    }
}

/// An error of the HTTP library in words, without the address.
pub(super) fn explain(error: &reqwest::Error) -> String {
    if error.is_timeout() && !error.is_connect() {
        return "no answer in time".to_owned();
    }
    // The outermost text holds the address and nothing else of use; the causes say what happened.
    let mut parts: Vec<String> = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if parts.last() != Some(&text) {
            parts.push(text);
        }
        cause = error.source();
    }
    if parts.is_empty() {
        parts.push("the request could not be made".to_owned());
    }
    cut(&parts.join(": "))
}

/// The first 300 characters of a foreign text, on one line.
pub(super) fn cut(text: &str) -> String {
    let mut out: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(TEXT_LIMIT)
        .collect();
    if text.chars().nth(TEXT_LIMIT).is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Call, ConnectionId};

    fn base(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn a_path_is_joined_to_the_base_as_it_is() {
        let path = Call::Resync.path(&ConnectionId::new("a/b ?#"));
        for (from, to) in [
            ("https://api.fivetran.com", "https://api.fivetran.com"),
            (
                "https://gateway.test/fivetran/",
                "https://gateway.test/fivetran",
            ),
        ] {
            assert_eq!(
                address(&base(from), &path).unwrap().as_str(),
                format!("{to}/v1/connections/a%2Fb%20%3F%23/resync")
            );
        }
    }

    #[test]
    fn no_id_leads_to_another_endpoint() {
        for id in ["..", ".", ""] {
            let path = Call::Resync.path(&ConnectionId::new(id));
            assert!(
                address(&base("https://api.fivetran.com"), &path).is_err(),
                "{id:?}"
            );
        }
    }

    #[test]
    fn a_base_that_cannot_work_is_refused_with_its_reason() {
        for wrong in [
            "ftp://api.fivetran.com",
            "https://key:secret@api.fivetran.com",
            "https://api.fivetran.com/v1",
            "https://api.fivetran.com/v1/",
            "https://api.fivetran.com/?x=1",
        ] {
            assert!(check_base(&base(wrong)).is_err(), "{wrong}");
        }
        check_base(&base("https://api.fivetran.com/")).unwrap();
    }

    #[test]
    fn foreign_texts_are_cut_and_stay_on_one_line() {
        assert_eq!(cut("a\nb"), "a b");
        assert_eq!(cut(&"é".repeat(301)).chars().count(), 301);
        assert_eq!(cut(&"é".repeat(300)), "é".repeat(300));
    }
}
