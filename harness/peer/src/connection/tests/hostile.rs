//! Tamper hooks at every layer of a live session.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use rtcspec_wire::sctp::Ppid;

use super::super::{ChannelInit, Config, Event, Message, SdpType};
use super::link::Link;
use crate::tamper::{Action, Honest, Injection, StreamMessage, Stun, Tamper};

const LIMIT: Duration = Duration::from_secs(30);

/// Peer 0 has the tamper and offers a channel.
fn session(tamper: impl Tamper + 'static) -> Link {
    let configs = [Config::default(), Config::default()];
    let mut link = Link::with_tampers(1, configs, [Box::new(tamper), Box::new(Honest)]);
    let now = link.now;
    link.peers[0].create_data_channel(now, ChannelInit::reliable("chat")).unwrap();
    let offer = link.peers[0].create_offer(now, false).unwrap();
    link.peers[0].set_local_description(now, SdpType::Offer, &offer).unwrap();
    link.peers[1].set_remote_description(now, SdpType::Offer, &offer).unwrap();
    let answer = link.peers[1].create_answer(now).unwrap();
    link.peers[1].set_local_description(now, SdpType::Answer, &answer).unwrap();
    link.peers[0].set_remote_description(now, SdpType::Answer, &answer).unwrap();
    link
}

fn opens(link: &mut Link) -> bool {
    let has_opened = |events: &[Event]| events.iter().any(|e| matches!(e, Event::Open { .. }));
    link.run_until(LIMIT, |link| link.events.iter().all(|events| has_opened(events)))
}

/// Counts what passes at each hook.
#[derive(Default)]
struct Count {
    sdp: usize,
    candidates: usize,
    stun: [usize; 2],
    dtls: [usize; 2],
    sctp: [usize; 2],
    messages: [usize; 2],
    keyed: usize,
}

impl Tamper for Count {
    fn sdp(&mut self, _: Duration, _: &mut String) {
        self.sdp += 1;
    }

    fn candidate(&mut self, _: Duration, _: &str) -> Action<String> {
        self.candidates += 1;
        Action::Pass
    }

    fn stun(&mut self, _: Duration, message: Stun<'_>) -> Action {
        self.stun[0] += 1;
        self.keyed += usize::from(message.key.is_some());
        Action::Pass
    }

    fn dtls(&mut self, _: Duration, _: &[u8]) -> Action {
        self.dtls[0] += 1;
        Action::Pass
    }

    fn sctp(&mut self, _: Duration, _: &[u8]) -> Action {
        self.sctp[0] += 1;
        Action::Pass
    }

    fn message(&mut self, _: Duration, _: &StreamMessage) -> Action<StreamMessage> {
        self.messages[0] += 1;
        Action::Pass
    }

    fn received_stun(&mut self, _: Duration, message: Stun<'_>) -> Action {
        self.stun[1] += 1;
        self.keyed += usize::from(message.key.is_some());
        Action::Pass
    }

    fn received_dtls(&mut self, _: Duration, _: &[u8]) -> Action {
        self.dtls[1] += 1;
        Action::Pass
    }

    fn received_sctp(&mut self, _: Duration, _: &[u8]) -> Action {
        self.sctp[1] += 1;
        Action::Pass
    }

    fn received_message(&mut self, _: Duration, _: &StreamMessage) -> Action<StreamMessage> {
        self.messages[1] += 1;
        Action::Pass
    }
}

#[test]
fn every_hook_sees_its_layer_both_ways() {
    let count = Rc::new(RefCell::new(Count::default()));
    let mut link = session(Rc::clone(&count));
    assert!(opens(&mut link));
    link.run_for(Duration::from_secs(1));
    let count = count.borrow();
    assert_eq!((count.sdp, count.candidates), (1, 1));
    assert!(count.stun.iter().chain(&count.dtls).chain(&count.sctp).all(|seen| *seen >= 2));
    assert_eq!(count.keyed, count.stun[0] + count.stun[1]);
    assert_eq!(count.messages, [1, 1], "OPEN out, ACK in");
}

/// Loses the first message of one kind.
struct LoseFirst {
    layer: &'static str,
    done: bool,
}

impl LoseFirst {
    fn verdict(&mut self, layer: &str) -> Action {
        if layer != self.layer || std::mem::replace(&mut self.done, true) {
            return Action::Pass;
        }
        Action::Drop
    }
}

impl Tamper for LoseFirst {
    fn stun(&mut self, _: Duration, _: Stun<'_>) -> Action {
        self.verdict("stun")
    }

    fn received_stun(&mut self, _: Duration, _: Stun<'_>) -> Action {
        self.verdict("received stun")
    }

