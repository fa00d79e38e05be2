use super::params::{Lifetimes, Refresh};
use crate::Ns;
use crate::table::{Full, Key, Store};

/// Whom was sent to, and how long ago.
#[derive(Debug, Default)]
pub(crate) struct Filters {
    entries: Store<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    refreshed: Ns,
    replied: bool,
}

/// What the filter knows about a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contact {
    Never,
    TooLongAgo,
    Lately,
}

/// How long entries live and what renews them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory<'a> {
    pub(crate) lifetimes: &'a Lifetimes,
    pub(crate) refresh: Refresh,
    /// Whether the entry is that of a TCP mapping with an established connection.
    pub(crate) established: bool,
}

impl Memory<'_> {
    fn lifetime(&self, protocol: u8, replied: bool) -> Ns {
        if let Some(filter) = self.lifetimes.filter {
            return filter;
        }
        match (protocol, self.established, replied) {
            (super::core::TCP, true, _) => self.lifetimes.tcp,
            (super::core::TCP, false, _) => self.lifetimes.tcp_transitory,
            (_, _, true) => self.lifetimes.udp,
            (_, _, false) => self.lifetimes.unreplied.unwrap_or(self.lifetimes.udp),
        }
    }

    fn longest(&self) -> Ns {
        let times = self.lifetimes;
        let mapping = times.udp.max(times.tcp).max(times.tcp_transitory);
        times.filter.unwrap_or(mapping.max(times.unreplied.unwrap_or_default()))
    }
}

impl Filters {
    /// Something was sent to whom `key` names.
    pub(crate) fn sent(&mut self, now: Ns, key: Key, memory: Memory<'_>) -> Result<(), Full> {
        let Some(entry) = self.entries.get_mut(&key) else {
            // Entries that might still be asked about stay one lifetime longer, so that "too long
            // ago" can be told from "never".
            let keep = memory.longest() + memory.longest();
            self.entries.reclaim(|_, entry| now < entry.refreshed + keep);
            return self.entries.set(key, Entry { refreshed: now, replied: false });
        };
        let expired = now >= entry.refreshed + memory.lifetime(key.protocol, entry.replied);
        if expired {
            *entry = Entry { refreshed: now, replied: false };
        } else if matches!(memory.refresh, Refresh::Outbound | Refresh::Both) {
            entry.refreshed = now;
        }
        Ok(())
    }

    /// Whether whom `key` names was sent to.
    pub(crate) fn contact(&self, now: Ns, key: &Key, memory: Memory<'_>) -> Contact {
        match self.entries.get(key) {
            None => Contact::Never,
            Some(entry) => {
                let lifetime = memory.lifetime(key.protocol, entry.replied);
                match now < entry.refreshed + lifetime {
                    true => Contact::Lately,
                    false => Contact::TooLongAgo,
                }
            }
        }
    }

    /// Something came from whom `key` names and was let in.
    pub(crate) fn received(&mut self, now: Ns, key: &Key, refresh: Refresh) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.replied = true;
            if matches!(refresh, Refresh::Inbound | Refresh::Both) {
                entry.refreshed = now;
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}
