//! Whether a request comes from Slack: `v0` signatures, checked on the raw bytes before any
//! parsing.
//!
//! Ours and not the client crate's: that one reads the body without a bound before it verifies, and
//! the text of its error holds the right signature. What Slack signs is described at
//! <https://docs.slack.dev/authentication/verifying-requests-from-slack>.
//!
//! Stricter than Slack's own libraries, on purpose:
//! - a clock skew of more than 300 s is refused in *both* directions, so that a request signed for
//!   the future cannot be kept and used later;
//! - exactly one spelling of a signature is known, `v0=` and 64 lower-case hex digits. Upper-case
//!   hex and comma lists are refused even where they name the right signature: Slack never sends
//!   them, and with one spelling the store of seen signatures cannot be got around by respelling;
//! - an empty secret verifies nothing.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// How far Slack's clock and ours may lie apart, in seconds, in either direction.
pub const TOLERANCE_S: u64 = 300;

/// Why a request is not believed. Its text never holds a signature or a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// No usable secret is configured.
    #[error("no signing secret is configured")]
    NoSecret,
    /// The timestamp is not a plain decimal number of Unix seconds.
    #[error("the timestamp is not a number of seconds")]
    MalformedTimestamp,
    /// The timestamp lies too far from our clock.
    #[error("the timestamp is more than {TOLERANCE_S} s from our clock")]
    OutsideTolerance,
    /// The signature is not `v0=` and 64 lower-case hex digits.
    #[error("the signature is not of the form v0=<64 hex digits>")]
    MalformedSignature,
    /// Well formed, and made with none of the secrets for this body and time.
    #[error("the signature is not ours")]
    Mismatch,
}

/// Verifies `X-Slack-Signature` over the raw body, with any of several secrets: while a secret is
/// being rotated, requests signed with the old and with the new one arrive side by side.
///
/// # Errors
/// The first rule that is broken; the comparison itself takes the same time wherever it differs.
pub fn verify(
    secrets: &[SecretString],
    timestamp: &str,
    signature: &str,
    body: &[u8],
    now: DateTime<Utc>,
) -> Result<(), BadSignature> {
    let sent_at = seconds(timestamp).ok_or(BadSignature::MalformedTimestamp)?;
    if now.timestamp().abs_diff(sent_at) > TOLERANCE_S {
        return Err(BadSignature::OutsideTolerance);
    }
    let claimed = digest_of(signature).ok_or(BadSignature::MalformedSignature)?;
    let mut usable = secrets
        .iter()
        .map(ExposeSecret::expose_secret)
        .filter(|secret| !secret.is_empty())
        .peekable();
    if usable.peek().is_none() {
        return Err(BadSignature::NoSecret);
    }
    let message = [b"v0:", timestamp.as_bytes(), b":", body];
    // Every secret is tried, also after a match, so that time does not tell which one it was.
    let matches = usable.fold(Choice::from(0), |found, secret| {
        match hmac_sha256(secret.as_bytes(), &message) {
            Some(expected) => found | expected.ct_eq(&claimed),
            None => found,
        }
    });
    if bool::from(matches) {
        Ok(())
    } else {
        Err(BadSignature::Mismatch)
    }
}

/// Decimal Unix seconds without sign, space or leading zero; 11 digits reach the year 5138.
fn seconds(text: &str) -> Option<i64> {
    let plain = (1..=11).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_digit())
        && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

fn digest_of(signature: &str) -> Option<[u8; 32]> {
    let digits = signature.strip_prefix("v0=")?;
    if digits.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let mut digest = [0; 32];
    hex::decode_to_slice(digits, &mut digest).ok()?;
    Some(digest)
}

