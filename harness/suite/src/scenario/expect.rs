//! `[[expect]]`: what must come of a run, judged on the wire wherever the wire can tell.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use toml::Spanned;

use super::network::Transport;
use super::quantity::Time;

/// A set of expectations that hold together.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Expect {
    /// Only in runs of the matrix with these values.
    #[serde(rename = "if")]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub condition: BTreeMap<String, toml::Value>,
    /// What the times count from: a step, `connected`, each optionally `+ 5s`; the start unless
    /// said otherwise.
    #[schemars(with = "Option<String>")]
    pub after: Option<Spanned<String>>,
    /// Both peers connected: ICE, DTLS and SCTP up, the first channel open at both.
    pub connected: Option<Connected>,
    /// Neither peer ever connects; `path = "none"` says so of the network, this of the peers.
    pub not_connected: Option<bool>,
    /// Which way the application's bytes go.
    pub path: Option<Path>,
    /// Transport of the path's first leg at each peer.
    pub transport: Option<Transport>,
    /// Types of the pair in use, per peer, as the wire and the signalling show them.
    pub candidates: BTreeMap<String, CandidateTypes>,
    /// The relay in use.
    pub relay: Option<Relay>,
    /// Messages that arrived.
    pub delivered: Option<Delivered>,
    /// A stream that goes on after the point in time.
    pub resumed: Option<Resumed>,
    /// A peer loses consent and stops sending (RFC 7675 §5.1).
    pub consent_lost: Option<ConsentLost>,
    /// A state a peer reports.
    pub state: Option<State>,
    /// A channel a peer sees.
    pub channel: Option<ChannelSeen>,
    /// Packets that must never cross an element.
    pub never: Option<Never>,
    /// Counters of NATs.
    pub nat: BTreeMap<String, BTreeMap<String, Range>>,
    /// Counters of firewalls.
    pub firewall: BTreeMap<String, BTreeMap<String, Range>>,
    /// Counters of links.
    pub link: BTreeMap<String, BTreeMap<String, Range>>,
}

/// Both peers are connected.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Connected {
    /// In this much time.
    pub within: Time,
    /// `kept`: over the same DTLS association as before; `new`: over another.
    #[serde(default)]
    pub dtls: Option<DtlsContinuity>,
}

/// What happens to the DTLS association.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DtlsContinuity {
    /// No new handshake.
    Kept,
    /// A new handshake.
    New,
}

/// Which way the application's bytes go.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// From host to host.
    Direct,
    /// Through a TURN server.
    Relay,
    /// One of the two.
    Either,
    /// Nowhere.
    None,
}

/// Candidate type (RFC 8445 §5.1.1).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CandidateType {
    /// Host.
    Host,
    /// Server-reflexive.
    Srflx,
    /// Peer-reflexive.
    Prflx,
    /// Relayed.
    Relay,
}

/// Types of the pair in use; an empty list allows any.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CandidateTypes {
    /// The peer's own side, as the other side sees its address.
    pub local: Vec<CandidateType>,
    /// The other side, as this peer was told or learnt it.
    pub remote: Vec<CandidateType>,
}

/// The relay in use.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Relay {
    /// Name of the server.
    #[schemars(with = "String")]
    pub via: Spanned<String>,
    /// How each peer that uses it reaches it.
    #[serde(default)]
    pub legs: BTreeMap<String, Transport>,
}

/// Messages that arrived.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Delivered {
    /// At whom.
    #[schemars(with = "String")]
    pub to: Spanned<String>,
    /// On which channel.
    #[serde(default = "super::step::main_channel")]
    pub channel: String,
    /// How many, exactly; `min` and `max` where loss is allowed.
    pub messages: Range,
    /// Whether they arrive in the order they were sent.
    #[serde(default)]
    pub order: DeliveryOrder,
    /// In this much time.
    #[serde(default)]
    pub within: Option<Time>,
}

/// Order of delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryOrder {
    /// As sent; content is compared too.
    #[default]
    Kept,
    /// Any; content is compared as a set.
    Any,
}

