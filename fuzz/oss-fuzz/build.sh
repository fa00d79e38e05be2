#!/usr/bin/env bash
# Builds every target into $OUT with its seeds, dictionary and options: OSS-Fuzz, ClusterFuzzLite,
# or anybody with SRC and OUT set, a nightly compiler as the default and cargo-fuzz.
set -euo pipefail

cd "$SRC/rtcspec"
cargo fuzz build -O
built=${CARGO_TARGET_DIR:-fuzz/target}/x86_64-unknown-linux-gnu/release
for target in $(cargo fuzz list); do
    cp "$built/$target" "$OUT/"
done
# The sanitizer's flags are for the targets alone.
env -u RUSTFLAGS cargo run --quiet -p rtcspec-fuzz --example parcel -- corpus "$OUT"
for target in $(cargo fuzz list); do
    for file in "$target" "${target}_seed_corpus.zip" "$target.dict" "$target.options"; do
        [ -s "$OUT/$file" ] || { echo "$OUT/$file is missing"; exit 1; }
    done
done
