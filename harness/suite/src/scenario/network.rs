//! Network sections of a scenario file: servers, segments, NATs, firewalls, links.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, IntoDeserializer as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::quantity::{BitRate, Share, Time};

/// A STUN or TURN server.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Server {
    /// Segment it is on.
    #[schemars(with = "String")]
    pub at: Spanned<String>,
    /// What it serves.
    pub kind: ServerKind,
    /// How clients reach a TURN server; UDP unless said otherwise.
    #[serde(default)]
    pub transports: Vec<Transport>,
    /// Port per transport; 3478, and 5349 for TLS, unless said otherwise.
    #[serde(default)]
    pub ports: BTreeMap<Transport, u16>,
    /// What it does wrong, on request.
    #[serde(default)]
    pub faults: Vec<Fault>,
}

/// Kind of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServerKind {
    /// STUN with behaviour discovery (RFC 8489, RFC 5780).
    Stun,
    /// TURN (RFC 8656); it answers Binding requests too.
    Turn,
}

/// How a client reaches a TURN server.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
    /// TLS over TCP.
    Tls,
}

/// A fault of a TURN server.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Fault {
    /// What it does.
    pub kind: FaultKind,
    /// Request method it does it to: `allocate`, `refresh`, `create-permission`, `channel-bind`.
    #[serde(default)]
    pub method: Option<TurnMethod>,
    /// From which such request on, counted from 1.
    #[serde(default = "first")]
    pub nth: u32,
    /// How many times in a row.
    #[serde(default = "first")]
    pub times: u32,
    /// At which run time, for faults that are not tied to a request.
    #[serde(default)]
    pub at: Option<Time>,
}

fn first() -> u32 {
    1
}

/// What a faulty TURN server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// Answers 438 with a new nonce (RFC 8656 §5, RFC 8489 §9.2.4).
    StaleNonce,
    /// Answers 437.
    AllocationMismatch,
    /// Forgets every allocation.
    LoseAllocations,
    /// Answers nothing.
    Silent,
}

/// A TURN request method.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TurnMethod {
    /// Allocate.
    Allocate,
    /// Refresh.
    Refresh,
    /// CreatePermission.
    CreatePermission,
    /// ChannelBind.
    ChannelBind,
}

/// A segment.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Net {
    /// IPv4 prefix, e.g. `100.64.0.0/16`.
    pub prefix: Option<String>,
    /// IPv6 prefix, e.g. `2001:db8:a::/64`.
    pub prefix6: Option<String>,
    /// Hosts of the segment cannot reach each other, only what is beyond it.
    pub isolation: bool,
}

/// A NAT: a preset, then what differs from it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Nat {
    /// Segment behind it.
    #[schemars(with = "String")]
    pub inside: Spanned<String>,
    /// Segment in front of it.
    #[schemars(with = "String")]
    pub outside: Spanned<String>,
    /// Class of device; `rtcspec list nats` prints them.
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    pub preset: Option<Spanned<String>>,
    /// RFC 4787 §4.1.
    #[serde(default)]
    pub mapping: Option<Behaviour>,
    /// RFC 4787 §5.
    #[serde(default)]
    pub filtering: Option<Behaviour>,
    /// What a filter entry belongs to.
    #[serde(default)]
    pub filter_scope: Option<FilterScope>,
    /// Where a reply leaves from when several mappings lead to its destination.
    #[serde(default)]
    pub reply_binding: Option<ReplyBinding>,
    /// How external ports are chosen.
    #[serde(default)]
    pub ports: Option<Ports>,
    /// External addresses it owns.
    #[serde(default)]
    pub addresses: Option<u8>,
    /// RFC 4787 §4.1, pooling.
    #[serde(default)]
    pub pooling: Option<Pooling>,
    /// RFC 4787 §6.
    #[serde(default)]
    pub hairpin: Option<Hairpin>,
    /// RFC 4787 §4.3.
    #[serde(default)]
    pub lifetime: Option<Lifetime>,
    /// Which packets keep a mapping alive (RFC 4787 §4.3, REQ-6).
    #[serde(default)]
    pub refresh: Option<Refresh>,
    /// What happens to packets for ports nobody mapped.
    #[serde(default)]
    pub unsolicited: Option<Unsolicited>,
    /// What a filtered packet does to the mapping it hit.
    #[serde(default)]
    pub on_filtered: Option<OnFiltered>,
    /// Whether packets the filter refuses restart a mapping's timer too, if packets coming in do.
    #[serde(default)]
    pub refresh_by_filtered: Option<bool>,
    /// Most mappings one inside address may hold.
    #[serde(default)]
    pub subscriber_limit: Option<u32>,
    /// Most mappings in all.
    #[serde(default)]
    pub mapping_limit: Option<u32>,
    /// Most new mappings in any one second of the run.
    #[serde(default)]
    pub new_per_second: Option<u32>,
    /// What a sender gets when no port or mapping is left for it.
    #[serde(default)]
    pub exhaustion: Option<Exhaustion>,
    /// Endpoint-independent only until the preserved port is taken (RFC 4787 REQ-11 violated).
    #[serde(default)]
    pub changes_on_conflict: Option<bool>,
    /// Behaviour towards TCP where it differs (RFC 5382).
    #[serde(default)]
    pub tcp: Option<TcpBehaviour>,
    /// What happens to IPv6, which is never translated.
    #[serde(default)]
    pub ipv6: Option<V6>,
}

