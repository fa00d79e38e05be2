//! Whole sessions between embedded stacks.

mod crossings;
mod exact;
mod pair;
