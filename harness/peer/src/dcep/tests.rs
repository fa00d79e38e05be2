//! Duties of RFC 8831 and RFC 8832, and two tables over two associations.

use std::time::Duration;

use rtcspec_wire::dcep::{Message as Dcep, Open};
use rtcspec_wire::sctp::{Ppid, StreamId};

use super::*;
use crate::dtls::Role;
use crate::rng::Rng;
use crate::sctp::{self, Association, Config, Reliability};

fn client() -> Channels {
    let mut channels = Channels::new();
    channels.connected(Role::Client, 65_535, 65_536);
    channels
}

fn outputs(channels: &mut Channels) -> Vec<Output> {
    std::iter::from_fn(|| channels.poll_output()).collect()
}

fn events(channels: &mut Channels) -> Vec<Event> {
    std::iter::from_fn(|| channels.poll_event()).collect()
}

fn labelled(label: &str) -> Options {
    Options { label: label.into(), ..Options::default() }
}

fn open_bytes(label: &str) -> Vec<u8> {
    Dcep::Open(Open::new(label, "").expect("short")).to_bytes()
}

#[test]
fn streams_are_even_for_the_client_and_odd_for_the_server() {
    for (role, expected) in [(Role::Client, [0, 2, 4]), (Role::Server, [1, 3, 5])] {
        let mut channels = Channels::new();
        let early = channels.create(labelled("early")).expect("allowed");
        assert_eq!(channels.get(early).expect("there").stream, None);
        channels.connected(role, 65_535, 65_536);
        let later: Vec<ChannelId> =
            ["b", "c"].map(|l| channels.create(labelled(l)).expect("ok")).into();
        let got = [early, later[0], later[1]].map(|id| channels.get(id).and_then(|c| c.stream));
        assert_eq!(got, expected.map(|stream| Some(StreamId(stream))));
    }
}

#[test]
fn open_is_reliable_and_ordered_even_on_a_lossy_channel() {
    let mut channels = client();
    let options = Options { ordered: false, max_retransmits: Some(0), ..labelled("é€😀") };
    channels.create(options).expect("allowed");
    let [Output::Send(open)] = &outputs(&mut channels)[..] else { panic!("one OPEN") };
    assert_eq!((open.ppid, open.reliability), (Ppid::DCEP, Reliability::RELIABLE));
    let Ok(Dcep::Open(open)) = Dcep::parse(&open.data) else { panic!("an OPEN") };
    assert_eq!(open.label.as_str(), "é€😀");
    assert_eq!(open.channel_type(), 0x81);
}

#[test]
fn data_before_the_ack_is_sent_ordered_and_unordered_after_it() {
    let mut channels = client();
    let options = Options { ordered: false, ..labelled("u") };
    let id = channels.create(options).expect("allowed");
    channels.send(id, Payload::Text("early".into())).expect("allowed after OPEN");
    channels.received(StreamId(0), Ppid::DCEP, &[2]);
    channels.send(id, Payload::Text("late".into())).expect("open");
    let ordered: Vec<bool> = outputs(&mut channels)
        .into_iter()
        .map(|output| matches!(output, Output::Send(out) if out.reliability.ordered))
        .collect();
    assert_eq!(ordered, [true, true, false]);
    assert_eq!(events(&mut channels), [Event::Open(id)]);
}

#[test]
fn message_on_the_channel_stands_for_a_lost_ack() {
    let mut channels = client();
    let id = channels.create(labelled("x")).expect("allowed");
    channels.received(StreamId(0), Ppid::STRING, b"hi");
    assert_eq!(
        events(&mut channels),
        [Event::Open(id), Event::Message(id, Payload::Text("hi".into()))]
    );
}

#[test]
fn ack_of_four_bytes_as_pion_sends_it_opens_the_channel() {
    let mut channels = client();
    let id = channels.create(labelled("a")).expect("allowed");
    channels.received(StreamId(0), Ppid::DCEP, &[2, 0, 0, 0]);
    assert_eq!(events(&mut channels), [Event::Open(id)]);
}

