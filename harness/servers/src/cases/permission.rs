//! Permissions, Send and Data, and whom a server may relay to (RFC 8656 §9 to §11).

use std::net::{IpAddr, SocketAddr, UdpSocket};

use rtcspec_suite::verdict::Verdict;
use rtcspec_wire::stun::{AddressFamily, Attribute, Message, Method, View};

use crate::Case;
use crate::bench::{Allocation, Bench, Duty, Heard, PATIENCE, Peer, QUIET, Stop, is_own};
use crate::client::{fresh_id, plain, request};
use crate::wire::datagram;

/// Datagrams get lost on real networks.
const TRIES: usize = 3;

/// What the peer hears of what is sent, tried a few times.
pub(super) fn towards_peer(
    peer: &Peer,
    mut send: impl FnMut() -> Result<(), Stop>,
) -> Result<Option<(Vec<u8>, SocketAddr)>, Stop> {
    for _ in 0..TRIES {
        send()?;
        if let Some(heard) = peer.hears(PATIENCE / 3)? {
            return Ok(Some(heard));
        }
    }
    Ok(None)
}

/// What the client hears of what the peer sends, with its packet.
pub(super) fn towards_client(
    allocation: &mut Allocation,
    peer: &Peer,
    data: &[u8],
) -> Result<Option<Heard>, Stop> {
    for _ in 0..TRIES {
        peer.send(allocation.relayed, data)?;
        if let Some(heard) = allocation.hears(PATIENCE / 3)? {
            return Ok(Some(heard));
        }
    }
    Ok(None)
}

pub(crate) const NEEDED: Case = Case {
    id: "turn-server/no-permission",
    title: "without a permission nothing is relayed in either direction",
    tests: &["RFC 8656 §9", "RFC 8656 §11.2", "RFC 8656 §11.3"],
    only: None,
    play: needed,
};

const NOT_OUT: Duty = Duty {
    text: "RFC 8656 §11.2: a Send indication for a peer without permission is discarded",
    expected: "the peer hears nothing",
};
const NOT_IN: Duty = Duty {
    text: "RFC 8656 §11.3: what comes from a peer without permission is discarded",
    expected: "the client hears nothing",
};
const THEN: Duty = Duty {
    text: "RFC 8656 §9: with the permission both directions flow",
    expected: "both hear the other",
};

fn needed(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut allocation = bench.allocation()?;
    let peer = bench.peer(allocation.relayed)?;
    allocation.send(peer.address, b"without permission")?;
    let out = peer.hears(QUIET)?.is_some();
    peer.send(allocation.relayed, b"without permission")?;
    let back = allocation.hears(QUIET)?.is_some();
    let told = |heard| if heard { "it is relayed" } else { "silence" };
    allocation.permit(peer.address)?;
    // That it would have been heard is known once it is, with a permission.
    let heard = towards_peer(&peer, || allocation.send(peer.address, b"with permission"))?;
    let answered = towards_client(&mut allocation, &peer, b"with permission")?;
    bench.met(NOT_OUT, !out, told(out));
    bench.met(NOT_IN, !back, told(back));
    let both = heard.is_some() && answered.is_some();
    let direction = |heard| if heard { "heard" } else { "not heard" };
    let told = format!(
        "the peer: {}, the client: {}",
        direction(heard.is_some()),
        direction(answered.is_some())
    );
    bench.met(THEN, both, told);
    allocation.delete()?;
    Ok(())
}

pub(crate) const DATA: Case = Case {
    id: "turn-server/send-and-data",
    title: "indications carry bytes unchanged, from and to the right addresses",
    tests: &["RFC 8656 §11.2", "RFC 8656 §11.3", "RFC 8656 §11.4"],
    only: None,
    play: data,
};

const FROM_RELAY: Duty = Duty {
    text: "RFC 8656 §11.2: the peer gets the bytes from the relayed address",
    expected: "the same bytes, from XOR-RELAYED-ADDRESS",
};
const FROM_PEER: Duty = Duty {
    text: "RFC 8656 §11.3: the client gets a Data indication with the peer's address and the bytes",
    expected: "the same bytes, with XOR-PEER-ADDRESS of the peer",
};

fn data(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut allocation = bench.allocation()?;
    let peer = bench.peer(allocation.relayed)?;
    allocation.permit(peer.address)?;
    // Of all remainders modulo four, none, and as much as goes through any path.
    for length in [1, 2, 3, 4, 0, 1200] {
        let bytes: Vec<u8> = (0..length).map(|n: usize| n.to_le_bytes()[0]).collect();
        let heard = towards_peer(&peer, || allocation.send(peer.address, &bytes))?;
        let right = heard == Some((bytes.clone(), allocation.relayed));
        bench.met(FROM_RELAY, right, format!("{length} bytes: {}", said(heard.as_ref())));
        let answered = towards_client(&mut allocation, &peer, &bytes)?;
        let right = answered.as_ref().is_some_and(|heard| {
            heard.data == bytes && View::new(&heard.packet).xor_peer_address() == Some(peer.address)
        });
        let got = answered.map(|heard| {
            let from = View::new(&heard.packet).xor_peer_address();
            (heard.data, from.unwrap_or(allocation.relayed))
        });
        bench.met(FROM_PEER, right, format!("{length} bytes: {}", said(got.as_ref())));
    }
    allocation.delete()?;
    Ok(())
}

