//! `ice_agent_pair`: two agents on a ground that the input lays out, virtual time.

use std::time::Duration;

use super::fault::{MakeEdge, sound};
use super::ground::Plan;
use super::plants;
use super::table::{SECOND, Table};
use crate::case::Case;
use crate::finding::{Finding, Verdict};
use crate::mutate::{self, elements::Shape};
use crate::target::Target;
use crate::target::account::{Account, play};

/// Holds two agents. An input is a program, see `Table::step`, after four bytes: the NAT of
/// each side, servers, switches.
pub const PAIR: Target = Target {
    name: "ice_agent_pair",
    about: "two ICE agents over NATs the input lays out, with strangers and silence: one pair or none, and only by \
            who knows the password",
    seeds: &["ice-agent-pair"],
    dictionary: || (0..STEPS).map(|step| vec![step]).collect(),
    mutate: mutate::program,
    body: |case| body(case, sound),
    situations: &[
        "connected directly",
        "connected by relay",
        "through two NATs",
        "multihomed",
        "peer-reflexive",
        "both failed",
        "role switched",
        "role conflict refused",
        "conflict settled",
        "restarted",
        "lost",
        "connected in spite of loss",
        "late description",
        "candidate lost",
        "candidate garbled",
        "data both ways",
        "disconnected",
        "consent expired",
        "mappings lost",
        "stranger refused",
        "stranger ignored",
        "repeated by a stranger",
    ],
    plants: plants::ALL,
};

/// Kinds of steps.
const STEPS: u8 = 9;
/// Steps of a program; the rest is not run.
const MOST: usize = 32;
/// Time that a program may pass.
const LONGEST: Duration = Duration::from_secs(300);

pub(super) fn body(case: &mut Case<'_>, edge: MakeEdge) -> Verdict {
    play(case, |input, account| simulate(input, edge, account))
}

fn simulate(input: &[u8], edge: MakeEdge, account: Account) -> Result<Account, Finding> {
    let (head, program) = input.split_at(input.len().min(4));
    let byte = |at: usize| head.get(at).copied().unwrap_or_default();
    let plan = Plan { nats: [byte(0), byte(1)], servers: byte(2) };
    let mut table = Table::new(plan, byte(3), edge, account)?;
    if byte(3) & 8 != 0 {
        table.account.reach("late description");
    }
    Shape::STEP.elements(program).take(MOST).try_for_each(|step| table.step(step))?;
    table.settle()?;
    Ok(table.account)
}

impl Table {
    fn step(&mut self, step: &[u8]) -> Verdict {
        let Some((&[kind, _], argument)) = step.split_first_chunk() else { return Ok(()) };
        let byte = |at: usize| argument.get(at).copied().unwrap_or_default();
        let side = usize::from(byte(0) & 1);
        let states = [0, 1].map(|side| self.sides[side].agent.state());
        self.account.see(&(kind % STEPS, byte(0) >> 1 & 7, states));
        match kind % STEPS {
            0 => self.pass(Duration::from_millis(20) * u32::from(byte(0))),
            1 => {
                self.fates = argument.iter().copied().take(16).collect();
                Ok(())
            }
            2 => self.signalling(side, byte(0) >> 1, byte(1)),
            3 => self.stranger(side, byte(0) >> 1, byte(1), byte(2)),
            4 => self.restart(side, byte(0) & 2 != 0),
            5 => {
                let span = SECOND * [3, 12, 20, 33, 60][usize::from(byte(0)) % 5];
                if self.now + span > LONGEST { Ok(()) } else { self.silence(span) }
            }
            6 => self.send(side),
            7 => self.expire(side),
            _ => self.introduce(side),
        }
    }

    fn pass(&mut self, duration: Duration) -> Verdict {
        if self.now + duration > LONGEST { Ok(()) } else { self.run(duration) }
    }

    /// What happens to the next candidate for a side, where candidates wait.
    fn signalling(&mut self, side: usize, how: u8, bits: u8) -> Verdict {
        let signals = &mut self.sides[side].signals;
        match how % 6 {
            1 => {
                if signals.pop_front().is_some_and(|signal| signal.candidate.is_some()) {
                    self.meddled = true;
                    self.account.reach("candidate lost");
                }
                return Ok(());
            }
            2 => {
                if signals.len() > 1 {
                    signals.rotate_left(1);
                }
                return Ok(());
            }
            3 => {
                if let Some(candidate) =
                    signals.front_mut().and_then(|signal| signal.candidate.as_mut())
                {
                    candidate.address.set_port(candidate.address.port() ^ u16::from(bits) ^ 1);
                    self.meddled = true;
                    self.account.reach("candidate garbled");
                }
            }
            4 => {
                if let Some(candidate) =
                    signals.front_mut().and_then(|signal| signal.candidate.as_mut())
                {
                    candidate.priority ^= u32::from(bits) << 24 | 1;
                    candidate.foundation.push('x');
                }
            }
            5 => {
                if let Some(signal) = signals.front().cloned() {
                    signals.push_front(signal);
                }
            }
            _ => {}
        }
        self.signal(side)
    }
}
