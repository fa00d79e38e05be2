//! SCTP: packets that are read, and associations that are told.

mod associations;
mod packets;

pub(super) use associations::ALL as ASSOCIATIONS;
pub(super) use packets::ALL as PACKETS;
