//! Settings from the environment and a `.env` file (SPEC §4).
//!
//! All that is missing or wrong is told at once, each with its remedy. No value of a secret is ever
//! part of a message.

mod account;
mod logs;
mod model;
mod placeholder;

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use url::{Url, form_urlencoded};

pub use account::Account;
pub use logs::LogSource;
use logs::{log_filter, log_format, log_source};
pub use model::ModelAccount;
use placeholder::is_placeholder;

/// The settings that are secrets.
const SECRETS: [&str; 7] = [
    "SLACK_BOT_TOKEN",
    "SLACK_APP_TOKEN",
    "SLACK_SIGNING_SECRET",
    "FIVETRAN_API_KEY",
    "FIVETRAN_API_SECRET",
    "FIVETRAN_WEBHOOK_SECRET",
    "OPENAI_API_KEY",
];
/// A shorter word is none, and would tear holes into every text if it were taken for one.
const SHORTEST_SECRET: usize = 8;

/// Where the settings come from: the environment, and behind it the `.env` file.
#[derive(Clone, Default)]
pub struct Variables(HashMap<String, String>);

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The whole environment, with who knows whose secrets in it.
        f.debug_struct("Variables").finish_non_exhaustive()
    }
}

/// The settings of `serve`.
pub struct Settings {
    /// `DATABASE_URL`
    pub database: String,
    /// `SYNCGATE_POLICY`
    pub policy: PathBuf,
    /// `SYNCGATE_BIND`
    pub bind: SocketAddr,
    /// `SLACK_BOT_TOKEN`
    pub slack_token: SecretString,
    /// `SLACK_SIGNING_SECRET`; two, separated by a comma, while one replaces the other. Empty
    /// switches the HTTP routes off.
    pub slack_secrets: Vec<SecretString>,
    /// `SLACK_APP_TOKEN`; switches Socket Mode on.
    pub slack_app_token: Option<SecretString>,
    /// `SLACK_API_URL`
    pub slack_api: Url,
    /// The Fivetran account.
    pub fivetran: Account,
    /// `FIVETRAN_WEBHOOK_SECRET`; empty switches the route off.
    pub webhook_secrets: Vec<SecretString>,
    /// The language model, where one is set.
    pub model: Option<ModelAccount>,
    /// `SYNCGATE_LOG_SOURCE`: where Fivetran's log rows are.
    pub log_source: Option<LogSource>,
    /// `SYNCGATE_PUBLIC_URL`: where Fivetran reaches this service.
    pub public_url: Option<Url>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The key names an account, and a database's address may hold its password.
        f.debug_struct("Settings")
            .field("policy", &self.policy)
            .field("bind", &self.bind)
            .field("slack_api", &self.slack_api.as_str())
            .field("fivetran_api", &self.fivetran.api.as_str())
            .finish_non_exhaustive()
    }
}

/// One setting that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The variable.
    pub name: &'static str,
    /// What is wrong, and what to do.
    pub what: String,
}

/// All that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.0.iter().enumerate() {
            let newline = if i > 0 { "\n" } else { "" };
            write!(f, "{newline}{}: {}", problem.name, problem.what)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

