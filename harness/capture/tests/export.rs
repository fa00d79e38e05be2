//! Exports of packets made byte by byte: link layers, IP, fragments, TCP, ICMP, damage.

mod build;

use build::{
    Order, block, ethernet, interface, ipv4, ipv6, pcap, record, secrets, section, tcp, udp,
};
use rtcspec_capture::export::{ExportError, Exported, pseudonymise};
use rtcspec_capture::keys::KeyLog;
use rtcspec_capture::net::Frames;
use rtcspec_capture::read::{Item, Records};
use rtcspec_trace::Carrier;
use rtcspec_wire::framing::{Deframer, Framing};

const UDP: u8 = 17;
const TCP: u8 = 6;
const LITTLE: Order = Order::Little;
const SECRET: &[u8] = b"alice's secret words";

/// A classic file of these packets, a millisecond apart.
fn file(link: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut file = pcap(LITTLE, false, link);
    for (nth, packet) in (0..).zip(packets) {
        file.extend(record(LITTLE, 1_700_000_000, 1000 * nth, packet, packet.len()));
    }
    file
}

fn exported(file: &[u8]) -> Exported {
    pseudonymise(file, KeyLog::default(), &[], 0).expect("it is exported")
}

/// The packets of a file.
fn packets(file: &[u8]) -> Vec<Vec<u8>> {
    let mut records = Records::new(file).expect("a capture");
    let mut all = Vec::new();
    while let Some(item) = records.next_item() {
        if let Item::Packet(record) = item {
            assert_eq!(record.number, all.len() as u64 + 1);
            all.push(record.bytes.to_vec());
        }
    }
    all
}

/// Number, stream, ports, payload.
type Seen = (u64, Option<u64>, [u16; 2], Vec<u8>);

fn frames(file: &[u8]) -> Vec<Seen> {
    let mut frames = Frames::new(file).expect("a capture");
    let mut all = Vec::new();
    frames.for_each(|frame| {
        let seen = frame.seen;
        let stream = match seen.carrier {
            Carrier::Udp | Carrier::Sctp => None,
            Carrier::Tcp(stream) => Some(stream),
        };
        let ports = [seen.source.port(), seen.destination.port()];
        all.push((seen.number, stream, ports, seen.payload.to_vec()));
    });
    all
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|found| found == part)
}

