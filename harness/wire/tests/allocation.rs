//! Reading STUN, TURN, SCTP, DTLS, RTP and RTCP through views allocates nothing, whole, cut off
//! anywhere, or with any byte broken.

use std::hint::black_box;

use rtcspec_wire::dtls::{Record, Records};
use rtcspec_wire::sctp::{
    self, Body, Checksum, Chunk, Data, DataFlags, GapBlock, PacketView, Ppid, Sack, Ssn, StreamId,
    Tsn, VerificationTag,
};
use rtcspec_wire::stun::{
    AttributeType, Class, Key, MessageType, Method, Seal, TransactionId, View, Writer,
};
use rtcspec_wire::turn::{ChannelData, ChannelDataView};
use rtcspec_wire::{dcep, rtcp, rtp};

/// Allocations of a call.
fn allocations(call: impl FnOnce()) -> u64 {
    allocation_counter::measure(call).count_total
}

/// Reads the bytes, all that is cut off them, and all that has one byte replaced.
fn expect_no_allocation(what: &str, bytes: &[u8], read: impl Fn(&[u8])) {
    let mut broken = bytes.to_vec();
    let count = allocations(|| {
        (0..=bytes.len()).for_each(|end| read(&bytes[..end]));
        for at in 0..broken.len() {
            for value in [0, 0x7f, 0xff] {
                let kept = std::mem::replace(&mut broken[at], value);
                read(&broken);
                broken[at] = kept;
            }
        }
    });
    assert_eq!(count, 0, "{what}");
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(vec![1u8]))), 1);
    assert_eq!(allocations(|| ()), 0);
}

#[test]
fn stun_is_read_verified_and_written_without_allocating() {
    let key = Key::short_term("VOkJxbRl1RmTxUk/WvJxBt");
    let seal = Seal::none().integrity(&key).integrity_sha256(&key).fingerprint();
    let mut bytes = Vec::with_capacity(256);
    let written = allocations(|| {
        let ty = MessageType { class: Class::Request, method: Method::BINDING };
        let mut writer = Writer::new(&mut bytes, ty, TransactionId([7; 12]));
        writer
            .bytes(AttributeType::SOFTWARE, b"software")
            .u32(AttributeType::PRIORITY, 1)
            .u64(AttributeType::ICE_CONTROLLED, 2)
            .xor_address(AttributeType::XOR_MAPPED_ADDRESS, ([192, 0, 2, 1], 9).into())
            .bytes(AttributeType::USERNAME, b"evtj:h6vY");
        writer.finish(&seal).expect("fits");
    });
    assert_eq!(written, 0);
    expect_no_allocation("STUN", &bytes, |bytes| {
        let view = View::new(bytes);
        black_box((view.check().is_ok(), view.defects().count(), view.is_classic()));
        black_box((view.username(), view.priority(), view.xor_mapped_address()));
        black_box((view.unknown_required().count(), view.error_code()));
        let _ = black_box((view.fingerprint(), view.verify_integrity(&key)));
        let _ = black_box(view.verify_integrity_sha256(&key));
    });
    assert_eq!(allocations(|| drop(black_box(Key::short_term("short enough")))), 0);
}

#[test]
fn channel_data_is_read_without_allocating() {
    expect_no_allocation("ChannelData", &[0x40, 1, 0, 5, 1, 2, 3, 4, 5, 0, 0, 0], |bytes| {
        let view = ChannelDataView::new(bytes);
        black_box((view.number(), view.data(), view.trailing()));
        let _ = black_box(ChannelData::parse(bytes));
    });
}

#[test]
fn sctp_is_read_without_allocating() {
    let sack = Sack {
        cumulative_tsn_ack: Tsn(1),
        a_rwnd: 1 << 16,
        gap_blocks: vec![GapBlock { start: 2, end: 3 }],
        duplicates: vec![Tsn(1)],
    };
    let data = Data {
        flags: DataFlags::WHOLE,
        tsn: Tsn(9),
        stream: StreamId(1),
        ssn: Ssn(0),
        ppid: Ppid::BINARY,
        payload: vec![7; 21],
    };
    let packet = sctp::Packet {
        source_port: 5000,
        destination_port: 5000,
        verification_tag: VerificationTag(1),
        chunks: vec![Chunk::Sack(sack), Chunk::Data(data), Chunk::CookieAck],
    };
    let bytes = packet.encode(Checksum::Crc32c).expect("it fits");
    expect_no_allocation("SCTP", &bytes, |bytes| {
        let Ok(view) = PacketView::new(bytes) else { return };
        let _ = black_box((view.checksum_state(), view.verification_tag()));
        for chunk in view.chunks() {
            black_box((chunk.fault(), chunk.value(), chunk.padding()));
            match chunk.body() {
                Ok(Body::Sack(sack)) => {
                    black_box((sack.gap_blocks().count(), sack.duplicates().count()));
                }
                other => drop(black_box(other)),
            }
        }
    });
}

#[test]
fn dtls_headers_are_read_without_allocating() {
    // A handshake record with a whole ClientHello header, then one that is encrypted.
    let mut bytes = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 1, 0, 16];
    bytes.extend([1, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 4, 9, 9, 9, 9]);
    bytes.extend([23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 2, 0, 3, 1, 2, 3]);
    bytes.extend([0x2f, 0x12, 0x34, 0, 2, 1, 2]);
    expect_no_allocation("DTLS", &bytes, |bytes| {
        for record in Records::new(bytes) {
            if let Record::Plaintext(plaintext) = &record {
                black_box((plaintext.alert(), plaintext.handshake().count()));
            }
            black_box(record);
        }
    });
}

#[test]
fn rtp_and_rtcp_headers_are_read_without_allocating() {
    let mut bytes = vec![0x91, 0xe0, 0x12, 0x34, 0, 1, 2, 3, 0xaa, 0xbb, 0xcc, 0xdd, 0, 0, 0, 1];
    bytes.extend([0xbe, 0xde, 0, 2, 0x10, 0x55, 0x31, 0x00, 0x07, 0, 0, 0, 1, 2, 3]);
    expect_no_allocation("RTP", &bytes, |bytes| {
        let Ok(packet) = rtp::Packet::parse(bytes) else { return };
        black_box((packet.ssrc(), packet.payload(), packet.csrcs().count()));
        black_box(packet.extension().map(|extension| extension.elements().count()));
    });
    // A receiver report with one block, then BYE.
    let mut bytes = vec![0x81, 201, 0, 7];
    bytes.resize(32, 1);
    bytes.extend([0x81, 203, 0, 1, 0, 0, 0, 1]);
    expect_no_allocation("RTCP", &bytes, |bytes| {
        for packet in rtcp::packets(bytes) {
            let _ =
                black_box(packet.map(|packet| (packet.ssrc(), packet.body(), packet.padding())));
        }
        let _ = black_box(rtcp::check_compound(bytes, true));
    });
}

#[test]
fn dcep_is_read_without_allocating() {
    let bytes = b"\x03\x00\x00\x00\x00\x00\x00\x00\x00\x05\x00\x03labelsub";
    expect_no_allocation("DCEP", bytes, |bytes| {
        let _ = black_box(dcep::View::parse(bytes));
    });
}
