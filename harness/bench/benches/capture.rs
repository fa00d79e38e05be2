//! Reading captures: Ethernet, IPv4 and UDP from memory, beside a copy of the same bytes, so that
//! figures of different machines compare.

use std::hint::black_box;
use std::io::Read;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rtcspec_capture::net::Frames;
use rtcspec_capture::pcapng::{EPOCH, Packet, Writer};

/// Length of a file.
const FILE: usize = 16 << 20;

/// A datagram in an IPv4 packet.
fn packet(payload: usize) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend((payload as u16 + 28).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2, 0x13, 0x88, 0x13, 0x89]);
    bytes.extend((payload as u16 + 8).to_be_bytes());
    bytes.resize(28 + payload, 7);
    bytes
}

/// A classic little-endian file of Ethernet frames.
fn classic(payload: usize) -> Vec<u8> {
    let frame = [&[2; 12][..], &[8, 0], &packet(payload)].concat();
    let mut file = [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 262_144, 1].map(u32::to_le_bytes).concat();
    let mut micros = 0;
    while file.len() < FILE {
        micros += 100;
        let head = [micros / 1_000_000, micros % 1_000_000, frame.len() as u32, frame.len() as u32];
        file.extend(head.map(u32::to_le_bytes).concat());
        file.extend_from_slice(&frame);
    }
    file
}

/// A pcapng file, with a comment on each packet or without.
fn sections(payload: usize, comment: Option<&str>) -> Vec<u8> {
    let bytes = packet(payload);
    let mut file = Writer::new("bench", EPOCH);
    let interface = file.interface("any");
    for nanos in 0..(FILE / (bytes.len() + 32)) as u64 {
        let at = std::time::Duration::from_micros(nanos);
        file.packet(&Packet {
            interface,
            at,
            crossing: None,
            bytes: &bytes,
            missing: 0,
            comment,
            id: None,
        });
    }
    file.finish()
}

fn read(file: impl Read) -> u64 {
    let mut frames = Frames::new(file).expect("a capture");
    let mut sum = 0;
    frames.for_each(|frame| sum += frame.seen.payload.len() as u64);
    assert!(frames.problems().is_empty());
    sum
}

/// What any reader from a stream must do.
fn copy(mut file: &[u8], buffer: &mut [u8]) -> u64 {
    let mut sum = 0;
    while let Ok(count @ 1..) = file.read(buffer) {
        sum += u64::from(black_box(&*buffer)[count - 1]);
    }
    sum
}

fn captures(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("capture");
    let mut bench = |name: &str, payload: usize, file: &[u8]| {
        group.throughput(Throughput::Bytes(file.len() as u64));
        group.bench_with_input(BenchmarkId::new(name, payload), file, |bencher, file| {
            bencher.iter(|| black_box(read(file)));
        });
    };
    for payload in [100, 400, 1200] {
        bench("pcap", payload, &classic(payload));
        bench("pcapng", payload, &sections(payload, None));
        bench("pcapng-comments", payload, &sections(payload, Some("nat.home: filtered")));
    }
    let file = classic(1200);
    let mut buffer = vec![0; 1 << 18];
    group.throughput(Throughput::Bytes(file.len() as u64));
    group.bench_function("copy", |bencher| bencher.iter(|| black_box(copy(&file, &mut buffer))));
    group.finish();
}

criterion_group!(benches, captures);
criterion_main!(benches);
