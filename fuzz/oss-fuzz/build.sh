#!/usr/bin/env bash
# Builds every target into $OUT with its seeds, dictionary and options: OSS-Fuzz, ClusterFuzzLite,
# or anybody with SRC and OUT set, cargo-fuzz, and a nightly compiler as the default or in TOOLCHAIN.
set -euo pipefail

cd "$SRC/rtcspec"
# shellcheck disable=SC2086
RUSTC_WRAPPER=$PWD/fuzz/instrument-ours cargo ${TOOLCHAIN:++$TOOLCHAIN} fuzz build -O --no-trace-compares
built=${CARGO_TARGET_DIR:-fuzz/target}/x86_64-unknown-linux-gnu/release
for target in $(cargo fuzz list); do
    cp "$built/$target" "$OUT/"
done
# The sanitizer's flags are for the targets alone: with those for C in it, ring does not link
# (briansmith/ring#1915). Empty and not away: cargo of OSS-Fuzz is a script that wants RUSTFLAGS set.
RUSTFLAGS='' CFLAGS='' CXXFLAGS='' cargo build --quiet --workspace --example parcel
"${CARGO_TARGET_DIR:-target}/debug/examples/parcel" corpus "$OUT"
for target in $(cargo fuzz list); do
    for file in "$target" "${target}_seed_corpus.zip" "$target.dict" "$target.options"; do
        [ -s "$OUT/$file" ] || { echo "$OUT/$file is missing"; exit 1; }
    done
done
