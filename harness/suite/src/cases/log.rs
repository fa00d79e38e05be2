//! What the hostile side sent and received: the evidence of a case, and the material to build on.

use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_peer::tamper::Injection;
use rtcspec_wire::sctp::{Body, Checksum, Chunk, ChunkView, Packet, PacketView, set_checksum};
use rtcspec_wire::stun::{Class, Key, Method, TransactionId, View};

/// Direction, as the hostile side sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// It sent it.
    Sent,
    /// It received it.
    Received,
}

/// The hook something crossed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A STUN message, or an injected datagram.
    Stun {
        /// Address of the hostile side.
        local: SocketAddr,
        /// Address of the other side.
        remote: SocketAddr,
        /// Key of its integrity, where known.
        key: Option<Vec<u8>>,
    },
    /// A datagram of DTLS records.
    Dtls,
    /// A plain SCTP packet.
    Sctp,
    /// A message of a stream.
    Message {
        /// Its stream.
        stream: u16,
        /// Its payload protocol identifier.
        ppid: u32,
    },
}

/// Something that crossed a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noted {
    /// When.
    pub at: Duration,
    /// Which way.
    pub way: Way,
    /// Where.
    pub kind: Kind,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Everything that crossed the hooks of the hostile side, in order.
#[derive(Clone, Debug, Default)]
pub struct Log {
    notes: Vec<Noted>,
}

/// A connectivity check to take as a model: where it goes, what it says, who signs it.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// Address it leaves from.
    pub local: SocketAddr,
    /// Address it goes to.
    pub remote: SocketAddr,
    /// The message.
    pub view: View<'a>,
    /// Key of its integrity.
    pub key: &'a [u8],
}

impl Log {
    pub(super) fn add(&mut self, noted: Noted) {
        self.notes.push(noted);
    }

    /// Takes out what was received and fits.
    #[cfg(test)]
    pub(super) fn forget(&mut self, mut fits: impl FnMut(&Noted) -> bool) {
        self.notes.retain(|note| note.way == Way::Sent || !fits(note));
    }

    /// Changes what was received.
    #[cfg(test)]
    pub(super) fn change(&mut self, change: impl FnMut(&mut Noted)) {
        self.notes.iter_mut().filter(|note| note.way == Way::Received).for_each(change);
    }

    /// Notes of one direction, in order.
    pub fn of(&self, way: Way) -> impl DoubleEndedIterator<Item = &Noted> {
        self.notes.iter().filter(move |note| note.way == way)
    }

    /// STUN messages of one direction.
    pub fn stun(&self, way: Way) -> impl DoubleEndedIterator<Item = (Duration, View<'_>)> {
        self.of(way)
            .filter(|note| matches!(note.kind, Kind::Stun { .. }))
            .map(|note| (note.at, View::new(&note.bytes)))
    }

    /// Binding requests of one direction: connectivity and consent checks.
    pub fn checks(&self, way: Way) -> impl DoubleEndedIterator<Item = (Duration, View<'_>)> {
        self.stun(way).filter(|(_, view)| {
            view.message_type()
                .is_some_and(|kind| kind.class == Class::Request && kind.method == Method::BINDING)
        })
    }

