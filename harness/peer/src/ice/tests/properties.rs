//! What holds whatever the network does.

use std::time::Duration;

use proptest::prelude::*;
use rtcspec_wire::stun::View;

use super::lab::{By, Lab, config, with_stun, with_turn};
use super::scripted::{PEER, Scripted};
use crate::ice::{Role, State};

fn by() -> impl Strategy<Value = By> {
    prop_oneof![Just(By::Nothing), Just(By::Address), Just(By::AddressAndPort)]
}

#[derive(Clone, Debug)]
struct Net {
    seed: u64,
    a: Option<(By, By)>,
    b: Option<(By, By)>,
    turn: (bool, bool),
    loss: u64,
    jitter: u64,
    roles: (bool, bool),
}

/// Loss stays low enough for seven sendings over two relays to get through.
fn net() -> impl Strategy<Value = Net> {
    let nat = || prop::option::of((by(), by()));
    (any::<u64>(), nat(), nat(), any::<(bool, bool)>(), 0..40u64, 0..60u64, any::<(bool, bool)>())
        .prop_map(|(seed, a, b, turn, loss, jitter, roles)| Net {
            seed,
            a,
            b,
            turn,
            loss,
            jitter,
            roles,
        })
}

fn lab(net: &Net) -> Lab {
    let side = |natted: bool, ip, public, turn: bool| {
        let config = with_stun(config(&[if natted { ip } else { public }]));
        if turn { with_turn(config) } else { config }
    };
    let a = side(net.a.is_some(), "10.0.0.1", "192.0.2.1", net.turn.0);
    let b = side(net.b.is_some(), "10.1.0.1", "192.0.2.2", net.turn.1);
    let mut lab = Lab::new(a, b, net.seed);
    for (side, nat) in [(0, net.a), (1, net.b)] {
        if let Some((mapping, filtering)) = nat {
            lab.nat(side, mapping, filtering);
        }
    }
    for (side, controlling) in [(0, net.roles.0), (1, net.roles.1)] {
        let role = if controlling { Role::Controlling } else { Role::Controlled };
        lab.sides[side].agent.set_role(role);
    }
    lab.loss = net.loss;
    lab.jitter = Duration::from_millis(net.jitter);
    lab
}

/// Everything a run has sent, for comparison.
fn transcript(lab: &Lab) -> Vec<Vec<u8>> {
    lab.sides.iter().flat_map(|side| side.stun.iter().map(|(.., bytes)| bytes.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn agents_reach_mirrored_pairs_or_both_fail(net in net()) {
        let mut lab = lab(&net);
        lab.start();
        lab.conclude(Duration::from_secs(300));
        let states = lab.sides.each_ref().map(|side| side.agent.state());
        let alike = states == [State::Connected; 2] || states == [State::Failed; 2];
        prop_assert!(alike, "{:?}", states);
        if states[0] == State::Connected {
            prop_assert!(lab.mirrored());
            prop_assert_ne!(lab.sides[0].agent.role(), lab.sides[1].agent.role());
        }
        // Endpoint-independent mapping on both sides always gets through, and so does TURN.
        let easy = |nat: Option<(By, By)>| nat.is_none_or(|(mapping, _)| mapping == By::Nothing);
        if (easy(net.a) && easy(net.b)) || net.turn.0 || net.turn.1 {
            prop_assert_eq!(states[0], State::Connected);
        }
    }

    #[test]
    fn same_seed_sends_the_same_bytes(net in net()) {
        let run = || {
            let mut lab = lab(&net);
            lab.start();
            lab.run(Duration::from_secs(20));
            transcript(&lab)
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn any_bytes_are_survived(datagrams in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 0..10)) {
        let mut scripted = Scripted::introduced(Role::Controlling);
        scripted.trickle(PEER, 1000);
        for bytes in datagrams {
            scripted.deliver(PEER, bytes);
            scripted.pass(Duration::from_millis(60));
        }
    }

    #[test]
    fn genuine_messages_with_flipped_bytes_are_survived(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        controlling in any::<bool>(),
    ) {
        let role = if controlling { Role::Controlling } else { Role::Controlled };
        let mut scripted = Scripted::introduced(role);
        scripted.trickle(PEER, 1000);
        scripted.pass(Duration::from_millis(60));
        let check = scripted.check(role.other());
        let answer = scripted.success(&scripted.last_check(PEER).unwrap());
        for mut bytes in [scripted.sealed(&check), answer] {
            for (index, value) in &flips {
                let at = index.index(bytes.len());
                bytes[at] ^= value;
            }
            scripted.deliver(PEER, bytes);
            scripted.pass(Duration::from_millis(60));
        }
    }
}

#[test]
fn transaction_ids_never_repeat_between_the_two_agents() {
    let mut lab = lab(&Net {
        seed: 1,
        a: None,
        b: None,
        turn: (false, false),
        loss: 0,
        jitter: 0,
        roles: (true, false),
    });
    lab.start();
    lab.run(Duration::from_secs(60));
    let ids = |side: usize| {
        let requests = lab.sides[side].stun.iter().map(|(.., bytes)| View::new(bytes));
        let requests = requests.filter(|v| v.priority().is_some());
        requests.filter_map(|view| view.transaction_id()).collect::<Vec<_>>()
    };
    assert!(ids(0).iter().all(|id| !ids(1).contains(id)));
}
