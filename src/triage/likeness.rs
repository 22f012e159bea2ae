//! Whether two failures are one trouble: the same words but for numbers, names of secrets and ids
//! ([`likeness`]), or the same broken thing behind several connections ([`kin`]).

use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest, Sha256};

use super::cite::folded;
use super::labels::Category;
use crate::model::{Cause, Certainty, ChannelId, Connection};

/// What differs between two tellings of one error: placeholders of secrets, ids, addresses in memory, numbers.
static VARYING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let kinds = [
        r"‹[^›]*›",
        r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b",
        r"\b0x[0-9a-f]+\b",
        r"\b(?:[0-9]+[a-f]|[a-f]+[0-9])[0-9a-f]{6,}\b",
        r"[0-9]+",
    ];
    Regex::new(&kinds.join("|")).ok()
});

/// A text without what differs between two tellings of one error.
pub fn gist(text: &str) -> String {
    let text = folded(&text.to_lowercase());
    match &*VARYING {
        Some(varying) => varying.replace_all(&text, "#").into_owned(),
        None => text,
    }
}

/// The fingerprint of a failure: its kind, the connector's type and the gist of its strongest proof.
/// None where nothing proves it: two things of which nothing is known are not the same.
pub fn likeness(service: &str, cause: &Cause) -> Option<String> {
    let proof = cause.quotes.first()?;
    let words = [service, &cause.category, &gist(&proof.text)].join("\n");
    Some(hex::encode(Sha256::digest(words.as_bytes())))
}

/// Where a failure stands among others.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Which connection failed.
    pub connection: &'a Connection,
    /// The name of its source in the policy (`connections[].source.name`).
    pub source: Option<&'a str>,
    /// Where it is told: an incident has one card.
    pub channel: &'a ChannelId,
}

/// What is broken, where more than one connection hangs on it: failures with the same key are one
/// incident. None where the cause is not known well enough, or concerns this connection alone.
///
/// A destination's trouble is that of its group, a bill that of the account. A source is the same by
/// its name in the policy; else, where no login or quota of one's own is the matter, if both proofs name
/// the same hosts or addresses.
pub fn kin(standing: Standing<'_>, cause: &Cause) -> Option<String> {
    let (Certainty::Confirmed | Certainty::Likely) = cause.certainty() else {
        return None;
    };
    let category = Category::ALL
        .iter()
        .find(|known| known.as_str() == cause.category)?;
    let proof = &cause.quotes.first()?.text;
    let connection = standing.connection;
    let shared = match (reach(*category), standing.source) {
        (Reach::Account, _) => vec!["account".to_owned()],
        (Reach::Destination, _) => vec!["destination".to_owned(), connection.group_id.to_string()],
        (Reach::Source | Reach::Login, Some(name)) => vec!["source".to_owned(), name.to_owned()],
        (Reach::Source, None) => vec!["place".to_owned(), places(proof)?],
        (Reach::Login, None) | (Reach::Connection, _) => return None,
    };
    let words = [
        standing.channel.as_str(),
        &cause.category,
        &shared.join("\n"),
    ];
    Some(hex::encode(Sha256::digest(words.join("\n").as_bytes())))
}

/// How far a trouble reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// This connection's own.
    Connection,
    /// All that read from one system with one login or quota.
    Login,
    /// All that read from one system.
    Source,
    /// All that write to one destination.
    Destination,
    /// All.
    Account,
}

fn reach(category: Category) -> Reach {
    match category {
        Category::BillingOrPlanLimit => Reach::Account,
        Category::DestinationUnavailable
        | Category::DestinationPermission
        | Category::DestinationCapacity => Reach::Destination,
        Category::NetworkUnreachable
        | Category::CertificateOrFingerprint
        | Category::SourceUnavailable
        | Category::SourceTimeout
        | Category::ResourceExhausted => Reach::Source,
        Category::CredentialExpired | Category::SourceRateLimited => Reach::Login,
        Category::PermissionDenied
        | Category::SchemaChange
        | Category::ConfigError
        | Category::MalformedData
        | Category::ReplicationLogLost
        | Category::FivetranInternal
        | Category::NoFailure => Reach::Connection,
    }
}

/// The hosts and addresses that a text names, in their order.
fn places(text: &str) -> Option<String> {
    static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let address = r"\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}\b";
        let host = r"\b[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+\b";
        Regex::new(&[address, host].join("|")).ok()
    });
    let text = text.to_lowercase();
    let named = PLACE.as_ref()?.find_iter(&text).map(|found| found.as_str());
    let hosts: Vec<&str> = named.filter(|name| is_place(name)).collect();
    (!hosts.is_empty()).then(|| hosts.join(" "))
}

