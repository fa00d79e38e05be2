//! Every fixture: per rule one capture that holds it and one that breaks it, by layer.

mod channels;
mod dtls;
mod ice;
mod scenes;
mod sctp;
mod stun;
mod turn;

use crate::lab::Fixture;

const USUAL: Fixture = Fixture::USUAL;

/// All of them.
pub(crate) fn all() -> Vec<Fixture> {
    [
        stun::demux_and_stun(),
        ice::ice(),
        ice::nomination_and_roles(),
        turn::turn_and_consent(),
        dtls::dtls(),
        sctp::sctp(),
        channels::channels(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
