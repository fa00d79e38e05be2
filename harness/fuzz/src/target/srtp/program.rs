//! `srtp`: a sender, a way on which packets are lost, kept, changed and sent again, a receiver.

use rtcspec_srtp::{Context, OpenedRtcp, OpenedRtp, Profile, SrtpError};

use super::model::{Indices, Novelty};
use super::plants;
use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate::{self, elements::Shape};
use crate::target::Target;

/// Holds SRTP and SRTCP (RFC 3711, RFC 7714).
///
/// The first byte chooses the profile; steps of a type, a length and an argument follow.
pub const PACKETS: Target = Target {
    name: "srtp",
    about: "SRTP, SRTCP: opened as protected, in any order; nothing of what was changed; replays",
    seeds: &["srtp"],
    dictionary: || (0..STEPS).map(|step| vec![step]).collect(),
    mutate: mutate::srtp::mutate,
    body: |case| body(case, &Subject::OURS),
    situations: &[
        "opened",
        "late",
        "lost",
        "turn of the counter",
        "sides apart",
        "replayed",
        "too old to tell",
        "change refused",
        "piece refused",
        "noise refused",
        "without payload",
        "rtcp",
        "rtcp in the clear",
    ],
    plants: plants::PACKETS,
};

/// Kinds of steps.
pub(crate) const STEPS: u8 = 10;
/// Steps of a program, the rest is not run.
const MOST: usize = 64;
/// Packets kept on their way.
const KEPT: usize = 16;
/// Two contexts with their keys, and a few copies of each packet.
const BUDGET: Budget = Budget {
    bytes: 256 << 10,
    bytes_each: 512,
    time: std::time::Duration::from_millis(5),
    time_each: std::time::Duration::from_micros(10),
};

/// Protects and opens.
pub(super) struct Subject {
    pub(super) protect_rtp: fn(&mut Context, &mut Vec<u8>) -> Result<u64, SrtpError>,
    pub(super) open_rtp: fn(&mut Context, &mut [u8]) -> Result<OpenedRtp, SrtpError>,
    pub(super) protect_rtcp: fn(&mut Context, &mut Vec<u8>, bool) -> Result<u32, SrtpError>,
    pub(super) open_rtcp: fn(&mut Context, &mut [u8]) -> Result<OpenedRtcp, SrtpError>,
}

impl Subject {
    pub(super) const OURS: Self = Self {
        protect_rtp: Context::protect_rtp,
        open_rtp: Context::open_rtp,
        protect_rtcp: Context::protect_rtcp,
        open_rtcp: Context::open_rtcp,
    };
}

pub(super) fn body(case: &mut Case<'_>, subject: &Subject) -> Verdict {
    let Some((&first, steps)) = case.input.split_first() else { return Ok(()) };
    let profiles = [
        Profile::Aes128CmSha1_80,
        Profile::Aes128CmSha1_32,
        Profile::AeadAes128Gcm,
        Profile::AeadAes256Gcm,
    ];
    let profile = profiles[usize::from(first) % profiles.len()];
    let seen = case.within(BUDGET, case.input.len(), || {
        let mut way = Way::new(subject, profile, case.is_thorough())?;
        Shape::STEP.elements(steps).take(MOST).try_for_each(|step| way.step(step))?;
        Ok(way.seen)
    })??;
    for (situation, detail) in seen {
        case.reach(situation);
        case.see(&(profile, situation, detail));
    }
    Ok(())
}

/// A packet as it was and as it goes.
#[derive(Clone, Debug)]
struct Sent {
    plain: Vec<u8>,
    protected: Vec<u8>,
    index: u64,
}

/// Both sides, what lies between them, and what both have to know.
struct Way<'a> {
    subject: &'a Subject,
    /// Every piece of an RTCP packet is tried, not one of each packet.
    thorough: bool,
    sender: Context,
    receiver: Context,
    sent: Indices,
    received: Indices,
    sent_rtcp: Indices,
    received_rtcp: Indices,
    kept: Vec<Sent>,
    last: Option<Sent>,
    seen: Vec<(&'static str, u8)>,
}

impl<'a> Way<'a> {
    fn new(subject: &'a Subject, profile: Profile, thorough: bool) -> Result<Self, Finding> {
        let exported: Vec<u8> = (0..=u8::MAX).take(profile.exported_len()).collect();
        let side = || {
            let [client, _] = profile.split(&exported)?;
            Context::new(profile, client).ok()
        };
        let no_keys = || Finding::new(Oracle::Model, "keys of the right length are refused");
        Ok(Self {
            subject,
            thorough,
            sender: side().ok_or_else(no_keys)?,
            receiver: side().ok_or_else(no_keys)?,
            sent: Indices::default(),
            received: Indices::default(),
            sent_rtcp: Indices::default(),
            received_rtcp: Indices::default(),
            kept: Vec::new(),
            last: None,
            seen: Vec::new(),
        })
    }

    fn reach(&mut self, situation: &'static str, detail: u8) {
        if !self.seen.contains(&(situation, detail)) {
            self.seen.push((situation, detail));
        }
    }

