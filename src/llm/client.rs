//! Asking: one question, at most a few requests, all within one time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context;
use async_openai::Client;
use async_openai::error::OpenAIError;
use chrono::{DateTime, Utc};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use url::Url;

use super::prompt::Prompt;
use super::shape::{Learned, Shape, Simpler};
use super::transport::{Endpoint, ServerSaid, TooLarge, Transport, http, secret_header};
use super::wire::{Message, Response};
use crate::model::Ctx;
use crate::triage::admit::{Answer, Untrusted};

/// The most of an answer that is looked at; one of the right form is far shorter.
const LONGEST: usize = 16 << 10;
/// Requests for one question: two steps down, two spellings, one repair, one more after a 429.
const REQUESTS: u32 = 6;
/// How long a server that is busy is waited for, whatever it asks for.
const REST: Duration = Duration::from_secs(5);

/// Where the model is and how it is spoken to.
#[derive(Clone)]
pub struct Settings {
    /// The address before `/chat/completions`; for Azure the resource's.
    pub base: Url,
    /// The key.
    pub key: SecretString,
    /// The model's name; for Azure the deployment's.
    pub model: String,
    /// Azure's `api-version`; none for everybody else.
    pub azure_version: Option<String>,
    /// For a whole question, however many requests it takes.
    pub timeout: Duration,
    /// Requests, and tokens, within 24 hours.
    pub daily: (i64, i64),
}

impl Settings {
    /// For a question; the card that waits for it is there already.
    pub const TIMEOUT: Duration = Duration::from_secs(20);
    /// A fleet with a hundred failures a day stays far below it; a flood of failures does not cost
    /// without an end.
    pub const DAILY: (i64, i64) = (500, 2_000_000);
}

/// A model.
pub struct Llm {
    client: Client<Endpoint>,
    model: String,
    timeout: Duration,
    ctx: Ctx,
    /// Where it is and which it is: another one may answer the same prompt otherwise.
    whom: String,
    /// What the server takes, as far as it is known: each process learns it afresh.
    learned: Mutex<Learned>,
    /// Requests, and tokens, within 24 hours.
    pub daily: (i64, i64),
}

/// What came of a question.
#[derive(Debug)]
pub struct Heard {
    /// Requests that were made.
    pub requests: u32,
    /// Tokens that the server counted.
    pub tokens: u64,
    /// The model by its own name, else by ours.
    pub model: String,
    /// In which form the last request was made.
    pub form: &'static str,
    /// Whether it needed a second request to bring its answer into form.
    pub repaired: bool,
    /// The last answer as it came, cut; not redacted.
    pub raw: Option<String>,
    /// The answer, or why there is none.
    pub end: Result<Untrusted<Answer>, Trouble>,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It took too long.
    #[error("no answer in time")]
    Late,
    /// Nobody is there, the connection broke, or the server is out of order.
    #[error("{0}")]
    Down(String),
    /// It answered something that is not of the form. The reason may repeat what it said.
    #[error("the answer is not of the form that was asked for: {0}")]
    Malformed(String),
}

/// Reads an answer: the JSON object in it, whatever stands around.
///
/// # Errors
/// Why it is not of the form that was asked for.
pub fn read(text: &str) -> Result<Untrusted<Answer>, String> {
    if text.len() > LONGEST {
        return Err(format!("it is longer than {} KiB", LONGEST >> 10));
    }
    let object = match (text.find('{'), text.rfind('}')) {
        (Some(from), Some(to)) if from < to => text.get(from..=to).unwrap_or_default(),
        _ => return Err("there is no JSON object in it".to_owned()),
    };
    Untrusted::<Answer>::read(object).map_err(|why| why.chars().take(300).collect())
}