/// `None` never happens: HMAC takes keys of any length.
fn hmac_sha256(key: &[u8], parts: &[&[u8]]) -> Option<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::beside::shared_text;
    use serde_json::Value;

    // Slack's published example.
    const SECRET: &str = "8f742231b10e8888abcd99yyyzzz85a5";
    const TIME: &str = "1531420618";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const BODY: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";

    fn secrets(all: &[&str]) -> Vec<SecretString> {
        all.iter().map(|s| SecretString::from(*s)).collect()
    }

    fn at(offset: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_531_420_618 + offset, 999_999_000).unwrap()
    }

    fn check(timestamp: &str, signature: &str, body: &[u8]) -> Result<(), BadSignature> {
        verify(&secrets(&[SECRET]), timestamp, signature, body, at(30))
    }

    #[test]
    fn t001_slacks_documented_example_verifies() {
        assert_eq!(check(TIME, SIGNATURE, BODY.as_bytes()), Ok(()));
    }

    #[test]
    fn t002_every_mutation_gets_its_verdict() {
        let Some(rows) = shared_text("corpora/signatures/slack_mutations.jsonl") else {
            return;
        };
        let mut count = 0;
        for row in rows.lines() {
            let row: Value = serde_json::from_str(row).unwrap();
            // A missing header never reaches `verify`; the route refuses it as it would an empty
            // one.
            let text = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
            let verdict = verify(
                &secrets(&[SECRET]),
                &text("timestamp"),
                &text("signature"),
                text("body").as_bytes(),
                at(row["now_offset_s"].as_i64().unwrap()),
            );
            // `null` leaves it to us (upper-case hex, comma list): refused, as the module says.
            let accept = row["accept"].as_bool().unwrap_or(false);
            assert_eq!(verdict.is_ok(), accept, "{}", row["name"]);
            count += 1;
        }
        assert_eq!(count, 28);
    }

    #[test]
    fn t003_no_single_flipped_bit_is_accepted() {
        let mut seed: u64 = 0x5eed_0003;
        let mut random = |below: usize| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % below
        };
        for _ in 0..100_000 {
            let mut parts = [TIME.as_bytes(), SIGNATURE.as_bytes(), BODY.as_bytes()].map(Vec::from);
            let part = random(3);
            let bit = random(parts[part].len() * 8);
            parts[part][bit / 8] ^= 1 << (bit % 8);
            let [time, signature, body] = parts;
            // What is not UTF-8 any more cannot be read as a header: refused before `verify`.
            let (Ok(time), Ok(signature)) = (String::from_utf8(time), String::from_utf8(signature))
            else {
                continue;
            };
            assert!(
                check(&time, &signature, &body).is_err(),
                "part {part}, bit {bit}"
            );
        }
    }

    #[test]
    fn t004_the_primitive_agrees_with_wycheproof() {
        let Some(vectors) = shared_text("corpora/signatures/wycheproof_hmac_sha256_test.json")
        else {
            return;
        };
        let vectors: Value = serde_json::from_str(&vectors).unwrap();
        let mut count = 0;
        for group in vectors["testGroups"].as_array().unwrap() {
            for test in group["tests"].as_array().unwrap() {
                let bytes = |key: &str| hex::decode(test[key].as_str().unwrap()).unwrap();
                let full = hmac_sha256(&bytes("key"), &[&bytes("msg")]).unwrap();
                let claimed = digest_of(&format!("v0={}", test["tag"].as_str().unwrap()));
                if group["tagSize"] == 256 {
                    let valid = test["result"] == "valid";
                    assert_eq!(claimed == Some(full), valid, "{}", test["tcId"]);
                } else {
                    assert_eq!(claimed, None, "a cut tag is no signature: {}", test["tcId"]);
                }
                count += 1;
            }
        }
        assert_eq!(count, 174);
    }

    #[test]
    fn t005_malformed_headers_are_refused_without_panic() {
        let odd = ["", "v0=", "v0=ü", "v0=\0", "=v0", "v0=v0=", "ſ", "🔑"];
        for header in odd {
            let verdict = check(TIME, header, BODY.as_bytes());
            assert_eq!(verdict, Err(BadSignature::MalformedSignature), "{header:?}");
            let verdict = check(header, SIGNATURE, BODY.as_bytes());
            assert_eq!(verdict, Err(BadSignature::MalformedTimestamp), "{header:?}");
        }
        let twice = format!("{SIGNATURE}, {SIGNATURE}");
        assert!(check(TIME, &twice, BODY.as_bytes()).is_err());
    }

    #[test]
    fn t011_while_rotating_either_secret_counts_and_afterwards_only_the_new_one() {
        let with = |all: &[&str]| verify(&secrets(all), TIME, SIGNATURE, BODY.as_bytes(), at(0));
        assert_eq!(with(&["new", SECRET]), Ok(()));
        assert_eq!(with(&[SECRET, "new"]), Ok(()));
        assert_eq!(with(&["new"]), Err(BadSignature::Mismatch));
    }

    #[test]
    fn t015_the_clock_may_differ_by_300_seconds_either_way() {
        let off = |by| {
            verify(
                &secrets(&[SECRET]),
                TIME,
                SIGNATURE,
                BODY.as_bytes(),
                at(by),
            )
        };
        assert_eq!((off(300), off(-300)), (Ok(()), Ok(())));
        assert_eq!(off(301), Err(BadSignature::OutsideTolerance));
        assert_eq!(off(-301), Err(BadSignature::OutsideTolerance));
    }

    #[test]
    fn without_a_secret_nothing_verifies() {
        for none in [&[][..], &[""]] {
            let verdict = verify(&secrets(none), TIME, SIGNATURE, b"", at(0));
            assert_eq!(verdict, Err(BadSignature::NoSecret));
        }
    }

    #[test]
    fn t009_the_refusal_does_not_tell_the_right_signature() {
        let wrong = format!("v0={}", "0".repeat(64));
        let refusal = check(TIME, &wrong, BODY.as_bytes()).unwrap_err();
        let told = format!("{refusal} {refusal:?}");
        assert!(!told.contains(&SIGNATURE[3..]) && !told.contains(SECRET));
    }
}
