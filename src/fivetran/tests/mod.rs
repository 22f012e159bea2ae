//! The client against a server that misbehaves byte by byte.

mod reads;
mod sends;
mod server;

use std::time::Duration;

use url::Url;

use self::server::Server;
use super::{FivetranClient, Settings};
use crate::model::{Clock, ConnectionId, Ctx};

const KEY: &str = "planted-key";
const SECRET: &str = "planted-secret";

fn settings(base: &str, timeout: Duration) -> Settings {
    // Another test may have installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Settings {
        base: Url::parse(base).unwrap(),
        key: KEY.to_owned(),
        secret: SECRET.into(),
        timeout,
    }
}

fn ctx() -> Ctx {
    Ctx::new(Clock::fixed("2026-11-22T08:00:00Z".parse().unwrap()))
}

fn client(server: &Server) -> FivetranClient {
    FivetranClient::new(settings(&server.base(), Duration::from_secs(20)), ctx()).unwrap()
}

fn hasty(server: &Server) -> FivetranClient {
    FivetranClient::new(settings(&server.base(), Duration::from_millis(300)), ctx()).unwrap()
}

fn id() -> ConnectionId {
    ConnectionId::new("interchangeable_revenge")
}
