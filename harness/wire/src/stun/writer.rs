//! Bytes from attributes: a message is written in place, then sealed.

use std::net::{IpAddr, SocketAddr};

use super::attribute::{Attribute, Icmp, PasswordAlgorithm};
use super::attribute_type::AttributeType;
use super::decode::{
    CHARACTERS, MAX_DOMAIN, MAX_TEXT, MAX_USERNAME, too_many_characters, xor_mask,
};
use super::error_code::ErrorCode;
use super::header::{HEADER_LEN, MAGIC_COOKIE, MessageType, TransactionId};
use super::key::Key;
use super::protection::fingerprint_of;
use super::view::padded;

/// Which protection a message ends with.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seal<'k> {
    integrity: Option<&'k Key>,
    integrity_sha256: Option<(&'k Key, usize)>,
    fingerprint: bool,
}

impl<'k> Seal<'k> {
    /// None at all.
    #[must_use]
    pub const fn none() -> Self {
        Self { integrity: None, integrity_sha256: None, fingerprint: false }
    }

    /// Adds MESSAGE-INTEGRITY.
    #[must_use]
    pub const fn integrity(self, key: &'k Key) -> Self {
        Self { integrity: Some(key), ..self }
    }

    /// Adds MESSAGE-INTEGRITY-SHA256 with all its 32 bytes.
    #[must_use]
    pub const fn integrity_sha256(self, key: &'k Key) -> Self {
        Self { integrity_sha256: Some((key, 32)), ..self }
    }

    /// Adds MESSAGE-INTEGRITY-SHA256 cut to `len` bytes, rounded down to what RFC 8489 §14.6
    /// allows: 16 to 32, a multiple of four.
    #[must_use]
    pub fn integrity_sha256_truncated(self, key: &'k Key, len: usize) -> Self {
        Self { integrity_sha256: Some((key, (len & !3).clamp(16, 32))), ..self }
    }

    /// Adds FINGERPRINT.
    #[must_use]
    pub const fn fingerprint(self) -> Self {
        Self { fingerprint: true, ..self }
    }
}

/// Why a message has no bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A value longer than its attribute's definition allows.
    #[error("encode {ty} of {len} bytes, {max} allowed")]
    ValueTooLong {
        /// The attribute.
        ty: AttributeType,
        /// Bytes it would have.
        len: usize,
        /// Most allowed.
        max: usize,
    },
    /// A text with more characters than its attribute's definition allows.
    #[error("encode {ty} of {found} characters, fewer than {limit} allowed")]
    Characters {
        /// The attribute.
        ty: AttributeType,
        /// Characters it has.
        found: usize,
        /// The first number that is too many.
        limit: usize,
    },
    /// A number that has more bits than its field.
    #[error("encode {ty} with {value} in a field for at most {max}")]
    OutOfRange {
        /// The attribute.
        ty: AttributeType,
        /// The number.
        value: u16,
        /// Most allowed.
        max: u16,
    },
    /// A message whose length does not fit its sixteen-bit field.
    #[error("encode a STUN message of {len} bytes")]
    MessageTooLong {
        /// Bytes it would have.
        len: usize,
    },
}

/// Writes a message into a buffer, attribute by attribute, without allocating if the buffer has
/// room.
///
/// ```
/// use rtcspec_wire::stun::{AttributeType, Key, MessageType, Class, Method, Seal, TransactionId, Writer};
///
/// let key = Key::short_term("VOkJxbRl1RmTxUk/WvJxBt");
/// let ty = MessageType { class: Class::Request, method: Method::BINDING };
/// let mut buffer = Vec::with_capacity(128);
/// let mut writer = Writer::new(&mut buffer, ty, TransactionId([7; 12]));
/// writer.bytes(AttributeType::USERNAME, b"evtj:h6vY").u32(AttributeType::PRIORITY, 1);
/// writer.finish(&Seal::none().integrity(&key).fingerprint())?;
/// assert_eq!(buffer.len(), 20 + 16 + 8 + 24 + 8);
/// # Ok::<(), rtcspec_wire::stun::EncodeError>(())
/// ```
#[derive(Debug)]
pub struct Writer<'b> {
    out: &'b mut Vec<u8>,
    id: TransactionId,
    error: Option<EncodeError>,
}

