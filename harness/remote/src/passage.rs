//! Many runs over one conversation.
//!
//! A process is started anew for each run; a browser page is not. Each run therefore has handles and
//! numbers of its own: what a connection of an earlier run still says is not taken for something of
//! this one.

use rtcspec_control::RequestId;
use serde_json::Value;

/// Handles and numbers of one run.
#[derive(Debug)]
pub(crate) struct Passage {
    prefix: String,
    base: RequestId,
}

/// Most requests of one run.
const MOST: RequestId = 1 << 20;

impl Passage {
    /// Those of the run with this number.
    pub(crate) fn new(run: u64) -> Self {
        Self { prefix: format!("{run}."), base: run * MOST }
    }

    /// A request of the run, as the peer is given it.
    pub(crate) fn out(&self, line: &str) -> String {
        let Ok(Value::Object(mut members)) = serde_json::from_str(line) else {
            return line.to_owned();
        };
        if let Some(id) = members.get("id").and_then(Value::as_u64) {
            members.insert("id".to_owned(), (id + self.base).into());
        }
        for handle in ["pc", "dc"] {
            if let Some(Value::String(name)) = members.get_mut(handle) {
                name.insert_str(0, &self.prefix);
            }
        }
        Value::Object(members).to_string()
    }

    /// What the peer said, as the run is told it; none if it belongs to another run. What is no
    /// object is the run's to pass over.
    pub(crate) fn inward(&self, line: &str) -> Option<String> {
        let Ok(Value::Object(mut members)) = serde_json::from_str(line) else {
            return Some(line.to_owned());
        };
        if let Some(id) = members.get("id").and_then(Value::as_u64)
            && id != 0
        {
            let own = id.checked_sub(self.base).filter(|id| *id < MOST)?;
            members.insert("id".to_owned(), own.into());
        }
        for handle in ["pc", "dc", "on"] {
            if let Some(Value::String(name)) = members.get_mut(handle)
                && !name.is_empty()
            {
                *name = name.strip_prefix(&self.prefix)?.to_owned();
            }
        }
        Some(Value::Object(members).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_hears_its_own_answers_and_events_only() {
        let (old, new) = (Passage::new(1), Passage::new(2));
        let asked = new.out(r#"{"id":7,"op":"send","dc":"bob/1","text":"pc"}"#);
        assert_eq!(asked, r#"{"id":2097159,"op":"send","dc":"2.bob/1","text":"pc"}"#);
        let answer = r#"{"id":2097159,"ok":{}}"#;
        assert_eq!(new.inward(answer).as_deref(), Some(r#"{"id":7,"ok":{}}"#));
        assert_eq!(old.inward(answer), None);
        let event = r#"{"ev":"closed","dc":"2.bob/r1"}"#;
        assert_eq!(new.inward(event).as_deref(), Some(r#"{"ev":"closed","dc":"bob/r1"}"#));
        assert_eq!(old.inward(event), None);
    }

    #[test]
    fn what_belongs_to_nobody_is_for_everybody() {
        let run = Passage::new(3);
        for line in [r#"{"ev":"log","text":"x"}"#, r#"{"ev":"error","on":"","name":"x"}"#, "oops"] {
            assert_eq!(run.inward(line).as_deref(), Some(line));
        }
    }
}
