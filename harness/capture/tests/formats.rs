//! Every format, byte order, resolution, link type and network layer, built and read back.

mod build;

use std::io::Write as _;
use std::time::Duration;

use build::Order::{Big, Little};
use build::*;
use rtcspec_capture::Capture;
use rtcspec_capture::net::{Frame, Frames, Skipped, Step, Summary};
use rtcspec_capture::read::{Item, NotACapture, Records};
use rtcspec_trace::Carrier;

/// A frame in words.
fn words(frame: &Frame<'_>) -> String {
    let seen = &frame.seen;
    let carrier = match seen.carrier {
        Carrier::Sctp => "sctp".to_owned(),
        Carrier::Udp => "udp".to_owned(),
        Carrier::Tcp(stream) => format!("tcp{stream}"),
    };
    let text = String::from_utf8_lossy(seen.payload);
    let missing = if frame.missing > 0 { format!(" -{}", frame.missing) } else { String::new() };
    let at = seen.at.as_nanos();
    let (source, destination) = (seen.source, seen.destination);
    format!("{} {at} {carrier} {source}>{destination} {text}{missing}", seen.number)
}

fn read_all(file: &[u8]) -> (Vec<String>, Vec<String>, Summary) {
    let mut frames = Frames::new(file).expect("a capture");
    let mut found = Vec::new();
    frames.for_each(|frame| found.push(words(&frame)));
    let problems = frames.problems().first().iter().map(ToString::to_string).collect();
    (found, problems, frames.summary().clone())
}

/// The frames of a file in which nothing is wrong.
fn read(file: &[u8]) -> Vec<String> {
    let (found, problems, _) = read_all(file);
    assert_eq!(problems, [""; 0]);
    found
}

fn datagram(text: &str) -> Vec<u8> {
    ipv4(false, 17, 0, &udp(text.as_bytes()))
}

const PATH: &str = "10.0.0.1:1111>10.0.0.2:2222";

#[test]
fn classic_files_of_both_orders_and_resolutions() {
    for order in [Little, Big] {
        for (nanoseconds, fraction, nanos) in [(false, 5, 5000), (true, 5, 5)] {
            let file = [
                pcap(order, nanoseconds, 101),
                record(order, 1000, 0, &datagram("one"), 31),
                record(order, 1001, fraction, &datagram("two"), 31),
            ];
            let later = 1_000_000_000 + nanos;
            let expected = [format!("1 0 udp {PATH} one"), format!("2 {later} udp {PATH} two")];
            assert_eq!(read(&file.concat()), expected, "{order:?} {nanoseconds}");
        }
    }
}

#[test]
fn the_modified_classic_format_has_longer_records() {
    let mut file = pcap(Little, false, 101);
    file[..4].copy_from_slice(&0xa1b2_cd34_u32.to_le_bytes());
    for text in ["one", "two"] {
        let mut one = record(Little, 1000, 0, &datagram(text), 31);
        one.splice(16..16, [9; 8]);
        file.extend(one);
    }
    assert_eq!(read(&file), [format!("1 0 udp {PATH} one"), format!("2 0 udp {PATH} two")]);
}

#[test]
fn the_upper_half_of_a_link_type_is_something_else() {
    let file = [pcap(Little, false, 101 | 0x5000_0000), record(Little, 1, 0, &datagram("x"), 29)];
    assert_eq!(read(&file.concat()), [format!("1 0 udp {PATH} x")]);
}

