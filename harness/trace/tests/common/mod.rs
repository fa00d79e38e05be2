//! The captures of `corpus/captures`, with what an independent decoder counted in them.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use rtcspec_capture::{Given, open};
use rtcspec_trace::watch::{Observer, Seen};
use rtcspec_trace::{Carrier, Signal};

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
    let mut capture = open(&file("pcap"), &Given::default()).expect("a capture");
    let mut datagrams = Vec::new();
    capture.frames.for_each(|frame| {
        let seen = frame.whole().expect("it is whole");
        datagrams.push(Datagram {
            number: seen.number,
            at: seen.at,
            source: seen.source,
            destination: seen.destination,
            payload: seen.payload.to_vec(),
        });
    });
    Capture {
        name: name.to_owned(),
        keys: capture.keys.text(),
        signals: capture.dialogues.pop().map(|dialogue| dialogue.signals).unwrap_or_default(),
        datagrams,
        verified: verified.to_owned(),
    }
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