fn said(heard: Option<&(Vec<u8>, SocketAddr)>) -> String {
    heard.map_or_else(
        || "nothing arrived".to_owned(),
        |(data, from)| format!("{} bytes from {from}", data.len()),
    )
}

pub(crate) const ANY_PORT: Case = Case {
    id: "turn-server/permission-any-port",
    title: "a permission is for an address, whatever the port",
    tests: &["RFC 8656 §9"],
    only: None,
    play: any_port,
};

const ADDRESS_ONLY: Duty = Duty {
    text: "RFC 8656 §9: permissions are compared by IP address, ports do not count",
    expected: "another port of the same address is heard",
};

fn any_port(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut allocation = bench.allocation()?;
    let named = bench.peer(allocation.relayed)?;
    let other = bench.peer(allocation.relayed)?;
    allocation.permit(named.address)?;
    let heard = towards_client(&mut allocation, &other, b"from another port")?.is_some();
    bench.met(ADDRESS_ONLY, heard, if heard { "heard" } else { "not heard" });
    allocation.delete()?;
    Ok(())
}

pub(crate) const NO_PEER: Case = Case {
    id: "turn-server/permission-for-nobody",
    title: "a CreatePermission request without a peer",
    tests: &["RFC 8656 §10.2"],
    only: None,
    play: no_peer,
};

const WHO: Duty = Duty {
    text: "RFC 8656 §10.2: a request without XOR-PEER-ADDRESS is answered with 400",
    expected: "400",
};

fn no_peer(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut allocation = bench.allocation()?;
    let reply = allocation.client.ask(request(Method::CREATE_PERMISSION))?;
    bench.refused(WHO, &reply, 400);
    allocation.delete()?;
    Ok(())
}

pub(crate) const OTHER_FAMILY: Case = Case {
    id: "turn-server/peer-of-other-family",
    title: "a peer of another address family than the relay",
    tests: &["RFC 8656 §10.2", "RFC 8656 §12.2"],
    only: None,
    play: other_family,
};

const FAMILIES: Duty = Duty {
    text: "RFC 8656 §10.2, §12.2: a peer of another family than the relayed address is answered \
           with 443",
    expected: "443",
};

fn other_family(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut allocation = bench.allocation()?;
    // RFC 3849: an address of documents, which is nobody's.
    let peer = SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 9));
    let reply = allocation.ask_permission(peer)?;
    bench.refused(FAMILIES, &reply, 443);
    let reply = allocation.bind_channel(0x4000, peer)?;
    bench.refused(FAMILIES, &reply, 443);
    allocation.delete()?;
    Ok(())
}

pub(crate) const WITHOUT_ALLOCATION: Case = Case {
    id: "turn-server/permission-without-allocation",
    title: "permissions and channels where there is no allocation",
    tests: &["RFC 8656 §5"],
    only: None,
    play: without_allocation,
};

const NO_ALLOCATION: Duty = Duty {
    text: "RFC 8656 §5: a request for an allocation that does not exist is answered with 437",
    expected: "437",
};

fn without_allocation(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let relayed = SocketAddr::from(([192, 0, 2, 1], 9));
    let mut nothing = Allocation { client: bench.client()?, relayed, lifetime: 0, is_held: false };
    let reply = nothing.ask_permission(relayed)?;
    bench.refused(NO_ALLOCATION, &reply, 437);
    let reply = nothing.bind_channel(0x4000, relayed)?;
    bench.refused(NO_ALLOCATION, &reply, 437);
    Ok(())
}

pub(crate) const BROKEN_SEND: Case = Case {
    id: "turn-server/broken-send",
    title: "Send indications that are not whole are discarded, and do no harm",
    tests: &["RFC 8656 §11.2"],
    only: None,
    play: broken_send,
};

const QUIETLY: Duty = Duty {
    text: "RFC 8656 §11.2: a Send indication without DATA or XOR-PEER-ADDRESS is discarded",
    expected: "silence, and a Refresh that succeeds",
};