#[test]
fn open_of_the_peer_is_acknowledged_and_announced() {
    let mut channels = client();
    channels.received(StreamId(1), Ppid::DCEP, &open_bytes("theirs"));
    let [Event::Incoming(id)] = events(&mut channels)[..] else { panic!("a channel") };
    let channel = channels.get(id).expect("there");
    assert_eq!((channel.options.label.as_str(), channel.state), ("theirs", State::Open));
    let [Output::Send(ack)] = &outputs(&mut channels)[..] else { panic!("an ACK") };
    assert_eq!((ack.stream, ack.ppid, &ack.data[..]), (StreamId(1), Ppid::DCEP, &[2][..]));
}

#[test]
fn open_of_the_wrong_parity_is_refused_without_ack() {
    // libpeer #273, SIPSorcery C2.
    let mut channels = client();
    channels.received(StreamId(2), Ppid::DCEP, &open_bytes("wrong"));
    assert_eq!(outputs(&mut channels), [Output::Reset(StreamId(2))]);
    assert_eq!(events(&mut channels), [Event::Refused { stream: StreamId(2) }]);
    assert_eq!(channels.iter().count(), 0);
}

#[test]
fn second_open_on_a_stream_closes_the_channel() {
    // str0m #873 looped on it.
    let mut channels = client();
    channels.received(StreamId(1), Ppid::DCEP, &open_bytes("one"));
    channels.received(StreamId(1), Ppid::DCEP, &open_bytes("two"));
    let acks = outputs(&mut channels);
    assert_eq!(acks.len(), 2);
    assert_eq!(acks[1], Output::Reset(StreamId(1)));
    assert_eq!(channels.iter().count(), 1);
}

#[test]
fn malformed_open_is_refused_and_an_unknown_message_ignored() {
    let mut channels = client();
    let open = open_bytes("label");
    channels.received(StreamId(1), Ppid::DCEP, &open[..14]);
    assert_eq!(outputs(&mut channels), [Output::Reset(StreamId(1))]);
    channels.received(StreamId(3), Ppid::DCEP, &[0x77, 1, 2]);
    assert_eq!(outputs(&mut channels), []);
}

#[test]
fn negotiated_channel_opens_without_a_word() {
    let mut channels = Channels::new();
    let options = Options { negotiated: Some(StreamId(7)), ordered: false, ..labelled("n") };
    let id = channels.create(options.clone()).expect("allowed");
    let stream = StreamId(7);
    assert_eq!(channels.create(options), Err(Error::StreamInUse { stream }));
    channels.connected(Role::Client, 65_535, 65_536);
    assert_eq!(events(&mut channels), [Event::Open(id)]);
    assert_eq!(outputs(&mut channels), []);
    channels.send(id, Payload::Binary(vec![1])).expect("open");
    let [Output::Send(out)] = &outputs(&mut channels)[..] else { panic!("a message") };
    assert!(!out.reliability.ordered);
}

#[test]
fn stream_65535_and_both_limits_are_refused() {
    let mut channels = Channels::new();
    let stream = StreamId(65_535);
    let options = Options { negotiated: Some(stream), ..Options::default() };
    assert_eq!(channels.create(options), Err(Error::BadStream { stream }));
    let both =
        Options { max_retransmits: Some(1), max_packet_life_time: Some(1), ..Options::default() };
    assert_eq!(channels.create(both), Err(Error::TwoLimits));
}

#[test]
fn streams_run_out_at_half_the_association_and_are_used_again_after_close() {
    let mut channels = Channels::new();
    channels.connected(Role::Server, 7, 65_536);
    let ids: Vec<ChannelId> =
        (0..3).map(|_| channels.create(Options::default()).expect("1, 3, 5")).collect();
    assert_eq!(channels.create(Options::default()), Err(Error::NoStreamLeft));
    channels.close(ids[1]);
    assert_eq!(channels.create(Options::default()), Err(Error::NoStreamLeft));
    channels.outgoing_reset(StreamId(3));
    assert_eq!(channels.create(Options::default()), Err(Error::NoStreamLeft));
    channels.incoming_reset(&[StreamId(3)]);
    let again = channels.create(Options::default()).expect("3 is free again");
    assert_eq!(channels.get(again).and_then(|c| c.stream), Some(StreamId(3)));
}

#[test]
fn all_65534_streams_of_two_sides_can_be_had() {
    let mut channels = client();
    for _ in 0..32_768 {
        channels.create(Options::default()).expect("even streams up to 65534");
    }
    assert_eq!(channels.create(Options::default()), Err(Error::NoStreamLeft));
}

