use serde_json::{Value, json};

use super::*;
use crate::beside::shared;

const COMMAND: &str = "token=t&team_id=T1&channel_id=C1&user_id=U1&user_name=steve&command=%2Fsyncgate&text=sync+sales%20force&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1%2F1%2Fabc&trigger_id=1.2.abc&api_app_id=A1&is_enterprise_install=false";

fn form(payload: &Value) -> Vec<u8> {
    url::form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", &payload.to_string())
        .finish()
        .into_bytes()
}

fn button() -> Value {
    json!({
        "type": "block_actions",
        "user": {"id": "U1", "team_id": "T1", "name": 7},
        "api_app_id": "A1",
        "container": {"type": "message", "message_ts": "15.1", "channel_id": "C1", "thread_ts": "14.9"},
        "trigger_id": "1.2.abc",
        "team": {"id": "T1"},
        "enterprise": null,
        "channel": {"id": "C1"},
        "message": {"ts": "15.1", "metadata": {"event_payload": {"n": 1, "deep": {"er": [null]}}}},
        "response_url": "https://hooks.slack.com/actions/T1/1/abc",
        "actions": [{"action_id": "approve", "type": "button", "value": "v1.1.1.f", "action_ts": "17.1"}]
    })
}

fn submission(values: Value) -> Value {
    json!({
        "type": "view_submission",
        "user": {"id": "U1", "team_id": "T1"},
        "team": null,
        "view": {
            "id": "V1", "hash": "1.h", "callback_id": "modify", "private_metadata": "v1.1.1.f",
            "app_id": "A1", "state": {"values": values}
        }
    })
}

fn callback(event: Value) -> Vec<u8> {
    json!({
        "type": "event_callback", "event_id": "Ev1", "team_id": "T1", "api_app_id": "A1",
        "event": event, "authorizations": [{"team_id": "T1", "user_id": "UB", "is_bot": true}]
    })
    .to_string()
    .into_bytes()
}

fn mention(text: &str) -> Parsed {
    let event = json!({"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.1", "thread_ts": "1.0", "text": text});
    super::event(&callback(event)).unwrap()
}

#[test]
fn a_command_is_read_with_its_key() {
    let parsed = command(COMMAND.as_bytes()).unwrap();
    assert_eq!(parsed.key, "command:1.2.abc");
    let expected = Inbound::Command {
        team: "T1".into(),
        user: "U1".into(),
        channel: "C1".into(),
        text: "sync sales force".into(),
        trigger_id: "1.2.abc".into(),
        response_url: "https://hooks.slack.com/commands/T1/1/abc".into(),
    };
    assert_eq!(parsed.inbound, expected);
}

#[test]
fn a_command_of_an_organisation_names_the_organisation() {
    let body = COMMAND.replace("team_id=T1", "team_id=&enterprise_id=E1");
    let parsed = command(body.as_bytes()).unwrap();
    let Inbound::Command { team, .. } = parsed.inbound else {
        panic!("{parsed:?}");
    };
    assert_eq!(team, "E1");
}

#[test]
fn slacks_certificate_check_is_no_command() {
    for read in [command, interaction] {
        let parsed = read(b"ssl_check=1&token=t").unwrap();
        assert_eq!(parsed.inbound, Inbound::SslCheck);
    }
}

#[test]
fn a_click_is_read_with_its_key_whatever_else_is_in_it() {
    let parsed = interaction(&form(&button())).unwrap();
    assert_eq!(parsed.key, "click:1.2.abc:17.1");
    let expected = Inbound::Click {
        team: "T1".into(),
        user: "U1".into(),
        channel: Some("C1".into()),
        message_ts: Some("15.1".into()),
        thread_ts: Some("14.9".into()),
        action_id: "approve".into(),
        value: "v1.1.1.f".into(),
        trigger_id: "1.2.abc".into(),
        response_url: Some("https://hooks.slack.com/actions/T1/1/abc".into()),
        view_id: None,
    };
    assert_eq!(parsed.inbound, expected);
}

#[test]
fn a_click_in_a_modal_names_the_modal_and_a_menu_its_option() {
    let mut click = button();
    click["team"] = Value::Null;
    click["channel"] = Value::Null;
    click["container"] = json!({"type": "view", "view_id": "V1"});
    click["actions"][0] = json!({"action_id": "more", "selected_option": {"value": "why"}});
    let parsed = interaction(&form(&click)).unwrap();
    let Inbound::Click {
        team,
        view_id,
        value,
        channel,
        ..
    } = parsed.inbound
    else {
        panic!("{parsed:?}");
    };
    assert_eq!(
        (team.as_str(), view_id.as_deref(), value.as_str(), channel),
        ("T1", Some("V1"), "why", None)
    );
}

