//! Whole sessions between embedded stacks.

mod behaviour;
mod crossings;
mod exact;
mod pair;
mod relay;

#[cfg(test)]
#[expect(dead_code, reason = "the reference peer's tests use all of its server")]
#[path = "../../../../peer/src/turn/testing.rs"]
mod turn_server;
