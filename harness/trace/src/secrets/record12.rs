//! Opening records of DTLS 1.2: RFC 6347 §4.1.2.

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

/// Opens the records one side sends in epoch 1.
#[derive(Debug)]
pub(super) struct Opener12 {
    cipher: Cipher,
    mode: Mode,
    fixed: Vec<u8>,
}

impl Opener12 {
    /// Openers for what client and server send.
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
        let sequence = u64::from(record.epoch) << 48 | record.sequence_number;
        let mut prefix: Prefix = [0; 11];
        prefix[..8].copy_from_slice(&sequence.to_be_bytes());
        prefix[8] = record.content_type.0;
        prefix[9..].copy_from_slice(&record.version.0.to_be_bytes());
        let aead = match &self.cipher {
            Cipher::Cbc(cbc) => return cbc.open(&prefix, record.content, out),
            Cipher::Aead(aead) => aead,
        };
        let (_, explicit) = self.mode.nonce_lens();
        let (in_record, sealed) = record.content.split_at_checked(explicit)?;
        let mut nonce = [0; 12];
        if explicit == 0 {
            nonce.copy_from_slice(&self.fixed);
            nonce[4..].iter_mut().zip(sequence.to_be_bytes()).for_each(|(to, with)| *to ^= with);
        } else {
            nonce[..4].copy_from_slice(&self.fixed);
            nonce[4..].copy_from_slice(in_record);
        }
        let len = u16::try_from(sealed.len().checked_sub(self.mode.tag_len())?).ok()?;
        // RFC 6347 §4.1.2.1: epoch and sequence number, type, version, length.
        let mut aad = [0; 13];
        aad[..11].copy_from_slice(&prefix);
        aad[11..].copy_from_slice(&len.to_be_bytes());
        out.clear();
        out.extend_from_slice(sealed);
        aead.open(nonce, &aad, out)
    }
}