    fn dtls(&mut self, _: Duration, _: &[u8]) -> Action {
        self.verdict("dtls")
    }

    fn received_dtls(&mut self, _: Duration, _: &[u8]) -> Action {
        self.verdict("received dtls")
    }

    fn sctp(&mut self, _: Duration, _: &[u8]) -> Action {
        self.verdict("sctp")
    }

    fn received_sctp(&mut self, _: Duration, _: &[u8]) -> Action {
        self.verdict("received sctp")
    }
}

#[test]
fn a_message_lost_at_any_layer_is_made_good() {
    for layer in ["stun", "received stun", "dtls", "received dtls", "sctp", "received sctp"] {
        let mut link = session(LoseFirst { layer, done: false });
        assert!(opens(&mut link), "{layer}: {:#?}", link.events);
    }
}

/// Sends everything below the channels twice, the copy later.
struct EverythingTwice;

impl Tamper for EverythingTwice {
    fn stun(&mut self, _: Duration, _: Stun<'_>) -> Action {
        Action::Duplicate
    }

    fn dtls(&mut self, _: Duration, _: &[u8]) -> Action {
        Action::Duplicate
    }

    fn sctp(&mut self, _: Duration, _: &[u8]) -> Action {
        Action::Duplicate
    }
}

#[test]
fn copies_do_no_harm() {
    let mut link = session(EverythingTwice);
    assert!(opens(&mut link));
}

/// Holds every SCTP packet back for a while.
struct Slow;

impl Tamper for Slow {
    fn sctp(&mut self, _: Duration, _: &[u8]) -> Action {
        Action::Delay(Duration::from_millis(300))
    }
}

#[test]
fn delayed_packets_arrive_when_they_are_due() {
    let mut link = session(Slow);
    assert!(opens(&mut link));
    assert!(link.now > Duration::from_millis(300));
}

/// Says another label than the application gave.
struct OtherLabel;

impl Tamper for OtherLabel {
    fn message(&mut self, _: Duration, message: &StreamMessage) -> Action<StreamMessage> {
        let text = String::from_utf8_lossy(&message.data).replace("chat", "chaT");
        Action::replace(StreamMessage { data: text.into_bytes(), ..message.clone() })
    }
}

#[test]
fn replaced_message_is_what_the_other_side_reads() {
    let mut link = session(OtherLabel);
    assert!(opens(&mut link));
    let label = link.events[1].iter().find_map(|event| match event {
        Event::Channel { init, .. } => Some(init.label.clone()),
        _ => None,
    });
    assert_eq!(label.as_deref(), Some("chaT"));
}

/// Edits the offer on its way out.
struct OtherSession;

impl Tamper for OtherSession {
    fn sdp(&mut self, _: Duration, sdp: &mut String) {
        *sdp = sdp.replace("s=-", "s=edited");
    }
}

#[test]
fn edited_offer_is_signalled_and_may_still_be_set() {
    let mut link = session(OtherSession);
    let offer = link.peers[0].local_description(link.now).unwrap();
    assert!(offer.contains("s=edited"), "{offer}");
    assert!(opens(&mut link));
}

#[test]
fn injected_messages_go_out_at_their_layer() {
    let mut link = session(Honest);
    assert!(opens(&mut link));
    let stream = link.events[1].iter().find_map(|event| match event {
        Event::Open { stream, .. } => Some(*stream),
        _ => None,
    });
    let data = b"from nowhere".to_vec();
    let message = StreamMessage { stream: stream.unwrap(), ppid: Ppid::STRING.0, data };
    let now = link.now;
    link.peers[0].inject(now, Injection::Message(message));
    link.peers[0].inject(now, Injection::Transport(vec![23; 40]));
    link.peers[0].inject(now, Injection::Sctp(vec![0; 12]));
    let came = |link: &Link| {
        let text = Message::Text("from nowhere".to_owned());
        link.events[1]
            .iter()
            .any(|e| matches!(e, Event::Message { message, .. } if *message == text))
    };
    assert!(link.run_until(LIMIT, came));
}

/// Sends a datagram to nobody at a time of its own.
#[derive(Default)]
struct Timed {
    asked: Vec<Duration>,
}

impl Tamper for Timed {
    fn inject(&mut self, now: Duration) -> Vec<Injection> {
        self.asked.push(now);
        Vec::new()
    }

    fn wake(&self) -> Option<Duration> {
        Some(Duration::from_millis(123_456))
    }
}

#[test]
fn a_tamper_is_woken_when_it_wants() {
    let timed = Rc::new(RefCell::new(Timed::default()));
    let mut link = session(Rc::clone(&timed));
    link.run_for(Duration::from_secs(200));
    assert!(timed.borrow().asked.contains(&Duration::from_millis(123_456)));
}
