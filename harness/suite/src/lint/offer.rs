//! An offer for adapters that make none.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use rtcspec_adapter_reference::Reference;
use rtcspec_control::{
    ChannelInit, Command, Configuration, Implementation as _, Message, Reply, ReplyBody,
    SpawnContext,
};

/// An offer of the reference peer with a data channel; no candidates are in it yet. Nobody waits for
/// an answer.
pub(super) fn offer() -> Option<String> {
    let now = Duration::ZERO;
    let mut peer = Reference.spawn(SpawnContext { seed: 1, now }).ok()?;
    let pc = || "lint".to_owned();
    let interfaces = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    let config = Configuration { interfaces, ..Configuration::default() };
    let (dc, label, init) = ("lint/1".to_owned(), "main".to_owned(), ChannelInit::default());
    peer.submit(now, 1, Command::New { pc: pc(), config });
    peer.submit(now, 2, Command::Channel { pc: pc(), dc, label, init });
    peer.submit(now, 3, Command::Offer { pc: pc(), ice_restart: false });
    std::iter::from_fn(|| peer.poll()).find_map(|message| match message {
        Message::Reply(Reply { id: 3, body: ReplyBody::Sdp(sdp) }) => Some(sdp),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_reference_peer_offers_a_data_channel() {
        let sdp = super::offer().unwrap();
        assert!(sdp.contains("m=application") && sdp.contains("a=setup:actpass"), "{sdp}");
    }
}
