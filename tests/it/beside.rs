//! What the tests use besides this repository: reference data, PostgreSQL, strace, Chromium.
//!
//! Where something is missing, what needs it is left out and said so; where it is demanded
//! (`SYNCGATE_REQUIRE_…=1`), its absence is a failure.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Whether this is demanded: `SHARED`, `POSTGRES`, `STRACE`, `CHROMIUM`.
pub fn is_demanded(what: &str) -> bool {
    std::env::var(format!("SYNCGATE_REQUIRE_{what}")).is_ok_and(|v| v == "1")
}

/// Says that a passing test did not test this: on stdout, and as a line of the file that
/// `SYNCGATE_LEFT_OUT` names.
pub fn left_out(what: &str) {
    println!("left out: {what}");
    if let Some(file) = std::env::var_os("SYNCGATE_LEFT_OUT") {
        let file = std::fs::File::options()
            .create(true)
            .append(true)
            .open(file);
        writeln!(file.unwrap(), "{what}").unwrap();
    }
}

/// A file of the reference data that lies beside the repository; `None` where it is not there.
pub fn shared(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SYNCGATE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    assert!(
        !is_demanded("SHARED"),
        "the shared file {name} is demanded and missing"
    );
    left_out(&format!("the shared file {name} is not here"));
    None
}

/// The text of a shared file.
pub fn shared_text(name: &str) -> Option<String> {
    shared(name).map(|path| std::fs::read_to_string(path).unwrap())
}
