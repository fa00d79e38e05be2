//! SCTP packets read with their CRC32c checked and written with it, ours beside `sctp-proto` and
//! `rtc-sctp`.
//!
//! `rtcspec, view` reads every field of every chunk without allocating; `rtcspec, value` makes owned
//! chunks, as the others do. `rtc-sctp`'s entry copies the packet once; `sctp-proto`'s only entry
//! repairs the checksum first, which costs two copies and one more CRC: its row is an upper bound.
//! It has none for writing.

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rtcspec_wire::sctp::{
    Body, Checksum, Chunk, Data, DataFlags, GapBlock, Packet, PacketView, Ppid, Sack, Ssn,
    StreamId, Tsn, VerificationTag, crc32c,
};

fn data(length: usize) -> Chunk {
    Chunk::Data(Data {
        flags: DataFlags::WHOLE,
        tsn: Tsn(0x8899_aabb),
        stream: StreamId(3),
        ssn: Ssn(17),
        ppid: Ppid::BINARY,
        payload: (0..length).map(|n| (n % 251) as u8).collect(),
    })
}

fn packet(chunks: Vec<Chunk>) -> Packet {
    Packet {
        source_port: 5000,
        destination_port: 5000,
        verification_tag: VerificationTag(0x1234_5678),
        chunks,
    }
}

fn sack_and_data() -> Packet {
    let gap_blocks = vec![GapBlock { start: 2, end: 3 }, GapBlock { start: 5, end: 9 }];
    let cumulative_tsn_ack = Tsn(0x0102_0304);
    let sack = Sack { cumulative_tsn_ack, a_rwnd: 1 << 20, gap_blocks, duplicates: vec![] };
    packet(vec![Chunk::Sack(sack), data(64)])
}

/// Reads every field; returns something that depends on all of them.
fn read_view(bytes: &[u8]) -> Option<u32> {
    let view = PacketView::new(bytes).ok()?;
    if !view.checksum_state().is_correct() {
        return None;
    }
    let mut sum =
        view.verification_tag().0 ^ u32::from(view.source_port() ^ view.destination_port());
    for chunk in view.chunks() {
        match chunk.body().ok()? {
            Body::Data(data) => {
                sum ^= data.tsn.0 ^ data.ppid.0 ^ u32::from(data.stream.0 ^ data.ssn.0);
                sum ^= u32::from(data.payload.first().copied()?) ^ u32::from(data.flags.bits());
            }
            Body::Sack(sack) => {
                sum ^= sack.cumulative_tsn_ack.0 ^ sack.a_rwnd;
                for block in sack.gap_blocks() {
                    sum ^= u32::from(block.start ^ block.end);
                }
                for duplicate in sack.duplicates() {
                    sum ^= duplicate.0;
                }
            }
            _ => return None,
        }
    }
    Some(sum)
}

fn packets() -> [(&'static str, Packet); 2] {
    [("SACK+DATA", sack_and_data()), ("DATA of 1160 bytes", packet(vec![data(1160)]))]
}

fn parse(c: &mut Criterion) {
    for (name, packet) in packets() {
        let bytes = packet.encode(Checksum::Crc32c).expect("it fits");
        rtc_sctp::fuzzing::packet_unmarshal(&bytes).expect("a packet rtc-sctp can read");
        let mut group = c.benchmark_group(format!("sctp/parse {name}"));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("rtcspec, view", |b| {
            b.iter(|| read_view(black_box(&bytes)).expect("own packet"));
        });
        group.bench_function("rtcspec, value", |b| {
            b.iter(|| {
                let view = PacketView::new(black_box(&bytes)).expect("own packet");
                assert!(view.checksum_state().is_correct());
                Packet::from_view(&view).expect("own packet")
            });
        });
        group.bench_function("rtc-sctp", |b| {
            b.iter(|| rtc_sctp::fuzzing::packet_unmarshal(black_box(&bytes)));
        });
        group.bench_function("sctp-proto (checksum repaired first)", |b| {
            b.iter(|| sctp_proto::_fuzz::fuzz_packet_unmarshal(black_box(&bytes)));
        });
        group.finish();
    }
}

fn write(c: &mut Criterion) {
    for (name, packet) in packets() {
        let bytes = packet.encode(Checksum::Crc32c).expect("it fits");
        let mut group = c.benchmark_group(format!("sctp/write {name}"));
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("rtcspec", |b| {
            b.iter(|| black_box(&packet).encode(Checksum::Crc32c).expect("it fits"));
        });
        group.bench_function("rtcspec, same buffer", |b| {
            let mut out = Vec::with_capacity(1500);
            b.iter(|| black_box(&packet).encode_into(Checksum::Crc32c, &mut out));
        });
        group.bench_function("rtc-sctp", |b| {
            // Its entry loops itself: it reads the packet once and writes it that many times.
            b.iter_custom(|iterations| {
                #[expect(clippy::disallowed_methods, reason = "this benchmark measures time")]
                let start = Instant::now();
                let written = rtc_sctp::fuzzing::bench_packet_marshal(&bytes, iterations);
                let taken = start.elapsed();
                assert_eq!(written.expect("a packet rtc-sctp can read"), bytes.len());
                taken
            });
        });
        group.finish();
    }
}

fn checksum(c: &mut Criterion) {
    let mut group = c.benchmark_group("parts");
    for (name, packet) in packets() {
        let bytes = packet.encode(Checksum::Crc32c).expect("it fits");
        group.bench_function(format!("CRC32c, {name}"), |b| b.iter(|| crc32c(black_box(&bytes))));
    }
    group.finish();
}

criterion_group!(benches, parse, write, checksum);
criterion_main!(benches);
