#!/usr/bin/env bash
# Builds rtcspec, once, and says where it is. What cargo says goes to standard error.
set -euo pipefail
home=$(cd "$(dirname "$0")/.." && pwd)
target=${CARGO_TARGET_DIR:-$home/target}
[ -x "$target/release/rtcspec" ] ||
    cargo build --release --locked --manifest-path "$home/Cargo.toml" -p rtcspec >&2
echo "$target/release/rtcspec"
