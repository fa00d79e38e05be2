//! The states an association is in when a program begins.

use std::time::Duration;

use rtcspec_peer::sctp::{Reliability, State};
use rtcspec_wire::sctp::StreamId;

use super::table::Table;
use crate::finding::Verdict;

/// What a program may begin with.
pub(super) struct Start {
    /// The situation.
    pub(super) name: &'static str,
    /// The state that the association then is in.
    pub(super) state: State,
    /// I-DATA is offered by both sides.
    pub(super) interleaving: bool,
    /// Brings it there.
    pub(super) reach: fn(&mut Table) -> Verdict,
}

/// Long enough for a handshake and what was said in it.
const SETTLE: Duration = Duration::from_secs(1);

const fn start(name: &'static str, state: State, reach: fn(&mut Table) -> Verdict) -> Start {
    Start { name, state, interleaving: false, reach }
}

/// All of them; a program says which by its place.
pub(super) const ALL: &[Start] = &[
    start("in closed", State::Closed, |_| Ok(())),
    start("in closed, INIT answered", State::Closed, |table| {
        table.connect(1)?;
        table.deliver_to_us()
    }),
    start("in COOKIE-WAIT", State::CookieWait, |table| table.connect(0)),
    start("in COOKIE-WAIT, INITs crossed", State::CookieWait, |table| {
        table.connect(0)?;
        table.connect(1)?;
        table.deliver_to_us()
    }),
    start("in COOKIE-ECHOED", State::CookieEchoed, |table| {
        table.connect(0)?;
        table.deliver_to_partner()?;
        table.deliver_to_us()
    }),
    start("in ESTABLISHED", State::Established, established),
    start("in ESTABLISHED, data both ways", State::Established, |table| {
        established(table)?;
        data(table)
    }),
    Start {
        name: "in ESTABLISHED, interleaving",
        state: State::Established,
        interleaving: true,
        reach: |table| {
            established(table)?;
            data(table)
        },
    },
    start("in ESTABLISHED, reset asked for", State::Established, |table| {
        established(table)?;
        table.reset(0, StreamId(1))
    }),
    start("in ESTABLISHED, message given up", State::Established, |table| {
        established(table)?;
        table.send(0, StreamId(1), 900, Reliability { max_retransmits: Some(0), ..RELIABLE })?;
        table.lose();
        table.pass(SETTLE * 2)
    }),
    start("in SHUTDOWN-PENDING", State::ShutdownPending, |table| {
        established(table)?;
        table.send(0, StreamId(1), 900, RELIABLE)?;
        table.shutdown(0)
    }),
    start("in SHUTDOWN-SENT", State::ShutdownSent, |table| {
        established(table)?;
        table.shutdown(0)
    }),
    start("in SHUTDOWN-RECEIVED", State::ShutdownReceived, |table| {
        established(table)?;
        table.send(0, StreamId(1), 900, RELIABLE)?;
        table.shutdown(1)?;
        table.deliver_to_us()
    }),
    start("in SHUTDOWN-ACK-SENT", State::ShutdownAckSent, |table| {
        established(table)?;
        table.shutdown(1)?;
        table.deliver_to_us()
    }),
];

const RELIABLE: Reliability = Reliability::RELIABLE;

fn established(table: &mut Table) -> Verdict {
    table.connect(0)?;
    table.exchange(SETTLE)
}

/// Messages of both sides that are under way: of one packet, of several, unordered.
fn data(table: &mut Table) -> Verdict {
    for from in 0..2 {
        table.send(from, StreamId(1), 700, RELIABLE)?;
        table.send(from, StreamId(2), 2500, RELIABLE)?;
        table.send(from, StreamId(1), 30, Reliability::UNORDERED)?;
    }
    Ok(())
}
