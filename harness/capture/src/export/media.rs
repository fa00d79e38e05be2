//! RTP and RTCP: payloads, names and reasons replaced; headers and reports stay.

use rtcspec_wire::rtcp::{PacketType, PacketView, packets};
use rtcspec_wire::rtp::{ExtensionView, Packet, View};

use super::book::Book;
use super::datagram::{Path, Rewriter};
use super::draft::{Draft, Walk};
use super::extensions::Meaning;

/// RTP: version to source. RTCP: what SRTCP leaves readable (RFC 3711 §3.4).
const RTP_FIXED: usize = 12;
const RTCP_FIXED: usize = 8;
/// Blocks of extended reports that hold numbers (RFC 3611 §4).
const REPORTS: std::ops::RangeInclusive<u8> = 1..=7;
/// Payload-specific feedback that is an application's (RFC 4585 §6.4).
const APPLICATION: u8 = 15;

impl Rewriter {
    pub(super) fn rtp(&mut self, path: &Path, wire: &[u8]) -> Vec<u8> {
        let opened = self.media(
            path,
            wire,
            |context, packet| {
                let opened = context.open_rtp(packet).ok()?;
                packet.truncate(opened.len);
                Some(opened.index)
            },
            rtp,
            |context, packet, index| context.seal_rtp(packet, index).is_ok(),
        );
        if let Some(other) = opened {
            self.book.told.sealed[1] += 1;
            return other;
        }
        self.book.told.closed[1] += 1;
        let mut draft = Draft::new(&self.book.noise, wire);
        draft.keep_first(RTP_FIXED);
        // Elsewhere, what looks like RTP may be anything.
        if self.is_connection(path) {
            header(&self.book, &mut draft, &View::new(wire));
        }
        draft.finish()
    }

    pub(super) fn rtcp(&mut self, path: &Path, wire: &[u8]) -> Vec<u8> {
        let opened = self.media(
            path,
            wire,
            |context, packet| {
                let opened = context.open_rtcp(packet).ok()?;
                packet.truncate(opened.len);
                Some((opened.index, opened.encrypted))
            },
            rtcp,
            |context, packet, (index, encrypt)| context.seal_rtcp(packet, index, encrypt).is_ok(),
        );
        if let Some(other) = opened {
            self.book.told.sealed[2] += 1;
            return other;
        }
        self.book.told.closed[2] += 1;
        let mut draft = Draft::new(&self.book.noise, wire);
        draft.keep_first(RTCP_FIXED);
        draft.finish()
    }
}

/// A packet in the place of another.
fn rtp(book: &mut Book, bytes: &[u8]) -> Vec<u8> {
    let mut draft = Draft::new(&book.noise, bytes);
    draft.keep_first(RTP_FIXED);
    header(book, &mut draft, &View::new(bytes));
    if let Ok(packet) = Packet::parse(bytes) {
        draft.put(packet.payload(), &book.noise.bytes("media", packet.payload()));
        // RFC 3550 §5.1: the last byte counts the padding.
        if packet.padding() > 0 {
            draft.keep(&bytes[bytes.len() - 1..]);
        }
    }
    draft.finish()
}

/// Sources and extensions, whose values are kept if all know what they mean.
fn header(book: &Book, draft: &mut Draft<'_>, view: &View<'_>) {
    let Some(header) = view.header() else { return };
    let Some(extension) = view.extension() else { return draft.keep(header) };
    draft.keep(&header[..header.len() - extension.data().len()]);
    elements(book, draft, &extension);
}

fn elements(book: &Book, draft: &mut Draft<'_>, extension: &ExtensionView<'_>) {
    let mut rest = extension.data();
    for element in extension.elements().map_while(Result::ok) {
        let end = element.data.as_ptr().addr() - rest.as_ptr().addr();
        // Padding, then the element's own header.
        draft.keep(&rest[..end]);
        rest = &rest[end + element.data.len()..];
        let other = match book.extensions.of(element.id) {
            Meaning::Number => element.data.to_vec(),
            Meaning::Name => super::sdp::name(&book.noise, element.data),
            Meaning::Unknown => book.noise.bytes("extension", element.data),
        };
        draft.put(element.data, &other);
    }
    draft.keep_zeros(rest);
}

/// A compound in the place of another.
fn rtcp(book: &mut Book, bytes: &[u8]) -> Vec<u8> {
    let mut draft = Draft::new(&book.noise, bytes);
    draft.keep_first(RTCP_FIXED);
    let mut walk = packets(bytes);
    loop {
        let rest = walk.rest();
        match walk.next() {
            Some(Ok(packet)) => one(book, &mut draft, &packet),
            Some(Err(_)) => draft.keep(&rest[..rest.len().min(4)]),
            None => break,
        }
    }
    draft.finish()
}

fn one<'a>(book: &Book, draft: &mut Draft<'a>, packet: &PacketView<'a>) {
    let (bytes, body) = (packet.bytes(), packet.body());
    draft.keep(&bytes[..4]);
    if packet.padding() > 0 {
        draft.keep(&bytes[bytes.len() - 1..]);
    }
    let count = usize::from(packet.count());
    let mut walk = Walk::new(draft, body);
    // A packet that ends too early is replaced as far as it goes.
    let _ended_early = match packet.packet_type() {
        // RFC 3550 §6.4: a sender, its numbers, 24 bytes for each source.
        PacketType::SENDER_REPORT => walk.keep(24 + 24 * count).map(|_| ()),
        PacketType::RECEIVER_REPORT => walk.keep(4 + 24 * count).map(|_| ()),
        PacketType::SOURCE_DESCRIPTION => description(book, &mut walk, count),
        PacketType::BYE => bye(book, &mut walk, count),
        PacketType::APP => walk.keep(4).map(|_| ()),
        PacketType::TRANSPORT_FEEDBACK => walk.keep(body.len()).map(|_| ()),
        PacketType::PAYLOAD_FEEDBACK => feedback(&mut walk, packet.count()),
        PacketType::EXTENDED_REPORT => extended(&mut walk),
        _ => None,
    };
}

