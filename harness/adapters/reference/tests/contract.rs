//! Two reference peers that know each other by peerctl/1 alone.

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_adapter_reference::{Reference, ReferenceEndpoint};
use rtcspec_control::{
    ChannelInit, Command, Configuration, Description, Endpoint, Event, Implementation, Message,
    Payload, Receive, ReplyBody, SdpType, SpawnContext, StateKind, Transmit, VirtualEndpoint,
};
use rtcspec_peer::tamper::{Action, Injection, Tamper};

const LATENCY: Duration = Duration::from_millis(5);
const LIMIT: Duration = Duration::from_secs(30);

/// Two endpoints on one network, and a harness that carries their candidates.
struct Lab {
    ends: [ReferenceEndpoint; 2],
    now: Duration,
    flying: BTreeMap<(Duration, u64), (usize, Receive)>,
    sent: u64,
    asked: u64,
    events: [Vec<Event>; 2],
    replies: BTreeMap<u64, ReplyBody>,
}

fn endpoint(seed: u64) -> ReferenceEndpoint {
    ReferenceEndpoint::new(SpawnContext { seed, now: Duration::ZERO })
}

fn pc() -> String {
    "pc".to_owned()
}

fn configuration(side: u8) -> Configuration {
    Configuration { interfaces: vec![[10, 0, 0, side + 1].into()], ..Configuration::default() }
}

impl Lab {
    fn new(ends: [ReferenceEndpoint; 2]) -> Self {
        let mut lab = Self {
            ends,
            now: Duration::ZERO,
            flying: BTreeMap::new(),
            sent: 0,
            asked: 0,
            events: [Vec::new(), Vec::new()],
            replies: BTreeMap::new(),
        };
        for side in 0..2 {
            let config = configuration(side);
            assert_eq!(lab.ask(side.into(), Command::New { pc: pc(), config }), done());
        }
        lab
    }

    fn ask(&mut self, side: usize, command: Command) -> ReplyBody {
        self.asked += 1;
        let id = self.asked;
        self.ends[side].submit(self.now, id, command);
        self.collect();
        self.replies.remove(&id).expect("every request is answered at once")
    }

    fn sdp(&mut self, side: usize, command: Command) -> String {
        match self.ask(side, command) {
            ReplyBody::Sdp(sdp) => sdp,
            other => panic!("{other:?}"),
        }
    }

    fn describe(&mut self, side: usize, is_local: bool, kind: SdpType, sdp: &str) {
        let desc = Description { kind, sdp: sdp.to_owned() };
        let command = if is_local {
            Command::Local { pc: pc(), desc }
        } else {
            Command::Remote { pc: pc(), desc }
        };
        let reply = self.ask(side, command);
        assert!(matches!(reply, ReplyBody::Done {} | ReplyBody::Sdp(_)), "{reply:?}");
    }

    fn collect(&mut self) {
        loop {
            let mut is_silent = true;
            for side in 0..2 {
                while let Some(transmit) = self.ends[side].transmit() {
                    let Transmit::Udp { local, remote, data } = transmit else { continue };
                    let receive = Receive::Udp { local: remote, remote: local, data };
                    self.sent += 1;
                    self.flying.insert((self.now + LATENCY, self.sent), (1 - side, receive));
                }
                while let Some(message) = self.ends[side].poll() {
                    is_silent = false;
                    match message {
                        Message::Reply(reply) => drop(self.replies.insert(reply.id, reply.body)),
                        Message::Event(event) => self.react(side, event),
                    }
                }
            }
            if is_silent {
                return;
            }
        }
    }

    fn react(&mut self, side: usize, event: Event) {
        if let Event::Candidate { candidate, .. } = &event {
            let command = Command::Candidate { pc: pc(), candidate: candidate.clone() };
            self.ends[1 - side].submit(self.now, 0, command);
        }
        self.events[side].push(event);
    }

