//! Builds media sections of our own descriptions.

use rtcspec_wire::candidate::{Candidate, CandidateKind, ComponentId, Transport as Proto};
use rtcspec_wire::sdp::{
    Address, Attribute, Direction, Formats, Media, MediaLine, Protocol, SctpInit, Sctpmap, Setup,
    Token,
};

use super::candidates::Generation;
use super::config::{Config, IceCredentials};

/// RFC 8840 §4.1.1: the port while the default candidate is not known.
const DISCARD_PORT: u16 = 9;
/// Streams announced by the old `sctpmap`: all that SCTP has for data channels (RFC 8831 §6.2).
const STREAMS: u32 = 65_535;

/// How one of our data sections is to look.
#[derive(Debug)]
pub(super) struct DataSection<'a> {
    pub(super) config: &'a Config,
    /// The offered line, in an answer.
    pub(super) line: Option<&'a MediaLine>,
    pub(super) mid: Option<Token>,
    pub(super) ice: &'a IceCredentials,
    pub(super) setup: Setup,
    pub(super) with_tls_id: bool,
    pub(super) with_sctp_init: bool,
}

impl DataSection<'_> {
    /// The section, without candidates.
    pub(super) fn build(&self) -> Media {
        let mut media = Media::new(MediaLine::data_channel(DISCARD_PORT));
        let legacy = self.line.is_some_and(|line| line.protocol == Protocol::DtlsSctp);
        if let Some(line) = self.line {
            media.line = MediaLine { port: DISCARD_PORT, port_count: None, ..line.clone() };
        }
        media.connections = vec![Address::unspecified()];
        let attributes = &mut media.attributes;
        attributes.extend(self.mid.clone().map(Attribute::Mid));
        attributes.push(Attribute::IceUfrag(self.ice.ufrag.clone()));
        attributes.push(Attribute::IcePwd(self.ice.pwd.clone()));
        attributes.extend(self.config.fingerprints.iter().cloned().map(Attribute::Fingerprint));
        attributes.push(Attribute::Setup(self.setup));
        if self.with_tls_id {
            attributes.extend(self.config.tls_id.clone().map(Attribute::TlsId));
        }
        if legacy {
            self.make_legacy(&mut media);
        } else {
            attributes.push(Attribute::SctpPort(self.config.sctp_port));
        }
        media.attributes.push(Attribute::MaxMessageSize(self.config.max_message_size));
        if let Some(init) = &self.config.sctp_init
            && self.with_sctp_init
        {
            media.attributes.push(Attribute::SctpInit(SctpInit::new(init.clone())));
        }
        media
    }

    // Drafts before RFC 8841: the port is the format, `sctpmap` says what runs on it.
    fn make_legacy(&self, media: &mut Media) {
        let port = self.config.sctp_port;
        let names = [port.to_string(), "webrtc-datachannel".to_owned()];
        let [Ok(format), Ok(protocol)] = names.map(Token::new) else { return };
        media.line.formats = Formats::Names(vec![format]);
        media.attributes.push(Attribute::Sctpmap(Sctpmap {
            port,
            protocol,
            streams: Some(STREAMS),
        }));
    }
}

/// A section that keeps its place and nothing else (RFC 9429 §5.3.1).
pub(super) fn rejected(line: &MediaLine, mid: Option<&Token>) -> Media {
    let mut media = Media::new(MediaLine { port: 0, port_count: None, ..line.clone() });
    media.connections = vec![Address::unspecified()];
    media.attributes.extend(mid.cloned().map(Attribute::Mid));
    if line.protocol.is_rtp() {
        media.attributes.push(Attribute::Direction(Direction::Inactive));
    }
    media
}

/// Adds the candidates that are not there yet, and their end unless it was said.
pub(super) fn add_candidates(media: &mut Media, generation: &Generation, has_ended: bool) {
    let has_ended = has_ended || media.attributes.has("end-of-candidates");
    let known: Vec<Candidate> = media.attributes.candidates().cloned().collect();
    let new = generation.candidates().iter().filter(|candidate| !known.contains(candidate));
    media.attributes.extend(new.map(|new| Attribute::Candidate(Box::new(new.clone()))));
    if generation.has_ended() && !has_ended {
        media.attributes.push(Attribute::EndOfCandidates);
    }
}

/// Says where a peer without ICE would send to.
pub(super) fn set_default_destination(media: &mut Media, generation: &Generation) {
    if let Some((address, port)) = default_destination(generation.candidates()) {
        media.line.port = port;
        media.connections = vec![address];
    }
}

// RFC 8839 §4.2.1.2, RFC 8445 §5.1.3: the candidate most likely to work for a peer without ICE:
// relayed, else server reflexive, else host.
fn default_destination(candidates: &[Candidate]) -> Option<(Address, u16)> {
    let rank = |candidate: &Candidate| match candidate.kind {
        CandidateKind::Relayed => 3,
        CandidateKind::ServerReflexive => 2,
        CandidateKind::Host => 1,
        _ => 0,
    };
    let usable = candidates.iter().filter(|candidate| {
        candidate.component == ComponentId::RTP && candidate.transport == Proto::Udp
    });
    let best = usable.max_by_key(|candidate| (rank(candidate), candidate.priority))?;
    Some((Address::from_ip(best.address.ip()?), best.port))
}
