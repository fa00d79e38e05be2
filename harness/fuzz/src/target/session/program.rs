//! What an input of `full_session` says: the program, step by step.
//!
//! Numbers out of range wrap, so that every input is some session.

use crate::mutate::elements::Shape;

/// Before anything else: both peers' NATs, servers, order of candidates, options, who offers.
pub(super) const CONFIG: u8 = 0;
/// A link is not perfect.
pub(super) const LINK: u8 = 1;
/// Messages.
pub(super) const SEND: u8 = 2;
/// One more channel.
pub(super) const CHANNEL: u8 = 3;
/// An ICE restart, or an offer that is taken back.
pub(super) const RESTART: u8 = 4;
/// A channel is closed.
pub(super) const CLOSE_CHANNEL: u8 = 5;
/// A connection is closed.
pub(super) const CLOSE: u8 = 6;
/// A NAT or a link changes.
pub(super) const NETWORK: u8 = 7;
/// One of the hostile peer's messages is dropped, doubled, held back or changed.
pub(super) const TAMPER: u8 = 8;
/// The hostile peer, or a stranger, sends something besides.
pub(super) const INJECT: u8 = 9;

/// What the peers stand on: a NAT's parameter, a firewall's, a fault of the TURN server.
pub(super) const GROUND: u8 = 10;

/// Steps that are read of a program.
const STEPS: usize = 48;

/// How the session is set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Setup {
    /// Presets of the NATs in front of the hostile and the tested peer; 0 for none.
    pub(super) nats: [u8; 2],
    /// Servers and how they are used: from the lowest bit on STUN, TURN, TURN over TCP, over TLS, not
    /// over UDP; names of multicast DNS; relayed candidates only, of either peer.
    pub(super) servers: u8,
    /// Order of candidates.
    pub(super) order: u8,
    /// Options of the hostile peer, bit by bit.
    pub(super) options: u8,
    /// How they begin, bit by bit: the tested peer offers; both do at once; the hostile one is a lite
    /// agent, the tested one; the hostile one has a second interface, the tested one.
    pub(super) start: u8,
    /// Seed of the run.
    pub(super) seed: u8,
    /// Families of addresses, two bits for each peer: IPv4, IPv6.
    pub(super) families: u8,
}

impl Setup {
    /// The tested peer offers.
    pub(super) const fn tested_offers(self) -> bool {
        self.start & 1 != 0
    }

    /// Both peers offer at once.
    pub(super) const fn glares(self) -> bool {
        self.start & 2 != 0
    }

    /// A peer is a lite agent.
    pub(super) const fn is_lite(self, who: Who) -> bool {
        self.start & 4 << who as u8 != 0
    }

    /// A peer has a second interface.
    pub(super) const fn has_two_interfaces(self, who: Who) -> bool {
        self.start & 16 << who as u8 != 0
    }
}

/// One of the two peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Hostile,
    Tested,
}

impl Who {
    const fn of(byte: u8) -> Self {
        if byte & 1 == 0 { Self::Hostile } else { Self::Tested }
    }

    /// Its name in the scenario.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Hostile => "hostile",
            Self::Tested => "tested",
        }
    }

    /// The other one.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::Hostile => Self::Tested,
            Self::Tested => Self::Hostile,
        }
    }
}

/// A step after the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Link { of: Who, kind: u8, amount: u8 },
    Send { from: Who, channel: u8, at: u8, count: u8, size: u16 },
    Channel { from: Who, number: u8, at: u8, options: u8 },
    Restart { of: Who, at: u8 },
    Rollback { of: Who, at: u8 },
    CloseChannel { from: Who, number: u8, at: u8 },
    Close { of: Who, at: u8 },
    Network { kind: u8, of: Who, at: u8, amount: u8 },
    Ground { of: Who, kind: u8, which: u8, amount: u8 },
    Tamper { layer: u8, nth: u8, verb: u8, amount: u8, seed: u16 },
    Inject { layer: u8, at: u8, options: u8, copy: u8, seed: u16 },
}

/// A program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Program {
    pub(super) setup: Setup,
    pub(super) steps: Vec<Step>,
}

impl Program {
    /// Reads an input; what is no step is left out.
    pub(super) fn read(input: &[u8]) -> Self {
        let mut program = Self::default();
        for (index, step) in Shape::STEP.elements(input).take(STEPS).enumerate() {
            let [op, _, rest @ ..] = step else { continue };
            // What an argument lacks is zero.
            let mut bytes = [0; 8];
            let len = rest.len().min(bytes.len());
            bytes[..len].copy_from_slice(&rest[..len]);
            if index == 0 && *op == CONFIG {
                program.setup = Setup::of(bytes);
            } else {
                program.steps.extend(Step::of(*op, bytes));
            }
        }
        program
    }
}

impl Setup {
    const fn of(
        [hostile, tested, servers, order, options, start, seed, families]: [u8; 8],
    ) -> Self {
        Self { nats: [hostile, tested], servers, order, options, start, seed, families }
    }
}

impl Step {
    fn of(op: u8, [a, b, c, d, e, f, ..]: [u8; 8]) -> Option<Self> {
        let who = Who::of(a);
        let word = |high, low| u16::from_be_bytes([high, low]);
        Some(match op {
            LINK => Self::Link { of: who, kind: b, amount: c },
            SEND => Self::Send { from: who, channel: a >> 1, at: b, count: c, size: word(d, e) },
            CHANNEL => Self::Channel { from: who, number: a >> 1, at: b, options: c },
            RESTART if c & 1 != 0 => Self::Rollback { of: who, at: b },
            RESTART => Self::Restart { of: who, at: b },
            CLOSE_CHANNEL => Self::CloseChannel { from: who, number: a >> 1, at: b },
            CLOSE => Self::Close { of: who, at: b },
            NETWORK => Self::Network { of: who, kind: a >> 1, at: b, amount: c },
            GROUND => Self::Ground { of: who, kind: a >> 1, which: b, amount: c },
            TAMPER => Self::Tamper { layer: a, nth: b, verb: c, amount: d, seed: word(e, f) },
            INJECT => Self::Inject { layer: a, at: b, options: c, copy: d, seed: word(e, f) },
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_are_a_program() {
        assert_eq!(Program::read(b""), Program::default());
        let config = [CONFIG, 8, 0, 0, 0, 0, 0, 1 | 4 | 32, 0, 0];
        let setup = Program::read(&config).setup;
        assert!(setup.tested_offers() && !setup.glares());
        assert!(setup.is_lite(Who::Hostile) && !setup.is_lite(Who::Tested));
        assert!(setup.has_two_interfaces(Who::Tested));
        let program = Program::read(&[CONFIG, 2, 3, 4, TAMPER, 0, 99, 1, 1, CLOSE]);
        assert_eq!(program.setup.nats, [3, 4]);
        let tamper = Step::Tamper { layer: 0, nth: 0, verb: 0, amount: 0, seed: 0 };
        assert_eq!(program.steps, [tamper]);
    }
}
