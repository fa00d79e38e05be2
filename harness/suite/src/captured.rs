//! A capture as a session: who is who, from what an observer says of every datagram.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_capture::Capture;
use rtcspec_capture::net::Step;
use rtcspec_trace::watch::{Event, Kind, Observer, Purpose, Seen, Side};
use rtcspec_trace::{Carrier, Datagram, Party, Peer, Place, Profile, Server, Session};

/// Bytes of a capture that become a session.
const MOST: usize = 256 << 20;

/// Why a capture does not become a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CapturedError {
    /// It is bigger than what is held in memory.
    #[error("it holds more than {} MiB of datagrams; cut it to one session first", MOST >> 20)]
    TooBig,
}

/// What was seen, kept.
#[derive(Debug)]
struct Kept {
    number: u64,
    at: Duration,
    carrier: Carrier,
    source: SocketAddr,
    destination: SocketAddr,
    payload: Vec<u8>,
}

/// Reads a capture into a session called `title`; `progress` is told how far the file was read.
/// Gives what was wrong with the file, too.
///
/// # Errors
/// [`CapturedError`]
pub fn session(
    title: &str,
    capture: Capture,
    progress: &mut dyn FnMut(u64),
) -> Result<(Session, Vec<String>), CapturedError> {
    let Capture { mut frames, keys, dialogues, remarks, .. } = capture;
    let mut secrets: Vec<String> = keys.lines().iter().map(ToString::to_string).collect();
    let mut kept: Vec<Kept> = Vec::new();
    let (mut bytes, mut told) = (0, 0);
    loop {
        let step = frames.step(&mut |frame| {
            let Some(seen) = frame.whole() else { return };
            bytes += seen.payload.len() + size_of::<Kept>();
            kept.push(Kept {
                number: seen.number,
                at: seen.at,
                carrier: seen.carrier,
                source: seen.source,
                destination: seen.destination,
                payload: seen.payload.to_vec(),
            });
        });
        match step {
            _ if bytes > MOST => return Err(CapturedError::TooBig),
            Step::End => break,
            Step::Secrets(lines) => secrets.push(String::from_utf8_lossy(&lines).into_owned()),
            Step::Packet => {}
        }
        if frames.offset() >> 20 != told {
            told = frames.offset() >> 20;
            progress(frames.offset());
        }
    }
    let signals = dialogues.into_iter().next().map(|one| one.signals).unwrap_or_default();
    let mut session = Session {
        title: title.to_owned(),
        profile: Profile::Loose,
        signals,
        secrets,
        ..Session::default()
    };
    let places = places(&mut session, &kept);
    session.datagrams = kept.into_iter().map(|kept| datagram(kept, &places)).collect();
    let mut problems = remarks;
    problems.extend(frames.problems().first().iter().map(ToString::to_string));
    Ok((session, problems))
}

/// Who is at each address; peers and servers of the session are set.
fn places(session: &mut Session, kept: &[Kept]) -> BTreeMap<SocketAddr, Place> {
    let mut observer = Observer::new();
    session.signals.iter().for_each(|signal| observer.signal(0, signal));
    let mut votes: BTreeMap<SocketAddr, BTreeMap<Side, u32>> = BTreeMap::new();
    let mut servers: BTreeMap<IpAddr, bool> = BTreeMap::new();
    let mut hear = |event: &Event<'_>| {
        if event.relay.is_some() {
            return;
        }
        match &event.kind {
            Kind::Datagram(_) if event.from != Side::Unknown => {
                *votes.entry(event.outer.source).or_default().entry(event.from).or_default() += 1;
            }
            Kind::Stun(stun) if event.from == Side::Server => {
                let turn = servers.entry(event.outer.source.ip()).or_default();
                *turn |= stun.purpose == Purpose::Turn;
            }
            _ => {}
        }
    };
    for one in kept {
        let seen = Seen {
            number: one.number,
            at: one.at,
            carrier: one.carrier,
            source: one.source,
            destination: one.destination,
            payload: &one.payload,
        };
        observer.seen(&seen, &mut hear);
    }
    for (number, (address, turn)) in servers.into_iter().enumerate() {
        let name = if number == 0 { "server".to_owned() } else { format!("server-{number}") };
        session.servers.push(Server { name, addresses: vec![address], turn });
    }
    let mut places = BTreeMap::new();
    let mut own: [Vec<IpAddr>; 2] = Default::default();
    for (address, votes) in votes {
        let most = votes.into_iter().max_by_key(|(side, count)| (*count, std::cmp::Reverse(*side)));
        let place = match most.map(|(side, _)| side) {
            Some(Side::A) => Place::Peer(Party::A),
            Some(Side::B) => Place::Peer(Party::B),
            _ => {
                let known = session.servers.iter();
                match known.clone().position(|one| one.addresses.contains(&address.ip())) {
                    Some(index) => Place::Server(index),
                    None => continue,
                }
            }
        };
        if let Place::Peer(party) = place {
            let list = &mut own[usize::from(party == Party::B)];
            if !list.contains(&address.ip()) {
                list.push(address.ip());
            }
        }
        places.insert(address, place);
    }
    for (party, addresses) in [Party::A, Party::B].into_iter().zip(own) {
        let implementation = "captured".to_owned();
        session.peers.push(Peer { party, implementation, addresses, behind: Vec::new() });
    }
    places
}

fn datagram(kept: Kept, places: &BTreeMap<SocketAddr, Place>) -> Datagram {
    Datagram {
        number: kept.number,
        sent: kept.at,
        arrived: Some(kept.at),
        from: places.get(&kept.source).copied(),
        to: places.get(&kept.destination).copied(),
        carrier: kept.carrier,
        source: kept.source,
        destination: kept.destination,
        seen_source: kept.source,
        seen_destination: kept.destination,
        crossings: Vec::new(),
        lost: None,
        copies: 0,
        payload: kept.payload,
    }
}
