//! What several interfaces saw of one packet is one packet: real sessions as a capture of all
//! interfaces (`tcpdump -i any`) of a machine on their way would hold them.

mod build;

use std::path::{Path, PathBuf};

use build::{Order, pcap, record};
use rtcspec_capture::conversations::{Conversations, conversations};
use rtcspec_capture::read::{Item, Records};
use rtcspec_capture::{Capture, Given, open};
use rtcspec_trace::watch::vantage;
use rtcspec_trace::{Party, Session, transcript};

const SLL2: u32 = 276;
const OUTSIDE: [u8; 4] = [198, 18, 7, 7];

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../corpus/captures/{name}.pcap"))
}

/// An interface on the way: its index, and the address that it sees in place of another.
struct Hop {
    index: u8,
    sees: Option<([u8; 4], [u8; 4])>,
}

/// What crosses the hops from the first to the last if it comes from `inside`, else back.
fn any(name: &str, inside: [u8; 4], hops: &[Hop]) -> Vec<u8> {
    let mut file = pcap(Order::Little, false, SLL2);
    let source = std::fs::File::open(path(name)).expect("a capture");
    let mut records = Records::new(source).expect("a capture");
    while let Some(item) = records.next_item() {
        let Item::Packet(packet) = item else { continue };
        let out = packet.bytes.get(26..30) == Some(&inside[..]);
        let order: Vec<&Hop> =
            if out { hops.iter().collect() } else { hops.iter().rev().collect() };
        for (nth, hop) in (0..).zip(order) {
            let mut frame = vec![packet.bytes[12], packet.bytes[13], 0, 0, 0, 0, 0, hop.index];
            // Ethernet; the first sees it come in, the others see it leave.
            frame.extend([0, 1, if nth == 0 { 0 } else { 4 }, 6, 0, 0, 0, 0, 0, 0, 0, 0]);
            let header = frame.len();
            frame.extend_from_slice(&packet.bytes[14..]);
            for at in [header + 12, header + 16] {
                if let Some((from, to)) = hop.sees
                    && frame.get(at..at + 4) == Some(&from[..])
                {
                    frame[at..at + 4].copy_from_slice(&to);
                }
            }
            let micros = packet.nanos / 1000 + 10 * nth;
            let (seconds, fraction) = (micros / 1_000_000, micros % 1_000_000);
            let length = frame.len();
            file.extend(record(Order::Little, seconds as u32, fraction as u32, &frame, length));
        }
    }
    file
}

fn told(mut capture: Capture, name: &str) -> Conversations {
    let original = open(&path(name), &Given::default()).expect("a capture");
    (capture.keys, capture.dialogues) = (original.keys, original.dialogues);
    conversations(&mut capture, name)
}

fn only(found: &Conversations) -> &Session {
    let [session] = &found.sessions[..] else { panic!("one connection: {}", found.sessions.len()) };
    session
}

/// From where to where, what: as one side saw it, in any order.
fn seen(session: &Session, side: Party) -> Vec<String> {
    let one = |seen: rtcspec_trace::watch::Seen<'_>| {
        format!("{} {} {:02x?}", seen.source, seen.destination, seen.payload)
    };
    let mut all: Vec<String> = vantage(session, side).map(one).collect();
    all.sort();
    all
}

#[test]
fn a_packet_at_veth_bridge_and_ethernet_is_one() {
    let hops = [2, 3, 4].map(|index| Hop { index, sees: None });
    for (name, inside) in [
        ("pion-aiortc", [203, 0, 113, 10]),
        ("firefox-firefox", [203, 0, 113, 10]),
        ("chromium-aiortc-av", [203, 0, 113, 10]),
    ] {
        let capture = Capture::read(any(name, inside, &hops)).expect("a capture");
        assert!(capture.several_views, "{name}");
        let found = told(capture, name);
        let original = open(&path(name), &Given::default()).expect("a capture");
        assert!(!original.several_views, "{name}");
        let original = told(original, name);
        let (one, other) = (only(&found), only(&original));
        assert_eq!(one.datagrams.len(), other.datagrams.len(), "{name}");
        assert_eq!(transcript(one, "seen"), transcript(other, "seen"), "{name}");
    }
}

#[test]
fn a_packet_before_and_behind_a_nat_is_one_and_has_crossed_it() {
    let (name, inside) = ("pion-aiortc", [203, 0, 113, 10]);
    let hops = [
        Hop { index: 2, sees: None },
        Hop { index: 3, sees: None },
        Hop { index: 4, sees: Some((inside, OUTSIDE)) },
    ];
    let found = told(Capture::read(any(name, inside, &hops)).expect("a capture"), name);
    let session = only(&found);
    let original = told(open(&path(name), &Given::default()).expect("a capture"), name);
    let original = only(&original);
    assert_eq!(session.datagrams.len(), original.datagrams.len());
    assert_eq!(seen(session, Party::A), seen(original, Party::A), "A is inside");
    let outside = format!("{}.{}.{}.{}:", OUTSIDE[0], OUTSIDE[1], OUTSIDE[2], OUTSIDE[3]);
    for told in seen(session, Party::B) {
        assert!(told.contains(&outside), "B sees A's outside address: {told}");
    }
    let crossed = session.datagrams.iter().filter(|one| one.crossings.len() == 1).count();
    assert_eq!(crossed, session.datagrams.len());
    assert_eq!(session.nats.len(), 1);
    assert_eq!(session.peers[0].addresses, original.peers[0].addresses);
}

#[test]
fn what_is_not_seen_beyond_an_interface_was_lost_there() {
    let (name, inside) = ("pion-aiortc", [203, 0, 113, 10]);
    let hops = [2, 4].map(|index| Hop { index, sees: None });
    let mut file = any(name, inside, &hops);
    // The last sighting of all is cut off.
    let mut at = 24;
    let mut last = at;
    while at < file.len() {
        last = at;
        at += 16 + u32::from_le_bytes(file[at + 8..at + 12].try_into().expect("four")) as usize;
    }
    file.truncate(last);
    let found = told(Capture::read(file).expect("a capture"), name);
    let lost: Vec<_> = only(&found).datagrams.iter().filter(|one| one.lost.is_some()).collect();
    let [one] = &lost[..] else { panic!("one is lost: {lost:?}") };
    let why = one.lost.as_ref().expect("it is lost");
    assert!(why.reason.starts_with("not seen beyond interface "), "{why:?}");
    assert_eq!(one.arrived, None);
}