/// RFC 1071, over a packet with its field in it: zero if it is right.
fn sum(bytes: &[u8]) -> u16 {
    let word = |two: &[u8]| u32::from(two[0]) << 8 | u32::from(*two.get(1).unwrap_or(&0));
    let mut sum: u32 = bytes.chunks(2).map(word).sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Puts the right sum into an IPv4 packet, and into its UDP or TCP.
fn summed(mut packet: Vec<u8>) -> Vec<u8> {
    let header = sum(&packet[..20]);
    packet[10..12].copy_from_slice(&header.to_be_bytes());
    let at = if packet[9] == UDP { 26 } else { 36 };
    let transport = transport_sum(&packet);
    packet[at..at + 2].copy_from_slice(&transport.to_be_bytes());
    packet
}

fn transport_sum(packet: &[u8]) -> u16 {
    let length = (packet.len() as u16 - 20).to_be_bytes();
    sum(&[&packet[12..20], &[0, packet[9]], &length, &packet[20..]].concat())
}

fn are_right(packet: &[u8]) -> bool {
    sum(&packet[..20]) == 0 && transport_sum(packet) == 0
}

/// A check as nobody signed it, from `source`.
fn check(id: u8) -> Vec<u8> {
    let mut message = vec![0, 1, 0, 16, 0x21, 0x12, 0xa4, 0x42];
    message.extend([id; 12]);
    message.extend(b"\0\x06\0\x09abcd:efgh\0\0\0");
    message
}

#[test]
fn checksums_are_right_again_absent_again_or_wrong_again() {
    let right = summed(ipv4(false, UDP, 0, &udp(SECRET)));
    let absent = ipv4(false, UDP, 0, &udp(SECRET));
    let mut wrong = right.clone();
    (wrong[11], wrong[27]) = (wrong[11] ^ 1, wrong[27] ^ 1);
    let segment = summed(ipv4(true, TCP, 0, &tcp(true, 7, 0, 16, SECRET)));
    let exported = exported(&file(101, &[right, absent, wrong, segment]));
    let out = packets(&exported.file);
    assert!(are_right(&out[0]) && are_right(&out[3]));
    assert_eq!(out[1][26..28], [0, 0]);
    assert!(sum(&out[2][..20]) != 0 && transport_sum(&out[2]) != 0);
    assert!(!holds(&exported.file, &SECRET[..8]) && !holds(&exported.file, &[10, 0, 0, 1]));
    assert_eq!((exported.told.frames, exported.told.addresses), (4, 2));
}

#[test]
fn frames_keep_their_times_lengths_and_link_layers() {
    let packet = ipv4(false, UDP, 0, &udp(SECRET));
    let tagged = ethernet(&[0x81, 0, 0, 5, 8, 0], &packet);
    let padded = [ethernet(&[8, 0], &packet), vec![0; 6], b"trailer words".to_vec()].concat();
    let lldp = ethernet(&[0x88, 0xcc], SECRET);
    let frames = [tagged, padded, lldp, vec![2; 5]];
    let exported = exported(&file(1, &frames));
    let mut records = Records::new(exported.file.as_slice()).expect("a capture");
    for (nth, before) in (0..).zip(&frames) {
        let Some(Item::Packet(record)) = records.next_item() else { panic!("{nth}") };
        assert_eq!(record.nanos, 1_700_000_000_000_000_000 + 1_000_000 * nth);
        assert_eq!((record.link, record.bytes.len()), (1, before.len()));
    }
    let out = packets(&exported.file);
    assert_eq!(out[0][12..18], [0x81, 0, 0, 5, 8, 0]);
    assert_eq!(out[0][..6], out[1][6..12], "one hardware address");
    assert_ne!(out[0][..6], [2; 6]);
    assert_eq!(out[2][12..14], [0x88, 0xcc]);
    assert!(!holds(&exported.file, &SECRET[..6]) && !holds(&exported.file, b"trailer"));
    assert_eq!(exported.told.others, 2);
}

#[test]
fn a_datagram_in_fragments_is_cut_where_it_was() {
    let message = [check(1), check(2)].concat();
    let datagram = udp(&check(9));
    let long = udp(&message);
    let fragments = [
        ipv4(false, UDP, 0x2000, &datagram[..24]),
        ipv4(false, UDP, 3, &datagram[24..]),
        // In another order, and one twice.
        ipv4(true, UDP, 2, &long[16..]),
        ipv4(true, UDP, 0x2000, &long[..16]),
        ipv4(true, UDP, 0x2000, &long[..16]),
        // Never whole.
        ipv4(false, UDP, 0x2005, SECRET[..16].into()),
    ];
    let before = file(101, &fragments);
    let exported = exported(&before);
    let (before, after) = (frames(&before), frames(&exported.file));
    assert_eq!(after.len(), before.len());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.0, before.1, before.2), (after.0, after.1, after.2));
        assert_eq!(before.3[..8], after.3[..8]);
        assert_ne!(before.3[8..], after.3[8..]);
    }
    assert!(!holds(&exported.file, b"abcd") && !holds(&exported.file, &SECRET[..8]));
    assert_eq!((exported.told.stun, exported.told.incomplete), (2, 2), "{}", exported.told);
}

