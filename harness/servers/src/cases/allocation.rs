//! Allocations: how they are made, kept and ended (RFC 8656 §7, §8).

use std::time::Duration;

use rtcspec_suite::verdict::Verdict;
use rtcspec_wire::stun::{AddressFamily, Attribute, AttributeType, Message, Method};

use super::stun::{REQUIRED, listed, unknown};
use crate::Case;
use crate::bench::{
    Allocation, Bench, Duty, Peer, QUIET, Stop, allocate, claim, counted, no_allocation,
};
use crate::client::{Reply, request};
use crate::target::Transport;

pub(crate) const ALLOCATE: Case = Case {
    id: "turn-server/allocate",
    title: "an Allocate request with credentials gives a relayed address",
    tests: &["RFC 8656 §7.2", "RFC 8656 §7.3"],
    only: None,
    play: one,
};

const WHOLE: Duty = Duty {
    text: "RFC 8656 §7.2: the response has XOR-RELAYED-ADDRESS, LIFETIME and XOR-MAPPED-ADDRESS",
    expected: "all three, a family that was not said to be another, and integrity",
};
const RANGE: Duty = Duty {
    text: "RFC 8656 §7.2: the relayed port should be one of 49152 to 65535",
    expected: "a port of the dynamic range",
};

fn one(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let reply = claim(&mut client, allocate())?;
    if matches!(reply.code(), 440 | 508) {
        return Err(no_allocation(&reply));
    }
    let view = reply.view();
    let relayed = view.xor_relayed_address();
    let whole = relayed.is_some_and(|relayed| relayed.is_ipv4())
        && view.lifetime().is_some()
        && view.xor_mapped_address().is_some();
    let genuine = client.is_genuine(&reply)?;
    bench.met(WHOLE, reply.is_success() && whole && genuine, reply.told());
    if let Some(relayed) = relayed {
        bench.should(RANGE, relayed.port() >= 49_152, relayed.to_string());
    }
    client.ask(request(Method::REFRESH).with(Attribute::Lifetime(0)))?;
    Ok(())
}

pub(crate) const MISMATCH: Case = Case {
    id: "turn-server/second-allocation",
    title: "a second Allocate request on a five-tuple that has an allocation",
    tests: &["RFC 8656 §7.2"],
    only: None,
    play: mismatch,
};

const TAKEN: Duty = Duty {
    text: "RFC 8656 §7.2: a five-tuple that has an allocation is answered with 437",
    expected: "437",
};

fn mismatch(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut allocation = bench.allocation()?;
    let request_again = wanted(&allocation);
    let reply = allocation.client.ask(request_again)?;
    bench.refused(TAKEN, &reply, 437);
    allocation.delete()?;
    Ok(())
}

pub(crate) const RETRANSMITTED: Case = Case {
    id: "turn-server/retransmitted",
    title: "an Allocate request that comes twice is answered twice with the same address",
    tests: &["RFC 8656 §7.2"],
    only: Some(Transport::Udp),
    play: retransmitted,
};

const SAME: Duty = Duty {
    text: "RFC 8656 §7.2: a retransmission over UDP, told by its transaction id, gets the same answer",
    expected: "success with the relayed address of the first answer",
};

fn retransmitted(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let mut bytes = Vec::new();
    let first = counted(|| {
        bytes = client.signature()?.sign(allocate())?;
        client.must(&bytes)
    })?;
    if !first.is_success() {
        return Err(no_allocation(&first));
    }
    let second = client.must(&bytes)?;
    let same = first.view().xor_relayed_address() == second.view().xor_relayed_address();
    let met = second.is_success() && same;
    bench.met(SAME, met, format!("{}; then {}", first.told(), second.told()));
    client.ask(request(Method::REFRESH).with(Attribute::Lifetime(0)))?;
    Ok(())
}

pub(crate) const NO_TRANSPORT: Case = Case {
    id: "turn-server/no-transport",
    title: "an Allocate request that does not say over what to relay",
    tests: &["RFC 8656 §7.2"],
    only: None,
    play: no_transport,
};

const MISSING: Duty = Duty {
    text: "RFC 8656 §7.2: a request without REQUESTED-TRANSPORT is answered with 400",
    expected: "400",
};

fn no_transport(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let reply = client.ask(request(Method::ALLOCATE))?;
    bench.refused(MISSING, &reply, 400);
    Ok(())
}

pub(crate) const WRONG_TRANSPORT: Case = Case {
    id: "turn-server/wrong-transport",
    title: "an Allocate request for a relay of a protocol nobody relays",
    tests: &["RFC 8656 §7.2"],
    only: None,
    play: wrong_transport,
};

