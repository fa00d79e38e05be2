//! Captures for other eyes: a capture with nothing in it that tells who took part, on which the same
//! rules still find the same.
//!
//! Addresses, names, credentials, ids, certificates, keys and all that is carried are replaced, each
//! by something as long and of the same kind, equal by equal. Times, lengths, the order of packets,
//! retransmissions and damage stay. What was right is right again: checksums, integrity, fingerprints
//! in descriptions, records and packets sealed anew under secrets that open nothing of the original.
//! What nobody understands becomes noise.
//!
//! Everything is read twice: the first reading collects addresses and handshake messages that are in
//! several pieces, the second writes.

mod addresses;
mod book;
mod certificate;
mod checksum;
mod datagram;
mod draft;
mod dtls;
mod extensions;
mod handshake;
mod icmp;
mod link;
mod media;
mod network;
mod noise;
mod sctp;
mod sdp;
mod secrets;
mod signalling;
mod streams;
mod stun;
mod told;
mod transactions;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::time::Duration;

use rtcspec_trace::secrets::KeyLog as Secrets;
use sha2::{Digest as _, Sha256};

use self::book::Book;
use self::datagram::Rewriter;
use self::dtls::Dtls;
use self::network::Network;
use self::noise::Noise;
pub use self::told::Told;
use crate::keys::KeyLog;
use crate::pcapng::{Crossing, Interface, Packet, Writer};
use crate::read::{Item, NotACapture, Problem, Record, Records};
use crate::signalling::Dialogue;

/// Bytes of packets that are held at most.
const MOST: usize = 512 << 20;

/// A capture in which everybody is somebody else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The file, pcapng, with the secrets that open it.
    pub file: Vec<u8>,
    /// Files of signalling, by what follows the export's name: `offer.sdp`, `rtcstats`.
    pub signalling: Vec<(String, String)>,
    /// What was done.
    pub told: Told,
    /// What was wrong with the capture.
    pub problems: Vec<Problem>,
}

/// Why a capture cannot be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// It is no capture.
    #[error(transparent)]
    NotACapture(#[from] NotACapture),
    /// There is no packet in it.
    #[error("it holds no packets")]
    Empty,
    /// It is bigger than what is held in memory.
    #[error("it holds more than {} MiB of packets; cut it first", MOST >> 20)]
    TooBig,
}

/// Exports a capture with what belongs to it and is not in it.
///
/// What replaces something depends on all of the capture and on `seed`: the same give the same bytes,
/// and whoever lacks the capture cannot find out by trying.
///
/// # Errors
/// [`ExportError`]
pub fn pseudonymise(
    source: impl Read,
    mut keys: KeyLog,
    dialogues: &[Dialogue],
    seed: u64,
) -> Result<Exported, ExportError> {
    let beside = keys.clone();
    let (packets, problems) = held(source, &mut keys)?;
    let noise = Noise::new(digest(&packets, &keys, dialogues), seed);
    let mut book = Book::new(noise.clone());
    signalling::learn(&mut book, dialogues);
    let _ = signalling::rewrite(&mut book, dialogues);
    let other_keys = secrets::replaced(&noise, &keys);
    let dtls = Dtls::new(Secrets::new(keys.lines()), Secrets::new(&other_keys));
    let (mut rewriter, _) = Network::new(Rewriter::new(book, dtls)).run(&packets);
    rewriter.again();
    let (Rewriter { mut book, dtls, .. }, out) = Network::new(rewriter).run(&packets);
    let dialogues = signalling::rewrite(&mut book, dialogues);
    let mut told = std::mem::take(&mut book.told);
    told.addresses = book.addresses.replaced();
    told.certificates = book.certificates.len() as u64;
    told.lost = packets.iter().filter(|held| held.lost).count() as u64;
    let used = |keys: &KeyLog| secrets::used(&noise, keys, &dtls.randoms);
    let file = write(&packets, &out, &beside, used);
    Ok(Exported { file, signalling: signalling::files(&dialogues), told, problems })
}

