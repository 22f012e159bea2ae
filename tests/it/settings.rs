//! What `serve` says when it cannot start: everything at once, by name, with the remedy, exit 1.

use std::process::Output;

use syncgate::model::Clock;

use crate::harness::SECRETS;
use crate::harness::people::{ANA, EMIL, POLICY};
use crate::harness::{API_KEY, API_SECRET, Database};
use crate::process::{Stage, runtime, stage};

/// What was said on stderr, without what differs from run to run.
fn complaint(s: &Stage, out: &Output) -> String {
    assert_eq!(out.status.code(), Some(1), "{out:?}");
    assert!(out.stdout.is_empty(), "{out:?}");
    let said = String::from_utf8(out.stderr.clone()).unwrap();
    for secret in SECRETS {
        assert!(!said.contains(secret), "a secret: {said}");
    }
    let folder = s.folder.path().display().to_string();
    said.replace(&folder, "FOLDER")
}

/// `serve` with other settings, to its end.
fn refused(change: impl Fn(&mut Stage)) -> String {
    runtime().block_on(async {
        let database = Database::Sqlite(tempfile::tempdir().unwrap());
        let mut s = Stage::new(database, POLICY).await;
        change(&mut s);
        let out = s.run(&["serve"]).await;
        complaint(&s, &out)
    })
}

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let said = refused(|s| s.settings.clear());
    insta::assert_snapshot!(said, @r"
    SLACK_BOT_TOKEN: is not set; it is the xoxb- token on your Slack app's page under OAuth & Permissions
    SLACK_SIGNING_SECRET: is not set; it is on your Slack app's page under Basic Information. Without a public address set SLACK_APP_TOKEN instead
    FIVETRAN_API_KEY: is not set; make a system key in Fivetran under Account Settings, API Config
    FIVETRAN_API_SECRET: is not set; it comes with the API key
    ");
}

