//! What the contract promises of every stack, and what the stacks do differently: the latter is
//! what "Behaviour measured" of their READMEs and the expectations rest on.

use std::time::Duration;

use rtcspec_control::{
    Candidate, ChannelInit, Command, Configuration, Description, Event, Implementation, Payload,
    ReplyBody, SdpType,
};

use crate::crossings::{connected, each, echo, is_message, is_open, open};
use crate::pair::{Pair, Signalling, Who, seconds};

fn name(stack: &dyn Implementation) -> String {
    stack.hello().implementation
}

fn is(stack: &dyn Implementation, wanted: &str) -> bool {
    name(stack) == wanted
}

fn got(pair: &mut Pair, who: Who, dc: &str, payload: &Payload) -> bool {
    pair.until(seconds(10), |w, event| w == who && is_message(event, dc, payload))
}

/// rtc answers every offer with `setup:active`, also where it is the DTLS server of a running
/// association (RFC 8842 §5.5 keeps the negotiated role). The reference peer takes the change of
/// roles for a new association, so what was there is gone.
fn loses_association(left: &dyn Implementation, right: &dyn Implementation, offerer: Who) -> bool {
    is(left, "rtc") && is(right, "reference") && offerer == Who::Right
}

fn rollback(remote: bool) -> Command {
    let (pc, desc) = ("pc".into(), Description { kind: SdpType::Rollback, sdp: String::new() });
    if remote { Command::Remote { pc, desc } } else { Command::Local { pc, desc } }
}

#[test]
fn channel_options_arrive_but_rtc_forgets_reliability() {
    let options = [
        (false, None, None),
        (true, Some(0), None),
        (false, Some(3), None),
        (true, None, Some(500)),
    ];
    for (ordered, max_retransmits, max_packet_life_time) in options {
        let protocol = "prötö".to_owned();
        let init = ChannelInit {
            ordered,
            max_retransmits,
            max_packet_life_time,
            protocol,
            ..ChannelInit::default()
        };
        each(|left, right| {
            let pair = connected(left, right, init.clone());
            let forgets = is(right, "rtc");
            let told = pair.told(Who::Right).find(|event| matches!(event, Event::Channel { .. }));
            let expected = Event::Channel {
                dc: "pc/r1".into(),
                label: "dc ✓".into(),
                protocol: "prötö".into(),
                ordered,
                // Only str0m answers as the DTLS server (RFC 8832 §6).
                sid: Some(u16::from(!is(right, "str0m"))),
                max_retransmits: max_retransmits.filter(|_| !forgets),
                max_packet_life_time: max_packet_life_time.filter(|_| !forgets),
            };
            assert_eq!(told, Some(&expected));
        });
    }
}

#[test]
fn empty_messages_arrive_but_str0m_sends_none() {
    for payload in [Payload::Text(String::new()), Payload::Binary(Vec::new())] {
        each(|left, right| {
            let mut pair = connected(left, right, ChannelInit::default());
            pair.run(seconds(1));
            pair.send(Who::Left, "dc", payload.clone());
            assert_eq!(got(&mut pair, Who::Right, "pc/r1", &payload), !is(left, "str0m"));
        });
    }
}

#[test]
fn largest_announced_message_arrives_and_one_byte_more_is_refused() {
    each(|left, right| {
        // RFC 8841 §6: what the receiver announces binds the sender; rtc also binds itself.
        let rtc_takes_part = is(left, "rtc") || is(right, "rtc");
        let largest = if rtc_takes_part { 65_536 } else { 262_144 };
        let mut pair = connected(left, right, ChannelInit::default());
        let payload = Payload::Binary(vec![7; largest]);
        pair.send(Who::Left, "dc", payload.clone());
        assert!(got(&mut pair, Who::Right, "pc/r1", &payload));
        let payload = Payload::Binary(vec![7; largest + 1]);
        let reply = pair.command(Who::Left, Command::Send { dc: "dc".into(), payload, repeat: 1 });
        assert!(matches!(reply, ReplyBody::Error { .. }), "{reply:?}");
    });
}

