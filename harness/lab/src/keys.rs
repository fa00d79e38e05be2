//! A peer's key log: a file of its host it appends to, read line by line.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

/// Most that is read at once.
const PIECE: usize = 1 << 16;

/// The file behind `SSLKEYLOGFILE` on a host. It has a name only there, and ends with the host.
#[derive(Debug)]
pub(crate) struct KeyLog {
    file: File,
    /// Up to here it was read.
    read: u64,
}

impl KeyLog {
    pub(crate) fn new(file: impl Into<File>) -> Self {
        Self { file: file.into(), read: 0 }
    }

    /// Whole lines since the last call.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        let text = self.fresh().unwrap_or_default();
        let Some(end) = text.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        self.read += end as u64 + 1;
        let whole = String::from_utf8_lossy(&text[..end]);
        whole.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    fn fresh(&self) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let mut piece = [0; PIECE];
        loop {
            let length = self.file.read_at(&mut piece, self.read + text.len() as u64)?;
            text.extend_from_slice(&piece[..length]);
            if length < PIECE {
                return Ok(text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use rustix::fs::{MemfdFlags, memfd_create};

    use super::*;

    #[test]
    fn lines_are_read_once_and_only_when_they_are_whole() {
        let file = memfd_create("keys", MemfdFlags::CLOEXEC).unwrap();
        let mut peer = File::from(file.try_clone().unwrap());
        let mut log = KeyLog::new(file);
        peer.write_all(b"CLIENT_RANDOM a b\nCLIENT_").unwrap();
        assert_eq!(log.lines(), ["CLIENT_RANDOM a b"]);
        assert!(log.lines().is_empty());
        peer.write_all(b"RANDOM c d\n").unwrap();
        assert_eq!(log.lines(), ["CLIENT_RANDOM c d"]);
        let long = format!("SERVER {}\n", "x".repeat(2 * PIECE));
        peer.write_all(long.as_bytes()).unwrap();
        assert_eq!(log.lines(), [long.trim_end()]);
    }
}
