//! Messages that survive a connection.
//!
//! Each side numbers what it says from 1, keeps it until the other side has said that it saw it, and
//! says it again over the next connection. What was seen before is passed over, so that nothing is
//! lost and nothing comes twice. `PEERCTL.md` §8 has the frames.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Most messages, and bytes of them, that may wait to be seen by the other side.
const MOST: usize = 8192;
const MOST_BYTES: usize = 64 << 20;

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The adapter or the harness: a line of peerctl/1.
    Peerctl,
    /// The page around the adapter, or the server that shows it.
    Page,
}

/// A frame, whoever sends it.
#[derive(Debug, Default, Deserialize, Serialize)]
struct Frame {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    n: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    peerctl: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    page: Option<Value>,
}

/// Why a connection cannot go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A frame is not one.
    #[error("read a frame: {0}")]
    Frame(String),
    /// A message between the last one seen and this one is missing.
    #[error("take message {got}: {wanted} has not come")]
    Gap {
        /// The next one.
        wanted: u64,
        /// What came.
        got: u64,
    },
    /// The other side has seen what was never said.
    #[error("take that {seen} was seen: only {said} were said")]
    NeverSaid {
        /// What it says it saw.
        seen: u64,
        /// What was said.
        said: u64,
    },
    /// The other side does not say what it saw any more.
    #[error("keep more than {MOST} messages or {} MiB that nobody has seen", MOST_BYTES >> 20)]
    Full,
}

/// One side of a session.
#[derive(Debug, Default)]
pub struct Session {
    said: u64,
    seen: u64,
    kept: VecDeque<(u64, String)>,
    kept_bytes: usize,
}

impl Session {
    /// Says something: it is kept until it was seen.
    ///
    /// # Errors
    /// [`Fault::Full`] if too much waits already.
    pub fn say(&mut self, kind: Kind, body: Value) -> Result<(), Fault> {
        let n = Some(self.said + 1);
        let frame = match kind {
            Kind::Peerctl => Frame { n, peerctl: Some(body), ..Frame::default() },
            Kind::Page => Frame { n, page: Some(body), ..Frame::default() },
        };
        let text = text(&frame);
        if self.kept.len() >= MOST || self.kept_bytes + text.len() > MOST_BYTES {
            return Err(Fault::Full);
        }
        self.said += 1;
        self.kept_bytes += text.len();
        self.kept.push_back((self.said, text));
        Ok(())
    }

    /// Takes a frame; gives the message in it, if it is a new one.
    ///
    /// # Errors
    /// [`Fault`] if the frame is none, or cannot follow.
    pub fn hear(&mut self, frame: &str) -> Result<Option<(Kind, Value)>, Fault> {
        let frame: Frame =
            serde_json::from_str(frame).map_err(|error| Fault::Frame(error.to_string()))?;
        if let Some(seen) = frame.seen {
            self.was_seen(seen)?;
        }
        let Some(got) = frame.n else { return Ok(None) };
        let wanted = self.seen + 1;
        if got < wanted {
            return Ok(None);
        }
        if got > wanted {
            return Err(Fault::Gap { wanted, got });
        }
        self.seen = got;
        // A message of a kind that nobody here knows was seen all the same.
        let peerctl = frame.peerctl.map(|body| (Kind::Peerctl, body));
        Ok(peerctl.or(frame.page.map(|body| (Kind::Page, body))))
    }

    /// The other side has seen everything up to this number.
    ///
    /// # Errors
    /// [`Fault::NeverSaid`] if there was no such message.
    pub fn was_seen(&mut self, seen: u64) -> Result<(), Fault> {
        if seen > self.said {
            return Err(Fault::NeverSaid { seen, said: self.said });
        }
        while let Some((number, text)) = self.kept.front()
            && *number <= seen
        {
            self.kept_bytes -= text.len();
            self.kept.pop_front();
        }
        Ok(())
    }

    /// Messages after this number, to be sent over a connection.
    pub fn after(&self, number: u64) -> impl Iterator<Item = (u64, &str)> {
        let kept = self.kept.iter().filter(move |(kept, _)| *kept > number);
        kept.map(|(number, text)| (*number, text.as_str()))
    }

    /// The last message that was seen here.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// The frame that tells what was seen here; it also shows that the connection lives.
    #[must_use]
    pub fn acknowledgement(&self) -> String {
        text(&Frame { seen: Some(self.seen), ..Frame::default() })
    }
}

fn text(frame: &Frame) -> String {
    serde_json::to_string(frame).expect("invariant: a frame has nothing that JSON cannot say")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn numbers(session: &Session, after: u64) -> Vec<u64> {
        session.after(after).map(|(number, _)| number).collect()
    }

    #[test]
    fn what_was_not_seen_is_said_again_and_nothing_is_taken_twice() {
        let (mut here, mut there) = (Session::default(), Session::default());
        for number in 1..=3 {
            here.say(Kind::Peerctl, json!({"id": number})).unwrap();
        }
        let frames: Vec<String> = here.after(0).map(|(_, text)| text.to_owned()).collect();
        // The connection is cut after two of them; the acknowledgement of the second is lost too.
        assert_eq!(there.hear(&frames[0]).unwrap(), Some((Kind::Peerctl, json!({"id": 1}))));
        here.hear(&there.acknowledgement()).unwrap();
        assert!(there.hear(&frames[1]).unwrap().is_some());
        assert_eq!(numbers(&here, 0), [2, 3]);
        // On the next one the other side first says what it saw.
        here.was_seen(there.seen()).unwrap();
        assert_eq!(numbers(&here, 0), [3]);
        assert_eq!(there.hear(&frames[1]).unwrap(), None);
        assert!(there.hear(&frames[2]).unwrap().is_some());
        here.hear(&there.acknowledgement()).unwrap();
        assert_eq!((numbers(&here, 0), here.kept_bytes), (vec![], 0));
    }

    #[test]
    fn kinds_are_kept_apart_and_unknown_ones_are_seen() {
        let mut here = Session::default();
        let page = here.hear(r#"{"n":1,"page":{"begin":"x"}}"#).unwrap();
        assert_eq!(page, Some((Kind::Page, json!({"begin": "x"}))));
        assert_eq!(here.hear(r#"{"n":2,"later":{}}"#).unwrap(), None);
        assert_eq!(here.seen(), 2);
    }

    #[test]
    fn what_cannot_follow_is_refused() {
        let mut here = Session::default();
        assert!(matches!(here.hear("hello"), Err(Fault::Frame(_))));
        let gap = here.hear(r#"{"n":3,"peerctl":{}}"#).unwrap_err();
        assert_eq!(gap, Fault::Gap { wanted: 1, got: 3 });
        let never = here.hear(r#"{"seen":1}"#).unwrap_err();
        assert_eq!(never, Fault::NeverSaid { seen: 1, said: 0 });
    }

    #[test]
    fn what_nobody_sees_is_not_kept_without_end() {
        let mut here = Session::default();
        let long = "x".repeat(MOST_BYTES / 4);
        for _ in 0..3 {
            here.say(Kind::Page, json!(long)).unwrap();
        }
        assert_eq!(here.say(Kind::Page, json!(long)).unwrap_err(), Fault::Full);
    }
}
