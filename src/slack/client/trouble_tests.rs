//! What goes wrong between Slack and us, and in which of the four words it is told.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::json;
use url::Url;

use super::fake::{Fake, Reply, TOKEN, json as ok, typed};
use super::tests::{POSTED, blocks, channel};
use super::*;

async fn post_to(reply: Reply) -> Result<Ts, SlackError> {
    let fake = Fake::serving(vec![reply]).await;
    let client = fake.client().with_deadline(Duration::from_millis(400));
    client.post(&channel(), None, "t", &blocks(), "k").await
}

async fn refusal(reply: Reply) -> SlackError {
    post_to(reply).await.unwrap_err()
}

fn code(error: &SlackError) -> &str {
    match error {
        SlackError::Refused { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn t099_odd_content_types_do_not_hide_a_good_answer() {
    for odd in [
        "",
        "Content-Type: garbage\r\n",
        "Content-Type: \r\n",
        "Content-Type: application/json ; x\r\n",
    ] {
        let posted = post_to(typed("200 OK", odd, POSTED)).await;
        assert_eq!(posted, Ok(Ts("17.1".into())), "{odd}");
    }
}

#[tokio::test]
async fn t099_what_is_not_slacks_answer_is_ambiguous() {
    let page = "<html><body>Log in to the guest network</body></html>";
    let json = "Content-Type: application/json\r\n";
    let replies = vec![
        typed("200 OK", "Content-Type: text/html\r\n", page),
        typed("200 OK", "", page),
        typed("200 OK", "Content-Type: ga/r/ba/ge\r\n", page),
        typed("200 OK", json, ""),
        typed("200 OK", json, "[]"),
        typed("200 OK", json, r#"{"ok":"yes","ts":"1.1"}"#),
        typed("200 OK", json, r#"{"ok":true}"#),
        typed("200 OK", json, r#"{"ok":true,"ts":""}"#),
        typed("204 No Content", "", ""),
        typed("302 Found", "Location: http://169.254.169.254/\r\n", ""),
        typed("403 Forbidden", "Content-Type: text/html\r\n", page),
        typed("500 Internal Server Error", "", "oops"),
        typed(
            "503 Service Unavailable",
            json,
            r#"{"ok":false,"error":"x"}"#,
        ),
        Reply::Raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"ok\":true".into()),
        Reply::Raw("SSH-2.0-x\r\n\r\n".into()),
        Reply::Drop,
        ok(r#"{"ok":false,"error":"internal_error"}"#),
        ok(r#"{"ok":false,"error":"fatal_error"}"#),
    ];
    for (index, reply) in replies.into_iter().enumerate() {
        let error = refusal(reply).await;
        assert!(
            matches!(error, SlackError::Ambiguous { .. }),
            "{index}: {error:?}"
        );
        assert!(!error.is_permanent() && !error.to_string().contains("guest"));
    }
}

#[tokio::test]
async fn t099_a_page_is_no_success_where_the_answer_holds_nothing_either() {
    let page = typed("200 OK", "Content-Type: text/html\r\n", "<html>");
    let fake = Fake::serving(vec![page, ok(r#"{"ok":false}"#)]).await;
    let (client, user) = (fake.client(), "U1".into());
    let shown = client
        .ephemeral(&channel(), &user, None, "x", &json!([]))
        .await;
    assert!(
        matches!(shown, Err(SlackError::Ambiguous { .. })),
        "{shown:?}"
    );
    let shown = client
        .ephemeral(&channel(), &user, None, "x", &json!([]))
        .await;
    assert_eq!(code(&shown.unwrap_err()), "unknown_error");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_after_the_deadline() {
    let error = refusal(Reply::Hang).await;
    assert_eq!(error, SlackError::ambiguous("no answer in time"));
}

#[tokio::test]
async fn a_refused_connection_is_provably_not_sent() {
    let fake = Fake::serving(vec![]).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let base: Url = format!("http://{address}/api").parse().unwrap();
    let client = SlackClient::new(&base, SecretString::from(TOKEN)).unwrap();
    let error = client
        .post(&channel(), None, "t", &json!([]), "k")
        .await
        .unwrap_err();
    assert!(matches!(error, SlackError::NotSent { .. }), "{error:?}");
    let error = client
        .respond(&format!("http://{address}/r/sEcReT"), "t", &json!([]))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, SlackError::NotSent { why } if !why.contains("sEcReT")),
        "{error:?}"
    );
    assert!(fake.seen().is_empty());
}

#[tokio::test]
async fn t093_rate_limits_are_kept_within_bounds() {
    let json = "Content-Type: application/json\r\n";
    let body = r#"{"ok":false,"error":"ratelimited"}"#;
    for (header, seconds) in [
        ("Retry-After: 30\r\n", 30),
        ("Retry-After: 0\r\n", 1),
        ("Retry-After: 86400\r\n", 3_600),
        ("Retry-After: -5\r\n", 30),
        ("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", 30),
        ("", 30),
    ] {
        let error = refusal(typed(
            "429 Too Many Requests",
            &format!("{json}{header}"),
            body,
        ))
        .await;
        let retry_after = Duration::from_secs(seconds);
        assert_eq!(error, SlackError::RateLimited { retry_after }, "{header}");
    }
    let error = refusal(ok(body)).await;
    assert!(matches!(error, SlackError::RateLimited { .. }), "{error:?}");
}

#[tokio::test]
async fn t100_refusals_keep_slacks_code_and_reasons() {
    let error = refusal(ok(r#"{"ok":false,"error":"invalid_blocks","response_metadata":{"messages":["[ERROR] no more than 50 items allowed [json-pointer:/blocks]"]}}"#)).await;
    assert_eq!(code(&error), "invalid_blocks");
    assert!(
        error
            .to_string()
            .ends_with("no more than 50 items allowed [json-pointer:/blocks]")
    );
    assert!(error.is_permanent());
    let error = refusal(ok(r#"{"ok":false,"error":"msg_too_long"}"#)).await;
    assert_eq!(code(&error), "msg_too_long");
    let error = refusal(ok(
        r#"{"ok":false,"error":"missing_scope","needed":"chat:write"}"#,
    ))
    .await;
    assert!(error.remedy().contains("chat:write"), "{}", error.remedy());
    let error = refusal(ok(r#"{"ok":false,"error":"service_unavailable"}"#)).await;
    assert!(!error.is_permanent());
}

#[test]
fn every_common_refusal_has_its_own_remedy() {
    let codes = [
        "not_in_channel",
        "channel_not_found",
        "is_archived",
        "token_revoked",
        "account_inactive",
        "invalid_auth",
        "missing_scope",
        "msg_too_long",
        "invalid_blocks",
        "expired_trigger_id",
    ];
    for code in codes {
        let error = SlackError::refused(code, String::new());
        assert!(error.is_permanent(), "{code}");
        assert!(!error.remedy().contains(code), "{code}: {}", error.remedy());
    }
    let unknown = SlackError::refused("brand_new\n<!channel>", String::new());
    assert!(
        unknown.remedy().contains("brand_newchannel"),
        "{}",
        unknown.remedy()
    );
}

#[tokio::test]
async fn an_answer_is_ephemeral_and_sends_no_token() {
    let fake = Fake::serving(vec![typed("200 OK", "Content-Type: text/html\r\n", "ok")]).await;
    let url = fake.base.join("/commands/T1/1/abc").unwrap();
    fake.client()
        .respond(url.as_str(), "Done.", &blocks())
        .await
        .unwrap();
    let expected = json!({"response_type": "ephemeral", "replace_original": false, "text": "Done.", "blocks": blocks()});
    assert_eq!(fake.sent(), expected);
    assert!(!fake.seen()[0].contains(TOKEN));
}

#[tokio::test]
async fn an_answers_refusals_are_sorted_like_all_others() {
    let answer = async |reply| {
        let fake = Fake::serving(vec![reply]).await;
        let client = fake.client().with_deadline(Duration::from_millis(400));
        let url = fake.base.join("/actions/T1/1/sEcReT").unwrap();
        let error = client
            .respond(url.as_str(), "t", &json!([]))
            .await
            .unwrap_err();
        assert!(!format!("{error} {error:?}").contains("sEcReT"));
        error
    };
    assert_eq!(
        code(&answer(typed("404 Not Found", "", "used_url")).await),
        "used_url"
    );
    assert_eq!(
        code(&answer(ok(r#"{"ok":false,"error":"expired_url"}"#)).await),
        "expired_url"
    );
    assert_eq!(
        code(&answer(typed("404 Not Found", "", "<html>")).await),
        "http_404"
    );
    let limited = answer(typed("429 Too Many Requests", "Retry-After: 7\r\n", "")).await;
    assert_eq!(
        limited,
        SlackError::rate_limited(Some(Duration::from_secs(7)))
    );
    for reply in [
        typed("200 OK", "", "<html>"),
        typed("502 Bad Gateway", "", ""),
        Reply::Drop,
        Reply::Hang,
    ] {
        let error = answer(reply).await;
        assert!(matches!(error, SlackError::Ambiguous { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn t130_an_answers_redirect_is_not_followed() {
    let inside = Fake::serving(vec![ok(r#"{"ok":true}"#)]).await;
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let location = format!("Location: {}\r\n", inside.base);
        let fake = Fake::serving(vec![typed(status, &location, "")]).await;
        let url = fake.base.join("/actions/T1/1/abc").unwrap();
        let error = fake
            .client()
            .respond(url.as_str(), "t", &json!([]))
            .await
            .unwrap_err();
        assert_eq!(code(&error), "redirected");
    }
    assert!(inside.seen().is_empty());
}

#[tokio::test]
async fn t129_a_foreign_answer_address_is_never_called() {
    let foreign = Fake::serving(vec![]).await;
    let fake = Fake::serving(vec![]).await;
    let url = foreign.base.join("/actions/T1/1/abc").unwrap();
    let error = fake
        .client()
        .respond(url.as_str(), "t", &json!([]))
        .await
        .unwrap_err();
    assert_eq!(code(&error), "bad_response_url");
    assert!(foreign.seen().is_empty() && fake.seen().is_empty());
}

#[tokio::test]
async fn neither_debug_nor_errors_show_the_token() {
    let fake = Fake::serving(vec![ok(&format!(
        r#"{{"ok":false,"error":"invalid_auth","token":"{TOKEN}"}}"#
    ))])
    .await;
    let client = fake.client();
    assert!(!format!("{client:?}").contains("canary"));
    let error = client.auth_test().await.unwrap_err();
    assert!(!format!("{error} {error:?} {}", error.remedy()).contains("canary"));
    let odd =
        SlackClient::new(&fake.base, SecretString::from("xoxb-canary\r\nHost: evil")).unwrap_err();
    assert!(!format!("{odd:?}").contains("canary"));
}

#[tokio::test]
async fn a_request_that_was_read_is_not_sent_again_by_the_library() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base: Url = format!("http://{}/api", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    let client = SlackClient::new(&base, SecretString::from(TOKEN)).unwrap();
    // Keeps the connection open after the first answer and breaks it after reading the second
    // request.
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        fake::read(&mut stream).await;
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{POSTED}",
            POSTED.len()
        );
        tokio::io::AsyncWriteExt::write_all(&mut stream, answer.as_bytes())
            .await
            .unwrap();
        fake::read(&mut stream).await;
        drop(stream);
        let again = tokio::time::timeout(Duration::from_millis(300), listener.accept());
        again.await.is_err()
    });
    client
        .post(&channel(), None, "t", &blocks(), "k1")
        .await
        .unwrap();
    let error = client
        .post(&channel(), None, "t", &blocks(), "k2")
        .await
        .unwrap_err();
    assert!(matches!(error, SlackError::Ambiguous { .. }), "{error:?}");
    assert!(server.await.unwrap(), "a third request came");
}
