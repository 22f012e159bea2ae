//! Reading: repeated where that can help, and whole or not at all.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use chrono::{DateTime, Utc};
use reqwest::Method;
use serde::de::DeserializeOwned;

use super::budget::{Priority, Shut};
use super::client::FivetranClient;
use super::outcome::{object, words_of};
use super::transport::{self, Answer, LIST_LIMIT, explain};
use super::wire::{Envelope, Page, field};

/// How often a read is tried in all.
const ATTEMPTS: u32 = 3;
/// Before the second attempt; twice that before the third, and up to as much again by chance.
const FIRST_WAIT: Duration = Duration::from_millis(150);
/// The most pages of one list: 200,000 items, far more than an account has.
const MAX_PAGES: usize = 200;
/// Items per page, the most that Fivetran gives (OpenAPI file: 1 to 1000).
const PAGE: &str = "1000";

/// Why nothing was read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// A 429 holds for the whole account.
    #[error("Fivetran's rate limit is used up; it asks us to wait until {}", until.format("%H:%M:%S UTC"))]
    Throttled {
        /// Until when.
        until: DateTime<Utc>,
    },
    /// What is left of the hourly budget is kept for people's actions.
    #[error("what is left of Fivetran's hourly rate limit is kept for people until {}", until.format("%H:%M:%S UTC"))]
    Budget {
        /// When to look again.
        until: DateTime<Utc>,
    },
    /// The key is wrong, revoked or lacks the right.
    #[error("Fivetran refuses the API key: {message}")]
    KeyRefused {
        /// 401 or 403.
        status: u16,
        /// Method, path, status and Fivetran's words.
        message: String,
    },
    /// No answer.
    #[error("Fivetran cannot be reached: {detail}")]
    Unreachable {
        /// Method, path and what happened.
        detail: String,
    },
    /// An answer that is none: 5xx after all attempts, HTML, half an answer, another id.
    #[error("Fivetran answers oddly: {detail}")]
    Odd {
        /// The HTTP status.
        status: u16,
        /// Method, path, status and Fivetran's words.
        detail: String,
    },
}

impl From<Shut> for ReadError {
    fn from(shut: Shut) -> Self {
        match shut {
            Shut::Throttled(until) => Self::Throttled { until },
            Shut::Budget(until) => Self::Budget { until },
        }
    }
}

/// One GET.
pub(super) struct Get<'a> {
    pub(super) path: &'a str,
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) accept: &'static str,
    pub(super) limit: usize,
}

impl FivetranClient {
    /// Reads a list to its end. `read` makes an item from its wire form or leaves it out; of two
    /// items with one `id` (a list that shifts between pages) the later one stays.
    pub(super) async fn list<W: DeserializeOwned, M>(
        &self,
        path: &str,
        accept: &'static str,
        who: Priority,
        read: impl Fn(W, DateTime<Utc>) -> Option<M>,
        id: impl Fn(&M) -> String,
    ) -> Result<Vec<M>, ReadError> {
        let mut all: Vec<M> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let mut cursors: HashSet<String> = HashSet::new();
        let mut cursor: Option<String> = None;
        let mut left_out = 0_usize;
        loop {
            let mut query = vec![("limit", PAGE.to_owned())];
            query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let get = Get {
                path,
                query,
                accept,
                limit: LIST_LIMIT,
            };
            let read_at = self.0.ctx.now();
            let answer = self.fetch(&get, who).await?;
            let page: Page<W> = decode(&get, &answer)?;
            for item in page.items {
                let Some(item) = item.0.and_then(|wire| read(wire, read_at)) else {
                    left_out += 1;
                    continue;
                };
                match places.entry(id(&item)) {
                    Entry::Occupied(place) => all[*place.get()] = item,
                    Entry::Vacant(place) => {
                        place.insert(all.len());
                        all.push(item);
                    }
                }
            }
            let Some(next) = page.next_cursor else {
                break;
            };
            if !cursors.insert(next.clone()) {
                return Err(odd(&get, &answer, "the list comes back to an earlier page"));
            }
            if cursors.len() >= MAX_PAGES {
                return Err(odd(&get, &answer, "the list does not end"));
            }
            cursor = Some(next);
        }
        if left_out > 0 {
            tracing::warn!(path, left_out, "items of a Fivetran list cannot be read");
        }
        Ok(all)
    }