#[test]
fn negotiated_channel_opens_and_later_ones_work_though_rtc_does_not_say_so() {
    let init = |id| ChannelInit { negotiated: true, id: Some(id), ..ChannelInit::default() };
    each(|left, right| {
        let mut pair = Pair::connectable(left, right, 1);
        pair.channel(Who::Left, "early", init(8));
        pair.channel(Who::Right, "early too", init(8));
        pair.negotiate(Who::Left, false);
        assert!(pair.until(seconds(10), |who, e| who == Who::Left && is_open(e, "early")));
        assert!(pair.until(seconds(10), |who, e| who == Who::Right && is_open(e, "early too")));
        pair.run(seconds(1));
        pair.channel(Who::Left, "late", init(20));
        pair.channel(Who::Right, "late too", init(20));
        let opens = pair.until(seconds(2), |who, e| who == Who::Left && is_open(e, "late"));
        assert_eq!(opens, !is(left, "rtc"));
        let payload = Payload::Text("x".into());
        pair.send(Who::Left, "late", payload.clone());
        assert!(got(&mut pair, Who::Right, "late too", &payload));
    });
}

#[test]
fn channels_of_both_sides_and_one_more_after_a_close() {
    each(|left, right| {
        let mut pair = connected(left, right, ChannelInit::default());
        pair.run(seconds(1));
        pair.channel(Who::Right, "theirs", ChannelInit::default());
        assert!(pair.until(seconds(5), |who, e| who == Who::Left && is_open(e, "pc/r1")));
        pair.done(Who::Left, Command::CloseChannel { dc: "dc".into() });
        pair.run(seconds(3));
        pair.channel(Who::Left, "again", ChannelInit::default());
        assert!(pair.until(seconds(5), |who, e| who == Who::Right && is_open(e, "pc/r2")));
        pair.run(seconds(1));
        let sid = |handle| {
            pair.told(Who::Left).find_map(|event| match event {
                Event::Open { dc, sid } if dc == handle => *sid,
                _ => None,
            })
        };
        // RFC 8832 §6: parity by DTLS role. Whether the closed id is used again is the stack's choice.
        let parity = |handle| sid(handle).map(|sid: u16| sid % 2);
        assert!(parity("dc").is_some());
        assert_eq!(parity("dc"), parity("again"));
    });
}

#[test]
fn restart_by_either_side_keeps_the_session_but_rtc_stops_sending_meanwhile() {
    for who in [Who::Left, Who::Right] {
        for signalling in [Signalling::InSdp, Signalling::OneByOne] {
            each(|left, right| {
                let mut pair = connected(left, right, ChannelInit::default());
                pair.signalling = signalling;
                pair.run(seconds(2));
                pair.negotiate(who, true);
                let at = pair.now;
                let payload = Payload::Text("during".into());
                pair.send(Who::Left, "dc", payload.clone());
                let arrived = got(&mut pair, Who::Right, "pc/r1", &payload);
                assert_eq!(arrived, !loses_association(left, right, who));
                if !arrived {
                    return;
                }
                // RFC 8445 §9: data goes on over the former pair until there is a new one. rtc
                // forgets the pair, so its data waits for the retransmission timer of SCTP.
                let without_pause = !is(left, "rtc") && !is(right, "rtc");
                assert_eq!(pair.now - at < Duration::from_millis(100), without_pause);
                pair.run(seconds(5));
                echo(&mut pair, &Payload::Text("after".into()));
            });
        }
    }
}

#[test]
fn move_to_another_address_is_survived_by_restart() {
    for who in [Who::Left, Who::Right] {
        each(|left, right| {
            let mut pair = connected(left, right, ChannelInit::default());
            pair.run(seconds(1));
            pair.move_to(who, &["10.0.7.7"]);
            pair.negotiate(who, true);
            pair.run(seconds(3));
            if !loses_association(left, right, who) {
                echo(&mut pair, &Payload::Text("moved".into()));
            }
        });
    }
}

