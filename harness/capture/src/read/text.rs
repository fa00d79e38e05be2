//! Packets in logs, one line each, as `text2pcap` reads them.
//!
//! usrsctp, dcSCTP (so Chrome, Firefox, libdatachannel) and others print SCTP packets before
//! encryption and after decryption like this, somewhere in a line of a log:
//!
//! ```text
//! I 12:34:56.789012 0000 13 88 13 88 00 00 ... # SCTP_PACKET name
//! ```

use memchr::memchr;
use memchr::memmem::rfind;

use super::records::Step;
use super::window::Window;

/// `LINKTYPE_SCTP`: a packet begins with SCTP's common header.
pub(crate) const LINK_SCTP: u16 = 248;

/// The longest line that is read: 64 KiB in hexadecimal and a prefix.
const MAX_LINE: usize = 1 << 18;
const MARK: &[u8] = b"# SCTP_PACKET";
/// Associations of one log that are told apart.
const MAX_ASSOCIATIONS: usize = 126;
/// Bytes of a name that are kept.
const MAX_NAME: usize = 64;
const NANOS_OF_DAY: u64 = 24 * 3600 * 1_000_000_000;

/// The state of reading one log.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    packet: Vec<u8>,
    /// What the log calls the associations its packets belong to.
    names: Vec<String>,
    association: usize,
    days: u64,
    last: u64,
    within_long_line: bool,
}

impl Log {
    /// Whether bytes may be the beginning of a log: text that is no JSON.
    pub(super) fn begins(bytes: &[u8]) -> bool {
        let text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x1b | 0x20..=0x7e | 0x80..);
        let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
        first.is_some_and(|first| *first != b'{') && bytes.iter().all(text)
    }

    /// Whether a line is a packet.
    pub(super) fn holds_packet(line: &[u8]) -> bool {
        line.len() < MAX_LINE && Self::default().line(line).is_some()
    }

    /// The next line. A packet's bytes are then in [`Self::packet`].
    pub(super) fn step(&mut self, window: &mut Window<'_>) -> Step {
        if !window.want(1) {
            return Step::End(None);
        }
        let mut wanted = 0;
        let end = loop {
            if let Some(end) = memchr(b'\n', &window.bytes()[wanted..]) {
                break wanted + end + 1;
            }
            wanted = window.bytes().len();
            if wanted >= MAX_LINE || !window.want(wanted + 1) {
                break wanted;
            }
        };
        let line = &window.bytes()[..end];
        let rest_of_long_line = self.within_long_line;
        self.within_long_line = !line.ends_with(b"\n");
        if rest_of_long_line || end > MAX_LINE {
            return Step::Skip(end);
        }
        match self.line(line) {
            Some((nanos, outbound)) => Step::Logged { nanos, outbound, used: end },
            None => Step::Skip(end),
        }
    }

    /// The packet of the last step.
    pub(super) fn packet(&self) -> &[u8] {
        &self.packet
    }

    /// Which association the packet of the last step belongs to.
    pub(super) fn association(&self) -> u32 {
        self.association as u32
    }

    /// What the log calls an association.
    pub(super) fn name(&self, association: u32) -> &str {
        self.names.get(association as usize).map_or("", String::as_str)
    }

    fn line(&mut self, line: &[u8]) -> Option<(u64, bool)> {
        let (line, name) = line.split_at(rfind(line, MARK)?);
        let name = name[MARK.len()..].trim_ascii();
        let start = rfind(line, b" 0000")?;
        let (head, bytes) = (&line[..start], &line[start + 5..]);
        let time_at = head.iter().rposition(|byte| *byte == b' ').map_or(0, |at| at + 1);
        let nanos = time_of_day(std::str::from_utf8(&head[time_at..]).ok()?)?;
        let outbound = match head[..time_at].trim_ascii_end().last()? {
            b'O' => true,
            b'I' => false,
            _ => return None,
        };
        self.packet.clear();
        for pair in bytes.split(u8::is_ascii_whitespace).filter(|pair| !pair.is_empty()) {
            let &[high, low] = pair else { return None };
            self.packet.push(digit(high)? << 4 | digit(low)?);
        }
        if self.packet.is_empty() {
            return None;
        }
        self.belongs_to(name);
        Some((self.since_the_first_day(nanos), outbound))
    }

    /// dcSCTP says the association's name after the mark, usrsctp says none.
    fn belongs_to(&mut self, name: &[u8]) {
        let name = String::from_utf8_lossy(&name[..name.len().min(MAX_NAME)]);
        let known = self.names.iter().position(|known| *known == name || name.is_empty());
        self.association = known.unwrap_or_else(|| {
            if self.names.len() < MAX_ASSOCIATIONS {
                self.names.push(name.into_owned());
            }
            self.names.len() - 1
        });
    }

    /// Logs say the time of day only; half a day back is tomorrow.
    fn since_the_first_day(&mut self, nanos: u64) -> u64 {
        if nanos + NANOS_OF_DAY / 2 < self.last {
            self.days += 1;
        }
        self.last = nanos;
        self.days * NANOS_OF_DAY + nanos
    }
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

