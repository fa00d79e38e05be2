//! From what was collected to sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use rtcspec_trace::{Party, Peer, Place, Profile, Server, Session, Signal, SignalBody};
use rtcspec_wire::candidate::CandidateView;
use rtcspec_wire::sdp::View;

use super::collect::{Collected, collect};
use super::nats;
use super::people::People;
use super::sightings::Kept;
use super::ways::Ways;
use crate::Capture;
use crate::net::Interface;
use crate::signalling::Dialogue;

/// Bytes of datagrams that are taken in: a transcript is made of all of them at once.
pub const MOST: usize = 256 << 20;
/// Characters of a stack's name that are taken over from its description.
const MAX_NAME: usize = 60;

/// The connections of a capture.
#[derive(Clone, Debug, Default)]
pub struct Conversations {
    /// One session for each connection, in the order they appear.
    pub sessions: Vec<Session>,
    /// What there is to say about the capture as a whole.
    pub remarks: Vec<String>,
}

/// Reads the rest of a capture and tells its connections apart. Their titles begin with `title`.
pub fn conversations(capture: &mut Capture, title: &str) -> Conversations {
    let mut collected = collect(capture);
    let mut people = People::of_all(&collected);
    let ufrags = ufrags(&capture.dialogues);
    let whose: BTreeMap<u32, usize> = people
        .keys()
        .filter_map(|id| {
            let own = match collected.ufrags.get(id) {
                Some(own) => own.iter().find_map(|ufrag| ufrags.get(ufrag)).copied(),
                // Without any check the only dialogue there is must do; a log of SCTP does not say
                // whose side it was kept at.
                None => {
                    (capture.dialogues.len() == 1 && !collected.plain.contains(id)).then_some(0)
                }
            };
            Some((*id, own?))
        })
        .collect();
    for (id, at) in &whose {
        let signals = capture.dialogues.get(*at).map(|dialogue| &dialogue.signals);
        if let Some(people) = people.get_mut(id) {
            signals.into_iter().flatten().for_each(|signal| announce(people, signal));
        }
    }
    claim(&mut collected, &people);
    let mut found = Conversations { sessions: Vec::new(), remarks: remarks(&collected) };
    let mut frames = by_connection(&mut collected);
    let relaying: BTreeSet<IpAddr> =
        collected.servers.iter().filter(|(_, turn)| **turn).map(|(at, _)| at.ip()).collect();
    let used: BTreeSet<usize> = whose.values().copied().collect();
    for (nth, (id, people)) in people.iter().enumerate() {
        let own = frames.remove(id).unwrap_or_default();
        let names = |interface| capture.frames.interface_name(interface);
        let mut session = session(own, people, &collected, &relaying, &names);
        session.title = if nth == 0 { title.to_owned() } else { format!("{title}#{}", nth + 1) };
        session.secrets = capture.keys.lines().to_vec();
        if let Some(dialogue) = whose.get(id).and_then(|at| capture.dialogues.get(*at)) {
            let last = session.datagrams.last().map_or(Duration::ZERO, |datagram| datagram.sent);
            session.signals = dialogue.timed(capture.frames.began(), last);
        }
        session.peers =
            [Party::A, Party::B].map(|party| peer(party, people, &session.signals)).to_vec();
        nats::add(&mut session, capture.several_views);
        found.sessions.push(session);
    }
    for (at, dialogue) in capture.dialogues.iter().enumerate() {
        if !used.contains(&at) {
            found.remarks.push(format!("{}: none of its ufrags is in the capture", dialogue.name));
        }
    }
    found
}

/// An address that was signalled as a host's is its, whether or not a check left from it.
fn announce(people: &mut People, signal: &Signal) {
    for (host, address) in candidates(&signal.body) {
        if host {
            people.announce(signal.from, address);
        }
    }
}

/// Gives what nobody claimed, as requests to servers, to the connection whose address it has.
fn claim(collected: &mut Collected, people: &BTreeMap<u32, People>) {
    let mut sockets = BTreeMap::new();
    let mut hosts = BTreeMap::new();
    // The first connection comes last, and stays.
    for (id, people) in people.iter().rev() {
        sockets.extend(people.sockets().map(|socket| (socket, *id)));
        hosts.extend(people.hosts().map(|host| (host, *id)));
    }
    for frame in collected.frames.iter_mut().filter(|frame| frame.connection.is_none()) {
        frame.connection = match frame.server {
            Some(server) => {
                let out = server == frame.first.destination;
                let client = if out { frame.first.source } else { frame.last().destination };
                sockets.get(&client).or_else(|| hosts.get(&client.ip())).copied()
            }
            None => {
                let ends = (&frame.first.source, &frame.last().destination);
                let ends = (sockets.get(ends.0), sockets.get(ends.1));
                ends.0.filter(|_| ends.0 == ends.1).copied()
            }
        };
        collected.others += u64::from(frame.connection.is_none());
    }
}

fn by_connection(collected: &mut Collected) -> BTreeMap<u32, Vec<Kept>> {
    let mut found: BTreeMap<u32, Vec<Kept>> = BTreeMap::new();
    for frame in std::mem::take(&mut collected.frames) {
        if let Some(id) = frame.connection {
            found.entry(id).or_default().push(frame);
        }
    }
    found
}

