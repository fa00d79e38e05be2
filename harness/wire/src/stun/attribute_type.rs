//! Attribute numbers and their registered names (RFC 8489 §18.3 and the IANA registry).

use std::fmt;

/// The sixteen-bit number of an attribute.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeType(pub u16);

/// Declares the constants and [`AttributeType::name`] from one table.
macro_rules! attribute_types {
    ($($(#[$doc:meta])* $constant:ident = $number:literal, $name:literal;)*) => {
        impl AttributeType {
            $($(#[$doc])* pub const $constant: Self = Self($number);)*

            /// The registered name, `None` for a number this crate does not know.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

attribute_types! {
    /// RFC 8489 §14.1.
    MAPPED_ADDRESS = 0x0001, "MAPPED-ADDRESS";
    /// RFC 3489 only.
    RESPONSE_ADDRESS = 0x0002, "RESPONSE-ADDRESS";
    /// RFC 5780 §7.2.
    CHANGE_REQUEST = 0x0003, "CHANGE-REQUEST";
    /// RFC 3489 only.
    SOURCE_ADDRESS = 0x0004, "SOURCE-ADDRESS";
    /// RFC 3489 only.
    CHANGED_ADDRESS = 0x0005, "CHANGED-ADDRESS";
    /// RFC 8489 §14.3.
    USERNAME = 0x0006, "USERNAME";
    /// RFC 3489 only.
    PASSWORD = 0x0007, "PASSWORD";
    /// RFC 8489 §14.5.
    MESSAGE_INTEGRITY = 0x0008, "MESSAGE-INTEGRITY";
    /// RFC 8489 §14.8.
    ERROR_CODE = 0x0009, "ERROR-CODE";
    /// RFC 8489 §14.13.
    UNKNOWN_ATTRIBUTES = 0x000a, "UNKNOWN-ATTRIBUTES";
    /// RFC 3489 only.
    REFLECTED_FROM = 0x000b, "REFLECTED-FROM";
    /// RFC 8656 §18.1.
    CHANNEL_NUMBER = 0x000c, "CHANNEL-NUMBER";
    /// RFC 8656 §18.2.
    LIFETIME = 0x000d, "LIFETIME";
    /// RFC 8656 §18.3.
    XOR_PEER_ADDRESS = 0x0012, "XOR-PEER-ADDRESS";
    /// RFC 8656 §18.4.
    DATA = 0x0013, "DATA";
    /// RFC 8489 §14.9.
    REALM = 0x0014, "REALM";
    /// RFC 8489 §14.10.
    NONCE = 0x0015, "NONCE";
    /// RFC 8656 §18.5.
    XOR_RELAYED_ADDRESS = 0x0016, "XOR-RELAYED-ADDRESS";
    /// RFC 8656 §18.6.
    REQUESTED_ADDRESS_FAMILY = 0x0017, "REQUESTED-ADDRESS-FAMILY";
    /// RFC 8656 §18.7.
    EVEN_PORT = 0x0018, "EVEN-PORT";
    /// RFC 8656 §18.8.
    REQUESTED_TRANSPORT = 0x0019, "REQUESTED-TRANSPORT";
    /// RFC 8656 §18.9.
    DONT_FRAGMENT = 0x001a, "DONT-FRAGMENT";
    /// RFC 7635 §6.2.
    ACCESS_TOKEN = 0x001b, "ACCESS-TOKEN";
    /// RFC 8489 §14.6.
    MESSAGE_INTEGRITY_SHA256 = 0x001c, "MESSAGE-INTEGRITY-SHA256";
    /// RFC 8489 §14.12.
    PASSWORD_ALGORITHM = 0x001d, "PASSWORD-ALGORITHM";
    /// RFC 8489 §14.4.
    USERHASH = 0x001e, "USERHASH";
    /// RFC 8489 §14.2.
    XOR_MAPPED_ADDRESS = 0x0020, "XOR-MAPPED-ADDRESS";
    /// RFC 8656 §18.10.
    RESERVATION_TOKEN = 0x0022, "RESERVATION-TOKEN";
    /// RFC 8445 §16.1.
    PRIORITY = 0x0024, "PRIORITY";
    /// RFC 8445 §16.1.
    USE_CANDIDATE = 0x0025, "USE-CANDIDATE";
    /// RFC 5780 §7.6.
    PADDING = 0x0026, "PADDING";
    /// RFC 5780 §7.5.
    RESPONSE_PORT = 0x0027, "RESPONSE-PORT";
    /// RFC 6062 §6.2.1.
    CONNECTION_ID = 0x002a, "CONNECTION-ID";
    /// RFC 8656 §18.11.
    ADDITIONAL_ADDRESS_FAMILY = 0x8000, "ADDITIONAL-ADDRESS-FAMILY";
    /// RFC 8656 §18.12.
    ADDRESS_ERROR_CODE = 0x8001, "ADDRESS-ERROR-CODE";
    /// RFC 8489 §14.11.
    PASSWORD_ALGORITHMS = 0x8002, "PASSWORD-ALGORITHMS";
    /// RFC 8489 §14.16.
    ALTERNATE_DOMAIN = 0x8003, "ALTERNATE-DOMAIN";
    /// RFC 8656 §18.13.
    ICMP = 0x8004, "ICMP";
    /// RFC 8489 §14.14.
    SOFTWARE = 0x8022, "SOFTWARE";
    /// RFC 8489 §14.15.
    ALTERNATE_SERVER = 0x8023, "ALTERNATE-SERVER";
    /// RFC 7982 §3.1.
    TRANSACTION_TRANSMIT_COUNTER = 0x8025, "TRANSACTION_TRANSMIT_COUNTER";
    /// Registered by RFC 5780 §9.1, which says no more of it.
    CACHE_TIMEOUT = 0x8027, "CACHE-TIMEOUT";
    /// RFC 8489 §14.7.
    FINGERPRINT = 0x8028, "FINGERPRINT";
    /// RFC 8445 §16.1.
    ICE_CONTROLLED = 0x8029, "ICE-CONTROLLED";
    /// RFC 8445 §16.1.
    ICE_CONTROLLING = 0x802a, "ICE-CONTROLLING";
    /// RFC 5780 §7.3.
    RESPONSE_ORIGIN = 0x802b, "RESPONSE-ORIGIN";
    /// RFC 5780 §7.4.
    OTHER_ADDRESS = 0x802c, "OTHER-ADDRESS";
    /// RFC 6679 §7.2.2.
    ECN_CHECK_STUN = 0x802d, "ECN-CHECK STUN";
    /// RFC 7635 §6.1.
    THIRD_PARTY_AUTHORIZATION = 0x802e, "THIRD-PARTY-AUTHORIZATION";
    /// RFC 8016 §4.
    MOBILITY_TICKET = 0x8030, "MOBILITY-TICKET";
    /// IANA registry, Google.
    GOOG_NETWORK_INFO = 0xc057, "GOOG-NETWORK-INFO";
    /// IANA registry, Google.
    GOOG_LAST_ICE_CHECK_RECEIVED = 0xc058, "GOOG-LAST-ICE-CHECK-RECEIVED";
    /// IANA registry, Google.
    GOOG_MISC_INFO = 0xc059, "GOOG-MISC-INFO";
    /// IANA registry, Google.
    GOOG_OBSOLETE_1 = 0xc05a, "GOOG-OBSOLETE-1";
    /// IANA registry, Google.
    GOOG_CONNECTION_ID = 0xc05b, "GOOG-CONNECTION-ID";
    /// IANA registry, Google.
    GOOG_DELTA = 0xc05c, "GOOG-DELTA";
    /// IANA registry, Google.
    GOOG_DELTA_ACK = 0xc05d, "GOOG-DELTA-ACK";
    /// IANA registry, Google.
    GOOG_DELTA_SYNC_REQ = 0xc05e, "GOOG-DELTA-SYNC-REQ";
    /// IANA registry, Google.
    GOOG_MESSAGE_INTEGRITY_32 = 0xc060, "GOOG-MESSAGE-INTEGRITY-32";
    /// IANA registry, Meta: a DTLS packet in a Binding message (draft-hancke-webrtc-sped).
    META_DTLS_IN_STUN = 0xc070, "META-DTLS-IN-STUN";
    /// IANA registry, Meta: CRC-32 of each such packet that arrived.
    META_DTLS_IN_STUN_ACKNOWLEDGEMENT = 0xc071, "META-DTLS-IN-STUN-ACKNOWLEDGEMENT";
}

impl AttributeType {
    /// RFC 8489 §14: a receiver must refuse a request with such an attribute it does not know.
    #[must_use]
    pub const fn is_comprehension_required(self) -> bool {
        self.0 < 0x8000
    }
}

impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "attribute 0x{:04x}", self.0),
        }
    }
}

impl fmt::Debug for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