#[test]
fn sections_interfaces_clocks_and_every_packet_block() {
    for (first, second) in [(Little, Big), (Big, Little)] {
        let nano = option(first, 9, &[9]);
        let binary = option(first, 9, &[0x80 | 10]);
        let offset = option(first, 14, &first.u64(2));
        let mut file = section(first);
        file.extend(interface(first, 101, 0, &[]));
        file.extend(interface(first, 1, 0, &[nano, option(first, 0, &[])]));
        file.extend(interface(first, 229, 0, &[binary, offset]));
        file.extend(enhanced(first, 0, 10_000_000, &datagram("micro"), ""));
        let framed = ethernet(&[8, 0], &datagram("nano"));
        file.extend(enhanced(first, 1, 11_000_000_001, &framed, "said"));
        file.extend(block(first, 4, &[0; 4]));
        file.extend(block(first, 0x7777, b"whatever"));
        file.extend(enhanced(first, 2, (9 << 10) + 512, &ipv6(17, &udp(b"half")), ""));
        file.extend(simple(first, &datagram("timeless"), 36));
        file.extend(section(second));
        file.extend(interface(second, 101, 0, &[]));
        file.extend(obsolete(second, 0, 12_000_000, &datagram("obsolete")));
        assert_eq!(
            read(&file),
            [
                format!("1 0 udp {PATH} micro"),
                format!("2 1000000001 udp {PATH} nano"),
                "3 1500000000 udp [fd00::1]:1111>[fd00::2]:2222 half".to_owned(),
                format!("4 1500000000 udp {PATH} timeless"),
                format!("5 2000000000 udp {PATH} obsolete"),
            ]
        );
    }
}

#[test]
fn comments_and_secrets_come_with_their_place_in_the_file() {
    let mut file = section(Big);
    file.extend(secrets(Big, 0x544c_534b, "CLIENT_RANDOM 1 2\n"));
    file.extend(secrets(Big, 0x5747_4b4c, "LOCAL_STATIC_PRIVATE_KEY = x\n"));
    file.extend(interface(Big, 101, 0, &[]));
    file.extend(enhanced(Big, 0, 1, &datagram("x"), "nat.home: filtered"));
    file.extend(secrets(Big, 0x544c_534b, "late\n"));
    let mut records = Records::new(file.as_slice()).expect("a capture");
    let mut found = Vec::new();
    while let Some(item) = records.next_item() {
        found.push(match item {
            Item::Packet(record) => {
                assert_eq!((record.offset, record.nanos), (28 + 40 + 52 + 20, 1000));
                record.comment.unwrap_or_default().to_owned()
            }
            Item::Secrets(text) => String::from_utf8_lossy(text).into_owned(),
        });
    }
    assert_eq!(found, ["CLIENT_RANDOM 1 2\n", "nat.home: filtered", "late\n"]);
    let mut frames = Frames::new(file.as_slice()).expect("a capture");
    assert_eq!(frames.step(&mut |_| {}), Step::Secrets(b"CLIENT_RANDOM 1 2\n".to_vec()));
}

#[test]
fn what_the_capture_cut_off_is_marked() {
    let packet = datagram("0123456789");
    let file = [
        pcap(Little, false, 101),
        record(Little, 1, 0, &packet[..32], packet.len()),
        record(Little, 1, 0, &packet[..24], packet.len()),
    ];
    let (found, problems, summary) = read_all(&file.concat());
    assert_eq!(found, [format!("1 0 udp {PATH} 0123 -6")]);
    assert_eq!(problems, [""; 0]);
    assert_eq!((summary.cut, summary.skipped.get(&Skipped::Malformed)), (2, Some(&1)));
    let snapped = [section(Little), interface(Little, 101, 32, &[])].concat();
    let file = [snapped, simple(Little, &packet[..32], packet.len())].concat();
    assert_eq!(read(&file), [format!("1 0 udp {PATH} 0123 -6")]);
    let mut frames = Frames::new(file.as_slice()).expect("a capture");
    frames.for_each(|frame| assert_eq!(frame.whole(), None));
}

#[test]
fn padding_of_short_frames_is_no_payload() {
    let mut framed = ethernet(&[8, 0], &datagram("x"));
    framed.resize(60, 0xee);
    let file = [pcap(Little, false, 1), record(Little, 1, 0, &framed, 60)];
    assert_eq!(read(&file.concat()), [format!("1 0 udp {PATH} x")]);
}

