//! The demo as a process.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running demo; dropped, it is ended.
pub struct Demo {
    child: Child,
    pub url: String,
    /// When it was started.
    pub since: Instant,
}

impl Demo {
    /// Starts the program as a newcomer does, with these settings besides, and waits for its address.
    pub async fn start(settings: &[(&str, &str)]) -> Self {
        let mut command = command("127.0.0.1:0");
        command.envs(settings.iter().copied());
        #[expect(clippy::disallowed_methods, reason = "how long it takes, in real time")]
        let since = Instant::now();
        let mut child = command.stderr(Stdio::null()).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let address = tokio::task::spawn_blocking(move || {
            let mut lines = out.lines().map_while(Result::ok);
            lines.find_map(|line| {
                let (_, rest) = line.split_once("open http://")?;
                Some(format!("http://{}", rest.split(' ').next()?))
            })
        });
        let address = tokio::time::timeout(Duration::from_secs(60), address).await;
        let url = address.unwrap().unwrap().expect("it says its address");
        Self { child, url, since }
    }

    /// The address of a person's page.
    pub fn of(&self, user: &str) -> String {
        format!("{}/?user={user}&channel=C0DATAOPS", self.url)
    }
}

/// `syncgate demo` at this address, with nothing else of the environment.
pub fn command(bind: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_syncgate"));
    command
        .arg("demo")
        .env_clear()
        .env("SYNCGATE_BIND", bind)
        .current_dir(std::env::temp_dir())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_taken_port_is_named_and_two_demos_run_beside_each_other() {
    crate::process::runtime().block_on(async {
        let first = Demo::start(&[]).await;
        let taken = first.url.trim_start_matches("http://").to_owned();
        let mut again = command(&taken);
        let refused = tokio::task::spawn_blocking(move || again.output().unwrap());
        let refused = refused.await.unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        assert!(
            said.contains("SYNCGATE_BIND: cannot listen on") && said.contains(&taken),
            "{said}"
        );
        let second = Demo::start(&[]).await;
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for demo in [&first, &second] {
            let shown = client.get(&demo.url).send().await.unwrap();
            assert!(shown.text().await.unwrap().contains("Syncgate demo"));
        }
    });
}
