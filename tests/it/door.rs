//! The door: who is let in, with what, and how everybody else is sent away.

use syncgate::config::{Settings, Variables};

use crate::dice::Dice;
use crate::harness::people::ANA;
use crate::harness::wire::{JSON, Request, slack_signature};
use crate::harness::{CHANNEL, SIGNING_SECRET, World, world};

const TIME: &str = "x-slack-request-timestamp";
const SIGNATURE: &str = "x-slack-signature";
const SLACK: [&str; 3] = ["/slack/commands", "/slack/interactions", "/slack/events"];

/// Slack's published example, for another workspace.
const DOCUMENTED: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

/// A command of Ana's, as Slack signs it.
fn command(w: &World, text: &str) -> Request {
    w.as_slack(
        "/slack/commands",
        w.slack.command_request(ANA, CHANNEL, text).body,
    )
}

/// Refused at the door: 401, not a word, nothing kept.
async fn turned_away(w: &World, what: &str, request: Request) {
    let answer = w.send(request).await;
    assert_eq!((answer.status, answer.body.as_str()), (401, ""), "{what}");
    assert_eq!(w.count("inbox").await, 0, "{what}");
}

#[test]
fn t001_what_slack_signed_is_taken_for_300_seconds_either_way() {
    world(async |w| {
        for skew in [-300, 300] {
            let time = (w.now().timestamp() + skew).to_string();
            let request = command(w, "help");
            let signature = slack_signature(SIGNING_SECRET, &time, &request.body);
            let answer = w
                .send(request.set(TIME, &time).set(SIGNATURE, signature))
                .await;
            assert_eq!(answer.status, 200, "{skew} s");
        }
        w.settle().await;
        assert!(w.told(ANA).contains("Help"), "{}", w.told(ANA));
        let documented = w.send(w.as_slack("/slack/commands", DOCUMENTED)).await;
        assert_eq!((documented.status, documented.body.as_str()), (200, ""));
        w.settle().await;
        // Its answer is for the real Slack, which is not asked here.
        w.leaves_work = true;
    });
}

#[test]
fn t002_every_bad_signature_is_401_without_a_word() {
    world(async |w| {
        let good = command(w, "sync orders");
        let body = good.body.clone();
        let now = w.now().timestamp();
        let at = |time: &str| {
            let signed = slack_signature(SIGNING_SECRET, time, &body);
            good.clone().set(TIME, time).set(SIGNATURE, signed)
        };
        let signed = slack_signature(SIGNING_SECRET, &now.to_string(), &body);
        let with = |signature: &str| good.clone().set(SIGNATURE, signature);
        let digits = &signed[3..];
        let swapped = |at: usize| {
            let mut digits = signed.clone().into_bytes();
            digits[at] = if digits[at] == b'0' { b'1' } else { b'0' };
            with(std::str::from_utf8(&digits).unwrap())
        };
        let other_secret = slack_signature("another-signing-secret", &now.to_string(), &body);
        let bad = [
            ("too old", at(&(now - 301).to_string())),
            ("from the future", at(&(now + 301).to_string())),
            ("no signature", good.clone().without(SIGNATURE)),
            ("no time", good.clone().without(TIME)),
            ("empty signature", with("")),
            ("empty time", at("")),
            ("another version", with(&format!("v1={digits}"))),
            ("no version", with(digits)),
            ("upper case", with(&format!("v0={}", digits.to_uppercase()))),
            ("cut to 128 bits", with(&signed[..35])),
            ("cut by one digit", with(&signed[..66])),
            ("longer", with(&format!("{signed}00"))),
            ("first digit", swapped(3)),
            ("last digit", swapped(66)),
            (
                "of another body",
                good.clone().body([&body[..], b" "].concat()),
            ),
            ("of a body, sent without", good.clone().body("")),
            (
                "of another second",
                good.clone().set(TIME, (now + 1).to_string()),
            ),
            ("leading zero", at(&format!("0{now}"))),
            ("a plus", at(&format!("+{now}"))),
            ("a float", at(&format!("{now}.0"))),
            ("hexadecimal", at(&format!("0x{now:x}"))),
            ("negative", at(&format!("-{now}"))),
            ("overflow", at("99999999999999999999")),
            ("no number", at("NaN")),
            ("a list", with(&format!("{signed},{signed}"))),
            ("two headers", good.clone().with(SIGNATURE, &signed)),
            ("two times", good.clone().with(TIME, now.to_string())),
            ("not ASCII", good.clone().set(SIGNATURE, "v0=ünïcode")),
            ("another secret", with(&other_secret)),
            (
                "no secret",
                with(&slack_signature("", &now.to_string(), &body)),
            ),
        ];
        for (what, request) in bad {
            turned_away(w, what, request).await;
        }
        // The request was good but for that.
        assert_eq!(w.send(good).await.status, 200);
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
    });
}

