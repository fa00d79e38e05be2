//! STUN and TURN messages: names, addresses, ids and what they carry replaced; signed anew.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use flate2::Crc;
use rtcspec_wire::demux::Protocol;
use rtcspec_wire::stun::{
    AttributeType as T, AttributeView, Check, Class, ErrorCode, ErrorCodeView, Key, MAGIC_COOKIE,
    MessageType, Method, TransactionId, View,
};

use super::book::Book;
use super::datagram::{Path, Rewriter, Via};
use super::draft::Draft;

/// Type, length and cookie.
const FIXED: usize = 8;
/// The header.
const HEADER: usize = 20;
/// ufrags of requests with one transaction id that are remembered.
const ASKED: usize = 8;

impl Rewriter {
    /// A message in the place of another. What is none keeps what tells that it is none.
    pub(super) fn stun(&mut self, path: &Path, bytes: &[u8], depth: u8) -> Vec<u8> {
        let view = View::new(bytes);
        let mut draft = Draft::new(&self.book.noise, bytes);
        let is_message = view.cookie() == Some(MAGIC_COOKIE) || view.is_classic();
        let (Some(id), true) = (view.transaction_id(), is_message) else {
            // The first byte tells the protocol; a single one keeps a NAT open.
            draft.keep_first(FIXED);
            return draft.finish();
        };
        self.book.told.stun += 1;
        let new_id = self.book.transactions.get(id);
        draft.keep_first(FIXED);
        draft.put(&bytes[FIXED..HEADER], &new_id.0);
        let mut end = HEADER;
        for attribute in view.attributes() {
            let value = end_of(&attribute);
            draft.keep(&bytes[attribute.offset..(attribute.offset + 4).min(bytes.len())]);
            let other = self.attribute(path, &view, &attribute, [id, new_id], depth);
            draft.put(attribute.value, &other);
            end = value.next_multiple_of(4).min(bytes.len());
            draft.keep_zeros(bytes.get(value..end).unwrap_or_default());
        }
        draft.keep_zeros(&bytes[end.min(bytes.len())..]);
        let names = ufrags(&mut self.book, &view, id);
        if !names.is_empty() {
            self.checked.insert(path.flow().0);
        }
        let signed = sign(&mut self.book, &view, &names, draft.finish());
        fingerprint(&view, signed)
    }

    fn attribute(
        &mut self,
        path: &Path,
        view: &View<'_>,
        attribute: &AttributeView<'_>,
        [id, new_id]: [TransactionId; 2],
        depth: u8,
    ) -> Vec<u8> {
        let value = attribute.value;
        let book = &mut self.book;
        match attribute.ty {
            T::USERNAME if is_binding(view) => username(book, value),
            T::USERNAME
            | T::REALM
            | T::SOFTWARE
            | T::ALTERNATE_DOMAIN
            | T::PASSWORD
            | T::THIRD_PARTY_AUTHORIZATION => book.noise.name(value),
            // RFC 8489 §9.2: a nonce may begin with a cookie that says what the server can do.
            T::NONCE => nonce(book, value),
            T::ERROR_CODE | T::ADDRESS_ERROR_CODE => refusal(book, value),
            T::MAPPED_ADDRESS
            | T::RESPONSE_ADDRESS
            | T::SOURCE_ADDRESS
            | T::CHANGED_ADDRESS
            | T::REFLECTED_FROM
            | T::ALTERNATE_SERVER
            | T::RESPONSE_ORIGIN
            | T::OTHER_ADDRESS => address(book, value, attribute.as_address(), None),
            T::XOR_MAPPED_ADDRESS | T::XOR_PEER_ADDRESS | T::XOR_RELAYED_ADDRESS => {
                address(book, value, attribute.as_xor_address(id), Some(new_id))
            }
            T::GOOG_LAST_ICE_CHECK_RECEIVED => match value.try_into() {
                Ok(id) => book.transactions.get(TransactionId(id)).0.to_vec(),
                Err(_) => book.noise.bytes("unknown", value),
            },
            T::META_DTLS_IN_STUN_ACKNOWLEDGEMENT => acknowledged(book, value),
            T::META_DTLS_IN_STUN if Protocol::of(value) == Protocol::Dtls => {
                let other = self.dtls(path, value);
                self.book.acknowledged.insert(crc(value), crc(&other));
                other
            }
            T::DATA => match view.xor_peer_address() {
                Some(peer) if is_relayed(view) => self.inner(path, Via::Peer(peer), value, depth),
                _ => book.noise.bytes("unknown", value),
            },
            ty if is_harmless(ty) => value.to_vec(),
            // Equal values stay equal: tokens, tickets.
            _ => book.noise.bytes("unknown", value),
        }
    }
}

