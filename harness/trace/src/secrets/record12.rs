//! Records of DTLS 1.2, opened and sealed: RFC 6347 §4.1.2.

use rtcspec_wire::dtls::{CipherSuite, PlaintextRecord};

use super::aead::Aead;
use super::cbc::{Cbc, Prefix};
use super::expand::prf;
use super::suite::Mode;

#[derive(Debug)]
enum Cipher {
    Aead(Aead),
    Cbc(Box<Cbc>),
}

/// The protection of the records one side sends in epoch 1.
#[derive(Debug)]
pub(super) struct Epoch12 {
    cipher: Cipher,
    mode: Mode,
    fixed: Vec<u8>,
}

impl Epoch12 {
    /// Those of client and server.
    pub(super) fn pair(
        suite: CipherSuite,
        master: &[u8],
        client_random: &[u8; 32],
        server_random: &[u8; 32],
        encrypt_then_mac: bool,
    ) -> Option<[Self; 2]> {
        let (mode, hash) = Mode::of(suite)?;
        let (mac, key) = (mode.mac_len(), mode.key_len());
        let (fixed, _) = mode.nonce_lens();
        let seed: [&[u8]; 2] = [server_random, client_random];
        let block = prf(hash, master, b"key expansion", &seed, 2 * (mac + key + fixed));
        // RFC 5246 §6.3: MAC keys, keys and IVs, each the client's before the server's.
        let part = |start: usize, len: usize, nth: usize| {
            block.get(start + nth * len..start + (nth + 1) * len)
        };
        let end = |nth: usize| {
            let key_bytes = part(2 * mac, key, nth)?;
            let cipher = match mode {
                Mode::Cbc(_, hash) => {
                    let mac_key = part(0, mac, nth)?;
                    Cipher::Cbc(Box::new(Cbc::new(hash, mac_key, key_bytes, encrypt_then_mac)?))
                }
                _ => Cipher::Aead(Aead::new(mode, key_bytes)?),
            };
            Some(Self { cipher, mode, fixed: part(2 * (mac + key), fixed, nth)?.to_vec() })
        };
        Some([end(0)?, end(1)?])
    }

    /// Leaves the content of a record in `out`. `None` if it does not authenticate.
    pub(super) fn open(&self, record: &PlaintextRecord<'_>, out: &mut Vec<u8>) -> Option<()> {
        let aead = match &self.cipher {
            Cipher::Cbc(cbc) => return cbc.open(&prefix(record), record.content, out),
            Cipher::Aead(aead) => aead,
        };
        let (in_record, sealed) = record.content.split_at_checked(self.explicit())?;
        let len = sealed.len().checked_sub(self.mode.tag_len())?;
        out.clear();
        out.extend_from_slice(sealed);
        aead.open(self.nonce(record, in_record), &additional(record, len)?, out)
    }

    /// What a record holds if it carries other content of the same length, with the nonce it had.
    pub(super) fn seal(&self, record: &PlaintextRecord<'_>, content: &[u8]) -> Option<Vec<u8>> {
        let aead = match &self.cipher {
            Cipher::Cbc(cbc) => return cbc.seal(&prefix(record), record.content, content),
            Cipher::Aead(aead) => aead,
        };
        let in_record = record.content.get(..self.explicit())?;
        let mut sealed = content.to_vec();
        aead.seal(self.nonce(record, in_record), &additional(record, content.len())?, &mut sealed)?;
        Some([in_record, &sealed].concat())
    }

    /// Bytes of the nonce that are in the record.
    fn explicit(&self) -> usize {
        self.mode.nonce_lens().1
    }

    fn nonce(&self, record: &PlaintextRecord<'_>, in_record: &[u8]) -> [u8; 12] {
        let mut nonce = [0; 12];
        if in_record.is_empty() {
            // RFC 7905 §2: nothing is in the record, the sequence number is mixed in.
            nonce.copy_from_slice(&self.fixed);
            let number = numbered(record).to_be_bytes();
            nonce[4..].iter_mut().zip(number).for_each(|(to, with)| *to ^= with);
        } else {
            nonce[..4].copy_from_slice(&self.fixed);
            nonce[4..].copy_from_slice(in_record);
        }
        nonce
    }
}

/// Epoch and sequence number.
fn numbered(record: &PlaintextRecord<'_>) -> u64 {
    u64::from(record.epoch) << 48 | record.sequence_number
}

fn prefix(record: &PlaintextRecord<'_>) -> Prefix {
    let mut prefix: Prefix = [0; 11];
    prefix[..8].copy_from_slice(&numbered(record).to_be_bytes());
    prefix[8] = record.content_type.0;
    prefix[9..].copy_from_slice(&record.version.0.to_be_bytes());
    prefix
}

/// RFC 6347 §4.1.2.1: epoch and sequence number, type, version, length of the content.
fn additional(record: &PlaintextRecord<'_>, len: usize) -> Option<[u8; 13]> {
    let mut data = [0; 13];
    data[..11].copy_from_slice(&prefix(record));
    data[11..].copy_from_slice(&u16::try_from(len).ok()?.to_be_bytes());
    Some(data)
}
