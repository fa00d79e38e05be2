//! Every embedded stack with every other, in both roles.

use crate::pair::{Pair, Signalling, Who, seconds};
use rtcspec_adapter_reference::Reference;
use rtcspec_adapter_rtc::Rtc;
use rtcspec_adapter_str0m::Str0m;
use rtcspec_control::{ChannelInit, Command, Event, Implementation, Payload};

fn stacks() -> Vec<Box<dyn Implementation>> {
    vec![Box::new(Rtc::new()), Box::new(Str0m::new()), Box::new(Reference)]
}

/// Runs a test for each ordered pair with an embedded stack in it.
pub(crate) fn each(test: impl Fn(&dyn Implementation, &dyn Implementation)) {
    for left in stacks() {
        for right in stacks() {
            let [l, r] = [&left, &right].map(|stack| stack.hello().implementation);
            if l == r && l == "reference" {
                continue;
            }
            println!("{l} offers to {r}");
            test(left.as_ref(), right.as_ref());
        }
    }
}

pub(crate) fn is_open(event: &Event, handle: &str) -> bool {
    matches!(event, Event::Open { dc, .. } if dc == handle)
}

pub(crate) fn is_message(event: &Event, handle: &str, wanted: &Payload) -> bool {
    matches!(event, Event::Message { dc, payload } if dc == handle && payload == wanted)
}

/// Left offers a channel `dc` with these options; both sides open.
pub(crate) fn connected(
    left: &dyn Implementation,
    right: &dyn Implementation,
    init: ChannelInit,
) -> Pair {
    let mut pair = Pair::connectable(left, right, 1);
    pair.channel(Who::Left, "dc", init);
    pair.negotiate(Who::Left, false);
    open(&mut pair);
    pair
}

pub(crate) fn open(pair: &mut Pair) {
    assert!(
        pair.until(seconds(30), |who, e| who == Who::Left && is_open(e, "dc")),
        "{:#?}",
        pair.events
    );
    assert!(
        pair.until(seconds(5), |who, e| who == Who::Right && is_open(e, "pc/r1")),
        "{:#?}",
        pair.events
    );
}

pub(crate) fn echo(pair: &mut Pair, payload: &Payload) {
    pair.send(Who::Left, "dc", payload.clone());
    assert!(pair.until(seconds(10), |who, e| who == Who::Right && is_message(e, "pc/r1", payload)));
    pair.send(Who::Right, "pc/r1", payload.clone());
    assert!(pair.until(seconds(10), |who, e| who == Who::Left && is_message(e, "dc", payload)));
}

#[test]
fn channel_opens_and_echoes_with_candidates_in_sdp() {
    each(|left, right| {
        let mut pair = connected(left, right, ChannelInit::default());
        println!("open at {:?} after {} datagrams", pair.now, pair.wire.len());
        echo(&mut pair, &Payload::Text("grüße".into()));
    });
}

#[test]
fn channel_opens_with_candidates_one_by_one() {
    each(|left, right| {
        let mut pair = Pair::connectable(left, right, 2);
        pair.signalling = Signalling::OneByOne;
        pair.channel(Who::Left, "dc", ChannelInit::default());
        pair.negotiate(Who::Left, false);
        open(&mut pair);
        echo(&mut pair, &Payload::Binary(vec![0, 255]));
    });
}

#[test]
fn states_end_connected_and_candidates_end_with_null() {
    each(|left, right| {
        let mut pair = connected(left, right, ChannelInit::default());
        for who in [Who::Left, Who::Right] {
            let state = pair.state(who);
            assert_eq!(state.connection, "connected");
            assert_eq!(state.signaling, "stable");
            assert_eq!(state.ice_gathering, "complete");
            let candidates: Vec<_> =
                pair.told(who).filter(|e| matches!(e, Event::Candidate { .. })).collect();
            assert_eq!(candidates.len(), 2, "{candidates:?}");
            assert!(matches!(candidates[1], Event::Candidate { candidate: None, .. }));
        }
    });
}

#[test]
fn channel_closed_by_one_side_closes_on_both() {
    each(|left, right| {
        for closer in [(Who::Left, "dc"), (Who::Right, "pc/r1")] {
            let mut pair = connected(left, right, ChannelInit::default());
            pair.run(seconds(1));
            pair.done(closer.0, Command::CloseChannel { dc: closer.1.into() });
            let is_closed =
                |event: &Event, handle: &str| matches!(event, Event::Closed { dc } if dc == handle);
            for (who, handle) in [(Who::Left, "dc"), (Who::Right, "pc/r1")] {
                assert!(
                    pair.until(seconds(5), |w, e| w == who && is_closed(e, handle)),
                    "{who:?} {closer:?}"
                );
            }
        }
    });
}
