//! A peer's key log: a file it appends to, read line by line.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// A file for `SSLKEYLOGFILE`, gone when nobody needs it any more.
#[derive(Debug)]
pub(crate) struct KeyLog {
    path: PathBuf,
    read: u64,
}

impl KeyLog {
    /// An empty one.
    ///
    /// # Errors
    /// What the system says.
    pub(crate) fn new() -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rtcspec-keys-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        File::create(&path)?;
        Ok(Self { path, read: 0 })
    }

    pub(crate) fn path(&self) -> &PathBuf {
        &self.path
    }

    /// Whole lines since the last call.
    pub(crate) fn lines(&mut self) -> Vec<String> {
        let text = self.fresh().unwrap_or_default();
        let Some((whole, _)) = text.rsplit_once('\n') else { return Vec::new() };
        self.read += whole.len() as u64 + 1;
        whole.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    fn fresh(&self) -> io::Result<String> {
        if fs::metadata(&self.path)?.len() <= self.read {
            return Ok(String::new());
        }
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.read))?;
        let mut text = Vec::new();
        file.take(1 << 20).read_to_end(&mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

impl Drop for KeyLog {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn lines_are_read_once_and_only_when_they_are_whole() {
        let mut log = KeyLog::new().unwrap();
        let mut peer = fs::OpenOptions::new().append(true).open(log.path()).unwrap();
        peer.write_all(b"CLIENT_RANDOM a b\nCLIENT_").unwrap();
        assert_eq!(log.lines(), ["CLIENT_RANDOM a b"]);
        assert!(log.lines().is_empty());
        peer.write_all(b"RANDOM c d\n").unwrap();
        assert_eq!(log.lines(), ["CLIENT_RANDOM c d"]);
        let path = log.path().clone();
        drop(log);
        assert!(!path.exists());
    }
}
