//! Questions and answers on one link.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_wire::dns::{Data, Message, Name, PORT, Question, Record, RecordType};

use super::{Names, Resolver};
use crate::io::Transmit;
use crate::rng::Rng;

const ALICE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
const BOB: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));
const GROUP: &str = "224.0.0.251:5353";

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn group() -> SocketAddr {
    GROUP.parse().unwrap()
}

/// A datagram taken apart: from where, where to, and what it says.
fn sent(transmit: Option<Transmit>) -> Option<(SocketAddr, SocketAddr, Message)> {
    let Transmit::Udp { local, remote, data } = transmit? else { panic!("names go by UDP") };
    Some((local, remote, Message::parse(&data).unwrap()))
}

fn resolver() -> Resolver<&'static str> {
    Resolver::new(Rng::new(1))
}

/// Alice, who has announced her name.
fn alice() -> (Names, String) {
    let mut names = Names::new(Rng::new(2));
    let name = names.of(seconds(0), ALICE);
    names.advance(seconds(1));
    while names.poll_transmit().is_some() {}
    (names, name)
}

fn ask(name: &str, kind: RecordType, unicast: bool) -> Vec<u8> {
    let question = Question { name: name.parse().unwrap(), kind, unicast };
    Message::query(0, vec![question]).to_bytes().unwrap()
}

fn answer(name: &str, addresses: &[IpAddr]) -> Vec<u8> {
    let name: Name = name.parse().unwrap();
    let record =
        |ip: &IpAddr| Record { name: name.clone(), flush: true, ttl: 120, data: Data::from(*ip) };
    Message::response(addresses.iter().map(record).collect()).to_bytes().unwrap()
}

#[test]
fn a_name_is_a_random_uuid_that_stays_and_is_announced_twice_a_second_apart() {
    let mut names = Names::new(Rng::new(2));
    let name = names.of(seconds(0), ALICE);
    assert_eq!(names.of(seconds(9), ALICE), name);
    assert_ne!(names.of(seconds(0), BOB), name, "an address has a name of its own");
    // RFC 9562 §5.4: version and variant.
    assert_eq!((name.len(), &name[14..15], &name[36..]), (42, "4", ".local"));
    assert!(matches!(&name[19..20], "8" | "9" | "a" | "b"));
    names.set_interfaces(&[ALICE]);
    let (local, remote, message) = sent(names.poll_transmit()).unwrap();
    assert_eq!((local, remote), (SocketAddr::new(ALICE, PORT), group()));
    let [record] = &message.answers[..] else { panic!("{message:?}") };
    assert!(message.response && record.flush && record.ttl == 120);
    assert_eq!((record.name.to_string(), record.data.ip()), (name, ALICE));
    while names.poll_transmit().is_some() {}
    assert_eq!(names.wake(), Some(seconds(1)));
    names.advance(seconds(1));
    assert!(sent(names.poll_transmit()).is_some());
    assert_eq!((names.wake(), names.poll_transmit()), (None, None));
    names.close();
    let (_, remote, message) = sent(names.poll_transmit()).unwrap();
    assert_eq!((remote, message.answers[0].ttl), (group(), 0), "a goodbye");
}

#[test]
fn a_name_is_found_and_what_waits_for_it_gets_the_address() {
    let (mut names, name) = alice();
    let mut resolver = resolver();
    resolver.look_up(seconds(2), &name, "one", &[BOB]);
    resolver.look_up(seconds(2), &name.to_uppercase(), "two", &[BOB]);
    let (local, remote, query) = sent(resolver.poll_transmit()).unwrap();
    assert_eq!(resolver.poll_transmit(), None, "asked once for both");
    assert!(local.ip() == BOB && local.port() >= 49_152 && remote == group());
    let asked: Vec<_> = query.questions.iter().map(|asked| (asked.kind, asked.unicast)).collect();
    assert_eq!(asked, [(RecordType::A, true), (RecordType::AAAA, true)]);
    assert!(names.listens(remote));
    names.receive(seconds(2), local, &query.to_bytes().unwrap());
    let (from, to, told) = sent(names.poll_transmit()).unwrap();
    assert_eq!(names.poll_transmit(), None, "there is no other address");
    // RFC 6762 §6.7: as by a name server.
    assert_eq!((from, to), (SocketAddr::new(ALICE, PORT), local));
    assert_eq!((told.id, told.questions.len()), (0, 1));
    assert!(!told.answers[0].flush && told.answers[0].ttl <= 10);
    assert!(resolver.expects(local, from));
    assert!(!resolver.expects(local, SocketAddr::new(ALICE, 5354)), "RFC 6762 §6");
    resolver.receive(&told.to_bytes().unwrap());
    assert_eq!([resolver.found(), resolver.found()], [Some(("one", ALICE)), Some(("two", ALICE))]);
    assert_eq!((resolver.found(), resolver.wake()), (None, None));
}

