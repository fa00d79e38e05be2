//! One connection's signalling, as one end or both told it.

use std::time::Duration;

use rtcspec_trace::{Party, Signal, SignalBody};

/// What two peers told each other, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dialogue {
    /// Where it comes from: a file's name, and in it a connection's.
    pub name: String,
    /// When the first message was sent, in milliseconds since 1970, if anybody knows.
    pub began: Option<u64>,
    /// The messages. Times count from the first; without times all are sent at once.
    pub signals: Vec<Signal>,
}

/// A message as one end's log has it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    /// Whether the end that keeps the log sent it.
    pub(super) local: bool,
    /// Milliseconds since 1970; 0 if nobody knows.
    pub(super) at: f64,
    pub(super) body: SignalBody,
}

impl Told {
    pub(super) fn description(local: bool, at: f64, kind: &str, sdp: &str) -> Self {
        let body = SignalBody::Description { kind: kind.to_owned(), sdp: sdp.to_owned() };
        Self { local, at, body }
    }

    fn is_offer(&self) -> bool {
        matches!(&self.body, SignalBody::Description { kind, .. } if kind == "offer")
    }
}

impl Dialogue {
    /// A log of one end. A is who offered first; `None` if nothing was told.
    pub(super) fn of(name: String, mut told: Vec<Told>) -> Option<Self> {
        once(&mut told);
        let first = told.iter().find(|one| one.is_offer()).or(told.first())?;
        let (offerer, begin) = (first.local == first.is_offer(), told.first()?.at);
        let signal = |one: Told| {
            let after = Duration::from_micros(((one.at - begin).max(0.0) * 1000.0).round() as u64);
            Signal {
                sent: after,
                arrived: Some(after),
                from: if one.local == offerer { Party::A } else { Party::B },
                body: one.body,
                refused: None,
            }
        };
        let began = (begin > 0.0).then_some(begin as u64);
        Some(Self { name, began, signals: told.into_iter().map(signal).collect() })
    }
}

impl Dialogue {
    /// Its messages at the time of a capture that began then and lasted so long, if both say the
    /// time of day; else all before it.
    pub(crate) fn timed(&self, began: Option<u64>, lasted: Duration) -> Vec<Signal> {
        let clocks = self.began.zip(began);
        let clocks =
            clocks.map(|(own, first)| (Duration::from_millis(own), Duration::from_nanos(first)));
        // A clock that is off by more than the capture lasts tells nothing.
        let clocks = clocks.filter(|(own, first)| {
            *own <= *first + lasted && *first <= *own + Duration::from_secs(60)
        });
        let mut signals = self.signals.clone();
        for signal in &mut signals {
            signal.sent = clocks
                .map_or(Duration::ZERO, |(own, first)| (own + signal.sent).saturating_sub(first));
            signal.arrived = Some(signal.sent);
        }
        signals
    }
}

/// Logs have a description when it is set and again when that has succeeded.
fn once(told: &mut Vec<Told>) {
    let mut last: [Option<SignalBody>; 2] = [None, None];
    told.retain(|one| {
        let SignalBody::Description { .. } = one.body else { return true };
        let before = last[usize::from(one.local)].replace(one.body.clone());
        before.as_ref() != Some(&one.body)
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_offers_first_is_a() {
        let offer = |local| Told::description(local, 1000.0, "offer", "v=0");
        let answer = |local| Told::description(local, 1250.0, "answer", "v=0");
        let parties = |told: Vec<Told>| {
            let dialogue = Dialogue::of("x".to_owned(), told).expect("signals");
            dialogue.signals.iter().map(|signal| signal.from).collect::<Vec<_>>()
        };
        assert_eq!(parties(vec![offer(true), answer(false)]), [Party::A, Party::B]);
        assert_eq!(parties(vec![offer(false), answer(true)]), [Party::A, Party::B]);
        assert_eq!(parties(vec![answer(true)]), [Party::B], "an answer alone is the answerer's");
        let dialogue =
            Dialogue::of("x".to_owned(), vec![offer(true), answer(false)]).expect("signals");
        assert_eq!(dialogue.began, Some(1000));
        assert_eq!(dialogue.signals[1].sent, Duration::from_millis(250));
    }
}
