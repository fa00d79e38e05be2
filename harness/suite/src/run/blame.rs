//! Which layer to blame when peers do not get as far as expected.

use rtcspec_control::{SdpType, StateKind};
use rtcspec_trace::SignalBody;

use super::stage::Stage;
use crate::verdict::Layer;

/// The first layer that was not reached, from the bottom up: signalling, gathering, checks,
/// DTLS, SCTP, channel.
pub(super) fn blame(stage: &Stage<'_>) -> Layer {
    let answered = stage.post.signals.iter().any(|signal| match &signal.body {
        SignalBody::Description { kind, .. } => kind == SdpType::Answer.word(),
        SignalBody::Candidate { .. } => false,
    });
    if !answered {
        return Layer::Signalling;
    }
    if !stage.watch.checks.iter().any(|check| check.answered) {
        let candidates = stage.post.signals.iter().any(|signal| match &signal.body {
            SignalBody::Candidate { candidate, .. } => !candidate.is_empty(),
            SignalBody::Description { sdp, .. } => sdp.contains("a=candidate:"),
        });
        return if candidates { Layer::Ice } else { Layer::Gathering };
    }
    if !stage.watch.checks.iter().any(|check| check.answered && check.nominates) {
        return Layer::Ice;
    }
    if stage.watch.data.is_empty() {
        return Layer::Dtls;
    }
    let sctp_up = stage
        .actors
        .iter()
        .any(|actor| actor.log.channels.values().flatten().any(|channel| channel.opened.is_some()));
    if !sctp_up {
        return Layer::Sctp;
    }
    let lost = stage.actors.iter().any(|actor| {
        let state = actor.log.state_at(StateKind::IceConnection, stage.now);
        matches!(state, Some("disconnected" | "failed"))
    });
    if lost { Layer::Consent } else { Layer::Channel }
}
