//! What is missing, wrong, or only looks right.

use super::*;

#[test]
fn everything_that_is_missing_is_told_at_once() {
    let problems = Settings::read(&Variables::default())
        .unwrap_err()
        .to_string();
    insta::assert_snapshot!(problems, @r"
    SLACK_BOT_TOKEN: is not set; it is the xoxb- token on your Slack app's page under OAuth & Permissions
    SLACK_SIGNING_SECRET: is not set; it is on your Slack app's page under Basic Information. Without a public address set SLACK_APP_TOKEN instead
    FIVETRAN_API_KEY: is not set; make a system key in Fivetran under Account Settings, API Config
    FIVETRAN_API_SECRET: is not set; it comes with the API key
    ");
}

#[test]
fn t008_a_placeholder_is_no_secret_and_is_not_repeated() {
    let wrong = Variables::of([
        ("SLACK_BOT_TOKEN", "token-of-mine"),
        ("SLACK_SIGNING_SECRET", "changeme-changeme-changeme"),
        ("FIVETRAN_API_KEY", "k"),
        ("FIVETRAN_API_SECRET", "s"),
        ("FIVETRAN_WEBHOOK_SECRET", "short"),
        ("FIVETRAN_API_URL", "http://api.fivetran.com"),
        ("SYNCGATE_BIND", "here"),
        ("DATABASE_URL", "mysql://x"),
    ]);
    let problems = Settings::read(&wrong).unwrap_err().to_string();
    insta::assert_snapshot!(problems, @r"
    SLACK_BOT_TOKEN: is no bot token; a bot token begins with xoxb-
    SLACK_SIGNING_SECRET: is too short or a placeholder; copy the real secret (at least 16 characters; two, separated by a comma, while you change it)
    FIVETRAN_API_URL: must begin with https:// (http:// only for this machine)
    FIVETRAN_WEBHOOK_SECRET: is too short or a placeholder; copy the real secret (at least 16 characters; two, separated by a comma, while you change it)
    SYNCGATE_BIND: here is no address; write 127.0.0.1:8080
    DATABASE_URL: must begin with sqlite:// or postgres://
    ");
    assert!(!problems.contains("changeme"));
}

fn plausible(more: &[(&str, &str)]) -> Variables {
    let mut values = Variables::of([
        ("SLACK_BOT_TOKEN", "xoxb-1"),
        ("SLACK_SIGNING_SECRET", "8f742231b10e8888abcd99yyyzzz85a5"),
        ("FIVETRAN_API_KEY", "k"),
        ("FIVETRAN_API_SECRET", "s"),
    ]);
    let more = more.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
    values.0.extend(more);
    values
}

#[test]
fn what_only_looks_right_is_told_at_once() {
    let wrong = plausible(&[
        ("SLACK_BOT_TOKEN", "xoxb-1 2"),
        ("SLACK_API_URL", "https://slack.com/api?x=1"),
        ("FIVETRAN_API_URL", "https://api.fivetran.com/v1"),
        ("RUST_LOG", "syncgate=loud"),
        ("SYNCGATE_LOG_FORMAT", "JSON"),
    ]);
    let problems = Settings::read(&wrong).unwrap_err().to_string();
    insta::assert_snapshot!(problems, @r#"
    SLACK_BOT_TOKEN: holds a space or a character that no token has; copy it again
    FIVETRAN_API_URL: must end after the host; remove /v1
    SLACK_API_URL: holds a user, a password, a query or a #; write the address alone
    RUST_LOG: is no filter (error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5); write info, or syncgate=debug,info
    SYNCGATE_LOG_FORMAT: is neither text nor json
    "#);
    let user = plausible(&[("FIVETRAN_API_URL", "https://key:secret@api.fivetran.com")]);
    let problems = Settings::read(&user).unwrap_err().to_string();
    assert!(!problems.contains("secret@"), "{problems}");
}

#[test]
fn a_databases_password_is_ours_in_every_spelling() {
    let address = "postgres://u:p%40ss+w%26rd@db/x?password=p%23w&sslmode=require";
    let settings = Settings::read(&plausible(&[("DATABASE_URL", address)])).unwrap();
    let own = settings.own_secrets();
    for password in ["p%40ss+w%26rd", "p@ss+w&rd", "p#w"] {
        assert!(own.contains(&password.to_owned()), "{password}: {own:?}");
    }
}

#[test]
fn the_log_source_is_none_or_a_folder_that_can_be_listed_or_a_database() {
    let wrong = |value: &str| {
        let read = Settings::read(&plausible(&[("SYNCGATE_LOG_SOURCE", value)]));
        read.unwrap_err().to_string()
    };
    insta::assert_snapshot!(wrong("/var/log"), @"SYNCGATE_LOG_SOURCE: is neither none nor file:DIR nor postgres://…; name the folder with the rows of Fivetran's log table, for example file:/var/lib/syncgate/logs, or the database that holds it, with ?schema=fivetran_log");
    insta::assert_snapshot!(wrong("file:"), @"SYNCGATE_LOG_SOURCE: is neither none nor file:DIR nor postgres://…; name the folder with the rows of Fivetran's log table, for example file:/var/lib/syncgate/logs, or the database that holds it, with ?schema=fivetran_log");
    insta::assert_snapshot!(wrong("file:no-such-folder"), @"SYNCGATE_LOG_SOURCE: cannot list the folder no-such-folder: No such file or directory (os error 2); make it readable for Syncgate, or write none");
    insta::assert_snapshot!(wrong("file:Cargo.toml"), @"SYNCGATE_LOG_SOURCE: cannot list the folder Cargo.toml: Not a directory (os error 20); make it readable for Syncgate, or write none");
    let right = |value: &str| {
        let read = Settings::read(&plausible(&[("SYNCGATE_LOG_SOURCE", value)]));
        read.unwrap()
    };
    assert!(right("none").log_source.is_none());
    let folder = right("file:src").log_source;
    assert!(matches!(folder, Some(LogSource::Files(folder)) if folder == Path::new("src")));
    let table =
        right("postgres://ana:p%40ssw0rd@db.example/logs?schema=fivetran_log&sslmode=require");
    assert!(table.own_secrets().contains(&"p@ssw0rd".to_owned()));
    let Some(LogSource::Postgres { url, schema }) = table.log_source else {
        panic!("no table");
    };
    assert_eq!(schema, "fivetran_log");
    assert_eq!(
        url.expose_secret(),
        "postgres://ana:p%40ssw0rd@db.example/logs?sslmode=require"
    );
    for value in [
        "postgres://ana:p%40ssw0rd@db.example/logs",
        "postgres://ana:p%40ssw0rd@db.example/logs?schema=a%22b",
    ] {
        let told = wrong(value);
        assert!(
            told.contains("SYNCGATE_LOG_SOURCE: names no schema") && !told.contains("ssw0rd"),
            "{told}"
        );
    }
}

#[test]
fn one_way_in_is_enough_and_both_are_fine() {
    let read = |more: &[(&str, &str)]| Settings::read(&plausible(more));
    let socket = read(&[
        ("SLACK_SIGNING_SECRET", ""),
        ("SLACK_APP_TOKEN", "xapp-1-A-2-b"),
    ]);
    let socket = socket.unwrap();
    assert!(socket.slack_secrets.is_empty() && socket.slack_app_token.is_some());
    assert!(socket.own_secrets().contains(&"xapp-1-A-2-b".to_owned()));
    let both = read(&[("SLACK_APP_TOKEN", "xapp-1-A-2-b")]).unwrap();
    assert!(!both.slack_secrets.is_empty() && both.slack_app_token.is_some());
    for (token, told) in [("xoxb-1", "is no app-level token"), ("xapp-1 2", "a space")] {
        let problems = read(&[("SLACK_SIGNING_SECRET", ""), ("SLACK_APP_TOKEN", token)]);
        let problems = problems.unwrap_err().to_string();
        assert!(problems.contains(told), "{problems}");
        assert_eq!(problems.lines().count(), 1, "{problems}");
    }
}

#[test]
fn a_model_is_set_as_a_whole_or_not_at_all() {
    let read = |more: &[(&str, &str)]| Settings::read(&plausible(more));
    assert!(read(&[]).unwrap().model.is_none());
    let wrong = |more: &[(&str, &str)]| read(more).unwrap_err().to_string();
    let key = ("OPENAI_API_KEY", "planted-key-0009");
    insta::assert_snapshot!(wrong(&[key]), @"OPENAI_MODEL: is not set; name the one to ask; without a model unset all OPENAI_ variables");
    insta::assert_snapshot!(wrong(&[("OPENAI_MODEL", "m")]), @"OPENAI_API_KEY: is not set; write any word if the server asks for none; without a model unset all OPENAI_ variables");
    insta::assert_snapshot!(wrong(&[key, ("OPENAI_FLAVOUR", "azure")]), @"
    OPENAI_DEPLOYMENT: is not set; name the one to ask; without a model unset all OPENAI_ variables
    OPENAI_API_VERSION: is not set; 2024-08-01-preview or later, else answers have no schema
    OPENAI_BASE_URL: is not set; write https://RESOURCE.openai.azure.com
    ");
    insta::assert_snapshot!(wrong(&[key, ("OPENAI_FLAVOUR", "bedrock")]), @"OPENAI_FLAVOUR: is neither openai nor azure");
    let model = read(&[key, ("OPENAI_MODEL", "m")]).unwrap();
    assert!(model.own_secrets().contains(&"planted-key-0009".to_owned()));
    assert_eq!(
        model.model.unwrap().base.as_str(),
        "https://api.openai.com/v1"
    );
    let none = read(&[("OPENAI_API_KEY", "none"), ("OPENAI_MODEL", "m")]).unwrap();
    assert!(
        !none.own_secrets().contains(&"none".to_owned()),
        "a word is no secret"
    );
    let spaced = wrong(&[("OPENAI_API_KEY", "a key"), ("OPENAI_MODEL", "m")]);
    assert!(spaced.contains("a character that no key has"), "{spaced}");
}

#[test]
fn t195_a_model_is_reached_in_clear_only_where_nobody_else_listens() {
    let base = |address: &str| {
        let model = [("OPENAI_API_KEY", "planted-key"), ("OPENAI_MODEL", "m")];
        let all = [model[0], model[1], ("OPENAI_BASE_URL", address)];
        Settings::read(&plausible(&all)).map(|read| read.model.unwrap().base.to_string())
    };
    for fine in [
        "http://127.0.0.1:8080/v1",
        "http://10.0.3.4:11434/v1",
        "http://192.168.1.9/v1",
        "http://[fd00::1]:8000/v1",
        "http://ollama:11434/v1",
        "http://llm.svc.cluster.local/v1",
        "https://gateway.example.com/openai/v1",
    ] {
        assert_eq!(base(fine).as_deref(), Ok(fine));
    }
    for refused in [
        "http://api.openai.com/v1",
        "http://8.8.8.8/v1",
        "http://169.254.169.254/v1",
        "http://key:word@10.0.3.4/v1",
        "http://10.0.3.4/v1?key=1",
        "ftp://10.0.3.4/v1",
        "https://gateway.example.com/v1#x",
    ] {
        assert!(base(refused).is_err(), "{refused}");
    }
}

#[test]
fn i7_every_secret_setting_is_known_whether_or_not_the_others_are_there() {
    let all = SECRETS.map(|name| (name, "planted-0000"));
    assert_eq!(Variables::of(all).secrets().len(), SECRETS.len());
    let some = Variables::of([
        ("OPENAI_API_KEY", "planted-key-0009"),
        ("SLACK_SIGNING_SECRET", "older-secret, newer-secret"),
        ("FIVETRAN_API_KEY", "none"),
    ]);
    let known = ["older-secret", "newer-secret", "planted-key-0009"];
    assert_eq!(some.secrets(), known);
}
