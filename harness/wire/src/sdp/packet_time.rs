//! `ptime` and `maxptime` (RFC 8866 §6.4, §6.5).

use std::fmt::{self, Write};
use std::time::Duration;

use super::cursor::{Cursor, Parse, from_str};
use super::fault::{Fault, Reason};
use super::print::{Print, display, number};

/// Media time in one packet: milliseconds, with up to six decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PacketTime(Duration);

impl PacketTime {
    /// Takes a time of up to 2^32 milliseconds.
    #[must_use]
    pub fn new(time: Duration) -> Option<Self> {
        (time.as_millis() <= u32::MAX.into()).then_some(Self(time))
    }

    /// The time.
    #[must_use]
    pub fn get(self) -> Duration {
        self.0
    }
}

const DECIMALS: usize = 6;

impl Parse for PacketTime {
    fn parse(cursor: &mut Cursor<'_, '_>) -> Result<Self, Fault> {
        let millis = cursor.u32("packet time")?;
        let mut time = Duration::from_millis(millis.into());
        if cursor.eat(b'.') {
            let start = cursor.at();
            let digits = cursor.run(|byte| byte.is_ascii_digit());
            if digits.is_empty() || digits.len() > DECIMALS {
                let reason = Reason::Length { what: "packet time's fraction", min: 1, max: 6 };
                return Err(cursor.fault_at(start, reason));
            }
            // A millisecond has as many nanoseconds as six decimals can count.
            let padded = digits.bytes().chain(std::iter::repeat(b'0')).take(DECIMALS);
            time += Duration::from_nanos(padded.fold(0, |sum, d| sum * 10 + u64::from(d - b'0')));
        }
        Ok(Self(time))
    }
}

impl Print for PacketTime {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result {
        number(out, u64::try_from(self.0.as_millis()).unwrap_or(u64::MAX))?;
        let nanos = self.0.subsec_nanos() % 1_000_000;
        if nanos == 0 {
            return Ok(());
        }
        out.write_char('.')?;
        out.write_str(format!("{nanos:06}").trim_end_matches('0'))
    }
}

display!(PacketTime);
from_str!(PacketTime);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_and_fractional_times_round_trip() {
        for text in ["20", "2.5", "0.000001", "4294967295"] {
            assert_eq!(text.parse::<PacketTime>().unwrap().to_string(), text);
        }
        for bad in ["4294967296", "1.", "1.0000001", "-1", ""] {
            assert!(bad.parse::<PacketTime>().is_err(), "{bad}");
        }
    }
}