/// A packet as it was.
#[derive(Debug)]
struct Held {
    nanos: u64,
    timed: bool,
    interface: u32,
    link: u16,
    /// Its own number.
    packet: Option<u64>,
    /// Its length, of which the capture may have less.
    length: u32,
    outbound: Option<bool>,
    bytes: Vec<u8>,
    /// Secrets that stand before it in the file.
    secrets: Option<KeyLog>,
    /// Its number is all there is of it.
    lost: bool,
}

impl Held {
    /// A packet whose number is skipped before another.
    fn lost(next: &Record<'_>) -> Self {
        let &Record { nanos, timed, interface, link, .. } = next;
        Self {
            nanos,
            timed,
            interface,
            link,
            packet: None,
            length: 0,
            outbound: None,
            bytes: Vec::new(),
            secrets: None,
            lost: true,
        }
    }
}

/// All packets. A number that was skipped for damage is an empty packet, so that the others keep
/// theirs.
fn held(source: impl Read, keys: &mut KeyLog) -> Result<(Vec<Held>, Vec<Problem>), ExportError> {
    let mut records = Records::new(source)?;
    let mut packets: Vec<Held> = Vec::new();
    let mut size = 0;
    let mut secrets: Option<KeyLog> = None;
    while let Some(item) = records.next_item() {
        let record = match item {
            Item::Secrets(lines) => {
                keys.add(lines);
                secrets.get_or_insert_default().add(lines);
                continue;
            }
            Item::Packet(record) => record,
        };
        while (packets.len() as u64) + 1 < record.number && size <= MOST {
            size += size_of::<Held>();
            packets.push(Held::lost(&record));
        }
        size += record.bytes.len() + size_of::<Held>();
        if size > MOST {
            return Err(ExportError::TooBig);
        }
        packets.push(Held {
            nanos: record.nanos,
            timed: record.timed,
            interface: record.interface,
            link: record.link,
            packet: record.packet,
            length: record.length,
            outbound: record.outbound,
            bytes: record.bytes.to_vec(),
            secrets: secrets.take(),
            lost: false,
        });
    }
    if packets.is_empty() {
        return Err(ExportError::Empty);
    }
    Ok((packets, records.problems().first().to_vec()))
}

/// Of all that was given.
fn digest(packets: &[Held], keys: &KeyLog, dialogues: &[Dialogue]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for held in packets {
        hash.update(held.nanos.to_be_bytes());
        hash.update((held.bytes.len() as u64).to_be_bytes());
        hash.update(&held.bytes);
    }
    hash.update(keys.text());
    for signal in dialogues.iter().flat_map(|dialogue| &dialogue.signals) {
        hash.update(format!("{:?}", signal.body));
    }
    hash.finalize().into()
}

fn write(
    packets: &[Held],
    out: &[Vec<u8>],
    beside: &KeyLog,
    used: impl Fn(&KeyLog) -> String,
) -> Vec<u8> {
    let mut file = Writer::new("rtcspec export", Duration::ZERO);
    let known: BTreeSet<(u32, u16)> =
        packets.iter().map(|held| (held.interface, held.link)).collect();
    // In their order, without names.
    let interfaces: BTreeMap<(u32, u16), Interface> =
        known.into_iter().map(|one| (one, file.interface_of("", one.1))).collect();
    file.secrets(&used(beside));
    for (held, bytes) in packets.iter().zip(out) {
        // They open what follows them, as before.
        if let Some(secrets) = &held.secrets {
            file.secrets(&used(secrets));
        }
        let Some(interface) = interfaces.get(&(held.interface, held.link)) else { continue };
        let missing = held.length.saturating_sub(bytes.len() as u32);
        let first = interfaces.values().next() == Some(interface);
        if !held.timed && !held.lost && missing == 0 && first {
            file.timeless(bytes);
            continue;
        }
        file.packet(&Packet {
            interface: *interface,
            at: Duration::from_nanos(held.nanos),
            crossing: held.outbound.map(|out| match out {
                true => Crossing::Outbound,
                false => Crossing::Inbound,
            }),
            bytes,
            missing,
            comment: None,
            id: held.packet,
        });
    }
    file.finish()
}
