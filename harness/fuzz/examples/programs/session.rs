//! Seeds of `full_session`. Steps: 0 setup, 1 link, 2 messages, 3 channel, 4 restart, 5 close a
//! channel, 6 close, 7 network, 8 tamper, 9 inject, 10 ground; whose it is, 0 for the hostile peer and 1 for the
//! tested one, is the lowest bit of an argument.

use crate::{Program, program};

const SETUP: u8 = 0;
const SEND: u8 = 2;
const TAMPER: u8 = 8;
const INJECT: u8 = 9;
const GROUND: u8 = 10;

/// Two hosts on the internet; the hostile one offers.
const PLAIN: &[u8] = &[SETUP, 0, 0, 0, 0, 0, 0];
/// The same, and the tested one offers.
const TESTED_OFFERS: &[u8] = &[SETUP, 0, 0, 0, 0, 0, 1];

const LAYERS: [&str; 6] = ["sdp", "candidate", "stun", "dtls", "sctp", "message"];

/// Situations with a story of their own.
const STORIES: &[(&str, &str, &[&[u8]])] = &[
    ("plain", "two hosts and a good network", &[PLAIN]),
    ("tested-offers", "the tested peer offers", &[TESTED_OFFERS]),
    (
        "messages-both-ways",
        "messages of 100 bytes to 25 kB, interleaved and without checksum",
        &[
            &[SETUP, 0, 0, 0, 0, 3, 0],
            &[SEND, 0, 40, 3, 0, 100],
            &[SEND, 1, 44, 7, 40, 0],
            &[SEND, 0, 50, 0, 100, 0],
        ],
    ),
    (
        "channels",
        "ordered, unordered and of limited reliability",
        &[
            TESTED_OFFERS,
            &[3, 2, 20, 0],
            &[3, 5, 22, 43],
            &[3, 6, 24, 12],
            &[SEND, 2, 40, 5, 4, 0],
            &[SEND, 5, 40, 5, 4, 0],
            &[SEND, 6, 40, 5, 0, 9],
        ],
    ),
    (
        "symmetric-turn",
        "two symmetric NATs and a TURN server",
        &[&[SETUP, 4, 4, 3, 0, 0, 0], &[SEND, 0, 80, 2, 0, 50]],
    ),
    (
        "cone-stun",
        "two cones and a STUN server",
        &[&[SETUP, 1, 2, 1, 0, 0, 0], &[SEND, 1, 80, 2, 0, 50]],
    ),
    ("carrier-home", "a carrier's NAT and a home's", &[&[SETUP, 11, 5, 3, 5, 0, 1]]),
    ("symmetric-no-server", "two symmetric NATs and nobody to help", &[&[SETUP, 4, 4, 0, 0, 0, 0]]),
    (
        "lossy",
        "loss both ways, and jitter",
        &[
            PLAIN,
            &[1, 0, 2, 12],
            &[1, 1, 2, 9],
            &[1, 0, 1, 40],
            &[SEND, 0, 40, 7, 10, 0],
            &[SEND, 1, 40, 7, 10, 0],
        ],
    ),
    (
        "reordered-doubled",
        "packets out of order and twice",
        &[
            &[SETUP, 0, 0, 0, 0, 1, 1],
            &[1, 0, 4, 60],
            &[1, 1, 3, 20],
            &[1, 1, 0, 80],
            &[SEND, 0, 40, 7, 30, 0],
        ],
    ),
    (
        "corrupted",
        "packets damaged under way",
        &[
            &[SETUP, 0, 0, 0, 0, 2, 0],
            &[1, 0, 5, 5],
            &[SEND, 0, 40, 7, 10, 0],
            &[SEND, 1, 40, 7, 10, 0],
        ],
    ),
    (
        "tsn-wrap-small-window",
        "TSNs that wrap in a window of 64 kB",
        &[&[SETUP, 0, 0, 0, 0, 44, 0], &[SEND, 1, 40, 7, 60, 0], &[SEND, 0, 40, 7, 60, 0]],
    ),
    (
        "restart",
        "one restarts, then the other",
        &[&[SETUP, 1, 2, 1, 0, 0, 0], &[4, 0, 60], &[4, 1, 120], &[SEND, 0, 160, 1, 0, 5]],
    ),
    (
        "close-channel",
        "a channel closed by the other side, then the first one",
        &[PLAIN, &[3, 2, 20, 0], &[SEND, 2, 40, 1, 0, 5], &[5, 3, 60], &[5, 0, 80]],
    ),
    ("close", "a peer leaves while it sends", &[PLAIN, &[SEND, 1, 40, 7, 10, 0], &[6, 1, 45]]),
    (
        "reboot-renumber-expire",
        "what becomes of NATs and a link",
        &[
            &[SETUP, 1, 5, 1, 0, 0, 0],
            &[7, 1, 60, 200],
            &[7, 2, 100, 0],
            &[7, 5, 140, 0],
            &[7, 6, 150, 10],
        ],
    ),
    (
        "turn-tcp-udp-dropped",
        "the tested peer's firewall lets TCP out; TURN over TCP",
        &[
            &[SETUP, 4, 4, 6, 0, 0, 0],
            &[GROUND, 3, 0, 0],
            &[GROUND, 3, 5, 1],
            &[SEND, 0, 80, 7, 10, 0],
            &[SEND, 1, 80, 7, 10, 0],
        ],
    ),
    (
        "turn-tls-udp-rejected",
        "the tested peer's firewall lets TLS out and tells of the rest by ICMP; TURN over TLS",
        &[
            &[SETUP, 4, 2, 10, 0, 0, 1],
            &[GROUND, 3, 0, 1],
            &[GROUND, 3, 5, 5],
            &[SEND, 0, 80, 2, 10, 0],
        ],
    ),
    (
        "turn-tcp-both",
        "both use TURN over TCP alone, both rely on it",
        &[&[SETUP, 4, 4, 22 + 192, 0, 0, 0], &[SEND, 0, 80, 7, 60, 0], &[SEND, 1, 80, 7, 60, 0]],
    ),
    (
        "turn-tcp-lossy",
        "TURN over TCP where packets are lost, late and doubled",
        &[
            &[SETUP, 4, 4, 22, 0, 0, 0],
            &[1, 0, 2, 9],
            &[1, 1, 4, 60],
            &[1, 1, 3, 20],
            &[SEND, 0, 80, 7, 60, 0],
            &[SEND, 1, 80, 7, 60, 0],
        ],
    ),
    (
        "turn-tcp-killed",
        "TCP is blocked in the middle of a session over it, and let through again",
        &[
            &[SETUP, 4, 4, 22, 0, 0, 0],
            &[SEND, 0, 80, 2, 10, 0],
            &[7, 9, 90, 1],
            &[SEND, 1, 100, 2, 10, 0],
            &[7, 11, 200, 1],
            &[4, 1, 210],
        ],
    ),
    (
        "udp-killed-restart",
        "a firewall stops UDP after two seconds; TURN over TCP after a restart",
        &[&[SETUP, 1, 2, 7, 0, 0, 0], &[GROUND, 3, 4, 33], &[4, 1, 200], &[SEND, 0, 240, 1, 1, 0]],
    ),
    (
        "no-udp-at-all",
        "nothing leaves the tested peer's network",
        &[&[SETUP, 1, 2, 7, 0, 0, 0], &[GROUND, 3, 0, 1]],
    ),
    ("ipv6", "both have IPv6 alone", &[&[SETUP, 0, 0, 3, 0, 0, 0, 0, 10], &[SEND, 0, 60, 2, 4, 0]]),
    (
        "dual-stack-filters",
        "both have both families, behind boxes that filter IPv6",
        &[
            &[SETUP, 1, 4, 3, 0, 0, 1, 0, 15],
            &[GROUND, 0, 19, 4],
            &[GROUND, 1, 19, 2],
            &[SEND, 0, 80, 2, 4, 0],
        ],
    ),
    (
        "dual-stack-one-side",
        "one has both families, one IPv4",
        &[&[SETUP, 1, 0, 3, 0, 0, 0, 0, 7], &[GROUND, 0, 19, 1], &[SEND, 1, 80, 2, 4, 0]],
    ),
    (
        "ipv6-firewalls",
        "IPv6 with a filter on both sides, and TURN",
        &[
            &[SETUP, 0, 0, 6, 0, 0, 0, 0, 10],
            &[GROUND, 2, 1, 0],
            &[GROUND, 3, 1, 1],
            &[GROUND, 3, 2, 2],
            &[SEND, 1, 80, 2, 4, 0],
        ],
    ),
    ("one-home", "two hosts of one home", &[&[SETUP, 4, 4, 3, 0, 0, 0], &[GROUND, 8, 0, 0]]),
    (
        "one-home-names",
        "two hosts of one home hide their addresses behind names",
        &[&[SETUP, 4, 4, 35, 0, 0, 0], &[GROUND, 8, 0, 0], &[SEND, 0, 80, 2, 0, 9]],
    ),
    ("names", "names of multicast DNS on the internet", &[&[SETUP, 0, 0, 33, 0, 0, 1]]),
    (
        "one-home-apart",
        "two hosts that their segment keeps apart; the NAT hairpins",
        &[&[SETUP, 1, 4, 3, 0, 0, 0], &[GROUND, 8, 0, 1], &[GROUND, 0, 7, 2]],
    ),
    (
        "carriers",
        "homes behind two carriers' NATs",
        &[
            &[SETUP, 1, 2, 3, 0, 0, 0],
            &[GROUND, 6, 4, 0],
            &[GROUND, 7, 11, 0],
            &[SEND, 0, 80, 1, 0, 9],
        ],
    ),
    (
        "moves",
        "the hostile peer moves into the other's home and restarts; then the other one moves",
        &[
            &[SETUP, 1, 2, 3, 0, 0, 0],
            &[7, 12, 60, 200],
            &[4, 0, 80],
            &[7, 13, 160, 10],
            &[4, 1, 180],
            &[SEND, 0, 240, 1, 0, 5],
        ],
    ),
    (
        "cookie-ack-lost",
        "the hostile peer's second SCTP packet is lost",
        &[PLAIN, &[TAMPER, 4, 1, 0, 0, 0, 0], &[SEND, 1, 60, 1, 0, 60]],
    ),
];

