//! The demo's page in a browser: the real program, headless Chromium, and what a person sees and does.
//!
//! The few commands of WebDriver that this takes are sent with the HTTP client that is here anyway. Of the
//! crates for it, one brings a licence that `deny.toml` does not allow, one makes `serde_json` keep the order
//! of keys in everything that is tested, and one compiles for a minute.

mod demo;
mod driver;
mod page;
mod plain;

use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::beside::{is_demanded, left_out};
pub use demo::Demo;
pub use driver::Browser;

/// The browser's names; Debian calls it by the first.
const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

/// The browser that is here with its driver.
pub fn chromium() -> Option<&'static str> {
    static FOUND: LazyLock<Option<&'static str>> = LazyLock::new(|| {
        let runs = |name: &str| {
            let mut command = Command::new(name);
            let asked = command.arg("--version").stdout(Stdio::null());
            asked
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|s| s.success())
        };
        let found = NAMES.into_iter().find(|name| runs(name));
        let found = found.filter(|_| runs("chromedriver"));
        if found.is_none() {
            let why = "the demo's page in a browser: chromium and chromedriver are not here";
            assert!(!is_demanded("CHROMIUM"), "{why}, and are demanded");
            left_out(why);
        }
        found
    });
    *FOUND
}

/// Runs a test's body with a demo of its own and a browser that shows it.
fn page(body: impl AsyncFn(&Demo, &Browser)) {
    // One at a time: a browser and a service each want the machine.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(chromium) = chromium() else { return };
    crate::process::runtime().block_on(async {
        let demo = Demo::start(&[]).await;
        let browser = Browser::start(chromium).await;
        body(&demo, &browser).await;
        let complaints = browser.complaints().await;
        assert_eq!(
            complaints,
            Vec::<String>::new(),
            "what the browser complained of"
        );
        browser.close().await;
    });
}
