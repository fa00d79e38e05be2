//! The fewest packets of a capture for which an audit rule still fires: delta debugging over
//! packets. Every trial is a capture file, written, read and audited.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::time::Duration;

use rtcspec_capture::Capture;
use rtcspec_capture::keys::KeyLog;
use rtcspec_capture::pcapng::{Interface, Packet, Writer};
use rtcspec_capture::read::{Item, NotACapture, Records};
use rtcspec_capture::signalling::Dialogue;

use crate::audit::audit_capture;

/// Bytes of packets that are held at most.
const MOST: usize = 512 << 20;

/// What is left of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Minimised {
    /// The file, pcapng, with the secrets that open it.
    pub file: Vec<u8>,
    /// Packets in it.
    pub kept: usize,
    /// Packets there were.
    pub of: usize,
    /// Rules it trips besides the one that was asked for, since no smaller file avoids them.
    pub others: BTreeSet<&'static str>,
    /// Files that were audited to find it.
    pub trials: u32,
}

/// Why a capture cannot be minimised.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MinimiseError {
    /// It is no capture.
    #[error(transparent)]
    NotACapture(#[from] NotACapture),
    /// The rule does not fire.
    #[error("rule `{rule}` finds nothing in it; it trips {}", words(found))]
    Silent {
        /// The rule.
        rule: String,
        /// Those that do.
        found: BTreeSet<&'static str>,
    },
    /// It is bigger than what is held in memory.
    #[error("it holds more than {} MiB of packets; cut it first", MOST >> 20)]
    TooBig,
}

fn words(found: &BTreeSet<&'static str>) -> String {
    if found.is_empty() {
        return "no rule".to_owned();
    }
    found.iter().copied().collect::<Vec<_>>().join(", ")
}

/// What belongs to a capture but is not in it.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Secrets.
    pub keys: KeyLog,
    /// Signalling.
    pub dialogues: Vec<Dialogue>,
}

/// Minimises a capture to one finding of `rule`. `progress` is told how many packets are left, and
/// how many files were tried.
///
/// # Errors
/// [`MinimiseError`]
pub fn minimise(
    source: impl Read + 'static,
    beside: Beside,
    rule: &str,
    progress: &mut dyn FnMut(usize, u32),
) -> Result<Minimised, MinimiseError> {
    let mut trial = Trial::new(source, beside, rule)?;
    let all: Vec<usize> = (0..trial.packets.len()).collect();
    let found = trial.found(&all);
    if !found.iter().any(|known| *known == rule) {
        return Err(MinimiseError::Silent { rule: rule.to_owned(), found });
    }
    // No trial may break what the whole does not break: packets that are needed so that others make
    // sense stay.
    trial.allowed = found;
    let mut left = delta_debug(all, &mut trial, progress);
    let mut others = trial.others(&left);
    while !others.is_empty() {
        // Then as few other rules as can be.
        let before = others.len();
        trial.allowed.retain(|known| *known == rule || others.contains(known));
        let dropped: Option<&'static str> = others.iter().copied().find(|other| {
            let mut fewer = trial.allowed.clone();
            fewer.remove(other);
            trial.holds_with(&left, &fewer)
        });
        let Some(dropped) = dropped else { break };
        trial.allowed.remove(dropped);
        left = delta_debug(left, &mut trial, progress);
        others = trial.others(&left);
        if others.len() >= before {
            break;
        }
    }
    Ok(Minimised {
        file: trial.write(&left),
        kept: left.len(),
        of: trial.packets.len(),
        others,
        trials: trial.count,
    })
}

/// Zeller and Hildebrandt's ddmin: parts and their complements, of ever finer grain.
fn delta_debug(
    mut left: Vec<usize>,
    trial: &mut Trial,
    progress: &mut dyn FnMut(usize, u32),
) -> Vec<usize> {
    let mut parts = 2;
    while left.len() >= 2 {
        let size = left.len().div_ceil(parts);
        let mut smaller = None;
        for start in (0..left.len()).step_by(size) {
            progress(left.len(), trial.count);
            let end = (start + size).min(left.len());
            if trial.holds(&left[start..end]) {
                smaller = Some((left[start..end].to_vec(), 2));
                break;
            }
            // Of two parts, each is the other's complement.
            let rest = [&left[..start], &left[end..]].concat();
            if parts > 2 && trial.holds(&rest) {
                smaller = Some((rest, (parts - 1).max(2)));
                break;
            }
        }
        match smaller {
            Some((fewer, grain)) => {
                left = fewer;
                parts = grain;
            }
            None if parts >= left.len() => break,
            None => parts = (parts * 2).min(left.len()),
        }
    }
    left
}

