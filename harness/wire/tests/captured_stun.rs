//! Every STUN message of the recorded sessions reads, checks and survives encoding.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rtcspec_wire::demux::Protocol;
use rtcspec_wire::stun::{Check, Fingerprint, Key, Message, Method, Seal, View};
use rtcspec_wire::turn::ChannelData;

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures")
}

fn u16_at(bytes: &[u8], at: usize) -> usize {
    usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
}

/// The UDP payloads of a classic little-endian pcap with Ethernet frames.
fn udp_payloads(pcap: &[u8]) -> Vec<Vec<u8>> {
    assert_eq!(pcap[..4], [0xd4, 0xc3, 0xb2, 0xa1], "magic");
    let mut payloads = Vec::new();
    let mut rest = &pcap[24..];
    while let Some((header, tail)) = rest.split_first_chunk::<16>() {
        let len = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        payloads.extend(udp_payload(&tail[..len]));
        rest = &tail[len..];
    }
    payloads
}

/// The UDP payload of an Ethernet frame that carries an unfragmented datagram.
fn udp_payload(frame: &[u8]) -> Option<Vec<u8>> {
    let ip = &frame[14..];
    let udp = match (u16_at(frame, 12), ip[0] >> 4) {
        (0x0800, 4) if ip[9] == 17 && u16_at(ip, 6) & 0x3fff == 0 => {
            &ip[usize::from(ip[0] & 15) * 4..]
        }
        (0x86dd, 6) if ip[6] == 17 => &ip[40..],
        _ => return None,
    };
    Some(udp[8..u16_at(udp, 4)].to_vec())
}

/// STUN messages and the data of ChannelData messages, by capture name.
fn stun_messages() -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(captures()).expect("the captures are in the repository") {
        let path = entry.expect("readable").path();
        if path.extension().is_some_and(|extension| extension == "pcap") {
            let name = path.file_stem().expect("has one").to_string_lossy().into_owned();
            let payloads = udp_payloads(&fs::read(&path).expect("readable"));
            // Some of what looks like ChannelData is SSDP, whose text starts with 'M'.
            let unwrapped = payloads.into_iter().map(|payload| {
                ChannelData::parse(&payload).map(|channel| channel.data.to_vec()).unwrap_or(payload)
            });
            let stun = unwrapped.filter(|payload| Protocol::of(payload) == Protocol::Stun);
            all.insert(name, stun.collect());
        }
    }
    all
}

/// The `ice-pwd` values of a capture's signalling.
fn passwords(name: &str) -> Vec<Key> {
    let files = fs::read_dir(captures().join("sdp")).expect("the captures are in the repository");
    let paths = files.map(|entry| entry.expect("readable").path());
    let of_capture = paths.filter(|path| {
        let file = path.file_name().expect("has one").to_string_lossy().into_owned();
        file.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
    });
    of_capture
        .flat_map(|path| {
            let text = fs::read_to_string(path).expect("text");
            let keys = text.lines().filter_map(|line| line.strip_prefix("a=ice-pwd:"));
            keys.map(|password| Key::short_term(password.trim())).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn messages_of_real_implementations_are_well_formed_and_survive_encoding() {
    let mut seen = 0;
    for (name, messages) in stun_messages() {
        for bytes in messages {
            let view = View::new(&bytes);
            assert_eq!(view.check(), Ok(()), "{name}: {bytes:02x?}");
            assert!(matches!(view.fingerprint(), Fingerprint::Absent | Fingerprint::Valid));
            let message = Message::parse(&bytes).expect(&name);
            let again = message.encode(&Seal::none()).expect("it was encoded once");
            assert_eq!(Message::parse(&again), Ok(message), "{name}");
            seen += 1;
        }
    }
    assert!(seen > 400, "only {seen} STUN messages found");
}

#[test]
fn checks_between_peers_verify_with_a_password_of_the_signalling() {
    let mut verified = 0;
    for (name, messages) in stun_messages() {
        let keys = passwords(&name);
        for bytes in messages {
            let view = View::new(&bytes);
            let is_check = view.message_type().is_some_and(|ty| ty.method == Method::BINDING);
            let any = Key::short_term("");
            if !is_check || keys.is_empty() || view.verify_integrity(&any) == Check::Absent {
                continue;
            }
            let valid = |key| view.verify_integrity(key) == Check::Valid;
            assert!(keys.iter().any(valid), "{name}: {bytes:02x?}");
            verified += 1;
        }
    }
    assert!(verified > 300, "only {verified} checks verified");
}