#[test]
fn empty_messages_have_identifiers_of_their_own() {
    let mut channels = client();
    let id = channels.create(labelled("e")).expect("allowed");
    outputs(&mut channels);
    for (payload, ppid) in [
        (Payload::Text(String::new()), Ppid::STRING_EMPTY),
        (Payload::Binary(vec![]), Ppid::BINARY_EMPTY),
    ] {
        channels.send(id, payload.clone()).expect("allowed");
        let [Output::Send(out)] = &outputs(&mut channels)[..] else { panic!("a message") };
        assert_eq!((out.ppid, &out.data[..]), (ppid, &[0][..]));
        channels.received(StreamId(0), out.ppid, &out.data);
        assert_eq!(events(&mut channels).pop(), Some(Event::Message(id, payload)));
    }
}

#[test]
fn deprecated_partial_messages_are_joined() {
    let mut channels = client();
    let id = channels.create(labelled("p")).expect("allowed");
    channels.received(StreamId(0), Ppid::BINARY_PARTIAL, &[1, 2]);
    channels.received(StreamId(0), Ppid::BINARY_PARTIAL, &[3]);
    channels.received(StreamId(0), Ppid::BINARY, &[4]);
    let expected = Event::Message(id, Payload::Binary(vec![1, 2, 3, 4]));
    assert_eq!(events(&mut channels).pop(), Some(expected));
}

#[test]
fn message_in_parts_that_is_longer_than_announced_is_dropped_as_a_whole() {
    let mut channels = Channels::taking(100);
    // What the peer takes is another matter.
    channels.connected(Role::Client, 65_535, usize::MAX);
    let id = channels.create(labelled("p")).expect("allowed");
    channels.received(StreamId(0), Ppid::DCEP, &[2]);
    events(&mut channels);
    for last in [40, 41] {
        channels.received(StreamId(0), Ppid::BINARY_PARTIAL, &[1; 60]);
        channels.received(StreamId(0), Ppid::BINARY, &vec![2; last]);
        let expected = match last {
            40 => Event::Message(id, Payload::Binary([vec![1; 60], vec![2; 40]].concat())),
            _ => Event::TooLong(id),
        };
        assert_eq!(events(&mut channels), [expected]);
    }
    for _ in 0..1000 {
        channels.received(StreamId(0), Ppid::BINARY_PARTIAL, &[1; 60]);
    }
    channels.received(StreamId(0), Ppid::BINARY, &[2]);
    assert_eq!(events(&mut channels), [Event::TooLong(id)], "told once, and nothing is delivered");
    channels.received(StreamId(0), Ppid::BINARY, &[3; 300]);
    let next = Event::Message(id, Payload::Binary(vec![3; 300]));
    assert_eq!(events(&mut channels), [next], "in one piece, SCTP has bounded it");
}

#[test]
fn message_over_the_limit_of_the_peer_is_not_sent() {
    let mut channels = Channels::new();
    channels.connected(Role::Client, 10, 100);
    let id = channels.create(labelled("m")).expect("allowed");
    assert_eq!(channels.send(id, Payload::Binary(vec![0; 100])), Ok(()));
    let too_long = Error::TooLong { length: 101, limit: 100 };
    assert_eq!(channels.send(id, Payload::Binary(vec![0; 101])), Err(too_long));
}

#[test]
fn open_on_a_stream_whose_channel_is_not_quite_closed_waits_for_it() {
    // str0m #883: a stream used again in that moment.
    let mut channels = client();
    channels.received(StreamId(1), Ppid::DCEP, &open_bytes("old"));
    channels.incoming_reset(&[StreamId(1)]);
    outputs(&mut channels);
    events(&mut channels);
    channels.received(StreamId(1), Ppid::DCEP, &open_bytes("new"));
    channels.received(StreamId(1), Ppid::STRING, b"x");
    assert_eq!(events(&mut channels), []);
    channels.outgoing_reset(StreamId(1));
    let events = events(&mut channels);
    assert!(matches!(
        events[..],
        [Event::Closed(old), Event::Incoming(new), Event::Message(with, _)] if old != new && new == with
    ));
}

