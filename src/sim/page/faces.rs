//! Small drawings, all our own: faces, and a few signs.

use maud::{Markup, html};

use crate::sim::slack::User;

/// So many colours the style sheet has for faces.
const TONES: u32 = 6;

/// A person's face, or the app's gate; who it is stands beside it.
pub(super) fn face(user: &User) -> Markup {
    if user.is_bot {
        return gate();
    }
    let sum = user.id.bytes().fold(7_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    let sum = sum >> 4;
    let hair = [
        "M10 15a8 8 0 0 1 16 0l-3-3h-10z",
        "M9 22V14a9 9 0 0 1 18 0v8l-3-7-12 0z",
        "M11 13a7 5 0 0 1 14 0z",
    ];
    let hair = hair[usize::try_from(sum / TONES % 3).unwrap_or_default()];
    html! {
        svg class={ "face tone-" (sum % TONES) } viewBox="0 0 36 36" aria-hidden="true" {
            rect.ground width="36" height="36" {}
            path.coat d="M5 37c0-9 5-13 13-13s13 4 13 13z" {}
            circle.skin cx="18" cy="16" r="7.5" {}
            path.hair d=(hair) {}
        }
    }
}

/// The app: a gate with its bar half up.
fn gate() -> Markup {
    html! {
        svg class="face app" viewBox="0 0 36 36" aria-hidden="true" {
            rect.ground width="36" height="36" {}
            path.post d="M7 11h4v17H7zM25 11h4v17h-4z" {}
            path.bar d="M9 22 27 13" {}
            circle.lamp cx="9" cy="9" r="2" {}
        }
    }
}

/// An eye: what only the reader sees.
pub(super) fn eye() -> Markup {
    html! {
        svg class="sign" viewBox="0 0 16 16" aria-hidden="true" {
            path d="M1 8c2-3.3 4.3-5 7-5s5 1.7 7 5c-2 3.3-4.3 5-7 5S3 11.3 1 8z" {}
            circle cx="8" cy="8" r="2.2" {}
        }
    }
}

/// A speech bubble: a thread.
pub(super) fn bubble() -> Markup {
    html! {
        svg class="sign" viewBox="0 0 16 16" aria-hidden="true" {
            path d="M2 3.5h12v7.5H8l-3.5 3v-3H2z" {}
        }
    }
}
