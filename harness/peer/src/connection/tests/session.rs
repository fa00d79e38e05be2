//! Whole sessions: offer, answer, ICE, DTLS, SCTP, channels.

use std::time::Duration;

use super::super::data::Data;
use super::super::{
    ChannelId, ChannelInit, Config, ConnectionState, Event, IceConnectionState, Message, Peer,
    SdpType, SignalingState, TransportPolicy,
};
use super::link::Link;
use crate::dtls::{Role, Versions};
use crate::rng::Rng;

const LIMIT: Duration = Duration::from_secs(30);

fn config(versions: Versions) -> Config {
    let mut config = Config::default();
    config.dtls.versions = versions;
    config
}

fn configs(versions: Versions) -> [Config; 2] {
    [config(versions), config(versions)]
}

impl Link {
    /// Offer and answer, complete; no time passes.
    fn negotiate(&mut self, offerer: usize) {
        self.negotiate_with(offerer, false);
    }

    fn negotiate_with(&mut self, offerer: usize, ice_restart: bool) {
        let now = self.now;
        let answerer = 1 - offerer;
        let offer = self.peers[offerer].create_offer(now, ice_restart).unwrap();
        self.peers[offerer].set_local_description(now, SdpType::Offer, &offer).unwrap();
        self.peers[answerer].set_remote_description(now, SdpType::Offer, &offer).unwrap();
        let answer = self.peers[answerer].create_answer(now).unwrap();
        self.peers[answerer].set_local_description(now, SdpType::Answer, &answer).unwrap();
        self.peers[offerer].set_remote_description(now, SdpType::Answer, &answer).unwrap();
    }

    fn is_connected(&self) -> bool {
        self.peers.iter().all(|peer| peer.connection_state() == ConnectionState::Connected)
    }

    fn opened(&self, peer: usize) -> Vec<ChannelId> {
        let opened = |event: &Event| match event {
            Event::Open { channel, .. } => Some(*channel),
            _ => None,
        };
        self.events[peer].iter().filter_map(opened).collect()
    }

    fn messages(&self, peer: usize) -> Vec<(ChannelId, Message)> {
        let message = |event: &Event| match event {
            Event::Message { channel, message } => Some((*channel, message.clone())),
            _ => None,
        };
        self.events[peer].iter().filter_map(message).collect()
    }

    fn closed(&self, peer: usize) -> Vec<ChannelId> {
        let closed = |event: &Event| match event {
            Event::Closed(channel) => Some(*channel),
            _ => None,
        };
        self.events[peer].iter().filter_map(closed).collect()
    }

    /// A channel from `offerer`, open on both sides: its name on each side.
    fn open_channel(&mut self, offerer: usize, init: ChannelInit) -> [ChannelId; 2] {
        let now = self.now;
        let ours = self.peers[offerer].create_data_channel(now, init).unwrap();
        self.negotiate(offerer);
        assert!(self.run_until(LIMIT, |link| link.is_open(offerer)), "{:#?}", self.events);
        let theirs = *self.opened(1 - offerer).last().unwrap();
        let mut ids = [theirs; 2];
        ids[offerer] = ours;
        ids
    }

    fn is_open(&self, offerer: usize) -> bool {
        !self.opened(offerer).is_empty() && !self.opened(1 - offerer).is_empty()
    }

    /// A message there and back again.
    fn echo(&mut self, channels: [ChannelId; 2], message: &Message) {
        for from in 0..2 {
            let seen = self.messages(1 - from).len();
            self.peers[from].send(self.now, channels[from], message.clone()).unwrap();
            let limit = self.now + LIMIT;
            let came = |link: &Self| link.messages(1 - from).len() > seen;
            assert!(self.run_until(limit, came), "no message from {from}");
            let expected = (channels[1 - from], message.clone());
            assert_eq!(self.messages(1 - from).last(), Some(&expected));
        }
    }
}

fn text(text: &str) -> Message {
    Message::Text(text.to_owned())
}

/// What a peer lets be seen of itself, in text.
fn shown(link: &mut Link, side: usize) -> String {
    let now = link.now;
    let candidates = link.events[side].iter().filter_map(|event| match event {
        Event::Candidate(Some(candidate)) => Some(candidate.candidate.clone()),
        Event::SelectedPair { local, remote } => Some(format!("{local} {remote}")),
        _ => None,
    });
    let mut lines: Vec<String> = candidates.collect();
    lines.extend(link.peers[side].local_description(now));
    lines.join("\n")
}

