//! SCTP packets: what they carry, cookies, reasons and addresses replaced; numbers stay.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rtcspec_wire::dcep;
use rtcspec_wire::sctp::{
    Body, CauseCode as C, Causes, ChecksumState, ChunkType, ChunkView, Chunks, DataFlags,
    FragmentPosition, HEADER_LENGTH, PacketView, ParameterType as P, Parameters, Ppid, crc32c,
};

use super::book::Book;
use super::draft::{Draft, Walk};

/// Messages in I-DATA whose kind is remembered.
const MESSAGES: usize = 4096;
/// Chunks and parameters in causes in chunks that are followed.
const DEPTH: u8 = 4;
/// Bytes of DATA before its payload (RFC 9260 §3.3.1).
const NUMBERS: usize = 12;

/// The kinds of messages in I-DATA, of which only the first piece says it (RFC 8260 §2.1): by sender,
/// stream, order and number.
#[derive(Debug, Default)]
pub(super) struct Ppids(BTreeMap<(usize, u16, bool, u32), Ppid>);

/// A packet that an end sent in the place of another.
pub(super) fn packet(book: &mut Book, ppids: &mut Ppids, end: usize, bytes: &[u8]) -> Vec<u8> {
    let noise = book.noise.clone();
    let mut draft = Draft::new(&noise, bytes);
    let view = PacketView::new(bytes).ok().filter(is_likely);
    let Some(view) = view else { return draft.finish() };
    book.told.sctp += 1;
    draft.keep_first(HEADER_LENGTH);
    for found in view.chunks() {
        chunk(book, &mut draft, Some((&mut *ppids, end)), &found, 0);
    }
    let mut other = draft.finish();
    let sum = match view.checksum_state() {
        ChecksumState::Correct => crc32c(&other),
        ChecksumState::Zero => 0,
        // As wrong as it was.
        ChecksumState::Wrong { found, expected } => crc32c(&other) ^ found ^ expected,
    };
    // RFC 9260 Appendix A: the sum is sent with its lowest byte first.
    other[8..HEADER_LENGTH].copy_from_slice(&sum.to_le_bytes());
    other
}

/// Whether this is a packet, right or wrong, and not somebody else's data.
fn is_likely(view: &PacketView<'_>) -> bool {
    let mut chunks = view.chunks();
    !matches!(view.checksum_state(), ChecksumState::Wrong { .. })
        || chunks.all(|chunk| chunk.chunk_type().name().is_some())
}

/// Whose a chunk is, where it is known.
type Sender<'p> = Option<(&'p mut Ppids, usize)>;

fn chunk(
    book: &mut Book,
    draft: &mut Draft<'_>,
    sender: Sender<'_>,
    chunk: &ChunkView<'_>,
    depth: u8,
) {
    let value = chunk.value();
    let head = &chunk.bytes()[..chunk.bytes().len().min(4)];
    draft.keep(head);
    draft.keep_zeros(chunk.padding());
    match chunk.chunk_type() {
        ChunkType::DATA | ChunkType::I_DATA => data(book, draft, sender, chunk),
        ChunkType::INIT | ChunkType::INIT_ACK => {
            let (fixed, rest) = value.split_at(value.len().min(16));
            draft.keep(fixed);
            parameters(book, draft, rest, depth);
        }
        ChunkType::HEARTBEAT | ChunkType::HEARTBEAT_ACK | ChunkType::RE_CONFIG => {
            parameters(book, draft, value, depth);
        }
        ChunkType::ABORT | ChunkType::ERROR => causes(book, draft, value, depth),
        // The same as in the INIT ACK.
        ChunkType::COOKIE_ECHO => draft.put(value, &book.noise.bytes("cookie", value)),
        ChunkType::SACK
        | ChunkType::SHUTDOWN
        | ChunkType::SHUTDOWN_ACK
        | ChunkType::COOKIE_ACK
        | ChunkType::ECNE
        | ChunkType::CWR
        | ChunkType::SHUTDOWN_COMPLETE
        | ChunkType::FORWARD_TSN
        | ChunkType::I_FORWARD_TSN => draft.keep(value),
        ChunkType::PAD => draft.keep_zeros(value),
        // RFC 4895 §4.1: a key and an algorithm, then the code.
        ChunkType::AUTH => draft.keep(&value[..value.len().min(4)]),
        _ => {}
    }
}

