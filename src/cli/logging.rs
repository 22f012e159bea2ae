//! Logs: one line per event on stderr, text or JSON, and never a secret in one.

use std::io::{self, IsTerminal};
use std::panic::PanicHookInfo;
use std::sync::{Arc, OnceLock, Weak};

use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt, registry};

use crate::app::App;
use crate::config::Variables;

/// What these crates log in detail holds whole requests, tokens included; so none of their modules
/// logs more than `info`, whatever `RUST_LOG` says (`reference/slack.md` §1.4).
const QUIET: [&str; 9] = [
    "slack_morphism",
    "hyper",
    "hyper_util",
    "reqwest",
    "rustls",
    "sqlx",
    "tokio_tungstenite",
    "tungstenite",
    "h2",
];

/// Whether a line may be logged at all.
fn is_harmless(line: &Metadata<'_>) -> bool {
    let from = line.target().split("::").next().unwrap_or_default();
    // Its warnings hold whole bodies: what the model server echoes of a prompt (`reference/llm.md` §3).
    from != "async_openai" && (*line.level() <= Level::INFO || !QUIET.contains(&from))
}

/// Whose redactor the lines pass, once there is one.
static APP: OnceLock<Weak<App>> = OnceLock::new();

/// Starts logging as `RUST_LOG` and `SYNCGATE_LOG_FORMAT` say.
pub(super) fn start(variables: &Variables) {
    let wanted = variables.get("RUST_LOG").unwrap_or("info");
    let filter = EnvFilter::try_new(wanted).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer()
        .with_ansi(io::stderr().is_terminal())
        .with_writer(|| Redacted {
            out: io::stderr(),
            clean,
        });
    let lines = match variables.get("SYNCGATE_LOG_FORMAT") {
        Some("json") => lines.json().boxed(),
        _ => lines.with_target(false).boxed(),
    };
    let all = registry().with(lines.with_filter(filter_fn(is_harmless)));
    // A logger that is there already (a test's) stays.
    let _ = all.with(filter).try_init();
}

/// From now on nothing is logged that `app` would not let out anywhere else: errors quote what
/// Fivetran and Slack said, and those quote the source.
pub(super) fn redact(app: &Arc<App>) {
    let _ = APP.set(Arc::downgrade(app));
    std::panic::set_hook(Box::new(report_panic));
}

/// Makes a panic one log line; what it says is redacted with the line.
fn report_panic(panic: &PanicHookInfo<'_>) {
    let place = panic
        .location()
        .map_or_else(String::new, ToString::to_string);
    let said = panic.payload_as_str().unwrap_or("no words");
    tracing::error!(place, said, "a task panicked");
}

/// A line without its secrets; as it is while there is no app yet, and so nothing from outside.
fn clean(line: &str) -> String {
    let app = APP.get().and_then(Weak::upgrade);
    app.map_or_else(|| line.to_owned(), |app| app.clean(line.to_owned()))
}

/// Takes a line at a time, as the logger writes them, and lets it out without its secrets.
struct Redacted<W> {
    out: W,
    clean: fn(&str) -> String,
}

impl<W: io::Write> io::Write for Redacted<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        // One write per line, so that threads do not write into each other's.
        let mut clean = (self.clean)(text.trim_end_matches('\n'));
        clean.push('\n');
        self.out.write_all(clean.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::triage::redact::Redactor;

    static HEARD: Mutex<Vec<u8>> = Mutex::new(Vec::new());

    struct Ear;

    impl io::Write for Ear {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            HEARD.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn clean(line: &str) -> String {
        let redactor = Redactor::new(&[]).unwrap();
        let redactor = redactor.with_known(["canary-of-ours-0001".to_owned()]);
        redactor.text(line).into_owned()
    }

    #[test]
    fn t127_a_panic_is_one_line_without_the_secrets_it_holds() {
        let lines = tracing_subscriber::fmt().with_ansi(false);
        let lines = lines.with_writer(|| Redacted { out: Ear, clean });
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(report_panic));
        let panicked = tracing::subscriber::with_default(lines.finish(), || {
            std::panic::catch_unwind(|| {
                panic!("lost canary-of-ours-0001 at postgres://ana:hunter2-x9@db.internal/orders")
            })
        });
        std::panic::set_hook(before);
        assert!(panicked.is_err());
        let heard = String::from_utf8(HEARD.lock().unwrap().clone()).unwrap();
        assert_eq!(heard.lines().count(), 1, "{heard}");
        assert!(
            heard.contains("a task panicked") && heard.contains("db.internal"),
            "{heard}"
        );
        assert!(heard.contains("logging.rs"), "{heard}");
        assert!(
            !heard.contains("canary") && !heard.contains("hunter2"),
            "{heard}"
        );
    }

    #[test]
    fn no_directive_makes_a_clients_details_loud() {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        struct Count;
        impl<S: tracing::Subscriber> Layer<S> for Count {
            fn on_event(
                &self,
                _: &tracing::Event<'_>,
                _: tracing_subscriber::layer::Context<'_, S>,
            ) {
                COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
        }
        let wanted = EnvFilter::new("trace,hyper_util::client=trace");
        let heard = registry().with(Count.with_filter(filter_fn(is_harmless)));
        tracing::subscriber::with_default(heard.with(wanted), || {
            tracing::trace!(target: "hyper_util::client::legacy", "a whole request");
            tracing::debug!(target: "sqlx::query", "a password");
            tracing::info!(target: "hyper_util::client", "harmless");
            tracing::trace!(target: "syncgate::app", "ours");
            tracing::error!(target: "async_openai::error", "a whole answer");
        });
        assert_eq!(COUNT.load(std::sync::atomic::Ordering::Relaxed), 2);
    }
}
