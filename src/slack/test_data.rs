//! The reference data that lies beside the project, for tests only.

use std::path::{Path, PathBuf};

/// Where a shared file lies, or `None` (and one line on stdout) when this machine lacks it.
///
/// Panics when `SYNCGATE_REQUIRE_SHARED=1` asks for it, as the build server does.
pub fn shared_path(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("SYNCGATE_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        PathBuf::from,
    );
    let path = folder.join(name);
    if path.exists() {
        return Some(path);
    }
    let required = std::env::var_os("SYNCGATE_REQUIRE_SHARED").is_some_and(|v| v == "1");
    assert!(!required, "the shared file {name} is required and missing");
    println!("left out: the shared file {name} is not here");
    None
}

/// The text of a shared file.
pub fn shared(name: &str) -> Option<String> {
    shared_path(name).map(|path| std::fs::read_to_string(path).unwrap())
}
