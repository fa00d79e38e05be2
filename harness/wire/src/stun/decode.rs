//! Attribute values from bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::attribute::{AddressFamily, Attribute, Icmp, PasswordAlgorithm};
use super::attribute_type::AttributeType;
use super::error_code::{ErrorCode, ErrorCodeView};
use super::header::{MAGIC_COOKIE, TransactionId};
use crate::turn::ChannelNumber;

/// Longest USERNAME in bytes (RFC 8489 §14.3: fewer than 509).
pub(super) const MAX_USERNAME: usize = 508;
/// Longest REALM, NONCE, SOFTWARE in bytes (RFC 8489 §14.9, §14.10, §14.14).
pub(super) const MAX_TEXT: usize = 763;
/// Longest ALTERNATE-DOMAIN in bytes (RFC 8489 §14.16).
pub(super) const MAX_DOMAIN: usize = 255;

/// How a value is not what its attribute's definition allows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AttributeError {
    /// Too few or too many bytes.
    #[error("decode a value of {found} bytes, {min} to {max} allowed")]
    Length {
        /// Bytes there are.
        found: usize,
        /// Fewest allowed.
        min: usize,
        /// Most allowed.
        max: usize,
    },
    /// Too many characters, whatever bytes they take.
    #[error("decode a text of {found} characters, fewer than {limit} allowed")]
    Characters {
        /// Characters there are.
        found: usize,
        /// The first number that is too many.
        limit: usize,
    },
    /// An address family other than 1 and 2.
    #[error("decode an address of family {0}")]
    Family(u8),
    /// An address whose family asks for another length.
    #[error("decode an address of family {family} with {found} bytes")]
    AddressLength {
        /// The family's number.
        family: u8,
        /// Bytes of the whole value.
        found: usize,
    },
    /// Text that is not UTF-8.
    #[error("decode text that is not UTF-8")]
    NotUtf8,
    /// A code outside 300..=699 or with a number over 99.
    #[error("decode error code class {class}, number {number}")]
    ErrorCode {
        /// The hundreds.
        class: u8,
        /// The rest.
        number: u8,
    },
    /// A channel number outside 0x4000..=0x4fff.
    #[error("decode channel number 0x{0:04x}")]
    ChannelNumber(u16),
}

type Decoded<T> = Result<T, AttributeError>;

/// Decodes the value of a known type; other types come back unknown.
pub(super) fn attribute(ty: AttributeType, value: &[u8], id: TransactionId) -> Decoded<Attribute> {
    use AttributeType as T;
    Ok(match ty {
        T::MAPPED_ADDRESS => Attribute::MappedAddress(address(value)?),
        T::XOR_MAPPED_ADDRESS => Attribute::XorMappedAddress(xor_address(value, id)?),
        T::USERNAME => Attribute::Username(text(value, MAX_USERNAME)?),
        T::USERHASH => Attribute::UserHash(exactly(value)?),
        T::ERROR_CODE => Attribute::ErrorCode(error_code(value)?),
        T::REALM => Attribute::Realm(short_text(value)?),
        T::NONCE => Attribute::Nonce(nonce(value)?),
        T::PASSWORD_ALGORITHMS => Attribute::PasswordAlgorithms(password_algorithms(value)?),
        T::PASSWORD_ALGORITHM => Attribute::PasswordAlgorithm(password_algorithm(value)?),
        T::UNKNOWN_ATTRIBUTES => Attribute::UnknownAttributes(type_list(value)?),
        T::SOFTWARE => Attribute::Software(short_text(value)?),
        T::ALTERNATE_SERVER => Attribute::AlternateServer(address(value)?),
        T::ALTERNATE_DOMAIN => Attribute::AlternateDomain(text(value, MAX_DOMAIN)?),
        T::PRIORITY => Attribute::Priority(u32::from_be_bytes(exactly(value)?)),
        T::USE_CANDIDATE => empty(value, Attribute::UseCandidate)?,
        T::ICE_CONTROLLED => Attribute::IceControlled(u64::from_be_bytes(exactly(value)?)),
        T::ICE_CONTROLLING => Attribute::IceControlling(u64::from_be_bytes(exactly(value)?)),
        T::CHANGE_REQUEST => {
            let [.., flags] = exactly::<4>(value)?;
            Attribute::ChangeRequest { ip: flags & 4 != 0, port: flags & 2 != 0 }
        }
        T::RESPONSE_ORIGIN => Attribute::ResponseOrigin(address(value)?),
        T::OTHER_ADDRESS => Attribute::OtherAddress(address(value)?),
        T::RESPONSE_PORT => Attribute::ResponsePort(response_port(value)?),
        T::PADDING => Attribute::Padding(value.to_vec()),
        T::GOOG_NETWORK_INFO => {
            let [i0, i1, c0, c1] = exactly(value)?;
            let (id, cost) = (u16::from_be_bytes([i0, i1]), u16::from_be_bytes([c0, c1]));
            Attribute::NetworkInfo { id, cost }
        }
        _ => return turn_attribute(ty, value, id),
    })
}

