//! What a prediction is about: segments, the boxes between them, the two sides and their servers.

use crate::firewall;
use crate::nat;

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// A segment of a [`Topology`], by its place in [`Topology::segments`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentId(pub usize);

impl SegmentId {
    /// The internet, which every topology has.
    pub const INTERNET: Self = Self(0);
}

/// A server on the internet. Equal ids are one address: a STUN and a TURN server that are one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServerId(pub u8);

/// What a box does to packets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// It translates IPv4 addresses; what it does to IPv6 is in its parameters.
    Nat(nat::Params),
    /// It lets packets pass or not.
    Firewall(firewall::Params),
}

/// A NAT or firewall between two segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Middlebox {
    /// How explanations call it.
    pub name: String,
    /// What it does.
    pub kind: Kind,
}

impl Middlebox {
    /// A NAT.
    pub fn nat(name: impl Into<String>, params: nat::Params) -> Self {
        Self { name: name.into(), kind: Kind::Nat(params) }
    }

    /// A firewall.
    pub fn firewall(name: impl Into<String>, params: firewall::Params) -> Self {
        Self { name: name.into(), kind: Kind::Firewall(params) }
    }
}

/// Hosts and boxes that reach each other without a box between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// How explanations call it.
    pub name: String,
    /// The boxes on its way out, innermost first; none: it is routed, with addresses that the
    /// segment outside of it knows ([`Topology::add_island`] makes one without a way out).
    pub behind: Vec<Middlebox>,
    /// Where that way leads. The internet's own value is of no meaning.
    pub outside: SegmentId,
    /// Its members reach only the way out, not each other: client isolation on Wi-Fi, or a
    /// carrier that does not route between subscribers.
    pub isolated: bool,
}

/// An interface with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Base {
    /// Where it is.
    pub segment: SegmentId,
    /// Its address family.
    pub family: Family,
}

/// A TURN server that a side uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn {
    /// Which one.
    pub server: ServerId,
    /// Its UDP port, if the side uses it over UDP.
    pub udp: Option<u16>,
    /// Its TCP port, if the side uses it over TCP.
    pub tcp: Option<u16>,
    /// Its TLS port, if the side uses it over TLS.
    pub tls: Option<u16>,
    /// It allocates IPv4 relayed addresses.
    pub v4: bool,
    /// It allocates IPv6 relayed addresses (RFC 8656 §7, REQUESTED-ADDRESS-FAMILY).
    pub v6: bool,
}

impl Turn {
    /// Over UDP on its usual port, with IPv4 relayed addresses.
    pub fn udp(server: ServerId) -> Self {
        Self { server, udp: Some(3478), tcp: None, tls: None, v4: true, v6: false }
    }

    /// Over UDP, TCP and TLS on the usual ports, TLS on 443 as firewalls demand.
    pub fn everything(server: ServerId) -> Self {
        Self { tcp: Some(3478), tls: Some(443), ..Self::udp(server) }
    }
}

/// How a side does ICE.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Implementation {
    /// RFC 8445 in full.
    #[default]
    Full,
    /// RFC 8445 §2.5: answers checks and sends none. With STUN it announces the mapped address as
    /// its host candidate, as a server behind 1:1 NAT is configured to.
    Lite,
}

/// One of the two agents: where it is and what it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    /// How explanations call it.
    pub name: String,
    /// Its interfaces, the preferred first.
    pub bases: Vec<Base>,
    /// The STUN server it asks for its mapped addresses.
    pub stun: Option<ServerId>,
    /// The TURN server it allocates at.
    pub turn: Option<Turn>,
    /// Full or lite.
    pub implementation: Implementation,
    /// Whether the other side learns its host candidates; false: none are announced, or only
    /// names (mDNS) that the other side can't resolve.
    pub announces_hosts: bool,
    /// Whether it uses relayed candidates only (the "relay" ICE transport policy).
    pub relay_only: bool,
}

