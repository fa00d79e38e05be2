//! What replaces what, for every layer.

use std::collections::{BTreeMap, BTreeSet};

use rtcspec_wire::stun::{Key, TransactionId};

use super::addresses::Addresses;
use super::extensions::Extensions;
use super::noise::Noise;
use super::told::Told;
use super::transactions::Transactions;

/// Certificates whose fingerprints are known; a capture with more has no descriptions for them all.
const CERTIFICATES: usize = 4096;

/// What replaces what, and what was done.
#[derive(Debug)]
pub(super) struct Book {
    pub(super) noise: Noise,
    pub(super) addresses: Addresses,
    pub(super) transactions: Transactions,
    /// By ufrag, the passwords it had in some session, and what replaces each.
    pub(super) passwords: BTreeMap<Vec<u8>, Vec<[Key; 2]>>,
    /// The ufrags requests were made with, for their answers.
    pub(super) asked: BTreeMap<TransactionId, BTreeSet<Vec<u8>>>,
    /// CRC-32 of DTLS packets in STUN, for their acknowledgements.
    pub(super) acknowledged: BTreeMap<u32, u32>,
    /// Certificates, and what replaces each.
    pub(super) certificates: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) extensions: Extensions,
    pub(super) told: Told,
}

impl Book {
    pub(super) fn new(noise: Noise) -> Self {
        Self {
            addresses: Addresses::new(noise.clone()),
            noise,
            transactions: Transactions::default(),
            passwords: BTreeMap::new(),
            asked: BTreeMap::new(),
            acknowledged: BTreeMap::new(),
            certificates: BTreeMap::new(),
            extensions: Extensions::default(),
            told: Told::default(),
        }
    }

    /// After the first reading: draws what has to be drawn at once, and counts anew.
    pub(super) fn assign(&mut self) {
        self.addresses.assign();
        self.transactions.assign(&self.noise);
        self.told = Told::default();
    }

    /// Notes a password that was signalled for a ufrag.
    pub(super) fn password(&mut self, ufrag: &[u8], pwd: &[u8]) {
        let keys = [Key::from_bytes(pwd), Key::from_bytes(&self.noise.ice(pwd))];
        let known = self.passwords.entry(ufrag.to_vec()).or_default();
        if !known.contains(&keys) {
            known.push(keys);
        }
    }

    /// Notes what replaces a certificate.
    pub(super) fn certificate(&mut self, der: &[u8], other: &[u8]) {
        if self.certificates.len() < CERTIFICATES {
            self.certificates.insert(der.to_vec(), other.to_vec());
        }
    }
}
