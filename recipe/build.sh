#!/usr/bin/env bash
# Builds rtcspec, of which nothing is left to do where it is up to date, and says where it is. What cargo
# says goes to standard error.
set -euo pipefail
home=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$home/target}
cargo build --release --locked --manifest-path "$home/Cargo.toml" -p rtcspec >&2
echo "$target/release/rtcspec"
