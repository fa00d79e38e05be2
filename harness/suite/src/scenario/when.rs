//! Points in time: `connected + 5s`, `reboot`.

use std::time::Duration;

use super::quantity::Time;

/// What a point in time counts from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anchor {
    /// The start of the run.
    Start,
    /// Both peers are connected for the first time.
    Connected,
    /// The first channel is open at both peers.
    Open,
    /// A named step was done.
    Step(String),
    /// Every message of a named `send` step has arrived.
    Delivered(String),
}

/// An anchor and an offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct When {
    /// What it counts from.
    pub anchor: Anchor,
    /// How much later.
    pub offset: Duration,
}

impl When {
    /// Reads `connected`, `open`, a step's name or `<name> delivered`, optionally with
    /// `+ <time>`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (anchor, offset) = match text.split_once('+') {
            Some((anchor, offset)) => (anchor.trim(), Time::parse(offset.trim())?.0),
            None => (text.trim(), Duration::ZERO),
        };
        let anchor = match anchor {
            "" => return Err("the point in time has no name before the `+`".to_owned()),
            "start" => Anchor::Start,
            "connected" => Anchor::Connected,
            "open" => Anchor::Open,
            step => match step.strip_suffix(" delivered") {
                Some(step) => Anchor::Delivered(step.trim_end().to_owned()),
                None => Anchor::Step(step.to_owned()),
            },
        };
        Ok(Self { anchor, offset })
    }

    /// A run time.
    #[must_use]
    pub fn at(time: Duration) -> Self {
        Self { anchor: Anchor::Start, offset: time }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anchors_and_offsets_are_read() {
        let when = When::parse("reboot + 40s").unwrap();
        assert_eq!(when.anchor, Anchor::Step("reboot".into()));
        assert_eq!(when.offset, Duration::from_secs(40));
        assert_eq!(When::parse("connected").unwrap().offset, Duration::ZERO);
        let when = When::parse("hello delivered + 2ms").unwrap();
        assert_eq!(when.anchor, Anchor::Delivered("hello".into()));
        assert!(When::parse("+ 5s").is_err());
        assert!(When::parse("connected + soon").is_err());
    }
}