    fn step(&mut self, step: &[u8]) -> Verdict {
        let Some((&[kind, _], argument)) = step.split_first_chunk() else { return Ok(()) };
        match kind % STEPS {
            0 => {
                let sent = self.send(argument)?;
                self.deliver(sent)
            }
            1 => {
                self.reach("lost", 0);
                self.send(argument).map(drop)
            }
            2 => {
                let sent = self.send(argument)?;
                if self.kept.len() < KEPT {
                    self.kept.push(sent);
                }
                Ok(())
            }
            3 if !self.kept.is_empty() => {
                let at = argument.first().map_or(0, |at| usize::from(*at)) % self.kept.len();
                let sent = self.kept.remove(at);
                self.deliver(sent)
            }
            4 => self.last.clone().map_or(Ok(()), |sent| self.deliver(sent)),
            5 => self.rtcp(argument, true),
            6 => self.rtcp(argument, false),
            7 => self.changed(argument),
            8 => self.cut(argument),
            9 => self.noise(argument),
            _ => Ok(()),
        }
    }

    fn send(&mut self, argument: &[u8]) -> Result<Sent, Finding> {
        let plain = rtp(argument);
        let (ssrc, sequence) = of(&plain);
        let wanted = self.sent.estimate(ssrc, sequence);
        self.sent.insert(ssrc, wanted);
        let mut protected = plain.clone();
        let index = (self.subject.protect_rtp)(&mut self.sender, &mut protected);
        // RFC 3711 §3.3.1: the sender's rollover counter rises when the sequence number turns.
        hold(Oracle::Model, index == Ok(wanted), || {
            format!("packet {sequence} has index {index:?}, not {wanted}")
        })?;
        if wanted > 0xffff {
            self.reach("turn of the counter", (wanted >> 16).min(3) as u8);
        }
        let clear = protected.starts_with(&plain) && plain.len() > header_of(&plain) + 8;
        hold(Oracle::Model, !clear, || "a protected packet has its payload in the clear")?;
        Ok(Sent { plain, protected, index: wanted })
    }

    fn deliver(&mut self, sent: Sent) -> Verdict {
        let (ssrc, sequence) = of(&sent.plain);
        let expected = self.received.estimate(ssrc, sequence);
        let mut packet = sent.protected.clone();
        let outcome = (self.subject.open_rtp)(&mut self.receiver, &mut packet);
        if expected != sent.index {
            // The receiver takes it for a packet of another turn: so it does not authenticate.
            self.reach("sides apart", 0);
            return hold(Oracle::Model, outcome.is_err(), || {
                format!("index {} is opened as {expected}: {outcome:?}", sent.index)
            });
        }
        let novelty = self.received.insert(ssrc, expected);
        let opened = outcome.map_err(|error| {
            let what = format!("packet {} of {ssrc:#x} is not opened: {error}", sent.index);
            Finding::new(Oracle::RoundTrip, what)
        })?;
        hold(Oracle::RoundTrip, packet.get(..opened.len) == Some(&sent.plain), || {
            format!("{:02x?} is opened as {:02x?}", sent.plain, packet.get(..opened.len))
        })?;
        let right = opened.index == expected && opened.replayed == (novelty == Novelty::Replayed);
        hold(Oracle::Model, right, || format!("{novelty:?} packet {expected} is {opened:?}"))?;
        self.reach(
            match novelty {
                Novelty::New => "opened",
                Novelty::Late => "late",
                Novelty::Replayed => "replayed",
                Novelty::TooOldToTell => "too old to tell",
            },
            sent.plain[0] & 0x13,
        );
        if sent.plain.len() == header_of(&sent.plain) {
            self.reach("without payload", 0);
        }
        self.last = Some(sent);
        Ok(())
    }

    /// RFC 3711 §3.3, step 4: what does not authenticate is dropped, and nothing is learnt of it.
    fn changed(&mut self, argument: &[u8]) -> Verdict {
        let sent = self.send(argument.get(2..).unwrap_or_default())?;
        let [a, b] = argument.first_chunk().copied().unwrap_or_default();
        let mut other = sent.protected.clone();
        let bit = usize::from(u16::from_be_bytes([a, b])) % (8 * other.len());
        other[bit / 8] ^= 1 << (bit % 8);
        let outcome = (self.subject.open_rtp)(&mut self.receiver, &mut other);
        hold(Oracle::Metamorphic, outcome.is_err(), || format!("bit {bit} changed: {outcome:?}"))?;
        self.reach("change refused", (bit / 8).min(16) as u8);
        self.deliver(sent)
    }

    fn cut(&mut self, argument: &[u8]) -> Verdict {
        let sent = self.send(argument.get(1..).unwrap_or_default())?;
        let by = 1 + usize::from(argument.first().copied().unwrap_or_default());
        let mut piece = sent.protected[..sent.protected.len().saturating_sub(by)].to_vec();
        let outcome = (self.subject.open_rtp)(&mut self.receiver, &mut piece);
        hold(Oracle::Truncation, outcome.is_err(), || format!("{by} bytes less: {outcome:?}"))?;
        self.reach("piece refused", 0);
        self.deliver(sent)
    }

