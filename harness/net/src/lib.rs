//! The virtual internet.