#[test]
fn a_question_without_an_answer_is_asked_three_times_and_given_up() {
    let mut resolver = resolver();
    resolver.look_up(seconds(0), "a.local", "a", &[BOB, "2001:db8::2".parse().unwrap()]);
    let (mut asked, mut now) = (Vec::new(), seconds(0));
    loop {
        while let Some((_, remote, query)) = sent(resolver.poll_transmit()) {
            asked.push((now.as_secs(), remote.is_ipv6(), query.questions[0].unicast));
        }
        let Some(next) = resolver.wake() else { break };
        now = next;
        resolver.advance(now, &[BOB]);
    }
    assert_eq!(now, seconds(7));
    assert_eq!(asked, [(0, false, true), (0, true, true), (1, false, false), (3, false, false)]);
    resolver.receive(&answer("a.local", &[ALICE]));
    assert_eq!(resolver.found(), None, "too late");
}

#[test]
fn what_is_no_answer_is_ignored_and_so_is_a_name_with_two_addresses() {
    let mut resolver = resolver();
    resolver.look_up(seconds(0), "a.local", "a", &[BOB]);
    let mut query = answer("a.local", &[ALICE]);
    query[2] = 0;
    let mut failure = answer("a.local", &[ALICE]);
    failure[3] = 3;
    for data in [query, failure, answer("b.local", &[ALICE]), answer("a.local", &[]), vec![1, 2, 3]]
    {
        resolver.receive(&data);
        assert_eq!(resolver.found(), None);
        assert!(resolver.wake().is_some(), "it goes on asking");
    }
    resolver.receive(&answer("a.local", &[ALICE, BOB]));
    assert_eq!((resolver.found(), resolver.wake()), (None, None));
}

#[test]
fn who_answers_by_multicast_itself_is_answered_as_it_asks() {
    let (mut names, name) = alice();
    let full = SocketAddr::new(BOB, PORT);
    let now = seconds(10);
    names.receive(now, full, &ask(&name, RecordType::A, true));
    let (_, to, told) = sent(names.poll_transmit()).unwrap();
    assert_eq!((to, told.answers[0].ttl, told.questions.len()), (full, 120, 0), "by unicast");
    names.receive(now, full, &ask(&name, RecordType::ANY, false));
    assert_eq!(sent(names.poll_transmit()).unwrap().1, group());
    // RFC 6762 §5.4: nobody has heard it for a quarter of its time.
    names.receive(now + seconds(30), full, &ask(&name, RecordType::A, true));
    assert_eq!(sent(names.poll_transmit()).unwrap().1, group());
    for (name, kind) in [("b.local", RecordType::A), (name.as_str(), RecordType::AAAA)] {
        names.receive(now, full, &ask(name, kind, false));
        assert_eq!(names.poll_transmit(), None);
    }
    names.receive(now, full, &answer(&name, &[BOB]));
    names.receive(now, full, b"\x00");
    assert_eq!(names.poll_transmit(), None);
}

#[test]
fn many_names_are_not_all_looked_up() {
    let mut resolver = resolver();
    for number in 0..1000 {
        resolver.look_up(seconds(0), &format!("n{number}.local"), "n", &[BOB]);
    }
    let mut asked = 0;
    while resolver.poll_transmit().is_some() {
        asked += 1;
    }
    assert_eq!(asked, 32);
}

#[test]
fn a_message_that_asks_for_a_name_a_hundred_times_is_answered_once() {
    let (mut names, name) = alice();
    let question = Question { name: name.parse().unwrap(), kind: RecordType::ANY, unicast: false };
    let query = Message::query(0, vec![question; 100]).to_bytes().unwrap();
    names.receive(seconds(2), SocketAddr::new(BOB, PORT), &query);
    assert!(names.poll_transmit().is_some());
    assert_eq!(names.poll_transmit(), None);
}