#[test]
fn a_submitted_modal_gives_every_field_by_its_block() {
    let values = json!({
        "why": {"a": {"type": "plain_text_input", "value": "because"}},
        "empty": {"a": {"type": "plain_text_input", "value": null}},
        "how": {"a": {"type": "static_select", "selected_option": {"value": "o1"}}},
        "unchosen": {"a": {"type": "static_select", "selected_option": null}},
        "keep": {"a": {"type": "checkboxes", "selected_options": [{"value": "1"}, {"value": "2"}]}},
        "drop": {"a": {"type": "checkboxes", "selected_options": []}},
        "who": {"a": {"type": "multi_users_select", "selected_users": ["U1", "U2"]}},
        "at": {"a": {"type": "datetimepicker", "selected_date_time": 1_700_000_000}},
        "time": {"a": {"type": "timepicker", "selected_time": "05:10"}},
        "odd": {"a": {"type": "rich_text_input", "rich_text_value": {}}},
        "odder": 7
    });
    let parsed = interaction(&form(&submission(values))).unwrap();
    assert!(parsed.key.starts_with("submit:V1:1.h"), "{}", parsed.key);
    let Inbound::Submit {
        values,
        callback_id,
        private_metadata,
        ..
    } = parsed.inbound
    else {
        panic!("{parsed:?}");
    };
    assert_eq!(
        (callback_id.as_str(), private_metadata.as_str()),
        ("modify", "v1.1.1.f")
    );
    let many = |all: &[&str]| Field::ChosenMany(all.iter().map(|s| (*s).to_owned()).collect());
    assert_eq!(values["why"], Field::Text("because".into()));
    assert_eq!(values["how"], Field::Chosen("o1".into()));
    assert_eq!(values["keep"], many(&["1", "2"]));
    assert_eq!(values["drop"], many(&[]));
    assert_eq!(values["who"], many(&["U1", "U2"]));
    assert_eq!(values["at"], Field::At(1_700_000_000));
    assert_eq!(values["time"], Field::Chosen("05:10".into()));
    for none in ["empty", "unchosen", "odd", "odder"] {
        assert_eq!(values[none], Field::None, "{none}");
    }
}