const UNSUPPORTED: Duty = Duty {
    text: "RFC 8656 §7.2: a protocol that is not supported is answered with 442",
    expected: "442",
};

fn wrong_transport(bench: &mut Bench<'_>) -> Result<(), Stop> {
    // ICMP, and one that is nobody's (RFC 3692 §2.1 keeps 253 for experiments).
    for protocol in [1, 253] {
        let mut client = bench.client()?;
        let message = request(Method::ALLOCATE).with(Attribute::RequestedTransport(protocol));
        let reply = client.ask(message)?;
        bench.refused(UNSUPPORTED, &reply, 442);
    }
    Ok(())
}

pub(crate) const UNKNOWN_ATTRIBUTE: Case = Case {
    id: "turn-server/unknown-required",
    title: "an Allocate request with an attribute that must be understood and is not",
    tests: &["RFC 8489 §6.3.1"],
    only: None,
    play: unknown_attribute,
};

fn unknown_attribute(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let reply = claim(&mut client, allocate().with(unknown(REQUIRED)))?;
    listed(bench, &reply);
    Ok(())
}

pub(crate) const LIFETIME: Case = Case {
    id: "turn-server/lifetime",
    title: "lifetimes that are too short or too long are brought into bounds",
    tests: &["RFC 8656 §7.2"],
    only: None,
    play: lifetime,
};

const AT_LEAST: Duty = Duty {
    text: "RFC 8656 §7.2: a lifetime below the default of 600 s becomes the default",
    expected: "LIFETIME of 600 at least",
};
const AT_MOST: Duty = Duty {
    text: "RFC 8656 §7.2: no lifetime is longer than the server's most, for which 3600 s is said",
    expected: "LIFETIME of 3600 at most",
};

fn lifetime(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut short = bench.allocated(&[Attribute::Lifetime(10)])?;
    let given = short.lifetime;
    bench.should(AT_LEAST, given >= 600, format!("10 s asked for, {given} s given"));
    short.delete()?;
    let mut long = bench.allocated(&[Attribute::Lifetime(u32::MAX)])?;
    let given = long.lifetime;
    bench.should(AT_MOST, given <= 3600, format!("{} s asked for, {given} s given", u32::MAX));
    long.delete()?;
    Ok(())
}

pub(crate) const REFRESH: Case = Case {
    id: "turn-server/refresh",
    title: "an allocation is refreshed",
    tests: &["RFC 8656 §8.2"],
    only: None,
    play: refresh,
};

const REFRESHED: Duty = Duty {
    text: "RFC 8656 §8.2: a Refresh request is answered with the new LIFETIME",
    expected: "success with a LIFETIME that is not 0",
};

fn refresh(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut allocation = bench.allocation()?;
    let reply = allocation.client.ask(request(Method::REFRESH).with(Attribute::Lifetime(900)))?;
    let lives = reply.view().lifetime().is_some_and(|lifetime| lifetime > 0);
    bench.met(REFRESHED, reply.is_success() && lives, reply.told());
    allocation.delete()?;
    Ok(())
}

pub(crate) const DELETE: Case = Case {
    id: "turn-server/delete",
    title: "after a Refresh with lifetime 0 there is no allocation, and a new one can be made",
    tests: &["RFC 8656 §8.2", "RFC 8656 §5"],
    only: None,
    play: delete,
};

const ENDED: Duty = Duty {
    text: "RFC 8656 §8.2: a Refresh with LIFETIME 0 is answered with success, and ends the allocation",
    expected: "success, then 437 for CreatePermission",
};
const DEAF: Duty = Duty {
    text: "RFC 8656 §8.2: nothing comes from a relayed address that has ended",
    expected: "silence",
};
const ANEW: Duty =
    Duty { text: "RFC 8656 §8.2: the five-tuple may be used again", expected: "success" };

fn delete(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut allocation = bench.allocation()?;
    let peer = bench.peer(allocation.relayed)?;
    let permitted = allocation.ask_permission(peer.address)?.is_success();
    let ended = allocation.delete()?;
    let after = allocation.ask_permission(peer.address)?;
    let told = format!("{}; then {}", ended.told(), after.told());
    bench.met(ENDED, ended.is_success() && after.code() == 437, told);
    if permitted {
        peer.send(allocation.relayed, b"too late")?;
        let heard = allocation.hears(QUIET)?.is_some();
        bench.met(DEAF, !heard, if heard { "it relays on" } else { "silence" });
    }
    let request_again = wanted(&allocation);
    let again = claim(&mut allocation.client, request_again)?;
    bench.met(ANEW, again.is_success(), again.told());
    if permitted && !again.is_success() {
        let late = ends_after(&mut allocation, &peer)?;
        bench.rule(DEAF, Verdict::Info, late);
        // Over a stream, the connection may have ended with the allocation.
        return Ok(());
    }
    allocation.delete()?;
    Ok(())
}