#[test]
fn t003_no_flipped_bit_gets_through_the_door() {
    world(async |w| {
        let good = command(w, "sync orders");
        let mut dice = Dice::new(3);
        let mut sent = 0;
        for _ in 0..1_000 {
            let mut request = good.clone();
            let part = match dice.index(3) {
                0 => &mut request.body,
                1 => &mut request.headers[1].1,
                _ => &mut request.headers[2].1,
            };
            let bit = dice.index(part.len() * 8);
            part[bit / 8] ^= 1 << (bit % 8);
            // What no header can hold never leaves the client.
            let sendable =
                |(_, value): &(String, Vec<u8>)| value.iter().all(|b| *b > 31 && *b != 127);
            if request.headers.iter().all(sendable) {
                let answer = w.send(request).await;
                assert_eq!(
                    (answer.status, answer.body.as_str()),
                    (401, ""),
                    "bit {bit}"
                );
                sent += 1;
            }
        }
        assert!(sent > 700, "{sent}");
        assert_eq!(w.count("inbox").await, 0);
    });
}

#[test]
fn t006_a_signed_body_that_is_not_utf8_is_400_and_does_nothing() {
    world(async |w| {
        for body in [
            &b"text=\xff&team_id=T"[..],
            b"payload=%ff%fe",
            b"text=%C3",
            b"{\"type\":\"\xff\"}",
        ] {
            for path in SLACK {
                let answer = w.send(w.as_slack(path, body)).await;
                assert_eq!(
                    (answer.status, answer.body.as_str()),
                    (400, ""),
                    "{path} {body:?}"
                );
            }
        }
        let answer = w
            .send(w.as_fivetran(&b"{\"event\":\"sync_end\xff\"}"[..]))
            .await;
        assert_eq!((answer.status, answer.body.as_str()), (400, ""));
        assert_eq!(w.count("inbox").await, 0);
    });
}

/// A request whose length is told piece by piece; without an end if it is cut.
fn chunked(request: &Request, piece: usize, end: bool) -> Vec<u8> {
    let mut bytes = format!("POST {} HTTP/1.1\r\nhost: x\r\n", request.path).into_bytes();
    for (name, value) in &request.headers {
        bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
    }
    bytes.extend(b"transfer-encoding: chunked\r\n\r\n");
    for part in request.body.chunks(piece) {
        bytes.extend(format!("{:x}\r\n", part.len()).bytes());
        bytes.extend([part, b"\r\n"].concat());
    }
    if end {
        bytes.extend(b"0\r\n\r\n");
    }
    bytes
}

#[test]
fn t007_a_chunked_body_is_taken_and_one_over_the_limit_is_413_before_its_end() {
    world(async |w| {
        let request = command(w, "sync orders");
        let answer = w.send_bytes(&chunked(&request, 7, true)).await;
        assert_eq!(answer, "HTTP/1.1 200 OK");
        w.settle().await;
        assert_eq!(w.fivetran_saw(), "orders_id SyncStarted { force: false }");
        let huge = w.as_slack("/slack/commands", vec![b'x'; (1 << 20) + 1]);
        let answer = w.send_bytes(&chunked(&huge, 1 << 16, false)).await;
        assert_eq!(answer, "HTTP/1.1 413 Payload Too Large");
    });
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    world(async |w| {
        let head = b"POST /slack/commands HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\
                     content-type: application/x-www-form-urlencoded\r\n\r\ntext=";
        let answer = w.send_bytes(head).await;
        assert_eq!(answer, "HTTP/1.1 408 Request Timeout");
    });
}