#[test]
fn kinds_that_we_do_not_know_are_ignored_not_refused() {
    for kind in ["view_closed", "shortcut", "message_action", "something_new"] {
        let parsed = interaction(&form(&json!({"type": kind}))).unwrap();
        assert_eq!(parsed.inbound, Inbound::Ignored { what: kind.into() });
        assert!(parsed.key.starts_with("body:"));
    }
    let parsed = super::event(&callback(json!({"type": "never_seen"}))).unwrap();
    assert_eq!(
        parsed.inbound,
        Inbound::Ignored {
            what: "never_seen".into()
        }
    );
    assert_eq!(parsed.key, "event:Ev1");
    let nasty = super::event(br#"{"type": "a\n\u001b[31m<!channel>"}"#).unwrap();
    assert_eq!(
        nasty.inbound,
        Inbound::Ignored {
            what: "a31mchannel".into()
        }
    );
}

#[test]
fn a_mention_gives_the_words_without_the_bot() {
    for (written, words) in [
        ("<@UB> status", "status"),
        ("<@UB|syncgate>  sync x ", "sync x"),
        ("please <@UB> take 3 for <@U2>", "please take 3 for <@U2>"),
        ("<@U2> <@UB>", "<@U2>"),
        ("<@UB", "<@UB"),
    ] {
        let Inbound::Mention {
            text,
            user,
            thread_ts,
            ..
        } = mention(written).inbound
        else {
            panic!("{written}");
        };
        assert_eq!(text, words);
        assert_eq!((user, thread_ts.as_deref()), ("U1".into(), Some("1.0")));
    }
}

#[test]
fn another_bots_mention_is_ignored() {
    let event = json!({"type": "app_mention", "user": "U9", "bot_id": "B9", "channel": "C1", "ts": "1.1", "text": "<@UB> halt"});
    let parsed = super::event(&callback(event)).unwrap();
    assert!(
        matches!(parsed.inbound, Inbound::Ignored { .. }),
        "{parsed:?}"
    );
}

#[test]
fn a_changed_group_and_a_challenge_are_read() {
    let changed = json!({"type": "subteam_members_changed", "subteam_id": "S1"});
    let parsed = super::event(&callback(changed)).unwrap();
    assert_eq!(parsed.inbound, Inbound::GroupChanged { group: "S1".into() });
    let updated = json!({"type": "subteam_updated", "subteam": {"id": "S2"}});
    let parsed = super::event(&callback(updated)).unwrap();
    assert_eq!(parsed.inbound, Inbound::GroupChanged { group: "S2".into() });
    let parsed = super::event(br#"{"type": "url_verification", "challenge": "abc"}"#).unwrap();
    assert_eq!(
        parsed.inbound,
        Inbound::Challenge {
            challenge: "abc".into()
        }
    );
}

#[test]
fn what_was_read_survives_the_database() {
    let submitted = submission(
        json!({"a": {"x": {"value": "t"}}, "b": {"x": {"selected_options": []}}, "c": {}}),
    );
    for parsed in [
        command(COMMAND.as_bytes()).unwrap(),
        interaction(&form(&button())).unwrap(),
        interaction(&form(&submitted)).unwrap(),
        mention("<@UB> help"),
        command(b"ssl_check=1").unwrap(),
    ] {
        let stored = serde_json::to_string(&parsed.inbound).unwrap();
        assert_eq!(
            serde_json::from_str::<Inbound>(&stored).unwrap(),
            parsed.inbound
        );
    }
}

#[test]
fn t006_what_is_not_utf8_is_refused() {
    assert_eq!(command(b"text=\xff"), Err(BadPayload::NotUtf8));
    assert_eq!(command(b"text=%FF"), Err(BadPayload::NotUtf8));
    assert_eq!(interaction(b"payload=%C3%28"), Err(BadPayload::NotUtf8));
    assert_eq!(
        super::event(b"{\"type\": \"\xc3\x28\"}"),
        Err(BadPayload::NotUtf8)
    );
}

#[test]
fn what_lacks_something_is_refused_with_its_name() {
    assert_eq!(command(b"text=x"), Err(BadPayload::Lacks("trigger_id")));
    assert_eq!(interaction(b"x=1"), Err(BadPayload::Lacks("payload")));
    assert_eq!(interaction(b"payload=%7Bnot"), Err(BadPayload::NotJson));
    assert_eq!(interaction(b"payload=[]"), Err(BadPayload::NotAnObject));
    let mut nobody = button();
    nobody["user"] = json!("U1");
    assert_eq!(
        interaction(&form(&nobody)),
        Err(BadPayload::Lacks("/user/id"))
    );
}

#[test]
fn t136_a_form_with_too_many_or_double_fields_is_refused() {
    let many: String = (0..100_000).map(|n| format!("k{n}=1&")).collect();
    assert_eq!(command(many.as_bytes()), Err(BadPayload::TooManyFields));
    let double = b"payload=%7B%7D&payload=%7B%7D";
    assert_eq!(interaction(double), Err(BadPayload::Twice("payload")));
    for field in ["text", "user_id", "trigger_id", "team_id", "response_url"] {
        let body = format!("{COMMAND}&{field}=");
        assert!(
            matches!(command(body.as_bytes()), Err(BadPayload::Twice(_))),
            "{field}"
        );
    }
    // A percent-encoded name is the same name.
    let hidden = b"payload=%7B%7D&p%61yload=%7B%7D";
    assert_eq!(interaction(hidden), Err(BadPayload::Twice("payload")));
}

#[test]
fn percent_signs_that_start_no_escape_stand_for_themselves() {
    let body = COMMAND.replace("sync+sales%20force", "100%+%zz+%2");
    let Inbound::Command { text, .. } = command(body.as_bytes()).unwrap().inbound else {
        panic!("no command");
    };
    assert_eq!(text, "100% %zz %2");
}

#[test]
fn t135_no_json_file_breaks_a_reader() {
    for depth in [127, 128, 100_000] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(super::event(nested.as_bytes()).is_err());
        assert!(super::event(format!("{{\"a\":{nested}}}").as_bytes()).is_err() || depth < 128);
    }
    let Some(folder) = shared("corpora/parsing/JSONTestSuite") else {
        return;
    };
    let mut count = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap();
        let name = file.file_name().into_string().unwrap();
        let body = std::fs::read(file.path()).unwrap();
        let as_event = super::event(&body);
        let mut as_form = b"payload=".to_vec();
        as_form.extend(url::form_urlencoded::byte_serialize(&body).flat_map(str::bytes));
        let as_interaction = interaction(&as_form);
        if name.starts_with("n_") {
            assert!(as_event.is_err() && as_interaction.is_err(), "{name}");
        }
        count += 1;
    }
    assert_eq!(count, 318);
}

#[test]
fn a_mention_is_read_as_it_was_written() {
    for (escaped, written) in [
        ("sync <http://shop.io|shop.io>", "sync shop.io"),
        ("sync <https://shop.io/a>", "sync https://shop.io/a"),
        (
            "reject 1 a &lt; b &amp;&amp; c &gt; d",
            "reject 1 a < b && c > d",
        ),
        ("reject 1 &amp;lt; ask <@U2> <", "reject 1 &lt; ask <@U2> <"),
    ] {
        let parsed = mention(&format!("<@UB> {escaped}"));
        let Inbound::Mention { text, .. } = parsed.inbound else {
            panic!("{parsed:?}");
        };
        assert_eq!(text, written);
    }
}

/// What only one route may take: else what Slack signed for one request is sent as another.
#[test]
fn no_body_is_taken_by_two_routes() {
    let smuggled = format!("&{COMMAND}&");
    let mention = |text: &str| {
        let event = json!({"type": "app_mention", "user": "U1", "channel": "C1", "ts": "1.1", "text": text});
        callback(event)
    };
    let both = [COMMAND.as_bytes(), b"&", &form(&button())].concat();
    let bodies = [
        COMMAND.as_bytes().to_vec(),
        form(&button()),
        form(&submission(json!({}))),
        mention("hello"),
        mention(&smuggled),
        [b" \n\t", &mention(&smuggled)[..]].concat(),
        both,
    ];
    for body in bodies {
        let routes = [command, interaction, event];
        let takers = routes.iter().filter(|route| route(&body).is_ok()).count();
        assert!(takers <= 1, "{takers}: {}", String::from_utf8_lossy(&body));
    }
}
