//! Inputs, and the plan of a session: a function of seed, number of the session and corpus.

use std::io;
use std::path::Path;

use rtcspec_fuzz::corpus;
use rtcspec_fuzz::mutate::{self, Rng, Source};
use serde::{Deserialize, Serialize};

use crate::entitle::{Entitled, entitles};
use crate::layer::Layer;

/// Longest input, in bytes: what fits into a datagram on most links, and descriptions.
const MOST: usize = 1200;
const MOST_TEXT: usize = 16 << 10;
/// Changes drawn until one does what the session wants.
const DRAWS: usize = 20;

/// A message to be slipped in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Where.
    pub layer: Layer,
    /// While connecting, before our message of this number at the layer; otherwise once connected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<usize>,
    /// Keys, tags, numbers and checksums of the session at hand are put in (`seal.rs`).
    #[serde(default)]
    pub sealed: bool,
    /// Stream of a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<u16>,
    /// Payload protocol identifier of a message (RFC 8831 §8).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ppid: Option<u32>,
    /// The message.
    #[serde(rename = "hex", serialize_with = "to_hex", deserialize_with = "from_hex")]
    pub bytes: Vec<u8>,
}

/// What is done in one session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Seed of our peer.
    pub seed: u64,
    /// Our peer offers; otherwise the process does.
    pub offers: bool,
    /// What is sent, in order.
    #[serde(default, rename = "input")]
    pub inputs: Vec<Input>,
}

/// The corpora by layer.
#[derive(Debug)]
pub struct Arsenal {
    seed: u64,
    inputs: usize,
    layers: Vec<Stock>,
}

/// What inputs of a layer are made from.
#[derive(Debug)]
struct Stock {
    layer: Layer,
    corpus: Vec<Vec<u8>>,
    dictionary: Vec<Vec<u8>>,
}

impl Arsenal {
    /// Reads the corpora of these layers; `inputs` is how many messages a session is sent.
    ///
    /// # Errors
    /// A folder cannot be read.
    pub fn read(folder: &Path, layers: &[Layer], seed: u64, inputs: usize) -> io::Result<Self> {
        let mut all = Vec::new();
        for layer in layers {
            let target = layer.target();
            let entries = corpus::of(target, folder)?;
            let corpus: Vec<Vec<u8>> = entries.into_iter().map(|entry| entry.bytes).collect();
            if !corpus.is_empty() {
                let (layer, dictionary) = (*layer, (target.dictionary)());
                all.push(Stock { layer, corpus, dictionary });
            }
        }
        Ok(Self { seed, inputs, layers: all })
    }

    /// Whether there is nothing to send.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// The plan of a session. Of three in a row, the first is sent only what entitles nobody to let
    /// the session go, the second anything, the third also something while it comes about.
    #[must_use]
    pub fn plan(&self, number: u64) -> Plan {
        let mut rng = Rng::with_seed(self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (strict, connecting) = (number.is_multiple_of(3), number % 3 == 2);
        // TOML has 63 bits.
        let (seed, offers) = (rng.u64(..) >> 1, rng.bool());
        let mut inputs = Vec::new();
        for index in 0..self.inputs {
            let early = connecting && index < 2;
            inputs.extend(self.draw(&mut rng, strict, early));
        }
        Plan { seed, offers, inputs }
    }

    fn draw(&self, rng: &mut Rng, strict: bool, early: bool) -> Option<Input> {
        (0..DRAWS).find_map(|_| {
            let Stock { layer, corpus, dictionary } = &self.layers[rng.usize(..self.layers.len())];
            if early && !layer.connects() {
                return None;
            }
            let before = early.then(|| rng.usize(..3));
            let input = draw(*layer, corpus, dictionary, rng, before);
            let fits = !strict || entitles(&input) < Entitled::Anything;
            fits.then_some(input)
        })
    }
}

fn draw(
    layer: Layer,
    corpus: &[Vec<u8>],
    dictionary: &[Vec<u8>],
    rng: &mut Rng,
    before: Option<usize>,
) -> Input {
    let mut bytes = corpus[rng.usize(..corpus.len())].clone();
    let donor = &corpus[rng.usize(..corpus.len())];
    let text = matches!(layer, Layer::Sdp | Layer::Candidate);
    let most = if text { MOST_TEXT } else { MOST };
    // One in ten stays as it was seen.
    if rng.u8(..10) > 0 {
        let mut source = Source { rng: rng.fork(), donor, dictionary, most };
        (layer.target().mutate)(&mut bytes, &mut source);
    }
    bytes.truncate(most);
    let sealed = matches!(layer, Layer::Stun | Layer::Sctp) && rng.u8(..8) > 0;
    if sealed && layer == Layer::Sctp && rng.bool() {
        mutate::sctp::bring_near(&mut bytes, rng);
    }
    let (stream, ppid) = (layer == Layer::Dcep).then(|| address(rng)).unzip();
    Input { layer, before, sealed, stream, ppid, bytes }
}

/// Stream and payload protocol of a message: mostly DCEP, on a stream that nobody uses.
fn address(rng: &mut Rng) -> (u16, u32) {
    const PPIDS: [u32; 8] = [51, 52, 53, 54, 56, 57, 0, u32::MAX];
    let stream = if rng.u8(..6) == 0 { rng.u16(..2) } else { rng.u16(2..40) };
    let ppid = if rng.u8(..4) == 0 { PPIDS[rng.usize(..PPIDS.len())] } else { 50 };
    (stream, ppid)
}

#[expect(clippy::ptr_arg, reason = "serde passes the field by reference")]
fn to_hex<S: serde::Serializer>(bytes: &Vec<u8>, serializer: S) -> Result<S::Ok, S::Error> {
    let text = bytes.iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    serializer.serialize_str(&text)
}

fn from_hex<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let digits: Option<Vec<u8>> =
        text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    match digits {
        Some(digits) if digits.len() % 2 == 0 => {
            Ok(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
        }
        _ => Err(serde::de::Error::custom("`hex` is two hexadecimal digits for each byte")),
    }
}
