//! What a replay came to, verdict first.

use std::fmt;

use super::compare::{Parting, tally};
use super::{Replay, Replayed};

/// Differences that are shown.
const SHOWN: usize = 40;

/// A replay, told.
#[derive(Debug)]
pub struct Report<'a> {
    /// What was played.
    pub replay: &'a Replay,
    /// What came of it.
    pub replayed: &'a Replayed,
}

impl Replayed {
    /// The verdict in a line.
    #[must_use]
    pub fn verdict(&self, replay: &Replay) -> String {
        let parts = self.partings.first().map(|first| format!("parts at {}", place(first)));
        let comma = |parts: Option<String>| parts.map_or_else(String::new, |p| format!(", {p}"));
        match &self.short {
            Some(short) => format!("falls short: {short}{}", comma(parts)),
            None if replay.reach.lacks(&self.reach).is_some() => {
                format!("goes further than the capture{}", comma(parts))
            }
            None => match parts {
                None => "same behaviour".to_owned(),
                Some(parts) => format!("reaches the same, {parts}"),
            },
        }
    }
}

/// `` `sctp` line 31: B>A INIT-ACK … is missing ``.
fn place(parting: &Parting) -> String {
    let words = if parting.missing { "the capture has" } else { "the replay has" };
    format!("`{}` line {}: only {words} {}", parting.section, parting.number, parting.line)
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { replay, replayed } = self;
        writeln!(f, "{}", replayed.verdict(replay))?;
        writeln!(f, "  capture  {}", replay.reach)?;
        writeln!(f, "  replay   {}  ({})", replayed.reach, replayed.played.peers.join(", "))?;
        if replay.connections > 1 {
            writeln!(f, "  of {} connections, the fullest", replay.connections)?;
        }
        if replay.reach.unread > 0 && !replay.reach.associated {
            writeln!(
                f,
                "  no keys: {} records could not be opened; signalling, ICE and DTLS alone are \
                 replayed",
                replay.reach.unread
            )?;
        }
        for note in &replay.notes {
            writeln!(f, "  left out: {note}")?;
        }
        if replayed.short.is_some() {
            for finding in replayed.played.findings.iter().filter(|f| !f.verdict.is_fine()) {
                writeln!(
                    f,
                    "  {} {}: expected {}, got {}",
                    finding.verdict, finding.requirement, finding.expected, finding.actual
                )?;
            }
        }
        if replayed.partings.is_empty() {
            return Ok(());
        }
        let counts: Vec<String> = tally(&replayed.partings)
            .into_iter()
            .map(|(section, count)| format!("{count} in {section}"))
            .collect();
        writeln!(
            f,
            "lines that only the capture (-) or the replay (+) has: {}",
            counts.join(", ")
        )?;
        for parting in replayed.partings.iter().take(SHOWN) {
            let sign = if parting.missing { '-' } else { '+' };
            writeln!(f, "{sign} {:>4} {:<9} {}", parting.number, parting.section, parting.line)?;
        }
        if let Some(more) = replayed.partings.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            writeln!(f, "  … and {more} more")?;
        }
        Ok(())
    }
}