/// What a sender gets when no port or mapping is left for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exhaustion {
    /// Silence.
    Drop,
    /// ICMP host unreachable (RFC 6888 REQ-11).
    Reject,
    /// The mapping that was idle longest makes room.
    EvictOldest,
}

/// Mapping and filtering of TCP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TcpBehaviour {
    /// RFC 5382 REQ-1.
    pub mapping: Behaviour,
    /// RFC 5382 REQ-3.
    pub filtering: Behaviour,
}

/// What a NAT does to IPv6: a word of its own, or the filter that lets packets in (RFC 6092).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum V6 {
    /// Nothing passes: an IPv4-only box.
    Drop,
    /// Everything passes.
    Forward,
    /// Out everything, in whoever.
    #[serde(alias = "EIF")]
    EndpointIndependent,
    /// Out everything, in addresses that were sent to.
    #[serde(alias = "ADF")]
    AddressDependent,
    /// Out everything, in addresses and ports that were sent to.
    #[serde(alias = "APDF")]
    AddressAndPortDependent,
}

/// Mapping or filtering behaviour in the words of RFC 4787.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// The remote side plays no part.
    #[serde(alias = "EIM", alias = "EIF")]
    EndpointIndependent,
    /// The remote address does.
    #[serde(alias = "ADM", alias = "ADF")]
    AddressDependent,
    /// The remote address and port do.
    #[serde(alias = "APDM", alias = "APDF")]
    AddressAndPortDependent,
}

/// What a filter entry belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FilterScope {
    /// The mapping.
    Mapping,
    /// The internal endpoint, whatever its mappings (RFC 4787 §5 to the letter).
    Endpoint,
}

/// Where a reply leaves from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReplyBinding {
    /// Only the mapping rule decides.
    None,
    /// The mapping the remote first reached.
    First,
    /// The mapping the remote reached last.
    Latest,
}

/// How external ports are chosen: a word, or a table like
/// `{ policy = "block", block = 256, hold-down = "120s" }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The policy.
    pub policy: PortPolicy,
    /// With `sequential`: the step, 1 unless said otherwise.
    pub step: Option<u16>,
    /// With `block`: ports per block.
    pub block: Option<u16>,
    /// Those there are, like `"5000-5003"`.
    pub range: Option<(u16, u16)>,
    /// Odd ones for odd ones, even ones for even ones (RFC 4787 REQ-4).
    pub parity: Option<bool>,
    /// How long a released port stays unused (RFC 6888 REQ-8).
    pub hold_down: Option<Time>,
}

