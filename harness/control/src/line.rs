//! What a peer says, as lines of JSON.
//!
//! A reply has exactly one outcome: `{"id":7,"ok":{…}}`, `{"id":7,"err":{"name":…,"message":…}}` or
//! `{"id":7,"unsupported":"…"}`. What `ok` carries depends on the command ([`Answer`]); members
//! nobody knows are ignored. An event is `{"ev":"candidate",…}`.

use serde_json::{Map, Value, json};

use crate::command::{Answer, Reply, ReplyBody, RequestId};
use crate::endpoint::Message;

/// Bytes of a line at most: a message of several megabytes fits.
pub const MAX_LENGTH: usize = 16 << 20;

/// Why a line is no message of a peer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It is no JSON object: a log line on standard output, most likely.
    #[error("no JSON object: {reason}")]
    NoObject {
        /// What the JSON reader says.
        reason: String,
    },
    /// It has neither `ev` nor `id`.
    #[error("neither `ev` nor a number as `id`")]
    NeitherEventNorReply,
    /// It answers a request that is not open.
    #[error("request {id} is not open: never made, or answered before")]
    NotAsked {
        /// The number it gives.
        id: RequestId,
    },
    /// It has none of `ok`, `err` and `unsupported`, or more than one.
    #[error("reply {id}: exactly one of `ok`, `err` and `unsupported` is needed")]
    Outcome {
        /// Its request.
        id: RequestId,
    },
    /// A member is missing or of the wrong type.
    #[error("{place}: {reason}")]
    Member {
        /// `ok of 7`, `event candidate`.
        place: String,
        /// What the JSON reader says.
        reason: String,
    },
}

/// Writes a message as one line, without its end.
#[must_use]
pub fn write(message: &Message) -> String {
    let value = match message {
        Message::Reply(Reply { id, body }) => match body {
            ReplyBody::Done {} => json!({"id": id, "ok": {}}),
            ReplyBody::Hello(hello) => json!({"id": id, "ok": hello}),
            ReplyBody::Sdp(sdp) => json!({"id": id, "ok": {"sdp": sdp}}),
            ReplyBody::State(state) => json!({"id": id, "ok": state}),
            ReplyBody::Error { name, message } => {
                json!({"id": id, "err": {"name": name, "message": message}})
            }
            ReplyBody::Unsupported(what) => json!({"id": id, "unsupported": what}),
        },
        Message::Event(event) => json!(event),
    };
    value.to_string()
}

/// Reads a line; `asked` says what the `ok` of an open request carries.
///
/// # Errors
/// [`LineError`] with the place in the line.
pub fn read(
    line: &str,
    asked: impl FnOnce(RequestId) -> Option<Answer>,
) -> Result<Message, LineError> {
    let value: Value = serde_json::from_str(line)
        .map_err(|error| LineError::NoObject { reason: error.to_string() })?;
    let Value::Object(members) = value else {
        return Err(LineError::NoObject { reason: "another JSON value".to_owned() });
    };
    if let Some(word) = members.get("ev") {
        let place = format!("event {word}");
        let event = serde_json::from_value(Value::Object(members));
        return event
            .map(Message::Event)
            .map_err(|error| LineError::Member { place, reason: error.to_string() });
    }
    let id = members.get("id").and_then(Value::as_u64).ok_or(LineError::NeitherEventNorReply)?;
    let answer = asked(id).ok_or(LineError::NotAsked { id })?;
    Ok(Message::Reply(Reply { id, body: outcome(id, members, answer)? }))
}

fn outcome(
    id: RequestId,
    mut members: Map<String, Value>,
    answer: Answer,
) -> Result<ReplyBody, LineError> {
    let outcomes = [members.remove("ok"), members.remove("err"), members.remove("unsupported")];
    match outcomes {
        [Some(ok), None, None] => done(ok, answer).map_err(|reason| wrong("ok", id, reason)),
        [None, Some(error), None] => {
            let text = |name| error.get(name).and_then(Value::as_str).map(str::to_owned);
            let name = text("name");
            let name = name.ok_or_else(|| wrong("err", id, "`name` is no text".to_owned()))?;
            Ok(ReplyBody::Error { name, message: text("message").unwrap_or_default() })
        }
        [None, None, Some(Value::String(what))] => Ok(ReplyBody::Unsupported(what)),
        [None, None, Some(_)] => Err(wrong("unsupported", id, "it is no text".to_owned())),
        _ => Err(LineError::Outcome { id }),
    }
}