#[test]
fn outage_is_noticed_and_survived_by_restart() {
    each(|left, right| {
        let mut pair = connected(left, right, ChannelInit::default());
        pair.run(seconds(1));
        pair.up = false;
        pair.run(seconds(40));
        for (who, stack) in [(Who::Left, left), (Who::Right, right)] {
            // str0m has no state `failed`: it is always ready to come back.
            let expected = if is(stack, "str0m") { "disconnected" } else { "failed" };
            assert_eq!(pair.state(who).ice_connection, expected);
        }
        let silent = pair.wire.len();
        pair.run(seconds(10));
        assert_eq!(pair.wire.len(), silent, "RFC 7675 §5.1: nothing without consent");
        pair.up = true;
        pair.negotiate(Who::Left, true);
        pair.run(seconds(5));
        echo(&mut pair, &Payload::Text("back".into()));
    });
}

#[test]
fn several_addresses_and_both_families() {
    each(|left, right| {
        let addresses = [["10.0.0.1", "10.0.1.1", "fd00::1"], ["10.0.0.2", "10.0.1.2", "fd00::2"]];
        let mut pair = Pair::with_addresses(left, right, 3, &addresses);
        pair.channel(Who::Left, "dc", ChannelInit::default());
        pair.negotiate(Who::Left, false);
        open(&mut pair);
        let hosts = |who| {
            let is_host = |event: &&Event| {
                matches!(event, Event::Candidate { candidate: Some(c), .. }
                    if c.candidate.contains("typ host"))
            };
            pair.told(who).filter(is_host).count()
        };
        assert_eq!([hosts(Who::Left), hosts(Who::Right)], [3, 3]);
        let mut pair = Pair::with_addresses(left, right, 3, &[["fd00::1"], ["fd00::2"]]);
        pair.channel(Who::Left, "dc", ChannelInit::default());
        pair.negotiate(Who::Left, false);
        open(&mut pair);
    });
}

#[test]
fn own_offer_can_be_rolled_back() {
    each(|left, right| {
        let mut pair = Pair::connectable(left, right, 1);
        pair.channel(Who::Left, "dc", ChannelInit::default());
        let offer = pair.sdp(Who::Left, Command::Offer { pc: "pc".into(), ice_restart: false });
        pair.local(Who::Left, SdpType::Offer, offer);
        assert_eq!(pair.command(Who::Left, rollback(false)), ReplyBody::Sdp(String::new()));
        assert_eq!(pair.state(Who::Left).signaling, "stable");
        pair.channel(Who::Right, "R", ChannelInit::default());
        pair.negotiate(Who::Right, false);
        assert!(pair.until(seconds(10), |who, e| who == Who::Left && is_open(e, "dc")));
        assert!(pair.until(seconds(10), |who, e| who == Who::Right && is_open(e, "R")));
    });
}

#[test]
fn offer_of_the_other_side_can_be_rolled_back_but_rtc_takes_no_other_one() {
    each(|left, right| {
        let mut pair = Pair::connectable(left, right, 1);
        pair.channel(Who::Left, "dc", ChannelInit::default());
        let sdp = pair.sdp(Who::Left, Command::Offer { pc: "pc".into(), ice_restart: false });
        let sdp = pair.local(Who::Left, SdpType::Offer, sdp);
        pair.remote(Who::Right, SdpType::Offer, sdp.clone());
        assert_eq!(pair.command(Who::Right, rollback(true)), ReplyBody::Done {});
        assert_eq!(pair.state(Who::Right).signaling, "stable");
        let desc = Description { kind: SdpType::Offer, sdp };
        let again = pair.command(Who::Right, Command::Remote { pc: "pc".into(), desc });
        assert_eq!(again == ReplyBody::Done {}, !is(right, "rtc"), "{again:?}");
    });
}

