//! SDP: a browser's offer of 7 KB, ours beside three other implementations.
//!
//! Rows that do the same work: `parse/lines` splits the text into lines, names and values (our
//! view; `sdp-types` and `rtc-sdp`, which type the lines of RFC 8866 and leave attributes as text);
//! `parse/typed` types every attribute and refuses what is malformed (our session; `webrtc-sdp`).
//! `print` is the way back from each of these values to text.

use std::hint::black_box;
use std::io::Cursor;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rtcspec_wire::sdp::{Session, View};

/// `corpus/captures/sdp/chromium-aiortc-av.offer-chromium.sdp` with four candidates in each
/// section, as a browser that does not trickle sends it.
const OFFER: &str = include_str!("../fixtures/browser-offer.sdp");

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("sdp/parse");
    group.throughput(Throughput::Bytes(OFFER.len() as u64));
    group.bench_function(BenchmarkId::new("lines", "rtcspec"), |b| {
        b.iter(|| View::parse(black_box(OFFER.as_bytes())));
    });
    group.bench_function(BenchmarkId::new("lines", "sdp-types"), |b| {
        b.iter(|| sdp_types::Session::parse(black_box(OFFER.as_bytes())).expect("valid"));
    });
    group.bench_function(BenchmarkId::new("lines", "rtc-sdp"), |b| {
        b.iter(|| {
            let mut reader = Cursor::new(black_box(OFFER.as_bytes()));
            rtc_sdp::SessionDescription::unmarshal(&mut reader).expect("valid")
        });
    });
    group.bench_function(BenchmarkId::new("typed", "rtcspec"), |b| {
        b.iter(|| Session::parse(black_box(OFFER.as_bytes())).expect("valid"));
    });
    group.bench_function(BenchmarkId::new("typed", "webrtc-sdp"), |b| {
        b.iter(|| webrtc_sdp::parse_sdp(black_box(OFFER), true).expect("valid"));
    });
    group.finish();
}

fn print(c: &mut Criterion) {
    let mut group = c.benchmark_group("sdp/print");
    group.throughput(Throughput::Bytes(OFFER.len() as u64));
    let view = View::parse(OFFER.as_bytes());
    assert_eq!(view.print(), OFFER.as_bytes());
    group.bench_function(BenchmarkId::new("lines", "rtcspec"), |b| {
        b.iter(|| black_box(&view).print());
    });
    let session = sdp_types::Session::parse(OFFER.as_bytes()).expect("valid");
    group.bench_function(BenchmarkId::new("lines", "sdp-types"), |b| {
        b.iter(|| {
            let mut out = Vec::new();
            black_box(&session).write(&mut out).expect("written");
            out
        });
    });
    let session = rtc_sdp::SessionDescription::unmarshal(&mut Cursor::new(OFFER)).expect("valid");
    group.bench_function(BenchmarkId::new("lines", "rtc-sdp"), |b| {
        b.iter(|| black_box(&session).marshal());
    });
    let session = Session::parse(OFFER.as_bytes()).expect("valid");
    assert_eq!(session.print(), OFFER.replace("semantic: ", "semantic:"));
    group.bench_function(BenchmarkId::new("typed", "rtcspec"), |b| {
        b.iter(|| black_box(&session).print());
    });
    let session = webrtc_sdp::parse_sdp(OFFER, true).expect("valid");
    group.bench_function(BenchmarkId::new("typed", "webrtc-sdp"), |b| {
        b.iter(|| black_box(&session).to_string());
    });
    group.finish();
}

criterion_group!(benches, parse, print);
criterion_main!(benches);