/// Numbers that say something about the session and nothing about who has it.
const fn is_harmless(ty: T) -> bool {
    matches!(
        ty,
        T::CHANGE_REQUEST
            | T::UNKNOWN_ATTRIBUTES
            | T::CHANNEL_NUMBER
            | T::LIFETIME
            | T::REQUESTED_ADDRESS_FAMILY
            | T::EVEN_PORT
            | T::REQUESTED_TRANSPORT
            | T::DONT_FRAGMENT
            | T::PASSWORD_ALGORITHM
            | T::PASSWORD_ALGORITHMS
            | T::PRIORITY
            | T::USE_CANDIDATE
            | T::RESPONSE_PORT
            | T::CONNECTION_ID
            | T::ADDITIONAL_ADDRESS_FAMILY
            | T::ICMP
            | T::TRANSACTION_TRANSMIT_COUNTER
            | T::CACHE_TIMEOUT
            | T::ICE_CONTROLLED
            | T::ICE_CONTROLLING
            | T::ECN_CHECK_STUN
            | T::GOOG_NETWORK_INFO
            | T::GOOG_MISC_INFO
            | T::GOOG_CONNECTION_ID
    )
}

fn end_of(attribute: &AttributeView<'_>) -> usize {
    attribute.offset + 4 + attribute.value.len()
}

fn is_binding(view: &View<'_>) -> bool {
    view.message_type().is_some_and(|ty| ty.method == Method::BINDING)
}

fn is_relayed(view: &View<'_>) -> bool {
    let of = |method| Some(MessageType { class: Class::Indication, method });
    view.message_type() == of(Method::SEND) || view.message_type() == of(Method::DATA)
}

/// RFC 8445 §7.2.2: the receiver's ufrag, a colon, the sender's.
fn username(book: &Book, value: &[u8]) -> Vec<u8> {
    match halves(value) {
        Some([receiver, sender]) => {
            [&book.noise.ice(receiver)[..], b":", &book.noise.ice(sender)].concat()
        }
        None => book.noise.name(value),
    }
}

fn halves(value: &[u8]) -> Option<[&[u8]; 2]> {
    let colon = value.iter().position(|byte| *byte == b':')?;
    Some([&value[..colon], &value[colon + 1..]])
}

/// A code and its reason, which stays if it is the usual one.
fn refusal(book: &Book, value: &[u8]) -> Vec<u8> {
    let (code, reason) = value.split_at(value.len().min(4));
    let usual = ErrorCodeView::new(value).and_then(|view| ErrorCode::new(view.code()));
    let known = usual.is_some_and(|usual| reason.eq_ignore_ascii_case(usual.reason().as_bytes()));
    // RFC 5389 §15.6 called 401 so.
    let known = known || reason == b"Unauthorized";
    if known { value.to_vec() } else { [code, &book.noise.name(reason)].concat() }
}

fn nonce(book: &Book, value: &[u8]) -> Vec<u8> {
    let features = if value.starts_with(b"obMatJos2") { 13 } else { 0 };
    let (features, rest) = value.split_at(value.len().min(features));
    [features, &book.noise.name(rest)].concat()
}