#[test]
fn streams_are_cut_where_their_segments_were() {
    let mut stream = Vec::new();
    for id in 1..=4 {
        Framing::Rfc4571.frame_into(&check(id), &mut stream).expect("it fits");
    }
    let part = |from: usize, to: usize, sequence: u32| {
        ipv4(false, TCP, 0, &tcp(false, sequence, 0, 16, &stream[from..to]))
    };
    let first = u32::MAX - 20;
    let at = |offset: usize| first.wrapping_add(offset as u32);
    let segments: Vec<Vec<u8>> = [
        ipv4(false, TCP, 0, &tcp(false, first.wrapping_sub(1), 0, 2, b"")),
        part(0, 10, at(0)),
        // Ahead of others, sent twice, cut otherwise the second time.
        part(60, 90, at(60)),
        part(10, 60, at(10)),
        part(5, 40, at(5)),
        part(90, stream.len(), at(90)),
        // The other side answers.
        ipv4(true, TCP, 0, &tcp(true, 500, 0, 16, &stream[..40])),
        // The same place with other bytes.
        ipv4(false, TCP, 0, &tcp(false, at(20), 0, 16, SECRET)),
    ]
    .map(summed)
    .to_vec();
    let before = file(101, &segments);
    let exported = exported(&before);
    let joined = |file: &[u8]| {
        let mut stream = Vec::new();
        for (_, number, ports, bytes) in frames(file) {
            assert_eq!(number, Some(1));
            if ports[0] == 1111 {
                stream.extend(bytes);
            }
        }
        stream
    };
    assert_eq!(joined(&before), stream);
    let after = joined(&exported.file);
    assert_eq!(after.len(), stream.len());
    let mut deframer = Deframer::new(Framing::Rfc4571);
    deframer.push(&after).expect("it fits");
    for _ in 1..=4 {
        let message = deframer.next_packet().expect("in step").expect("a packet");
        assert_eq!(message[..8], check(1)[..8]);
        assert!(rtcspec_wire::stun::View::new(message).check().is_ok());
    }
    assert_eq!(deframer.buffered(), 0);
    let out = packets(&exported.file);
    assert!(out.iter().all(|packet| are_right(packet)), "sums of segments");
    assert_eq!(out[3][44..74], out[4][49..79], "bytes sent twice are the same");
    assert!(!holds(&exported.file, b"abcd") && !holds(&exported.file, &SECRET[..8]));
    assert_eq!(exported.told.stun, 5);
}

#[test]
fn errors_bring_back_the_packet_in_its_place() {
    let sent = summed(ipv4(false, UDP, 0, &udp(&check(7))));
    let mut error = [&[3, 1, 0, 0, 0, 0, 0, 0][..], &sent[..40]].concat();
    let right = sum(&error);
    error[2..4].copy_from_slice(&right.to_be_bytes());
    let exported = exported(&file(101, &[sent, ipv4(true, 1, 0, &error)]));
    let out = packets(&exported.file);
    let (sent, error) = (&out[0], &out[1][20..]);
    assert_eq!(sum(error), 0);
    assert_eq!(error[8..34], sent[..26], "addresses and ports are those of the packet");
    assert_ne!(error[36..48], check(7)[..12]);
}

#[test]
fn ipv6_loses_its_options_and_keeps_its_form() {
    let options = [&[UDP, 1, 5, 12][..], &SECRET[..12]].concat();
    let packet = ipv6(0, &[options, udp(SECRET)].concat());
    let before = file(101, &[packet]);
    let exported = exported(&before);
    let (before, after) = (frames(&before), frames(&exported.file));
    assert_eq!((after.len(), after[0].3.len()), (1, before[0].3.len()));
    assert!(!holds(&exported.file, &SECRET[..8]));
    let out = packets(&exported.file);
    assert_eq!((out[0][8], out[0][40], out[0][41]), (0xfd, UDP, 1));
    assert!(!holds(&out[0], &[0, 0, 0, 0, 0, 0, 0, 1]), "an address");
}

#[test]
fn what_the_capture_cut_is_noise_and_still_cut() {
    let packet = ipv4(false, UDP, 0, &udp(&[SECRET, SECRET].concat()));
    let mut before = pcap(LITTLE, false, 101);
    before.extend(record(LITTLE, 1, 0, &packet[..50], packet.len()));
    let exported = exported(&before);
    let mut frames = Frames::new(exported.file.as_slice()).expect("a capture");
    let mut missing = Vec::new();
    frames.for_each(|frame| missing.push((frame.missing, frame.seen.payload.len())));
    assert_eq!(missing, [(packet.len() - 50, 22)]);
    assert_eq!((frames.summary().cut, exported.told.cut), (1, 1));
    assert!(!holds(&exported.file, &SECRET[..8]));
}

