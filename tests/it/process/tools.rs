//! Small things beside the stage.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::Value;
use syncgate::model::{Clock, Ctx};
use syncgate::sim::fivetran;
use syncgate::sim::slack::Message;

use crate::beside::{is_demanded, left_out};

/// The state word that a card's fallback begins with.
pub fn state(message: &Message) -> String {
    let text = message.text.split([':', '·']).next().unwrap_or_default();
    text.trim().to_owned()
}

/// Whether strace is here and may trace: a container may forbid it.
pub fn can_trace() -> bool {
    static CAN: LazyLock<bool> = LazyLock::new(|| {
        let tried = Command::new("strace")
            .args(["-f", "-o", "/dev/null", "true"])
            .stderr(Stdio::null())
            .status();
        let can = tried.is_ok_and(|status| status.success());
        if !can {
            assert!(
                !is_demanded("STRACE"),
                "strace is demanded and cannot trace here"
            );
            left_out("deaths and disk faults at a chosen system call: strace cannot trace here");
        }
        can
    });
    *CAN
}

/// An attached strace. Dropped, it lets its process go on without it.
pub struct Tracer(Child);

impl Tracer {
    pub fn attach(id: u32, options: &[&str]) -> Option<Self> {
        let mut strace = Command::new("strace")
            .args(["-f", "-o", "/dev/null"])
            .args(options)
            .args(["-p", &id.to_string()])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        let mut told = BufReader::new(strace.stderr.take().unwrap());
        told.read_line(&mut said).unwrap();
        // Whoever does not read on would make it wait when it says more.
        std::thread::spawn(move || told.lines().count());
        if said.contains("attached") {
            return Some(Self(strace));
        }
        let _ = strace.wait();
        None
    }

    pub fn detach(self) {}
}

impl Drop for Tracer {
    fn drop(&mut self) {
        // It has ended by itself where its process is dead.
        if matches!(self.0.try_wait(), Ok(None)) {
            signal(self.0.id(), "INT");
        }
        let _ = self.0.wait();
    }
}

/// A signal to a process that this test started.
pub fn signal(id: u32, name: &str) {
    let arguments = [format!("-{name}"), id.to_string()];
    let sent = Command::new("kill").args(arguments).status().unwrap();
    assert!(sent.success(), "SIG{name} to {id}");
}

/// Whether a process was ended by this signal.
pub fn by_signal(status: ExitStatus, number: i32) -> bool {
    status.signal() == Some(number)
}

pub fn address_in(log: &str) -> Option<SocketAddr> {
    let ready = log.find("ready")?;
    let rest = log[ready..].split("http://").nth(1)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':')?;
    rest[..end].parse().ok()
}

/// A GET over a connection of its own; `None` where nobody answers.
pub async fn get(address: SocketAddr, path: &str) -> Option<(u16, Value)> {
    let (status, body) = get_text(address, path).await?;
    Some((status, serde_json::from_str(&body).unwrap_or_default()))
}

pub async fn get_text(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let exchange = async {
        let mut stream = tokio::net::TcpStream::connect(address).await?;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(Duration::from_secs(15), exchange)
        .await
        .ok()?
        .ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}

/// A new id for a name that no other test may have.
pub fn unique() -> String {
    Ctx::new(Clock::machine()).new_id()
}

/// Connections for tests that need more of them than the usual ones have.
pub fn connection(id: &str, service: &str, schema: &str) -> fivetran::Connection {
    fivetran::Connection::new(id, service, schema, "g_warehouse")
        .every(1440)
        .takes_minutes(1)
        .succeeded_at(Clock::machine().now())
}