/// All seeds.
pub(crate) fn all() -> Vec<Program> {
    let story = |(name, shows, steps): &(&str, &str, &[&[u8]])| {
        ((*name).to_owned(), (*shows).to_owned(), program(&[], steps))
    };
    let stories = STORIES.iter().map(story).chain(orders());
    stories.chain(grounds()).chain(tampered()).chain(injected()).collect()
}

/// Every order of candidates but the usual one.
fn orders() -> impl Iterator<Item = Program> {
    let names = [
        "reversed",
        "before-description",
        "after-gathering",
        "half-trickle",
        "in-description",
        "duplicated",
    ];
    names.into_iter().zip(0_u8..).map(|(name, number)| {
        let setup = [SETUP, 1, 0, 1, number + 1, 0, number & 1];
        (format!("candidates-{name}"), format!("candidates {name}"), program(&[], &[&setup]))
    })
}

/// Every parameter of a NAT, of a firewall and of a link, and every fault of a TURN server.
fn grounds() -> Vec<Program> {
    const UDP: [u8; 7] = [SETUP, 1, 2, 3, 0, 0, 0];
    const ALL: [u8; 7] = [SETUP, 4, 5, 15, 0, 0, 1];
    let kinds: [(&str, u8, &[u8], u8, &[u8]); 4] = [
        ("nat", 0, &UDP, 20, &[0, 1, 2, 14]),
        ("firewall", 1, &ALL, 9, &[0, 1, 2]),
        ("fault", 2, &UDP, 16, &[0, 8]),
        ("link", 5, &UDP, 6, &[1, 200]),
    ];
    let mut all = Vec::new();
    for (name, kind, setup, count, amounts) in kinds {
        for which in 0..count {
            for amount in amounts {
                let ground = |who: u8| [GROUND, kind << 1 | who, which, *amount];
                let (hostile, tested) = (ground(0), ground(1));
                let sent = [SEND, 0, 80, 2, 10, 0];
                let steps: [&[u8]; 4] = [setup, &hostile, &tested, &sent];
                let shows = format!("{name} number {which} of what it can be, {amount}");
                all.push((format!("{name}-{which}-{amount}"), shows, program(&[], &steps)));
            }
        }
    }
    all.extend((0..11).map(|which| {
        let ports = |who: u8| [GROUND, who, 4, which + 11];
        let steps: [&[u8]; 3] = [&UDP, &ports(0), &ports(1)];
        (format!("ports-{which}"), format!("ports by policy {which}"), program(&[], &steps))
    }));
    all
}

