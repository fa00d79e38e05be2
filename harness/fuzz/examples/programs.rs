//! Writes the seeds that are programs, each with what it shows. Argument: the folder `corpus/seeds`.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

/// A file, what it shows, what stands before its steps, and its steps.
type Seed = (&'static str, &'static str, &'static [u8], &'static [&'static [u8]]);

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("say where corpus/seeds is")?);
    write(&folder.join("sctp-assoc"), ASSOCIATION)?;
    write(&folder.join("ice-agent-pair"), AGENTS)
}

fn write(folder: &PathBuf, seeds: &[Seed]) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let mut list = String::from("# file\tsha256\tfrom\twhat it shows\n");
    let mut sorted = seeds.to_vec();
    sorted.sort_by_key(|seed| seed.0);
    for (name, shows, head, steps) in sorted {
        let program = program(head, steps);
        let hash = Sha256::digest(&program).iter().fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02x}").expect("a string takes what is written");
            text
        });
        writeln!(list, "{name}.bin\t{hash}\tmade\t{shows}")?;
        fs::write(folder.join(format!("{name}.bin")), program)?;
    }
    Ok(fs::write(folder.join("provenance.tsv"), list)?)
}

/// Each step with the length of its argument.
fn program(head: &[u8], steps: &[&[u8]]) -> Vec<u8> {
    let mut out = head.to_vec();
    for step in steps {
        out.extend([step[0], u8::try_from(step.len() - 1).expect("seeds have short steps")]);
        out.extend_from_slice(&step[1..]);
    }
    out
}

// Steps of `sctp_assoc`: 0 chunks as they are, 1 chunks by template (kind and two bytes that say
// how), 2 a packet under way, 3 a good network, 4 time, 5 the application, 6 all under way is lost.
// The first byte of 0 and 1 says what is put before the chunks.
const INIT: [u8; 3] = [0, 0, 1];
const OWN_COOKIE: [u8; 3] = [2, 0, 0];
/// What is asked of every state: an INIT, one to be refused, a HEARTBEAT under another tag, and
/// chunks that belong to other states.
const ASKED: &[&[u8]] = &[
    &[1, 0, INIT[0], INIT[1], INIT[2]],
    &[1, 0, 0, 4, 1],
    &[1, 0, 0, 2, 1],
    &[1, 6, 13, 1, 4],
    &[1, 16, 13, 1, 4],
    &[1, 0, 13, 1, 4],
    &[1, 0, 16, 0, 0],
    &[1, 0, 1, 0, 0],
    &[1, 0, 2, 1, 9],
    &[3, 60],
];
const SHUT: &[&[u8]] = &[&[1, 0, 11, 0, 0], &[1, 0, 12, 0, 0], &[3, 60]];