#[test]
fn message_without_channel_is_told_and_harmless() {
    let mut channels = client();
    channels.received(StreamId(9), Ppid::STRING, b"x");
    channels.received(StreamId(9), Ppid(99), b"x");
    let stray = |ppid| Event::Stray { stream: StreamId(9), ppid };
    assert_eq!(events(&mut channels), [stray(Ppid::STRING), stray(Ppid(99))]);
}

/// A table on an association.
struct End {
    channels: Channels,
    association: Association,
    role: Role,
    seen: Vec<Event>,
}

impl End {
    fn new(role: Role, seed: u64) -> Self {
        let association = Association::new(Config::default(), Rng::new(seed));
        Self { channels: Channels::new(), association, role, seen: Vec::new() }
    }

    fn pump(&mut self, now: Duration) {
        while let Some(event) = self.association.poll_event() {
            match event {
                sctp::Event::Connected => {
                    let streams = self.association.outbound_streams();
                    self.channels.connected(self.role, streams, 262_144);
                }
                sctp::Event::Message(message) => {
                    self.channels.received(message.stream, message.ppid, &message.data);
                }
                sctp::Event::IncomingReset(streams) => self.channels.incoming_reset(&streams),
                sctp::Event::OutgoingReset(stream) => self.channels.outgoing_reset(stream),
                sctp::Event::ResetRefused { stream, .. } => self.channels.reset_refused(stream),
                sctp::Event::Closed(_) => self.channels.disconnected(),
                _ => {}
            }
        }
        while let Some(output) = self.channels.poll_output() {
            match output {
                Output::Send(out) => {
                    let sent =
                        self.association.send(now, out.stream, out.ppid, out.data, out.reliability);
                    sent.expect("the association takes it");
                }
                Output::Reset(stream) => self.association.reset_stream(now, stream),
            }
        }
        self.seen.extend(events(&mut self.channels));
    }
}

/// Runs two ends over a link that loses every `nth` packet (0: none).
fn run(a: &mut End, b: &mut End, now: &mut Duration, duration: Duration, nth: u64) {
    let end = *now + duration;
    let mut count = 0;
    while *now < end {
        for _ in 0..4 {
            a.pump(*now);
            b.pump(*now);
            for from_a in [true, false] {
                let (from, to) = if from_a { (&mut *a, &mut *b) } else { (&mut *b, &mut *a) };
                while let Some(packet) = from.association.poll_transmit() {
                    count += 1;
                    if nth == 0 || count % nth != 0 {
                        let bytes = from.association.encode(&packet).expect("it fits");
                        to.association.receive(*now, &bytes);
                    }
                }
            }
        }
        *now += Duration::from_millis(10);
        a.association.advance(*now);
        b.association.advance(*now);
    }
}

#[test]
fn hundred_channels_open_talk_close_and_open_again_under_loss() {
    for nth in [0, 5] {
        let (mut a, mut b) = (End::new(Role::Client, 1), End::new(Role::Server, 2));
        let mut now = Duration::ZERO;
        a.association.connect(now);
        for round in 0..2 {
            let ids: Vec<ChannelId> = (0..50)
                .map(|n| a.channels.create(labelled(&format!("a{n}"))).expect("ok"))
                .collect();
            let theirs: Vec<ChannelId> = (0..50)
                .map(|n| b.channels.create(labelled(&format!("b{n}"))).expect("ok"))
                .collect();
            run(&mut a, &mut b, &mut now, Duration::from_secs(30), nth);
            for id in &ids {
                assert_eq!(a.channels.get(*id).map(|c| c.state), Some(State::Open), "{round}");
                a.channels.send(*id, Payload::Text("hello".into())).expect("open");
            }
            run(&mut a, &mut b, &mut now, Duration::from_secs(30), nth);
            let texts = b.seen.iter().filter(|e| matches!(e, Event::Message(..))).count();
            assert_eq!(texts, 50 * (round + 1));
            ids.iter().for_each(|id| a.channels.close(*id));
            theirs.iter().for_each(|id| b.channels.close(*id));
            run(&mut a, &mut b, &mut now, Duration::from_secs(120), nth);
            for channels in [&a.channels, &b.channels] {
                assert!(channels.iter().all(|(_, channel)| channel.state == State::Closed));
            }
        }
        let highest = a.channels.iter().filter_map(|(_, channel)| channel.stream).max();
        assert!(highest.is_some_and(|stream| stream.0 < 200));
    }
}
