//! Signals that are known beforehand, as those beside a capture are: each is let in at its time.

use std::collections::{BTreeMap, VecDeque};

use rtcspec_trace::watch::{Event, Kind};
use rtcspec_trace::{Signal, SignalBody};

use crate::book::Books;

/// What is still to be signalled.
#[derive(Debug, Default)]
pub(crate) struct Upcoming {
    /// In the order of time, with their sessions.
    signals: VecDeque<(u32, Signal)>,
    /// Of each ufrag, how many signals there are up to the first that has it.
    by_ufrag: BTreeMap<String, usize>,
    /// How many were let in.
    past: usize,
}

impl Upcoming {
    /// Takes in what will be signalled.
    pub(crate) fn add(&mut self, signals: Vec<(u32, Signal)>, books: &mut Books) {
        for (session, signal) in signals {
            if matches!(signal.body, SignalBody::Candidate { .. }) {
                // None takes the place of another, whenever it comes.
                books.add(session, &signal);
                continue;
            }
            let place = self.past + self.signals.len() + 1;
            for ufrag in books.announce(session, &signal) {
                self.by_ufrag.entry(ufrag).or_insert(place);
            }
            self.signals.push_back((session, signal));
        }
    }

    /// The next one that was sent before an event: by its time, or because the event names its
    /// ufrag, whatever the clock of the signalling says.
    pub(crate) fn next(&mut self, event: &Event<'_>) -> Option<(u32, Signal)> {
        let (_, first) = self.signals.front()?;
        let is_due = first.sent <= event.at || self.past < self.named(event);
        if is_due { self.pop() } else { None }
    }

    /// The next one, whenever it was sent.
    pub(crate) fn pop(&mut self) -> Option<(u32, Signal)> {
        let next = self.signals.pop_front()?;
        self.past += 1;
        Some(next)
    }

    /// How many signals there are up to the one whose ufrags an event has.
    fn named(&self, event: &Event<'_>) -> usize {
        let Kind::Stun(stun) = &event.kind else { return 0 };
        let Some(name) = stun.username else { return 0 };
        let place = |ufrag: &str| self.by_ufrag.get(ufrag).copied().unwrap_or_default();
        place(name.receiver).max(place(name.sender))
    }
}

#[cfg(test)]
mod tests {
    use rtcspec_trace::Party::{A, B};

    use crate::trial::{Trial, a, b, check, client_hello, handshake, server_hello};

    /// Two negotiations, in which the sides change roles, and two handshakes.
    fn roles(times: [u64; 4]) -> Trial {
        let sdp = |ufrag: &str, setup: &str| {
            format!(
                "m=application 9 UDP/DTLS/SCTP x\r\na=mid:0\r\na=ice-ufrag:{ufrag}\r\n\
                 a=ice-pwd:{ufrag}\r\na=setup:{setup}\r\n"
            )
        };
        let mut trial = Trial::default();
        trial.foretell(&[
            (times[0], A, "offer", &sdp("aaaa", "actpass")),
            (times[1], B, "answer", &sdp("bbbb", "active")),
            (times[2], B, "offer", &sdp("dddd", "actpass")),
            (times[3], A, "answer", &sdp("cccc", "active")),
        ]);
        trial.stun(100, (a(5000), b(6000)), &check(1, "bbbb:aaaa", true, 1));
        trial.udp(200, (b(6000), a(5000)), &handshake(0, 1, &client_hello(1, &[])));
        trial.udp(220, (a(5000), b(6000)), &handshake(0, 2, &server_hello(2)));
        trial.stun(9000, (b(6000), a(5000)), &check(2, "cccc:dddd", true, 1));
        trial.udp(9100, (a(5000), b(6000)), &handshake(0, 1, &client_hello(3, &[])));
        trial.udp(9120, (b(6000), a(5000)), &handshake(0, 2, &server_hello(4)));
        trial
    }

    #[test]
    fn a_description_counts_from_when_it_was_sent() {
        let trial = roles([0, 50, 8000, 8050]);
        assert_eq!(trial.of("dtls.role"), (Vec::new(), 2));
    }

    #[test]
    fn whose_ufrag_is_seen_was_sent_whatever_the_clock_says() {
        let trial = roles([5000, 5050, 58_000, 58_050]);
        assert_eq!(trial.of("dtls.role"), (Vec::new(), 2));
    }
}