fn done(ok: Value, answer: Answer) -> Result<ReplyBody, String> {
    let words = |error: serde_json::Error| error.to_string();
    match answer {
        Answer::Done => Ok(ReplyBody::Done {}),
        Answer::Hello => serde_json::from_value(ok).map(ReplyBody::Hello).map_err(words),
        Answer::State => serde_json::from_value(ok).map(ReplyBody::State).map_err(words),
        Answer::Sdp => match ok.get("sdp") {
            Some(Value::String(sdp)) => Ok(ReplyBody::Sdp(sdp.clone())),
            _ => Err("`sdp` is no text".to_owned()),
        },
    }
}

fn wrong(member: &str, id: RequestId, reason: String) -> LineError {
    LineError::Member { place: format!("{member} of reply {id}"), reason }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::capability::{Feature, Hello, Limits};
    use crate::command::{Payload, StateReport};
    use crate::event::Event;

    fn hello() -> Hello {
        Hello {
            adapter: 1,
            implementation: "x".into(),
            version: "1".into(),
            commit: None,
            features: [Feature::Trickle, Feature::PrSctp].into(),
            limits: Limits::default(),
        }
    }

    #[test]
    fn every_outcome_survives_its_line() {
        let state = StateReport { connection: "connected".into(), ..StateReport::default() };
        let error = ReplyBody::Error { name: "TypeError".into(), message: "m".into() };
        for (body, answer) in [
            (ReplyBody::Done {}, Answer::Done),
            (ReplyBody::Hello(hello()), Answer::Hello),
            (ReplyBody::Sdp("v=0\r\n".into()), Answer::Sdp),
            (ReplyBody::State(state), Answer::State),
            (error, Answer::Sdp),
            (ReplyBody::Unsupported("restart".into()), Answer::Hello),
        ] {
            let message = Message::Reply(Reply { id: 9, body });
            let line = write(&message);
            assert_eq!(read(&line, |id| (id == 9).then_some(answer)), Ok(message), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_line_is_said_with_its_place() {
        let told = |line: &str, answer| {
            read(line, |id| (id == 7).then_some(answer)).unwrap_err().to_string()
        };
        for (line, answer, words) in [
            ("starting…", Answer::Done, "no JSON object"),
            ("[1]", Answer::Done, "no JSON object: another JSON value"),
            ("{}", Answer::Done, "neither `ev` nor a number as `id`"),
            (r#"{"id":8,"ok":{}}"#, Answer::Done, "request 8 is not open"),
            (r#"{"id":7}"#, Answer::Done, "exactly one of"),
            (r#"{"id":7,"ok":{},"unsupported":"x"}"#, Answer::Done, "exactly one of"),
            (r#"{"id":7,"ok":{}}"#, Answer::Sdp, "ok of reply 7: `sdp` is no text"),
            (r#"{"id":7,"ok":{"adapter":1}}"#, Answer::Hello, "ok of reply 7: missing field"),
            (r#"{"id":7,"err":{}}"#, Answer::Done, "err of reply 7: `name` is no text"),
            (r#"{"ev":"message"}"#, Answer::Done, "event \"message\": missing field `dc`"),
            (r#"{"ev":"party"}"#, Answer::Done, "event \"party\": unknown variant"),
        ] {
            assert!(told(line, answer).contains(words), "{line}: {}", told(line, answer));
        }
    }

    proptest! {
        #[test]
        fn events_survive_their_line(bytes: Vec<u8>, text: String, dc: String) {
            for payload in [Payload::Binary(bytes), Payload::Text(text)] {
                let message = Message::Event(Event::Message { dc: dc.clone(), payload });
                let line = write(&message);
                prop_assert!(!line.contains('\n'));
                prop_assert_eq!(read(&line, |_| None), Ok(message));
            }
        }

        #[test]
        fn no_line_panics(line in ".{0,80}") {
            let _ = read(&line, |_| Some(Answer::State));
        }
    }
}
