//! Channels (RFC 8656 §12).

use rtcspec_wire::turn::{ChannelData, ChannelDataView, ChannelNumber};

use super::permission::{towards_client, towards_peer};
use crate::Case;
use crate::bench::{Allocation, Bench, Duty, Peer, QUIET, Stop};
use crate::client::request;
use crate::target::Transport;
use rtcspec_wire::stun::Method;

/// The channel of the cases.
const NUMBER_USED: u16 = 0x4abc;

fn channel_data(number: u16, data: &[u8]) -> Result<Vec<u8>, Stop> {
    let harness = |what: &str| Stop::Harness(what.to_owned());
    let channel = ChannelNumber::new(number).ok_or_else(|| harness("channel number"))?;
    let mut bytes = Vec::new();
    let encoded = ChannelData { channel, data }.encode_into(&mut bytes);
    encoded.map_err(|error| harness(&error.to_string()))?;
    Ok(bytes)
}

/// An allocation with a channel to a peer.
fn bound(bench: &mut Bench<'_>) -> Result<(Allocation, Peer), Stop> {
    let mut allocation = bench.allocation()?;
    let peer = bench.peer(allocation.relayed)?;
    let reply = allocation.bind_channel(NUMBER_USED, peer.address)?;
    match reply.code() {
        0 if reply.is_success() => Ok((allocation, peer)),
        // Gives the reason why nothing can be relayed.
        403 => allocation.permit(peer.address).map(|()| (allocation, peer)),
        _ => Err(Stop::Wrong(format!("no channel: {}", reply.told()))),
    }
}

pub(crate) const BOTH_WAYS: Case = Case {
    id: "turn-server/channel",
    title: "a channel carries bytes unchanged both ways, and brings a permission",
    tests: &["RFC 8656 §12.2", "RFC 8656 §12.6", "RFC 8656 §12.7"],
    only: None,
    play: both_ways,
};

const TO_PEER: Duty = Duty {
    text: "RFC 8656 §12.6: what comes in a channel goes to its peer from the relayed address",
    expected: "the same bytes, from XOR-RELAYED-ADDRESS",
};
const TO_CLIENT: Duty = Duty {
    text: "RFC 8656 §12.7: what comes from a peer with a channel goes through it",
    expected: "ChannelData of the channel with the same bytes, on a stream padded to four",
};
const PERMITS: Duty = Duty {
    text: "RFC 8656 §12.2: a ChannelBind installs a permission as well",
    expected: "a Send indication reaches the peer",
};

fn both_ways(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (mut allocation, peer) = bound(bench)?;
    for length in [1, 2, 3, 4, 1200] {
        let bytes: Vec<u8> = (0..length).map(|n: usize| n.to_le_bytes()[0]).collect();
        let packet = channel_data(NUMBER_USED, &bytes)?;
        let heard = towards_peer(&peer, || allocation.client.send(&packet))?;
        let right = heard == Some((bytes.clone(), allocation.relayed));
        let told = heard.map_or(0, |(data, _)| data.len());
        bench.met(TO_PEER, right, format!("{length} bytes sent, {told} arrived"));
        let answered = towards_client(&mut allocation, &peer, &bytes)?;
        let right = answered.as_ref().is_some_and(|heard| {
            let number = ChannelDataView::new(&heard.packet).number();
            heard.data == bytes && number == Some(NUMBER_USED)
        });
        let told = answered.map_or(0, |heard| heard.data.len());
        bench.met(TO_CLIENT, right, format!("{length} bytes sent, {told} arrived"));
    }
    let heard = towards_peer(&peer, || allocation.send(peer.address, b"as an indication"))?;
    let told = if heard.is_some() { "heard" } else { "not heard" };
    bench.met(PERMITS, heard.is_some(), told);
    allocation.delete()?;
    Ok(())
}

pub(crate) const PADDED: Case = Case {
    id: "turn-server/channel-padding",
    title: "over UDP, ChannelData may be padded or not",
    tests: &["RFC 8656 §12.5"],
    only: Some(Transport::Udp),
    play: padded,
};

const EITHER: Duty = Duty {
    text: "RFC 8656 §12.5: over UDP padding is not needed, and may be there; it is no data",
    expected: "the bytes without the padding",
};

fn padded(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (mut allocation, peer) = bound(bench)?;
    for padding in [0, 3] {
        let mut packet = channel_data(NUMBER_USED, b"hello")?;
        packet.resize(packet.len() + padding, 0);
        let heard = towards_peer(&peer, || allocation.client.send(&packet))?;
        let right = heard.as_ref().is_some_and(|(data, _)| data == b"hello");
        let told = heard.map_or(0, |(data, _)| data.len());
        bench.met(EITHER, right, format!("{padding} of padding, {told} bytes arrived"));
    }
    allocation.delete()?;
    Ok(())
}