#[test]
fn every_link_type_of_a_file_gives_the_same_datagram() {
    let packet = datagram("x");
    let cooked = |kind: &[u8]| [&[0; 14][..], kind, &packet].concat();
    let cooked2 = |kind: &[u8]| [kind, &[0; 18], &packet].concat();
    for (link, frame) in [
        (1, ethernet(&[8, 0], &packet)),
        (1, ethernet(&[0x81, 0, 0, 5, 8, 0], &packet)),
        (1, ethernet(&[0x88, 0xa8, 0, 5, 0x81, 0, 0, 6, 8, 0], &packet)),
        (113, cooked(&[8, 0])),
        (276, cooked2(&[8, 0])),
        (0, [&[2, 0, 0, 0], packet.as_slice()].concat()),
        (0, [&[0, 0, 0, 2], packet.as_slice()].concat()),
        (108, [&[0, 0, 0, 2], packet.as_slice()].concat()),
        (101, packet.clone()),
        (12, packet.clone()),
        (14, packet.clone()),
        (228, packet.clone()),
    ] {
        let file = [pcap(Big, false, link), record(Big, 1, 0, &frame, frame.len())].concat();
        assert_eq!(read(&file), [format!("1 0 udp {PATH} x")], "{link}");
        let file = [section(Big), interface(Big, link as u16, 0, &[])].concat();
        let file = [file, enhanced(Big, 0, 5, &frame, "")].concat();
        assert_eq!(read(&file), [format!("1 0 udp {PATH} x")], "{link}");
    }
}

#[test]
fn what_is_no_datagram_is_counted() {
    let icmp6 = ipv6(58, &[128, 0, 0, 0]);
    let packets = [
        ethernet(&[8, 6], &[0; 28]),
        ethernet(&[8, 0], &ipv4(false, 1, 0, &[8, 0])),
        ethernet(&[0x86, 0xdd], &icmp6),
        ethernet(&[8, 0], &ipv4(false, 47, 0, &[0; 4])),
        ethernet(&[8, 0], &[0x45]),
        ethernet(&[0, 38], &[0x42; 38]),
        ethernet(&[8, 0], &datagram("y")),
    ];
    let mut file = pcap(Little, false, 1);
    packets.iter().for_each(|packet| file.extend(record(Little, 1, 0, packet, packet.len())));
    let (found, problems, summary) = read_all(&file);
    assert_eq!((found, problems), (vec![format!("7 0 udp {PATH} y")], vec![]));
    assert_eq!(
        summary.to_string(),
        "7 frames, 284 bytes, 1 datagrams; skipped 1: IEEE 802.3 frames of length 38; \
         skipped 1: ARP; skipped 2: ICMP; skipped 1: IP protocol 47; skipped 1: malformed headers"
    );
    let file = [pcap(Little, false, 147), record(Little, 1, 0, b"abc", 3)].concat();
    let (_, _, summary) = read_all(&file);
    assert_eq!(summary.skipped.get(&Skipped::LinkType(147)), Some(&1));
}

#[test]
fn fragments_of_both_versions_are_put_together() {
    let whole = udp(b"0123456789abcdefghijk");
    let four = |start: usize, end: usize, more: u16| {
        ipv4(false, 17, more << 13 | (start / 8) as u16, &whole[start..end])
    };
    let six = |start: usize, end: usize, more: u8| {
        let head = [17, 0, 0, start as u8 | more, 0, 0, 0, 9];
        ipv6(44, &[&head[..], &whole[start..end]].concat())
    };
    let mut file = pcap(Little, false, 101);
    for packet in [four(16, 29, 0), six(0, 16, 1), four(0, 8, 1), six(16, 29, 0), four(8, 16, 1)] {
        file.extend(record(Little, 1, 0, &packet, packet.len()));
    }
    let (found, problems, summary) = read_all(&file);
    assert_eq!(
        found,
        [
            "4 0 udp [fd00::1]:1111>[fd00::2]:2222 0123456789abcdefghijk".to_owned(),
            format!("5 0 udp {PATH} 0123456789abcdefghijk"),
        ]
    );
    assert_eq!((problems, summary.reassembled), (vec![], 2));
}