#[test]
fn wrong_settings_and_a_wrong_policy_are_told_together() {
    let said = refused(|s| {
        s.set("SLACK_BOT_TOKEN", "a-token-that-is-none");
        s.set("SLACK_SIGNING_SECRET", "changeme");
        s.set("FIVETRAN_API_URL", "http://api.fivetran.com");
        s.set("DATABASE_URL", "mysql://u:p4ssw0rd@h/d");
        let broken = POLICY
            .replace("mode: copilot", "mode: pilot")
            .replace("quorum: 1,", "quorums: 1,");
        std::fs::write(s.folder.path().join("policy.yml"), broken).unwrap();
    });
    assert!(
        !said.contains("a-token-that-is-none") && !said.contains("p4ssw0rd"),
        "{said}"
    );
    insta::assert_snapshot!(said, @r"
    SLACK_BOT_TOKEN: is no bot token; a bot token begins with xoxb-
    SLACK_SIGNING_SECRET: is too short or a placeholder; copy the real secret (at least 16 characters; two, separated by a comma, while you change it)
    FIVETRAN_API_URL: must begin with https:// (http:// only for this machine)
    DATABASE_URL: must begin with sqlite:// or postgres://
    SYNCGATE_POLICY: FOLDER/policy.yml:
    line 5, column 7 (mode): `pilot` is not known here; did you mean `copilot`?
    line 11, column 13 (approvals.quorums): `quorums` is no key here; did you mean `quorum`?
    ");
}

#[test]
fn a_policy_that_is_not_there_is_named() {
    let said = refused(|s| s.set("SYNCGATE_POLICY", "no-such-policy.yml"));
    insta::assert_snapshot!(said, @"SYNCGATE_POLICY: cannot read no-such-policy.yml: No such file or directory (os error 2); start from policy.example.yml");
}

#[test]
fn an_env_file_is_read_behind_the_environment() {
    runtime().block_on(async {
        let database = Database::Sqlite(tempfile::tempdir().unwrap());
        let mut s = Stage::new(database, POLICY).await;
        let secret = s.settings.remove("FIVETRAN_API_SECRET").unwrap();
        let text = format!("FIVETRAN_API_SECRET='{secret}'\nSLACK_BOT_TOKEN=xoxb-not-this-one\n");
        std::fs::write(s.folder.path().join(".env"), text).unwrap();
        s.start().await;
        assert!(s.types(ANA, "sync orders").await.ok());
        s.quiet().await;
        assert_eq!(s.states(), ["Done"]);
        s.check().await;
    });
}

#[test]
fn an_env_file_that_cannot_be_read_is_named_and_not_repeated() {
    let said = refused(|s| {
        let text = "SLACK_APP_TOKEN=xapp-1\nthis is no pair with-a-secret-in-it\n";
        std::fs::write(s.folder.path().join(".env"), text).unwrap();
    });
    assert!(!said.contains("with-a-secret-in-it"));
    insta::assert_snapshot!(said, @".env: cannot be read: line 2 is not NAME=value");
    let said = refused(|s| std::fs::create_dir(s.folder.path().join(".env")).unwrap());
    insta::assert_snapshot!(said, @".env: cannot be read: Is a directory (os error 21)");
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused(|s| s.set("SYNCGATE_BIND", &address));
    insta::assert_snapshot!(said.replace(&address, "ADDRESS"), @"SYNCGATE_BIND: cannot listen on ADDRESS: Address already in use (os error 98); set it to a free address");
}

#[test]
fn a_database_that_cannot_be_used_is_named() {
    let said = refused(|s| s.set("DATABASE_URL", "sqlite:///no/such/folder/x.db"));
    insta::assert_snapshot!(said, @"DATABASE_URL: cannot use /no/such/folder/x.db.lock: No such file or directory (os error 2)");
    let said = refused(|s| {
        let file = s.folder.path().join("no-database.db");
        std::fs::write(&file, "this is a letter to my aunt, and no database at all").unwrap();
        let address = format!("sqlite://{}", file.display());
        s.set("DATABASE_URL", &address);
    });
    insta::assert_snapshot!(said, @"DATABASE_URL: the database does not open: error returned from database: (code: 26) file is not a database");
    let said = refused(|s| s.set("DATABASE_URL", "postgres://u:p4ssw0rd@127.0.0.1:1/d"));
    assert!(!said.contains("p4ssw0rd"), "{said}");
    insta::assert_snapshot!(said, @"DATABASE_URL: the database does not open: error communicating with database: Connection refused (os error 111)");
}

#[test]
fn t156_a_second_process_on_one_file_is_refused() {
    runtime().block_on(async {
        let database = Database::Sqlite(tempfile::tempdir().unwrap());
        let mut s = Stage::new(database, POLICY).await;
        s.start().await;
        let out = s.run(&["serve"]).await;
        let address = s.settings["DATABASE_URL"].clone();
        let file = address.strip_prefix("sqlite://").unwrap();
        insta::assert_snapshot!(complaint(&s, &out).replace(file, "FILE"), @"DATABASE_URL: another Syncgate process works on FILE; one SQLite file serves one process. Stop the other one, or use PostgreSQL for several");
        // Once the first is gone, even by kill -9, its lock is too.
        s.kill();
        s.start().await;
        s.check().await;
    });
}

#[test]
fn t194_a_database_of_a_newer_version_is_refused_by_every_command() {
    stage(async |s| {
        s.start().await;
        s.kill();
        let newer = "INSERT INTO _sqlx_migrations \
            (version, description, success, checksum, execution_time) VALUES ";
        let row = match &s.database {
            Database::Sqlite(_) => "(9999, 'later', TRUE, X'00', 0)",
            Database::Postgres { .. } => "(9999, 'later', TRUE, '\\x00', 0)",
        };
        s.sql(&format!("{newer}{row}")).await;
        let commands: [&[&str]; 5] = [
            &["serve"],
            &["halt"],
            &["status"],
            &["restore"],
            &["audit", "verify"],
        ];
        for command in commands {
            let out = s.run(command).await;
            let said = complaint(s, &out);
            assert!(
                said.contains("was written by a newer Syncgate (schema 9999"),
                "{said}"
            );
        }
        s.sql("DELETE FROM _sqlx_migrations WHERE version = 9999")
            .await;
    });
}

#[test]
fn t126_no_secret_stands_in_the_most_detailed_log() {
    stage(async |s| {
        s.start_with(&[("RUST_LOG", "trace"), ("SYNCGATE_LOG_FORMAT", "json")])
            .await;
        let key = Clock::machine().now().timestamp_micros();
        let mine = format!("pause orders for 2h password=hunter2-{key}");
        assert!(s.types(ANA, &mine).await.ok());
        assert!(s.types(ANA, "pause orders for 2h").await.ok());
        s.says("Proposed").await;
        assert!(s.clicks(EMIL, "Approve").await.unwrap().ok());
        s.quiet().await;
        // A wrong signature, a key that Fivetran refuses, and Slack's no: each path that complains.
        s.fivetran.set_key("another", "key");
        assert!(s.types(ANA, "sync hubspot").await.ok());
        s.none(&["inbox_waiting", "messages_waiting"]).await;
        s.fivetran.set_key(API_KEY, API_SECRET);
        s.terminate();
        assert!(s.died().await.success());
        let log = s.log();
        assert!(!log.contains(&format!("hunter2-{key}")));
        assert!(
            !log.contains("Y2FuYXJ5YXBpa2V5MDAwMz"),
            "the Basic credentials"
        );
        assert!(!log.contains("v0="), "a Slack signature");
    });
}