#[test]
fn a_signed_webhook_is_taken_whatever_type_it_claims_to_be() {
    world(async |w| {
        let body = r#"{"event":"sync_start","connection_id":"orders_id"}"#;
        let odd = w.as_fivetran(body).with("content-type", "text/plain");
        assert_eq!(w.send(odd).await.status, 200);
        w.settle().await;
        assert_eq!(w.count("inbox").await, 1);
    });
}

#[test]
fn t008_no_placeholder_passes_for_a_secret() {
    let read = |slack: &str, webhook: &str| {
        Settings::read(&Variables::of([
            ("SLACK_BOT_TOKEN", "xoxb-1"),
            ("SLACK_SIGNING_SECRET", slack),
            ("FIVETRAN_API_KEY", "k"),
            ("FIVETRAN_API_SECRET", "s"),
            ("FIVETRAN_WEBHOOK_SECRET", webhook),
        ]))
    };
    let real = "8f742231b10e8888abcd99yyyzzz85a5";
    assert!(read(real, "").is_ok() && read(real, real).is_ok());
    assert!(read(&format!("{real}, {real}"), "").is_ok());
    for placeholder in [
        "",
        "   ",
        "short",
        "changeme-changeme-changeme",
        "CHANGE_ME_CHANGE_ME_CHANGE_ME",
        "<your signing secret here>",
        "your-slack-signing-secret",
        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "placeholder-placeholder",
        "example-signing-secret",
        "secret-secret-secret",
        "00000000000000000000000000000000",
        "********************************",
        "................................",
        "${SLACK_SIGNING_SECRET}",
        "$SLACK_SIGNING_SECRET",
        "{{ slack_signing_secret }}",
        "[slack signing secret]",
        "replace-me-replace-me",
        "insert-the-secret-here",
        "enter-signing-secret-here",
        "todo-todo-todo-todo",
        "dummy-signing-secret",
        "fill-in-the-signing-secret",
        "signing-secret-goes-here",
        "slack_signing_secret_of_the_app",
        "8f742231b10e8888abcd99yyyzzz85a5,",
        "8f742231b10e8888abcd99yyyzzz85a5,changeme-changeme-changeme",
    ] {
        let refused = read(placeholder, "").map(drop).unwrap_err().to_string();
        assert!(
            refused.starts_with("SLACK_SIGNING_SECRET: is "),
            "{placeholder}: {refused}"
        );
        assert!(
            placeholder.len() < 16 || !refused.contains(placeholder),
            "{refused}"
        );
        if !placeholder.trim().is_empty() {
            let refused = read(real, placeholder).map(drop).unwrap_err().to_string();
            assert!(
                refused.starts_with("FIVETRAN_WEBHOOK_SECRET: is "),
                "{placeholder}"
            );
        }
    }
}

#[test]
fn t018_the_challenge_is_echoed_to_slack_alone() {
    world(async |w| {
        let body = r#"{"token":"t","challenge":"3eZbrw1aBm2rZgRNFdxV","type":"url_verification"}"#;
        let unsigned = Request::new("POST", "/slack/events")
            .with("content-type", JSON)
            .body(body);
        turned_away(w, "an unsigned challenge", unsigned).await;
        let ack = w.slack.verify_url("3eZbrw1aBm2rZgRNFdxV").await;
        assert_eq!(
            (ack.status, ack.json()["challenge"].as_str()),
            (200, Some("3eZbrw1aBm2rZgRNFdxV"))
        );
    });
}