#[test]
fn peers_that_hide_their_addresses_find_each_other_and_show_none() {
    for hiding in [vec![0, 1], vec![0], vec![1]] {
        let hides = |side| Config { mdns: hiding.contains(&side), ..config(Versions::Auto) };
        let mut link = Link::new(1, [hides(0), hides(1)]);
        let channels = link.open_channel(0, ChannelInit::reliable("chat"));
        link.echo(channels, &text("hello"));
        for side in 0..2 {
            let (own, text) = (format!("10.0.0.{}", side + 1), shown(&mut link, side));
            assert!(text.contains("candidate:"), "{text}");
            assert_eq!(!text.contains(&own), hiding.contains(&side), "{text}");
            let first = text.lines().next().unwrap_or_default();
            assert_eq!(first.contains(".local "), hiding.contains(&side), "{first}");
        }
    }
}

#[test]
fn names_that_nobody_answers_for_are_asked_for_and_then_ignored() {
    let mut link = Link::new(1, configs(Versions::Auto));
    link.trickles = false;
    let channel = ChannelInit::reliable("chat");
    link.peers[0].create_data_channel(link.now, channel).unwrap();
    link.negotiate(0);
    link.collect();
    let line =
        "candidate:1 1 udp 2130706431 3f3ef1c1-7de2-4a43-8a0a-6ff0ff9e9f1e.local 5000 typ host";
    let found = link.events[1].iter().find_map(|event| match event {
        Event::Candidate(Some(candidate)) => Some(candidate.clone()),
        _ => None,
    });
    let hidden = crate::jsep::IceCandidate { candidate: line.to_owned(), ..found.unwrap() };
    link.peers[0].add_ice_candidate(link.now, Some(hidden)).unwrap();
    link.run_for(Duration::from_secs(9));
    let asked: Vec<u64> =
        link.log.iter().filter(|(_, from, _)| *from == 0).map(|(at, ..)| at.as_secs()).collect();
    assert_eq!(asked, [0, 1, 3], "and nothing is checked");
    assert_eq!(link.peers[0].ice_connection_state(), IceConnectionState::Checking);
}

#[test]
fn channel_opens_and_echoes_with_either_version_and_either_offerer() {
    for versions in [Versions::Only12, Versions::Only13, Versions::Auto] {
        for offerer in 0..2 {
            let mut link = Link::new(1, configs(versions));
            let channels = link.open_channel(offerer, ChannelInit::reliable("chat"));
            link.echo(channels, &text("hello"));
            link.echo(channels, &Message::Binary(vec![7; 100_000]));
            link.echo(channels, &text(""));
            link.echo(channels, &Message::Binary(Vec::new()));
            assert!(link.is_connected());
        }
    }
}

#[test]
fn answerer_may_be_dtls_server_or_client() {
    for (role, client) in [(Role::Client, 1), (Role::Server, 0)] {
        let answerer = Config { dtls_role: Some(role), ..Config::default() };
        let mut link = Link::new(2, [Config::default(), answerer]);
        let channels = link.open_channel(0, ChannelInit::reliable("chat"));
        link.echo(channels, &text("hello"));
        let first_dtls = link.log.iter().find(|(_, _, data)| data[0] == 22).unwrap();
        assert_eq!(first_dtls.1, client);
    }
}

#[test]
fn remote_channel_has_the_init_of_the_one_that_was_created() {
    let init = ChannelInit {
        label: "überschuß".to_owned(),
        ordered: false,
        max_retransmits: Some(3),
        protocol: "proto".to_owned(),
        ..ChannelInit::reliable("")
    };
    let mut link = Link::new(3, configs(Versions::Auto));
    link.open_channel(0, init.clone());
    let told = link.events[1].iter().find_map(|event| match event {
        Event::Channel { init, .. } => Some(init.clone()),
        _ => None,
    });
    let told = told.unwrap();
    assert!(told.id.is_some());
    assert_eq!(ChannelInit { id: None, ..told }, init);
}