/// How an external port is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PortPolicy {
    /// The internal port where it is free.
    Preserve,
    /// The internal port or nothing.
    PreserveOrDrop,
    /// The internal port even if a neighbour has it, as long as the remote differs.
    PreserveOverload,
    /// The internal port, taken from whoever has it.
    PreserveOverride,
    /// One after the other.
    Sequential,
    /// Unpredictable.
    Random,
    /// From blocks that belong to one inside address each.
    Block,
}

/// Which external address an inside address gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pooling {
    /// Always the same one.
    Paired,
    /// Any.
    Arbitrary,
    /// In turn.
    RoundRobin,
}

/// What happens to packets from inside to an external address of the NAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hairpin {
    /// Dropped.
    None,
    /// Delivered with the internal source.
    Internal,
    /// Delivered with the external source (RFC 4787 REQ-9).
    External,
}

/// Lifetimes of mappings.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Lifetime {
    /// UDP mappings.
    pub udp: Option<Time>,
    /// UDP mappings that saw no reply yet.
    pub unreplied: Option<Time>,
    /// What the filter remembers; as long as the mapping unless said otherwise.
    pub filter: Option<Time>,
    /// Established TCP connections.
    pub tcp: Option<Time>,
    /// TCP connections that are being opened or closed.
    pub tcp_transitory: Option<Time>,
}

/// Which packets keep a mapping alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Refresh {
    /// Outbound ones.
    Outbound,
    /// Inbound ones.
    Inbound,
    /// Both.
    Both,
    /// None.
    None,
}

/// What happens to packets for ports nobody mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Unsolicited {
    /// Silence.
    Drop,
    /// ICMP port unreachable.
    Reject,
    /// The port is taken: a later mapping cannot get it (conntrack clash).
    Reserve,
}

/// What a filtered packet does to the mapping it hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFiltered {
    /// Nothing.
    Nothing,
    /// Ends it.
    KillMapping,
    /// Bars the source for good.
    BlockSource,
}

/// A firewall: named like a NAT it sits on that NAT's inside, named like a peer or a server at it.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Firewall {
    /// What happens outbound to what no rule allows.
    pub default_out: Option<Policing>,
    /// What happens inbound to what no rule allows and no outbound packet invited.
    pub default_in: Option<Policing>,
    /// Which inbound packets an outbound one invites (RFC 4787 §5 words).
    pub filtering: Option<Behaviour>,
    /// Outbound exceptions: `udp`, `tcp/443`, `udp/3478`.
    #[schemars(with = "Vec<String>")]
    pub allow_out: Vec<Spanned<String>>,
    /// Inbound exceptions.
    #[schemars(with = "Vec<String>")]
    pub allow_in: Vec<Spanned<String>>,
    /// Outbound bans, before the exceptions.
    #[schemars(with = "Vec<String>")]
    pub deny_out: Vec<Spanned<String>>,
    /// Inbound bans, before the exceptions.
    #[schemars(with = "Vec<String>")]
    pub deny_in: Vec<Spanned<String>>,
    /// From this long after the first packet on, nothing passes any more.
    pub kill_after: Option<Time>,
    /// Kill rules: from some point on, what they match is dropped for good.
    pub kill: Vec<Kill>,
}

/// A kill rule of a firewall: `{ protocol = "udp", packets = 40 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Kill {
    /// Which protocol; all unless said otherwise.
    #[serde(default)]
    pub protocol: Option<super::BlockedProtocol>,
    /// After this many packets it matched have passed.
    #[serde(default)]
    pub packets: Option<u64>,
    /// This long after the first packet it matched.
    #[serde(default)]
    pub after: Option<Time>,
}

/// What a firewall does to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policing {
    /// Lets it pass.
    Allow,
    /// Drops it silently.
    Drop,
    /// Drops it and says so by ICMP or RST.
    Reject,
}

