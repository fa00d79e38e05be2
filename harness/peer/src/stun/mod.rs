//! What every STUN transaction of the peer has in common, be it an ICE check or a TURN request:
//! when it may start ([`Pacer`]) and when it is sent again ([`Retransmit`]).

mod outgoing;
mod pacer;
mod retransmit;

pub use outgoing::{Outgoing, Via};
pub use pacer::Pacer;
pub use retransmit::{Due, Retransmit};