    fn negotiate(&mut self) {
        let offer = self.sdp(0, Command::Offer { pc: pc(), ice_restart: false });
        self.ends[0].submit(self.now, 0, local(SdpType::Offer, &offer));
        self.describe(1, false, SdpType::Offer, &offer);
        let answer = self.sdp(1, Command::Answer { pc: pc() });
        self.ends[1].submit(self.now, 0, local(SdpType::Answer, &answer));
        self.describe(0, false, SdpType::Answer, &answer);
    }

    fn run_until(&mut self, done: impl Fn(&Self) -> bool) -> bool {
        let limit = self.now + LIMIT;
        while !done(self) {
            let arrival = self.flying.first_key_value().map(|(&(time, _), _)| time);
            let wake = self.ends.iter().filter_map(VirtualEndpoint::wake).min();
            let Some(next) = arrival.into_iter().chain(wake).min().filter(|next| *next <= limit)
            else {
                return false;
            };
            self.now = next;
            if arrival == Some(next)
                && let Some((_, (to, receive))) = self.flying.pop_first()
            {
                self.ends[to].receive(next, receive);
            } else {
                self.ends.iter_mut().for_each(|end| end.advance(next));
            }
            self.collect();
        }
        true
    }

    fn has(&self, side: usize, event: &Event) -> bool {
        self.events[side].contains(event)
    }

    fn text_came(&self, side: usize, dc: &str, text: &str) -> bool {
        let payload = Payload::Text(text.to_owned());
        self.has(side, &Event::Message { dc: dc.to_owned(), payload })
    }
}

fn done() -> ReplyBody {
    ReplyBody::Done {}
}

fn local(kind: SdpType, sdp: &str) -> Command {
    Command::Local { pc: pc(), desc: Description { kind, sdp: sdp.to_owned() } }
}

fn channel(dc: &str) -> Command {
    let (pc, dc, label) = (pc(), dc.to_owned(), "chat".to_owned());
    Command::Channel { pc, dc, label, init: ChannelInit::default() }
}

fn send(dc: &str, text: &str) -> Command {
    let payload = Payload::Text(text.to_owned());
    Command::Send { dc: dc.to_owned(), payload, repeat: 1 }
}

fn open(lab: &mut Lab) {
    assert_eq!(lab.ask(0, channel("dc")), done());
    lab.negotiate();
    let has_opened = |events: &[Event]| events.iter().any(|e| matches!(e, Event::Open { .. }));
    assert!(lab.run_until(|lab| lab.events.iter().all(|events| has_opened(events))));
}

#[test]
fn channel_opens_echoes_and_closes() {
    let mut lab = Lab::new([endpoint(1), endpoint(2)]);
    open(&mut lab);
    assert_eq!(lab.ask(0, send("dc", "ping")), done());
    assert!(lab.run_until(|lab| lab.text_came(1, "pc/r1", "ping")));
    assert_eq!(lab.ask(1, send("pc/r1", "pong")), done());
    assert!(lab.run_until(|lab| lab.text_came(0, "dc", "pong")));
    assert_eq!(lab.ask(0, Command::CloseChannel { dc: "dc".to_owned() }), done());
    let closed = Event::Closed { dc: "pc/r1".to_owned() };
    assert!(lab.run_until(|lab| lab.has(1, &closed)));
}

#[test]
fn states_are_told_and_reported_in_w3c_words() {
    let mut lab = Lab::new([endpoint(1), endpoint(2)]);
    open(&mut lab);
    for side in 0..2 {
        let which = StateKind::Connection;
        let told = Event::State { pc: pc(), which, value: "connected".to_owned() };
        assert!(lab.has(side, &told));
        let ReplyBody::State(report) = lab.ask(side, Command::State { pc: pc() }) else {
            panic!("no report");
        };
        assert_eq!(report.connection, "connected");
        assert_eq!(report.signaling, "stable");
        assert_eq!(report.ice_gathering, "complete");
        assert!(report.selected_pair.unwrap().local.starts_with("candidate:"));
    }
    assert_eq!(lab.ask(0, Command::Close { pc: pc() }), done());
    let ReplyBody::State(report) = lab.ask(0, Command::State { pc: pc() }) else {
        panic!("no report");
    };
    assert_eq!((&*report.connection, &*report.signaling), ("closed", "closed"));
}