#[test]
fn close_of_one_side_closes_the_channels_of_the_other() {
    each(|left, right| {
        let mut pair = connected(left, right, ChannelInit::default());
        pair.run(seconds(1));
        pair.done(Who::Left, Command::Close { pc: "pc".into() });
        let closed = |event: &Event| matches!(event, Event::Closed { dc } if dc == "pc/r1");
        assert!(pair.until(seconds(1), |who, event| who == Who::Right && closed(event)));
        pair.run(seconds(1));
        // W3C 4.3.3 has closed transports in `connected`; str0m says it is over.
        let expected = if is(right, "str0m") { "closed" } else { "connected" };
        assert_eq!(pair.state(Who::Right).connection, expected);
        assert_eq!(pair.state(Who::Left).signaling, "closed");
        let offer = Command::Offer { pc: "pc".into(), ice_restart: false };
        let refused = pair.command(Who::Left, offer);
        assert!(matches!(refused, ReplyBody::Error { name, .. } if name == "InvalidStateError"));
        pair.done(Who::Left, Command::Close { pc: "pc".into() });
    });
}

#[test]
fn panic_of_the_stack_is_a_crash_event_and_the_endpoint_stays_dead() {
    each(|left, right| {
        if !is(left, "str0m") {
            return;
        }
        let mut pair = Pair::connectable(left, right, 1);
        let twice = ChannelInit { negotiated: true, id: Some(8), ..ChannelInit::default() };
        pair.channel(Who::Left, "one", twice.clone());
        pair.channel(Who::Left, "two", twice);
        let offer = Command::Offer { pc: "pc".into(), ice_restart: false };
        for command in [offer, Command::State { pc: "pc".into() }] {
            let reply = pair.command(Who::Left, command);
            assert!(matches!(reply, ReplyBody::Error { name, .. } if name == "Crash"));
        }
        let crash = |event: &&Event| matches!(event, Event::Error { on, name, .. } if on == "pc" && name == "Crash");
        assert_eq!(pair.told(Who::Left).filter(crash).count(), 1);
    });
}

#[test]
fn what_is_not_understood_is_unsupported_or_an_error() {
    each(|left, right| {
        let mut pair = Pair::connectable(left, right, 1);
        let mut config = Configuration::default();
        config.unknown.insert("x-nonsense".into(), true.into());
        let new = Command::New { pc: "other".into(), config };
        let reply = pair.command(Who::Left, new);
        assert_eq!(reply, ReplyBody::Unsupported("x-nonsense".into()));
        let offer = Command::Offer { pc: "nobody".into(), ice_restart: false };
        let reply = pair.command(Who::Left, offer);
        assert!(matches!(reply, ReplyBody::Error { name, .. } if name == "NotFoundError"));
        let desc = Description { kind: SdpType::Offer, sdp: "nonsense".into() };
        let reply = pair.command(Who::Left, Command::Remote { pc: "pc".into(), desc });
        let ReplyBody::Error { message, .. } = reply else { panic!("{reply:?}") };
        assert!(!message.contains("0x"), "no address of memory in {message:?}");
    });
}

#[test]
fn candidate_before_any_description_is_refused_but_str0m_keeps_it() {
    each(|left, right| {
        let mut pair = Pair::connectable(left, right, 1);
        let candidate = Candidate {
            candidate: "candidate:1 1 udp 2130706431 10.0.0.9 5000 typ host".into(),
            sdp_mid: Some("0".into()),
            ..Candidate::default()
        };
        let candidate = Some(candidate);
        let reply = pair.command(Who::Right, Command::Candidate { pc: "pc".into(), candidate });
        match reply {
            ReplyBody::Done {} => assert!(is(right, "str0m")),
            ReplyBody::Error { name, .. } => {
                assert_eq!((name.as_str(), is(right, "str0m")), ("InvalidStateError", false));
            }
            other => panic!("{other:?}"),
        }
    });
}
