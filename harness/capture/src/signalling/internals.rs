//! Dumps of Chromium's `chrome://webrtc-internals`.
//!
//! `PeerConnections` maps a name to an object whose `updateLog` lists calls and events as
//! `{time, type, value}`, later `{timestamp, type, value}`. The value is text: `type: offer, sdp: …`
//! and `sdpMid: 0, sdpMLineIndex: 0, candidate: …` of old, JSON in newer ones.

use rtcspec_trace::SignalBody;
use serde_json::{Map, Value};

use super::dialogue::{Dialogue, Told};

/// Reads a dump; `None` if it is none.
pub(super) fn dialogues(name: &str, dump: &Value) -> Option<Vec<Dialogue>> {
    let connections = dump.get("PeerConnections")?.as_object()?;
    let dialogue = |(id, connection): (&String, &Value)| {
        let log = connection.get("updateLog").and_then(Value::as_array)?;
        Dialogue::of(format!("{name}#{id}"), log.iter().filter_map(told).collect())
    };
    Some(connections.iter().filter_map(dialogue).collect())
}

fn told(entry: &Value) -> Option<Told> {
    let value = entry.get("value")?;
    // A clock in words (`time`) depends on the browser's language: left alone.
    let at = entry.get("timestamp").and_then(Value::as_f64).unwrap_or_default();
    match entry.get("type")?.as_str()? {
        "setLocalDescription" | "setLocalDescriptionOnSuccess" => description(true, at, value),
        "setRemoteDescription" => description(false, at, value),
        "icecandidate" | "onIceCandidate" => candidate(true, at, value),
        "addIceCandidate" => candidate(false, at, value),
        _ => None,
    }
}

/// A value as an object, which may be written as text.
fn object(value: &Value) -> Option<Map<String, Value>> {
    match value {
        Value::Object(object) => Some(object.clone()),
        Value::String(text) if text.starts_with('{') => serde_json::from_str(text).ok(),
        _ => None,
    }
}

fn description(local: bool, at: f64, value: &Value) -> Option<Told> {
    if let Some(object) = object(value) {
        let (kind, sdp) = (object.get("type")?.as_str()?, object.get("sdp")?.as_str()?);
        return Some(Told::description(local, at, kind, sdp));
    }
    let (kind, sdp) = value.as_str()?.strip_prefix("type: ")?.split_once(", sdp: ")?;
    Some(Told::description(local, at, kind, sdp))
}

fn candidate(local: bool, at: f64, value: &Value) -> Option<Told> {
    let body = match object(value) {
        Some(object) => from_object(&object)?,
        None => from_words(value.as_str()?)?,
    };
    Some(Told { local, at, body })
}

/// Reads an `RTCIceCandidateInit` (W3C WebRTC §4.8.1.1).
pub(super) fn from_object(object: &Map<String, Value>) -> Option<SignalBody> {
    let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
    let ufrag = text("usernameFragment");
    Some(SignalBody::Candidate { candidate: text("candidate")?, mid: text("sdpMid"), ufrag })
}

fn from_words(text: &str) -> Option<SignalBody> {
    let (head, candidate) = text.split_once("candidate: ")?;
    // What follows the candidate is the server's address and more, after a comma.
    let candidate = candidate.split_once(", ").map_or(candidate, |(candidate, _)| candidate);
    let mid = head.strip_prefix("sdpMid: ").and_then(|rest| rest.split_once(", "));
    let mid = mid.map(|(mid, _)| mid.to_owned());
    Some(SignalBody::Candidate { candidate: candidate.trim().to_owned(), mid, ufrag: None })
}