impl Side {
    /// A full agent that has IPv4 on one segment and asks server 0 for its mapped address.
    pub fn on(name: impl Into<String>, segment: SegmentId) -> Self {
        Self {
            name: name.into(),
            bases: vec![Base { segment, family: Family::V4 }],
            stun: Some(ServerId(0)),
            turn: None,
            implementation: Implementation::Full,
            announces_hosts: true,
            relay_only: false,
        }
    }

    /// The same with one more interface.
    #[must_use]
    pub fn with_base(mut self, segment: SegmentId, family: Family) -> Self {
        self.bases.push(Base { segment, family });
        self
    }

    /// The same with a TURN server.
    #[must_use]
    pub fn with_turn(mut self, turn: Turn) -> Self {
        self.turn = Some(turn);
        self
    }
}

/// Two agents and everything between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    /// The segments; the first is the internet, and each leads out to one before it.
    pub segments: Vec<Segment>,
    /// The agents.
    pub sides: [Side; 2],
}

impl Topology {
    /// Each side alone behind its boxes (innermost first), with a STUN server and no TURN.
    pub fn apart(a: Vec<Middlebox>, b: Vec<Middlebox>) -> Self {
        let mut topology = Self::internet();
        let segments = [("lan-a", a), ("lan-b", b)]
            .map(|(name, boxes)| topology.add(name, boxes, SegmentId::INTERNET));
        topology.sides = [Side::on("A", segments[0]), Side::on("B", segments[1])];
        topology
    }

    /// Both sides behind their own boxes, and these behind shared ones. `isolated`: what is on the
    /// shared segment reaches only the way out. Without boxes of their own the sides share a LAN.
    pub fn together(
        a: Vec<Middlebox>,
        b: Vec<Middlebox>,
        shared: Vec<Middlebox>,
        isolated: bool,
    ) -> Self {
        let mut topology = Self::internet();
        let common = topology.add("shared", shared, SegmentId::INTERNET);
        topology.segments[common.0].isolated = isolated;
        let segments = [("lan-a", a), ("lan-b", b)].map(|(name, boxes)| {
            if boxes.is_empty() { common } else { topology.add(name, boxes, common) }
        });
        topology.sides = [Side::on("A", segments[0]), Side::on("B", segments[1])];
        topology
    }

    /// Both sides on the internet, to be moved elsewhere.
    pub fn internet() -> Self {
        let internet = Segment {
            name: "internet".into(),
            behind: Vec::new(),
            outside: SegmentId::INTERNET,
            isolated: false,
        };
        let sides = ["A", "B"].map(|name| Side::on(name, SegmentId::INTERNET));
        Self { segments: vec![internet], sides }
    }

    /// Adds a segment behind boxes (innermost first) and gives its id.
    pub fn add(
        &mut self,
        name: impl Into<String>,
        behind: Vec<Middlebox>,
        outside: SegmentId,
    ) -> SegmentId {
        let id = SegmentId(self.segments.len());
        self.segments.push(Segment { name: name.into(), behind, outside, isolated: false });
        id
    }

    /// Adds a segment without a way out and gives its id.
    pub fn add_island(&mut self, name: impl Into<String>) -> SegmentId {
        let shut = firewall::Params {
            default_out: firewall::Action::Drop,
            default_in: firewall::Action::Drop,
            ..firewall::Params::default()
        };
        self.add(name, vec![Middlebox::firewall("no way out", shut)], SegmentId::INTERNET)
    }

    /// The same with one TURN server for both sides, over UDP, TCP and TLS.
    #[must_use]
    pub fn with_turn(mut self) -> Self {
        for side in &mut self.sides {
            side.turn = Some(Turn::everything(ServerId(1)));
        }
        self
    }

    /// The same with the sides exchanged.
    #[must_use]
    pub fn swapped(mut self) -> Self {
        self.sides.swap(0, 1);
        self
    }
}
