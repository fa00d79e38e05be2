//! The scenario file, version 1: the types are the schema.
//!
//! Sections name things (`peer.alice`, `nat.home`) and refer to each other by name. `wan` always
//! exists; other segments exist by being mentioned. Every key is a word of an RFC or a quantity
//! with its unit.

use std::collections::BTreeMap;

use rtcspec_control::Feature;
use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::expect::Expect;
use super::network::{Firewall, Link, Nat, Net, Server};
use super::quantity::Time;
use super::step::Step;
use super::tamper::Tampering;

/// A whole scenario file.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct File {
    /// Version of this format: 1.
    #[schemars(with = "u32", extend("const" = 1))]
    pub schema: Spanned<u32>,
    /// One sentence: the situation and what must come of it.
    pub name: String,
    /// RFC clauses this scenario exercises, e.g. `RFC 8445 §7.3.1.3`.
    pub tests: Vec<String>,
    /// Anything a reader should know beyond the name.
    #[serde(default)]
    pub about: String,
    /// Default seed; `--seed` overrides it.
    #[serde(default = "one")]
    pub seed: u64,
    /// The run ends here at the latest.
    pub limit: Time,
    /// Features the implementation under test must declare, beyond those its verbs imply.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub needs: Vec<Feature>,
    /// How descriptions and candidates travel.
    #[serde(default)]
    pub signalling: Signalling,
    /// STUN and TURN servers.
    #[serde(default)]
    pub servers: BTreeMap<String, Server>,
    /// Segments that need more than a name.
    #[serde(default)]
    pub net: BTreeMap<String, Net>,
    /// NATs.
    #[serde(default)]
    pub nat: BTreeMap<String, Nat>,
    /// Firewalls, named like the NAT, peer or server they protect.
    #[serde(default)]
    pub firewall: BTreeMap<String, Firewall>,
    /// Links, named after the NAT, firewall, peer or server whose outer side they are.
    #[serde(default)]
    pub link: BTreeMap<String, Link>,
    /// The channel `connect` opens.
    #[serde(default)]
    pub main: Main,
    /// The two peers.
    pub peer: BTreeMap<String, Peer>,
    /// Dotted keys and the values each is run with; several keys multiply.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Vec<serde_json::Value>>")]
    pub matrix: BTreeMap<String, Vec<toml::Value>>,
    /// What is done, and when.
    #[serde(default, rename = "do")]
    #[schemars(with = "Vec<Step>")]
    pub steps: Vec<Spanned<Step>>,
    /// What becomes of messages of a peer that is hostile.
    #[serde(default)]
    #[schemars(with = "Vec<Tampering>")]
    pub tamper: Vec<Spanned<Tampering>>,
    /// What must come of it.
    #[serde(default)]
    #[schemars(with = "Vec<Expect>")]
    pub expect: Vec<Spanned<Expect>>,
    /// `off` silences the comparison of `path` with the oracle.
    #[serde(default)]
    pub oracle: Oracle,
}

fn one() -> u64 {
    1
}

impl File {
    /// The peer that tampers or injects, if one does; the file was checked, so it is one alone.
    #[must_use]
    pub fn hostile(&self) -> Option<&str> {
        let tampers = self.tamper.iter().map(|tamper| &tamper.get_ref().by);
        let injects = self.steps.iter().filter_map(|step| step.get_ref().inject.as_ref());
        let mut all = tampers.chain(injects.map(|inject| &inject.by));
        all.next().map(|name| name.get_ref().as_str())
    }
}

/// Whether expectations are compared with the oracle before the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Oracle {
    /// They are.
    #[default]
    On,
    /// They are not; the file says in `about` why.
    Off,
}

/// How descriptions and candidates travel between the peers.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Signalling {
    /// One-way delay; 10 ms unless said otherwise.
    pub delay: Option<Time>,
    /// When and in which order candidates are signalled.
    pub candidates: CandidateOrder,
    /// With glare both peers offer at once; this one gives way (rolls back).
    #[schemars(with = "Option<String>")]
    pub polite: Option<Spanned<String>>,
    /// With glare: somebody between the peers gives each the other's offer as the answer to its
    /// own, so that both believe to be controlling (RFC 8445 §6.1.1, §7.3.1.1).
    pub third_party: bool,
}

/// When and in which order candidates are signalled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CandidateOrder {
    /// Each as it is found, after the description (RFC 8838).
    #[default]
    Trickle,
    /// Each as it is found, but newest first: every candidate overtakes the ones before it.
    Reversed,
    /// Candidates overtake the description they belong to.
    BeforeDescription,
    /// Held back until gathering is complete, then one by one.
    AfterGathering,
    /// The offerer gathers fully and puts all in its offer; the answerer trickles (RFC 8838 §16).
    HalfTrickle,
    /// Gathering completes first and everything is in the descriptions.
    InDescription,
    /// Each candidate is delivered twice.
    Duplicated,
}

