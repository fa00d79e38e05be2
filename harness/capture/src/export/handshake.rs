//! Handshake messages in the place of others (RFC 5246 §7.4, RFC 8446 §4, RFC 6347 §4.2.1).
//!
//! What a handshake negotiates stays; names, keys, randoms, cookies, tickets and signatures go.
//! Signatures and Finished fit nothing afterwards.

use rtcspec_wire::dtls::{ExtensionType as E, HandshakeType as H};

use super::book::Book;
use super::certificate;
use super::draft::{Draft, Walk};
use super::noise::Noise;

/// RFC 8446 §4.1.3: the end of a server's random that was asked for more than it took.
const DOWNGRADE: &[u8] = b"DOWNGRD";
/// RFC 8446 §4.1.3: the beginning of the random of a `HelloRetryRequest`.
const RETRY: [u8; 8] = [0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11];
/// Extensions that hold nothing but numbers that the registries name.
const NUMBERS: [E; 13] = [
    // max_fragment_length (RFC 6066 §4)
    E(1),
    E::SUPPORTED_GROUPS,
    E::EC_POINT_FORMATS,
    E::SIGNATURE_ALGORITHMS,
    E::ENCRYPT_THEN_MAC,
    E::EXTENDED_MASTER_SECRET,
    // compress_certificate (RFC 8879 §3)
    E(27),
    E::RECORD_SIZE_LIMIT,
    E::SUPPORTED_VERSIONS,
    E::PSK_KEY_EXCHANGE_MODES,
    // post_handshake_auth (RFC 8446 §4.2.6)
    E(49),
    E::SIGNATURE_ALGORITHMS_CERT,
    E::EARLY_DATA,
];
/// Application protocols that many use (RFC 8833, RFC 7443, RFC 9113, RFC 9112).
const PROTOCOLS: [&[u8]; 5] = [b"webrtc", b"c-webrtc", b"h2", b"http/1.1", b"stun.turn"];

/// A random in the place of another; what has a meaning keeps it.
pub(super) fn random(noise: &Noise, random: [u8; 32]) -> [u8; 32] {
    if random.starts_with(&RETRY) {
        return random;
    }
    let mut other = noise.array("random", random);
    if random[24..31] == *DOWNGRADE {
        other[24..].copy_from_slice(&random[24..]);
    }
    other
}

/// The body of a message, or the beginning of one, in the place of another.
pub(super) fn message(book: &mut Book, msg_type: H, body: &[u8], modern: bool) -> Vec<u8> {
    let noise = book.noise.clone();
    let mut draft = Draft::new(&noise, body);
    if msg_type == H::KEY_UPDATE {
        draft.keep(body);
    }
    let mut walk = Walk::all(&mut draft);
    // A message that ends too early is replaced as far as it goes.
    let _ended_early = match msg_type {
        H::CLIENT_HELLO => client_hello(&noise, &mut walk),
        H::SERVER_HELLO => server_hello(&noise, &mut walk),
        H::HELLO_VERIFY_REQUEST => walk.keep(2).and_then(|_| opaque(&noise, &mut walk, 1)),
        H::ENCRYPTED_EXTENSIONS => extensions(&noise, &mut walk),
        H::CERTIFICATE => certificates(book, &mut walk, modern),
        H::CERTIFICATE_REQUEST if modern => {
            opaque(&noise, &mut walk, 1).and_then(|()| extensions(&noise, &mut walk))
        }
        H::CERTIFICATE_REQUEST => certificate_request(&noise, &mut walk),
        H::SERVER_KEY_EXCHANGE => server_key_exchange(&noise, &mut walk),
        H::CLIENT_KEY_EXCHANGE => client_key_exchange(&noise, &mut walk),
        H::CERTIFICATE_VERIFY => signature(&noise, &mut walk),
        H::NEW_SESSION_TICKET => ticket(&noise, &mut walk, modern),
        _ => None,
    };
    draft.finish()
}

/// A length, and bytes nobody needs.
fn opaque(noise: &Noise, walk: &mut Walk<'_, '_>, length: usize) -> Option<()> {
    walk.put_vector(length, |content| noise.bytes("opaque", content))
}

fn put_random(noise: &Noise, walk: &mut Walk<'_, '_>) -> Option<()> {
    let found = walk.take(32)?;
    let other = random(noise, found.try_into().ok()?);
    walk.draft.put(found, &other);
    Some(())
}

fn client_hello(noise: &Noise, walk: &mut Walk<'_, '_>) -> Option<()> {
    walk.keep(2)?;
    put_random(noise, walk)?;
    // Session id, cookie.
    opaque(noise, walk, 1)?;
    opaque(noise, walk, 1)?;
    // Suites, compression methods.
    walk.keep_vector(2)?;
    walk.keep_vector(1)?;
    extensions(noise, walk)
}

