//! What stays closed, flow by flow: which way, in which epoch, how much, and why.

use std::collections::BTreeMap;
use std::fmt;

use super::Observer;
use super::event::{Event, Kind, Opaque, Path, Protection, Unread};
use super::vantage::sighted;
use crate::Session;

/// Directions of flows that are told apart; of further ones only the number is known.
const MOST: usize = 256;

/// What of one direction of a flow stays closed for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unopened {
    /// From where to where; inside TURN, as the ends mean it.
    pub path: Path,
    /// Whether it runs through TURN.
    pub relayed: bool,
    /// What it is.
    pub what: Sealed,
    /// How many.
    pub count: u64,
    /// Number of the first frame with it.
    pub first: u64,
    /// Why.
    pub why: String,
}

/// What stays closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Sealed {
    /// DTLS records of an epoch; of DTLS 1.3 its lowest two bits are known (RFC 9147 §4).
    Records {
        /// The epoch.
        epoch: u64,
    },
    /// SRTP packets.
    Srtp,
    /// SRTCP packets.
    Srtcp,
    /// Pieces of a TCP stream.
    Stream,
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, relayed, what, count, first, why } = self;
        let plural = if *count == 1 { "" } else { "s" };
        let verb = if *count == 1 { "stays" } else { "stay" };
        let what = match what {
            Sealed::Records { epoch } => format!("DTLS record{plural} of epoch {epoch}"),
            Sealed::Srtp => format!("SRTP packet{plural}"),
            Sealed::Srtcp => format!("SRTCP packet{plural}"),
            Sealed::Stream => format!("piece{plural} of a TCP stream"),
        };
        let relayed = if *relayed { " through TURN" } else { "" };
        let Path { source, destination } = path;
        write!(
            f,
            "{source} > {destination}{relayed}: {count} {what} {verb} closed from frame {first} on: \
             {why}"
        )
    }
}

/// Gathers what stays closed.
#[derive(Clone, Debug, Default)]
pub struct Unopeneds {
    found: BTreeMap<(u64, Path, bool, Sealed, String), u64>,
    firsts: BTreeMap<(Path, bool, Sealed, String), u64>,
    more: u64,
}

impl Unopeneds {
    /// Takes in what an observer says.
    pub fn hear(&mut self, event: &Event<'_>) {
        let Some((what, why)) = sealed(&event.kind) else { return };
        let key = (event.inner, event.relay.is_some(), what, why);
        let first = match self.firsts.get(&key) {
            Some(first) => *first,
            None if self.firsts.len() >= MOST => {
                self.more += 1;
                return;
            }
            None => {
                self.firsts.insert(key.clone(), event.number);
                event.number
            }
        };
        let (path, relayed, what, why) = key;
        *self.found.entry((first, path, relayed, what, why)).or_default() += 1;
    }

    /// What stays closed, in the order it appeared, and what was too much to be told apart.
    #[must_use]
    pub fn list(&self) -> (Vec<Unopened>, u64) {
        let one = |((first, path, relayed, what, why), count): (&(_, _, _, _, String), &u64)| {
            let (why, count) = (why.clone(), *count);
            Unopened { path: *path, relayed: *relayed, what: *what, count, first: *first, why }
        };
        (self.found.iter().map(one).collect(), self.more)
    }

    /// The same in words, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let (list, more) = self.list();
        let mut lines: Vec<String> = list.iter().map(ToString::to_string).collect();
        lines.extend((more > 0).then(|| format!("{more} more of other flows stay closed")));
        lines
    }
}

/// What stays closed of a session's datagrams under its secrets.
#[must_use]
pub fn unopened(session: &Session) -> Unopeneds {
    let mut observer = Observer::new();
    session.secrets.iter().for_each(|lines| observer.secrets(lines));
    session.signals.iter().for_each(|signal| observer.signal(0, signal));
    let mut found = Unopeneds::default();
    for seen in sighted(session) {
        observer.seen(&seen, &mut |event| found.hear(event));
    }
    found
}

fn sealed(kind: &Kind<'_>) -> Option<(Sealed, String)> {
    match kind {
        Kind::Record(record) => {
            let why = record.content.err()?.to_string();
            Some((Sealed::Records { epoch: record.epoch }, why))
        }
        Kind::Rtp(rtp) => Some((Sealed::Srtp, unprotected(rtp.protection)?)),
        Kind::Rtcp(rtcp) => Some((Sealed::Srtcp, unprotected(rtcp.protection)?)),
        Kind::Opaque(Opaque { why, .. }) => {
            let why = match why {
                Unread::Tls => "TLS on a stream is not opened, whatever keys there are",
                Unread::Stream => "it begins within something, or with nothing that is known",
                Unread::OutOfStep => "frames were lost track of",
                _ => return None,
            };
            Some((Sealed::Stream, why.to_owned()))
        }
        _ => None,
    }
}

fn unprotected(protection: Protection) -> Option<String> {
    let why = match protection {
        Protection::Authenticated { .. } => return None,
        Protection::Failed => "does not authenticate",
        Protection::NoKeys => "no secret for this connection",
        Protection::NoHandshake => "the handshake was not seen",
    };
    Some(why.to_owned())
}