/// A packet as it was.
#[derive(Debug)]
struct Held {
    nanos: u64,
    interface: u32,
    link: u16,
    bytes: Vec<u8>,
    /// Bytes the capture did not keep.
    missing: u32,
    comment: Option<String>,
    packet: Option<u64>,
}

struct Trial {
    packets: Vec<Held>,
    /// By number.
    interfaces: Vec<String>,
    beside: Beside,
    rule: String,
    allowed: BTreeSet<&'static str>,
    count: u32,
}

impl Trial {
    fn new(
        source: impl Read + 'static,
        mut beside: Beside,
        rule: &str,
    ) -> Result<Self, MinimiseError> {
        let mut records = Records::new(source)?;
        let (mut packets, mut interfaces) = (Vec::new(), Vec::new());
        let mut bytes = 0;
        while let Some(item) = records.next_item() {
            match item {
                Item::Secrets(lines) => beside.keys.add(lines),
                Item::Packet(record) => {
                    bytes += record.bytes.len() + size_of::<Held>();
                    if bytes > MOST {
                        return Err(MinimiseError::TooBig);
                    }
                    packets.push(Held {
                        nanos: record.nanos,
                        interface: record.interface,
                        link: record.link,
                        bytes: record.bytes.to_vec(),
                        missing: record.length.saturating_sub(record.bytes.len() as u32),
                        comment: record.comment.map(str::to_owned),
                        packet: record.packet,
                    });
                }
            }
        }
        let known = packets.iter().map(|held: &Held| held.interface + 1).max().unwrap_or_default();
        interfaces.extend((0..known).map(|number| records.interface_name(number).to_owned()));
        let rule = rule.to_owned();
        Ok(Self { packets, interfaces, beside, rule, allowed: BTreeSet::new(), count: 0 })
    }

    fn write(&self, chosen: &[usize]) -> Vec<u8> {
        let mut file = Writer::new("rtcspec minimise", Duration::ZERO);
        let mut interfaces: BTreeMap<(u32, u16), Interface> = BTreeMap::new();
        for index in chosen {
            let Held { interface, link, .. } = self.packets[*index];
            let name = self.interfaces.get(interface as usize).map_or("", String::as_str);
            interfaces.entry((interface, link)).or_insert_with(|| file.interface_of(name, link));
        }
        let lines = self.beside.keys.lines();
        if !lines.is_empty() {
            file.secrets(&(lines.join("\n") + "\n"));
        }
        for index in chosen {
            let held = &self.packets[*index];
            let Some(interface) = interfaces.get(&(held.interface, held.link)) else { continue };
            file.packet(&Packet {
                interface: *interface,
                at: Duration::from_nanos(held.nanos),
                crossing: None,
                bytes: &held.bytes,
                missing: held.missing,
                comment: held.comment.as_deref(),
                id: held.packet,
            });
        }
        file.finish()
    }

    /// Rules that fire on these packets.
    fn found(&mut self, chosen: &[usize]) -> BTreeSet<&'static str> {
        self.count += 1;
        let file = self.write(chosen);
        let Ok(mut capture) = Capture::read(file) else { return BTreeSet::new() };
        capture.keys = self.beside.keys.clone();
        capture.dialogues = self.beside.dialogues.clone();
        let report = audit_capture("", capture);
        let findings = report.connections.iter().flat_map(|connection| &connection.findings);
        findings.map(|finding| finding.rule).collect()
    }

    fn holds(&mut self, chosen: &[usize]) -> bool {
        let allowed = self.allowed.clone();
        self.holds_with(chosen, &allowed)
    }

    fn holds_with(&mut self, chosen: &[usize], allowed: &BTreeSet<&'static str>) -> bool {
        let found = self.found(chosen);
        found.iter().any(|known| *known == self.rule) && found.is_subset(allowed)
    }

    fn others(&mut self, chosen: &[usize]) -> BTreeSet<&'static str> {
        let mut found = self.found(chosen);
        found.retain(|known| *known != self.rule);
        found
    }
}