impl<'b> Writer<'b> {
    /// Clears the buffer and writes a header into it.
    #[inline]
    pub fn new(out: &'b mut Vec<u8>, ty: MessageType, id: TransactionId) -> Self {
        let mut header = [0; HEADER_LEN];
        header[..2].copy_from_slice(&ty.bits().to_be_bytes());
        header[4..8].copy_from_slice(&MAGIC_COOKIE.to_be_bytes());
        header[8..].copy_from_slice(&id.0);
        out.clear();
        out.extend_from_slice(&header);
        Self { out, id, error: None }
    }

    /// Adds an attribute with these bytes as its value, whatever its type.
    #[inline]
    pub fn bytes(&mut self, ty: AttributeType, value: &[u8]) -> &mut Self {
        self.limited(ty, value, usize::from(u16::MAX))
    }

    /// Adds an attribute whose value is a number of four bytes.
    #[inline]
    pub fn u32(&mut self, ty: AttributeType, value: u32) -> &mut Self {
        let ty = ty.0.to_be_bytes();
        let value = value.to_be_bytes();
        let all = [ty[0], ty[1], 0, 4, value[0], value[1], value[2], value[3]];
        self.out.extend_from_slice(&all);
        self
    }

    /// Adds an attribute whose value is a number of eight bytes.
    #[inline]
    pub fn u64(&mut self, ty: AttributeType, value: u64) -> &mut Self {
        let mut all = [0; 12];
        all[..2].copy_from_slice(&ty.0.to_be_bytes());
        all[3] = 8;
        all[4..].copy_from_slice(&value.to_be_bytes());
        self.out.extend_from_slice(&all);
        self
    }

    /// Adds an attribute in the form of MAPPED-ADDRESS (RFC 8489 §14.1).
    pub fn address(&mut self, ty: AttributeType, address: SocketAddr) -> &mut Self {
        match address.ip() {
            IpAddr::V4(ip) => self.address_bytes(ty, 1, address.port(), &ip.octets()),
            IpAddr::V6(ip) => self.address_bytes(ty, 2, address.port(), &ip.octets()),
        }
    }

    /// Adds an attribute in the form of XOR-MAPPED-ADDRESS (RFC 8489 §14.2).
    pub fn xor_address(&mut self, ty: AttributeType, address: SocketAddr) -> &mut Self {
        let port = address.port() ^ (MAGIC_COOKIE >> 16) as u16;
        match address.ip() {
            IpAddr::V4(ip) => {
                let ip = ip.to_bits() ^ MAGIC_COOKIE;
                self.address_bytes(ty, 1, port, &ip.to_be_bytes())
            }
            IpAddr::V6(ip) => {
                let ip = ip.to_bits() ^ xor_mask(self.id);
                self.address_bytes(ty, 2, port, &ip.to_be_bytes())
            }
        }
    }

    /// Adds ERROR-CODE.
    pub fn error_code(&mut self, error: &ErrorCode) -> &mut Self {
        self.error_value(AttributeType::ERROR_CODE, 0, error)
    }