#[test]
fn secrets_are_handed_out_once() {
    let mut lab = Lab::new([endpoint(1), endpoint(2)]);
    open(&mut lab);
    let lines = lab.ends[0].secrets();
    assert!(lines.iter().any(|line| line.starts_with("CLIENT_TRAFFIC_SECRET_0 ")), "{lines:?}");
    assert!(lab.ends[0].secrets().is_empty());
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    let mut end = endpoint(1);
    let config = serde_json::from_str(r#"{"bundlePolicy":"balanced"}"#).unwrap();
    end.submit(Duration::ZERO, 1, Command::New { pc: pc(), config });
    let Some(Message::Reply(reply)) = end.poll() else { panic!("no reply") };
    assert_eq!(reply.body, ReplyBody::Unsupported("bundlePolicy".to_owned()));
    end.submit(Duration::ZERO, 2, send("nowhere", "x"));
    let Some(Message::Reply(reply)) = end.poll() else { panic!("no reply") };
    assert!(matches!(reply.body, ReplyBody::Error { name, .. } if name == "NotFoundError"));
}

#[test]
fn refusals_bear_w3c_names() {
    let mut lab = Lab::new([endpoint(1), endpoint(2)]);
    let ReplyBody::Error { name, .. } = lab.ask(0, Command::Answer { pc: pc() }) else {
        panic!("answered without an offer");
    };
    assert_eq!(name, "InvalidStateError");
    lab.ask(0, channel("dc"));
    let ReplyBody::Error { name, .. } = lab.ask(0, send("dc", "too early")) else {
        panic!("sent before the channel is open");
    };
    assert_eq!(name, "InvalidStateError");
}

#[test]
fn hello_is_that_of_the_implementation() {
    let context = SpawnContext { seed: 1, now: Duration::ZERO };
    let end = Reference.spawn(context).unwrap();
    assert_eq!(end.hello(), &Reference.hello());
}

/// Loses every SCTP packet.
struct Mute;

impl Tamper for Mute {
    fn sctp(&mut self, _: Duration, _: &[u8]) -> Action {
        Action::Drop
    }
}

#[test]
fn a_tamper_sits_in_the_connection_it_was_given_to() {
    let mut lab = Lab::new([endpoint(1).with_tamper(Mute), endpoint(2)]);
    lab.ask(0, channel("dc"));
    lab.negotiate();
    let has_opened = |events: &[Event]| events.iter().any(|e| matches!(e, Event::Open { .. }));
    assert!(!lab.run_until(|lab| lab.events.iter().any(|events| has_opened(events))));
}

#[test]
fn an_injection_leaves_at_once() {
    let mut lab = Lab::new([endpoint(1), endpoint(2)]);
    open(&mut lab);
    let sent = lab.sent;
    let now = lab.now;
    lab.ends[0].inject(now, "pc", Injection::Transport(vec![0x99; 4]));
    lab.collect();
    assert_eq!(lab.sent, sent + 1);
}

#[test]
fn two_connections_of_one_endpoint_do_not_mix() {
    let mut end = endpoint(1);
    for name in ["a", "b"] {
        let config = configuration(0);
        end.submit(Duration::ZERO, 1, Command::New { pc: name.to_owned(), config });
        let init = ChannelInit::default();
        let (pc, dc, label) = (name.to_owned(), format!("{name}dc"), String::new());
        end.submit(Duration::ZERO, 2, Command::Channel { pc, dc, label, init });
        let pc = name.to_owned();
        end.submit(Duration::ZERO, 3, Command::Offer { pc, ice_restart: false });
    }
    let mut offers = Vec::new();
    while let Some(message) = end.poll() {
        if let Message::Reply(reply) = message
            && let ReplyBody::Sdp(sdp) = reply.body
        {
            offers.push(sdp);
        }
    }
    assert_eq!(offers.len(), 2);
    assert_ne!(offers[0], offers[1]);
}