#[test]
fn negotiated_channel_needs_no_dcep() {
    let init = ChannelInit { negotiated: true, id: Some(7), ..ChannelInit::reliable("both") };
    let mut link = Link::new(4, configs(Versions::Auto));
    let ids = [0, 1].map(|side: usize| {
        link.peers[side].create_data_channel(Duration::ZERO, init.clone()).unwrap()
    });
    link.negotiate(0);
    assert!(link.run_until(LIMIT, |link| link.is_open(0)));
    link.echo(ids, &text("no handshake"));
    let announced = link.events[1].iter().any(|event| matches!(event, Event::Channel { .. }));
    assert!(!announced);
}

#[test]
fn closing_a_channel_closes_it_on_both_sides() {
    let mut link = Link::new(5, configs(Versions::Auto));
    let channels = link.open_channel(0, ChannelInit::reliable("short"));
    link.echo(channels, &text("hello"));
    let now = link.now;
    link.peers[1].close_data_channel(now, channels[1]);
    let limit = now + LIMIT;
    let both = |link: &Link| !link.closed(0).is_empty() && !link.closed(1).is_empty();
    assert!(link.run_until(limit, both));
    assert_eq!([link.closed(0), link.closed(1)], channels.map(|channel| vec![channel]));
    assert!(link.peers[0].send(link.now, channels[0], text("late")).is_err());
}

#[test]
fn later_channels_need_no_negotiation() {
    let mut link = Link::new(6, configs(Versions::Auto));
    link.open_channel(0, ChannelInit::reliable("first"));
    let now = link.now;
    for side in 0..2 {
        for _ in 0..3 {
            link.peers[side].create_data_channel(now, ChannelInit::reliable("more")).unwrap();
        }
    }
    let limit = now + LIMIT;
    let all = |link: &Link| link.opened(0).len() == 7 && link.opened(1).len() == 7;
    assert!(link.run_until(limit, all));
}

#[test]
fn ice_restart_keeps_the_channel() {
    let mut link = Link::new(7, configs(Versions::Auto));
    let channels = link.open_channel(0, ChannelInit::reliable("chat"));
    for offerer in [0, 1] {
        let handshakes = link.log.iter().filter(|(_, _, data)| data[0] == 22).count();
        let before = link.peers[0].selected_pair();
        link.negotiate_with(offerer, true);
        let limit = link.now + LIMIT;
        let moved = |link: &Link| link.peers.iter().all(|peer| peer.selected_pair() != before);
        assert!(link.run_until(limit, moved));
        link.echo(channels, &text("still here"));
        link.run_for(Duration::from_secs(10));
        link.echo(channels, &text("and later"));
        let after = link.log.iter().filter(|(_, _, data)| data[0] == 22).count();
        assert_eq!(handshakes, after, "DTLS goes on over the new pair");
    }
}

#[test]
fn restart_that_is_rolled_back_before_ice_has_a_pair_changes_nothing() {
    let mut link = Link::new(15, configs(Versions::Auto));
    let now = link.now;
    link.peers[0].create_data_channel(now, ChannelInit::reliable("chat")).unwrap();
    link.negotiate(0);
    let offer = link.peers[0].create_offer(now, true).unwrap();
    link.peers[0].set_local_description(now, SdpType::Offer, &offer).unwrap();
    link.run_for(Duration::from_millis(3));
    let now = link.now;
    link.peers[0].set_local_description(now, SdpType::Rollback, "").unwrap();
    assert!(link.run_until(LIMIT, |link| link.is_open(0)));
}

#[test]
fn offer_after_a_change_of_servers_or_policy_restarts_ice() {
    // RFC 9429 §3.5.1.
    let mut link = Link::new(16, configs(Versions::Auto));
    link.open_channel(0, ChannelInit::reliable("chat"));
    let now = link.now;
    let ufrag = |link: &mut Link| {
        let offer = link.peers[0].create_offer(now, false).unwrap();
        offer.lines().find(|line| line.starts_with("a=ice-ufrag:")).map(str::to_owned)
    };
    let first = ufrag(&mut link);
    let same = config(Versions::Auto);
    link.peers[0].set_configuration(now, same.clone()).unwrap();
    assert_eq!(ufrag(&mut link), first);
    let relayed = Config { policy: TransportPolicy::Relay, ..same };
    link.peers[0].set_configuration(now, relayed).unwrap();
    assert_ne!(ufrag(&mut link), first);
    link.events[0].clear();
    link.collect();
    assert!(!link.events[0].contains(&Event::NegotiationNeeded));
}