    /// The last check this side sent on its own that was answered, to take as a model: others may
    /// have gone to candidates that cannot be reached. If none was answered, the last one.
    #[must_use]
    pub fn last_check(&self) -> Option<Check<'_>> {
        let checks = || {
            self.of(Way::Sent).rev().filter_map(|note| {
                let Kind::Stun { local, remote, key: Some(key) } = &note.kind else { return None };
                let view = View::new(&note.bytes);
                let kind = view.message_type()?;
                let is_check = kind.class == Class::Request && kind.method == Method::BINDING;
                is_check.then_some(Check { local: *local, remote: *remote, view, key })
            })
        };
        let answered = |check: &Check<'_>| {
            let answer = check.view.transaction_id().and_then(|id| self.answer(id));
            answer.is_some_and(|answer| answer.error_code().is_none())
        };
        checks().find(answered).or_else(|| checks().next())
    }

    /// The first response received to a request.
    #[must_use]
    pub fn answer(&self, id: TransactionId) -> Option<View<'_>> {
        self.stun(Way::Received).map(|(_, view)| view).find(|view| {
            let is_response = view.message_type().is_some_and(|kind| kind.class.is_response());
            is_response && view.transaction_id() == Some(id)
        })
    }

    /// DTLS datagrams of one direction.
    pub fn dtls(&self, way: Way) -> impl DoubleEndedIterator<Item = (Duration, &[u8])> {
        let notes = self.of(way).filter(|note| note.kind == Kind::Dtls);
        notes.map(|note| (note.at, note.bytes.as_slice()))
    }

    /// SCTP packets of one direction.
    pub fn packets(&self, way: Way) -> impl DoubleEndedIterator<Item = (Duration, PacketView<'_>)> {
        let notes = self.of(way).filter(|note| note.kind == Kind::Sctp);
        notes.filter_map(|note| Some((note.at, PacketView::new(&note.bytes).ok()?)))
    }

    /// SCTP chunks of one direction.
    pub fn chunks(&self, way: Way) -> impl Iterator<Item = (Duration, ChunkView<'_>)> {
        self.packets(way).flat_map(|(at, packet)| packet.chunks().map(move |chunk| (at, chunk)))
    }

    /// SCTP chunks of one direction, taken apart; broken ones are left out.
    pub fn bodies(&self, way: Way) -> impl Iterator<Item = (Duration, Body<'_>)> {
        self.chunks(way).filter_map(|(at, chunk)| Some((at, chunk.body().ok()?)))
    }

    /// Messages of a payload protocol in one direction, with their streams.
    pub fn messages(&self, way: Way, of: u32) -> impl Iterator<Item = (Duration, u16, &[u8])> {
        self.of(way).filter_map(move |note| match note.kind {
            Kind::Message { stream, ppid } if ppid == of => Some((note.at, stream, &*note.bytes)),
            _ => None,
        })
    }

    /// A packet with these chunks for the association that is up: ports and tag are right.
    /// `None` before this side has sent anything with its peer's tag.
    #[must_use]
    pub fn packet(&self, chunks: Vec<Chunk>) -> Option<Packet> {
        let (_, model) =
            self.packets(Way::Sent).rfind(|(_, packet)| packet.verification_tag().0 != 0)?;
        Some(Packet {
            source_port: model.source_port(),
            destination_port: model.destination_port(),
            verification_tag: model.verification_tag(),
            chunks,
        })
    }

    /// Such a packet, ready to be injected.
    #[must_use]
    pub fn inject_chunks(&self, chunks: Vec<Chunk>) -> Vec<Injection> {
        self.packet(chunks).map(|packet| inject_packet(&packet)).into_iter().collect()
    }

    /// Raw chunk bytes in such a packet, for what no value can say; the checksum is right.
    #[must_use]
    pub fn inject_raw_chunks(&self, chunks: &[u8]) -> Vec<Injection> {
        let Some(packet) = self.packet(Vec::new()) else { return Vec::new() };
        let mut bytes = packet.encode(Checksum::Crc32c).unwrap_or_default();
        bytes.extend_from_slice(chunks);
        set_checksum(&mut bytes, Checksum::Crc32c);
        vec![Injection::Sctp(bytes)]
    }
}

impl Check<'_> {
    /// The key as one.
    #[must_use]
    pub fn key(&self) -> Key {
        Key::from_bytes(self.key)
    }

    /// A datagram on the way of this check.
    #[must_use]
    pub fn inject(&self, data: Vec<u8>) -> Injection {
        Injection::Datagram { local: self.local, remote: self.remote, data }
    }
}

/// A packet, ready to be injected.
#[must_use]
pub(super) fn inject_packet(packet: &Packet) -> Injection {
    Injection::Sctp(packet.encode(Checksum::Crc32c).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Binding message of a class, without attributes.
    fn note(way: Way, class: u8, id: u8, port: u16) -> Noted {
        let mut bytes = vec![class, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42];
        bytes.extend([id; 12]);
        let (local, remote) = (([192, 0, 2, 1], 5000).into(), ([192, 0, 2, 2], port).into());
        let kind = Kind::Stun { local, remote, key: Some(vec![1]) };
        Noted { at: Duration::ZERO, way, kind, bytes }
    }

    #[test]
    fn the_model_is_a_check_that_was_answered_not_one_to_an_address_nobody_has() {
        let mut log = Log::default();
        let port = |log: &Log| log.last_check().map(|check| check.remote.port());
        assert_eq!(port(&log), None);
        log.add(note(Way::Sent, 0, 1, 1));
        log.add(note(Way::Sent, 0, 2, 2));
        assert_eq!(port(&log), Some(2), "none was answered");
        log.add(note(Way::Received, 1, 1, 1));
        assert_eq!(port(&log), Some(1));
    }
}
