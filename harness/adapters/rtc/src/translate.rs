//! Words of `rtc` to words of the contract and back.

use std::net::SocketAddr;

use bytes::BytesMut;
use rtc::data_channel::{RTCDataChannel, RTCDataChannelInit};
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::{
    CandidateConfig, CandidateHostConfig, CandidateRelayConfig, CandidateServerReflexiveConfig,
    RTCIceCandidate,
};
use rtc::shared::error::Error;
use rtcspec_adapter_embed::{Found, Outcome, Refusal};
use rtcspec_control::{ChannelInit, Description, Payload, SdpType};

/// The stack's error under the W3C name a browser would use for it.
pub(crate) fn refusal(error: Error) -> Refusal {
    let name = match &error {
        Error::ErrConnectionClosed
        | Error::ErrNoRemoteDescription
        | Error::ErrIncorrectSignalingState
        | Error::ErrPeerConnStateChangeInvalid
        | Error::ErrSignalingStateCannotRollback
        | Error::ErrSignalingStateProposedTransitionInvalid(_)
        | Error::ErrDataChannelNotOpen
        | Error::ErrDataChannelClosed
        | Error::ErrDataChannelNotExisted => "InvalidStateError",
        Error::ErrSDPDoesNotMatchOffer
        | Error::ErrSDPDoesNotMatchAnswer
        | Error::ErrModifyingPeerIdentity
        | Error::ErrModifyingCertificates
        | Error::ErrModifyingBundlePolicy
        | Error::ErrModifyingRTCPMuxPolicy
        | Error::ErrModifyingICECandidatePoolSize => "InvalidModificationError",
        Error::ErrRetransmitsOrPacketLifeTime
        | Error::ErrProtocolTooLarge
        | Error::ErrOutboundPacketTooLarge => "TypeError",
        _ => "OperationError",
    };
    Refusal::error(name, error)
}

pub(crate) fn description(description: &Description) -> Outcome<RTCSessionDescription> {
    let sdp = description.sdp.clone();
    match description.kind {
        SdpType::Offer => RTCSessionDescription::offer(sdp),
        SdpType::Pranswer => RTCSessionDescription::pranswer(sdp),
        SdpType::Answer => RTCSessionDescription::answer(sdp),
        SdpType::Rollback => RTCSessionDescription::rollback(None),
    }
    .map_err(refusal)
}

/// A local candidate as the stack's own constructors make it.
pub(crate) fn candidate(found: Found) -> Outcome<RTCIceCandidate> {
    let base_config = |address: SocketAddr| CandidateConfig {
        network: "udp".to_owned(),
        address: address.ip().to_string(),
        port: address.port(),
        component: 1,
        ..CandidateConfig::default()
    };
    let candidate = match found {
        Found::Host { address } => CandidateHostConfig {
            base_config: base_config(address),
            ..CandidateHostConfig::default()
        }
        .new_candidate_host(),
        Found::Reflexive { address, base } => CandidateServerReflexiveConfig {
            base_config: base_config(address),
            rel_addr: base.ip().to_string(),
            rel_port: base.port(),
            url: None,
        }
        .new_candidate_server_reflexive(),
        Found::Relayed { address, related } => CandidateRelayConfig {
            base_config: base_config(address),
            rel_addr: related.ip().to_string(),
            rel_port: related.port(),
            url: None,
        }
        .new_candidate_relay(),
    };
    Ok(RTCIceCandidate::from(&candidate.map_err(refusal)?))
}

pub(crate) fn channel_init(init: &ChannelInit) -> Outcome<RTCDataChannelInit> {
    let negotiated = match (init.negotiated, init.id) {
        (true, None) => return Err(Refusal::error("TypeError", "negotiated without an id")),
        (true, id) => id,
        (false, _) => None,
    };
    Ok(RTCDataChannelInit {
        ordered: init.ordered,
        max_packet_life_time: init.max_packet_life_time,
        max_retransmits: init.max_retransmits,
        protocol: init.protocol.clone(),
        negotiated,
    })
}

pub(crate) fn channel_told(channel: &RTCDataChannel<'_>) -> ChannelInit {
    ChannelInit {
        ordered: channel.ordered(),
        max_retransmits: channel.max_retransmits(),
        max_packet_life_time: channel.max_packet_life_time(),
        protocol: channel.protocol().to_owned(),
        negotiated: channel.negotiated(),
        id: channel.stream_id(),
    }
}

/// A message as it came; text that is not UTF-8 is the stack's fault and stays visible.
pub(crate) fn payload(is_string: bool, data: BytesMut) -> Result<Payload, Vec<u8>> {
    if is_string {
        String::from_utf8(data.to_vec())
            .map(Payload::Text)
            .map_err(std::string::FromUtf8Error::into_bytes)
    } else {
        Ok(Payload::Binary(data.to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negotiated_without_id_is_a_type_error() {
        let init = ChannelInit { negotiated: true, ..ChannelInit::default() };
        assert!(matches!(channel_init(&init), Err(Refusal::Error { name: "TypeError", .. })));
    }

    #[test]
    fn text_that_is_not_utf8_is_not_passed_off_as_text() {
        assert_eq!(payload(true, BytesMut::from(&[0xff][..])), Err(vec![0xff]));
    }
}
