//! A parser that is asked what inputs mean.

use rtcspec_fuzz::case::guarded;

use crate::account::Account;

/// Somebody who reads inputs: in this process or in another.
pub trait Reads {
    /// Its name, in classes and in the ledger.
    fn name(&self) -> &str;
    /// The fields it can tell; the others are not compared.
    fn tells(&self) -> &[&'static str];
    /// What an input means to it.
    fn read<'a>(&mut self, input: &'a [u8]) -> Account<'a>;
    /// Why it cannot be asked any more, if so.
    fn broken(&self) -> Option<String> {
        None
    }
}

/// A parser in this process.
#[derive(Clone, Copy, Debug)]
pub struct Parser {
    /// Its name: the crate's.
    pub name: &'static str,
    /// The fields it can tell.
    pub tells: &'static [&'static str],
    /// What an input means to it.
    pub read: for<'a> fn(&'a [u8]) -> Account<'a>,
}

impl Reads for Parser {
    fn name(&self) -> &str {
        self.name
    }

    fn tells(&self) -> &[&'static str] {
        self.tells
    }

    fn read<'a>(&mut self, input: &'a [u8]) -> Account<'a> {
        guarded(|| (self.read)(input)).unwrap_or_else(|finding| Account::Panicked(finding.what))
    }
}
