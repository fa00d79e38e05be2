//! Seeds of `full_session`. Steps: 0 setup, 1 link, 2 messages, 3 channel, 4 restart, 5 close a
//! channel, 6 close, 7 network, 8 tamper, 9 inject; whose it is, 0 for the hostile peer and 1 for the
//! tested one, is the lowest bit of an argument.

use crate::{Program, program};

const SETUP: u8 = 0;
const SEND: u8 = 2;
const TAMPER: u8 = 8;
const INJECT: u8 = 9;

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
    STORIES.iter().map(story).chain(orders()).chain(tampered()).chain(injected()).collect()
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