/// The channel `connect` opens, at the offerer: `main`, reliable, ordered, unless said otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Main {
    /// Label; steps and expectations that name no channel still mean `main`.
    pub label: String,
    /// Subprotocol.
    pub protocol: String,
    /// In-order delivery.
    pub ordered: bool,
    /// Most retransmissions.
    pub max_retransmits: Option<u16>,
    /// Lifetime in milliseconds.
    pub max_packet_life_time: Option<u16>,
}

impl Default for Main {
    fn default() -> Self {
        Self {
            label: super::step::main_channel(),
            protocol: String::new(),
            ordered: true,
            max_retransmits: None,
            max_packet_life_time: None,
        }
    }
}

/// A peer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Peer {
    /// Segment it is on; several make it multihomed.
    #[schemars(with = "OneOrMore")]
    pub on: Spanned<OneOrMore>,
    /// `reference`, `under-test`, or the name of an implementation.
    #[schemars(with = "String")]
    pub runs: Spanned<String>,
    /// Offerer or answerer.
    #[serde(default)]
    pub role: Role,
    /// ICE options.
    #[serde(default)]
    pub ice: Ice,
    /// DTLS options.
    #[serde(default)]
    pub dtls: Dtls,
    /// SCTP options, for reference peers.
    #[serde(default)]
    pub sctp: Sctp,
    /// Address families of its interfaces.
    #[serde(default)]
    pub families: Vec<Family>,
}

/// One name or a list of them.
#[derive(Clone, Debug, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum OneOrMore {
    /// One.
    One(String),
    /// Several, in order of preference.
    More(Vec<String>),
}

impl OneOrMore {
    /// The names, in order.
    #[must_use]
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::More(names) => names,
        }
    }
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> serde::de::Visitor<'de> for Names {
            type Value = OneOrMore;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a name or a list of names")
            }
            fn visit_str<E>(self, name: &str) -> Result<OneOrMore, E> {
                Ok(OneOrMore::One(name.to_owned()))
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut names: A,
            ) -> Result<OneOrMore, A::Error> {
                let mut all = Vec::new();
                while let Some(name) = names.next_element()? {
                    all.push(name);
                }
                Ok(OneOrMore::More(all))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

/// Which side of the first offer/answer exchange a peer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It offers.
    Offerer,
    /// It answers.
    #[default]
    Answerer,
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    Ipv4,
    /// IPv6.
    Ipv6,
}

/// ICE options of a peer.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Ice {
    /// Names of servers, with `?transport=tcp` or a `turns` name part where it matters:
    /// `stun`, `turn`, `turn?transport=tcp`, `turns?transport=tcp`.
    #[schemars(with = "Vec<String>")]
    pub servers: Vec<Spanned<String>>,
    /// `relay` hides every other candidate.
    pub policy: Policy,
    /// Acts as an ICE-lite agent (RFC 8445 §2.5).
    pub lite: bool,
    /// Hides its host addresses behind names of multicast DNS, and answers for them on its segments
    /// (draft-ietf-rtcweb-mdns-ice-candidates-04 §3.1).
    pub mdns: bool,
    /// Name of the 1:1 NAT whose outer address its deployment signals in place of its own, as a
    /// server in a cloud is configured to.
    #[schemars(with = "Option<String>")]
    pub announces: Option<Spanned<String>>,
}

/// Which candidates a peer may use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// All.
    #[default]
    All,
    /// Relayed ones only.
    Relay,
}

/// DTLS options of a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Dtls {
    /// Versions it accepts, `1.2` and `1.3`; its own default unless said otherwise.
    pub versions: Vec<String>,
    /// Role an answerer takes: `active` or `passive`.
    pub role: String,
    /// `symmetric` does without curves, for sessions by the thousand: both sides have to, and only
    /// the reference peer can.
    pub cryptography: String,
}

/// SCTP options of a reference peer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Sctp {
    /// First TSN, to place a wrap (RFC 9260 §1.6).
    pub initial_tsn: Option<u32>,
    /// Receive buffer in bytes.
    pub rwnd: Option<u32>,
    /// How long after DTLS has connected the application takes no message, so that the receive
    /// buffer fills up and its window closes (RFC 9260 §6.1 A).
    pub read_after: Option<Time>,
    /// Streams it asks for in each direction (RFC 8831 §6.2).
    pub streams: Option<u16>,
    /// Largest message it accepts, in bytes.
    pub max_message_size: Option<u32>,
    /// Offers interleaving (RFC 8260).
    pub interleaving: Option<bool>,
    /// Offers zero checksums (RFC 9653).
    pub zero_checksum: Option<bool>,
}