#[test]
fn a_frame_that_cannot_be_read_keeps_its_number() {
    let packet = ipv4(false, UDP, 0, &udp(SECRET));
    let good = build::enhanced(LITTLE, 0, 5, &packet, "alice called");
    // A packet longer than its block.
    let mut bad = [0, 0, 0, 9_u32, 9].map(u32::to_le_bytes).concat();
    bad[12] = 200;
    let file = [
        section(LITTLE),
        interface(LITTLE, 101, 0, &[build::option(LITTLE, 2, b"alice-laptop")]),
        good.clone(),
        block(LITTLE, 6, &bad),
        good,
    ]
    .concat();
    let exported = exported(&file);
    let lengths: Vec<usize> = packets(&exported.file).iter().map(Vec::len).collect();
    assert_eq!(lengths, [packet.len(), 0, packet.len()]);
    assert_eq!((exported.told.lost, exported.problems.len()), (1, 1));
    assert!(!holds(&exported.file, b"alice"), "comments and names of interfaces");
}

#[test]
fn secrets_of_other_connections_are_left_out_and_others_stay_where_they_were() {
    let line = |random: &str| format!("CLIENT_RANDOM {} {}\n", random.repeat(32), "cd".repeat(48));
    // A ClientHello with nothing in it.
    let body = [&[0xfe, 0xfd][..], &[0xab; 32], &[0, 0, 0, 2, 0xc0, 0x2b, 1, 0]].concat();
    let length = body.len() as u8;
    let head = [1, 0, 0, length, 0, 0, 0, 0, 0, 0, 0, length];
    let record = [22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, length + 12];
    let hello = [&record[..], &head, &body].concat();
    let packet = build::enhanced(LITTLE, 0, 5, &ipv4(false, UDP, 0, &udp(&hello)), "");
    let file = [
        section(LITTLE),
        interface(LITTLE, 101, 0, &[]),
        secrets(LITTLE, 0x544c_534b, &line("99")),
        packet.clone(),
        secrets(LITTLE, 0x544c_534b, &line("ab")),
        packet,
    ]
    .concat();
    let exported = exported(&file);
    let mut records = Records::new(exported.file.as_slice()).expect("a capture");
    let mut order = Vec::new();
    while let Some(item) = records.next_item() {
        order.push(match item {
            Item::Packet(_) => String::new(),
            Item::Secrets(lines) => String::from_utf8_lossy(lines).into_owned(),
        });
    }
    let [first, secret, second] = order.as_slice() else { panic!("{order:?}") };
    assert!(first.is_empty() && second.is_empty() && secret.starts_with("CLIENT_RANDOM "));
    assert!(!secret.contains("abab") && !secret.contains("cdcd"), "{secret}");
}

#[test]
fn a_packet_without_a_time_has_none_in_the_export() {
    let packet = ipv4(false, UDP, 0, &udp(b"x"));
    let file = [
        section(LITTLE),
        interface(LITTLE, 101, 0, &[]),
        build::enhanced(LITTLE, 0, 5, &packet, ""),
        build::simple(LITTLE, &packet, packet.len()),
    ]
    .concat();
    let exported = exported(&file);
    let mut records = Records::new(exported.file.as_slice()).expect("a capture");
    let mut timed = Vec::new();
    while let Some(item) = records.next_item() {
        if let Item::Packet(record) = item {
            assert_eq!(record.bytes.len(), packet.len());
            timed.push(record.timed);
        }
    }
    assert_eq!(timed, [true, false]);
}

#[test]
fn what_is_no_capture_or_empty_is_refused() {
    let refused = |file: &[u8]| pseudonymise(file, KeyLog::default(), &[], 0).err();
    assert!(matches!(refused(b"hello\n"), Some(ExportError::NotACapture(_))));
    assert!(matches!(refused(&pcap(LITTLE, false, 1)), Some(ExportError::Empty)));
    let log =
        b"O 12:00:00.000 0000 13 88 13 88 00 00 00 00 00 00 00 00 0b 00 00 04 # SCTP_PACKET\n";
    let exported = exported(log);
    assert_eq!((exported.told.frames, exported.told.sctp), (1, 1));
}
