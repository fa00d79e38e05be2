//! The observer over real sessions, one after another, with keys and without.
//!
//! Throughput counts the payload of the datagrams, not the frames around them.

#[allow(dead_code, reason = "the figures are for tests")]
#[path = "../../trace/tests/common/mod.rs"]
mod common;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rtcspec_trace::watch::{Kind, Observer};

fn observe(c: &mut Criterion) {
    let captures = common::all();
    for (name, media) in [("data", false), ("media", true)] {
        let chosen: Vec<_> =
            captures.iter().filter(|one| one.name.ends_with("-av") == media).collect();
        let bytes: usize =
            chosen.iter().flat_map(|one| &one.datagrams).map(|one| one.payload.len()).sum();
        let mut group = c.benchmark_group(format!("observe/{name}"));
        group.throughput(Throughput::Bytes(bytes as u64));
        for (keys, with_keys) in [("closed", false), ("opened", true)] {
            group.bench_function(keys, |b| {
                let mut observer = Observer::new();
                for (session, capture) in (0..).zip(&chosen) {
                    capture.signals.iter().for_each(|signal| observer.signal(session, signal));
                    if with_keys {
                        observer.secrets(&capture.keys);
                    }
                }
                b.iter(|| {
                    let mut events = 0_u64;
                    for datagram in chosen.iter().flat_map(|one| &one.datagrams) {
                        observer.seen(&datagram.seen(), &mut |event| {
                            events += u64::from(!matches!(event.kind, Kind::Opaque(_)));
                        });
                    }
                    black_box(events)
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, observe);
criterion_main!(benches);