#[test]
fn data_section_that_is_accepted_after_a_rejection_connects() {
    let mut link = Link::new(17, configs(Versions::Auto));
    let now = link.now;
    link.peers[0].create_data_channel(now, ChannelInit::reliable("early")).unwrap();
    let offer = link.peers[0].create_offer(now, false).unwrap();
    link.peers[0].set_local_description(now, SdpType::Offer, &offer).unwrap();
    let refusal = offer.replace("m=application 9", "m=application 0");
    let refusal = refusal.replace("a=group:BUNDLE 0\r\n", "");
    link.peers[0].set_remote_description(now, SdpType::Answer, &refusal).unwrap();
    let channels = link.open_channel(0, ChannelInit::reliable("late"));
    link.echo(channels, &text("hello"));
    assert!(link.is_connected());
}

#[test]
fn closed_association_is_not_begun_by_a_server_whose_patience_ends() {
    let mut data = Data::new(&Config::default(), Rng::new(1));
    data.connected(Duration::ZERO, Role::Server);
    data.close(Duration::ZERO);
    assert_eq!(data.wake(), None);
    data.advance(LIMIT);
    assert_eq!(data.poll_packet(), None);
}

#[test]
fn rollback_takes_an_offer_back_and_glare_is_resolved() {
    let mut link = Link::new(8, configs(Versions::Auto));
    for side in 0..2 {
        let init = ChannelInit::reliable("glare");
        link.peers[side].create_data_channel(Duration::ZERO, init).unwrap();
        let offer = link.peers[side].create_offer(Duration::ZERO, false).unwrap();
        let peer = &mut link.peers[side];
        peer.set_local_description(Duration::ZERO, SdpType::Offer, &offer).unwrap();
        assert_eq!(peer.signaling_state(), SignalingState::HaveLocalOffer);
    }
    let polite = &mut link.peers[1];
    polite.set_local_description(Duration::ZERO, SdpType::Rollback, "").unwrap();
    assert_eq!(polite.signaling_state(), SignalingState::Stable);
    let offer = link.peers[0].local_description(link.now).unwrap();
    let polite = &mut link.peers[1];
    polite.set_remote_description(Duration::ZERO, SdpType::Offer, &offer).unwrap();
    let answer = polite.create_answer(Duration::ZERO).unwrap();
    polite.set_local_description(Duration::ZERO, SdpType::Answer, &answer).unwrap();
    let impolite = &mut link.peers[0];
    impolite.set_remote_description(Duration::ZERO, SdpType::Answer, &answer).unwrap();
    let both = |link: &Link| link.opened(0).len() == 2 && link.opened(1).len() == 2;
    assert!(link.run_until(LIMIT, both), "{:#?}", link.events);
}

#[test]
fn candidates_in_the_descriptions_are_enough() {
    let mut link = Link::new(9, configs(Versions::Auto));
    link.trickles = false;
    let init = ChannelInit::reliable("full");
    link.peers[0].create_data_channel(Duration::ZERO, init).unwrap();
    let mut carried = |from: usize, kind: SdpType| {
        let now = link.now;
        let peer = &mut link.peers[from];
        let sdp = match kind {
            SdpType::Offer => peer.create_offer(now, false).unwrap(),
            _ => peer.create_answer(now).unwrap(),
        };
        peer.set_local_description(now, kind, &sdp).unwrap();
        link.collect();
        let sdp = link.peers[from].local_description(now).unwrap();
        assert!(sdp.contains("a=end-of-candidates"), "{sdp}");
        link.peers[1 - from].set_remote_description(now, kind, &sdp).unwrap();
    };
    carried(0, SdpType::Offer);
    carried(1, SdpType::Answer);
    assert!(link.run_until(LIMIT, |link| link.is_open(0)));
}

