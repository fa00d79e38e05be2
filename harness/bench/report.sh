#!/usr/bin/env bash
# Measures everything and writes reports/benchmarks.md. Wants a quiet machine; what was measured
# before is thrown away, so that no row of the report is older than the others.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${CARGO_TARGET_DIR:-target}

cargo bench -p rtcspec-bench --no-run
rm -rf "$target/criterion"
cargo bench -p rtcspec-bench -- --noplot "$@"
mkdir -p reports
cargo run --release --quiet -p rtcspec-bench --bin ratios >"$target/benchmarks.md"
mv "$target/benchmarks.md" reports/benchmarks.md
