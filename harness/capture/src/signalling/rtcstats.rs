//! rtcstats files, version 3: `RTCStatsDump`, a line of metadata, then a JSON array on each line:
//! method, connection, value, more, and the milliseconds since the line before.
//!
//! Methods may be numbers of a fixed table, and sections of SDP that did not change since the last
//! description of that kind are a bare `v=` or `m=`.

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_trace::{Party, Signal, SignalBody};
use serde_json::{Value, json};

use super::dialogue::{Dialogue, Told};
use super::internals::from_object;

/// The first line.
pub(super) const HEAD: &str = "RTCStatsDump";

/// Reads a file. Lines that are no events are passed over, as the format's own reader does.
pub(super) fn dialogues(name: &str, text: &str) -> Vec<Dialogue> {
    let mut connections: BTreeMap<String, Connection> = BTreeMap::new();
    let mut now = 0.0;
    for line in text.lines().skip(2) {
        let Ok(Value::Array(event)) = serde_json::from_str::<Value>(line) else { continue };
        let [method, id, value, .., after] = event.as_slice() else { continue };
        now += after.as_f64().unwrap_or_default();
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        connections.entry(id).or_default().event(&method_name(method), value, now);
    }
    let dialogue = |(id, connection): (String, Connection)| {
        Dialogue::of(format!("{name}#{id}"), connection.told)
    };
    connections.into_iter().filter_map(dialogue).collect()
}

/// Writes what two peers told each other as A's log; times count from `epoch` after 1970.
#[must_use]
pub fn rtcstats(signals: &[Signal], epoch: Duration) -> String {
    written(&[(signals, epoch)])
}

/// Writes the logs of several connections, one after the other.
pub(crate) fn written(connections: &[(&[Signal], Duration)]) -> String {
    let mut text = format!("{HEAD}\n{}\n", json!({ "fileFormat": 3 }));
    let mut before = 0.0;
    for (number, (signals, epoch)) in (1..).zip(connections) {
        // As many digits as keep them in order.
        let id = format!("{number:0>width$}", width = connections.len().to_string().len());
        for signal in *signals {
            let (method, value) = event(signal);
            let at = (*epoch + signal.sent).as_micros() as f64 / 1000.0;
            text.push_str(&json!([method, id, value, at - before]).to_string());
            text.push('\n');
            before = at;
        }
    }
    text
}

/// Method and value.
fn event(signal: &Signal) -> (&'static str, Value) {
    let local = signal.from == Party::A;
    match &signal.body {
        SignalBody::Description { kind, sdp } => {
            let method = if local { "setLocalDescription" } else { "setRemoteDescription" };
            (method, json!({ "type": kind, "sdp": sdp }))
        }
        SignalBody::Candidate { candidate, mid, ufrag } => {
            let method = if local { "onicecandidate" } else { "addIceCandidate" };
            (method, json!({ "candidate": candidate, "sdpMid": mid, "usernameFragment": ufrag }))
        }
    }
}

#[derive(Debug, Default)]
struct Connection {
    told: Vec<Told>,
    local: Option<(String, String)>,
    remote: Option<(String, String)>,
    created: Option<(String, String)>,
}

impl Connection {
    fn event(&mut self, method: &str, value: &Value, now: f64) {
        match method {
            "createOfferOnSuccess" | "createAnswerOnSuccess" => {
                let base = self.local.as_ref();
                self.created = expand(base, value).or(self.created.take());
            }
            "setLocalDescription" | "setLocalDescriptionOnSuccess" => {
                let base = self.local.as_ref().or(self.created.as_ref());
                if let Some(description) = expand(base, value) {
                    self.describe(true, now, &description);
                    self.local = Some(description);
                }
            }
            "setRemoteDescription" => {
                if let Some(description) = expand(self.remote.as_ref(), value) {
                    self.describe(false, now, &description);
                    self.remote = Some(description);
                }
            }
            "onicecandidate" | "addIceCandidate" => {
                let local = method == "onicecandidate";
                let body = value.as_object().and_then(from_object);
                self.told.extend(body.map(|body| Told { local, at: now, body }));
            }
            _ => {}
        }
    }

    fn describe(&mut self, local: bool, at: f64, (kind, sdp): &(String, String)) {
        self.told.push(Told::description(local, at, kind, sdp));
    }
}

/// Kind and text of a description, with the sections put back that only the base has.
fn expand(base: Option<&(String, String)>, value: &Value) -> Option<(String, String)> {
    let (kind, sdp) = (value.get("type")?.as_str()?, value.get("sdp")?.as_str()?);
    let own: Vec<&str> = sections(sdp);
    let same = base.filter(|(other, _)| other == kind).map(|(_, text)| sections(text));
    let whole = |(index, section): (usize, &&str)| {
        let bare = *section == if index == 0 { "v=" } else { "m=" };
        let known = same.as_ref().and_then(|base| base.get(index));
        let text = if bare { known.copied().unwrap_or(section) } else { section };
        format!("{text}\r\n")
    };
    Some((kind.to_owned(), own.iter().enumerate().map(whole).collect()))
}

/// The session's part and each medium's, without line ends around them.
fn sections(sdp: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = sdp.match_indices("\nm=").map(|(at, _)| at + 1).collect();
    starts.insert(0, 0);
    let ends = starts.iter().skip(1).copied().chain([sdp.len()]);
    starts.iter().zip(ends).map(|(start, end)| sdp[*start..end].trim()).collect()
}

/// A method's name; the common ones are numbers in compressed files.
fn method_name(method: &Value) -> String {
    let name = match method.as_u64() {
        Some(3) => "createOfferOnSuccess",
        Some(5) => "createAnswerOnSuccess",
        Some(6) => "setLocalDescription",
        Some(7) => "setLocalDescriptionOnSuccess",
        Some(8) => "setRemoteDescription",
        Some(10) => "addIceCandidate",
        Some(20) => "onicecandidate",
        _ => method.as_str().unwrap_or_default(),
    };
    name.to_owned()
}