#[test]
fn overlapping_and_missing_fragments_give_nothing_and_are_counted() {
    let whole = udp(b"0123456789abcdefghijk");
    let piece = |start: usize, end: usize, more: u16| {
        let packet = ipv4(false, 17, more << 13 | (start / 8) as u16, &whole[start..end]);
        record(Little, 1, 0, &packet, packet.len())
    };
    let file =
        [pcap(Little, false, 101), piece(0, 16, 1), piece(8, 16, 1), piece(16, 29, 0)].concat();
    let (found, _, summary) = read_all(&file);
    assert_eq!(found, [""; 0]);
    assert_eq!(summary.skipped.get(&Skipped::Overlap), Some(&2));
    let (_, _, summary) = read_all(&[pcap(Little, false, 101), piece(0, 16, 1)].concat());
    assert_eq!(summary.skipped.get(&Skipped::Incomplete), Some(&1));
}

#[test]
fn streams_are_put_in_order_and_gaps_are_said() {
    let mut file = pcap(Little, false, 101);
    let mut add = |back: bool, bytes: &[u8]| {
        let packet = ipv4(back, 6, 0, bytes);
        file.extend(record(Little, 1, 0, &packet, packet.len()));
    };
    add(false, &tcp(false, 99, 0, 2, b""));
    add(true, &tcp(true, 499, 100, 18, b""));
    add(false, &tcp(false, 103, 500, 16, b"def"));
    add(false, &tcp(false, 100, 500, 16, b"abc"));
    add(false, &tcp(false, 100, 500, 16, b"abcdefg"));
    add(true, &tcp(true, 500, 107, 16, b"answer"));
    add(false, &tcp(false, 110, 506, 16, b"later"));
    add(true, &tcp(true, 506, 115, 17, b""));
    let (found, problems, summary) = read_all(&file);
    let back = "10.0.0.2:2222>10.0.0.1:1111";
    assert_eq!(
        found,
        [
            format!("4 0 tcp1 {PATH} abc"),
            format!("4 0 tcp1 {PATH} def"),
            format!("5 0 tcp1 {PATH} g"),
            format!("6 0 tcp1 {back} answer"),
            format!("8 0 tcp2 {PATH} later"),
        ]
    );
    let offset = file.len() - 16 - 20 - 24;
    let said = format!("at byte {offset}, frame 8: 3 bytes of TCP stream 1 are not in the capture");
    assert_eq!((problems, summary.lacking, summary.segments), (vec![said], 3, 8));
}

#[test]
fn logs_of_sctp_packets_are_captures() {
    let log = "[1:2:0302/1:VERBOSE1:text_pcap.cc(24)] \n\
               O 12:00:00.000 0000 13 88 13 89 41 # SCTP_PACKET DcSctpTransport0\n\
               something else\n\
               \n\
               I 12:00:00.250000 0000 13 89 13 88 42 43 # SCTP_PACKET\n";
    let (own, other) = ("192.0.2.1:5000", "192.0.2.2:5001");
    assert_eq!(
        read(log.as_bytes()),
        [
            format!("1 0 sctp {own}>{other} \u{13}\u{fffd}\u{13}\u{fffd}A"),
            format!("2 250000000 sctp {other}>{own} \u{13}\u{fffd}\u{13}\u{fffd}BC"),
        ]
    );
}