/// A stream goes on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Resumed {
    /// Which.
    pub stream: String,
    /// A message sent after the point in time arrives within this much of it.
    pub within: Time,
}

/// Consent is lost.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ConsentLost {
    /// Who loses it.
    #[schemars(with = "String")]
    pub peer: Spanned<String>,
    /// In this much time.
    pub within: Time,
}

/// A state a peer reports.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct State {
    /// Whose.
    #[schemars(with = "String")]
    pub peer: Spanned<String>,
    /// `connectionState` word.
    #[serde(default)]
    pub connection: Option<String>,
    /// `iceConnectionState` word.
    #[serde(default)]
    pub ice_connection: Option<String>,
    /// In this much time.
    pub within: Time,
    /// And not before.
    #[serde(default)]
    pub not_before: Option<Time>,
}

/// A channel as a peer sees it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ChannelSeen {
    /// Whose.
    #[schemars(with = "String")]
    pub peer: Spanned<String>,
    /// Label; with a trailing `*`, every channel that begins so.
    pub label: String,
    /// How many such channels opened.
    #[serde(default)]
    pub opened: Option<Range>,
    /// How many of them closed.
    #[serde(default)]
    pub closed: Option<Range>,
    /// Subprotocol.
    #[serde(default)]
    pub protocol: Option<String>,
    /// In-order delivery.
    #[serde(default)]
    pub ordered: Option<bool>,
    /// Most retransmissions.
    #[serde(default)]
    pub max_retransmits: Option<u16>,
    /// Lifetime in milliseconds.
    #[serde(default)]
    pub max_packet_life_time: Option<u16>,
}

/// Packets that must never cross an element.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Never {
    /// `udp` or `tcp`.
    pub packet: Transport,
    /// Whose.
    #[schemars(with = "String")]
    pub from: Spanned<String>,
    /// Name of the NAT or firewall.
    #[schemars(with = "String")]
    pub crossing: Spanned<String>,
}

/// A number, or `{ min = 1 }`, `{ max = 10 }`, `{ min = 1, max = 10 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// At least.
    pub min: u64,
    /// At most.
    pub max: u64,
}

impl CandidateType {
    /// `h`, `s`, `p` or `r`.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Host => 'h',
            Self::Srflx => 's',
            Self::Prflx => 'p',
            Self::Relay => 'r',
        }
    }
}

impl Range {
    /// Whether the number lies in it.
    #[must_use]
    pub fn holds(self, number: u64) -> bool {
        (self.min..=self.max).contains(&number)
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.min, self.max) {
            (min, max) if min == max => write!(f, "{min}"),
            (0, max) => write!(f, "at most {max}"),
            (min, u64::MAX) => write!(f, "at least {min}"),
            (min, max) => write!(f, "{min} to {max}"),
        }
    }
}

impl<'de> Deserialize<'de> for Range {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounds;
        impl<'de> serde::de::Visitor<'de> for Bounds {
            type Value = Range;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number, or { min = 1, max = 10 }")
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Range, E> {
                let number =
                    u64::try_from(number).map_err(|_| E::custom("a count is not negative"))?;
                Ok(Range { min: number, max: number })
            }
            fn visit_u64<E>(self, number: u64) -> Result<Range, E> {
                Ok(Range { min: number, max: number })
            }
            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Range, A::Error> {
                let RangeTable { min, max } =
                    RangeTable::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                let (min, max) = (min.unwrap_or(0), max.unwrap_or(u64::MAX));
                if min > max {
                    return Err(serde::de::Error::custom("`min` is more than `max`"));
                }
                Ok(Range { min, max })
            }
        }
        deserializer.deserialize_any(Bounds)
    }
}

/// A range with bounds, each of which may be left out.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RangeTable {
    /// At least.
    min: Option<u64>,
    /// At most.
    max: Option<u64>,
}

impl JsonSchema for Range {
    fn schema_name() -> Cow<'static, str> {
        "Range".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number, or a table with the least and the most.",
            "anyOf": [generator.subschema_for::<u64>(), generator.subschema_for::<RangeTable>()]
        })
    }
}
