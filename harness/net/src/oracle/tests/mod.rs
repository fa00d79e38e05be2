//! The oracle against outcomes that were computed by another model, measured, or reasoned.

mod tables;