    /// Bytes that nobody protected.
    fn noise(&mut self, argument: &[u8]) -> Verdict {
        let rtp = (self.subject.open_rtp)(&mut self.receiver, &mut argument.to_vec());
        let rtcp = (self.subject.open_rtcp)(&mut self.receiver, &mut argument.to_vec());
        let kind = |error: Option<SrtpError>| match error {
            Some(SrtpError::Header { .. }) => 0,
            Some(SrtpError::Short { .. }) => 1,
            _ => 2,
        };
        self.reach("noise refused", 3 * kind(rtp.err()) + kind(rtcp.err()));
        hold(Oracle::Model, rtp.is_err() && rtcp.is_err(), || {
            format!("{argument:02x?} is opened: {rtp:?}, {rtcp:?}")
        })
    }

    fn rtcp(&mut self, argument: &[u8], encrypt: bool) -> Verdict {
        let plain = rtcp(argument);
        let ssrc = u32::from_be_bytes([plain[4], plain[5], plain[6], plain[7]]);
        let wanted = self.sent_rtcp.next(ssrc);
        self.sent_rtcp.insert(ssrc, wanted);
        let mut packet = plain.clone();
        let index = (self.subject.protect_rtcp)(&mut self.sender, &mut packet, encrypt);
        // RFC 3711 §3.4: the index counts the packets, and is never used again.
        hold(Oracle::Model, index.map(u64::from) == Ok(wanted), || {
            format!("RTCP packet has index {index:?}, not {wanted}")
        })?;
        let protected = packet.clone();
        let cuts = [1, 4, 15, protected.len() - 8];
        let one = wanted as usize % cuts.len();
        let tried = if self.thorough { &cuts[..] } else { &cuts[one..=one] };
        for &cut in tried {
            let mut piece = protected[..protected.len().saturating_sub(cut)].to_vec();
            let outcome = (self.subject.open_rtcp)(&mut self.receiver, &mut piece);
            hold(Oracle::Truncation, outcome.is_err(), || {
                format!("{cut} bytes less: {outcome:?}")
            })?;
        }
        for _ in 0..2 {
            let novelty = self.received_rtcp.insert(ssrc, wanted);
            let mut packet = protected.clone();
            let opened = (self.subject.open_rtcp)(&mut self.receiver, &mut packet)
                .map_err(|error| Finding::new(Oracle::RoundTrip, format!("RTCP: {error}")))?;
            hold(Oracle::RoundTrip, packet.get(..opened.len) == Some(&plain), || {
                format!("{plain:02x?} is opened as {:02x?}", packet.get(..opened.len))
            })?;
            let right = u64::from(opened.index) == wanted
                && opened.encrypted == encrypt
                && opened.replayed == (novelty == Novelty::Replayed);
            hold(Oracle::Model, right, || format!("{novelty:?} compound {wanted} is {opened:?}"))?;
        }
        self.reach(if encrypt { "rtcp" } else { "rtcp in the clear" }, 0);
        Ok(())
    }
}

/// A packet of an argument: source, sequence number, form of the header, payload.
fn rtp(argument: &[u8]) -> Vec<u8> {
    let (&[ssrc, high, low, form], payload) =
        argument.split_first_chunk().unwrap_or((&[0; 4], argument));
    let sources = form & 3;
    let extended = form & 4 != 0;
    let mut out = vec![0x80 | sources | u8::from(extended) << 4, form & 0x80 | 96, high, low];
    out.extend_from_slice(&[0, 0, 0, 1, 0xca, 0xfe, 0, ssrc]);
    (0..sources).for_each(|source| out.extend_from_slice(&[0, 0, 0, source]));
    if extended {
        out.extend_from_slice(&[0xbe, 0xde, 0, 1, 0x10, 0xaa, 0, 0]);
    }
    out.extend_from_slice(payload);
    out
}

/// A report of an argument: source, and what follows it.
fn rtcp(argument: &[u8]) -> Vec<u8> {
    let (source, rest) = argument.split_first().unwrap_or((&0, argument));
    let mut out = vec![0x80, 201, 0, 0, 0xca, 0xfe, 0, *source];
    out.extend_from_slice(rest);
    out.resize(out.len().next_multiple_of(4), 0);
    let words = (out.len() / 4 - 1) as u16;
    out[2..4].copy_from_slice(&words.to_be_bytes());
    out
}

/// Source and sequence number.
fn of(packet: &[u8]) -> (u32, u16) {
    let ssrc = u32::from_be_bytes([packet[8], packet[9], packet[10], packet[11]]);
    (ssrc, u16::from_be_bytes([packet[2], packet[3]]))
}

fn header_of(packet: &[u8]) -> usize {
    12 + 4 * usize::from(packet[0] & 3) + 8 * usize::from(packet[0] & 0x10 != 0)
}