/// Reads `12:34:56.789` with any number of decimals.
fn time_of_day(text: &str) -> Option<u64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let mut fields = whole.split(':').map(|field| field.parse::<u64>().ok());
    let (hours, minutes, seconds) = (fields.next()??, fields.next()??, fields.next()??);
    if fields.next().is_some() || hours > 23 || minutes > 59 || seconds > 60 {
        return None;
    }
    if decimals.len() > 9 || !decimals.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part: u64 = format!("{decimals:0<9}").parse().ok()?;
    Some((hours * 3600 + minutes * 60 + seconds) * 1_000_000_000 + part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(u64, bool, Vec<u8>)> {
        let mut log = Log::default();
        let (nanos, outbound) = log.line(line.as_bytes())?;
        Some((nanos, outbound, log.packet().to_vec()))
    }

    #[test]
    fn lines_of_every_stack_are_read() {
        let nanos = 45_296_789_000_000;
        let usrsctp = "I 12:34:56.789000 0000 13 88 0A ff # SCTP_PACKET\n";
        assert_eq!(read(usrsctp), Some((nanos, false, vec![0x13, 0x88, 0x0a, 0xff])));
        let dcsctp = "O 12:34:56.789 0000 13 88 # SCTP_PACKET DcSctpTransport0";
        assert_eq!(read(dcsctp), Some((nanos, true, vec![0x13, 0x88])));
        let prefixed = "[info dcsctp] O 12:34:56.789 0000 13 # SCTP_PACKET a";
        assert_eq!(read(prefixed), Some((nanos, true, vec![0x13])));
    }

    #[test]
    fn other_lines_are_no_packets() {
        for line in [
            "",
            "# SCTP_PACKET",
            " 0000 # SCTP_PACKET",
            "I 12:34:56.789 0000 # SCTP_PACKET",
            "I 12:34:56.789 0000 1 # SCTP_PACKET",
            "I 12:34:56.789 0000 zz # SCTP_PACKET",
            "X 12:34:56.789 0000 11 # SCTP_PACKET",
            "I 25:34:56.789 0000 11 # SCTP_PACKET",
            "I 12:34:56.7891234567 0000 11 # SCTP_PACKET",
            "I 12:34:56.789 0000 11 12",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    #[test]
    fn associations_are_told_apart_by_their_names() {
        let mut log = Log::default();
        let mut of = |name: &str| {
            let line = format!("I 12:00:00.0 0000 11 # SCTP_PACKET {name}\n");
            log.line(line.as_bytes()).expect("a packet");
            log.association()
        };
        assert_eq!(["a", "b", "", "b", "a"].map(&mut of), [0, 1, 0, 1, 0]);
        for number in 0..1000 {
            assert!(of(&number.to_string()) < MAX_ASSOCIATIONS as u32);
        }
    }

    #[test]
    fn time_goes_on_after_midnight() {
        let mut log = Log::default();
        let first = log.line(b"I 23:59:59.5 0000 11 # SCTP_PACKET").expect("a packet");
        let second = log.line(b"I 00:00:00.5 0000 11 # SCTP_PACKET").expect("a packet");
        assert_eq!(second.0 - first.0, 1_000_000_000);
    }
}
