//! How far a session came.

use std::collections::BTreeMap;
use std::fmt;

use rtcspec_trace::{Session, SignalBody};

use super::story::{Act, Story, index};

/// How far a session came, worst first; later stages imply the earlier ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// An answer was signalled; nobody knows of a capture without its signalling.
    pub answered: bool,
    /// A nominated pair worked.
    pub connected: bool,
    /// DTLS was up.
    pub secured: bool,
    /// SCTP was up.
    pub associated: bool,
    /// Channels that were opened or acknowledged.
    pub channels: usize,
    /// Messages A and B sent that were seen whole.
    pub messages: [usize; 2],
    /// Channels that were closed.
    pub closed: usize,
    /// Records that nobody could open.
    pub unread: u64,
}

impl Reach {
    /// Of a session.
    #[must_use]
    pub fn of(session: &Session, story: &Story) -> Self {
        let answered = session.signals.iter().any(|signal| {
            matches!(&signal.body, SignalBody::Description { kind, .. } if kind == "answer")
        });
        let mut reach = Self {
            answered,
            connected: story.connected.is_some() || story.dtls.is_some(),
            secured: story.secured.is_some(),
            associated: story.associated.is_some(),
            channels: 0,
            messages: [0; 2],
            closed: 0,
            unread: story.records[1],
        };
        let mut acknowledged = BTreeMap::new();
        for deed in &story.deeds {
            match &deed.act {
                Act::Open(_) | Act::End => {}
                Act::Acknowledge { stream } => {
                    *acknowledged.entry(*stream).or_insert(0) += 1;
                }
                Act::Send { .. } => reach.messages[index(deed.by)] += 1,
                Act::Close { .. } => reach.closed += 1,
            }
        }
        reach.channels = acknowledged.values().sum();
        reach.associated |= reach.channels > 0 || reach.messages != [0; 2];
        reach.secured |= reach.associated;
        reach
    }

    /// What of another's reach this one lacks, in words; the lowest layer first.
    #[must_use]
    pub fn lacks(&self, other: &Self) -> Option<String> {
        let steps = [
            (other.connected && !self.connected, "no pair of candidates works"),
            (other.secured && !self.secured, "DTLS does not come up"),
            (other.associated && !self.associated, "SCTP does not come up"),
            (other.channels > self.channels, "a channel does not open"),
            (other.messages[0] > self.messages[0], "a message of A is missing"),
            (other.messages[1] > self.messages[1], "a message of B is missing"),
            (other.closed > self.closed, "a channel does not close"),
        ];
        steps.into_iter().find(|(lacks, _)| *lacks).map(|(_, words)| words.to_owned())
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { channels, messages: [a, b], closed, unread, .. } = self;
        let state = match (self.connected, self.secured, self.associated, *channels) {
            (false, ..) if self.answered => "an answer, no connection",
            (false, ..) => "no connection",
            (_, false, ..) => "a working pair, no DTLS",
            (_, _, false, _) if *unread > 0 => "DTLS, and records nobody could open",
            (_, _, false, _) => "DTLS, no SCTP",
            (_, _, _, 0) => "SCTP, no channel acknowledged",
            (_, _, _, 1) => "1 open channel",
            _ => {
                return write!(
                    f,
                    "{channels} open channels, {a} and {b} messages, {closed} closed"
                );
            }
        };
        f.write_str(state)?;
        if self.associated && (*channels > 0 || a + b > 0) {
            write!(f, ", {a} and {b} messages, {closed} closed")?;
        }
        Ok(())
    }
}
