//! SDP: a browser's offer of 7 KB, ours beside four other implementations.
//!
//! Two kinds of work: `sdp-types` and `rtc-sdp` split the text into lines, type the lines of
//! RFC 8866 and keep attributes as text; `webrtc-sdp` and `str0m` type every attribute. Ours:
//! `view` splits and keeps borrowed lines, `typed` types every attribute and refuses what is
//! malformed. Both stand beside all of the others, so `typed` is also measured against parsers
//! that do less. `print` is the way back from each of these values to text.

use std::hint::black_box;
use std::io::Cursor;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rtcspec_wire::sdp::{Session, View};
use str0m::change::SdpOffer;

/// `corpus/captures/sdp/chromium-aiortc-av.offer-chromium.sdp` with four candidates in each
/// section, as a browser that does not trickle sends it.
const OFFER: &str = include_str!("../fixtures/browser-offer.sdp");

fn webrtc_sdp() -> webrtc_sdp::SdpSession {
    // It does not know `rtcp-xr`; a warning is not an error to it, so it skips the line.
    webrtc_sdp::parse_sdp(black_box(OFFER), false).expect("valid but for warnings")
}

fn rtc_sdp() -> rtc_sdp::SessionDescription {
    let mut reader = Cursor::new(black_box(OFFER.as_bytes()));
    rtc_sdp::SessionDescription::unmarshal(&mut reader).expect("valid")
}

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("sdp/parse browser offer");
    group.throughput(Throughput::Bytes(OFFER.len() as u64));
    group.bench_function("rtcspec, view", |b| {
        b.iter(|| View::parse(black_box(OFFER.as_bytes())));
    });
    group.bench_function("rtcspec, typed", |b| {
        b.iter(|| Session::parse(black_box(OFFER.as_bytes())).expect("valid"));
    });
    group.bench_function("sdp-types", |b| {
        b.iter(|| sdp_types::Session::parse(black_box(OFFER.as_bytes())).expect("valid"));
    });
    group.bench_function("rtc-sdp", |b| b.iter(rtc_sdp));
    group.bench_function("webrtc-sdp (typed)", |b| b.iter(webrtc_sdp));
    group.bench_function("str0m (typed)", |b| {
        b.iter(|| SdpOffer::from_sdp_string(black_box(OFFER)).expect("valid"));
    });
    group.finish();
}

fn print(c: &mut Criterion) {
    let mut group = c.benchmark_group("sdp/print browser offer");
    group.throughput(Throughput::Bytes(OFFER.len() as u64));
    let view = View::parse(OFFER.as_bytes());
    assert_eq!(view.print(), OFFER.as_bytes());
    group.bench_function("rtcspec, view", |b| b.iter(|| black_box(&view).print()));
    let session = Session::parse(OFFER.as_bytes()).expect("valid");
    assert_eq!(session.print(), OFFER.replace("semantic: ", "semantic:"));
    group.bench_function("rtcspec, typed", |b| b.iter(|| black_box(&session).print()));
    let session = sdp_types::Session::parse(OFFER.as_bytes()).expect("valid");
    group.bench_function("sdp-types", |b| {
        b.iter(|| {
            let mut out = Vec::new();
            black_box(&session).write(&mut out).expect("written");
            out
        });
    });
    let session = rtc_sdp();
    group.bench_function("rtc-sdp", |b| b.iter(|| black_box(&session).marshal()));
    let session = webrtc_sdp();
    group.bench_function("webrtc-sdp (typed)", |b| b.iter(|| black_box(&session).to_string()));
    let offer = SdpOffer::from_sdp_string(OFFER).expect("valid");
    group.bench_function("str0m (typed)", |b| b.iter(|| black_box(&offer).to_sdp_string()));
    group.finish();
}

criterion_group!(benches, parse, print);
criterion_main!(benches);
