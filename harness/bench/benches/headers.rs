//! The headers a demultiplexer meets on every packet: TURN `ChannelData`, DTLS records, RTP; ours
//! beside those of `rtc`.
//!
//! Ours borrow; `rtc`'s values own what they hold, which is the way they are used. Each row reads
//! every field of the header.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rtc::shared::marshal::Unmarshal;
use rtcspec_wire::dtls::{Record, Records};
use rtcspec_wire::rtp::Packet;
use rtcspec_wire::turn::ChannelData;

fn channel_data(c: &mut Criterion) {
    let mut bytes = vec![0x40, 0x01, 0x04, 0x00];
    bytes.resize(4 + 1024, 7);
    let mut group = c.benchmark_group("turn/parse ChannelData of 1 KiB");
    group.bench_function("rtcspec", |b| {
        b.iter(|| ChannelData::parse(black_box(&bytes)).expect("well-formed"));
    });
    group.bench_function("rtc-turn", |b| {
        let mut message = rtc::turn::proto::chandata::ChannelData::default();
        b.iter(|| {
            message.reset();
            message.raw.extend_from_slice(black_box(&bytes));
            message.decode().expect("well-formed");
            black_box(&message.data);
        });
    });
    group.finish();
}

/// Two records of DTLS 1.2 in one datagram, 64 bytes each.
fn records() -> Vec<u8> {
    let record = |sequence_number: u8| {
        let mut bytes = vec![23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, sequence_number, 0, 64];
        bytes.resize(13 + 64, sequence_number);
        bytes
    };
    [record(5), record(6)].concat()
}

fn dtls(c: &mut Criterion) {
    use rtc::dtls::record_layer::record_layer_header::RecordLayerHeader;
    let bytes = records();
    let mut group = c.benchmark_group("dtls/parse two record headers");
    group.bench_function("rtcspec", |b| {
        b.iter(|| {
            let mut length = 0;
            for record in Records::new(black_box(&bytes)) {
                let Record::Plaintext(record) = record else { panic!("well-formed") };
                length += black_box(record).content.len();
            }
            assert_eq!(length, 128);
        });
    });
    group.bench_function("rtc-dtls", |b| {
        b.iter(|| {
            let mut rest = black_box(&bytes[..]);
            let mut length = 0;
            while !rest.is_empty() {
                let header = RecordLayerHeader::unmarshal(&mut rest).expect("well-formed");
                let content = usize::from(black_box(header).content_len);
                rest = rest.get(content..).expect("well-formed");
                length += content;
            }
            assert_eq!(length, 128);
        });
    });
    group.finish();
}

fn rtp(c: &mut Criterion) {
    // Marker, payload type 96, two one-byte extensions: audio level and a sequence number.
    let mut bytes = vec![0x90, 0xe0, 0x12, 0x34, 0, 1, 2, 3, 0xaa, 0xbb, 0xcc, 0xdd];
    bytes.extend([0xbe, 0xde, 0, 2, 0x10, 0x55, 0x31, 0x00, 0x07, 0, 0, 0]);
    bytes.resize(bytes.len() + 160, 9);
    let mut group = c.benchmark_group("rtp/parse header with two extensions");
    group.bench_function("rtcspec", |b| {
        b.iter(|| {
            let packet = Packet::parse(black_box(&bytes)).expect("well-formed");
            let _ = black_box((packet.marker(), packet.payload_type(), packet.sequence_number()));
            let _ = black_box((packet.timestamp(), packet.ssrc(), packet.payload()));
            let extension = packet.extension().expect("it has one");
            let mut count = 0;
            for element in extension.elements() {
                let _ = black_box(element);
                count += 1;
            }
            assert_eq!(count, 2);
        });
    });
    group.bench_function("rtc-rtp", |b| {
        b.iter(|| {
            let mut rest = black_box(&bytes[..]);
            let header = rtc::rtp::Header::unmarshal(&mut rest).expect("well-formed");
            assert_eq!(black_box(&header).extensions.len(), 2);
            black_box(rest);
        });
    });
    group.finish();
}

criterion_group!(benches, channel_data, dtls, rtp);
criterion_main!(benches);