/// A link; both directions unless said otherwise.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Link {
    /// One-way latency.
    pub delay: Option<Time>,
    /// Variation of the latency.
    pub jitter: Option<Jitter>,
    /// Loss.
    pub loss: Option<Loss>,
    /// Share of packets that arrive twice.
    pub duplicate: Option<Share>,
    /// Reordering: this share of packets is held back.
    pub reorder: Option<Reorder>,
    /// Share of packets that are damaged.
    pub corrupt: Option<Share>,
    /// How: a flipped bit unless said otherwise.
    pub corruption: Option<Corruption>,
    /// Bandwidth.
    pub rate: Option<Rate>,
    /// Largest IP packet in bytes.
    pub mtu: Option<u16>,
    /// Whether who sends a larger one learns of it by ICMP; a black hole unless said otherwise.
    pub mtu_icmp: Option<bool>,
    /// `down` drops everything.
    pub state: Option<LinkState>,
}

/// What damage does to the bytes behind the transport header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Corruption {
    /// One bit changes.
    Bit,
    /// One byte changes.
    Byte,
    /// The end is missing.
    Truncate,
}

/// Up or down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LinkState {
    /// Carries packets.
    Up,
    /// Carries none.
    Down,
}

/// Variation of the latency.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Jitter {
    /// Up to this much more than `delay`, uniformly.
    pub up_to: Time,
    /// Whether packets may overtake each other.
    #[serde(default)]
    pub order: PacketOrder,
}

/// Whether packets may overtake each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PacketOrder {
    /// They may not.
    #[default]
    Kept,
    /// They may.
    Free,
}

/// Reordering.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Reorder {
    /// Share of packets held back.
    pub share: Share,
    /// For how long.
    pub by: Time,
}

/// Bandwidth of a link.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rate {
    /// Towards the outside.
    pub up: BitRate,
    /// Towards the inside.
    pub down: BitRate,
    /// What is queued at most, as time at the rate.
    pub queue: Time,
}

/// Loss: `"5%"`, or a table with `model`, `every` or `packets`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Independent per packet.
    Uniform(Share),
    /// Gilbert-Elliott: chances of changing state, loss in each.
    GilbertElliott {
        /// From good to bad, per packet.
        good_to_bad: Share,
        /// From bad to good, per packet.
        bad_to_good: Share,
        /// Loss in the good state.
        in_good: Share,
        /// Loss in the bad state.
        in_bad: Share,
    },
    /// Every n-th packet.
    Every(u32),
    /// Exactly these packets, counted from 1 per direction.
    Packets(Vec<u32>),
}

impl<'de> Deserialize<'de> for Ports {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Policy;
        impl<'de> Visitor<'de> for Policy {
            type Value = Ports;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a port policy, like \"random\" or { policy = \"block\", block = 256 }")
            }
            fn visit_str<E: de::Error>(self, word: &str) -> Result<Ports, E> {
                let policy = PortPolicy::deserialize(word.into_deserializer())?;
                PortTable { policy, ..PortTable::default() }.into_ports().map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Ports, A::Error> {
                PortTable::deserialize(de::value::MapAccessDeserializer::new(map))?
                    .into_ports()
                    .map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Policy)
    }
}

impl JsonSchema for Ports {
    fn schema_name() -> Cow<'static, str> {
        "Ports".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "How external ports are chosen: a word, or a table.",
            "anyOf": [
                generator.subschema_for::<PortPolicy>(),
                generator.subschema_for::<PortTable>()
            ]
        })
    }
}

/// A port policy with what belongs to it: `{ policy = "block", block = 256, hold-down = "120s" }`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PortTable {
    /// The policy.
    policy: PortPolicy,
    /// With `sequential`: the step, 1 unless said otherwise.
    step: Option<u16>,
    /// With `block`: ports per block.
    block: Option<u16>,
    /// Those there are, like `"5000-5003"`.
    range: Option<String>,
    /// Odd ones for odd ones, even ones for even ones (RFC 4787 REQ-4).
    parity: Option<bool>,
    /// How long a released port stays unused (RFC 6888 REQ-8).
    hold_down: Option<Time>,
}

impl Default for PortTable {
    fn default() -> Self {
        let policy = PortPolicy::Preserve;
        Self { policy, step: None, block: None, range: None, parity: None, hold_down: None }
    }
}

