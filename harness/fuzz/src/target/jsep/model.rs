//! What holds of every negotiation: RFC 9429 §3.2, and RFC 3264 for each description.

use rtcspec_peer::jsep::{SdpType, SignalingState};
use rtcspec_wire::sdp::{Formats, Media, Session, Setup};

use crate::finding::{Finding, Oracle, Verdict, hold};

/// Which side of a connection sets a description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Local,
    Remote,
}

/// The figures of RFC 9429 §3.2, with the implicit rollback of §4.1.10.2.
pub(super) fn next(state: SignalingState, whose: Whose, kind: SdpType) -> Option<SignalingState> {
    use SignalingState as S;
    let (ours, theirs) = match whose {
        Whose::Local => (S::HaveLocalOffer, S::HaveRemoteOffer),
        Whose::Remote => (S::HaveRemoteOffer, S::HaveLocalOffer),
    };
    let provisional = match whose {
        Whose::Local => S::HaveLocalPranswer,
        Whose::Remote => S::HaveRemotePranswer,
    };
    match kind {
        SdpType::Offer if state == S::Stable || state == ours => Some(ours),
        SdpType::Offer if whose == Whose::Remote && state == S::HaveLocalOffer => Some(ours),
        SdpType::Answer if state == theirs || state == provisional => Some(S::Stable),
        SdpType::Pranswer if state == theirs || state == provisional => Some(provisional),
        SdpType::Rollback if [S::HaveLocalOffer, S::HaveRemoteOffer].contains(&state) => {
            Some(S::Stable)
        }
        _ => None,
    }
}

/// A description that a side made can be read by all.
pub(super) fn read(text: &str) -> Result<Session, Finding> {
    let session: Session = text.parse().map_err(|fault| {
        Finding::new(Oracle::Model, format!("a created description is refused: {fault}"))
    })?;
    hold(Oracle::RoundTrip, session.print() == text, || "a created description prints otherwise")?;
    Ok(session)
}

/// RFC 3264 §6, RFC 9429 §5.3: what an answer may say to an offer.
pub(super) fn answers(offer: &Session, answer: &Session) -> Verdict {
    let (offered, answered) = (offer.media.len(), answer.media.len());
    hold(Oracle::Model, offered == answered, || format!("{answered} sections answer {offered}"))?;
    let pairs = offer.media.iter().zip(&answer.media).enumerate();
    for (index, (offered, answered)) in pairs {
        section(index, offered, answered)?;
        let accepted = answered.line.port != 0;
        if accepted {
            protected(index, offer, answer, offered, answered)?;
        }
    }
    let group = |session: &Session| -> Vec<String> {
        session.bundle_groups().flat_map(|group| &group.mids).map(ToString::to_string).collect()
    };
    let offered = group(offer);
    // RFC 9143 §7.3: nothing is bundled that was not offered so.
    hold(Oracle::Model, group(answer).iter().all(|mid| offered.contains(mid)), || {
        format!("BUNDLE {:?} answers {offered:?}", group(answer))
    })
}

fn section(index: usize, offered: &Media, answered: &Media) -> Verdict {
    let same = offered.line.kind == answered.line.kind
        && offered.line.protocol == answered.line.protocol
        && offered.mid() == answered.mid();
    hold(Oracle::Model, same, || format!("section {index} is answered by another"))?;
    let taken = answered.line.port != 0 && offered.is_rejected();
    hold(Oracle::Model, !taken, || format!("section {index} was rejected and is accepted"))?;
    let subset = match (&offered.line.formats, &answered.line.formats) {
        (Formats::PayloadTypes(offered), Formats::PayloadTypes(answered)) => {
            answered.iter().all(|format| offered.contains(format))
        }
        (Formats::Names(_), Formats::Names(_)) => true,
        _ => false,
    };
    hold(Oracle::Model, subset, || format!("section {index} has formats that were not offered"))
}

/// RFC 8827 §6.5, RFC 8842 §5.3: what is accepted is protected, by one client and one server.
fn protected(
    index: usize,
    offer: &Session,
    answer: &Session,
    offered: &Media,
    answered: &Media,
) -> Verdict {
    let name = answered.line.protocol.name();
    hold(Oracle::Model, name.contains("DTLS") || name.contains("TLS"), || {
        format!("section {index} is accepted without DTLS: {name}")
    })?;
    let has = |name| answered.attributes.has(name) || answer.attributes.has(name);
    for name in ["fingerprint", "ice-ufrag", "ice-pwd"] {
        hold(Oracle::Model, has(name), || format!("section {index} is accepted without {name}"))?;
    }
    let offered_anywhere = |name: &str| {
        offer.attributes.has(name) || offer.media.iter().any(|media| media.attributes.has(name))
    };
    hold(
        Oracle::Model,
        !has("tls-id") || offered_anywhere("tls-id"),
        || "tls-id answers an offer without",
    )?;
    let setups = (offered.attributes.setup(), answered.attributes.setup());
    let right = match setups {
        (_, None | Some(Setup::Actpass | Setup::Holdconn)) => false,
        (Some(Setup::Active), Some(setup)) => setup == Setup::Passive,
        (Some(Setup::Passive), Some(setup)) => setup == Setup::Active,
        _ => true,
    };
    hold(Oracle::Model, right, || format!("section {index}: setup {setups:?}"))
}

/// RFC 9429 §5.2.2: an offer keeps the sections that were agreed, in their order.
pub(super) fn offers_again(agreed: &Session, offer: &Session) -> Verdict {
    let (before, now) = (agreed.media.len(), offer.media.len());
    hold(Oracle::Model, now >= before, || format!("{now} sections are offered after {before}"))?;
    for (index, (before, now)) in agreed.media.iter().zip(&offer.media).enumerate() {
        let same = before.line.kind == now.line.kind && before.mid() == now.mid();
        hold(Oracle::Model, same || before.line.port == 0, || {
            format!("section {index} is offered as another")
        })?;
    }
    Ok(())
}
