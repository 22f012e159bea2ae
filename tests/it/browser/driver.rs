//! A browser, driven as WebDriver says.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// How long anything that is waited for may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(40);
/// The key under which an element is named.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with one window; dropped, it is ended.
pub struct Browser {
    driver: Child,
    http: reqwest::Client,
    session: String,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub async fn start(chromium: &str) -> Self {
        let mut driver = Command::new("chromedriver");
        let driver = driver.arg("--port=0").stdin(Stdio::null());
        let mut driver = driver
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let port = line.split_once("successfully on port ")?.1;
            port.trim_end_matches('.').parse::<u16>().ok()
        });
        // Whoever does not read on would make it wait when it says more.
        std::thread::spawn(move || lines.count());
        let profile = tempfile::tempdir().unwrap();
        let mut arguments: Vec<String> = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--window-size=1440,900",
        ]
        .map(str::to_owned)
        .into();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"args": arguments, "binary": found(chromium)},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}});
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut browser = Self {
            driver,
            http,
            session: format!("http://127.0.0.1:{}/session", port.expect("a port")),
            _profile: profile,
        };
        let session = browser.post("", wanted).await.expect("a browser");
        let id = session["sessionId"].as_str().unwrap();
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, String> {
        let sent = self.http.post(format!("{}{path}", self.session));
        let answer = sent.json(&body).send().await.unwrap();
        let good = answer.status().is_success();
        let mut answer: Value = answer.json().await.unwrap();
        let value = answer["value"].take();
        if good {
            Ok(value)
        } else {
            Err(value.to_string())
        }
    }

    pub async fn goto(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await.unwrap();
    }

    /// What a function's body returns in the page.
    pub async fn run(&self, script: &str) -> Value {
        let body = json!({"script": script, "args": []});
        self.post("/execute/sync", body).await.unwrap()
    }

    /// One of the browser's own commands.
    pub async fn tell(&self, command: &str, parameters: Value) {
        let body = json!({"cmd": command, "params": parameters});
        self.post("/goog/cdp/execute", body).await.unwrap();
    }

    /// Waits for what an XPath finds and does something to it; again, where the page has put another in its
    /// place in between or something lies above it.
    async fn act(&self, path: &str, act: &str, body: &Value) {
        let mut why = String::new();
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            let search = json!({"using": "xpath", "value": path});
            let done = match self.post("/element", search).await {
                Ok(found) => {
                    let id = found[ELEMENT].as_str().unwrap();
                    self.post(&format!("/element/{id}/{act}"), body.clone())
                        .await
                }
                Err(why) => Err(why),
            };
            match done {
                Ok(_) => return,
                Err(error) => why = error,
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("{act} {path}: {why}\n{}", self.text("body").await);
    }

    pub async fn click(&self, path: &str) {
        self.act(path, "click", &json!({})).await;
    }

    pub async fn press(&self, label: &str) {
        self.click(&format!("//button[normalize-space()='{label}']"))
            .await;
    }

    pub async fn write(&self, path: &str, text: &str) {
        self.act(path, "value", &json!({ "text": text })).await;
    }

    /// The words that a part of the page shows.
    pub async fn text(&self, selector: &str) -> String {
        let script = format!("return document.querySelector({selector:?})?.innerText ?? ''");
        self.run(&script).await.as_str().unwrap().to_owned()
    }

    /// Waits until a part of the page shows these words.
    pub async fn sees(&self, selector: &str, words: &str) {
        self.until(&format!("{words:?} in {selector}"), async || {
            self.text(selector).await.contains(words)
        })
        .await;
    }

    pub async fn until(&self, what: &str, so: impl AsyncFn() -> bool) {
        for _ in 0..PATIENCE.as_millis() / LOOK.as_millis() {
            if so().await {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("in vain: {what}\n{}", self.text("body").await);
    }

    /// What the browser has complained of: scripts that failed or were refused.
    pub async fn complaints(&self) -> Vec<String> {
        let log = self
            .post("/se/log", json!({"type": "browser"}))
            .await
            .unwrap();
        let log = log.as_array().unwrap().iter();
        log.map(|entry| entry["message"].to_string()).collect()
    }

    pub async fn close(self) {
        let ended = self.http.delete(&self.session).send().await;
        ended.unwrap();
    }
}

/// Where a program is: the driver wants its whole path.
fn found(program: &str) -> String {
    let folders = std::env::var_os("PATH").unwrap();
    let mut places = std::env::split_paths(&folders).map(|folder| folder.join(program));
    let place = places.find(|place| place.exists()).unwrap();
    place.display().to_string()
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
