//! The rules, one file each.

use crate::rule::Rule;

/// Ties a rule's name to what it says of itself and to its state.
macro_rules! declare {
    ($name:ident, $state:ty) => {
        #[doc = "See `ABOUT`."]
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name;

        impl crate::rule::Rule for $name {
            fn about(&self) -> &'static crate::rule::About {
                &ABOUT
            }

            fn watch(&self) -> Box<dyn crate::rule::Watch> {
                Box::new(<$state>::default())
            }
        }
    };
}

mod consent_freshness;
mod dc_close;
mod dc_max_message_size;
mod dc_ppid;
mod dcep_open;
mod dcep_order_before_ack;
mod demux_first_byte;
mod dtls_fingerprint;
mod dtls_renegotiation;
mod dtls_retransmit;
mod dtls_role;
mod dtls_use_srtp;
mod ice_credentials;
mod ice_mapped_address;
mod ice_pacing;
mod ice_priority;
mod ice_relay_permission;
mod ice_role_attribute;
mod ice_role_conflict;
mod ice_single_nomination;
mod ice_symmetric_answer;
mod ice_use_candidate_role;
mod ice_username;
mod nat_inference;
mod rtp_payload_type;
mod sctp_checksum;
mod sctp_over_dtls;
mod sctp_streams;
mod sctp_tag_and_bundling;
mod stun_fingerprint;
mod stun_header;
mod stun_integrity;
mod stun_rto;
mod stun_txid;
mod stun_unknown_required;
mod turn_channel;

/// Every rule, by layer.
pub(crate) static ALL: &[&dyn Rule] = &[
    &demux_first_byte::FirstByte,
    &stun_header::Header,
    &stun_fingerprint::Fingerprint,
    &stun_integrity::IntegrityRule,
    &stun_unknown_required::UnknownRequired,
    &stun_txid::TransactionIds,
    &stun_rto::Rto,
    &ice_username::Username,
    &ice_credentials::Credentials,
    &ice_priority::Priority,
    &ice_role_attribute::RoleAttribute,
    &ice_use_candidate_role::UseCandidateRole,
    &ice_single_nomination::SingleNomination,
    &ice_role_conflict::RoleConflict,
    &ice_symmetric_answer::SymmetricAnswer,
    &ice_mapped_address::MappedAddress,
    &ice_pacing::Pacing,
    &ice_relay_permission::RelayPermission,
    &turn_channel::Channel,
    &consent_freshness::Freshness,
    &dtls_role::RoleRule,
    &dtls_fingerprint::CertificateFingerprint,
    &dtls_use_srtp::UseSrtpRule,
    &dtls_renegotiation::Renegotiation,
    &dtls_retransmit::Retransmit,
    &sctp_over_dtls::OverDtls,
    &sctp_checksum::ChecksumRule,
    &sctp_tag_and_bundling::TagAndBundling,
    &sctp_streams::Streams,
    &dcep_open::Open,
    &dcep_order_before_ack::OrderBeforeAck,
    &dc_ppid::PpidRule,
    &dc_max_message_size::MaxMessageSize,
    &dc_close::Close,
    &rtp_payload_type::PayloadTypes,
    &nat_inference::NatInference,
];
