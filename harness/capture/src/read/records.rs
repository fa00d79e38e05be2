//! Packets of a capture file, one after the other, whatever its format.

use std::io::{BufReader, Cursor, Read};
use std::ops::Range;

use flate2::bufread::MultiGzDecoder;
use memchr::memrchr;

use super::blocks::{Section, is_section};
use super::classic::Classic;
use super::problem::{Damage, Problem, Problems};
use super::text::{LINK_SCTP, Log};
use super::window::Window;

/// Why something cannot be read as a capture at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotACapture {
    /// Nothing in it.
    #[error("the file is empty")]
    Empty,
    /// JSON: perhaps signalling.
    #[error(
        "the file is JSON and holds no packets; if it is a dump of signalling, give it as such"
    )]
    Json,
    /// Text in which no line is a packet.
    #[error(
        "not a capture: it is text that begins with `{0}`, and no line of its first {most} MiB is a \
         packet (`I 12:00:00.000 0000 13 88 ... # SCTP_PACKET`)",
        most = LOOK_IN_LOG >> 20
    )]
    Text(String),
    /// None of the formats.
    #[error("the file is no pcap, no pcapng and no log of packets: it begins with {0:02x?}")]
    Unknown(Vec<u8>),
    /// Not even its header is there.
    #[error("{0}")]
    Damaged(Damage),
    /// The first bytes cannot be read or decompressed.
    #[error("the file cannot be read: {reason}")]
    Unreadable {
        /// What the source said.
        reason: String,
    },
}

/// Bytes that are looked at to tell formats apart.
const LOOK: usize = 4096;
/// Bytes of text in which the first packet of a log is looked for.
const LOOK_IN_LOG: usize = 16 << 20;
/// Characters of a text that are quoted.
const QUOTED: usize = 40;

/// A packet as a capture file holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Number, from 1.
    pub number: u64,
    /// Byte offset of its record or block in the file; after decompression, if it is compressed.
    pub offset: u64,
    /// Nanoseconds since 1970, or since midnight in a log. Without a time of its own, that of the
    /// packet before.
    pub nanos: u64,
    /// Whether it has a time of its own: a simple packet block of pcapng has none.
    pub timed: bool,
    /// Link type, as numbered by <https://www.tcpdump.org/linktypes.html>.
    pub link: u16,
    /// What was kept of the packet.
    pub bytes: &'a [u8],
    /// Its length as it was.
    pub length: u32,
    /// What somebody said about it in the file.
    pub comment: Option<&'a str>,
    /// Whether the packet left, if a log or pcapng says so.
    pub outbound: Option<bool>,
    /// Which interface of the file it was seen at, for [`Records::interface_name`].
    pub interface: u32,
    /// The packet's own number (`epb_packetid`): what has one number is one packet, wherever it was
    /// seen.
    pub packet: Option<u64>,
}

/// What a file holds, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A packet.
    Packet(Record<'a>),
    /// Lines of an NSS key log.
    Secrets(&'a [u8]),
}

/// Reads pcap, pcapng and logs, plain or compressed with gzip, from front to back.
///
/// Memory is bounded: a window of 256 KiB, which grows to at most 34 MiB for a pcapng block of
/// 16 MiB or the search for the first packet of a log once bytes have come, 16384 interfaces, 100 problems, and what gzip needs.
#[derive(Debug)]
pub struct Records<'r> {
    window: Window<'r>,
    format: Format,
    compressed: bool,
    number: u64,
    used: usize,
    nanos: u64,
    problems: Problems,
}

#[derive(Debug)]
enum Format {
    Classic(Classic),
    Sections(Section),
    Log(Log),
}

/// What a format found at the window's begin.
#[derive(Debug)]
pub(super) enum Step {
    /// A packet, and perhaps something wrong with it.
    Packet(Raw, Option<Damage>),
    /// A packet of a log.
    Logged { nanos: u64, outbound: bool, used: usize },
    /// Secrets in this range, in a block of this length.
    Secrets(Range<usize>, usize),
    /// So many bytes of no interest.
    Skip(usize),
    /// Something wrong within a block of this length; whether it was a packet.
    Bad(Damage, usize, bool),
    /// Something wrong after which the window stands where reading goes on, after so many bytes.
    Damaged(Damage, Option<u64>),
    /// The beginning of another file.
    NewFile,
    /// The end, and perhaps something wrong there.
    End(Option<Damage>),
}

/// A packet's places in the window.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    pub(super) bytes: Range<usize>,
    pub(super) nanos: Option<u64>,
    pub(super) link: u16,
    pub(super) length: u32,
    pub(super) comment: Range<usize>,
    pub(super) interface: u32,
    pub(super) packet: Option<u64>,
    pub(super) outbound: Option<bool>,
    pub(super) used: usize,
}