impl Variables {
    /// The process's environment; where a variable is not set there, the `.env` file in `folder`.
    ///
    /// # Errors
    /// When the `.env` file is there but cannot be read; names the line.
    pub fn load(folder: &Path) -> Result<Self, Problems> {
        let mut values = HashMap::new();
        let file = folder.join(".env");
        if file.exists() {
            let wrong = |error: &dyn fmt::Display| {
                let what = format!("cannot be read: {error}");
                Problems(vec![Problem { name: ".env", what }])
            };
            let text = std::fs::read_to_string(&file).map_err(|error| wrong(&error))?;
            for pair in dotenvy::from_read_iter(text.as_bytes()) {
                // The error's text repeats the line, which may hold a secret.
                let (name, value) = pair.map_err(|error| wrong(&not_a_pair(&text, &error)))?;
                values.insert(name, value);
            }
        }
        // Variables that are not Unicode cannot be any of ours.
        values.extend(std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        }));
        Ok(Self(values))
    }

    /// Variables given by hand.
    pub fn of<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .collect(),
        )
    }

    /// The values of the settings that are secrets, whether or not the settings are complete.
    pub fn secrets(&self) -> Vec<String> {
        let values = SECRETS.iter().filter_map(|name| self.get(name));
        let each = values.flat_map(|value| value.split(',')).map(str::trim);
        let long = each.filter(|value| value.len() >= SHORTEST_SECRET);
        long.map(str::to_owned).collect()
    }

    /// A variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(|value| value.trim())
            .filter(|value| !value.is_empty())
    }

    /// `SYNCGATE_POLICY`, or its default.
    pub fn policy(&self) -> PathBuf {
        self.get("SYNCGATE_POLICY").unwrap_or("policy.yml").into()
    }

    /// `DATABASE_URL`, or its default.
    pub fn database(&self) -> &str {
        self.get("DATABASE_URL").unwrap_or("sqlite://syncgate.db")
    }
}

/// Which line of the `.env` file cannot be read, without a word of it.
fn not_a_pair(text: &str, error: &dotenvy::Error) -> String {
    let number = match error {
        dotenvy::Error::LineParse(line, _) => text.lines().position(|l| l.trim() == line.trim()),
        _ => None,
    };
    number.map_or_else(
        || "a line is not NAME=value".to_owned(),
        |before| format!("line {} is not NAME=value", before + 1),
    )
}

/// Collects problems while the settings are read.
struct Reader<'a> {
    from: &'a Variables,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn problem(&mut self, name: &'static str, what: impl Into<String>) {
        self.problems.push(Problem {
            name,
            what: what.into(),
        });
    }

    fn required(&mut self, name: &'static str, remedy: &str) -> String {
        match self.from.get(name) {
            Some(value) => value.to_owned(),
            None => {
                self.problem(name, format!("is not set; {remedy}"));
                String::new()
            }
        }
    }

    fn parsed<T>(
        &mut self,
        name: &'static str,
        default: &str,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(self.from.get(name).unwrap_or(default)) {
            Ok(value) => Some(value),
            Err(what) => {
                self.problem(name, what);
                None
            }
        }
    }

    /// Secrets that sign what comes in: whoever knows or guesses one can approve anything.
    fn secrets(&mut self, name: &'static str) -> Vec<SecretString> {
        let Some(value) = self.from.get(name) else {
            return Vec::new();
        };
        let secrets: Vec<&str> = value.split(',').map(str::trim).collect();
        let weak = |secret: &&str| secret.len() < 16 || is_placeholder(secret);
        if secrets.len() > 2 || secrets.iter().any(weak) {
            self.problem(
                name,
                "is too short or a placeholder; copy the real secret (at least 16 characters; two, \
                 separated by a comma, while you change it)",
            );
            return Vec::new();
        }
        secrets
            .into_iter()
            .map(|secret| secret.to_owned().into())
            .collect()
    }
}

fn url(value: &str) -> Result<Url, String> {
    let url = Url::parse(value).map_err(|error| format!("is not a URL: {error}"))?;
    let local = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    match url.scheme() {
        _ if !bare => {
            Err("holds a user, a password, a query or a #; write the address alone".to_owned())
        }
        "https" => Ok(url),
        // The simulator and a developer's proxy; credentials leave the machine only over TLS.
        "http" if local => Ok(url),
        _ => Err("must begin with https:// (http:// only for this machine)".to_owned()),
    }
}

/// The versions of Fivetran's API are in the paths that Syncgate asks for.
fn fivetran_url(value: &str) -> Result<Url, String> {
    let url = url(value)?;
    if url.path() == "/" {
        Ok(url)
    } else {
        Err(format!("must end after the host; remove {}", url.path()))
    }
}