/// The attributes of RFC 8656.
fn turn_attribute(ty: AttributeType, value: &[u8], id: TransactionId) -> Decoded<Attribute> {
    use AttributeType as T;
    Ok(match ty {
        T::CHANNEL_NUMBER => Attribute::ChannelNumber(channel_number(value)?),
        T::LIFETIME => Attribute::Lifetime(u32::from_be_bytes(exactly(value)?)),
        T::XOR_PEER_ADDRESS => Attribute::XorPeerAddress(xor_address(value, id)?),
        T::DATA => Attribute::Data(value.to_vec()),
        T::XOR_RELAYED_ADDRESS => Attribute::XorRelayedAddress(xor_address(value, id)?),
        T::REQUESTED_ADDRESS_FAMILY => Attribute::RequestedAddressFamily(family(value)?),
        T::EVEN_PORT => {
            let [flags] = exactly::<1>(value)?;
            Attribute::EvenPort { reserve_next: flags & 0x80 != 0 }
        }
        T::REQUESTED_TRANSPORT => {
            let [protocol, ..] = exactly::<4>(value)?;
            Attribute::RequestedTransport(protocol)
        }
        T::DONT_FRAGMENT => empty(value, Attribute::DontFragment)?,
        T::RESERVATION_TOKEN => Attribute::ReservationToken(exactly(value)?),
        T::ADDITIONAL_ADDRESS_FAMILY => Attribute::AdditionalAddressFamily(family(value)?),
        T::ADDRESS_ERROR_CODE => {
            let error = error_code(value)?;
            Attribute::AddressErrorCode { family: family_number(value.first().copied())?, error }
        }
        T::ICMP => {
            let [_, _, high, low, data @ ..] = exactly::<8>(value)?;
            let bits = u16::from_be_bytes([high, low]);
            Attribute::Icmp(Icmp { ty: high >> 1, code: bits & 0x1ff, data })
        }
        _ => Attribute::Unknown { ty, bytes: value.to_vec() },
    })
}

/// RFC 8489 §14.1.
pub(super) fn address(value: &[u8]) -> Decoded<SocketAddr> {
    let (family, port, ip) = address_parts(value)?;
    let ip = match (family, ip) {
        (AddressFamily::V4, &[a, b, c, d]) => Ipv4Addr::new(a, b, c, d).into(),
        (AddressFamily::V6, ip) if ip.len() == 16 => IpAddr::V6(Ipv6Addr::from(exactly::<16>(ip)?)),
        _ => return Err(address_length(family, value)),
    };
    Ok(SocketAddr::new(ip, port))
}

/// RFC 8489 §14.2.
pub(super) fn xor_address(value: &[u8], id: TransactionId) -> Decoded<SocketAddr> {
    let (family, port, ip) = address_parts(value)?;
    let ip = match (family, ip) {
        (AddressFamily::V4, &[a, b, c, d]) => {
            Ipv4Addr::from_bits(u32::from_be_bytes([a, b, c, d]) ^ MAGIC_COOKIE).into()
        }
        (AddressFamily::V6, ip) if ip.len() == 16 => {
            IpAddr::V6(Ipv6Addr::from_bits(u128::from_be_bytes(exactly(ip)?) ^ xor_mask(id)))
        }
        _ => return Err(address_length(family, value)),
    };
    Ok(SocketAddr::new(ip, port ^ (MAGIC_COOKIE >> 16) as u16))
}

/// Cookie and transaction id, the mask of an IPv6 address.
pub(super) fn xor_mask(id: TransactionId) -> u128 {
    let mut mask = [0; 16];
    mask[..4].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
    mask[4..].copy_from_slice(&id.0);
    u128::from_be_bytes(mask)
}

fn address_parts(value: &[u8]) -> Decoded<(AddressFamily, u16, &[u8])> {
    let length = || AttributeError::Length { found: value.len(), min: 8, max: 20 };
    let (&[_, family, p0, p1], ip) = value.split_first_chunk::<4>().ok_or_else(length)?;
    Ok((family_number(Some(family))?, u16::from_be_bytes([p0, p1]), ip))
}

fn address_length(family: AddressFamily, value: &[u8]) -> AttributeError {
    AttributeError::AddressLength { family: family.number(), found: value.len() }
}

fn family(value: &[u8]) -> Decoded<AddressFamily> {
    let [number, ..] = exactly::<4>(value)?;
    family_number(Some(number))
}

fn family_number(number: Option<u8>) -> Decoded<AddressFamily> {
    let number = number.unwrap_or_default();
    AddressFamily::from_number(number).ok_or(AttributeError::Family(number))
}