fn server_hello(noise: &Noise, walk: &mut Walk<'_, '_>) -> Option<()> {
    walk.keep(2)?;
    put_random(noise, walk)?;
    opaque(noise, walk, 1)?;
    walk.keep(3)?;
    extensions(noise, walk)
}

/// A list of extensions with its length.
fn extensions(noise: &Noise, walk: &mut Walk<'_, '_>) -> Option<()> {
    let list = walk.vector(2)?;
    let mut walk = Walk::new(walk.draft, list);
    while !walk.rest().is_empty() {
        let ty = walk.keep(2)?;
        let value = walk.vector(2)?;
        let ty = E(u16::from_be_bytes(ty.try_into().ok()?));
        let other = extension(noise, ty, value);
        walk.draft.put(value, &other);
    }
    Some(())
}

fn extension(noise: &Noise, ty: E, value: &[u8]) -> Vec<u8> {
    // status_request for OCSP without responders (RFC 6066 §8), padding (RFC 7685 §3).
    let empty = match ty {
        E::STATUS_REQUEST => value == [1, 0, 0, 0, 0],
        E(21) => value.iter().all(|byte| *byte == 0),
        _ => NUMBERS.contains(&ty),
    };
    if empty {
        return value.to_vec();
    }
    let mut draft = Draft::new(noise, value);
    let mut walk = Walk::all(&mut draft);
    let _ended_early = match ty {
        E::SERVER_NAME => server_names(noise, &mut walk),
        E::ALPN => protocols(noise, &mut walk),
        E::KEY_SHARE => key_shares(noise, &mut walk),
        E::USE_SRTP => walk.keep_vector(2).and_then(|_| opaque(noise, &mut walk, 1)),
        E::COOKIE => opaque(noise, &mut walk, 2),
        E::CONNECTION_ID | E::RENEGOTIATION_INFO => opaque(noise, &mut walk, 1),
        _ => None,
    };
    draft.finish()
}

/// RFC 6066 §3.
fn server_names(noise: &Noise, walk: &mut Walk<'_, '_>) -> Option<()> {
    walk.keep(2)?;
    while !walk.rest().is_empty() {
        walk.keep(1)?;
        walk.put_vector(2, |name| noise.name(name))?;
    }
    Some(())
}

/// RFC 7301 §3.1.
fn protocols(noise: &Noise, walk: &mut Walk<'_, '_>) -> Option<()> {
    walk.keep(2)?;
    while !walk.rest().is_empty() {
        walk.put_vector(1, |name| match PROTOCOLS.contains(&name) {
            true => name.to_vec(),
            false => noise.name(name),
        })?;
    }
    Some(())
}

/// RFC 8446 §4.2.8: a client's list, a server's share, or a group.
fn key_shares(noise: &Noise, walk: &mut Walk<'_, '_>) -> Option<()> {
    let first = walk.rest().first_chunk().map(|first| u16::from_be_bytes(*first));
    if first.is_some_and(|length| usize::from(length) + 2 == walk.rest().len()) {
        walk.keep(2)?;
    }
    while !walk.rest().is_empty() {
        walk.keep(2)?;
        if walk.rest().is_empty() {
            break;
        }
        walk.put_vector(2, |share| certificate::key(noise, share))?;
    }
    Some(())
}

fn certificates(book: &mut Book, walk: &mut Walk<'_, '_>, modern: bool) -> Option<()> {
    let noise = book.noise.clone();
    if modern {
        opaque(&noise, walk, 1)?;
    }
    let list = walk.vector(3)?;
    let mut walk = Walk::new(walk.draft, list);
    while !walk.rest().is_empty() {
        let before = walk.vector(3)?;
        let after = certificate::der(&noise, before);
        walk.draft.put(before, &after);
        book.certificate(before, &after);
        if modern {
            opaque(&noise, &mut walk, 2)?;
        }
    }
    Some(())
}

/// RFC 5246 §7.4.4: types, schemes, names of authorities.
fn certificate_request(noise: &Noise, walk: &mut Walk<'_, '_>) -> Option<()> {
    walk.keep_vector(1)?;
    walk.keep_vector(2)?;
    let names = walk.vector(2)?;
    let mut walk = Walk::new(walk.draft, names);
    while !walk.rest().is_empty() {
        walk.put_vector(2, |name| certificate::der(noise, name))?;
    }
    Some(())
}

/// RFC 8422 §5.4 (a named curve and a point), RFC 5246 §7.4.3 (a prime, a generator, a number).
fn server_key_exchange(noise: &Noise, walk: &mut Walk<'_, '_>) -> Option<()> {
    if walk.rest().first() == Some(&3) {
        walk.keep(3)?;
        walk.put_vector(1, |point| certificate::key(noise, point))?;
    } else {
        for _ in 0..3 {
            opaque(noise, walk, 2)?;
        }
    }
    signature(noise, walk)
}