impl Step {
    /// The end of the file, which may be within something.
    pub(super) const fn end(what: &'static str, have: usize, need: usize) -> Self {
        let (have, need) = (have as u64, need as u64);
        Self::End(if have == 0 { None } else { Some(Damage::CutShort { what, have, need }) })
    }
}

impl<'r> Records<'r> {
    /// Looks at the first bytes of a file.
    ///
    /// # Errors
    /// It cannot be read, or is nothing this module knows.
    pub fn new(source: impl Read + 'r) -> Result<Self, NotACapture> {
        let mut source: Box<dyn Read + 'r> = Box::new(source);
        let mut first = Vec::new();
        let begun = source.by_ref().take(2).read_to_end(&mut first);
        begun.map_err(|error| NotACapture::Unreadable { reason: error.to_string() })?;
        let compressed = first == [0x1f, 0x8b];
        let whole = Cursor::new(first).chain(source);
        let source: Box<dyn Read + 'r> = match compressed {
            true => Box::new(MultiGzDecoder::new(BufReader::new(whole))),
            false => Box::new(whole),
        };
        let mut window = Window::new(source);
        let format = recognise(&mut window)?;
        Ok(Self {
            window,
            format,
            compressed,
            number: 0,
            used: 0,
            nanos: 0,
            problems: Problems::default(),
        })
    }

    /// The format in words.
    #[must_use]
    pub fn format(&self) -> String {
        let words = match &self.format {
            Format::Classic(classic) => classic.words(),
            Format::Sections(section) => section.words(),
            Format::Log(_) => "log of SCTP packets".to_owned(),
        };
        if self.compressed { format!("gzip, {words}") } else { words }
    }

    /// Whether the format tells interfaces apart: pcapng, and Linux cooked captures.
    pub(crate) fn tells_interfaces(&self) -> bool {
        match &self.format {
            Format::Sections(_) => true,
            Format::Classic(classic) => matches!(classic.link(), 113 | 276),
            Format::Log(_) => false,
        }
    }

    /// The name of an interface; empty if it has none.
    #[must_use]
    pub fn interface_name(&self, interface: u32) -> &str {
        match &self.format {
            Format::Sections(section) => section.interface_name(interface),
            Format::Log(log) => log.name(interface),
            Format::Classic(_) => "",
        }
    }

    /// How far the file was read; after decompression, if it is compressed.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.window.offset() + self.used as u64
    }

    /// What was wrong so far.
    #[must_use]
    pub const fn problems(&self) -> &Problems {
        &self.problems
    }

    /// The next packet or secrets; `None` at the end of all that can be read.
    #[inline]
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        self.window.consume(std::mem::take(&mut self.used));
        loop {
            let offset = self.window.offset();
            let step = match &mut self.format {
                Format::Classic(classic) => classic.step(&mut self.window),
                Format::Sections(section) => section.step(&mut self.window),
                Format::Log(log) => log.step(&mut self.window),
            };
            match step {
                Step::Packet(raw, damage) => return Some(self.packet(&raw, damage)),
                Step::Logged { nanos, outbound, used } => {
                    return self.logged(nanos, outbound, used);
                }
                Step::Secrets(range, used) => {
                    self.used = used;
                    return Some(Item::Secrets(&self.window.bytes()[range]));
                }
                other => self.other(other, offset)?,
            }
        }
    }

    /// Adds a problem that was found in what a packet holds.
    pub(crate) fn report(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    fn packet(&mut self, raw: &Raw, damage: Option<Damage>) -> Item<'_> {
        self.number += 1;
        self.used = raw.used;
        self.nanos = raw.nanos.unwrap_or(self.nanos);
        let offset = self.window.offset();
        if let Some(damage) = damage {
            self.problem(offset, self.number, damage, Some(0));
        }
        let held = self.window.bytes();
        let comment = std::str::from_utf8(&held[raw.comment.clone()]).ok();
        Item::Packet(Record {
            number: self.number,
            offset,
            nanos: self.nanos,
            timed: raw.nanos.is_some(),
            link: raw.link,
            bytes: &held[raw.bytes.clone()],
            length: raw.length,
            comment: comment.filter(|text| !text.is_empty()),
            outbound: raw.outbound,
            interface: raw.interface,
            packet: raw.packet,
        })
    }

    fn logged(&mut self, nanos: u64, outbound: bool, used: usize) -> Option<Item<'_>> {
        let Format::Log(log) = &self.format else { return None };
        self.number += 1;
        self.used = used;
        self.nanos = nanos;
        Some(Item::Packet(Record {
            number: self.number,
            offset: self.window.offset(),
            nanos,
            timed: true,
            link: LINK_SCTP,
            bytes: log.packet(),
            length: log.packet().len() as u32,
            comment: None,
            outbound: Some(outbound),
            interface: log.association(),
            packet: None,
        }))
    }

    /// Whatever gives no item. `None` at the end.
    fn other(&mut self, step: Step, offset: u64) -> Option<()> {
        let next = self.number + 1;
        match step {
            Step::Skip(used) => self.window.consume(used),
            Step::Bad(damage, used, packet) => {
                self.number += u64::from(packet);
                self.problem(offset, next, damage, Some(used as u64));
                self.window.consume(used);
            }
            Step::Damaged(damage, skipped) => {
                self.problem(offset, next, damage, skipped);
                if skipped.is_none() {
                    self.window.consume(usize::MAX);
                }
            }
            Step::NewFile => match begin(&mut self.window) {
                Ok(format) => self.format = format,
                Err(damage) => return self.finish(offset, Some(damage)),
            },
            Step::End(damage) => return self.finish(offset, damage),
            Step::Packet(..) | Step::Logged { .. } | Step::Secrets(..) => {}
        }
        Some(())
    }

    fn finish(&mut self, offset: u64, damage: Option<Damage>) -> Option<()> {
        let next = self.number + 1;
        if let Some(damage) = damage {
            self.problem(offset, next, damage, None);
        }
        if let Some(reason) = self.window.take_failure() {
            self.problem(offset, next, Damage::Unreadable { reason }, None);
        }
        self.window.consume(usize::MAX);
        None
    }

    fn problem(&mut self, offset: u64, frame: u64, damage: Damage, skipped: Option<u64>) {
        let reason = match damage {
            // What could not be read is not missing from the file.
            Damage::CutShort { .. } => self.window.take_failure(),
            _ => None,
        };
        let damage = reason.map_or(damage, |reason| Damage::Unreadable { reason });
        self.problems.push(Problem { offset, frame, damage, skipped });
    }
}

