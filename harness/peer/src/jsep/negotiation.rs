//! What is agreed and what is on the table: all that a rollback restores.

use rtcspec_wire::sdp::{Media, MediaKind, MediaLine, Session, Token};

use super::config::IceCredentials;
use super::description::SdpType;
use super::remote;
use super::transport::Transport;

/// A description that was set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    pub(super) kind: SdpType,
    pub(super) session: Session,
    /// Index of the section that carries data.
    pub(super) data: Option<usize>,
}

impl Set {
    /// An offer: data stays in the section that has it, else takes the first that can carry it.
    pub(super) fn offer(session: Session, in_use: Option<usize>) -> Self {
        let can_carry = |media: &Media| {
            // RFC 8841 §5: port 0 cannot carry an association.
            let has_port = media.attributes.sctp_port() != Some(0);
            media.is_data_channel() && !media.is_rejected() && has_port
        };
        let stays = in_use.filter(|index| session.media.get(*index).is_some_and(can_carry));
        let data = stays.or_else(|| session.media.iter().position(can_carry));
        Self { kind: SdpType::Offer, session, data }
    }

    /// An answer: data is where the offer has it, unless the answer rejects that section.
    pub(super) fn answer(session: Session, offer: &Self) -> Self {
        let accepts = |index: &usize| {
            session.media.get(*index).is_some_and(|media: &Media| media.line.port != 0)
        };
        let data = offer.data.filter(accepts);
        Self { kind: SdpType::Answer, session, data }
    }

    pub(super) fn data_media(&self) -> Option<&Media> {
        self.session.media.get(self.data?)
    }

    pub(super) fn data_media_mut(&mut self) -> Option<&mut Media> {
        self.session.media.get_mut(self.data?)
    }

    /// User name fragment of the data section.
    pub(super) fn data_ufrag(&self) -> Option<String> {
        remote::ufrag(&self.session, self.data?)
    }
}

/// A media section both sides have agreed to have, in whatever state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) line: MediaLine,
    pub(super) mid: Option<Token>,
    /// It carries data.
    pub(super) accepted: bool,
}

/// One state of the negotiation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Negotiation {
    pub(super) current_local: Option<Set>,
    pub(super) current_remote: Option<Set>,
    pub(super) pending_local: Option<Set>,
    pub(super) pending_remote: Option<Set>,
    /// Sections by the last answer.
    pub(super) sections: Vec<Section>,
    /// Credentials gathered with.
    pub(super) local_ice: Option<IceCredentials>,
    /// What the last answer settled.
    pub(super) transport: Option<Transport>,
}

impl Negotiation {
    pub(super) fn local(&self) -> Option<&Set> {
        self.pending_local.as_ref().or(self.current_local.as_ref())
    }

    pub(super) fn remote(&self) -> Option<&Set> {
        self.pending_remote.as_ref().or(self.current_remote.as_ref())
    }

    /// Index of the section that carries data.
    pub(super) fn data_section(&self) -> Option<usize> {
        self.sections.iter().position(|section| section.accepted)
    }

    pub(super) fn has_data(&self) -> bool {
        self.data_section().is_some()
    }

    /// Whether a data section was ever offered and answered, accepted or not.
    pub(super) fn has_negotiated_data(&self) -> bool {
        self.sections.iter().any(|section| {
            section.line.kind == MediaKind::Application && section.line.protocol.is_sctp()
        })
    }
}