/// RFC 8422 §5.7 (a point), RFC 5246 §7.4.7 (a number, or a secret).
fn client_key_exchange(noise: &Noise, walk: &mut Walk<'_, '_>) -> Option<()> {
    let length = walk.rest().first().map_or(0, |first| usize::from(*first));
    if length + 1 == walk.rest().len() {
        return walk.put_vector(1, |point| certificate::key(noise, point));
    }
    opaque(noise, walk, 2)
}

/// A signature with its length, and in DTLS 1.2 and 1.3 the scheme before it.
fn signature(noise: &Noise, walk: &mut Walk<'_, '_>) -> Option<()> {
    let first = walk.rest().first_chunk().map(|first| u16::from_be_bytes(*first));
    if first.is_none_or(|length| usize::from(length) + 2 != walk.rest().len()) {
        walk.keep(2)?;
    }
    walk.put_vector(2, |signature| certificate::key(noise, signature))
}

/// RFC 5077 §3.3, RFC 8446 §4.6.1.
fn ticket(noise: &Noise, walk: &mut Walk<'_, '_>, modern: bool) -> Option<()> {
    walk.keep(4)?;
    if modern {
        walk.take(4)?;
        opaque(noise, walk, 1)?;
    }
    opaque(noise, walk, 2)?;
    if modern { opaque(noise, walk, 2) } else { Some(()) }
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::dtls::ClientHelloView;

    use super::*;

    fn hello() -> Vec<u8> {
        let name = b"\0\0\0\x15\0\x13\0\0\x10alice.invalid.ex";
        let groups = b"\0\x0a\0\x04\0\x02\0\x1d";
        let protocol = b"\0\x10\0\x12\0\x10\x06webrtc\x08acme-dev";
        let cookie = b"\0\x2c\0\x08\0\x06cookie";
        let extensions = [&name[..], groups, protocol, cookie].concat();
        let mut hello = vec![0xfe, 0xfd];
        hello.extend([0x11; 32]);
        hello.extend(b"\x07session\x04cook\0\x02\xc0\x2b\x01\0");
        hello.extend((extensions.len() as u16).to_be_bytes());
        hello.extend(extensions);
        hello
    }

    #[test]
    fn a_hello_negotiates_the_same_and_names_nobody() {
        let before = hello();
        let mut book = Book::new(Noise::new([4; 32], 0));
        let after = message(&mut book, H::CLIENT_HELLO, &before, false);
        let [before_view, view] =
            [&before, &after].map(|body| ClientHelloView::read(body).expect("a hello"));
        assert_eq!(before.len(), after.len());
        assert_ne!(view.random, before_view.random);
        assert_ne!((view.session_id, view.cookie), (before_view.session_id, before_view.cookie));
        assert!(view.cipher_suites().eq(before_view.cipher_suites()));
        let types = |view: ClientHelloView<'_>| {
            view.extensions().map(|found| found.extension_type).collect::<Vec<_>>()
        };
        assert_eq!(types(view), types(before_view));
        let holds = |part: &[u8]| after.windows(part.len()).any(|known| known == part);
        assert!(holds(b"\x06webrtc") && holds(b"\0\x0a\0\x04\0\x02\0\x1d"));
        for name in [&b"alice"[..], b"acme", b"cook", b"session", &[0x11; 4]] {
            assert!(!holds(name), "{name:?}");
        }
    }

    #[test]
    fn a_beginning_is_the_beginning_of_the_whole() {
        let before = hello();
        let mut book = Book::new(Noise::new([4; 32], 0));
        let whole = message(&mut book, H::CLIENT_HELLO, &before, false);
        for end in 0..before.len() {
            let part = message(&mut book, H::CLIENT_HELLO, &before[..end], false);
            assert_eq!(part.len(), end);
            assert!(end < 34 || part[..34] == whole[..34]);
            let lost = |name: &[u8]| !part.windows(name.len()).any(|known| known == name);
            assert!(lost(b"alic") && lost(b"acme") && lost(b"sessio"), "{end}: {part:x?}");
        }
    }

    #[test]
    fn randoms_keep_what_they_mean() {
        let noise = Noise::new([4; 32], 0);
        let mut random = [7; 32];
        random[24..].copy_from_slice(b"DOWNGRD\x01");
        let other = super::random(&noise, random);
        assert_eq!(other[24..], random[24..]);
        assert_ne!(other[..24], random[..24]);
        random[..8].copy_from_slice(&RETRY);
        assert_eq!(super::random(&noise, random), random);
    }
}
