//! Reads the transport parameters out of a description of the other side.

use rtcspec_wire::sdp::{
    Attributes, Fingerprint, Formats, Group, Media, Protocol, Session, Setup, TlsId,
};

use super::config::IceCredentials;
use super::error::DescriptionError;
use super::transport::RemoteIce;

/// RFC 8841 §6.1: what absence of `max-message-size` means.
const DEFAULT_MAX_MESSAGE_SIZE: u64 = 65_536;
/// Interop: libwebrtc assumes this port when an old peer names none.
const DEFAULT_SCTP_PORT: u16 = 5000;

/// What the other side says about one data section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RemoteSection {
    pub(super) ice: RemoteIce,
    pub(super) setup: Option<Setup>,
    pub(super) fingerprints: Vec<Fingerprint>,
    pub(super) tls_id: Option<TlsId>,
    pub(super) sctp_port: u16,
    pub(super) max_message_size: Option<u64>,
    pub(super) sctp_init: Option<Vec<u8>>,
}

impl RemoteSection {
    /// Reads section `index`, which is a data section that is not rejected.
    pub(super) fn read(session: &Session, index: usize) -> Result<Self, DescriptionError> {
        let levels = Levels::new(session, index);
        let section = levels.section().ok_or(DescriptionError::NoIce(index))?;
        let credentials = levels.first(credentials).ok_or(DescriptionError::NoIce(index))?;
        let fingerprints =
            levels.first(fingerprints).ok_or(DescriptionError::NoFingerprint(index))?;
        let setup = levels.first(Attributes::setup);
        if setup == Some(Setup::Holdconn) {
            return Err(DescriptionError::Setup { section: index, setup: Setup::Holdconn });
        }
        let has_option = |level: &Attributes| {
            level.ice_options().map(|options| options.has("trickle")).filter(|has| *has)
        };
        let lite = levels.first(|level| level.has("ice-lite").then_some(())).is_some();
        let trickle = levels.first(has_option).is_some();
        Ok(Self {
            ice: RemoteIce { credentials, lite, trickle },
            setup,
            fingerprints,
            tls_id: levels.first(|level| level.tls_id().cloned()),
            sctp_port: sctp_port(section),
            max_message_size: max_message_size(section),
            sctp_init: section.attributes.sctp_init().map(|init| init.chunk().to_vec()),
        })
    }
}

fn credentials(level: &Attributes) -> Option<IceCredentials> {
    Some(IceCredentials { ufrag: level.ice_ufrag()?.clone(), pwd: level.ice_pwd()?.clone() })
}

fn fingerprints(level: &Attributes) -> Option<Vec<Fingerprint>> {
    let found: Vec<Fingerprint> = level.fingerprints().cloned().collect();
    (!found.is_empty()).then_some(found)
}

fn sctp_port(section: &Media) -> u16 {
    let legacy = || match &section.line.formats {
        Formats::Names(names) if section.line.protocol == Protocol::DtlsSctp => {
            names.first().and_then(|name| name.parse().ok())
        }
        _ => None,
    };
    section.attributes.sctp_port().or_else(legacy).unwrap_or(DEFAULT_SCTP_PORT)
}

fn max_message_size(section: &Media) -> Option<u64> {
    match section.attributes.max_message_size() {
        None => Some(DEFAULT_MAX_MESSAGE_SIZE),
        // RFC 8841 §6.1: zero says that any size is taken.
        Some(0) => None,
        Some(size) => Some(size),
    }
}

/// Where a section's transport attributes may stand, nearest first: in the section, in the tagged
/// section of its BUNDLE group (RFC 9143 §7.1.3), at session level (RFC 8866 §6).
struct Levels<'s> {
    levels: [Option<&'s Attributes>; 3],
    section: Option<&'s Media>,
}

impl<'s> Levels<'s> {
    fn new(session: &'s Session, index: usize) -> Self {
        let section = session.media.get(index);
        let tagged = section
            .and_then(|section| bundle_group(session, section))
            .and_then(|group| session.media_by_mid(group.mids.first()?))
            .map(|(_, media)| &media.attributes);
        let own = section.map(|section| &section.attributes);
        Self { levels: [own, tagged, Some(&session.attributes)], section }
    }

    fn section(&self) -> Option<&'s Media> {
        self.section
    }

    fn first<T>(&self, get: impl Fn(&Attributes) -> Option<T>) -> Option<T> {
        self.levels.iter().flatten().find_map(|level| get(level))
    }
}

/// The BUNDLE group a section is in.
pub(super) fn bundle_group<'s>(session: &'s Session, section: &Media) -> Option<&'s Group> {
    let mid = section.mid()?;
    session.bundle_groups().find(|group| group.mids.contains(mid))
}

/// The user name fragment that holds for a section.
pub(super) fn ufrag(session: &Session, index: usize) -> Option<String> {
    Levels::new(session, index).first(|level| level.ice_ufrag().map(ToString::to_string))
}