/// One message of each layer, by its number, dropped, doubled, late, changed.
fn tampered() -> Vec<Program> {
    let verbs =
        [("drop", 0), ("duplicate", 1), ("delay", 2), ("change", 4), ("change-unrepaired", 3)];
    let mut all = Vec::new();
    for (layer, name) in (0_u8..).zip(LAYERS) {
        for (word, verb) in verbs.into_iter().filter(|(_, verb)| layer > 0 || *verb > 2) {
            let numbers: &[u8] = if (2..5).contains(&layer) { &[0, 1, 2, 5] } else { &[0, 1] };
            for nth in numbers {
                let setup = [SETUP, 0, 0, 0, 0, 0, nth & 1];
                let tamper = [TAMPER, layer, *nth, verb, 60, 0, 17 + nth * 8 + layer];
                let steps: [&[u8]; 3] = [&setup, &tamper, &[SEND, 0, 60, 1, 0, 60]];
                let nth = nth + 1;
                let shows = format!("{word} of {name} message {nth} of the hostile peer");
                all.push((format!("{name}-{word}-{nth}"), shows, program(&[], &steps)));
            }
        }
    }
    all
}

/// Five messages of a layer, at five times, from a stranger, sealed, or copied.
fn injected() -> Vec<Program> {
    let kinds =
        [("stranger", 1), ("sealed", 2), ("copy", 4), ("stranger-copy", 5), ("sealed-copy", 6)];
    let mut all = Vec::new();
    for (layer, name) in (0_u8..).zip(&LAYERS[2..]) {
        // Only datagrams come from strangers.
        for (word, options) in kinds.into_iter().filter(|(_, kind)| layer < 2 || kind & 1 == 0) {
            for seed in [0, 9, 23] {
                let inject = |at: u8| [INJECT, layer, at, options | 2 << 3, at % 11, 0, seed + at];
                let injections = [3, 14, 30, 44, 60].map(inject);
                let setup = [SETUP, 0, 0, 0, 0, 0, seed & 1];
                let mut steps: Vec<&[u8]> = vec![&setup];
                steps.extend(injections.iter().map(<[u8; 7]>::as_slice));
                steps.push(&[SEND, 1, 90, 1, 0, 60]);
                let shows = format!("{name} messages slipped in: {word}, seed {seed}");
                all.push((format!("inject-{name}-{word}-{seed}"), shows, program(&[], &steps)));
            }
        }
    }
    all
}
