//! Dependencies between the crates point one way.

use std::collections::{BTreeMap, BTreeSet};

use cargo_metadata::{DependencyKind, MetadataCommand};

/// What each crate may depend on, among ours.
const ALLOWED: &[(&str, &[&str])] = &[
    ("rtcspec-wire", &[]),
    ("rtcspec-tls", &[]),
    ("rtcspec-srtp", &[]),
    ("rtcspec-control", &[]),
    ("rtcspec-adapter-entropy", &[]),
    ("rtcspec-scenarios", &[]),
    ("rtcspec-bench", &[]),
    ("rtcspec-net", &["rtcspec-wire", "rtcspec-tls"]),
    ("rtcspec-peer", &["rtcspec-wire", "rtcspec-tls"]),
    ("rtcspec-trace", &["rtcspec-srtp", "rtcspec-wire"]),
    ("rtcspec-audit", &["rtcspec-wire", "rtcspec-trace"]),
    ("rtcspec-capture", &["rtcspec-wire", "rtcspec-srtp", "rtcspec-trace"]),
    (
        "rtcspec-fuzz",
        &[
            "rtcspec-adapter-reference",
            "rtcspec-capture",
            "rtcspec-control",
            "rtcspec-net",
            "rtcspec-peer",
            "rtcspec-srtp",
            "rtcspec-suite",
            "rtcspec-trace",
            "rtcspec-wire",
        ],
    ),
    ("rtcspec-differ", &["rtcspec-control", "rtcspec-fuzz", "rtcspec-wire"]),
    ("rtcspec-assault", &["rtcspec-control", "rtcspec-fuzz", "rtcspec-peer", "rtcspec-wire"]),
    ("rtcspec-lab", &["rtcspec-control"]),
    ("rtcspec-remote", &["rtcspec-control", "rtcspec-net", "rtcspec-wire"]),
    ("rtcspec-live", &["rtcspec-control", "rtcspec-wire"]),
    ("rtcspec-adapter-reference", &["rtcspec-control", "rtcspec-peer"]),
    (
        "rtcspec-adapter-embed",
        &["rtcspec-adapter-entropy", "rtcspec-control", "rtcspec-peer", "rtcspec-wire"],
    ),
    (
        "rtcspec-adapter-rtc",
        &["rtcspec-adapter-embed", "rtcspec-adapter-entropy", "rtcspec-control", "rtcspec-peer"],
    ),
    (
        "rtcspec-adapter-str0m",
        &["rtcspec-adapter-embed", "rtcspec-adapter-entropy", "rtcspec-control", "rtcspec-peer"],
    ),
    (
        "rtcspec-suite",
        &[
            "rtcspec-adapter-reference",
            "rtcspec-audit",
            "rtcspec-capture",
            "rtcspec-control",
            "rtcspec-net",
            "rtcspec-peer",
            "rtcspec-trace",
            "rtcspec-wire",
        ],
    ),
    ("rtcspec-servers", &["rtcspec-control", "rtcspec-suite", "rtcspec-tls", "rtcspec-wire"]),
    (
        "rtcspec",
        &[
            "rtcspec-adapter-reference",
            "rtcspec-adapter-rtc",
            "rtcspec-adapter-str0m",
            "rtcspec-assault",
            "rtcspec-audit",
            "rtcspec-capture",
            "rtcspec-control",
            "rtcspec-differ",
            "rtcspec-fuzz",
            "rtcspec-lab",
            "rtcspec-live",
            "rtcspec-net",
            "rtcspec-remote",
            "rtcspec-scenarios",
            "rtcspec-servers",
            "rtcspec-suite",
            "rtcspec-trace",
        ],
    ),
];

#[test]
fn every_dependency_between_crates_is_one_of_those_allowed() {
    let metadata = MetadataCommand::new().no_deps().exec().expect("cargo metadata runs");
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ALLOWED.iter().map(|(name, list)| (*name, list.iter().copied().collect())).collect();
    let mut wrong = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some(allowed) = allowed.get(name) else {
            wrong.push(format!("{name} has no place in the order of layers"));
            continue;
        };
        for dependency in &package.dependencies {
            let ours = dependency.name.starts_with("rtcspec");
            let built_in = dependency.kind == DependencyKind::Normal;
            if ours && built_in && !allowed.contains(dependency.name.as_str()) {
                wrong.push(format!("{name} -> {}", dependency.name));
            }
        }
    }
    assert!(wrong.is_empty(), "not allowed: {wrong:#?}");
}