/// An address in the form it had (RFC 8489 §14.1, §14.2).
fn address(
    book: &mut Book,
    value: &[u8],
    found: Option<SocketAddr>,
    mask: Option<TransactionId>,
) -> Vec<u8> {
    let Some(found) = found else { return book.noise.bytes("unknown", value) };
    let other = book.addresses.get(found.ip());
    let mut octets = match other {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    };
    if let Some(id) = mask {
        let mask = MAGIC_COOKIE.to_be_bytes().into_iter().chain(id.0);
        octets.iter_mut().zip(mask).for_each(|(octet, mask)| *octet ^= mask);
    }
    // Family and port stay as they are, the latter masked or not.
    [value.get(..4).unwrap_or_default(), &octets].concat()
}

fn acknowledged(book: &Book, value: &[u8]) -> Vec<u8> {
    let other = |four: &[u8]| {
        let crc = four.try_into().map(u32::from_be_bytes).ok();
        match crc.and_then(|crc| book.acknowledged.get(&crc)) {
            Some(other) => other.to_be_bytes().to_vec(),
            None => book.noise.bytes("unknown", four),
        }
    };
    value.chunks(4).flat_map(other).collect()
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The ufrags that a message and the requests it answers were made with.
fn ufrags(book: &mut Book, view: &View<'_>, id: TransactionId) -> BTreeSet<Vec<u8>> {
    let own = view.value(T::USERNAME).filter(|_| is_binding(view)).and_then(halves);
    let mut all: BTreeSet<Vec<u8>> = own.into_iter().flatten().map(<[u8]>::to_vec).collect();
    let is_request = view.message_type().is_some_and(|ty| ty.class == Class::Request);
    if is_request && !all.is_empty() {
        let asked = book.asked.entry(id).or_default();
        if asked.len() < ASKED {
            asked.extend(all.iter().cloned());
        }
    }
    all.extend(book.asked.get(&id).into_iter().flatten().cloned());
    all
}

/// Signs a message again if a password is known that signed it; else the signature is noise.
fn sign(
    book: &mut Book,
    view: &View<'_>,
    ufrags: &BTreeSet<Vec<u8>>,
    mut other: Vec<u8>,
) -> Vec<u8> {
    let keys = ufrags.iter().filter_map(|ufrag| book.passwords.get(ufrag));
    let keys: Vec<[Key; 2]> = keys.flatten().cloned().collect();
    for ty in [T::MESSAGE_INTEGRITY, T::MESSAGE_INTEGRITY_SHA256] {
        let Some(attribute) = view.attribute(ty) else { continue };
        let verify = |key: &Key| match ty {
            T::MESSAGE_INTEGRITY => view.verify_integrity(key),
            _ => view.verify_integrity_sha256(key),
        };
        let Some([_, key]) = keys.iter().find(|[key, _]| verify(key) == Check::Valid) else {
            book.told.unverified += 1;
            continue;
        };
        let now = View::new(&other);
        let mac = match ty {
            T::MESSAGE_INTEGRITY => now.expected_integrity(&attribute, key).map(|mac| mac.to_vec()),
            _ => now.expected_integrity_sha256(&attribute, key).map(|mac| mac.to_vec()),
        };
        let at = attribute.offset + 4;
        let place = other.get_mut(at..at + attribute.value.len());
        if let (Some(mac), Some(place)) = (mac, place)
            && let Some(mac) = mac.get(..place.len())
        {
            place.copy_from_slice(mac);
            book.told.signed += 1;
        }
    }
    other
}

/// Every FINGERPRINT differs from what it has to be as much as before, which is mostly not at all.
fn fingerprint(view: &View<'_>, mut other: Vec<u8>) -> Vec<u8> {
    for attribute in view.attributes().filter(|attribute| attribute.ty == T::FINGERPRINT) {
        let Some(found) = attribute.as_u32() else { continue };
        let now = View::new(&other).expected_fingerprint(&attribute);
        let value = now ^ found ^ view.expected_fingerprint(&attribute);
        let at = attribute.offset + 4;
        other[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
    other
}
