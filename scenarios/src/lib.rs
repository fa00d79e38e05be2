//! Scenario files and their transcripts; the tests of this package run them.
