//! What is logged, and where Fivetran's log is found.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::EnvFilter;
use url::Url;

pub(super) fn log_filter(value: &str) -> Result<(), String> {
    let parsed = EnvFilter::try_new(value).map(drop);
    parsed.map_err(|error| format!("is no filter ({error}); write info, or syncgate=debug,info"))
}

pub(super) fn log_format(value: &str) -> Result<(), String> {
    match value {
        "text" | "json" => Ok(()),
        _ => Err("is neither text nor json".to_owned()),
    }
}

/// Where Fivetran's log rows are read.
#[derive(Clone, Debug)]
pub enum LogSource {
    /// A folder that can be listed.
    Files(PathBuf),
    /// A PostgreSQL destination.
    Postgres {
        /// Its address, without what is only for us.
        url: SecretString,
        /// The schema with the table `log`.
        schema: String,
    },
}

impl LogSource {
    /// The secret in it.
    pub(super) fn passwords(&self) -> Vec<String> {
        match self {
            Self::Files(_) => Vec::new(),
            Self::Postgres { url, .. } => super::passwords(url.expose_secret()),
        }
    }
}

/// `none`, a folder that can be listed now, or the address of a database.
pub(super) fn log_source(value: &str) -> Result<Option<LogSource>, String> {
    if ["postgres://", "postgresql://"]
        .iter()
        .any(|scheme| value.starts_with(scheme))
    {
        return table(value).map(Some);
    }
    let folder = match (value, value.strip_prefix("file:")) {
        ("none", _) => return Ok(None),
        (_, Some(folder)) if !folder.is_empty() => PathBuf::from(folder),
        _ => {
            return Err(
                "is neither none nor file:DIR nor postgres://…; name the folder with the rows of \
                 Fivetran's log table, for example file:/var/lib/syncgate/logs, or the database that \
                 holds it, with ?schema=fivetran_log"
                    .to_owned(),
            );
        }
    };
    match std::fs::read_dir(&folder) {
        Ok(_) => Ok(Some(LogSource::Files(folder))),
        Err(error) => Err(format!(
            "cannot list the folder {}: {error}; make it readable for Syncgate, or write none",
            folder.display()
        )),
    }
}

/// The address of a database, whose words may hold a password and are never repeated.
fn table(value: &str) -> Result<LogSource, String> {
    let mut url = Url::parse(value).map_err(|error| format!("is not a URL: {error}"))?;
    let named = url.query_pairs().find(|(name, _)| name == "schema");
    let schema = named
        .map(|(_, schema)| schema.into_owned())
        .unwrap_or_default();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    if schema.is_empty() || !schema.chars().all(is_name) {
        return Err(
            "names no schema; add ?schema=fivetran_log, or fivetran_metadata, whichever holds the \
             table `log`"
                .to_owned(),
        );
    }
    if !url.has_host() {
        return Err(
            "names no host; write postgres://USER:PASSWORD@HOST/DATABASE?schema=fivetran_log"
                .to_owned(),
        );
    }
    let others = url.query_pairs().filter(|(name, _)| name != "schema");
    let others: Vec<_> = others
        .map(|(n, v)| (n.into_owned(), v.into_owned()))
        .collect();
    url.set_query(None);
    if !others.is_empty() {
        url.query_pairs_mut().extend_pairs(others);
    }
    Ok(LogSource::Postgres {
        url: url.to_string().into(),
        schema,
    })
}
