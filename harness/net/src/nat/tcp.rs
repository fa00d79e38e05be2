use super::core::{Core, Pair, TCP};
use crate::Ns;
use crate::table::{Key, Store};

pub(super) const FIN: u8 = 0x01;
pub(super) const SYN: u8 = 0x02;
pub(super) const RST: u8 = 0x04;
pub(super) const ACK: u8 = 0x10;

/// TCP connections as a middlebox sees them, for the timers of RFC 5382 §5.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    entries: Store<Connection>,
}

#[derive(Clone, Copy, Debug)]
struct Connection {
    mapping: (u32, u32),
    seen: Ns,
    phase: Phase,
    fin_out: bool,
    fin_in: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A SYN went one way.
    Opening,
    /// Both sides have sent a SYN.
    Answered,
    /// The handshake is done.
    Established,
    /// Reset, or a FIN each way.
    Closing,
}

impl Connections {
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

impl Core {
    /// Follows a TCP segment that passes through a mapping.
    pub(super) fn follow(&mut self, now: Ns, id: u32, pair: Pair, flags: u8, out: bool) {
        if pair.protocol != TCP {
            return;
        }
        let mapping = (id, self.mapping(id).generation);
        let key = pair.key();
        let fresh =
            Connection { mapping, seen: now, phase: Phase::Opening, fin_out: false, fin_in: false };
        let before = self.connection(&key, mapping).filter(|old| {
            // A SYN after the end begins a new connection on the same ports.
            !(old.phase == Phase::Closing && flags & (SYN | ACK) == SYN)
        });
        let mut connection = before.unwrap_or(fresh);
        let was = connection.phase;
        connection.seen = now;
        connection.fin_out |= out && flags & FIN != 0;
        connection.fin_in |= !out && flags & FIN != 0;
        connection.phase = next_phase(&connection, before.is_some(), flags);
        let is = connection.phase;
        let keep = self.params.lifetimes.tcp.max(self.params.lifetimes.tcp_transitory);
        self.connections.entries.reclaim(|_, old| now < old.seen + keep);
        if self.connections.entries.set(key, connection).is_err() {
            return;
        }
        let mapping = self.mapping_mut(id);
        if was != Phase::Established && is == Phase::Established {
            mapping.established += 1;
        } else if was == Phase::Established && is == Phase::Closing {
            mapping.established = mapping.established.saturating_sub(1);
            // The transitory timer begins with the end of the connection.
            mapping.refreshed = mapping.refreshed.max(now);
            self.arm(now, id);
        }
    }

    fn connection(&self, key: &Key, mapping: (u32, u32)) -> Option<Connection> {
        self.connections.entries.get(key).copied().filter(|old| old.mapping == mapping)
    }
}

fn next_phase(connection: &Connection, known: bool, flags: u8) -> Phase {
    match connection.phase {
        _ if flags & RST != 0 => Phase::Closing,
        _ if connection.fin_out && connection.fin_in => Phase::Closing,
        // Simultaneous open (RFC 5382 REQ-2) has two bare SYNs, the usual one a SYN with ACK.
        Phase::Opening if known && flags & SYN != 0 => Phase::Answered,
        Phase::Answered if flags & (SYN | ACK) == ACK => Phase::Established,
        phase => phase,
    }
}
