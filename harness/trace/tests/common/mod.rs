//! The captures of `corpus/captures`, with what an independent decoder counted in them.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use rtcspec_trace::watch::{Observer, Seen};
use rtcspec_trace::{Carrier, Party, Signal, SignalBody};

/// A capture.
pub(crate) struct Capture {
    pub(crate) name: String,
    pub(crate) keys: String,
    /// Offer and answer.
    pub(crate) signals: Vec<Signal>,
    pub(crate) datagrams: Vec<Datagram>,
    /// The line of figures in its text.
    pub(crate) verified: String,
}

/// A UDP datagram.
pub(crate) struct Datagram {
    pub(crate) number: u64,
    pub(crate) at: Duration,
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) payload: Vec<u8>,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../corpus/captures")
}

/// All captures, by name.
pub(crate) fn all() -> Vec<Capture> {
    let files = fs::read_dir(folder()).expect("corpus/captures is there");
    let mut names: Vec<String> = files
        .filter_map(|file| file.ok()?.file_name().to_str()?.strip_suffix(".pcap").map(String::from))
        .filter(|name| folder().join(name).with_extension("txt").exists())
        .collect();
    names.sort();
    names.iter().map(|name| read(name)).collect()
}

fn read(name: &str) -> Capture {
    let file = |extension: &str| folder().join(format!("{name}.{extension}"));
    let text = fs::read_to_string(file("txt")).expect("a text");
    let verified = text.lines().find(|line| line.starts_with("verified: ")).expect("figures");
    Capture {
        name: name.to_owned(),
        keys: fs::read_to_string(file("keys")).unwrap_or_default(),
        signals: signals(name),
        datagrams: datagrams(&fs::read(file("pcap")).expect("a capture")),
        verified: verified.to_owned(),
    }
}

fn signals(name: &str) -> Vec<Signal> {
    let mut found = Vec::new();
    for (kind, from) in [("offer", Party::A), ("answer", Party::B)] {
        let start = format!("{name}.{kind}-");
        let files = fs::read_dir(folder().join("sdp")).expect("corpus/captures/sdp is there");
        for file in files.flatten() {
            if file.file_name().to_string_lossy().starts_with(&start) {
                let sdp = fs::read_to_string(file.path()).expect("a description");
                let body = SignalBody::Description { kind: kind.to_owned(), sdp };
                let sent = Duration::ZERO;
                found.push(Signal { sent, arrived: Some(sent), from, body, refused: None });
            }
        }
    }
    found
}

/// The UDP datagrams of a classic capture: little endian, microseconds, Ethernet.
fn datagrams(file: &[u8]) -> Vec<Datagram> {
    assert_eq!(file[..4], [0xd4, 0xc3, 0xb2, 0xa1]);
    let word = |at: usize| u32::from_le_bytes(file[at..at + 4].try_into().expect("four bytes"));
    let (mut at, mut number, mut found) = (24, 0, Vec::new());
    while at + 16 <= file.len() {
        let time = Duration::new(word(at).into(), 1000 * word(at + 4));
        let end = at + 16 + word(at + 8) as usize;
        number += 1;
        if let Some((source, destination, payload)) = udp(&file[at + 16..end]) {
            let payload = payload.to_vec();
            found.push(Datagram { number, at: time, source, destination, payload });
        }
        at = end;
    }
    let first = found.first().map_or(Duration::ZERO, |first| first.at);
    found.iter_mut().for_each(|one| one.at -= first);
    found
}

fn udp(frame: &[u8]) -> Option<(SocketAddr, SocketAddr, &[u8])> {
    let packet = frame.get(14..)?;
    let (source, destination, segment): (IpAddr, IpAddr, &[u8]) = match (frame[12], frame[13]) {
        (8, 0) if packet[9] == 17 => {
            let of = |at: usize| <[u8; 4]>::try_from(&packet[at..at + 4]).map(Ipv4Addr::from);
            let total = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
            let header = 4 * usize::from(packet[0] & 0xf);
            (of(12).ok()?.into(), of(16).ok()?.into(), packet.get(header..total)?)
        }
        (0x86, 0xdd) if packet[6] == 17 => {
            let of = |at: usize| <[u8; 16]>::try_from(&packet[at..at + 16]).map(Ipv6Addr::from);
            (of(8).ok()?.into(), of(24).ok()?.into(), &packet[40..])
        }
        _ => return None,
    };
    let port = |at: usize| u16::from_be_bytes([segment[at], segment[at + 1]]);
    let length = usize::from(u16::from_be_bytes([segment[4], segment[5]]));
    let (source, destination) = ((source, port(0)).into(), (destination, port(2)).into());
    Some((source, destination, segment.get(8..length)?))
}

impl Datagram {
    pub(crate) fn seen(&self) -> Seen<'_> {
        Seen {
            number: self.number,
            at: self.at,
            carrier: Carrier::Udp,
            source: self.source,
            destination: self.destination,
            payload: &self.payload,
        }
    }
}

impl Capture {
    /// An observer that was told keys and signalling.
    pub(crate) fn observer(&self) -> Observer {
        let mut observer = Observer::new();
        observer.secrets(&self.keys);
        self.signals.iter().for_each(|signal| observer.signal(0, signal));
        observer
    }

    /// The number after some words in the line of figures.
    pub(crate) fn figure(&self, words: &str) -> u64 {
        let Some((_, after)) = self.verified.split_once(words) else { return 0 };
        let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().expect("a number")
    }

    /// SCTP chunks by name, from the line of figures.
    pub(crate) fn chunks(&self) -> BTreeMap<String, u64> {
        let (_, after) = self.verified.split_once("SCTP chunks {").expect("chunks");
        let (inside, _) = after.split_once('}').expect("the end of chunks");
        let one = |entry: &str| {
            let (name, count) = entry.split_once(": ").expect("a name and a number");
            (name.trim_matches('\'').to_owned(), count.parse().expect("a number"))
        };
        inside.split(", ").filter(|entry| !entry.is_empty()).map(one).collect()
    }
}
