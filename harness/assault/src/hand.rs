//! The tamper hooks of our peer: inputs are slipped in before its own messages while a session comes
//! about, and what goes by tells what later inputs have to fit.

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_peer::seal::{self, Checked, Numbers};
use rtcspec_peer::tamper::{Action, StreamMessage, Stun, Tamper};
use rtcspec_wire::sctp::{CauseCode, Causes, ChunkType, Chunks};

use crate::input::Input;
use crate::layer::Layer;

/// Payload protocol identifier of DCEP (RFC 8831 §8).
const DCEP: u32 = 50;

/// What the hooks know and still have to do.
#[derive(Debug, Default)]
pub(crate) struct Hand {
    /// Inputs for the time of connecting.
    early: Vec<Input>,
    seen: BTreeMap<Layer, usize>,
    pub(crate) checked: Option<Checked>,
    pub(crate) numbers: Numbers,
    /// How the other side ended the association, in words.
    pub(crate) aborted: Option<String>,
}

impl Hand {
    pub(crate) fn new(inputs: &[Input]) -> Self {
        let early = inputs.iter().filter(|input| input.before.is_some()).cloned().collect();
        Self { early, ..Self::default() }
    }

    /// The inputs whose turn is before this message of ours.
    fn due(&mut self, layer: Layer) -> Vec<Input> {
        let number = self.seen.entry(layer).or_default();
        let at = *number;
        *number += 1;
        let due = |input: &Input| input.layer == layer && input.before == Some(at);
        self.early.iter().filter(|input| due(input)).cloned().collect()
    }

    /// The inputs, then the message itself.
    fn with(inputs: Vec<Vec<u8>>, message: &[u8]) -> Action {
        if inputs.is_empty() {
            return Action::Pass;
        }
        Action::Replace(inputs.into_iter().chain([message.to_vec()]).collect())
    }

    /// An input as it goes out in this session.
    pub(crate) fn sealed(&self, input: &Input) -> Vec<u8> {
        let bytes = input.bytes.clone();
        match (input.layer, &self.checked) {
            _ if !input.sealed => bytes,
            (Layer::Sctp, _) => seal::sctp(bytes, &self.numbers),
            (Layer::Stun, Some(checked)) => seal::stun(bytes, &checked.name, &checked.key),
            _ => bytes,
        }
    }

    fn sealed_all(&self, inputs: &[Input]) -> Vec<Vec<u8>> {
        inputs.iter().map(|input| self.sealed(input)).collect()
    }
}

/// How a packet ends the association, if it does.
fn ends(packet: &[u8]) -> Option<String> {
    let mut chunks = Chunks::new(packet.get(12..)?);
    chunks.find_map(|chunk| match chunk.chunk_type() {
        ChunkType::ABORT => {
            let causes: Vec<String> =
                Causes::new(chunk.value()).map(|cause| cause_name(cause.code())).collect();
            Some(format!(
                "ABORT, {}",
                if causes.is_empty() { "no cause".into() } else { causes.join(", ") }
            ))
        }
        ChunkType::SHUTDOWN => Some("SHUTDOWN".to_owned()),
        _ => None,
    })
}

fn cause_name(code: CauseCode) -> String {
    code.name().map_or_else(|| format!("cause {}", code.0), str::to_owned)
}

impl Tamper for Hand {
    fn stun(&mut self, _: Duration, message: Stun<'_>) -> Action {
        if let Some(checked) = Checked::of(&message) {
            self.checked = Some(checked);
        }
        let due = self.due(Layer::Stun);
        Self::with(self.sealed_all(&due), message.bytes)
    }

    fn dtls(&mut self, _: Duration, datagram: &[u8]) -> Action {
        let due = self.due(Layer::Dtls);
        Self::with(self.sealed_all(&due), datagram)
    }

    fn sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        self.numbers.note_ours(packet);
        let due = self.due(Layer::Sctp);
        Self::with(self.sealed_all(&due), packet)
    }

    fn message(&mut self, _: Duration, message: &StreamMessage) -> Action<StreamMessage> {
        let due = self.due(Layer::Dcep);
        if due.is_empty() {
            return Action::Pass;
        }
        let inputs = due.iter().map(stream_message).chain([message.clone()]);
        Action::Replace(inputs.collect())
    }

    fn received_sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        self.numbers.note_theirs(packet);
        if let Some(how) = ends(packet) {
            self.aborted.get_or_insert(how);
        }
        Action::Pass
    }
}

/// An input as a message on a stream.
pub(crate) fn stream_message(input: &Input) -> StreamMessage {
    let (stream, ppid) = (input.stream.unwrap_or(PARKED), input.ppid.unwrap_or(DCEP));
    StreamMessage { stream, ppid, data: input.bytes.clone() }
}

/// The stream of a message that names none.
const PARKED: u16 = 10;
