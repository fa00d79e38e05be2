//! Registered numbers and their names.

/// Declares a registered number: known values, names as registered, `Display` by name or number.
macro_rules! registry {
    ($(#[$doc:meta])* $type:ident($int:ty), $unknown:literal, {
        $($constant:ident = $number:literal, $name:literal;)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(pub $int);

        impl $type {
            $(#[doc = concat!("`", $name, "`")] pub const $constant: Self = Self($number);)*

            /// The registered name of a known value.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, $unknown, self.0),
                }
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    };
}
pub(super) use registry;

registry! {
    /// What a record carries (RFC 6347 §4.1, RFC 9147 §4).
    ContentType(u8), "content type {}", {
        CHANGE_CIPHER_SPEC = 20, "change_cipher_spec";
        ALERT = 21, "alert";
        HANDSHAKE = 22, "handshake";
        APPLICATION_DATA = 23, "application_data";
        HEARTBEAT = 24, "heartbeat";
        TLS12_CID = 25, "tls12_cid";
        ACK = 26, "ack";
    }
}

registry! {
    /// A protocol version as on the wire.
    ProtocolVersion(u16), "version {:#06x}", {
        DTLS_1_0 = 0xfeff, "1.0";
        DTLS_1_2 = 0xfefd, "1.2";
        DTLS_1_3 = 0xfefc, "1.3";
    }
}

registry! {
    /// A cipher suite.
    CipherSuite(u16), "{:#06x}", {
        RSA_AES_128_CBC_SHA = 0x002f, "TLS_RSA_WITH_AES_128_CBC_SHA";
        DHE_RSA_AES_128_CBC_SHA = 0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA";
        RSA_AES_256_CBC_SHA = 0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA";
        DHE_RSA_AES_256_CBC_SHA = 0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA";
        RSA_AES_128_CBC_SHA256 = 0x003c, "TLS_RSA_WITH_AES_128_CBC_SHA256";
        RSA_AES_256_CBC_SHA256 = 0x003d, "TLS_RSA_WITH_AES_256_CBC_SHA256";
        DHE_RSA_AES_128_CBC_SHA256 = 0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256";
        DHE_RSA_AES_256_CBC_SHA256 = 0x006b, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256";
        RSA_AES_128_GCM_SHA256 = 0x009c, "TLS_RSA_WITH_AES_128_GCM_SHA256";
        RSA_AES_256_GCM_SHA384 = 0x009d, "TLS_RSA_WITH_AES_256_GCM_SHA384";
        DHE_RSA_AES_128_GCM_SHA256 = 0x009e, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256";
        DHE_RSA_AES_256_GCM_SHA384 = 0x009f, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384";
        EMPTY_RENEGOTIATION_INFO = 0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV";
        AES_128_GCM_SHA256 = 0x1301, "TLS_AES_128_GCM_SHA256";
        AES_256_GCM_SHA384 = 0x1302, "TLS_AES_256_GCM_SHA384";
        CHACHA20_POLY1305_SHA256 = 0x1303, "TLS_CHACHA20_POLY1305_SHA256";
        AES_128_CCM_SHA256 = 0x1304, "TLS_AES_128_CCM_SHA256";
        AES_128_CCM_8_SHA256 = 0x1305, "TLS_AES_128_CCM_8_SHA256";
        FALLBACK = 0x5600, "TLS_FALLBACK_SCSV";
        ECDHE_ECDSA_AES_128_CBC_SHA = 0xc009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA";
        ECDHE_ECDSA_AES_256_CBC_SHA = 0xc00a, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA";
        ECDHE_RSA_AES_128_CBC_SHA = 0xc013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA";
        ECDHE_RSA_AES_256_CBC_SHA = 0xc014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA";
        ECDHE_ECDSA_AES_128_CBC_SHA256 = 0xc023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256";
        ECDHE_ECDSA_AES_256_CBC_SHA384 = 0xc024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384";
        ECDHE_RSA_AES_128_CBC_SHA256 = 0xc027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256";
        ECDHE_RSA_AES_256_CBC_SHA384 = 0xc028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384";
        ECDHE_ECDSA_AES_128_GCM_SHA256 = 0xc02b, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
        ECDHE_ECDSA_AES_256_GCM_SHA384 = 0xc02c, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
        ECDHE_RSA_AES_128_GCM_SHA256 = 0xc02f, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
        ECDHE_RSA_AES_256_GCM_SHA384 = 0xc030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
        RSA_AES_128_CCM = 0xc09c, "TLS_RSA_WITH_AES_128_CCM";
        RSA_AES_256_CCM = 0xc09d, "TLS_RSA_WITH_AES_256_CCM";
        DHE_RSA_AES_128_CCM = 0xc09e, "TLS_DHE_RSA_WITH_AES_128_CCM";
        DHE_RSA_AES_256_CCM = 0xc09f, "TLS_DHE_RSA_WITH_AES_256_CCM";
        RSA_AES_128_CCM_8 = 0xc0a0, "TLS_RSA_WITH_AES_128_CCM_8";
        RSA_AES_256_CCM_8 = 0xc0a1, "TLS_RSA_WITH_AES_256_CCM_8";
        DHE_RSA_AES_128_CCM_8 = 0xc0a2, "TLS_DHE_RSA_WITH_AES_128_CCM_8";
        DHE_RSA_AES_256_CCM_8 = 0xc0a3, "TLS_DHE_RSA_WITH_AES_256_CCM_8";
        ECDHE_ECDSA_AES_128_CCM = 0xc0ac, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM";
        ECDHE_ECDSA_AES_256_CCM = 0xc0ad, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM";
        ECDHE_ECDSA_AES_128_CCM_8 = 0xc0ae, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8";
        ECDHE_ECDSA_AES_256_CCM_8 = 0xc0af, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8";
        ECDHE_RSA_CHACHA20_POLY1305 = 0xcca8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256";
        ECDHE_ECDSA_CHACHA20_POLY1305 = 0xcca9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
        DHE_RSA_CHACHA20_POLY1305 = 0xccaa, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256";
    }
}

registry! {
    /// A group for key exchange.
    NamedGroup(u16), "group {:#06x}", {
        SECP256R1 = 23, "secp256r1";
        SECP384R1 = 24, "secp384r1";
        SECP521R1 = 25, "secp521r1";
        X25519 = 29, "x25519";
        X448 = 30, "x448";
        X25519_MLKEM768 = 0x11ec, "X25519MLKEM768";
        X25519_KYBER768_DRAFT00 = 0x6399, "X25519Kyber768Draft00";
    }
}

registry! {
    /// An extension of a hello.
    ExtensionType(u16), "extension {:#06x}", {
        SERVER_NAME = 0, "server_name";
        STATUS_REQUEST = 5, "status_request";
        SUPPORTED_GROUPS = 10, "supported_groups";
        EC_POINT_FORMATS = 11, "ec_point_formats";
        SIGNATURE_ALGORITHMS = 13, "signature_algorithms";
        USE_SRTP = 14, "use_srtp";
        ALPN = 16, "application_layer_protocol_negotiation";
        ENCRYPT_THEN_MAC = 22, "encrypt_then_mac";
        EXTENDED_MASTER_SECRET = 23, "extended_master_secret";
        RECORD_SIZE_LIMIT = 28, "record_size_limit";
        SESSION_TICKET = 35, "session_ticket";
        PRE_SHARED_KEY = 41, "pre_shared_key";
        EARLY_DATA = 42, "early_data";
        SUPPORTED_VERSIONS = 43, "supported_versions";
        COOKIE = 44, "cookie";
        PSK_KEY_EXCHANGE_MODES = 45, "psk_key_exchange_modes";
        CERTIFICATE_AUTHORITIES = 47, "certificate_authorities";
        SIGNATURE_ALGORITHMS_CERT = 50, "signature_algorithms_cert";
        KEY_SHARE = 51, "key_share";
        CONNECTION_ID = 54, "connection_id";
        RENEGOTIATION_INFO = 0xff01, "renegotiation_info";
    }
}

registry! {
    /// A signature scheme.
    SignatureScheme(u16), "scheme {:#06x}", {
        RSA_PKCS1_SHA1 = 0x0201, "rsa_pkcs1_sha1";
        ECDSA_SHA1 = 0x0203, "ecdsa_sha1";
        RSA_PKCS1_SHA256 = 0x0401, "rsa_pkcs1_sha256";
        ECDSA_SECP256R1_SHA256 = 0x0403, "ecdsa_secp256r1_sha256";
        RSA_PKCS1_SHA384 = 0x0501, "rsa_pkcs1_sha384";
        ECDSA_SECP384R1_SHA384 = 0x0503, "ecdsa_secp384r1_sha384";
        RSA_PKCS1_SHA512 = 0x0601, "rsa_pkcs1_sha512";
        ECDSA_SECP521R1_SHA512 = 0x0603, "ecdsa_secp521r1_sha512";
        RSA_PSS_RSAE_SHA256 = 0x0804, "rsa_pss_rsae_sha256";
        RSA_PSS_RSAE_SHA384 = 0x0805, "rsa_pss_rsae_sha384";
        RSA_PSS_RSAE_SHA512 = 0x0806, "rsa_pss_rsae_sha512";
        ED25519 = 0x0807, "ed25519";
        ED448 = 0x0808, "ed448";
    }
}

registry! {
    /// An SRTP protection profile (RFC 5764 §4.1.2, RFC 7714 §14.2).
    SrtpProfile(u16), "profile {:#06x}", {
        AES128_CM_HMAC_SHA1_80 = 1, "SRTP_AES128_CM_HMAC_SHA1_80";
        AES128_CM_HMAC_SHA1_32 = 2, "SRTP_AES128_CM_HMAC_SHA1_32";
        NULL_HMAC_SHA1_80 = 5, "SRTP_NULL_HMAC_SHA1_80";
        NULL_HMAC_SHA1_32 = 6, "SRTP_NULL_HMAC_SHA1_32";
        AEAD_AES_128_GCM = 7, "SRTP_AEAD_AES_128_GCM";
        AEAD_AES_256_GCM = 8, "SRTP_AEAD_AES_256_GCM";
    }
}