/// RFC 3550 §6.5: sources and what is said about them.
fn description(book: &Book, walk: &mut Walk<'_, '_>, count: usize) -> Option<()> {
    let whole = walk.rest().len();
    for _ in 0..count {
        walk.keep(4)?;
        loop {
            let kind = *walk.keep(1)?.first()?;
            if kind == 0 {
                // To the end of the word.
                let fill = (whole - walk.rest().len()).next_multiple_of(4);
                walk.keep(fill - (whole - walk.rest().len()))?;
                break;
            }
            // RFC 9143 §15.2, RFC 8852 §4: names that descriptions have, too.
            walk.put_vector(1, |text| match kind {
                12..=15 => super::sdp::name(&book.noise, text),
                _ => book.noise.name(text),
            })?;
        }
    }
    Some(())
}

/// RFC 3550 §6.6.
fn bye(book: &Book, walk: &mut Walk<'_, '_>, count: usize) -> Option<()> {
    walk.keep(4 * count)?;
    walk.put_vector(1, |reason| book.noise.name(reason))?;
    walk.keep(walk.rest().len()).map(|_| ())
}

/// RFC 4585 §6.3: sender, source, and what the format has; REMB is an application's that all know.
fn feedback(walk: &mut Walk<'_, '_>, format: u8) -> Option<()> {
    walk.keep(8)?;
    let known = format != APPLICATION || walk.rest().starts_with(b"REMB");
    let rest = if known { walk.rest().len() } else { 0 };
    walk.keep(rest).map(|_| ())
}

/// RFC 3611 §3: blocks of numbers.
fn extended(walk: &mut Walk<'_, '_>) -> Option<()> {
    walk.keep(4)?;
    while !walk.rest().is_empty() {
        let &[kind, _, high, low] = walk.keep(4)? else { return None };
        let length = 4 * usize::from(u16::from_be_bytes([high, low]));
        if REPORTS.contains(&kind) {
            walk.keep(length)?;
        } else {
            walk.take(length)?;
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::noise::Noise;

    fn book() -> Book {
        let mut book = Book::new(Noise::new([6; 32], 0));
        book.extensions.learn("1 urn:ietf:params:rtp-hdrext:ssrc-audio-level");
        book.extensions.learn("4 urn:ietf:params:rtp-hdrext:sdes:mid");
        book
    }

    #[test]
    fn a_packet_keeps_its_header_and_the_length_of_its_payload() {
        let head = b"\xb0\x6f\x12\x34\0\0\x03\xc0\xde\xad\xbe\xef\xbe\xde\0\x03";
        let extension = b"\x10\x80\x42lvl\x44micro\x20\0"; // levels, an unknown one, a mid
        let before = [&head[..], &extension[..12], b"spoken words\0\0\x03"].concat();
        let after = rtp(&mut book(), &before);
        let [before_view, view] =
            [&before, &after].map(|bytes| View::new(bytes).check().expect("a packet"));
        assert_eq!((after.len(), &after[..16]), (before.len(), &before[..16]));
        assert_eq!(view.padding(), before_view.padding());
        assert_eq!(view.payload().len(), before_view.payload().len());
        assert_ne!(view.payload(), before_view.payload());
        let [known, found] = [before_view, view].map(|packet| packet.extension().expect("one"));
        assert_eq!(found.element(1), known.element(1));
        assert_ne!(found.element(4), known.element(4));
        assert_eq!(found.element(4).map(<[u8]>::len), known.element(4).map(<[u8]>::len));
    }

    #[test]
    fn reports_stay_and_names_go() {
        let report = [&b"\x81\xc9\0\x07"[..], &[3; 28]].concat();
        let sdes = b"\x81\xca\0\x06\0\0\0\x09\x01\x0aalice@host\x04\x03eve\0\0\0";
        let bye = b"\x81\xcb\0\x03\0\0\0\x09\x05bye e\0\0";
        let remb = b"\x8f\xce\0\x05\0\0\0\x09\0\0\0\0REMB\x01\x02\x03\x04\0\0\0\x07";
        let app = b"\x80\xcc\0\x04\0\0\0\x09acmesecret!!";
        let before = [&report[..], sdes, bye, remb, app].concat();
        let after = rtcp(&mut book(), &before);
        assert_eq!(after.len(), before.len());
        assert!(after.starts_with(&report));
        let holds = |part: &[u8]| after.windows(part.len()).any(|one| one == part);
        assert!(holds(remb) && holds(&sdes[..10]));
        for name in [&b"alice"[..], b"host", b"bye e", b"acme", b"secret"] {
            assert!(!holds(name), "{name:?}");
        }
        let types = |bytes: &[u8]| {
            packets(bytes).map(|packet| packet.map(|one| one.packet_type())).collect::<Vec<_>>()
        };
        assert_eq!(types(&after), types(&before));
        assert!(types(&after).iter().all(Result::is_ok));
    }

    #[test]
    fn what_ends_early_is_replaced_as_far_as_it_goes() {
        let sdes = b"\x81\xca\0\x06\0\0\0\x09\x01\x0aalice@host\x04\x03eve\0\0\0";
        for end in 0..sdes.len() {
            let after = rtcp(&mut book(), &sdes[..end]);
            assert_eq!(after.len(), end);
            assert!(!after.windows(4).any(|part| part == b"alic"));
            assert_eq!(rtp(&mut book(), &sdes[..end]).len(), end);
        }
    }
}
