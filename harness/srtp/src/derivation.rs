//! Session keys from a master key: RFC 3711 §4.3, with a key derivation rate of zero.

use aes::cipher::{KeyIvInit as _, StreamCipher as _};
use aes::{Aes128, Aes256};
use ctr::Ctr128BE;

use crate::{Master, Profile, SrtpError};

/// What session keys are for: their labels (RFC 3711 §4.3.2).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Rtp,
    Rtcp,
}

/// Session keys.
#[derive(Debug)]
pub(crate) struct SessionKeys {
    pub(crate) cipher: Vec<u8>,
    /// Empty with an AEAD.
    pub(crate) auth: Vec<u8>,
    pub(crate) salt: Vec<u8>,
}

/// Derives the keys for SRTP or SRTCP.
pub(crate) fn derive(
    profile: Profile,
    master: Master<'_>,
    purpose: Purpose,
) -> Result<SessionKeys, SrtpError> {
    let fits = |found: usize, needed| {
        if found == needed { Ok(()) } else { Err(SrtpError::KeyLength { found, needed }) }
    };
    fits(master.key.len(), profile.key_len())?;
    fits(master.salt.len(), profile.salt_len())?;
    let first = match purpose {
        Purpose::Rtp => 0,
        Purpose::Rtcp => 3,
    };
    // RFC 7714 §11: an AEAD has no authentication key.
    let auth_len = match profile {
        Profile::Aes128CmSha1_80 | Profile::Aes128CmSha1_32 => 20,
        Profile::AeadAes128Gcm | Profile::AeadAes256Gcm => 0,
    };
    Ok(SessionKeys {
        cipher: prf(master, first, profile.key_len()),
        auth: prf(master, first + 1, auth_len),
        salt: prf(master, first + 2, profile.salt_len()),
    })
}

/// RFC 3711 §4.3.3: AES in counter mode over the salt with the label. RFC 7714 §11: a salt of 96
/// bits has 16 zero bits after it, and a key of 256 bits has AES-256 for this too.
fn prf(master: Master<'_>, label: u8, len: usize) -> Vec<u8> {
    let mut iv = [0; 16];
    iv.iter_mut().zip(master.salt).for_each(|(to, from)| *to = *from);
    iv[7] ^= label;
    let mut out = vec![0; len];
    let lengths = "invariant: the lengths of key and IV were checked";
    match master.key.len() {
        32 => Ctr128BE::<Aes256>::new_from_slices(master.key, &iv)
            .expect(lengths)
            .apply_keystream(&mut out),
        _ => Ctr128BE::<Aes128>::new_from_slices(master.key, &iv)
            .expect(lengths)
            .apply_keystream(&mut out),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::tests::hex;

    #[test]
    fn session_keys_are_those_of_rfc_3711_appendix_b_3() {
        let (key, salt) =
            (hex("e1f97a0d3e018be0d64fa32c06de4139"), hex("0ec675ad498afeebb6960b3aabe6"));
        let master = Master { key: &key, salt: &salt };
        let keys = derive(Profile::Aes128CmSha1_80, master, Purpose::Rtp).expect("lengths fit");
        assert_eq!(keys.cipher, hex("c61e7a93744f39ee10734afe3ff7a087"));
        assert_eq!(keys.salt, hex("30cbbc08863d8c85d49db34a9ae1"));
        let auth = "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbcee049646c43d932\
                    7ad175578ef72270986371c10c9a369ac2f94a8c5fbcdddc256d6e919a48b610ef17c2041e4740\
                    35766b68642c59bbfc2f34db60dbdfb2";
        assert_eq!(prf(master, 1, 94), hex(auth));
        assert_eq!(keys.auth, hex(&auth[..40]));
    }

    #[test]
    fn keys_of_other_lengths_are_refused() {
        let master = Master { key: &[0; 16], salt: &[0; 14] };
        let derived = derive(Profile::AeadAes256Gcm, master, Purpose::Rtp);
        let expected = SrtpError::KeyLength { found: 16, needed: 32 };
        assert_eq!(derived.expect_err("too short"), expected);
    }
}