fn data(book: &Book, draft: &mut Draft<'_>, sender: Sender<'_>, chunk: &ChunkView<'_>) {
    let (kind, payload, flags) = match chunk.body() {
        Ok(Body::Data(data)) => (Some(data.ppid), data.payload, data.flags),
        Ok(Body::IData(data)) => {
            let key = |end| (end, data.stream.0, data.flags.unordered, data.mid.0);
            let kind = match (data.position, sender) {
                (FragmentPosition::First(ppid), Some((Ppids(known), end))) => {
                    if known.len() >= MESSAGES {
                        known.pop_first();
                    }
                    known.insert(key(end), ppid);
                    Some(ppid)
                }
                (FragmentPosition::First(ppid), None) => Some(ppid),
                (FragmentPosition::Later(_), Some((Ppids(known), end))) => {
                    known.get(&key(end)).copied()
                }
                (FragmentPosition::Later(_), None) => None,
            };
            (kind, data.payload, data.flags)
        }
        // Too short for its numbers, or longer than what holds it.
        _ => return draft.keep(&chunk.value()[..chunk.value().len().min(NUMBERS)]),
    };
    let numbers = chunk.value().len() - payload.len();
    draft.keep(&chunk.value()[..numbers]);
    let other = match kind {
        Some(Ppid::DCEP) => channel(book, payload, flags),
        Some(Ppid::STRING | Ppid::STRING_PARTIAL) => book.noise.prose(payload),
        // RFC 8831 §6.6: one zero byte stands for nothing.
        Some(Ppid::STRING_EMPTY | Ppid::BINARY_EMPTY) if payload == [0] => payload.to_vec(),
        _ => book.noise.bytes("payload", payload),
    };
    draft.put(payload, &other);
}

/// A DCEP message or a piece of one: label and protocol are replaced wherever they are.
fn channel(book: &Book, payload: &[u8], flags: DataFlags) -> Vec<u8> {
    let mut draft = Draft::new(&book.noise, payload);
    let mut walk = Walk::all(&mut draft);
    if !flags.beginning {
        return book.noise.prose(payload);
    }
    if payload.first() != Some(&dcep::OPEN) {
        // An ACK has one byte (RFC 8832 §5.2); some fill it up.
        draft.keep_first(1);
        draft.keep_zeros(payload.get(1..).unwrap_or_default());
        return draft.finish();
    }
    let lengths = walk.keep(dcep::OPEN_HEADER).and_then(|head| head.get(8..10)?.try_into().ok());
    let label = usize::from(lengths.map_or(0, u16::from_be_bytes));
    let (label, protocol) = walk.rest().split_at(label.min(walk.rest().len()));
    draft.put(label, &book.noise.name(label));
    draft.put(protocol, &book.noise.name(protocol));
    draft.finish()
}

fn parameters(book: &mut Book, draft: &mut Draft<'_>, bytes: &[u8], depth: u8) {
    for found in Parameters::new(bytes) {
        draft.keep(&found.bytes()[..found.bytes().len().min(4)]);
        draft.keep_zeros(found.padding());
        let value = found.value();
        match found.parameter_type() {
            P::IPV4_ADDRESS | P::IPV6_ADDRESS => {
                if let Some(other) = address(book, value) {
                    draft.put(value, &other);
                }
            }
            P::UNRECOGNIZED_PARAMETER if depth < DEPTH => {
                parameters(book, draft, value, depth + 1);
            }
            P::HOST_NAME_ADDRESS => draft.put(value, &book.noise.name(value)),
            P::STATE_COOKIE => draft.put(value, &book.noise.bytes("cookie", value)),
            P::HEARTBEAT_INFO => draft.put(value, &book.noise.bytes("heartbeat", value)),
            P::PADDING => draft.keep_zeros(value),
            P::COOKIE_PRESERVATIVE
            | P::SUPPORTED_ADDRESS_TYPES
            | P::OUTGOING_SSN_RESET
            | P::INCOMING_SSN_RESET
            | P::SSN_TSN_RESET
            | P::RECONFIG_RESPONSE
            | P::ADD_OUTGOING_STREAMS
            | P::ADD_INCOMING_STREAMS
            | P::ECN_CAPABLE
            | P::ZERO_CHECKSUM_ACCEPTABLE
            | P::CHUNK_LIST
            | P::REQUESTED_HMAC_ALGORITHM
            | P::SUPPORTED_EXTENSIONS
            | P::FORWARD_TSN_SUPPORTED
            | P::ADAPTATION_LAYER_INDICATION => draft.keep(value),
            _ => {}
        }
    }
}