#[test]
fn dtls_before_the_answer_is_kept_for_it() {
    let mut link = Link::new(10, configs(Versions::Auto));
    link.trickles = false;
    let init = ChannelInit::reliable("early");
    link.peers[0].create_data_channel(Duration::ZERO, init).unwrap();
    let offer = link.peers[0].create_offer(Duration::ZERO, false).unwrap();
    link.peers[0].set_local_description(Duration::ZERO, SdpType::Offer, &offer).unwrap();
    link.collect();
    let offer = link.peers[0].local_description(link.now).unwrap();
    link.peers[1].set_remote_description(Duration::ZERO, SdpType::Offer, &offer).unwrap();
    let answer = link.peers[1].create_answer(Duration::ZERO).unwrap();
    link.peers[1].set_local_description(Duration::ZERO, SdpType::Answer, &answer).unwrap();
    link.run_for(Duration::from_millis(900));
    let answer = link.peers[1].local_description(link.now).unwrap();
    let now = link.now;
    link.peers[0].set_remote_description(now, SdpType::Answer, &answer).unwrap();
    assert!(link.run_until(LIMIT, |link| link.is_open(0)));
}

#[test]
fn closing_a_connection_tells_the_other_side() {
    for versions in [Versions::Only12, Versions::Only13] {
        let mut link = Link::new(11, configs(versions));
        let channels = link.open_channel(0, ChannelInit::reliable("chat"));
        let now = link.now;
        link.peers[0].close(now);
        assert_eq!(link.peers[0].connection_state(), ConnectionState::Closed);
        assert_eq!(link.peers[0].signaling_state(), SignalingState::Closed);
        let limit = now + Duration::from_secs(1);
        assert!(link.run_until(limit, |link| link.closed(1) == [channels[1]]));
        assert!(link.peers[0].create_offer(link.now, false).is_err());
        let sent = link.log.iter().filter(|(_, from, _)| *from == 0).count();
        link.run_for(Duration::from_secs(60));
        let later = link.log.iter().filter(|(_, from, _)| *from == 0).count();
        assert_eq!(sent, later, "a closed connection is silent");
        let state = link.peers[1].ice_connection_state();
        assert_eq!(state, IceConnectionState::Failed, "consent has expired");
    }
}

#[test]
fn same_seed_gives_the_same_datagrams_and_another_seed_others() {
    let run = |seed| {
        let mut link = Link::new(seed, configs(Versions::Auto));
        let channels = link.open_channel(0, ChannelInit::reliable("chat"));
        link.echo(channels, &text("hello"));
        link.run_for(Duration::from_secs(20));
        link.log
    };
    let (first, again, other) = (run(12), run(12), run(13));
    assert!(first == again, "one seed, two byte sequences");
    let alike = first.iter().filter(|(_, _, data)| other.iter().any(|o| o.2 == *data)).count();
    assert_eq!(alike, 0, "datagrams of two seeds are alike");
}

#[test]
fn key_log_has_lines_of_both_sides() {
    for (versions, lines) in [(Versions::Only12, 1), (Versions::Only13, 5)] {
        let mut link = Link::new(14, configs(versions));
        link.open_channel(0, ChannelInit::reliable("chat"));
        let logs = link.peers.each_mut().map(Peer::take_key_log);
        assert_eq!(logs[0], logs[1]);
        assert_eq!(logs[0].len(), lines);
    }
}

/// Found by Firefox 140 as answerer on a real clock: its checks overtook its answer and were refused
/// with 487, though it was controlled and the offerer controls (RFC 8445 §6.1.1).
#[test]
fn a_check_that_overtakes_the_answer_meets_a_controlling_agent() {
    let mut link = Link::new(9, configs(Versions::Only12));
    let now = link.now;
    link.peers[0].create_data_channel(now, ChannelInit::reliable("main")).unwrap();
    let offer = link.peers[0].create_offer(now, false).unwrap();
    link.peers[0].set_local_description(now, SdpType::Offer, &offer).unwrap();
    // It has candidates when the answerer sees it.
    link.run_for(Duration::from_millis(200));
    let now = link.now;
    let offer = link.peers[0].local_description(now).unwrap();
    link.peers[1].set_remote_description(now, SdpType::Offer, &offer).unwrap();
    let answer = link.peers[1].create_answer(now).unwrap();
    link.peers[1].set_local_description(now, SdpType::Answer, &answer).unwrap();
    link.run_for(Duration::from_millis(300));
    let now = link.now;
    link.peers[0].set_remote_description(now, SdpType::Answer, &answer).unwrap();
    assert!(link.run_until(LIMIT, Link::is_connected));
    let binding_error = [0x01, 0x11];
    let early = link.log.iter().any(|(at, from, _)| *from == 1 && *at < now);
    let refused =
        link.log.iter().any(|(_, from, data)| *from == 0 && data.starts_with(&binding_error));
    assert!(early && !refused);
}