fn is_place(name: &str) -> bool {
    // Classes have dots too, and begin like a host's name written backwards; tables have one dot.
    let classes = [
        "java.",
        "javax.",
        "org.",
        "com.",
        "net.",
        "io.",
        "software.",
    ];
    let domains = [
        ".com",
        ".net",
        ".org",
        ".io",
        ".internal",
        ".local",
        ".lan",
        ".corp",
        ".cloud",
    ];
    let parts = name.split('.').count();
    match name.chars().all(|c| c.is_ascii_digit() || c == '.') {
        true => parts == 4,
        false if classes.iter().any(|start| name.starts_with(start)) => false,
        false => parts > 2 || domains.iter().any(|end| name.ends_with(end)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LogRead, Quote, samples};

    fn cause(category: &str, proof: Option<&str>) -> Cause {
        let quote = |text: &str| Quote {
            origin: "log".to_owned(),
            text: text.to_owned(),
        };
        Cause {
            category: category.to_owned(),
            percent: 95,
            summary: String::new(),
            quotes: proof.map(quote).into_iter().collect(),
            remedies: Vec::new(),
            log: LogRead::Off,
            before: Vec::new(),
            opinion: None,
        }
    }

    #[test]
    fn the_gist_keeps_the_words_and_the_host_and_drops_what_varies() {
        let told = "Process 402 waits;  request 1F3c9ab2d0e4 of ‹secret-3› at 10.0.0.7 \
                    (id 7d9e1c1a-0000-4abc-8def-1234567890ab) on db.internal.example";
        assert_eq!(
            gist(told),
            "process # waits; request # of # at #.#.#.# (id #) on db.internal.example"
        );
        assert_eq!(gist("the decade faded"), "the decade faded");
    }

    #[test]
    fn alike_are_two_failures_of_one_kind_with_one_proof() {
        let of = |service, category, proof| likeness(service, &cause(category, proof));
        let timeout = "source_timeout";
        let one = of("postgres", timeout, Some("canceled after 300 s"));
        assert!(one.is_some());
        assert_eq!(one, of("postgres", timeout, Some("Canceled after 417 s")));
        assert_ne!(one, of("mysql", timeout, Some("canceled after 300 s")));
        assert_ne!(one, of("postgres", timeout, Some("no such host")));
        assert_ne!(
            one,
            of("postgres", "schema_change", Some("canceled after 300 s"))
        );
        assert_eq!(of("postgres", timeout, None), None);
    }

    fn key(group: &str, source: Option<&str>, category: &str, proof: &str) -> Option<String> {
        let connection = Connection {
            group_id: group.into(),
            ..samples::connection()
        };
        let standing = Standing {
            connection: &connection,
            source,
            channel: &"C1".into(),
        };
        kin(standing, &cause(category, Some(proof)))
    }

    #[test]
    fn one_destination_one_bill_and_one_source_are_one_trouble() {
        let full = "destination_capacity";
        let one = key("g1", None, full, "disk full on node 3");
        assert!(one.is_some());
        assert_eq!(one, key("g1", None, full, "no space left"));
        assert_ne!(one, key("g2", None, full, "disk full on node 3"));
        assert_ne!(one, key("g1", None, "destination_unavailable", "disk full"));
        let bill = "billing_or_plan_limit";
        assert_eq!(
            key("g1", None, bill, "trial ended"),
            key("g2", None, bill, "unpaid")
        );
        let login = "credential_expired";
        let named = key("g1", Some("erp"), login, "401 at api.erp.example.com");
        assert!(named.is_some());
        assert_eq!(named, key("g2", Some("erp"), login, "token revoked"));
        let own = key("g1", None, login, "401 at api.erp.example.com");
        assert_eq!(own, None, "each connection has a login of its own");
    }

    #[test]
    fn without_a_name_the_source_is_the_host_that_the_proof_names() {
        let lost = "network_unreachable";
        let one = key("g1", None, lost, "no such host db1.erp.example.com");
        assert!(one.is_some());
        let same = "could not translate host name \"DB1.erp.example.com\"";
        assert_eq!(one, key("g2", None, lost, same));
        assert_ne!(
            one,
            key("g1", None, lost, "no such host db2.erp.example.com")
        );
        let address = key("g1", None, lost, "connect to 10.0.0.7:5432 refused");
        assert!(address.is_some());
        assert_ne!(
            address,
            key("g1", None, lost, "connect to 10.0.0.8:5432 refused")
        );
        for nowhere in [
            "connection refused",
            "java.net.UnknownHostException in com.mysql.cj.jdbc",
            "public.orders is locked",
            "version 1.2.3",
        ] {
            assert_eq!(key("g1", None, lost, nowhere), None, "{nowhere}");
        }
        let schema = "relation orders at db1.erp.example.com does not exist";
        assert_eq!(key("g1", None, "schema_change", schema), None);
    }

    #[test]
    fn what_is_not_sure_is_nobodys_kin() {
        let connection = samples::connection();
        let standing = Standing {
            connection: &connection,
            source: None,
            channel: &"C1".into(),
        };
        let mut cause = cause("destination_capacity", Some("disk full"));
        cause.percent = 59;
        assert_eq!(kin(standing, &cause), None);
    }
}
