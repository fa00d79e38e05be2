//! The attributes of one section, in order, with lookups.

use super::attribute::Attribute;
use super::extmap::{Direction, Extmap};
use super::fingerprint::{Fingerprint, Setup};
use super::group::{Group, IceOptions};
use super::rtpmap::{Fmtp, RtcpFeedback, Rtpmap};
use super::sctp::{SctpInit, Sctpmap};
use super::text::{IcePwd, IceUfrag, TlsId, Token};
use crate::candidate::Candidate;

/// Attributes in the order in which they stand. It dereferences to a `Vec`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attributes(pub Vec<Attribute>);

impl std::ops::Deref for Attributes {
    type Target = Vec<Attribute>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl std::ops::DerefMut for Attributes {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl FromIterator<Attribute> for Attributes {
    fn from_iter<I: IntoIterator<Item = Attribute>>(iter: I) -> Self {
        Self(iter.into_iter().collect())
    }
}

impl<'a> IntoIterator for &'a Attributes {
    type Item = &'a Attribute;
    type IntoIter = std::slice::Iter<'a, Attribute>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// One getter for the first value of a variant, or all of them.
macro_rules! getters {
    ($($(#[$doc:meta])+ first $name:ident: $variant:ident($type:ty);)+) => {$(
        $(#[$doc])+
        #[must_use]
        pub fn $name(&self) -> Option<$type> {
            self.0.iter().find_map(|attribute| match attribute {
                Attribute::$variant(value) => Some(value.into()),
                _ => None,
            })
        }
    )+};
    ($($(#[$doc:meta])+ all $name:ident: $variant:ident($type:ty);)+) => {$(
        $(#[$doc])+
        pub fn $name(&self) -> impl Iterator<Item = &$type> {
            self.0.iter().filter_map(|attribute| match attribute {
                Attribute::$variant(value) => Some(value),
                _ => None,
            })
        }
    )+};
}

impl Attributes {
    /// Whether an attribute of this name is here.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|attribute| attribute.name() == name)
    }

    getters! {
        /// `mid`.
        first mid: Mid(&Token);
        /// `ice-ufrag`.
        first ice_ufrag: IceUfrag(&IceUfrag);
        /// `ice-pwd`.
        first ice_pwd: IcePwd(&IcePwd);
        /// `ice-options`.
        first ice_options: IceOptions(&IceOptions);
        /// `tls-id`.
        first tls_id: TlsId(&TlsId);
        /// `sctpmap`.
        first sctpmap: Sctpmap(&Sctpmap);
        /// `sctp-init`.
        first sctp_init: SctpInit(&SctpInit);
    }

    getters! {
        /// Every `fingerprint`.
        all fingerprints: Fingerprint(Fingerprint);
        /// Every `group`.
        all groups: Group(Group);
        /// Every `extmap`.
        all extmaps: Extmap(Extmap);
        /// Every `rtpmap`.
        all rtpmaps: Rtpmap(Rtpmap);
        /// Every `fmtp`.
        all fmtps: Fmtp(Fmtp);
        /// Every `rtcp-fb`.
        all rtcp_feedbacks: RtcpFeedback(RtcpFeedback);
    }

    /// Every `candidate`.
    pub fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.0.iter().filter_map(|attribute| match attribute {
            Attribute::Candidate(candidate) => Some(&**candidate),
            _ => None,
        })
    }

    /// `setup`.
    #[must_use]
    pub fn setup(&self) -> Option<Setup> {
        self.0.iter().find_map(|attribute| match attribute {
            Attribute::Setup(setup) => Some(*setup),
            _ => None,
        })
    }

    /// The direction, if one is given.
    #[must_use]
    pub fn direction(&self) -> Option<Direction> {
        self.0.iter().find_map(|attribute| match attribute {
            Attribute::Direction(direction) => Some(*direction),
            _ => None,
        })
    }

    /// `sctp-port`.
    #[must_use]
    pub fn sctp_port(&self) -> Option<u16> {
        self.0.iter().find_map(|attribute| match attribute {
            Attribute::SctpPort(port) => Some(*port),
            _ => None,
        })
    }

    /// `max-message-size`; 0 means any size. What absence means is RFC 8841 §6.1's business.
    #[must_use]
    pub fn max_message_size(&self) -> Option<u64> {
        self.0.iter().find_map(|attribute| match attribute {
            Attribute::MaxMessageSize(size) => Some(*size),
            _ => None,
        })
    }
}