fn address(book: &mut Book, value: &[u8]) -> Option<Vec<u8>> {
    let v4 = <[u8; 4]>::try_from(value).map(|octets| IpAddr::from(Ipv4Addr::from(octets)));
    let v6 = <[u8; 16]>::try_from(value).map(|octets| IpAddr::from(Ipv6Addr::from(octets)));
    Some(match book.addresses.get(v4.or(v6).ok()?) {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    })
}

fn causes(book: &mut Book, draft: &mut Draft<'_>, bytes: &[u8], depth: u8) {
    for found in Causes::new(bytes) {
        let all = found.bytes();
        draft.keep(&all[..all.len().min(4)]);
        let value = found.value();
        draft.keep_zeros(all.get(4 + value.len()..).unwrap_or_default());
        match found.code() {
            C::INVALID_STREAM_IDENTIFIER
            | C::MISSING_MANDATORY_PARAMETER
            | C::STALE_COOKIE
            | C::NO_USER_DATA => draft.keep(value),
            C::UNRECOGNIZED_CHUNK_TYPE if depth < DEPTH => {
                if let Some(inner) = Chunks::new(value).next() {
                    chunk(book, draft, None, &inner, depth + 1);
                }
            }
            C::UNRESOLVABLE_ADDRESS
            | C::UNRECOGNIZED_PARAMETERS
            | C::RESTART_WITH_NEW_ADDRESSES
                if depth < DEPTH =>
            {
                parameters(book, draft, value, depth + 1);
            }
            C::USER_INITIATED_ABORT | C::PROTOCOL_VIOLATION => {
                draft.put(value, &book.noise.name(value));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::sctp::{
        Abort, Cause, Checksum, Chunk, CookieEcho, Data, Init, Packet, Parameter, Ssn, StreamId,
        Tsn, VerificationTag,
    };

    use super::*;
    use crate::export::noise::Noise;

    fn rewritten(chunks: Vec<Chunk>, checksum: Checksum) -> (Vec<u8>, Vec<u8>) {
        let tag = VerificationTag(7);
        let packet =
            Packet { source_port: 5000, destination_port: 5000, verification_tag: tag, chunks };
        let before = packet.encode(checksum).expect("it encodes");
        let mut book = Book::new(Noise::new([2; 32], 0));
        let _ = book.addresses.get(IpAddr::from([10, 1, 2, 3]));
        book.assign();
        let after = super::packet(&mut book, &mut Ppids::default(), 0, &before);
        assert_eq!(before.len(), after.len());
        (before, after)
    }

    fn message(ppid: Ppid, payload: &[u8]) -> Chunk {
        let flags = DataFlags::WHOLE;
        let (tsn, stream, ssn) = (Tsn(9), StreamId(2), Ssn(3));
        Chunk::Data(Data { flags, tsn, stream, ssn, ppid, payload: payload.to_vec() })
    }

    fn payload(bytes: &[u8]) -> Vec<u8> {
        let view = PacketView::new(bytes).expect("a packet");
        let Some(Ok(Body::Data(data))) = view.chunks().next().map(|chunk| chunk.body()) else {
            panic!("DATA");
        };
        assert_eq!((data.tsn, data.stream, data.ssn), (Tsn(9), StreamId(2), Ssn(3)));
        data.payload.to_vec()
    }

    #[test]
    fn messages_stay_as_long_and_of_their_kind() {
        let text = "h\u{e9}llo from Alice \u{1f600}";
        let (_, after) = rewritten(vec![message(Ppid::STRING, text.as_bytes())], Checksum::Crc32c);
        let other = String::from_utf8(payload(&after)).expect("UTF-8 stays such");
        assert!(other.len() == text.len() && !other.contains("llo") && !other.contains("Alice"));
        let (_, after) = rewritten(vec![message(Ppid::BINARY, &[7; 32])], Checksum::Crc32c);
        assert_ne!(payload(&after), [7; 32]);
        let (_, after) = rewritten(vec![message(Ppid::STRING_EMPTY, &[0])], Checksum::Crc32c);
        assert_eq!(payload(&after), [0]);
    }

    #[test]
    fn an_open_keeps_all_but_its_names() {
        let open = b"\x03\x81\x00\x80\x00\x00\x00\x03\x00\x05\x00\x04alicechat";
        let (_, after) = rewritten(vec![message(Ppid::DCEP, open)], Checksum::Crc32c);
        let other = payload(&after);
        assert_eq!(other[..12], open[..12]);
        assert!(other[12..].iter().all(u8::is_ascii_lowercase));
        assert!(&other[12..17] != b"alice" && &other[17..] != b"chat");
        let (_, after) = rewritten(vec![message(Ppid::DCEP, &[2])], Checksum::Crc32c);
        assert_eq!(payload(&after), [2]);
    }

    #[test]
    fn cookies_come_back_and_addresses_and_reasons_go() {
        let cookie = b"a cookie with alice's address".to_vec();
        let init = Init {
            initiate_tag: VerificationTag(1),
            a_rwnd: 2,
            outbound_streams: 3,
            inbound_streams: 4,
            initial_tsn: Tsn(5),
            parameters: vec![
                Parameter::StateCookie(cookie.clone()),
                Parameter::Ipv4Address([10, 1, 2, 3].into()),
                Parameter::ForwardTsnSupported,
            ],
        };
        let (_, ack) = rewritten(vec![Chunk::InitAck(init)], Checksum::Crc32c);
        let (_, echo) = rewritten(vec![Chunk::CookieEcho(CookieEcho { cookie })], Checksum::Zero);
        let holds = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).any(|one| one == part);
        assert!(holds(&ack, &echo[16..45]) && !holds(&ack, b"alice"));
        assert!(!holds(&ack, &[10, 1, 2, 3]) && holds(&ack, &[0xc0, 0, 0, 4]));
        let reason = Cause::UserInitiatedAbort(b"alice hung up".to_vec());
        let abort = Abort { reflected_tag: false, causes: vec![reason] };
        let (_, abort) = rewritten(vec![Chunk::Abort(abort)], Checksum::Crc32c);
        assert!(!holds(&abort, b"alice") && !holds(&abort, b"hung"));
    }

    #[test]
    fn a_checksum_stays_right_absent_or_wrong() {
        for checksum in [Checksum::Crc32c, Checksum::Zero, Checksum::Exactly(77)] {
            let (before, after) = rewritten(vec![message(Ppid::BINARY, b"data")], checksum);
            let kind = |bytes: &[u8]| {
                let state = PacketView::new(bytes).expect("a packet").checksum_state();
                std::mem::discriminant(&state)
            };
            assert_eq!(kind(&before), kind(&after), "{checksum:?}");
        }
    }

    #[test]
    fn the_rest_of_a_broken_packet_is_noise() {
        let secret = b"alice's plain text";
        for chunk in [
            &b"\0\x03\0\xff0123456789ABalice's plain text"[..],
            b"\x01\0\0\xff0123456789ABCDEFalice's plain text",
            b"\x01\0\0\x02alice's plain text",
            b"\xff\0\0\x16alice's plain text\0\0",
            b"alice's plain text",
            b"\x06\0\0\x2e\0\x06\0\x2a\0\x03\0\x220123456789ABalice's plain text\0\0",
        ] {
            let bytes = [&[0x13, 0x88, 0x13, 0x88, 0, 0, 0, 7, 1, 2, 3, 4][..], chunk].concat();
            let mut book = Book::new(Noise::new([2; 32], 0));
            let after = packet(&mut book, &mut Ppids::default(), 1, &bytes);
            assert!(!after.windows(8).any(|part| secret.windows(8).any(|known| known == part)));
        }
        let mut book = Book::new(Noise::new([2; 32], 0));
        assert_ne!(packet(&mut book, &mut Ppids::default(), 1, b"short text"), b"short text");
    }
}