fn error_code(value: &[u8]) -> Decoded<ErrorCode> {
    at_most(value, 4 + ErrorCode::MAX_REASON)?;
    let length = AttributeError::Length { found: value.len(), min: 4, max: 767 };
    let view = ErrorCodeView::new(value).ok_or(length)?;
    let reason = std::str::from_utf8(view.reason).map_err(|_| AttributeError::NotUtf8)?;
    check_characters(reason)?;
    let out_of_range = AttributeError::ErrorCode { class: view.class, number: view.number };
    if view.number > 99 {
        return Err(out_of_range);
    }
    ErrorCode::with_reason(view.code(), reason).ok_or(out_of_range)
}

fn channel_number(value: &[u8]) -> Decoded<ChannelNumber> {
    let [high, low, ..] = exactly::<4>(value)?;
    let number = u16::from_be_bytes([high, low]);
    ChannelNumber::new(number).ok_or(AttributeError::ChannelNumber(number))
}

/// RFC 5780 §7.5 speaks of two bytes and two of padding; senders differ in whether the length
/// counts the padding.
fn response_port(value: &[u8]) -> Decoded<u16> {
    match *value {
        [high, low] | [high, low, _, _] => Ok(u16::from_be_bytes([high, low])),
        _ => Err(AttributeError::Length { found: value.len(), min: 2, max: 4 }),
    }
}

fn type_list(value: &[u8]) -> Decoded<Vec<AttributeType>> {
    let (pairs, odd) = value.as_chunks::<2>();
    if odd.is_empty() {
        Ok(pairs.iter().map(|pair| AttributeType(u16::from_be_bytes(*pair))).collect())
    } else {
        let even = value.len() - 1;
        Err(AttributeError::Length { found: value.len(), min: even, max: even })
    }
}

fn password_algorithm(value: &[u8]) -> Decoded<PasswordAlgorithm> {
    match password_algorithms(value)?.as_mut_slice() {
        [only] => Ok(std::mem::replace(only, PasswordAlgorithm::MD5)),
        _ => Err(AttributeError::Length { found: value.len(), min: 4, max: 4 }),
    }
}

fn password_algorithms(value: &[u8]) -> Decoded<Vec<PasswordAlgorithm>> {
    let mut list = Vec::new();
    let mut rest = value;
    while !rest.is_empty() {
        let short = |min| AttributeError::Length { found: value.len(), min, max: usize::MAX };
        let at = value.len() - rest.len();
        let (&[n0, n1, l0, l1], tail) =
            rest.split_first_chunk::<4>().ok_or_else(|| short(at + 4))?;
        let len = usize::from(u16::from_be_bytes([l0, l1]));
        let parameters = tail.get(..len).ok_or_else(|| short(at + 4 + len))?.to_vec();
        list.push(PasswordAlgorithm { number: u16::from_be_bytes([n0, n1]), parameters });
        // The last algorithm's padding may be the attribute's own.
        rest = tail.get(len.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(list)
}

fn exactly<const N: usize>(value: &[u8]) -> Decoded<[u8; N]> {
    value.try_into().map_err(|_| AttributeError::Length { found: value.len(), min: N, max: N })
}

fn at_most(value: &[u8], max: usize) -> Decoded<&[u8]> {
    if value.len() <= max {
        Ok(value)
    } else {
        Err(AttributeError::Length { found: value.len(), min: 0, max })
    }
}

fn text(value: &[u8], max: usize) -> Decoded<String> {
    let text = std::str::from_utf8(at_most(value, max)?).map_err(|_| AttributeError::NotUtf8)?;
    Ok(text.to_owned())
}

/// RFC 8489 §14.8, §14.9, §14.10, §14.14: fewer than 128 characters, whatever bytes they take.
pub(super) const CHARACTERS: usize = 128;

/// How many characters a text has, if those are too many.
pub(super) fn too_many_characters(text: &str) -> Option<usize> {
    Some(text.chars().count()).filter(|found| *found >= CHARACTERS)
}

fn check_characters(text: &str) -> Decoded<()> {
    let error = |found| Err(AttributeError::Characters { found, limit: CHARACTERS });
    too_many_characters(text).map_or(Ok(()), error)
}

fn short_text(value: &[u8]) -> Decoded<String> {
    let text = text(value, MAX_TEXT)?;
    check_characters(&text)?;
    Ok(text)
}

/// Whoever did not make a nonce only gives it back, so it may be any bytes here.
fn nonce(value: &[u8]) -> Decoded<Vec<u8>> {
    let value = at_most(value, MAX_TEXT)?;
    std::str::from_utf8(value).map_or(Ok(()), check_characters)?;
    Ok(value.to_vec())
}

fn empty(value: &[u8], attribute: Attribute) -> Decoded<Attribute> {
    exactly::<0>(value).map(|_| attribute)
}
