//! Scenario files and expectations, carried inside the binary; the tests of this package run them
//! and compare their transcripts.

include!(concat!(env!("OUT_DIR"), "/files.rs"));