    /// One GET with its attempts. An answer is 2xx, 3xx or a 4xx that is no matter of keys or
    /// limits.
    pub(super) async fn fetch(&self, get: &Get<'_>, who: Priority) -> Result<Answer, ReadError> {
        let inner = &*self.0;
        let started = inner.ctx.monotonic();
        let mut attempt = 1;
        loop {
            inner.door.pass(who, inner.ctx.now())?;
            let tried = self.try_once(get).await;
            let again = match &tried {
                Ok(answer) => answer.status >= 500,
                Err(failed) => failed.again,
            };
            // A failure that took long is not repeated: Fivetran's gateway gives up after 60 s,
            // and nobody should wait for that three times.
            let in_time = started.elapsed() < inner.settings.timeout / 2;
            if !(again && in_time && attempt < ATTEMPTS) {
                return self.settle(get, tried);
            }
            tokio::time::sleep(wait_after(attempt)).await;
            attempt += 1;
        }
    }

    async fn try_once(&self, get: &Get<'_>) -> Result<Answer, Failed> {
        let http = &self.0.reading;
        let request = self.request(http, Method::GET, get.path, get.accept, None);
        let mut request = request.map_err(|why| Failed { why, again: false })?;
        if !get.query.is_empty() {
            request.url_mut().query_pairs_mut().extend_pairs(&get.query);
        }
        let answer = transport::exchange(http, request, get.limit).await;
        let answer = answer.map_err(|error| Failed {
            why: explain(&error),
            again: error.is_connect() || !error.is_timeout(),
        })?;
        self.learn(&answer);
        Ok(answer)
    }

    fn settle(&self, get: &Get<'_>, tried: Result<Answer, Failed>) -> Result<Answer, ReadError> {
        let answer = tried.map_err(|failed| ReadError::Unreachable {
            detail: format!("GET {}: {}", get.path, failed.why),
        })?;
        let status = answer.status;
        match status {
            401 | 403 => Err(ReadError::KeyRefused {
                status,
                message: in_words(get, &answer, &words_of(&answer)),
            }),
            // The answer has just shut the door, so the door knows until when.
            429 => match self.0.door.pass(Priority::People, self.0.ctx.now()) {
                Err(shut) => Err(shut.into()),
                Ok(()) => Err(odd(get, &answer, "too many requests")),
            },
            500.. => Err(odd(get, &answer, &words_of(&answer))),
            _ => Ok(answer),
        }
    }
}

/// An attempt without an answer.
struct Failed {
    why: String,
    again: bool,
}

/// What an answer holds in `data`.
pub(super) fn decode<T: DeserializeOwned>(get: &Get<'_>, answer: &Answer) -> Result<T, ReadError> {
    if !(200..300).contains(&answer.status) {
        return Err(odd(get, answer, &words_of(answer)));
    }
    let body = match &answer.body {
        Ok(body) => body,
        Err(why) => return Err(odd(get, answer, why)),
    };
    let envelope: Envelope<T> = serde_json::from_slice(body).map_err(|error| {
        // The parser's own text may quote the body.
        let why = format!("{:?} error in line {}", error.classify(), error.line());
        odd(get, answer, &format!("the answer cannot be read: {why}"))
    })?;
    if envelope.code.as_deref() != Some("Success") {
        return Err(odd(get, answer, &words_of(answer)));
    }
    let data = envelope.data;
    data.ok_or_else(|| odd(get, answer, "the answer holds no data"))
}

/// Whether the body of a 404 is Fivetran's own: its codes begin with `NotFound`, and its answers
/// may have no body at all (docs: rest-api/getting-started/api-response-codes).
pub(super) fn says_not_found(body: &[u8]) -> bool {
    let code = || field(&object(body)?, "code");
    body.is_empty() || code().is_some_and(|code| code.starts_with("NotFound"))
}

/// An answer that is none.
pub(super) fn odd(get: &Get<'_>, answer: &Answer, why: &str) -> ReadError {
    ReadError::Odd {
        status: answer.status,
        detail: in_words(get, answer, why),
    }
}

fn in_words(get: &Get<'_>, answer: &Answer, why: &str) -> String {
    format!("GET {}: {}: {why}", get.path, answer.status)
}

/// How long to wait after the attempt of this number, 1 or 2.
fn wait_after(attempt: u32) -> Duration {
    let wait = FIRST_WAIT * attempt;
    // A fresh hasher is seeded at random: all the chance that is needed to spread callers out.
    let chance = RandomState::new().build_hasher().finish() % 1000;
    wait + wait * u32::try_from(chance).unwrap_or(0) / 1000
}
