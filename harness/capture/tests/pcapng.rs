//! What the writer writes is what another reader reads.

use std::time::Duration;

use pcap_parser::{Block, Linktype, PcapBlockOwned, PcapNGReader};
use pcap_parser::{OptionCode, PcapError, SecretsType, traits::PcapReaderIterator};
use proptest::prelude::*;
use rtcspec_capture::pcapng::{Crossing, EPOCH, Packet, Writer};

#[derive(Debug, PartialEq, Eq)]
enum Read {
    Section(String),
    Interface(String, Linktype, u8),
    Secrets(String),
    Packet {
        interface: u32,
        nanos: u64,
        bytes: Vec<u8>,
        comment: Option<String>,
        flags: Option<u32>,
    },
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

/// Every block, in order.
fn read(file: &[u8]) -> Vec<Read> {
    let mut reader = PcapNGReader::new(1 << 20, file).expect("a pcapng file");
    let mut blocks = Vec::new();
    loop {
        match reader.next() {
            Ok((used, block)) => {
                blocks.push(convert(block));
                reader.consume(used);
            }
            Err(PcapError::Eof) => return blocks,
            Err(PcapError::Incomplete(_)) => {
                reader.refill().expect("more bytes");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn convert(block: PcapBlockOwned<'_>) -> Read {
    match block {
        PcapBlockOwned::NG(Block::SectionHeader(section)) => {
            let user = section.options.iter().find(|o| o.code == OptionCode(4)).expect("a name");
            Read::Section(text(user.as_bytes().expect("a length")))
        }
        PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
            let name = interface.if_name().expect("a name").expect("valid").to_owned();
            Read::Interface(name, interface.linktype, interface.if_tsresol)
        }
        PcapBlockOwned::NG(Block::DecryptionSecrets(secrets)) => {
            assert_eq!(secrets.secrets_type, SecretsType::TlsKeyLog);
            Read::Secrets(text(&secrets.data[..secrets.secrets_len as usize]))
        }
        PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
            let option = |code| packet.options.iter().find(|o| o.code == OptionCode(code));
            let value = |o: &pcap_parser::PcapNGOption<'_>| o.value()[..o.len as usize].to_vec();
            let flags = option(2).map(value).map(|v| u32::from_le_bytes([v[0], v[1], v[2], v[3]]));
            assert_eq!(packet.origlen, packet.caplen);
            Read::Packet {
                interface: packet.if_id,
                nanos: u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low),
                bytes: packet.data[..packet.caplen as usize].to_vec(),
                comment: option(1).map(value).map(|v| text(&v)),
                flags,
            }
        }
        PcapBlockOwned::NG(other) => panic!("{other:?}"),
        PcapBlockOwned::Legacy(_) | PcapBlockOwned::LegacyHeader(_) => panic!("a legacy block"),
    }
}

#[test]
fn every_block_is_read_back() {
    let mut file = Writer::new("rtcspec test", EPOCH);
    file.secrets("CLIENT_RANDOM 01 02\n");
    let inside = file.interface("nat.home inside");
    let outside = file.interface("nat.home outside");
    file.secrets("");
    let packet = Packet {
        interface: outside,
        at: Duration::from_nanos(1_000_000_007),
        crossing: Some(Crossing::Inbound),
        bytes: b"\x45seven!",
        missing: 0,
        comment: Some("nat.home: filtered"),
        id: Some(7),
    };
    file.packet(&packet);
    file.packet(&Packet { interface: inside, crossing: None, comment: None, id: None, ..packet });
    let out = Some(Crossing::Outbound);
    file.packet(&Packet { interface: inside, crossing: out, comment: None, ..packet });
    let nanos = 946_684_801_000_000_007;
    let bytes = b"\x45seven!".to_vec();
    let plain = |interface, comment: Option<&str>, flags| Read::Packet {
        interface,
        nanos,
        bytes: bytes.clone(),
        comment: comment.map(str::to_owned),
        flags,
    };
    assert_eq!(
        read(&file.finish()),
        [
            Read::Section("rtcspec test".into()),
            Read::Secrets("CLIENT_RANDOM 01 02\n".into()),
            Read::Interface("nat.home inside".into(), Linktype::RAW, 9),
            Read::Interface("nat.home outside".into(), Linktype::RAW, 9),
            plain(1, Some("nat.home: filtered"), Some(1)),
            plain(0, None, None),
            plain(0, None, Some(2)),
        ]
    );
}

#[test]
fn a_comment_too_long_for_its_length_field_is_cut_between_characters() {
    let mut file = Writer::new("rtcspec", EPOCH);
    let interface = file.interface("a");
    let long = "é".repeat(40_000);
    let comment = Some(long.as_str());
    file.packet(&Packet {
        interface,
        at: Duration::ZERO,
        crossing: None,
        bytes: b"",
        missing: 0,
        comment,
        id: None,
    });
    let Some(Read::Packet { comment: Some(comment), .. }) = read(&file.finish()).pop() else {
        panic!("no packet")
    };
    assert_eq!(comment.len(), 65_532);
    assert!(long.starts_with(&comment));
}

#[test]
fn what_a_network_tapped_becomes_a_file_with_reasons() {
    use rtcspec_net::fabric::Fabric;
    use rtcspec_net::{Ns, nat, observe, packet, segment};

    let mut fabric = Fabric::new(1);
    let wan = fabric.segment("wan", segment::Params::internet()).expect("a segment");
    let lan = segment::Params::v4("192.168.1.0/24".parse().expect("a prefix"));
    let lan = fabric.segment("lan", lan).expect("a segment");
    let home = fabric.nat("home", nat::Params::default(), lan, wan).expect("a NAT");
    let bob = fabric.host("bob").expect("a host");
    let port = fabric.interface(bob, wan, &[]).expect("an interface");
    fabric.tap_element(home);
    let mut bytes = Vec::new();
    let [from, to] = ["203.0.113.2:6160", "203.0.113.1:5000"].map(|a| a.parse().expect("address"));
    packet::udp(&mut bytes, from, to, b"knock").expect("a datagram");
    fabric.send(Ns::millis(3), port, bytes.clone());

    let tap = fabric.take_tap();
    let mut file = Writer::new("rtcspec", EPOCH);
    let interfaces: Vec<_> = tap.interfaces().iter().map(|name| file.interface(name)).collect();
    for frame in tap.frames() {
        file.packet(&Packet {
            interface: interfaces[frame.interface],
            at: frame.at.into(),
            crossing: Some(match frame.crossing {
                observe::Crossing::Inbound => Crossing::Inbound,
                observe::Crossing::Outbound => Crossing::Outbound,
            }),
            bytes: frame.bytes,
            missing: 0,
            comment: frame.comment,
            id: None,
        });
    }
    let last = Read::Packet {
        interface: 1,
        nanos: 946_684_800_003_000_000,
        bytes,
        comment: Some("nat.home: no mapping at 203.0.113.1:5000".into()),
        flags: Some(1),
    };
    assert_eq!(read(&file.finish()).pop(), Some(last));
}

proptest! {
    #[test]
    fn any_packet_and_comment_survive(
        bytes in proptest::collection::vec(any::<u8>(), 0..300), comment in ".{0,80}",
        nanos in 0u64..1_000_000_000_000,
    ) {
        let mut file = Writer::new("x", Duration::ZERO);
        let interface = file.interface("i");
        let at = Duration::from_nanos(nanos);
        let comment = Some(comment.as_str());
        file.packet(&Packet { interface, at, crossing: None, bytes: &bytes, missing: 0, comment, id: None });
        let expected = Read::Packet {
            interface: 0, nanos, bytes: bytes.clone(), comment: comment.map(str::to_owned),
            flags: None,
        };
        prop_assert_eq!(read(&file.finish()).pop(), Some(expected));
    }
}
