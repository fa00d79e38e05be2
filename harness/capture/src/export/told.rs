//! What was done to a capture, in numbers.

use std::fmt;

/// How much was replaced, and how much nobody could read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Told {
    /// Frames.
    pub frames: u64,
    /// Frames whose numbers there are and whose bytes there are not; they are empty.
    pub lost: u64,
    /// Frames of other protocols, and IP packets that are none: noise beyond their headers.
    pub others: u64,
    /// Datagrams the capture cut: noise.
    pub cut: u64,
    /// IP packets that did not become whole: noise.
    pub incomplete: u64,
    /// Addresses.
    pub addresses: u64,
    /// STUN and TURN messages.
    pub stun: u64,
    /// Those of them that a signalled password signs.
    pub signed: u64,
    /// Those of them with a signature that no signalled password verifies: noise.
    pub unverified: u64,
    /// Certificates.
    pub certificates: u64,
    /// DTLS records, SRTP and SRTCP packets: those that were opened, changed and sealed anew.
    pub sealed: [u64; 3],
    /// The same: those that stay closed, of which all but the headers is noise.
    pub closed: [u64; 3],
    /// SCTP packets.
    pub sctp: u64,
    /// Bytes of TCP streams that are TLS or nothing that is read: noise beyond record headers.
    pub unread: u64,
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [records, srtp, srtcp] = self.sealed;
        let [closed_records, closed_srtp, closed_srtcp] = self.closed;
        write!(f, "{} frames", self.frames)?;
        let replaced = [
            (self.addresses, "addresses"),
            (self.stun, "STUN messages"),
            (self.signed, "signatures of them"),
            (self.certificates, "certificates"),
            (records, "DTLS records, sealed anew"),
            (self.sctp, "SCTP packets"),
            (srtp + srtcp, "SRTP and SRTCP packets, sealed anew"),
        ];
        let noise = [
            (self.unverified, "STUN signatures under passwords that nobody signalled"),
            (closed_records, "DTLS records that no key opens"),
            (closed_srtp + closed_srtcp, "RTP and RTCP packets that no key opens, after headers"),
            (self.cut, "datagrams that the capture cut"),
            (self.incomplete, "fragments of packets that are not whole"),
            (self.unread, "bytes of TCP streams that nobody can read"),
            (self.others, "frames of other protocols"),
        ];
        list(f, "replaced", &replaced)?;
        list(f, "noise", &noise)?;
        list(f, "empty", &[(self.lost, "frames that cannot be read")])?;
        writeln!(f)
    }
}

/// A line for each thing there is.
fn list(f: &mut fmt::Formatter<'_>, what: &str, things: &[(u64, &str)]) -> fmt::Result {
    for (count, thing) in things.iter().filter(|(count, _)| *count > 0) {
        write!(f, "\n  {what}: {count} {thing}")?;
    }
    Ok(())
}
