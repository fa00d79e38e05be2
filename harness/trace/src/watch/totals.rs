//! Counts of what was opened and what was not.

use std::collections::BTreeMap;

use rtcspec_wire::sctp::ChunkType;

use super::event::Closed;

/// Packets that are protected, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Opened {
    /// Authenticated and decrypted.
    pub opened: u64,
    /// There are keys, and they do not authenticate.
    pub failed: u64,
    /// There are no keys.
    pub without_key: u64,
}

/// What was opened, of a flow or of all that was fed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Protected {
    /// Encrypted DTLS records.
    pub records: Opened,
    /// SRTP packets, and RTP packets of no connection.
    pub rtp: Opened,
    /// SRTCP packets, and RTCP packets of no connection.
    pub rtcp: Opened,
    /// Why the last record that stayed closed did.
    pub why: Option<Closed>,
}

impl Protected {
    /// Adds what `after` counts beyond `before`.
    pub(super) fn add(&mut self, before: &Self, after: &Self) {
        self.records.add(&before.records, &after.records);
        self.rtp.add(&before.rtp, &after.rtp);
        self.rtcp.add(&before.rtcp, &after.rtcp);
        self.why = after.why.filter(|_| self.records.is_partly_closed());
    }

    /// Whether anything stayed closed.
    #[must_use]
    pub const fn is_partly_closed(&self) -> bool {
        self.records.is_partly_closed()
            || self.rtp.is_partly_closed()
            || self.rtcp.is_partly_closed()
    }
}

/// What was in all that was fed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// What was opened.
    pub protected: Protected,
    /// SCTP packets.
    pub sctp_packets: u64,
    /// User messages.
    pub messages: u64,
    chunks: BTreeMap<ChunkType, u64>,
}

impl Totals {
    /// SCTP chunks by type.
    #[must_use]
    pub fn chunks(&self) -> &BTreeMap<ChunkType, u64> {
        &self.chunks
    }

    pub(super) fn chunk(&mut self, ty: ChunkType) {
        *self.chunks.entry(ty).or_default() += 1;
    }
}

impl Opened {
    /// Counts a record.
    pub(super) fn record<T>(&mut self, result: &Result<T, Closed>) {
        match result {
            Ok(_) => self.opened += 1,
            Err(Closed::Failed) => self.failed += 1,
            Err(_) => self.without_key += 1,
        }
    }

    fn add(&mut self, before: &Self, after: &Self) {
        self.opened += after.opened - before.opened;
        self.failed += after.failed - before.failed;
        self.without_key += after.without_key - before.without_key;
    }

    /// Whether anything stayed closed.
    #[must_use]
    pub const fn is_partly_closed(&self) -> bool {
        self.failed + self.without_key > 0
    }
}