fn recognise(window: &mut Window<'_>) -> Result<Format, NotACapture> {
    window.want(LOOK);
    let first = &window.bytes()[..window.bytes().len().min(LOOK)];
    if begins_file(first) {
        return begin(window).map_err(NotACapture::Damaged);
    }
    if Log::begins(first) {
        return log(window);
    }
    let head = first[..first.len().min(8)].to_vec();
    let json = first.trim_ascii_start().first().is_some_and(|byte| *byte == b'{');
    match window.take_failure() {
        Some(reason) => Err(NotACapture::Unreadable { reason }),
        None if head.is_empty() => Err(NotACapture::Empty),
        None if json => Err(NotACapture::Json),
        None => Err(NotACapture::Unknown(head)),
    }
}

/// A log, if a packet is in it; one may come after much else that a program said.
fn log(window: &mut Window<'_>) -> Result<Format, NotACapture> {
    let (mut looked, mut wanted) = (0, LOOK);
    loop {
        let more = window.want(wanted);
        let bytes = &window.bytes()[..window.bytes().len().min(LOOK_IN_LOG)];
        let last = !more || wanted >= LOOK_IN_LOG;
        let whole = memrchr(b'\n', bytes).map_or(0, |end| end + 1);
        let end = if last { bytes.len() } else { whole.max(looked) };
        if bytes[looked..end].split(|byte| *byte == b'\n').any(Log::holds_packet) {
            return Ok(Format::Log(Log::default()));
        }
        if last {
            let text = String::from_utf8_lossy(&bytes[..bytes.len().min(LOOK)]);
            let line = text.lines().map(str::trim).find(|line| !line.is_empty());
            let begin = line.unwrap_or_default().chars().take(QUOTED);
            let begin = begin.flat_map(char::escape_debug).collect();
            let failure = window.take_failure().map(|reason| NotACapture::Unreadable { reason });
            return Err(failure.unwrap_or(NotACapture::Text(begin)));
        }
        (looked, wanted) = (end, wanted * 2);
    }
}

/// Takes a file header, if the format has one that is not a block.
fn begin(window: &mut Window<'_>) -> Result<Format, Damage> {
    if is_section(window.bytes()) {
        return Ok(Format::Sections(Section::default()));
    }
    let whole = window.want(Classic::HEADER);
    let header = if whole { Classic::new(window.bytes()) } else { None };
    let (have, need) = (window.bytes().len() as u64, Classic::HEADER as u64);
    let classic = header.ok_or(Damage::CutShort { what: "file header", have, need })?;
    window.consume(Classic::HEADER);
    Ok(Format::Classic(classic))
}

/// Whether a file of packets begins here.
#[inline]
pub(super) fn begins_file(bytes: &[u8]) -> bool {
    let Some(magic) = bytes.first_chunk::<4>() else { return false };
    match u32::from_le_bytes(*magic) {
        0xa1b2_c3d4 | 0xa1b2_3c4d | 0xa1b2_cd34 | 0xd4c3_b2a1 | 0x4d3c_b2a1 => true,
        0x0a0d_0d0a => is_section(bytes),
        _ => false,
    }
}
