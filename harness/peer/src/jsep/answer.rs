//! Makes answers (RFC 9429 §5.3) and judges those of the other side.

use std::collections::BTreeSet;

use rtcspec_wire::sdp::{Media, Session, Setup, Token};

use super::config::{Config, IceCredentials};
use super::error::DescriptionError;
use super::negotiation::Set;
use super::remote::{RemoteSection, bundle_group};
use super::section::{DataSection, rejected};
use crate::dtls::Role;

/// The media sections of an answer to `offer` that takes its data section, which was read before.
pub(super) fn sections(
    config: &Config,
    offer: &Session,
    (data, remote): (usize, &RemoteSection),
    ice: &IceCredentials,
    setup: Setup,
) -> Vec<Media> {
    let answer = |(index, offered): (usize, &Media)| {
        // Media is not implemented, and there is one association for all data channels.
        if index != data {
            return rejected(&offered.line, offered.mid());
        }
        let section = DataSection {
            config,
            line: Some(&offered.line),
            mid: offered.mid().cloned(),
            ice,
            setup,
            // RFC 8842 §5.3: no `tls-id` in answer to an offer without.
            with_tls_id: remote.tls_id.is_some(),
            with_sctp_init: remote.sctp_init.is_some(),
        };
        section.build()
    };
    offer.media.iter().enumerate().map(answer).collect()
}

/// The sections of an answer that takes nothing.
pub(super) fn reject_all(offer: &Session) -> Vec<Media> {
    offer.media.iter().map(|offered| rejected(&offered.line, offered.mid())).collect()
}

/// The mid that stays in the BUNDLE group: what is accepted of it (RFC 9143 §7.3).
pub(super) fn bundled(offer: &Set) -> Option<Token> {
    let section = offer.data_media()?;
    bundle_group(&offer.session, section)?;
    section.mid().cloned()
}

/// The `setup` to answer with (RFC 8842 §5.3).
pub(super) fn setup(offered: Option<Setup>, in_use: Option<Role>, preferred: Role) -> Setup {
    let role = match offered {
        // RFC 4145 §4: the default in an offer is active.
        Some(Setup::Active) | None => Role::Server,
        Some(Setup::Passive) => Role::Client,
        // RFC 8842 §5.5: a re-offer leaves the choice, and the role in use stays.
        Some(Setup::Actpass | Setup::Holdconn) => in_use.unwrap_or(preferred),
    };
    match role {
        Role::Client => Setup::Active,
        Role::Server => Setup::Passive,
    }
}

/// Our role by the other side's answer.
pub(super) fn role(section: usize, answered: Option<Setup>) -> Result<Role, DescriptionError> {
    match answered {
        Some(Setup::Active) => Ok(Role::Server),
        // RFC 4145 §4: the default in an answer is passive.
        Some(Setup::Passive) | None => Ok(Role::Client),
        // RFC 8842 §5.3: an answer has to choose.
        Some(setup) => Err(DescriptionError::Setup { section, setup }),
    }
}

/// Whether `answer` has the form `offer` asks for (RFC 9429 §5.8, §5.11).
pub(super) fn check(offer: &Session, answer: &Session) -> Result<(), DescriptionError> {
    let (expected, found) = (offer.media.len(), answer.media.len());
    if expected != found {
        return Err(DescriptionError::SectionCount { expected, found });
    }
    for (index, (offered, answered)) in offer.media.iter().zip(&answer.media).enumerate() {
        let same = offered.line.kind == answered.line.kind
            && offered.line.protocol == answered.line.protocol;
        if !same {
            return Err(DescriptionError::SectionChanged(index));
        }
        // An answerer may leave the mid of a rejected section out.
        if answered.mid() != offered.mid() && (answered.mid().is_some() || answered.line.port != 0)
        {
            return Err(DescriptionError::MidChanged(index));
        }
        if offered.is_rejected() && answered.line.port != 0 {
            return Err(DescriptionError::NotOffered(index));
        }
    }
    check_bundle(offer, answer)
}

// RFC 9143 §7.3: an answer takes sections out of offered groups and puts none in.
fn check_bundle(offer: &Session, answer: &Session) -> Result<(), DescriptionError> {
    let offered: BTreeSet<&Token> = offer.bundle_groups().flat_map(|group| &group.mids).collect();
    match answer.bundle_groups().flat_map(|group| &group.mids).find(|mid| !offered.contains(mid)) {
        Some(mid) => Err(DescriptionError::UnknownBundleMid(mid.to_string())),
        None => Ok(()),
    }
}