/// The request for an allocation like that one.
fn wanted(allocation: &Allocation) -> Message {
    let v6 = Attribute::RequestedAddressFamily(AddressFamily::V6);
    if allocation.relayed.is_ipv6() { allocate().with(v6) } else { allocate() }
}

/// When an allocation that did not end at once is gone.
fn ends_after(allocation: &mut Allocation, peer: &Peer) -> Result<String, Stop> {
    const STEP: Duration = Duration::from_millis(500);
    for steps in 1..=10 {
        peer.send(allocation.relayed, b"are you there still?")?;
        if allocation.hears(STEP)?.is_none() {
            return Ok(format!("silence after {:?} more", STEP * (steps - 1)));
        }
        std::thread::sleep(STEP);
    }
    Ok("it relays for 5 s more and longer".to_owned())
}

pub(crate) const NOTHING_TO_REFRESH: Case = Case {
    id: "turn-server/nothing-to-refresh",
    title: "a Refresh request where there is no allocation",
    tests: &["RFC 8656 §5", "RFC 8656 §8.2"],
    only: None,
    play: nothing_to_refresh,
};

const NONE_THERE: Duty = Duty {
    text: "RFC 8656 §5: a request for an allocation that does not exist is answered with 437",
    expected: "437",
};

fn nothing_to_refresh(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let reply = client.ask(request(Method::REFRESH))?;
    bench.refused(NONE_THERE, &reply, 437);
    Ok(())
}

pub(crate) const EVEN_PORT: Case = Case {
    id: "turn-server/even-port",
    title: "an even port, and the next one reserved for later",
    tests: &["RFC 8656 §7.2", "RFC 8656 §18.7", "RFC 8656 §18.10"],
    only: None,
    play: even_port,
};

const EVEN: Duty = Duty {
    text: "RFC 8656 §7.2: EVEN-PORT gives an even port, and with its R bit a RESERVATION-TOKEN",
    expected: "success with an even port and a token; 508 where it cannot be had",
};
const NEXT: Duty = Duty {
    text: "RFC 8656 §7.2: with the token another allocation gets the next port",
    expected: "success with the next port",
};

fn even_port(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let reply = claim(&mut client, allocate().with(Attribute::EvenPort { reserve_next: true }))?;
    if matches!(reply.code(), 420 | 508) {
        return Err(Stop::Cannot(format!("it gives no even ports: {}", reply.told())));
    }
    let relayed = reply.view().xor_relayed_address();
    let token = reply.view().value(AttributeType::RESERVATION_TOKEN).map(<[u8]>::to_vec);
    let port = relayed.map_or(1, |address| address.port());
    bench.met(EVEN, port % 2 == 0 && token.is_some(), reply.told());
    if let Some(Ok(token)) = token.map(<[u8; 8]>::try_from) {
        let mut second = bench.client()?;
        let next = claim(&mut second, allocate().with(Attribute::ReservationToken(token)))?;
        let got = next.view().xor_relayed_address().map(|address| address.port());
        bench.met(NEXT, got == port.checked_add(1), next.told());
        second.ask(request(Method::REFRESH).with(Attribute::Lifetime(0)))?;
    }
    client.ask(request(Method::REFRESH).with(Attribute::Lifetime(0)))?;
    Ok(())
}

pub(crate) const EVEN_PORT_WITH_TOKEN: Case = Case {
    id: "turn-server/even-port-with-token",
    title: "a request that wants an even port and a reserved one",
    tests: &["RFC 8656 §7.2"],
    only: None,
    play: even_port_with_token,
};

const NOT_BOTH: Duty = Duty {
    text: "RFC 8656 §7.2: EVEN-PORT together with RESERVATION-TOKEN is answered with 400",
    expected: "400",
};

/// A server that knows of no reservations says so.
fn reservations(reply: &Reply) -> Result<(), Stop> {
    match reply.code() {
        420 => Err(Stop::Cannot(format!("it reserves no ports: {}", reply.told()))),
        _ => Ok(()),
    }
}