#[test]
fn gzip_of_every_format_and_of_several_parts() {
    let plain = [pcap(Little, false, 101), record(Little, 1, 0, &datagram("x"), 29)].concat();
    let pack = |bytes: &[u8]| {
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(bytes).expect("written");
        packed.finish().expect("packed")
    };
    let parts = [pack(&plain[..30]), pack(&plain[30..])].concat();
    assert_eq!(read(&parts), [format!("1 0 udp {PATH} x")]);
    let broken = &parts[..parts.len() - 9];
    let (_, problems, _) = read_all(broken);
    assert!(problems[0].contains("cannot be read on"), "{problems:?}");
}

#[test]
fn the_first_packet_of_a_log_may_come_late() {
    let packet = "O 12:00:00.000 0000 13 88 13 89 41 # SCTP_PACKET\n";
    for before in [5_000, 300_000, 1_000_000] {
        let log = "[INFO] something else\n".repeat(before / 22) + packet;
        assert_eq!(read(log.as_bytes()).len(), 1, "after {before} bytes");
        // The last line may have no end.
        assert_eq!(read(log.trim_end().as_bytes()).len(), 1, "after {before} bytes");
    }
    let late = "[INFO] something else\n".repeat((17 << 20) / 22) + packet;
    let error = Records::new(late.as_bytes()).expect_err("beyond what is looked at");
    assert!(error.to_string().contains("no line of its first 16 MiB"), "{error}");
}

#[test]
fn what_is_no_capture_is_refused_with_a_reason() {
    let refuse = |bytes: &[u8]| Records::new(bytes).expect_err("no capture").to_string();
    assert_eq!(refuse(b""), "the file is empty");
    assert!(refuse(b"{\"PeerConnections\": {}}").contains("JSON"));
    assert!(refuse(b"\x7fELF\x02\x01\x01\0\0").contains("begins with [7f, 45, 4c, 46, 02"));
    let text = refuse(b"\n  hello\tworld\nsecond\n");
    assert!(
        text.starts_with("not a capture: it is text that begins with `hello\\tworld`"),
        "{text}"
    );
    let short = refuse(&pcap(Little, false, 1)[..20]);
    assert_eq!(short, "the file ends within a file header: 20 of 24 bytes");
    assert!(refuse(&[0x1f, 0x8b, 8, 0, 1, 2]).contains("cannot be read"));
    assert!(matches!(Records::new(&b"\0\0\0\0"[..]), Err(NotACapture::Unknown(_))));
}

#[test]
fn times_before_the_first_are_the_first_and_counted() {
    let file = [
        pcap(Little, false, 101),
        record(Little, 10, 0, &datagram("x"), 29),
        record(Little, 9, 0, &datagram("y"), 29),
    ];
    let mut frames = Frames::new(std::io::Cursor::new(file.concat())).expect("a capture");
    frames.for_each(|frame| assert_eq!(frame.seen.at, Duration::ZERO));
    assert_eq!(frames.summary().before_the_first, 1);
}

#[test]
fn packets_without_a_time_of_their_own_are_counted() {
    let file = [
        section(Little),
        interface(Little, 101, 0, &[]),
        simple(Little, &datagram("x"), 29),
        enhanced(Little, 0, 1, &datagram("y"), ""),
    ];
    let (found, _, summary) = read_all(&file.concat());
    assert_eq!((found.len(), summary.timeless), (2, 1));
}

#[test]
fn what_is_wrong_with_secrets_in_the_file_is_told_with_its_line() {
    let file = [
        section(Little),
        interface(Little, 101, 0, &[]),
        secrets(Little, 0x544c_534b, "# by hand\nCLIENT_RANDOM 00\n"),
        enhanced(Little, 0, 1, &datagram("x"), ""),
    ];
    let mut capture = Capture::read(file.concat()).expect("a capture");
    capture.each(&mut |_| {});
    let words = "2 words; a label, a client random and a secret are three";
    assert_eq!(capture.problems(), [format!("secrets in the file: line 2: {words}")]);
}
