//! The `rtcspec` binary.

fn main() {}
