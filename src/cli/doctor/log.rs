//! Whether the rows of Fivetran's log can be read where they are said to be.

use super::Patient;
use super::report::Finding;
use crate::cli::assemble;
use crate::config;
use crate::fivetran::LogSource;

const CHECK: &str = "log source";

/// The source of log rows; a folder that cannot be listed is a wrong setting.
pub(super) async fn check(patient: &Patient<'_>) -> Vec<Finding> {
    let Some(settings) = &patient.settings else {
        return Vec::new();
    };
    vec![match &settings.log_source {
        None => Finding::ok(CHECK, "none: causes stand on reasons and tasks alone"),
        Some(source) => of(source).await,
    }]
}

async fn of(setting: &config::LogSource) -> Finding {
    let mend = "Look at SYNCGATE_LOG_SOURCE: the address, the schema, and whether this user may SELECT from \
                the table `log`. Until then causes stand on reasons and tasks alone.";
    match assemble::log_source(setting) {
        Err(why) => Finding::fail(CHECK, format!("{why:#}"), mend),
        Ok(LogSource::Files(folder)) => {
            Finding::ok(CHECK, format!("the folder {}", folder.display()))
        }
        Ok(LogSource::Postgres(table)) => match table.check().await {
            Ok(()) => Finding::ok(CHECK, format!("PostgreSQL, {}", table.place())),
            Err(why) => Finding::fail(CHECK, format!("{}: {why:#}", table.place()), mend),
        },
    }
}
