//! Exports of every capture of the corpus: the same rules find the same, and nobody is in them.

mod corpus;
mod damage;
mod findings;
mod leaks;
mod runs;
mod seeds;
mod shape;
mod transcripts;