    /// Adds a typed attribute.
    pub fn attribute(&mut self, attribute: &Attribute) -> &mut Self {
        let ty = attribute.ty();
        match attribute {
            Attribute::MappedAddress(address)
            | Attribute::AlternateServer(address)
            | Attribute::ResponseOrigin(address)
            | Attribute::OtherAddress(address) => self.address(ty, *address),
            Attribute::XorMappedAddress(address)
            | Attribute::XorPeerAddress(address)
            | Attribute::XorRelayedAddress(address) => self.xor_address(ty, *address),
            Attribute::Username(text) => self.limited(ty, text.as_bytes(), MAX_USERNAME),
            Attribute::Realm(text) | Attribute::Software(text) => {
                self.short_text(ty, text.as_bytes())
            }
            Attribute::AlternateDomain(text) => self.limited(ty, text.as_bytes(), MAX_DOMAIN),
            Attribute::Nonce(nonce) => self.short_text(ty, nonce),
            Attribute::UserHash(hash) => self.bytes(ty, hash),
            Attribute::ErrorCode(error) => self.error_code(error),
            Attribute::PasswordAlgorithms(list) => self.password_algorithms(ty, list),
            Attribute::PasswordAlgorithm(one) => {
                self.password_algorithms(ty, std::slice::from_ref(one))
            }
            Attribute::UnknownAttributes(types) => {
                let value: Vec<u8> = types.iter().flat_map(|ty| ty.0.to_be_bytes()).collect();
                self.bytes(ty, &value)
            }
            Attribute::Priority(number) | Attribute::Lifetime(number) => self.u32(ty, *number),
            Attribute::IceControlled(tie) | Attribute::IceControlling(tie) => self.u64(ty, *tie),
            Attribute::UseCandidate | Attribute::DontFragment => self.bytes(ty, &[]),
            Attribute::ChannelNumber(channel) => self.u32(ty, u32::from(channel.number()) << 16),
            Attribute::Data(bytes)
            | Attribute::Padding(bytes)
            | Attribute::Unknown { bytes, .. } => self.bytes(ty, bytes),
            Attribute::RequestedAddressFamily(family)
            | Attribute::AdditionalAddressFamily(family) => {
                self.u32(ty, u32::from(family.number()) << 24)
            }
            Attribute::EvenPort { reserve_next } => self.bytes(ty, &[u8::from(*reserve_next) << 7]),
            Attribute::RequestedTransport(protocol) => self.u32(ty, u32::from(*protocol) << 24),
            Attribute::ReservationToken(token) => self.bytes(ty, token),
            Attribute::AddressErrorCode { family, error } => {
                self.error_value(ty, family.number(), error)
            }
            Attribute::Icmp(icmp) => self.icmp(ty, *icmp),
            Attribute::ChangeRequest { ip, port } => {
                self.u32(ty, u32::from(*ip) << 2 | u32::from(*port) << 1)
            }
            Attribute::ResponsePort(port) => self.bytes(ty, &port.to_be_bytes()),
            Attribute::NetworkInfo { id, cost } => {
                self.u32(ty, u32::from(*id) << 16 | u32::from(*cost))
            }
        }
    }

    /// Adds the protection and completes the length field.
    ///
    /// # Errors
    /// An attribute is not what its definition allows, or the whole message is too long; the buffer
    /// is empty then.
    #[inline]
    pub fn finish(mut self, seal: &Seal<'_>) -> Result<(), EncodeError> {
        if let Some(key) = seal.integrity {
            self.sign(AttributeType::MESSAGE_INTEGRITY, 20, |header, rest, mac| {
                mac.copy_from_slice(&key.hmac_sha1(header, rest));
            });
        }
        if let Some((key, len)) = seal.integrity_sha256 {
            self.sign(AttributeType::MESSAGE_INTEGRITY_SHA256, len, |header, rest, mac| {
                mac.copy_from_slice(&key.hmac_sha256(header, rest)[..len]);
            });
        }
        if seal.fingerprint {
            self.set_length(8);
            let crc = fingerprint_of(self.out);
            self.u32(AttributeType::FINGERPRINT, crc);
        } else {
            self.set_length(0);
        }
        match self.error {
            None => Ok(()),
            Some(error) => {
                self.out.clear();
                Err(error)
            }
        }
    }

    /// Adds an integrity attribute over what is there, as if the message ended with it
    /// (RFC 8489 §14.5).
    #[inline]
    fn sign(
        &mut self,
        ty: AttributeType,
        len: usize,
        mac: impl FnOnce(&[u8; HEADER_LEN], &[u8], &mut [u8]),
    ) {
        self.set_length(4 + len);
        let mut attribute = [0; 36];
        attribute[..2].copy_from_slice(&ty.0.to_be_bytes());
        attribute[3] = len as u8;
        let (header, rest) =
            self.out.split_first_chunk().expect("invariant: new() wrote the header");
        mac(header, rest, &mut attribute[4..4 + len]);
        self.out.extend_from_slice(&attribute[..4 + len]);
    }

