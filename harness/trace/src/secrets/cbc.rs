//! CBC with HMAC: RFC 5246 §6.2.3.2, and RFC 7366 where the MAC comes last.

use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt as _, BlockModeEncrypt as _,
    BlockSizeUser, InnerIvInit as _,
};
use aes::{Aes128, Aes256};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;
use sha2::{Sha256, Sha384};

use super::suite::CbcMac;

/// Bytes of a block.
const BLOCK: usize = 16;

enum Cipher {
    Aes128(Box<Aes128>),
    Aes256(Box<Aes256>),
}

enum Mac {
    Sha1(Box<Hmac<Sha1>>),
    Sha256(Box<Hmac<Sha256>>),
    Sha384(Box<Hmac<Sha384>>),
}

/// Keyed for one direction.
pub(super) struct Cbc {
    cipher: Cipher,
    mac: Mac,
    mac_len: usize,
    encrypt_then_mac: bool,
}

impl std::fmt::Debug for Cbc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cbc")
    }
}

/// What is authenticated before the content: epoch and sequence number, type, version.
pub(super) type Prefix = [u8; 11];

impl Cbc {
    pub(super) fn new(
        hash: CbcMac,
        mac_key: &[u8],
        key: &[u8],
        encrypt_then_mac: bool,
    ) -> Option<Self> {
        let cipher = match key.len() {
            16 => Cipher::Aes128(Box::new(Aes128::new_from_slice(key).ok()?)),
            _ => Cipher::Aes256(Box::new(Aes256::new_from_slice(key).ok()?)),
        };
        let mac = match hash {
            CbcMac::Sha1 => Mac::Sha1(Box::new(Hmac::new_from_slice(mac_key).ok()?)),
            CbcMac::Sha256 => Mac::Sha256(Box::new(Hmac::new_from_slice(mac_key).ok()?)),
            CbcMac::Sha384 => Mac::Sha384(Box::new(Hmac::new_from_slice(mac_key).ok()?)),
        };
        Some(Self { cipher, mac, mac_len: hash.len(), encrypt_then_mac })
    }

    /// Decrypts and authenticates; leaves the content. `None` if it does not authenticate.
    pub(super) fn open(&self, prefix: &Prefix, record: &[u8], out: &mut Vec<u8>) -> Option<()> {
        let record = if self.encrypt_then_mac {
            let (sealed, tag) = record.split_at_checked(record.len().checked_sub(self.mac_len)?)?;
            self.verify(prefix, sealed, tag)?;
            sealed
        } else {
            record
        };
        let (iv, blocks) = record.split_first_chunk::<BLOCK>()?;
        out.clear();
        out.extend_from_slice(blocks);
        self.decrypt(*iv, out)?;
        // RFC 5246 §6.2.3.2: the last byte counts the bytes of padding before it, all like it.
        let padding = usize::from(*out.last()?);
        let end = out.len().checked_sub(padding + 1)?;
        if out.get(end..)?.iter().any(|byte| usize::from(*byte) != padding) {
            return None;
        }
        out.truncate(end);
        if !self.encrypt_then_mac {
            let (content, tag) = out.split_at_checked(end.checked_sub(self.mac_len)?)?;
            self.verify(prefix, content, tag)?;
            let len = content.len();
            out.truncate(len);
        }
        Some(())
    }

    /// Puts content in the place of that of a record of this length, with its initialisation vector.
    /// `None` if it does not fit there.
    pub(super) fn seal(&self, prefix: &Prefix, record: &[u8], content: &[u8]) -> Option<Vec<u8>> {
        let iv = *record.first_chunk::<BLOCK>()?;
        let outside = if self.encrypt_then_mac { self.mac_len } else { 0 };
        let len = record.len().checked_sub(BLOCK + outside)?;
        let mut blocks = content.to_vec();
        if !self.encrypt_then_mac {
            blocks.extend(self.tag(prefix, content)?);
        }
        // RFC 5246 §6.2.3.2: at least the byte that counts the padding.
        let padding = u8::try_from(len.checked_sub(blocks.len() + 1)?).ok()?;
        blocks.resize(len, padding);
        match &self.cipher {
            Cipher::Aes128(cipher) => encrypt(cipher.as_ref(), iv, &mut blocks)?,
            Cipher::Aes256(cipher) => encrypt(cipher.as_ref(), iv, &mut blocks)?,
        }
        let mut sealed = [&iv[..], &blocks].concat();
        if self.encrypt_then_mac {
            let tag = self.tag(prefix, &sealed)?;
            sealed.extend(tag);
        }
        Some(sealed)
    }

    fn decrypt(&self, iv: [u8; BLOCK], bytes: &mut [u8]) -> Option<()> {
        match &self.cipher {
            Cipher::Aes128(cipher) => decrypt(cipher.as_ref(), iv, bytes),
            Cipher::Aes256(cipher) => decrypt(cipher.as_ref(), iv, bytes),
        }
    }

    fn verify(&self, prefix: &Prefix, bytes: &[u8], tag: &[u8]) -> Option<()> {
        (self.tag(prefix, bytes)? == tag).then_some(())
    }

    fn tag(&self, prefix: &Prefix, bytes: &[u8]) -> Option<Vec<u8>> {
        let len = u16::try_from(bytes.len()).ok()?.to_be_bytes();
        macro_rules! with {
            ($mac:expr) => {{
                let mac = $mac.as_ref().clone().chain_update(prefix).chain_update(len);
                mac.chain_update(bytes).finalize().into_bytes().to_vec()
            }};
        }
        Some(match &self.mac {
            Mac::Sha1(mac) => with!(mac),
            Mac::Sha256(mac) => with!(mac),
            Mac::Sha384(mac) => with!(mac),
        })
    }
}

fn encrypt<C>(cipher: &C, iv: [u8; BLOCK], bytes: &mut [u8]) -> Option<()>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let (blocks, rest) = bytes.as_chunks_mut::<BLOCK>();
    if !rest.is_empty() {
        return None;
    }
    let mut encryptor = ::cbc::Encryptor::<&C>::inner_iv_init(cipher, &iv.into());
    for block in blocks {
        encryptor.encrypt_block(block.into());
    }
    Some(())
}

fn decrypt<C>(cipher: &C, iv: [u8; BLOCK], bytes: &mut [u8]) -> Option<()>
where
    C: BlockCipherDecrypt + BlockSizeUser<BlockSize = U16>,
{
    let (blocks, rest) = bytes.as_chunks_mut::<BLOCK>();
    if !rest.is_empty() {
        return None;
    }
    let mut decryptor = ::cbc::Decryptor::<&C>::inner_iv_init(cipher, &iv.into());
    for block in blocks {
        decryptor.decrypt_block(block.into());
    }
    Some(())
}
