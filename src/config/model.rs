//! The settings of a language model: all of them, or none.

use secrecy::{ExposeSecret, SecretString};
use url::{Host, Url};

use super::{Problems, Reader, SHORTEST_SECRET, Variables, url};

/// How a language model is reached.
#[derive(Clone)]
pub struct ModelAccount {
    /// `OPENAI_BASE_URL`
    pub base: Url,
    /// `OPENAI_API_KEY`
    pub key: SecretString,
    /// `OPENAI_MODEL`, or `OPENAI_DEPLOYMENT`
    pub model: String,
    /// `OPENAI_API_VERSION`, for Azure alone.
    pub azure_version: Option<String>,
}

const KEY: &str = "OPENAI_API_KEY";
const BASE: &str = "OPENAI_BASE_URL";
const MODEL: &str = "OPENAI_MODEL";
const FLAVOUR: &str = "OPENAI_FLAVOUR";
const DEPLOYMENT: &str = "OPENAI_DEPLOYMENT";
const VERSION: &str = "OPENAI_API_VERSION";

impl ModelAccount {
    /// Reads the settings of the model and no others; none where none is set.
    ///
    /// # Errors
    /// Everything that is missing or wrong.
    pub fn read(from: &Variables) -> Result<Option<Self>, Problems> {
        let mut reader = Reader {
            from,
            problems: Vec::new(),
        };
        let account = reader.model();
        if reader.problems.is_empty() {
            Ok(account)
        } else {
            Err(Problems(reader.problems))
        }
    }

    /// What must never be shown; a word that only stands for a key is nothing to hide.
    pub fn own_secret(&self) -> Option<String> {
        let key = self.key.expose_secret();
        (key.len() >= SHORTEST_SECRET).then(|| key.to_owned())
    }
}

impl Reader<'_> {
    /// The model; none where nothing of it is set. What is half set is noted as a problem.
    pub(super) fn model(&mut self) -> Option<ModelAccount> {
        let all = [KEY, BASE, MODEL, FLAVOUR, DEPLOYMENT, VERSION];
        let set = all.iter().any(|name| self.from.get(name).is_some());
        if !set {
            return None;
        }
        let azure = self.parsed(FLAVOUR, "openai", |flavour| match flavour {
            "openai" => Ok(false),
            "azure" => Ok(true),
            _ => Err("is neither openai nor azure".to_owned()),
        })?;
        let alone = "; without a model unset all OPENAI_ variables";
        let key = self.required(
            KEY,
            &format!("write any word if the server asks for none{alone}"),
        );
        if !key.chars().all(|c| c.is_ascii_graphic()) {
            self.problem(
                KEY,
                "holds a space or a character that no key has; copy it again",
            );
        }
        let name = if azure { DEPLOYMENT } else { MODEL };
        let model = self.required(name, &format!("name the one to ask{alone}"));
        if azure
            && !model
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            self.problem(
                DEPLOYMENT,
                "holds a character that no deployment's name has",
            );
        }
        let azure_version = azure.then(|| {
            self.required(
                VERSION,
                "2024-08-01-preview or later, else answers have no schema",
            )
        });
        let base = match azure {
            true if self.from.get(BASE).is_none() => {
                self.required(BASE, "write https://RESOURCE.openai.azure.com");
                None
            }
            _ => self.parsed(BASE, "https://api.openai.com/v1", model_url),
        };
        Some(ModelAccount {
            base: base?,
            key: key.into(),
            model,
            azure_version,
        })
    }
}

/// A model of one's own often stands in the private network and speaks plain HTTP: what is sent
/// there was redacted, and does not leave that network. Anywhere else it has to be TLS.
fn model_url(value: &str) -> Result<Url, String> {
    let checked = url(value);
    match Url::parse(value) {
        Ok(parsed) if parsed.scheme() == "http" && checked.is_err() && is_private(&parsed) => {
            // The same rules, but for the scheme.
            url(&value.replacen("http", "https", 1)).map(|_| parsed)
        }
        _ => checked.map_err(|why| {
            why.replace(
                "only for this machine",
                "only for this machine and private addresses",
            )
        }),
    }
}

/// An address of a private network, or a name that only such a network can know.
fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_private(),
        Some(Host::Ipv6(ip)) => ip.is_unique_local(),
        Some(Host::Domain(name)) => {
            let inner = [".internal", ".local", ".lan", ".home.arpa"];
            !name.contains('.') || inner.iter().any(|end| name.ends_with(end))
        }
        None => false,
    }
}