fn even_port_with_token(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let message = allocate()
        .with(Attribute::EvenPort { reserve_next: false })
        .with(Attribute::ReservationToken(*b"rtcspec!"));
    let reply = client.ask(message)?;
    reservations(&reply)?;
    bench.refused(NOT_BOTH, &reply, 400);
    client.ask(request(Method::REFRESH).with(Attribute::Lifetime(0)))?;
    Ok(())
}

pub(crate) const UNKNOWN_TOKEN: Case = Case {
    id: "turn-server/unknown-token",
    title: "a reservation nobody made",
    tests: &["RFC 8656 §7.2"],
    only: None,
    play: unknown_token,
};

const NO_SUCH: Duty = Duty {
    text: "RFC 8656 §7.2: a token that is not valid is answered with 508",
    expected: "508",
};

fn unknown_token(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let reply = claim(&mut client, allocate().with(Attribute::ReservationToken(*b"rtcspec!")))?;
    reservations(&reply)?;
    bench.refused(NO_SUCH, &reply, 508);
    client.ask(request(Method::REFRESH).with(Attribute::Lifetime(0)))?;
    Ok(())
}

pub(crate) const FAMILY: Case = Case {
    id: "turn-server/family",
    title: "an IPv6 relay, or the word that there is none",
    tests: &["RFC 8656 §7.2", "RFC 8656 §18.6"],
    only: None,
    play: family,
};

const ASKED_FOR: Duty = Duty {
    text: "RFC 8656 §7.2: REQUESTED-ADDRESS-FAMILY is kept, or answered with 440",
    expected: "an IPv6 address, or 440",
};

fn family(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let wanted = Attribute::RequestedAddressFamily(AddressFamily::V6);
    let reply = claim(&mut client, allocate().with(wanted))?;
    if reply.code() == 420 {
        return Err(Stop::Cannot(format!("it knows of no families: {}", reply.told())));
    }
    let given = reply.view().xor_relayed_address().is_some_and(|address| address.is_ipv6());
    bench.met(ASKED_FOR, given || reply.code() == 440, reply.told());
    client.ask(request(Method::REFRESH).with(Attribute::Lifetime(0)))?;
    Ok(())
}

pub(crate) const DONT_FRAGMENT: Case = Case {
    id: "turn-server/dont-fragment",
    title: "DONT-FRAGMENT is kept or refused",
    tests: &["RFC 8656 §7.2", "RFC 8656 §18.9"],
    only: None,
    play: dont_fragment,
};

const KEPT: Duty = Duty {
    text: "RFC 8656 §7.2: DONT-FRAGMENT is supported, or treated as an unknown attribute: 420",
    expected: "success, or 420",
};

fn dont_fragment(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let reply = claim(&mut client, allocate().with(Attribute::DontFragment))?;
    if matches!(reply.code(), 440 | 508) {
        return Err(no_allocation(&reply));
    }
    bench.met(KEPT, reply.is_success() || reply.code() == 420, reply.told());
    client.ask(request(Method::REFRESH).with(Attribute::Lifetime(0)))?;
    Ok(())
}

pub(crate) const QUOTA: Case = Case {
    id: "turn-server/quota",
    title: "how many allocations one user may have",
    tests: &["RFC 8656 §7.2"],
    only: None,
    play: quota,
};

/// Enough to see a quota meant for one person, and no burden.
const MANY: usize = 40;

const LIMITED: Duty = Duty {
    text: "RFC 8656 §7.2: a user's quota is the server's own; past it the answer is 486",
    expected: "486 at some number, or an allocation each time",
};

fn quota(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut held: Vec<Allocation> = Vec::new();
    let mut refusal = None;
    while refusal.is_none() && held.len() < MANY {
        let mut client = bench.client()?;
        let reply = client.ask(allocate())?;
        match reply.view().xor_relayed_address() {
            Some(relayed) => held.push(Allocation { client, relayed, lifetime: 0, is_held: true }),
            None => refusal = Some(reply),
        }
    }
    let count = held.len();
    for allocation in &mut held {
        allocation.delete()?;
    }
    let (verdict, told) = match &refusal {
        None => (Verdict::Info, format!("{count}, and no end was seen")),
        Some(reply) if held.is_empty() => return Err(no_allocation(reply)),
        Some(reply) if matches!(reply.code(), 300 | 403 | 486 | 508) => {
            (Verdict::Pass, format!("{count}, then {}", reply.told()))
        }
        Some(reply) => (Verdict::Fail, format!("{count}, then {}", reply.told())),
    };
    bench.rule(LIMITED, verdict, told);
    Ok(())
}
