//! Files of signalling, told apart by what is in them.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use super::dialogue::{Dialogue, Told};
use super::{internals, rtcstats, sdp};

/// Why a file is no signalling.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SignallingError {
    /// It cannot be read or decompressed.
    #[error("read signalling: {0}")]
    Unreadable(#[from] std::io::Error),
    /// More than is taken in.
    #[error("signalling of more than {} MiB", Signalling::MOST >> 20)]
    TooLong,
    /// It is none of the formats.
    #[error(
        "neither SDP, nor a session description in JSON, nor a webrtc-internals dump, nor an rtcstats file"
    )]
    Unknown,
    /// It is JSON at first, and then not.
    #[error("read JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A dump in which nothing was signalled.
    #[error("a dump without descriptions or candidates")]
    Nothing,
}

/// Signalling from files: all SDP files make one dialogue, each dump its own.
#[derive(Clone, Debug, Default)]
pub struct Signalling {
    descriptions: Vec<(String, Told)>,
    dialogues: Vec<Dialogue>,
}

impl Signalling {
    /// The longest file, after decompression.
    pub const MOST: usize = 64 << 20;

    /// Takes in a file: SDP, `{"type", "sdp"}` in JSON, a webrtc-internals dump, an rtcstats file,
    /// plain or compressed with gzip. Its name says whether SDP is an offer or an answer.
    ///
    /// # Errors
    /// It is none of these.
    pub fn add(&mut self, name: &str, file: impl Read) -> Result<(), SignallingError> {
        let text = text(file)?;
        let start = text.trim_start();
        if start.starts_with("v=") {
            self.descriptions.push((name.to_owned(), sdp::from_text(name, start)));
        } else if start.starts_with(rtcstats::HEAD) {
            self.dump(rtcstats::dialogues(name, start))?;
        } else if start.starts_with('{') {
            let value: Value = serde_json::from_str(start)?;
            if let Some(told) = sdp::from_json(&value) {
                self.descriptions.push((name.to_owned(), told));
            } else {
                self.dump(internals::dialogues(name, &value).ok_or(SignallingError::Unknown)?)?;
            }
        } else {
            return Err(SignallingError::Unknown);
        }
        Ok(())
    }

    /// All dialogues: that of the SDP files, offers before the answers of the same rank, then those
    /// of dumps.
    #[must_use]
    pub fn dialogues(&self) -> Vec<Dialogue> {
        let rank = |offer: bool| {
            let some = self.descriptions.iter().filter(move |(_, told)| told.local == offer);
            some.enumerate().map(move |(nth, one)| ((nth, !offer), one))
        };
        let mut ranked: Vec<_> = rank(true).chain(rank(false)).collect();
        ranked.sort_by_key(|(rank, _)| *rank);
        let name = ranked.first().map_or_else(String::new, |(_, (name, _))| name.clone());
        let told = ranked.into_iter().map(|(_, (_, told))| told.clone()).collect();
        Dialogue::of(name, told).into_iter().chain(self.dialogues.iter().cloned()).collect()
    }

    fn dump(&mut self, found: Vec<Dialogue>) -> Result<(), SignallingError> {
        if found.is_empty() {
            return Err(SignallingError::Nothing);
        }
        self.dialogues.extend(found);
        Ok(())
    }
}

fn text(mut file: impl Read) -> Result<String, SignallingError> {
    let most = Signalling::MOST as u64 + 1;
    let mut bytes = Vec::new();
    file.by_ref().take(most).read_to_end(&mut bytes)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        MultiGzDecoder::new(bytes.as_slice()).take(most).read_to_end(&mut plain)?;
        bytes = plain;
    }
    if bytes.len() as u64 == most {
        return Err(SignallingError::TooLong);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