const ASSOCIATION: &[Seed] = &[
    ("state-00-closed", "what closed does with chunks of other states", &[0, 0], ASKED),
    ("state-01-init-answered", "the same with a handshake begun by the partner", &[1, 0], ASKED),
    ("state-02-cookie-wait", "the same in COOKIE-WAIT", &[2, 0], ASKED),
    ("state-03-crossed", "the same while both set up", &[3, 0], ASKED),
    ("state-04-cookie-echoed", "the same in COOKIE-ECHOED", &[4, 0], ASKED),
    ("state-05-established", "the same when established", &[5, 0], ASKED),
    ("state-06-data", "the same with data both ways", &[6, 0], ASKED),
    ("state-07-interleaving", "the same with I-DATA", &[7, 0], ASKED),
    ("state-08-reset", "the same with a reset asked for", &[8, 0], ASKED),
    ("state-09-given-up", "the same with a message given up", &[9, 0], ASKED),
    ("state-10-shutdown-pending", "the same in SHUTDOWN-PENDING", &[10, 0], ASKED),
    ("state-11-shutdown-sent", "the same in SHUTDOWN-SENT", &[11, 0], ASKED),
    ("state-12-shutdown-received", "the same in SHUTDOWN-RECEIVED", &[12, 0], ASKED),
    ("state-13-shutdown-ack-sent", "the same in SHUTDOWN-ACK-SENT", &[13, 0], ASKED),
    ("shut-closed", "SHUTDOWN ACK and COMPLETE out of the blue", &[0, 0], SHUT),
    ("shut-cookie-wait", "SHUTDOWN ACK of an association of the past", &[2, 0], SHUT),
    ("shut-sent", "SHUTDOWN ACK and COMPLETE", &[11, 0], SHUT),
    (
        "out-of-the-blue",
        "RFC 9260 §8.4",
        &[0, 0],
        &[
            &[1, 7, 3, 0, 0],
            &[1, 7, 9, 0, 0],
            &[1, 7, 9, 1, 0],
            &[1, 7, 15, 0, 1],
            &[1, 7, 13, 0, 3],
            &[1, 7, 2, 2, 0],
        ],
    ),
    (
        "cookies",
        "a cookie of somebody else, a changed one, one cut short, the right one",
        &[1, 0],
        &[
            &[1, 0, 2, 2, 0],
            &[1, 0, 2, 1, 40],
            &[1, 0, 2, 3, 30],
            &[1, 0, OWN_COOKIE[0], OWN_COOKIE[1], OWN_COOKIE[2]],
            &[3, 50],
        ],
    ),
    (
        "cookie-stale",
        "RFC 9260 §5.2.6: a cookie after its time",
        &[1, 0],
        &[&[4, 6], &[1, 0, OWN_COOKIE[0], OWN_COOKIE[1], OWN_COOKIE[2]], &[3, 50]],
    ),
    (
        "restart",
        "RFC 9260 §5.2.4 A: the partner begins again",
        &[5, 0],
        &[&[1, 0, INIT[0], INIT[1], INIT[2]], &[1, 0, 2, 0, 0], &[1, 0, 3, 0, 0], &[3, 50]],
    ),
    (
        "init-in-company",
        "INIT that counts for nothing: with a tag, not alone, cut short",
        &[5, 0],
        &[
            &[1, 5, INIT[0], INIT[1], INIT[2]],
            &[1, 0, INIT[0], INIT[1], INIT[2], 13, 0, 1],
            &[1, 64, INIT[0], INIT[1], INIT[2]],
            &[0, 0, 1, 0, 0, 8, 0, 0, 0, 1],
        ],
    ),
    (
        "not-ours",
        "another port, no chunks, a partial chunk, a wrong checksum, none",
        &[5, 2],
        &[
            &[1, 32, 13, 0, 1],
            &[0, 0],
            &[1, 0, 18, 9, 0x20],
            &[1, 16, 13, 0, 1],
            &[1, 24, 13, 0, 1],
        ],
    ),
    (
        "data-with-gaps",
        "TSNs ahead, again, and far ahead",
        &[5, 0],
        &[
            &[1, 0, 3, 0, 2],
            &[1, 0, 3, 0, 5],
            &[1, 0, 3, 0, 2],
            &[1, 0, 3, 0, 0, 3, 0, 1],
            &[1, 0, 3, 0, 8],
            &[1, 0, 3, 0, 9],
            &[1, 0, 3, 0, 13],
            &[3, 50],
        ],
    ),
    (
        "window-shut",
        "pieces of messages that never end, until there is no room",
        &[5, 4],
        &[
            &[1, 0, 3, 1, 0x70],
            &[1, 0, 3, 3, 0x70],
            &[1, 0, 3, 3, 0x70],
            &[1, 0, 3, 3, 0x71],
            &[1, 0, 3, 3, 0x73],
            &[3, 50],
        ],
    ),
    (
        "i-data-pieces",
        "a message in pieces, the last first, and one piece beyond it",
        &[7, 0],
        &[
            &[3, 100],
            &[1, 0, 4, 0x42, 1],
            &[1, 0, 4, 0x83, 2],
            &[1, 0, 4, 0x01, 0],
            &[1, 0, 4, 0x00, 3],
            &[3, 50],
        ],
    ),
    ("wrap", "TSNs go over their end on both sides", &[6, 16], &[&[3, 200]]),
    (
        "partner-disturbed",
        "packets of the partner held back, doubled, changed, cut short and lost",
        &[6, 0],
        &[
            &[2, 3],
            &[2, 2],
            &[2, 4, 30, 4],
            &[2, 5, 40, 1],
            &[2, 6, 40, 1],
            &[2, 7],
            &[2, 8],
            &[2, 1],
            &[3, 255],
            &[3, 255],
        ],
    ),
    (
        "sacks",
        "acknowledged ahead of what was sent, with gaps, with a window of zero",
        &[6, 0],
        &[
            &[1, 0, 5, 13, 1],
            &[1, 0, 5, 14, 3],
            &[1, 0, 5, 1, 0],
            &[1, 0, 5, 0x10, 0x1f],
            &[1, 0, 5, 0x0d, 1],
            &[1, 0, 5, 0x0d, 1],
            &[1, 0, 5, 0x0d, 1],
            &[3, 255],
        ],
    ),
    (
        "skips",
        "FORWARD TSN: to what came, ahead, far ahead, behind; then data",
        &[5, 0],
        &[
            &[1, 0, 6, 0, 1],
            &[1, 0, 6, 3, 2],
            &[1, 0, 6, 13, 2],
            &[1, 0, 3, 0, 0],
            &[1, 0, 6, 11, 2],
            &[1, 0, 3, 0, 0],
            &[3, 50],
        ],
    ),
    (
        "skips-interleaved",
        "I-FORWARD TSN of ordered and unordered messages",
        &[7, 0],
        &[&[3, 100], &[1, 0, 7, 0, 2], &[1, 0, 7, 2, 0x1b], &[1, 0, 4, 0, 0], &[3, 50]],
    ),
    (
        "resets",
        "resets asked for by both, denied, with numbers out of turn, answered twice",
        &[8, 0],
        &[
            &[1, 0, 8, 0, 1],
            &[1, 0, 8, 0x10, 1],
            &[1, 0, 8, 1, 2],
            &[1, 0, 8, 2, 8],
            &[1, 0, 8, 3, 1],
            &[1, 0, 8, 5, 1],
            &[1, 0, 8, 5, 1],
            &[5, 8, 2, 0],
            &[5, 9, 1, 0],
            &[3, 255],
        ],
    ),
    (
        "errors",
        "causes told, a violation that ends it",
        &[5, 0],
        &[&[1, 0, 15, 0, 2], &[1, 0, 15, 0, 0xc5], &[1, 0, 18, 9, 1], &[1, 0, 4, 0, 0], &[3, 50]],
    ),
    (
        "unknown-chunks",
        "RFC 9260 §3.2: by their high bits, with data behind",
        &[5, 0],
        &[
            &[1, 0, 19, 0, 1, 13, 0, 1],
            &[1, 0, 19, 0x40, 1, 13, 0, 1],
            &[1, 0, 19, 0x80, 1, 13, 0, 1],
            &[1, 0, 19, 0xc0, 1, 13, 0, 1],
            &[1, 0, 19, 0xc0, 255, 19, 0xc0, 255],
        ],
    ),
    (
        "raw",
        "chunks without template",
        &[5, 0],
        &[&[0, 0, 10, 0, 0, 4, 14, 0, 0, 4, 11, 0, 0, 4, 4, 0, 0, 8, 0, 1, 0, 4], &[3, 50]],
    ),
    (
        "unreachable",
        "nobody answers any more",
        &[5, 0],
        &[&[5, 0, 1, 100], &[4, 7], &[4, 7], &[6], &[4, 7], &[3, 50]],
    ),
    (
        "aborted",
        "the partner aborts, and begins again",
        &[6, 0],
        &[&[5, 13, 1, 0], &[3, 50], &[5, 15, 0, 0], &[3, 100], &[5, 1, 1, 60], &[3, 100]],
    ),
    ("shutdown", "after data of both sides", &[6, 0], &[&[5, 10, 0, 0], &[3, 255], &[3, 100]]),
    (
        "limits",
        "messages that are given up after a time or a number of attempts",
        &[5, 0],
        &[
            &[5, 2, 9, 80],
            &[6],
            &[5, 2, 0x51, 80],
            &[4, 4],
            &[6],
            &[4, 4],
            &[3, 255],
            &[5, 3, 2, 200],
            &[3, 255],
        ],
    ),
];