impl Llm {
    /// A client; nothing is asked yet.
    ///
    /// # Errors
    /// When the address or the key cannot be used.
    pub fn new(settings: Settings, ctx: Ctx) -> anyhow::Result<Self> {
        let base = settings.base.as_str().trim_end_matches('/').to_owned();
        let key = settings.key.expose_secret();
        let mut headers = HeaderMap::new();
        let (base, query) = match &settings.azure_version {
            Some(version) => {
                headers.insert("api-key", secret_header(key)?);
                let deployment = &settings.model;
                let base = format!("{base}/openai/deployments/{deployment}");
                (base, vec![("api-version".to_owned(), version.clone())])
            }
            None => {
                headers.insert(AUTHORIZATION, secret_header(&format!("Bearer {key}"))?);
                (base, Vec::new())
            }
        };
        let version = settings.azure_version.as_deref().unwrap_or_default();
        let whom = [&base, &settings.model, version].join("\0");
        let http = http(&settings.base, settings.timeout).context("no HTTP client")?;
        let endpoint = Endpoint {
            base,
            headers,
            query,
            key: settings.key,
        };
        let client = Client::build(http.clone(), endpoint).with_http_service(Transport(http));
        Ok(Self {
            client,
            model: settings.model,
            timeout: settings.timeout,
            ctx,
            whom,
            learned: Mutex::new(Learned::NOTHING),
            daily: settings.daily,
        })
    }

    /// The model's name, as it is configured.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// What an answer to a prompt is found again by.
    pub fn key_of(&self, prompt: &Prompt) -> String {
        let asked = [self.whom.as_str(), &prompt.hash].join("\0");
        hex::encode(Sha256::digest(asked.as_bytes()))
    }

    /// Asks. Everything that can go wrong is part of what was heard.
    pub async fn ask(&self, prompt: &Prompt) -> Heard {
        let mut asking = Asking::of(self, prompt);
        let end = tokio::time::timeout(self.timeout, asking.run()).await;
        let end = end.unwrap_or(Err(Trouble::Late));
        Heard {
            requests: asking.requests,
            tokens: asking.tokens,
            model: asking.model,
            form: asking.shape.format.as_str(),
            repaired: asking.repaired,
            raw: asking.raw,
            end,
        }
    }

    fn learned(&self) -> MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One question under way.
struct Asking<'a> {
    llm: &'a Llm,
    messages: Vec<Message>,
    shape: Shape,
    /// Until when that form is remembered; none is for good.
    until: Option<DateTime<Utc>>,
    requests: u32,
    tokens: u64,
    model: String,
    repaired: bool,
    raw: Option<String>,
    rested: bool,
}

impl<'a> Asking<'a> {
    fn of(llm: &'a Llm, prompt: &Prompt) -> Self {
        let message = |role, content: &str| Message {
            role,
            content: content.to_owned(),
        };
        let (shape, until) = llm.learned().at(llm.ctx.now());
        Self {
            llm,
            messages: vec![
                message("system", &prompt.system),
                message("user", &prompt.user),
            ],
            shape,
            until,
            requests: 0,
            tokens: 0,
            model: llm.model.clone(),
            repaired: false,
            raw: None,
            rested: false,
        }
    }

    async fn run(&mut self) -> Result<Untrusted<Answer>, Trouble> {
        loop {
            let text = match self.request().await {
                Ok(text) => text,
                Err(Next::Try(simpler)) => {
                    self.step_down(simpler);
                    continue;
                }
                Err(Next::Rest(span)) => {
                    tokio::time::sleep(span).await;
                    continue;
                }
                Err(Next::End(trouble)) => return Err(trouble),
            };
            // It took the form. Whether it keeps to it is another matter.
            self.llm.learned().taken(self.shape, self.until);
            match text.and_then(|text| read(&text).map_err(|why| (text, why))) {
                Ok(answer) => return Ok(answer),
                Err((_, why)) if self.repaired || self.requests >= REQUESTS => {
                    return Err(Trouble::Malformed(why));
                }
                Err((text, why)) => self.ask_for_repair(text, &why),
            }
        }
    }

    fn step_down(&mut self, to: Simpler) {
        self.shape = to.shape;
        if !to.proved {
            let until = self.llm.ctx.now() + Learned::SUPPOSED;
            self.until.get_or_insert(until);
        }
    }

    fn ask_for_repair(&mut self, said: String, why: &str) {
        self.repaired = true;
        let content: String = said.chars().take(4_000).collect();
        // Some servers take no message without words.
        if !content.trim().is_empty() {
            let role = "assistant";
            self.messages.push(Message { role, content });
        }
        let role = "user";
        let content = format!("Rejected: {why}. Send the corrected JSON object, and nothing else.");
        self.messages.push(Message { role, content });
    }

