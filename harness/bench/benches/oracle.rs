//! The outcome oracle: one prediction, and the matrices a run of `rtcspec matrix` computes.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use rtcspec_net::nat::{Filtering, Mapping, Params};
use rtcspec_net::oracle::{Middlebox, Options, Topology, Variant, edges, grid, predict};

fn edge(mapping: Mapping, filtering: Filtering) -> Vec<Middlebox> {
    vec![Middlebox::nat("nat", Params::new(mapping, filtering))]
}

fn cells(criterion: &mut Criterion) {
    use Filtering::{
        AddressAndPortDependent as Apdf, AddressDependent as Adf, EndpointIndependent as Eif,
    };
    use Mapping::{AddressAndPortDependent as Apdm, EndpointIndependent as Eim};
    let mut group = criterion.benchmark_group("oracle/cell");
    let rows = [
        ("direct", edge(Eim, Adf), edge(Apdm, Apdf)),
        ("relay", edge(Eim, Apdf), edge(Apdm, Apdf)),
        ("churn", edge(Apdm, Eif), edge(Apdm, Eif)),
        ("nested", [edge(Eim, Apdf), edge(Eim, Eif)].concat(), edge(Apdm, Apdf)),
    ];
    for (name, a, b) in rows {
        let topology = Topology::apart(a, b).with_turn();
        group.bench_with_input(BenchmarkId::new("quick", name), &topology, |bencher, topology| {
            bencher.iter(|| predict(black_box(topology), &Options::quick()));
        });
        group.bench_with_input(BenchmarkId::new("full", name), &topology, |bencher, topology| {
            bencher.iter(|| predict(black_box(topology), &Options::default()));
        });
    }
    group.finish();
}

fn matrices(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("oracle/matrix");
    group.sample_size(10).measurement_time(Duration::from_secs(5));
    group.bench_function("14x14", |bencher| {
        bencher.iter(|| grid(edges(Variant::default()), &Options::quick()));
    });
    group.bench_function("six variants of 14x14", |bencher| {
        bencher.iter(|| {
            let grids = Variant::all().map(|variant| grid(edges(variant), &Options::quick()));
            grids.filter_map(Result::ok).map(|grid| grid.cells.len()).sum::<usize>()
        });
    });
    group.finish();
}

criterion_group!(benches, cells, matrices);
criterion_main!(benches);