impl PortTable {
    fn into_ports(self) -> Result<Ports, String> {
        let Self { policy, step, block, range, parity, hold_down } = self;
        match (policy, block) {
            (PortPolicy::Block, None) => {
                return Err("policy `block` needs `block`, the ports per block".to_owned());
            }
            (PortPolicy::Block, Some(0)) => return Err("a block has at least one port".to_owned()),
            (PortPolicy::Block, Some(_)) | (_, None) => {}
            (_, Some(_)) => return Err("`block` goes with `policy = \"block\"`".to_owned()),
        }
        if step.is_some() && policy != PortPolicy::Sequential {
            return Err("`step` goes with `policy = \"sequential\"`".to_owned());
        }
        let range = range.map(|text| port_range(&text)).transpose()?;
        Ok(Ports { policy, step, block, range, parity, hold_down })
    }
}

fn port_range(text: &str) -> Result<(u16, u16), String> {
    let read = |part: &str| part.trim().parse::<u16>().ok();
    let range = text.split_once('-').and_then(|(low, high)| Some((read(low)?, read(high)?)));
    range.filter(|(low, high)| low <= high && *low > 0).ok_or_else(|| {
        format!("`{text}` is not a range of ports; write it like `5000-5003`, lowest first")
    })
}

impl<'de> Deserialize<'de> for Loss {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Model;
        impl<'de> Visitor<'de> for Model {
            type Value = Loss;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a loss, like \"5%\", { every = 10 }, { packets = [1, 3] } or \
                     { model = \"gilbert-elliott\", ... }",
                )
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Loss, E> {
                Share::parse(text).map(Loss::Uniform).map_err(E::custom)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Loss, A::Error> {
                LossTable::deserialize(de::value::MapAccessDeserializer::new(map))?
                    .into_loss()
                    .map_err(de::Error::custom)
            }
        }
        deserializer.deserialize_any(Model)
    }
}

impl JsonSchema for Loss {
    fn schema_name() -> Cow<'static, str> {
        "Loss".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Loss: `5%`, or a table with one of `model`, `every` and `packets`.",
            "anyOf": [generator.subschema_for::<Share>(), generator.subschema_for::<LossTable>()]
        })
    }
}

/// A loss that is no share of all packets: it has one of `model`, `every` and `packets`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct LossTable {
    /// A model with states.
    model: Option<LossModel>,
    /// Chance of turning from good to bad, per packet.
    good_to_bad: Option<Share>,
    /// Chance of turning from bad to good, per packet.
    bad_to_good: Option<Share>,
    /// Loss in the good state; none unless said otherwise.
    in_good: Option<Share>,
    /// Loss in the bad state.
    in_bad: Option<Share>,
    /// Every n-th packet.
    #[schemars(range(min = 1))]
    every: Option<u32>,
    /// Exactly these packets, counted from 1 per direction.
    packets: Option<Vec<u32>>,
}

/// A model of loss with states.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum LossModel {
    /// Gilbert-Elliott: a good state and a bad one, with loss in each.
    GilbertElliott,
}

impl LossTable {
    fn into_loss(self) -> Result<Loss, String> {
        match (self.model, self.every, self.packets) {
            (Some(LossModel::GilbertElliott), None, None) => Ok(Loss::GilbertElliott {
                good_to_bad: self.good_to_bad.ok_or("gilbert-elliott needs `good-to-bad`")?,
                bad_to_good: self.bad_to_good.ok_or("gilbert-elliott needs `bad-to-good`")?,
                in_good: self.in_good.unwrap_or_default(),
                in_bad: self.in_bad.ok_or("gilbert-elliott needs `in-bad`")?,
            }),
            (None, Some(0), None) => Err("`every` counts from 1".to_owned()),
            (None, Some(every), None) => Ok(Loss::Every(every)),
            (None, None, Some(packets)) => Ok(Loss::Packets(packets)),
            _ => Err("a loss table has exactly one of `model`, `every`, `packets`".to_owned()),
        }
    }
}
