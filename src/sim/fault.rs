//! Faults: what can go wrong between two machines, made on the wire and not in the type system.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::ledger::Service;
use super::lock;

/// What happens to a request instead of the ordinary.
#[derive(Clone, Debug)]
pub enum FaultKind {
    /// This answer; the request has no effect.
    Answer {
        /// HTTP status.
        status: u16,
        /// Response headers.
        headers: Vec<(String, String)>,
        /// Response body.
        body: String,
    },
    /// The request takes effect, yet this is answered.
    ApplyThenAnswer {
        /// HTTP status.
        status: u16,
        /// Response headers.
        headers: Vec<(String, String)>,
        /// Response body.
        body: String,
    },
    /// Never answers and keeps the connection open.
    Hang {
        /// Whether the request takes effect.
        apply: bool,
    },
    /// Closes the connection without a byte of answer.
    Close {
        /// Whether the request takes effect.
        apply: bool,
    },
    /// Promises more bytes than it sends, then closes.
    HalfAnswer {
        /// Whether the request takes effect.
        apply: bool,
    },
    /// The ordinary answer, one byte at a time with this pause before each.
    Drip {
        /// Pause before each byte.
        every: Duration,
    },
    /// Waits in real time, then goes on as usual; the effect comes even if the client has gone by then.
    Delay(Duration),
}

impl FaultKind {
    /// An answer with a JSON body that has no effect.
    pub fn answer(status: u16, body: impl Into<String>) -> Self {
        Self::Answer {
            status,
            headers: json_headers(),
            body: body.into(),
        }
    }

    /// An answer with a JSON body after the request took effect.
    pub fn apply_then_answer(status: u16, body: impl Into<String>) -> Self {
        Self::ApplyThenAnswer {
            status,
            headers: json_headers(),
            body: body.into(),
        }
    }

    /// 429 with `Retry-After` in seconds, as Slack words it.
    pub fn rate_limited(seconds: u32) -> Self {
        let mut headers = json_headers();
        headers.push(("retry-after".into(), seconds.to_string()));
        Self::Answer {
            status: 429,
            headers,
            body: r#"{"ok":false,"error":"ratelimited"}"#.into(),
        }
    }
}

fn json_headers() -> Vec<(String, String)> {
    vec![(
        "content-type".into(),
        "application/json; charset=utf-8".into(),
    )]
}

/// One fault, for the requests that match.
#[derive(Clone, Debug)]
pub struct Fault {
    /// At which service.
    pub service: Service,
    /// Only for this HTTP method; `None`: for each.
    pub method: Option<String>,
    /// Only when path and query contain this; empty: for each.
    pub path: String,
    /// How often; [`u32::MAX`]: until cleared.
    pub times: u32,
    /// What happens.
    pub kind: FaultKind,
}

impl Fault {
    /// A fault that happens once.
    pub fn once(service: Service, path: impl Into<String>, kind: FaultKind) -> Self {
        Self {
            service,
            method: None,
            path: path.into(),
            times: 1,
            kind,
        }
    }

    /// A fault that stays until it is cleared.
    pub fn always(service: Service, path: impl Into<String>, kind: FaultKind) -> Self {
        Self {
            times: u32::MAX,
            ..Self::once(service, path, kind)
        }
    }

    /// The same, for one HTTP method alone.
    #[must_use]
    pub fn on(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    fn fits(&self, service: Service, method: &str, path: &str) -> bool {
        self.times > 0
            && self.service == service
            && self
                .method
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && path.contains(&self.path)
    }
}

/// The queue of faults; clones share it.
#[derive(Clone, Default)]
pub struct Faults(Arc<Mutex<Vec<Fault>>>);

impl Faults {
    /// No faults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault behind those that wait.
    pub fn add(&self, fault: Fault) {
        lock(&self.0).push(fault);
    }

    /// Ends all faults; requests that already hang go on hanging.
    pub fn clear(&self) {
        lock(&self.0).clear();
    }

    /// How many faults wait for a request; those until cleared count as one.
    pub fn waiting(&self) -> usize {
        lock(&self.0)
            .iter()
            .map(|f| {
                if f.times == u32::MAX {
                    1
                } else {
                    f.times as usize
                }
            })
            .sum()
    }

    /// Takes the first fault that fits a request, and counts it.
    pub fn take(&self, service: Service, method: &str, path: &str) -> Option<FaultKind> {
        let mut faults = lock(&self.0);
        let found = faults.iter().position(|f| f.fits(service, method, path))?;
        let fault = faults.get_mut(found)?;
        let kind = fault.kind.clone();
        if fault.times != u32::MAX {
            fault.times -= 1;
        }
        faults.retain(|f| f.times > 0);
        Some(kind)
    }
}