/// A password as it stands in an address, and as it is.
fn spellings(encoded: &str) -> Vec<String> {
    // As a form's value; there, a plus sign would be a space, and others would end it.
    let value = encoded
        .replace('+', "%2B")
        .replace('&', "%26")
        .replace('=', "%3D");
    let decoded = form_urlencoded::parse(value.as_bytes()).next();
    let decoded = decoded.map(|(name, _)| name.into_owned());
    decoded.into_iter().chain([encoded.to_owned()]).collect()
}

impl Settings {
    /// Reads the settings of `serve`.
    ///
    /// # Errors
    /// Everything that is missing or wrong.
    pub fn read(from: &Variables) -> Result<Self, Problems> {
        let mut r = Reader {
            from,
            problems: Vec::new(),
        };
        let token = r.slack_token();
        let (slack_secrets, slack_app_token) = r.slack_ways_in();
        let account = r.account();
        let model = r.model();
        let webhook_secrets = r.secrets("FIVETRAN_WEBHOOK_SECRET");
        let slack_api = r.parsed("SLACK_API_URL", "https://slack.com/api", url);
        let public_url = from
            .get("SYNCGATE_PUBLIC_URL")
            .and_then(|value| r.parsed("SYNCGATE_PUBLIC_URL", value, url));
        r.parsed("RUST_LOG", "info", log_filter);
        r.parsed("SYNCGATE_LOG_FORMAT", "text", log_format);
        let rows = r.parsed("SYNCGATE_LOG_SOURCE", "none", log_source);
        let bind = r.parsed("SYNCGATE_BIND", "127.0.0.1:8080", |value| {
            value
                .parse()
                .map_err(|_| format!("{value} is no address; write 127.0.0.1:8080"))
        });
        let database = r.parsed("DATABASE_URL", "sqlite://syncgate.db", |value| {
            let known = ["sqlite:", "postgres:", "postgresql:"];
            if known.iter().any(|scheme| value.starts_with(scheme)) {
                Ok(value.to_owned())
            } else {
                Err("must begin with sqlite:// or postgres://".to_owned())
            }
        });
        let policy = from.policy();
        match (r.problems.is_empty(), slack_api, account, bind, database) {
            (true, Some(slack_api), Some(account), Some(bind), Some(database)) => Ok(Self {
                database,
                policy,
                bind,
                slack_token: token.into(),
                slack_secrets,
                slack_app_token,
                slack_api,
                fivetran: account,
                webhook_secrets,
                model,
                log_source: rows.flatten(),
                public_url,
            }),
            _ => Err(Problems(r.problems)),
        }
    }

    /// Where Fivetran's webhook posts, if `SYNCGATE_PUBLIC_URL` is set.
    pub fn webhook_address(&self) -> Option<String> {
        let base = self.public_url.as_ref()?.as_str().trim_end_matches('/');
        Some(format!("{base}/fivetran/webhooks"))
    }

    /// Where Fivetran's webhook is to post and is let in; unset where it is not used.
    pub fn webhook_in_use(&self) -> Option<String> {
        self.webhook_address()
            .filter(|_| !self.webhook_secrets.is_empty())
    }

    /// Every secret of ours, for the redactor: none of them may leave, whatever quotes it.
    pub fn own_secrets(&self) -> Vec<String> {
        let mut own = vec![self.slack_token.expose_secret().to_owned()];
        own.extend(self.fivetran.own_secrets());
        own.extend(self.model.iter().filter_map(ModelAccount::own_secret));
        let others = self.slack_secrets.iter().chain(&self.webhook_secrets);
        let others = others.chain(&self.slack_app_token);
        own.extend(others.map(|secret| secret.expose_secret().to_owned()));
        own.extend(passwords(&self.database));
        own.extend(self.log_source.iter().flat_map(LogSource::passwords));
        own
    }
}

/// The passwords in a database's address.
fn passwords(url: &str) -> Vec<String> {
    let Ok(url) = Url::parse(url) else {
        return Vec::new();
    };
    let mut own: Vec<String> = url.password().into_iter().flat_map(spellings).collect();
    let named = url
        .query_pairs()
        .filter(|(name, _)| name.contains("password"));
    own.extend(named.map(|(_, password)| password.into_owned()));
    own
}

mod slack;
#[cfg(test)]
mod tests;