    /// Sets the length field for what is there and `more` bytes.
    #[inline]
    fn set_length(&mut self, more: usize) {
        let len = self.out.len() - HEADER_LEN + more;
        match u16::try_from(len) {
            Ok(len) => self.out[2..4].copy_from_slice(&len.to_be_bytes()),
            Err(_) => {
                self.error.get_or_insert(EncodeError::MessageTooLong { len: len + HEADER_LEN });
            }
        }
    }

    #[inline]
    fn limited(&mut self, ty: AttributeType, value: &[u8], max: usize) -> &mut Self {
        let len = match u16::try_from(value.len()) {
            Ok(len) if value.len() <= max => len,
            _ => {
                self.fail(ty, value.len(), max);
                return self;
            }
        };
        let (ty, declared) = (ty.0.to_be_bytes(), len.to_be_bytes());
        self.out.reserve(4 + padded(len));
        self.out.extend_from_slice(&[ty[0], ty[1], declared[0], declared[1]]);
        self.out.extend_from_slice(value);
        self.pad();
        self
    }

    /// A text of few characters. Bytes that are no text, as a nonce of others may be, count alone.
    fn short_text(&mut self, ty: AttributeType, value: &[u8]) -> &mut Self {
        let text = std::str::from_utf8(value).unwrap_or_default();
        match too_many_characters(text) {
            None => self.limited(ty, value, MAX_TEXT),
            Some(found) => {
                let error = EncodeError::Characters { ty, found, limit: CHARACTERS };
                self.error.get_or_insert(error);
                self
            }
        }
    }

    /// RFC 8656 §18.13: seven bits of the type, nine of the code.
    fn icmp(&mut self, ty: AttributeType, icmp: Icmp) -> &mut Self {
        for (value, max) in [(u16::from(icmp.ty), 0x7f), (icmp.code, 0x1ff)] {
            if value > max {
                self.error.get_or_insert(EncodeError::OutOfRange { ty, value, max });
                return self;
            }
        }
        let [high, low] = (u16::from(icmp.ty) << 9 | icmp.code).to_be_bytes();
        let [a, b, c, d] = icmp.data;
        self.bytes(ty, &[0, 0, high, low, a, b, c, d])
    }

    /// Zeros up to the next multiple of four.
    #[inline]
    fn pad(&mut self) {
        let missing = self.out.len().wrapping_neg() & 3;
        self.out.extend_from_slice(&[0; 3][..missing]);
    }

    #[cold]
    fn fail(&mut self, ty: AttributeType, len: usize, max: usize) {
        self.error.get_or_insert(EncodeError::ValueTooLong { ty, len, max });
    }

    fn address_bytes(&mut self, ty: AttributeType, family: u8, port: u16, ip: &[u8]) -> &mut Self {
        let mut value = [0; 20];
        value[1] = family;
        value[2..4].copy_from_slice(&port.to_be_bytes());
        let len = 4 + ip.len();
        value[4..len].copy_from_slice(ip);
        self.bytes(ty, &value[..len])
    }

    fn error_value(&mut self, ty: AttributeType, family: u8, error: &ErrorCode) -> &mut Self {
        // 4 + MAX_REASON fits u16, so the cast in the header is exact.
        let (class, number) = ((error.code() / 100) as u8, (error.code() % 100) as u8);
        let reason = error.reason().as_bytes();
        let len = (4 + reason.len()) as u16;
        let (ty, len) = (ty.0.to_be_bytes(), len.to_be_bytes());
        self.out.extend_from_slice(&[ty[0], ty[1], len[0], len[1], family, 0, class, number]);
        self.out.extend_from_slice(reason);
        self.pad();
        self
    }

    fn password_algorithms(&mut self, ty: AttributeType, list: &[PasswordAlgorithm]) -> &mut Self {
        let mut value = Vec::new();
        for algorithm in list {
            let Ok(len) = u16::try_from(algorithm.parameters.len()) else {
                self.fail(ty, algorithm.parameters.len(), usize::from(u16::MAX));
                return self;
            };
            value.extend_from_slice(&algorithm.number.to_be_bytes());
            value.extend_from_slice(&len.to_be_bytes());
            value.extend_from_slice(&algorithm.parameters);
            value.resize(value.len().next_multiple_of(4), 0);
        }
        self.bytes(ty, &value)
    }
}