    /// One request: the answer's text, or why the text is none.
    async fn request(&mut self) -> Result<Result<String, (String, String)>, Next> {
        if self.requests >= REQUESTS {
            return Err(Next::End(Trouble::Down("it refused every form".to_owned())));
        }
        self.requests += 1;
        let request = self.shape.request(&self.llm.model, &self.messages);
        let answered = self.llm.client.chat().create_byot(request).await;
        let response: Response = answered.map_err(|error| self.next(error))?;
        self.tokens += response.usage.unwrap_or_default().tokens();
        if let Some(model) = response.model.filter(|model| !model.trim().is_empty()) {
            self.model = model.chars().take(100).collect();
        }
        let none = |why: &str| Ok(Err((String::new(), why.to_owned())));
        let Some(choice) = response.choices.into_iter().next() else {
            return none("it is empty");
        };
        let text = choice.message.content.unwrap_or_default();
        self.raw = Some(text.chars().take(LONGEST).collect());
        match choice.finish_reason.as_deref() {
            _ if choice.message.refusal.is_some() => none("it declined"),
            Some("content_filter") => none("its own filter withheld it"),
            Some("length") => Ok(Err((text, "it was cut off".to_owned()))),
            _ => Ok(Ok(text)),
        }
    }

    /// What to do after a request without an answer.
    fn next(&mut self, error: OpenAIError) -> Next {
        let error = match error {
            OpenAIError::Reqwest(error) if error.is_timeout() => return Next::End(Trouble::Late),
            OpenAIError::Reqwest(error) if error.is_connect() => {
                return down("it cannot be reached");
            }
            OpenAIError::Reqwest(_) => return down("the answer broke off"),
            // What it says itself would repeat the whole body.
            OpenAIError::JSONDeserialize(..) => return malformed("it is no chat completion"),
            OpenAIError::Boxed(error) => error,
            _ => return down("the request could not be made"),
        };
        if error.is::<TooLarge>() {
            return malformed("it is far too long");
        }
        let Some(said) = error.downcast_ref::<ServerSaid>() else {
            return down("the request could not be made");
        };
        if let Some(simpler) = self.shape.after(said) {
            return Next::Try(simpler);
        }
        let busy = matches!(said.status, 429 | 502 | 503 | 529);
        if busy && !self.rested {
            self.rested = true;
            let asked_for = said.retry_after.unwrap_or(Duration::from_secs(1));
            // What takes longer is not worth a second try.
            if asked_for <= REST {
                return Next::Rest(asked_for);
            }
        }
        down(&said.to_string())
    }
}

/// What follows a request.
enum Next {
    /// The same in another form.
    Try(Simpler),
    /// The same after a rest.
    Rest(Duration),
    /// Nothing.
    End(Trouble),
}

fn down(why: &str) -> Next {
    Next::End(Trouble::Down(why.to_owned()))
}

fn malformed(why: &str) -> Next {
    Next::End(Trouble::Malformed(why.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Clock;

    #[test]
    fn an_answer_is_found_again_by_who_was_asked_where_and_what() {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let prompt = |hash: &str| Prompt {
            system: String::new(),
            user: String::new(),
            mark: String::new(),
            version: "1",
            hash: hash.to_owned(),
        };
        let key = |base: &str, model: &str, version: Option<&str>, hash| {
            let settings = Settings {
                base: base.parse().unwrap(),
                key: "any".to_owned().into(),
                model: model.to_owned(),
                azure_version: version.map(str::to_owned),
                timeout: Settings::TIMEOUT,
                daily: Settings::DAILY,
            };
            let llm = Llm::new(settings, Ctx::new(Clock::machine())).unwrap();
            llm.key_of(&prompt(hash))
        };
        let (here, there) = ("http://localhost:1/v1", "http://localhost:2/v1");
        let first = key(here, "m", None, "h");
        assert_eq!(key("http://localhost:1/v1/", "m", None, "h"), first);
        for other in [
            key(there, "m", None, "h"),
            key(here, "n", None, "h"),
            key(here, "m", None, "i"),
            key(here, "m", Some("2024-10-21"), "h"),
        ] {
            assert_ne!(other, first);
        }
        let newer = key(here, "m", Some("2025-01-01"), "h");
        assert_ne!(key(here, "m", Some("2024-10-21"), "h"), newer);
    }
}
