//! Makes offers (RFC 9429 §5.2).

use std::collections::BTreeSet;

use rtcspec_wire::sdp::{Attribute, Group, IceOptions, Media, MediaLine, Session, Setup, Token};

use super::config::{Config, IceCredentials};
use super::negotiation::{Negotiation, Section};
use super::section::{DataSection, rejected};

/// The media sections of an offer, on top of what is agreed.
pub(super) fn sections(
    config: &Config,
    agreed: &Negotiation,
    wants_data: bool,
    ice: Option<&IceCredentials>,
) -> Vec<Media> {
    let mut sections: Vec<Media> =
        agreed.sections.iter().map(|section| repeat(config, section, ice)).collect();
    let Some(ice) = ice.filter(|_| wants_data && !agreed.has_data()) else { return sections };
    let data = data(config, None, Some(free_mid(agreed)), ice);
    // RFC 9429 §5.2.2: a rejected section is used again, with a new mid, before one is appended.
    match agreed.sections.iter().position(|section| !section.accepted) {
        Some(index) => sections[index] = data,
        None => sections.push(data),
    }
    sections
}

fn repeat(config: &Config, section: &Section, ice: Option<&IceCredentials>) -> Media {
    match ice {
        Some(ice) if section.accepted => {
            data(config, Some(&section.line), section.mid.clone(), ice)
        }
        _ => rejected(&section.line, section.mid.as_ref()),
    }
}

fn data(
    config: &Config,
    line: Option<&MediaLine>,
    mid: Option<Token>,
    ice: &IceCredentials,
) -> Media {
    let section = DataSection {
        config,
        line,
        mid,
        ice,
        // RFC 8842 §5.2, §5.5: every offer leaves the choice; the answerer keeps a role in use.
        setup: Setup::Actpass,
        with_tls_id: true,
        with_sctp_init: true,
    };
    section.build()
}

// RFC 9429 §5.2.1: mids are unique and short.
fn free_mid(agreed: &Negotiation) -> Token {
    let used: BTreeSet<&str> =
        agreed.sections.iter().filter_map(|section| section.mid.as_deref()).collect();
    (0u32..)
        .map(|number| number.to_string())
        .find(|mid| !used.contains(mid.as_str()))
        .and_then(|mid| Token::new(mid).ok())
        .expect("invariant: finitely many mids are used and a number is a token")
}

/// The session-level attributes (RFC 9429 §5.2.1); `bundled` is the mid of data.
pub(super) fn add_session_attributes(
    config: &Config,
    session: &mut Session,
    bundled: Option<Token>,
) {
    if config.ice_lite {
        session.attributes.push(Attribute::IceLite);
    }
    let tags = ["trickle", "ice2"].into_iter().filter(|tag| *tag != "trickle" || config.trickle);
    let tags = tags.filter_map(|tag| Token::new(tag).ok()).collect();
    session.attributes.push(Attribute::IceOptions(IceOptions(tags)));
    if let Some(mid) = bundled {
        session.attributes.push(Attribute::Group(Group::bundle(vec![mid])));
    }
}
