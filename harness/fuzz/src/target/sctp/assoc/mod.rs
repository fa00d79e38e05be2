//! `sctp_assoc`: one association from each of its states, against its partner, a forger and time.

mod forge;
mod plants;
mod start;
mod table;
mod watch;

use std::time::Duration;

use rtcspec_peer::sctp::Reliability;
use rtcspec_wire::sctp::{Cause, Checksum, StreamId, set_checksum};

use self::table::{MS, Table};
use super::fault::{MakeEdge, sound};
use crate::case::Case;
use crate::finding::{Finding, Verdict};
use crate::mutate::association::{self, RAW, STEPS};
use crate::mutate::elements::Shape;
use crate::target::Target;
use crate::target::account::{Account, play};

/// Holds one end. An input is a program, see `Table::step`; its first step is of two bytes: which
/// of `start::ALL` it begins with, and switches.
pub const ASSOC: Target = Target {
    name: "sctp_assoc",
    about: "an SCTP association in each of its states against partner, forger and time: what counts for nothing \
            changes nothing, nothing is acknowledged that did not come",
    seeds: &["sctp-assoc"],
    dictionary: association::dictionary,
    mutate: association::mutate,
    body: |case| body(case, sound),
    situations: &[
        "in closed",
        "in closed, INIT answered",
        "in COOKIE-WAIT",
        "in COOKIE-WAIT, INITs crossed",
        "in COOKIE-ECHOED",
        "in ESTABLISHED",
        "in ESTABLISHED, data both ways",
        "in ESTABLISHED, interleaving",
        "in ESTABLISHED, reset asked for",
        "in ESTABLISHED, message given up",
        "in SHUTDOWN-PENDING",
        "in SHUTDOWN-SENT",
        "in SHUTDOWN-RECEIVED",
        "in SHUTDOWN-ACK-SENT",
        "INIT",
        "INIT refused",
        "INIT with a tag or in company",
        "INIT with tag zero",
        "malformed INIT",
        "INIT while shutting down",
        "SHUTDOWN ACK of the past",
        "cookie of nobody",
        "no chunk",
        "no packet",
        "out of the blue",
        "out of the blue, silently",
        "partial chunk",
        "wrong checksum",
        "wrong port",
        "wrong tag",
        "delivered",
        "restarted",
        "reset by the partner",
        "reset by us",
        "error told",
        "aborted by the partner",
        "shut down",
        "violation",
        "unreachable",
        "gap told",
        "duplicate told",
        "window shut",
        "TSN wrapped",
        "sent again",
        "given up",
        "heartbeat answered",
        "unknown reported",
        "stale cookie",
    ],
    plants: plants::ALL,
};

/// Steps of a program; the rest is not run.
const MOST: usize = 48;

pub(super) fn body(case: &mut Case<'_>, edge: MakeEdge) -> Verdict {
    play(case, |input, account| simulate(input, edge, account))
}

fn simulate(input: &[u8], edge: MakeEdge, account: Account) -> Result<Account, Finding> {
    let (head, program) = input.split_at(input.len().min(2));
    let byte = |at: usize| head.get(at).copied().unwrap_or_default();
    let start = &start::ALL[usize::from(byte(0)) % start::ALL.len()];
    let mut table = Table::new(start, byte(1), edge, account);
    (start.reach)(&mut table)?;
    if table.ours.state() == start.state {
        table.account.reach(start.name);
    }
    table.account.see(&(start.name, table.ours.state() as u8));
    Shape::STEP.elements(program).take(MOST).try_for_each(|step| table.step(step))?;
    table.quiet()?;
    Ok(table.account)
}

impl Table {
    fn step(&mut self, step: &[u8]) -> Verdict {
        let Some((&[kind, _], argument)) = step.split_first_chunk() else { return Ok(()) };
        let byte = |at: usize| argument.get(at).copied().unwrap_or_default();
        let rest = argument.get(1..).unwrap_or_default();
        self.watch.known.tags = self.ours.tags();
        match kind % STEPS {
            RAW => {
                let packet = forge::packet(byte(0), rest, &self.watch.known);
                self.give(&packet, false)
            }
            1 => {
                let chunks = forge::chunks(rest, &self.watch.known);
                let packet = forge::packet(byte(0), &chunks, &self.watch.known);
                self.give(&packet, false)
            }
            2 => self.wire(byte(0), byte(1), byte(2)),
            3 => self.exchange(MS * 10 * u32::from(byte(0))),
            4 => {
                const SPANS: [u64; 8] = [1, 10, 200, 1000, 3000, 30_000, 61_000, 300_000];
                self.pass(Duration::from_millis(SPANS[usize::from(byte(0) & 7)]))
            }
            5 => self.application(byte(0), byte(1), byte(2)),
            _ => {
                self.to_us.clear();
                self.lose();
                Ok(())
            }
        }
    }

    /// What happens to the next packet of the partner, or of ours.
    fn wire(&mut self, how: u8, at: u8, bits: u8) -> Verdict {
        if how % 9 >= 7 {
            if how % 9 == 7 {
                return self.deliver_to_partner();
            }
            self.to_partner.pop_front();
            return Ok(());
        }
        let Some(mut packet) = self.to_us.pop_front() else { return Ok(()) };
        match how % 9 {
            0 => return self.give(&packet, true),
            1 => return Ok(()),
            2 => self.give(&packet, true)?,
            3 => {
                self.to_us.push_back(packet);
                return Ok(());
            }
            changed => {
                let at = usize::from(at) % packet.len();
                packet[at] ^= bits;
                if changed == 6 {
                    packet.truncate(at);
                }
                if changed != 5 {
                    set_checksum(&mut packet, Checksum::Crc32c);
                }
            }
        }
        let genuine = how % 9 < 4;
        self.give(&packet, genuine)
    }

    fn application(&mut self, what: u8, how: u8, length: u8) -> Verdict {
        let side = usize::from(what & 1);
        let stream = StreamId(u16::from(how & 3));
        match what >> 1 & 7 {
            4 => self.reset(side, stream),
            5 => self.shutdown(side),
            6 => {
                let now = self.now;
                self.side(side).abort(now, Cause::UserInitiatedAbort(vec![how]));
                self.drain(side)
            }
            7 => self.connect(side),
            _ => {
                let reliability = Reliability {
                    ordered: how & 4 == 0,
                    max_retransmits: (how & 0x18 == 8).then_some(u32::from(how >> 6)),
                    lifetime: (how & 0x18 == 16).then_some(MS * 100 * u32::from(how >> 6)),
                };
                self.send(side, stream, usize::from(length) * 16 + 2, reliability)
            }
        }
    }
}