fn remarks(collected: &Collected) -> Vec<String> {
    let mut remarks = collected.closed.lines();
    if let Some(number) = collected.ended_at {
        let most = MOST >> 20;
        remarks.push(format!("more than {most} MiB: frame {number} and later ones are left out"));
    }
    for (count, what) in [
        (collected.others, "datagrams belong to no connection"),
        (collected.cut, "datagrams were cut by the capture and are left out"),
    ] {
        if count > 0 {
            remarks.push(format!("{count} {what}"));
        }
    }
    remarks
}

/// Which dialogue a ufrag is of.
fn ufrags(dialogues: &[Dialogue]) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for (at, dialogue) in dialogues.iter().enumerate().rev() {
        for signal in &dialogue.signals {
            match &signal.body {
                SignalBody::Description { sdp, .. } => {
                    let view = View::parse(sdp.as_bytes());
                    for section in view.sections() {
                        let own = section.attributes("ice-ufrag").map(String::from_utf8_lossy);
                        found.extend(own.map(|ufrag| (ufrag.into_owned(), at)));
                    }
                }
                SignalBody::Candidate { ufrag, .. } => {
                    found.extend(ufrag.clone().map(|ufrag| (ufrag, at)));
                }
            }
        }
    }
    found
}

fn session(
    own: Vec<Kept>,
    people: &People,
    collected: &Collected,
    relaying: &BTreeSet<IpAddr>,
    names: &dyn Fn(Interface) -> String,
) -> Session {
    let used: BTreeSet<IpAddr> = own.iter().filter_map(|frame| Some(frame.server?.ip())).collect();
    let (mut servers, mut numbers) = (Vec::new(), BTreeMap::new());
    let mut counts = [0_usize; 2];
    for ip in used {
        let turn = relaying.contains(&ip);
        let kind = if turn { "turn" } else { "stun" };
        let count = &mut counts[usize::from(turn)];
        *count += 1;
        let name = if *count == 1 { kind.to_owned() } else { format!("{kind}{count}") };
        numbers.insert(ip, servers.len());
        servers.push(Server { name, addresses: vec![ip], turn });
    }
    let placed = |frame: Kept| (people.places(&frame, &numbers, collected), frame);
    let placed: Vec<([Option<Place>; 2], Kept)> = own.into_iter().map(placed).collect();
    let ways = Ways::of(&placed, collected, names);
    let datagrams = placed.into_iter().map(|(ends, frame)| ways.datagram(ends, frame)).collect();
    let profile = Profile::Loose;
    Session { profile, servers, datagrams, ..Session::default() }
}

/// A peer with the addresses of its interfaces: those it signalled as hosts, then those it was seen
/// at, unless it signalled them as something else.
fn peer(party: Party, people: &People, signals: &[Signal]) -> Peer {
    let (mut addresses, mut known) = (Vec::new(), BTreeSet::new());
    let mut others = BTreeSet::new();
    let mut implementation = None;
    for signal in signals.iter().filter(|signal| signal.from == party) {
        if let SignalBody::Description { sdp, .. } = &signal.body {
            implementation = implementation.or_else(|| maker(sdp));
        }
        for (host, address) in candidates(&signal.body) {
            if !host {
                others.insert(address);
            } else if known.insert(address) {
                addresses.push(address);
            }
        }
    }
    let seen = people.addresses(party).filter(|address| !others.contains(address));
    addresses.extend(seen.filter(|address| known.insert(*address)));
    let implementation = implementation.unwrap_or_else(|| "unknown".to_owned());
    Peer { party, implementation, addresses, behind: Vec::new() }
}

/// Whether it is a host candidate, and its address.
fn candidates(body: &SignalBody) -> Vec<(bool, IpAddr)> {
    let one = |line: &str| {
        let view = CandidateView::new(line);
        Some((view.kind()? == "host", view.address()?.parse().ok()?))
    };
    match body {
        SignalBody::Candidate { candidate, .. } => one(candidate).into_iter().collect(),
        SignalBody::Description { sdp, .. } => {
            let view = View::parse(sdp.as_bytes());
            let lines = view.sections().flat_map(|section| {
                section.attributes("candidate").map(<[u8]>::to_vec).collect::<Vec<_>>()
            });
            lines.filter_map(|line| one(&String::from_utf8_lossy(&line))).collect()
        }
    }
}

/// Who wrote a description, where its `o=` line tells.
fn maker(sdp: &str) -> Option<String> {
    let origin = sdp.lines().find_map(|line| line.strip_prefix("o="))?;
    let user = origin.split(' ').next()?;
    // Firefox says a version there that has not changed for years.
    let name = user.split("...").next()?;
    let plain = |letter: char| if letter.is_control() { '_' } else { letter };
    let name: String = name.chars().take(MAX_NAME).map(plain).collect();
    (!matches!(name.as_str(), "" | "-")).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_s_name_has_no_control_characters_and_an_end() {
        let of = |user: &str| maker(&format!("v=0\r\no={user} 1 1 IN IP4 0.0.0.0\r\ns=-\r\n"));
        assert_eq!(of("mozilla...THIS_IS_SDPARTA-99.0").as_deref(), Some("mozilla"));
        assert_eq!(of("\u{1b}[2Jevil\u{7}...").as_deref(), Some("_[2Jevil_"));
        assert_eq!(of(&"x".repeat(500)).map(|name| name.len()), Some(MAX_NAME));
        assert_eq!((of("-"), of("")), (None, None));
    }
}
