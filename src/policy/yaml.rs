//! From text to a tree of nodes that know their places.
//!
//! The tree is untyped on purpose: a typed deserializer stops at the first mistake, and a person
//! who mends a policy wants to hear of all of them at once.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{DuplicateKeyPolicy, Location, Spanned};

use super::errors::{Place, PolicyError};

/// The largest file that is read, in bytes.
pub(super) const MAX_BYTES: usize = 1024 * 1024;

/// The policy is at most six levels deep; more is a mistake or an attack on the stack.
const MAX_DEPTH: usize = 16;

/// Two thousand rules with every key have fewer values, keys counted.
const MAX_NODES: usize = 60_000;

/// A value of the file and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) kind: Kind,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Nothing, or `null`.
    Null,
    /// A text, number or truth value as it is written: `010` stays `010`, whatever YAML makes of it.
    Scalar(String),
    List(Vec<Node>),
    /// In the order of the file, repeated keys included.
    Map(Vec<(Key, Node)>),
}

/// A key and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) place: Place,
    pub(super) text: String,
}

impl Kind {
    /// What to call it in a message.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a table of keys",
        }
    }
}

/// Reads the one document of `text`.
pub(super) fn parse(text: &str) -> Result<Node, PolicyError> {
    let whole = |message: String| PolicyError {
        line: Place::START.line,
        column: Place::START.column,
        path: String::new(),
        message,
    };
    if text.len() > MAX_BYTES {
        return Err(whole(format!(
            "the file has {} bytes; a policy has at most {MAX_BYTES}",
            text.len()
        )));
    }
    let raw: RawNode = serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let place = error.location().map_or(Place::START, place);
        let mut plain = one_line(&error.without_snippet().to_string());
        if matches!(error.without_snippet(), serde_saphyr::Error::Budget { .. }) {
            plain.push_str(&format!(
                "; a policy is one document, at most {MAX_DEPTH} levels deep and {MAX_NODES} values long"
            ));
        }
        PolicyError {
            line: place.line,
            column: place.column,
            path: String::new(),
            message: format!("not readable as YAML: {plain}"),
        }
    })?;
    raw.resolve(text)
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_documents: 1,
            max_nodes: MAX_NODES,
            max_events: 150_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_merge_keys: 1_000,
            max_recorded_anchor_events: 60_000,
            max_recorded_anchor_bytes: 4 * MAX_BYTES,
            max_total_scalar_bytes: 4 * MAX_BYTES,
        },
        // A few anchors that name each other expand exponentially; this bounds what they become.
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 20_000,
            max_replay_stack_depth: MAX_DEPTH,
        },
        // Repeated keys are reported with all the other errors, not as the only one.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // Long comments are no reason to refuse a file.
        emit_comments: false,
        strict_booleans: true,
        reject_unsupported_tags: true,
        with_snippet: false,
    }
}

fn place(location: Location) -> Place {
    let number = |n: u64| usize::try_from(n).unwrap_or(usize::MAX).max(1);
    Place {
        line: number(location.line()),
        column: number(location.column()),
    }
}

/// The parser's words without line breaks, and without the place that its end repeats.
fn one_line(message: &str) -> String {
    let line = message.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.rfind(" at line ") {
        Some(end) => line[..end].to_owned(),
        None => line,
    }
}

/// A node as the deserializer sees it.
struct RawNode {
    place: Place,
    kind: Raw,
    /// The bytes of the file that it was read from: offset and length.
    bytes: Option<(usize, usize)>,
}

enum Raw {
    Null,
    Text(String),
    /// YAML has made a number or a truth value of it; what the file says is at the node's bytes.
    Inferred,
    List(Vec<RawNode>),
    Map(Vec<(RawNode, RawNode)>),
}

impl RawNode {
    /// The node with its inferred scalars as `source` has them.
    fn resolve(self, source: &str) -> Result<Node, PolicyError> {
        let place = self.place;
        let kind = match self.kind {
            Raw::Null => Kind::Null,
            Raw::Text(text) => Kind::Scalar(text),
            Raw::Inferred => {
                let (from, len) = self.bytes.unwrap_or_default();
                let raw = source.get(from..from.saturating_add(len));
                // A tag such as `!!int "5"` leaves the quotes around a number.
                let raw = raw.unwrap_or_default().trim();
                Kind::Scalar(raw.trim_matches(['"', '\'']).to_owned())
            }
            Raw::List(items) => {
                let items = items.into_iter().map(|item| item.resolve(source));
                Kind::List(items.collect::<Result<_, _>>()?)
            }
            Raw::Map(entries) => {
                let entries = entries.into_iter().map(|(key, value)| {
                    let key = key.resolve(source)?;
                    let Kind::Scalar(text) = key.kind else {
                        return Err(PolicyError {
                            line: key.place.line,
                            column: key.place.column,
                            path: String::new(),
                            message: format!("a key is a single word, not {}", key.kind.name()),
                        });
                    };
                    let place = key.place;
                    Ok((Key { place, text }, value.resolve(source)?))
                });
                Kind::Map(entries.collect::<Result<_, _>>()?)
            }
        };
        Ok(Node { place, kind })
    }
}

impl<'de> Deserialize<'de> for RawNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Raw>::deserialize(deserializer)?;
        let span = spanned.defined.span();
        let bytes = span.byte_offset().zip(span.byte_len());
        Ok(Self {
            place: place(spanned.referenced),
            kind: spanned.value,
            bytes: bytes.and_then(|(from, len)| {
                Some((usize::try_from(from).ok()?, usize::try_from(len).ok()?))
            }),
        })
    }
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a table of keys")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Inferred)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Inferred)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Inferred)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Inferred)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Inferred)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Inferred)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}