pub(crate) const NUMBER: Case = Case {
    id: "turn-server/channel-number",
    title: "channel numbers that are none",
    tests: &["RFC 8656 §12", "RFC 8656 §12.2"],
    only: None,
    play: number,
};

const IN_RANGE: Duty = Duty {
    text: "RFC 8656 §12.2: a channel number beyond 0x4000 to 0x4fff is answered with 400",
    expected: "400",
};
const NAMED: Duty = Duty {
    text: "RFC 8656 §12.2: a ChannelBind without CHANNEL-NUMBER or peer is answered with 400",
    expected: "400",
};

fn number(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut allocation = bench.allocation()?;
    let peer = bench.peer(allocation.relayed)?;
    // RFC 5766 had channels up to 0x7fff; 0x8000 and more never were.
    for number in [0x0000, 0x3fff, 0x8000, 0xffff] {
        let reply = allocation.bind_channel(number, peer.address)?;
        bench.refused(IN_RANGE, &reply, 400);
    }
    let reply = allocation.bind_channel(0x5000, peer.address)?;
    let met = reply.code() == 400;
    bench.should(IN_RANGE, met, format!("0x5000, a channel of RFC 5766: {}", reply.told()));
    let reply = allocation.client.ask(request(Method::CHANNEL_BIND))?;
    bench.refused(NAMED, &reply, 400);
    allocation.delete()?;
    Ok(())
}

pub(crate) const BOUND_ONCE: Case = Case {
    id: "turn-server/channel-bound-once",
    title: "a channel has one peer, and a peer one channel",
    tests: &["RFC 8656 §12.2"],
    only: None,
    play: bound_once,
};

const ONE_PEER: Duty = Duty {
    text: "RFC 8656 §12.2: a channel that is bound to another peer is answered with 400",
    expected: "400",
};
const ONE_CHANNEL: Duty = Duty {
    text: "RFC 8656 §12.2: a peer that is bound to another channel is answered with 400",
    expected: "400",
};
const AGAIN: Duty =
    Duty { text: "RFC 8656 §12.2: the same binding again refreshes it", expected: "success" };

fn bound_once(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (mut allocation, peer) = bound(bench)?;
    let other = bench.peer(allocation.relayed)?;
    let reply = allocation.bind_channel(NUMBER_USED, other.address)?;
    bench.refused(ONE_PEER, &reply, 400);
    let reply = allocation.bind_channel(NUMBER_USED + 1, peer.address)?;
    bench.refused(ONE_CHANNEL, &reply, 400);
    let reply = allocation.bind_channel(NUMBER_USED, peer.address)?;
    bench.met(AGAIN, reply.is_success(), reply.told());
    allocation.delete()?;
    Ok(())
}

pub(crate) const UNBOUND: Case = Case {
    id: "turn-server/channel-unbound",
    title: "data in a channel nobody bound goes nowhere",
    tests: &["RFC 8656 §12.6"],
    only: None,
    play: unbound,
};

const NOWHERE: Duty = Duty {
    text: "RFC 8656 §12.6: ChannelData of a channel that is not bound is discarded",
    expected: "silence, and a Refresh that succeeds",
};

fn unbound(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (mut allocation, peer) = bound(bench)?;
    let packet = channel_data(NUMBER_USED + 1, b"into the void")?;
    stray(bench, &mut allocation, &peer, &packet, NOWHERE)
}

pub(crate) const TOO_LONG: Case = Case {
    id: "turn-server/channel-too-long",
    title: "ChannelData that says to be longer than its datagram",
    tests: &["RFC 8656 §12.6"],
    only: Some(Transport::Udp),
    play: too_long,
};

const LIES: Duty = Duty {
    text: "RFC 8656 §12.6: ChannelData whose length is more than there is is discarded",
    expected: "silence, and a Refresh that succeeds",
};

fn too_long(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let (mut allocation, peer) = bound(bench)?;
    let mut packet = channel_data(NUMBER_USED, b"short")?;
    packet[2..4].copy_from_slice(&1000_u16.to_be_bytes());
    stray(bench, &mut allocation, &peer, &packet, LIES)
}

/// Sends what must go nowhere.
fn stray(
    bench: &mut Bench<'_>,
    allocation: &mut Allocation,
    peer: &Peer,
    packet: &[u8],
    duty: Duty,
) -> Result<(), Stop> {
    allocation.client.send(packet)?;
    let heard = peer.hears(QUIET)?;
    let lives = allocation.client.ask(request(Method::REFRESH))?.is_success();
    let told = match &heard {
        Some((data, _)) => format!("{} bytes reach the peer", data.len()),
        None if lives => "silence".to_owned(),
        None => "silence, and the allocation is gone".to_owned(),
    };
    bench.met(duty, heard.is_none() && lives, told);
    allocation.delete()?;
    Ok(())
}
