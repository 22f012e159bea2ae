//! Identifiers, each its own type so that they cannot be mixed up.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the identifier as it came from its owner; it is never interpreted.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The identifier as its owner spells it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }
    };
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    };
}

text_id!(
    /// A Fivetran connection, for example `interchangeable_revenge`.
    ConnectionId
);
text_id!(
    /// A Fivetran group, which is also the destination's id.
    GroupId
);
text_id!(
    /// A Slack user, `U…` or `W…`.
    UserId
);
text_id!(
    /// A Slack channel or direct message, `C…`, `G…` or `D…`.
    ChannelId
);
number_id!(
    /// A proposal's number, as people type it: `approve 12`.
    ProposalId
);
number_id!(
    /// One action of one revision, as stored.
    ActionId
);
number_id!(
    /// An incident's number.
    IncidentId
);