// Before the steps of `ice_agent_pair`: the NAT of each side (0 none, 1 to 9 mapping and filtering, 0x80
// another interface), servers, switches. Steps: 0 time, 1 what happens to packets, 2 signalling, 3 a
// stranger, 4 a restart, 5 silence, 6 data, 7 a NAT forgets, 8 a late description.
const STRANGERS: &[&[u8]] = &[
    &[3, 0, 0, 0],
    &[3, 1, 1, 2],
    &[3, 0, 2, 2],
    &[3, 1, 3, 6],
    &[3, 0, 4, 30],
    &[3, 1, 5, 0],
    &[3, 0, 6, 0],
    &[3, 1, 7, 0],
    &[3, 0, 8, 0],
    &[0, 20],
    &[3, 2, 0, 0],
    &[3, 3, 1, 2],
    &[3, 2, 4, 31],
    &[3, 3, 5, 1],
    &[3, 2, 6, 1],
    &[3, 2, 8, 0],
    &[3, 1, 10, 200],
    &[6, 1],
];

const AGENTS: &[Seed] = &[
    ("open", "both on the internet, one server", &[0, 0, 3, 0], &[&[0, 50]]),
    ("cone", "two NATs that hole punching gets through", &[3, 3, 3, 0], &[&[0, 50]]),
    ("restricted", "mapping by address, filtering by port", &[1, 6, 3, 0], &[&[0, 50]]),
    ("symmetric", "two NATs that map by port: nothing, or the relay", &[9, 9, 3, 0], &[&[0, 50]]),
    ("symmetric-relay", "the same with TURN at one side", &[9, 9, 7, 0], &[&[0, 50]]),
    ("symmetric-relays", "the same with TURN at both", &[9, 9, 15, 0], &[&[0, 50]]),
    ("one-symmetric", "one of them: a peer-reflexive candidate", &[7, 2, 3, 0], &[&[0, 50]]),
    ("no-server", "two NATs and no server", &[3, 3, 0, 0], &[&[0, 50]]),
    ("multihomed", "a network between them, and NATs", &[0x89, 0x89, 3, 0], &[&[0, 50]]),
    ("multihomed-one", "two interfaces at one side", &[0x80, 3, 3, 0], &[&[0, 50]]),
    ("both-control", "RFC 8445 §7.3.1.1: both control", &[0, 3, 3, 1], &[&[0, 50]]),
    ("neither-controls", "neither does", &[3, 0, 3, 2], &[&[0, 50]]),
    (
        "late-description",
        "checks come before the description",
        &[3, 3, 3, 8],
        &[&[0, 60], &[8, 0], &[0, 50]],
    ),
    (
        "signalling",
        "candidates lost, garbled, doubled, in another order",
        &[3, 3, 3, 4],
        &[&[0, 10], &[2, 10], &[2, 6, 7], &[2, 3], &[2, 9, 3], &[2, 4], &[2, 0], &[0, 100]],
    ),
    (
        "signalling-order",
        "the same without loss",
        &[0x83, 0x83, 3, 4],
        &[&[0, 10], &[2, 4], &[2, 5], &[2, 10], &[2, 9, 3], &[0, 100]],
    ),
    (
        "loss",
        "packets lost, doubled, late",
        &[3, 3, 3, 0],
        &[&[1, 0x40, 0x80, 0x20, 0, 0x40, 0x85, 0], &[0, 100]],
    ),
    ("strangers-early", "strangers before there is a pair", &[0, 0, 3, 0], STRANGERS),
    ("strangers-nat", "the same behind NATs", &[3, 3, 3, 1], STRANGERS),
    (
        "strangers-late",
        "strangers when there is a pair",
        &[0, 3, 3, 0],
        &[
            &[0, 100],
            &[3, 0, 0, 0],
            &[3, 3, 1, 2],
            &[3, 2, 5, 0],
            &[3, 2, 6, 0],
            &[3, 0, 7, 0],
            &[3, 0, 8, 0],
            &[3, 1, 8, 0],
            &[6, 0],
            &[6, 1],
            &[3, 0, 9, 0],
            &[3, 1, 9, 0],
            &[0, 50],
        ],
    ),
    ("restart", "both restart", &[3, 3, 3, 0], &[&[0, 100], &[6, 0], &[4, 0], &[0, 100], &[6, 1]]),
    ("restart-early", "before there was a pair", &[3, 3, 3, 0], &[&[0, 2], &[4, 1], &[0, 100]]),
    (
        "restart-late",
        "the answer to a restart is late",
        &[0, 0, 3, 0],
        &[&[0, 100], &[4, 2], &[0, 100], &[6, 0], &[8, 0], &[0, 100]],
    ),
    ("silence-short", "silence for less than consent lasts", &[3, 3, 3, 0], &[&[0, 100], &[5, 2]]),
    ("silence-long", "until consent has expired", &[3, 3, 3, 0], &[&[0, 100], &[6, 0], &[5, 3]]),
    ("silence-longest", "long after", &[0, 0, 3, 0], &[&[0, 100], &[5, 4], &[6, 0], &[6, 1]]),
    (
        "mappings-lost",
        "a NAT forgets",
        &[3, 6, 3, 0],
        &[&[0, 100], &[7, 0], &[6, 0], &[0, 200], &[7, 1], &[6, 1], &[0, 200]],
    ),
];
