//! Numbers with a unit, as scenario files write them.

use std::fmt;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, de};

/// A span of time: `"20ms"`, `"1.5s"`, `"250us"`, `"2min"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(transparent)]
pub struct Time(
    #[schemars(with = "String", regex(pattern = r"^[0-9]+(\.[0-9]+)?(us|ms|s|min|h)$"))]
    pub  Duration,
);

/// A share of packets: `"5%"`, `"0.5%"`. Kept in parts per million.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(transparent)]
pub struct Share(#[schemars(with = "String", regex(pattern = r"^[0-9]+(\.[0-9]+)?%$"))] pub u32);

/// A rate of a link in bits per second: `"40Mbit/s"`, `"64kbit/s"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(transparent)]
pub struct BitRate(
    #[schemars(with = "String", regex(pattern = r"^[0-9]+(\.[0-9]+)?(k|M|G)?bit/s$"))] pub u64,
);

/// A rate of messages per second: `"50/s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(transparent)]
pub struct PerSecond(#[schemars(with = "String", regex(pattern = r"^[0-9]+/s$"))] pub u32);

impl Time {
    /// Reads a number and its unit.
    ///
    /// # Errors
    /// What is wrong with the text, with an example of a right one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let nanos_per_unit = match unit {
            "us" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "min" => 60e9,
            "h" => 3600e9,
            _ => return Err(format!("`{text}` is not a time; write it like `20ms` or `1.5s`")),
        };
        let value = decimal(number, text, "a time like `20ms`")?;
        let nanos = value * nanos_per_unit;
        // A year is far beyond any run and keeps the arithmetic of deadlines from overflowing.
        if nanos > 365.0 * 24.0 * 3600e9 {
            return Err(format!("`{text}` is longer than a year"));
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked above"
        )]
        Ok(Self(Duration::from_nanos(nanos.round() as u64)))
    }
}

impl Share {
    /// Reads a percentage.
    ///
    /// # Errors
    /// What is wrong with the text, with an example of a right one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some(number) = text.strip_suffix('%') else {
            return Err(format!("`{text}` is not a share; write it like `5%`"));
        };
        let value = decimal(number, text, "a share like `5%`")?;
        if value > 100.0 {
            return Err(format!("`{text}` is more than 100%"));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1e6")]
        Ok(Self((value * 10_000.0).round() as u32))
    }
}

impl BitRate {
    /// Reads a bit rate.
    ///
    /// # Errors
    /// What is wrong with the text, with an example of a right one.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (number, unit) = split(text);
        let scale = match unit {
            "bit/s" => 1.0,
            "kbit/s" => 1e3,
            "Mbit/s" => 1e6,
            "Gbit/s" => 1e9,
            _ => return Err(format!("`{text}` is not a rate; write it like `40Mbit/s`")),
        };
        let value = decimal(number, text, "a rate like `40Mbit/s`")?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        Ok(Self((value * scale).round() as u64))
    }
}

impl PerSecond {
    /// Reads a message rate.
    ///
    /// # Errors
    /// What is wrong with the text, with an example of a right one.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.strip_suffix("/s").map(str::parse) {
            Some(Ok(0)) | None | Some(Err(_)) => {
                Err(format!("`{text}` is not a message rate; write it like `50/s`"))
            }
            Some(Ok(rate)) => Ok(Self(rate)),
        }
    }
}

fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    (&text[..end], text[end..].trim_start())
}

fn decimal(number: &str, text: &str, wanted: &str) -> Result<f64, String> {
    number
        .parse::<f64>()
        .ok()
        .filter(|value| value.is_finite())
        .ok_or_else(|| format!("`{text}` is not {wanted}"))
}

macro_rules! from_text {
    ($($quantity:ty, $wanted:literal;)*) => {$(
        impl<'de> Deserialize<'de> for $quantity {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl de::Visitor<'_> for Text {
                    type Value = $quantity;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($wanted)
                    }
                    fn visit_str<E: de::Error>(self, text: &str) -> Result<$quantity, E> {
                        <$quantity>::parse(text).map_err(E::custom)
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }
    )*};
}

from_text! {
    Time, "a time with its unit, like \"20ms\"";
    Share, "a share in percent, like \"5%\"";
    BitRate, "a bit rate, like \"40Mbit/s\"";
    PerSecond, "a message rate, like \"50/s\"";
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0.as_nanos();
        match nanos {
            n if n % 1_000_000_000 == 0 => write!(f, "{}s", n / 1_000_000_000),
            n if n % 1_000_000 == 0 => write!(f, "{}ms", n / 1_000_000),
            n if n % 1_000 == 0 => write!(f, "{}us", n / 1_000),
            n => write!(f, "{n}ns"),
        }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 10_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_with_every_unit() {
        let read = |text| Time::parse(text).unwrap().0;
        assert_eq!(read("20ms"), Duration::from_millis(20));
        assert_eq!(read("1.5s"), Duration::from_millis(1500));
        assert_eq!(read("2min"), Duration::from_secs(120));
        assert_eq!(read("250 us"), Duration::from_micros(250));
    }

    #[test]
    fn a_time_without_unit_or_beyond_a_year_is_refused_with_an_example() {
        assert!(Time::parse("20").unwrap_err().contains("20ms"));
        assert!(Time::parse("ms").is_err());
        assert!(Time::parse("1e9s").is_err());
        assert!(Time::parse("99999h").unwrap_err().contains("year"));
    }

    #[test]
    fn shares_are_parts_per_million() {
        assert_eq!(Share::parse("0.5%").unwrap(), Share(5_000));
        assert_eq!(Share::parse("100%").unwrap(), Share(1_000_000));
        assert!(Share::parse("101%").is_err());
        assert!(Share::parse("0.5").is_err());
    }

    #[test]
    fn rates_are_read() {
        assert_eq!(BitRate::parse("40Mbit/s").unwrap(), BitRate(40_000_000));
        assert_eq!(PerSecond::parse("50/s").unwrap(), PerSecond(50));
        assert!(PerSecond::parse("0/s").is_err());
        assert!(BitRate::parse("40MB/s").is_err());
    }
}
