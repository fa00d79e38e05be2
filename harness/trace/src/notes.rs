//! Where the layers write what they see, before it is sorted into sections.

use std::time::Duration;

use crate::flow::Packet;
use crate::names::Names;
use crate::text::{Line, word};
use crate::{Lost, Party, Place, Profile, Session};

/// A layer's section, in the order sections have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    Net,
    Signal,
    Gather,
    Check,
    Turn,
    Dtls,
    Sctp,
    Dc,
    Rtp,
    Consent,
    Close,
    Other,
}

impl Layer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Signal => "signal",
            Self::Gather => "ice.gather",
            Self::Check => "ice.check",
            Self::Turn => "turn",
            Self::Dtls => "dtls",
            Self::Sctp => "sctp",
            Self::Dc => "dc",
            Self::Rtp => "rtp",
            Self::Consent => "consent",
            Self::Close => "close",
            Self::Other => "other",
        }
    }
}

/// A line that has no section yet.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) at: Duration,
    pub(crate) layer: Layer,
    pub(crate) line: Line,
    /// Many like it may become one.
    pub(crate) bulk: bool,
}

/// What the layers share.
#[derive(Debug)]
pub(crate) struct Notes<'a> {
    pub(crate) session: &'a Session,
    pub(crate) names: Names,
    pub(crate) drafts: Vec<Draft>,
    /// When anything arrived at A and at B, sorted.
    inputs: [Vec<Duration>; 2],
    /// What was reached first: a fact's name and when.
    pub(crate) landmarks: Vec<(Duration, Layer, String)>,
}

impl<'a> Notes<'a> {
    pub(crate) fn new(session: &'a Session, names: Names, packets: &[Packet<'_>]) -> Self {
        let mut inputs = [Vec::new(), Vec::new()];
        for packet in packets.iter().filter(|packet| packet.is_delivered()) {
            if let Some(Place::Peer(party)) = packet.to {
                inputs[index(party)].push(packet.arrived);
            }
        }
        for signal in &session.signals {
            if let Some(arrived) = signal.arrived {
                inputs[index(signal.from.other())].push(arrived);
            }
        }
        inputs.iter_mut().for_each(|times| times.sort_unstable());
        Self { session, names, drafts: Vec::new(), inputs, landmarks: Vec::new() }
    }

    /// How long one may take to react and still do so at once.
    fn slack(&self) -> Duration {
        Duration::from_millis(if self.session.profile == Profile::Exact { 1 } else { 10 })
    }

    /// Whether something had just arrived at a peer.
    pub(crate) fn reacts(&self, party: Party, at: Duration) -> bool {
        self.since_input(party, at).is_some_and(|since| since <= self.slack())
    }

    /// How long before, something last arrived at a peer.
    pub(crate) fn since_input(&self, party: Party, at: Duration) -> Option<Duration> {
        let times = &self.inputs[index(party)];
        let before = times.partition_point(|time| *time <= at);
        Some(at.saturating_sub(*times.get(before.checked_sub(1)?)?))
    }

    pub(crate) fn push(&mut self, layer: Layer, at: Duration, line: Line) {
        self.drafts.push(Draft { at, layer, line, bulk: false });
    }

    pub(crate) fn push_bulk(&mut self, layer: Layer, at: Duration, line: Line) {
        self.drafts.push(Draft { at, layer, line, bulk: true });
    }

    /// `A>B`, `A-xB`.
    pub(crate) fn hop(&self, packet: &Packet<'_>) -> String {
        let arrow = if packet.is_delivered() { ">" } else { "-x" };
        format!("{}{arrow}{}", self.names.place(packet.from), self.names.place(packet.to))
    }

    /// NATs a packet went out through: `via home/B new`.
    pub(crate) fn via(&self, packet: &Packet<'_>, source: std::net::SocketAddr) -> Vec<String> {
        let mut fields = Vec::new();
        let mut source = source;
        for crossing in packet.crossings {
            if crossing.source != source || crossing.hairpin {
                let name = self.names.external(crossing.source);
                fields.push("via".to_owned());
                fields.push(name.unwrap_or_else(|| word(&crossing.nat)));
                fields.extend(crossing.new.then(|| "new".to_owned()));
                fields.extend(crossing.hairpin.then(|| "hairpin".to_owned()));
            }
            source = crossing.source;
        }
        fields
    }
}

pub(crate) fn index(party: Party) -> usize {
    usize::from(party == Party::B)
}

/// `home.filter`, `no-route`.
pub(crate) fn reason(lost: &Lost) -> String {
    let element = lost.at.rsplit('.').next().unwrap_or_default();
    if lost.at.starts_with("net") || element.is_empty() {
        word(&lost.word)
    } else {
        format!("{}.{}", word(element), word(&lost.word))
    }
}

/// Whole milliseconds.
pub(crate) fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
