//! Opening one connection: its address, TLS, the WebSocket, Slack's hello.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use url::Url;

use super::super::{SlackClient, SlackError};
use super::frame::{self, Frame};

/// Frames beyond this are not read: Slack's are far smaller. The same bound as for HTTP bodies.
const FRAME_LIMIT: usize = 1 << 20;

/// A connection that stands.
pub(super) type Link = WebSocketStream<Box<dyn Wire>>;

/// Bytes in both directions, with TLS or without.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// Why there is no connection. Its text never holds the address, in which there is a ticket.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// Slack gives no address.
    #[error("apps.connections.open: {0}. {remedy}", remedy = remedy(.0))]
    Refused(SlackError),
    /// An address that is not Slack's.
    #[error("apps.connections.open gave an address that is not Slack's; it was not called")]
    Foreign,
    /// No TCP, no TLS or no WebSocket.
    #[error(
        "the connection to Slack's socket failed: {0}. Check that this machine may open wss:// to *.slack.com"
    )]
    Network(String),
    /// It took too long.
    #[error("Slack's socket did not answer in time")]
    Slow,
    /// Socket Mode is off.
    #[error(
        "Slack says that Socket Mode is switched off for this app: switch it on under Socket Mode on the app's page, or unset SLACK_APP_TOKEN"
    )]
    Disabled,
    /// It ended before its time.
    #[error("Slack's socket was lost: {0}")]
    Lost(&'static str),
}

impl Trouble {
    /// Whether it stays until a person mends it.
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Refused(error) => error.is_permanent(),
            Self::Foreign | Self::Disabled => true,
            Self::Network(_) | Self::Slow | Self::Lost(_) => false,
        }
    }

    /// How long Slack wants to be left alone.
    pub fn wait(&self) -> Duration {
        match self {
            Self::Refused(SlackError::RateLimited { retry_after }) => *retry_after,
            _ => Duration::ZERO,
        }
    }
}

/// What to do when Slack refuses the app's token; the client's own remedies speak of the bot's.
fn remedy(error: &SlackError) -> &'static str {
    match error {
        SlackError::Refused { .. } if error.is_permanent() => {
            "Make an app-level token with the scope connections:write under Basic Information on the \
             app's page, set SLACK_APP_TOKEN to it (xapp-…) and restart"
        }
        _ => "It is tried again",
    }
}

/// Opens a connection and waits for Slack's hello, `within` this time for all of it.
pub(super) async fn open(client: &SlackClient, within: Duration) -> Result<Link, Trouble> {
    let opening = async {
        let address = client.open_connection().await.map_err(Trouble::Refused)?;
        let url = allowed(&address, client.is_local()).ok_or(Trouble::Foreign)?;
        hello(connect(&url).await?).await
    };
    let opened = tokio::time::timeout(within, opening).await;
    opened.unwrap_or(Err(Trouble::Slow))
}

/// An address that may be called: `wss://` at Slack's hosts; on this machine, `ws://` while the Web
/// API is here too.
fn allowed(address: &SecretString, local: bool) -> Option<Url> {
    const SLACK: [&str; 2] = ["slack.com", "slack-gov.com"];
    let url = Url::parse(address.expose_secret()).ok()?;
    if !url.username().is_empty() || url.password().is_some() {
        return None;
    }
    let host = url.host_str()?;
    let slacks = |domain: &str| {
        let below = host.strip_suffix(domain);
        below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
    };
    let fits = match url.scheme() {
        "wss" => url.port().is_none() && SLACK.iter().any(|domain| slacks(domain)),
        "ws" => local && matches!(host, "127.0.0.1" | "localhost" | "[::1]"),
        _ => false,
    };
    fits.then_some(url)
}

async fn connect(url: &Url) -> Result<Link, Trouble> {
    // `allowed` has seen to it that there is a host. Named here, so that no thread waits for a name.
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(443);
    let tcp = TcpStream::connect((host, port)).await;
    let tcp = tcp.map_err(|error| network(&error))?;
    // Acknowledgements are small and are not to wait for each other.
    let _ = tcp.set_nodelay(true);
    let wire: Box<dyn Wire> = match url.scheme() {
        "wss" => Box::new(tls(url, tcp).await?),
        _ => Box::new(tcp),
    };
    let config = WebSocketConfig::default()
        .max_message_size(Some(FRAME_LIMIT))
        .max_frame_size(Some(FRAME_LIMIT))
        .read_buffer_size(16 << 10);
    let shaken = client_async_with_config(url.as_str(), wire, Some(config)).await;
    // The library's words may quote the request, and with it the ticket.
    let (link, _) = shaken.map_err(|_| Trouble::Network("no WebSocket".to_owned()))?;
    Ok(link)
}

async fn tls(url: &Url, tcp: TcpStream) -> Result<impl Wire + use<>, Trouble> {
    let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| network(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let host = url.host_str().unwrap_or_default().to_owned();
    let name = ServerName::try_from(host).map_err(|error| network(&error))?;
    let connected = TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await;
    connected.map_err(|error| network(&error))
}

fn network(error: &dyn std::fmt::Display) -> Trouble {
    Trouble::Network(error.to_string())
}

/// Before its hello a connection is none.
async fn hello(mut link: Link) -> Result<Link, Trouble> {
    while let Some(Ok(message)) = link.next().await {
        let Message::Text(text) = message else {
            continue;
        };
        match frame::read(&text) {
            Frame::Hello => return Ok(link),
            Frame::Disabled => return Err(Trouble::Disabled),
            Frame::Refresh => break,
            // Not acknowledged: it comes again.
            Frame::Envelope(_) | Frame::Unknown => {}
        }
    }
    Err(Trouble::Lost("closed before its hello"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_slacks_own_sockets_are_called() {
        let fits = |url: &str, local| allowed(&url.to_owned().into(), local).is_some();
        for url in [
            "wss://wss-primary.slack.com/link/?ticket=1&app_id=2",
            "wss://wss-backup.slack.com/link/?ticket=1",
            "wss://wss.slack-gov.com/link/?ticket=1",
        ] {
            assert!(fits(url, false), "{url}");
        }
        for url in [
            "ws://wss-primary.slack.com/link",
            "wss://slack.com.evil.example/link",
            "wss://evilslack.com/link",
            "wss://wss.slack.com:8443/link",
            "wss://user:word@wss.slack.com/link",
            "https://wss.slack.com/link",
            "wss://127.0.0.1/link",
            "wss://[::1]/link",
            "nonsense",
        ] {
            assert!(!fits(url, false) && !fits(url, true), "{url}");
        }
        assert!(fits("ws://127.0.0.1:9/link", true));
        assert!(!fits("ws://127.0.0.1:9/link", false));
        assert!(!fits("ws://10.0.0.1:9/link", true));
    }
}