fn broken_send(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut allocation = bench.allocation()?;
    let peer = bench.peer(allocation.relayed)?;
    allocation.permit(peer.address)?;
    let parts = [Attribute::XorPeerAddress(peer.address), Attribute::Data(b"alone".to_vec())];
    for (place, part) in parts.iter().enumerate() {
        let message = Message::indication(Method::SEND, fresh_id()).with(part.clone());
        allocation.client.send(&plain(&message)?)?;
        let heard = peer.hears(QUIET)?.is_some() || allocation.client.hears(QUIET)?.is_some();
        let lives = allocation.client.ask(request(Method::REFRESH))?.is_success();
        let missing = if place == 0 { "DATA" } else { "XOR-PEER-ADDRESS" };
        let told = format!("without {missing}: heard {heard}, refreshed {lives}");
        bench.met(QUIETLY, !heard && lives, told);
    }
    allocation.delete()?;
    Ok(())
}

pub(crate) const OWN_ADDRESSES: Case = Case {
    id: "turn-server/own-addresses",
    title: "what a client may not reach through the server: the server itself",
    tests: &["RFC 8656 §10.2", "CVE-2020-26262", "CVE-2026-27624"],
    only: None,
    play: own_addresses,
};

const NOT_ITSELF: Duty = Duty {
    text: "RFC 8656 §10.2 lets a server forbid peers; loopback and unspecified addresses, also as \
           IPv4-mapped ones, are the server itself (CVE-2020-26262, CVE-2026-27624)",
    expected: "403, 443 or 400 for the permission and the channel",
};

/// Ways to say `this machine`.
const OWN: [&str; 6] = ["127.0.0.1", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0"];

fn own_addresses(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut allocations = vec![bench.allocation()?];
    let v6 = Attribute::RequestedAddressFamily(AddressFamily::V6);
    match bench.allocated(&[v6]) {
        Ok(allocation) => allocations.push(allocation),
        Err(Stop::Wrong(_) | Stop::Cannot(_)) => {}
        Err(other) => return Err(other),
    }
    for mut allocation in allocations {
        for text in OWN {
            if let Ok(ip) = text.parse() {
                own_address(bench, &mut allocation, ip)?;
            }
        }
        allocation.delete()?;
    }
    Ok(())
}

fn own_address(bench: &mut Bench<'_>, relay: &mut Allocation, ip: IpAddr) -> Result<(), Stop> {
    // Somebody who listens there, if the server runs on this machine.
    let place = if ip.is_ipv4() || ip.to_canonical().is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let witness = UdpSocket::bind(place).and_then(|socket| Ok((socket.local_addr()?, socket)));
    let (port, witness) = match witness {
        Ok((address, socket)) => (address.port(), Some(socket)),
        Err(_) => (9, None),
    };
    let peer = SocketAddr::new(ip, port);
    let permission = relay.ask_permission(peer)?;
    let channel = relay.bind_channel(0x4000 | (port & 0xfff), peer)?;
    let granted = permission.is_success() || channel.is_success();
    let mut reached = false;
    if permission.is_success() {
        relay.send(peer, b"rtcspec was here")?;
        if let Some(socket) = &witness {
            let heard = datagram(socket, QUIET).map_err(|e| Stop::Network(e.to_string()))?;
            reached = heard.is_some();
        }
    }
    // Who puts a server on loopback wants peers there, and says so to it.
    let meant = bench.target.address.ip().is_loopback() && ip.is_loopback();
    let verdict = match granted {
        false => Verdict::Pass,
        true if meant && is_own(ip) => Verdict::Info,
        true => Verdict::Fail,
    };
    let through = if reached { "; data arrived on this machine's loopback" } else { "" };
    let told = format!(
        "{ip} through {}: CreatePermission {}, ChannelBind {}{through}",
        relay.relayed,
        permission.told(),
        channel.told()
    );
    bench.rule(NOT_ITSELF, verdict, told);
    Ok(())
}

pub(crate) const RANGES: Case = Case {
    id: "turn-server/special-addresses",
    title: "which special addresses a client may reach through the server",
    tests: &["RFC 8656 §10.2", "RFC 6890"],
    only: None,
    play: ranges,
};

const SPECIAL: Duty = Duty {
    text: "RFC 8656 §10.2: whom a server forbids is its own decision; RFC 6890 lists what is special",
    expected: "known to who runs it",
};

fn ranges(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut allocation = bench.allocation()?;
    for (ip, what) in [
        ([169, 254, 169, 254], "link-local, where clouds keep their metadata"),
        ([10, 0, 0, 1], "private"),
        ([100, 64, 0, 1], "shared"),
        ([224, 0, 0, 251], "multicast"),
        ([255, 255, 255, 255], "broadcast"),
    ] {
        let reply = allocation.ask_permission(SocketAddr::from((ip, 9)))?;
        let granted = if reply.is_success() { "allowed" } else { "refused" };
        let ip = IpAddr::from(ip);
        bench.rule(SPECIAL, Verdict::Info, format!("{ip}, {what}: {granted}"));
    }
    allocation.delete()?;
    Ok(())
}
