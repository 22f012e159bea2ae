//! What is logged, and where Fivetran's log is found.

use std::path::PathBuf;

use tracing_subscriber::EnvFilter;

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

/// `none`, or a folder that can be listed now.
pub(super) fn log_source(value: &str) -> Result<Option<PathBuf>, String> {
    let folder = match (value, value.strip_prefix("file:")) {
        ("none", _) => return Ok(None),
        (_, Some(folder)) if !folder.is_empty() => PathBuf::from(folder),
        _ => {
            return Err(
                "is neither none nor file:DIR; name the folder with the rows of Fivetran's log \
                 table, for example file:/var/lib/syncgate/logs"
                    .to_owned(),
            );
        }
    };
    match std::fs::read_dir(&folder) {
        Ok(_) => Ok(Some(folder)),
        Err(error) => Err(format!(
            "cannot list the folder {}: {error}; make it readable for Syncgate, or write none",
            folder.display()
        )),
    }
}
