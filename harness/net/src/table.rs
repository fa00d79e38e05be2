//! A hash table of ids whose keys live elsewhere.
//!
//! Open addressing with linear probing and backward-shift deletion. Probes are capped: keys that
//! collide make the table grow, and when it may not grow any more the insertion is refused, so
//! chosen keys cannot make it slow. Nothing can iterate it, so its order reaches no output.

/// How far from its home a key may lie.
const PROBES: u32 = 64;
/// The largest table, in slots.
const MAX_SLOTS: usize = 1 << 22;
const EMPTY: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Slot {
    hash: u32,
    id: u32,
}

const VACANT: Slot = Slot { hash: 0, id: EMPTY };

/// No room for another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    slots: Vec<Slot>,
    len: usize,
}

impl Table {
    /// The id under `hash` for which `is` holds.
    pub(crate) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        let hash = hash as u32;
        let mask = self.slots.len().wrapping_sub(1);
        if self.slots.is_empty() {
            return None;
        }
        for probe in 0..=PROBES {
            let slot = self.slots[hash.wrapping_add(probe) as usize & mask];
            if slot.id == EMPTY {
                return None;
            }
            if slot.hash == hash && is(slot.id) {
                return Some(slot.id);
            }
        }
        None
    }

    /// Adds an id, which must not be there yet.
    pub(crate) fn insert(&mut self, hash: u64, id: u32) -> Result<(), Full> {
        if (self.len + 1) * 2 > self.slots.len() {
            self.grow()?;
        }
        while !place(&mut self.slots, Slot { hash: hash as u32, id }) {
            self.grow()?;
        }
        self.len += 1;
        Ok(())
    }

    /// Takes an id out.
    pub(crate) fn remove(&mut self, hash: u64, id: u32) {
        let mask = self.slots.len().wrapping_sub(1);
        if self.slots.is_empty() {
            return;
        }
        let found = (0..=PROBES)
            .map(|probe| (hash as u32).wrapping_add(probe) as usize & mask)
            .find(|&at| self.slots[at].id == id);
        let Some(mut hole) = found else { return };
        self.len -= 1;
        let mut next = (hole + 1) & mask;
        while self.slots[next].id != EMPTY {
            let home = self.slots[next].hash as usize & mask;
            // Moves back only what the hole does not lie before the home of.
            if (next.wrapping_sub(home) & mask) >= (next.wrapping_sub(hole) & mask) {
                self.slots[hole] = self.slots[next];
                hole = next;
            }
            next = (next + 1) & mask;
        }
        self.slots[hole] = VACANT;
    }

    /// Whether the next insertion makes the table grow: a good time to reclaim.
    pub(crate) fn is_crowded(&self) -> bool {
        (self.len + 1) * 2 > self.slots.len()
    }

    pub(crate) fn clear(&mut self) {
        self.slots.clear();
        self.len = 0;
    }

    fn grow(&mut self) -> Result<(), Full> {
        let mut size = (self.slots.len() * 2).max(16);
        loop {
            // 32 slots per key is enough for any honest set of keys.
            if size > MAX_SLOTS || size > (self.len + 8) * 32 {
                return Err(Full);
            }
            let mut slots = vec![VACANT; size];
            let old = self.slots.iter().filter(|slot| slot.id != EMPTY);
            if old.copied().all(|slot| place(&mut slots, slot)) {
                self.slots = slots;
                return Ok(());
            }
            size *= 2;
        }
    }
}

fn place(slots: &mut [Slot], slot: Slot) -> bool {
    let mask = slots.len() - 1;
    for probe in 0..=PROBES {
        let at = slot.hash.wrapping_add(probe) as usize & mask;
        if slots[at].id == EMPTY {
            slots[at] = slot;
            return true;
        }
    }
    false
}

/// A hash of the words of a key: each is folded in by a widening multiplication.
fn hash(words: [u64; 4]) -> u64 {
    let mut hash = 0x2d35_8dcc_aa6c_78a5;
    for word in words {
        let product = u128::from(hash ^ word) * 0x9e37_79b9_7f4a_7c15;
        hash = (product >> 64) as u64 ^ product as u64;
    }
    hash
}

/// Two endpoints of a protocol, or as much of them as matters; zero is "any".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) local: u128,
    pub(crate) remote: u128,
    pub(crate) local_port: u16,
    pub(crate) remote_port: u16,
    pub(crate) protocol: u8,
}

impl Key {
    pub(crate) fn hash(&self) -> u64 {
        let ports = u64::from(self.local_port) << 24 | u64::from(self.remote_port) << 8;
        hash([
            self.local as u64,
            self.remote as u64,
            (self.local >> 64) as u64 ^ ((self.remote >> 64) as u64).rotate_left(32),
            ports | u64::from(self.protocol),
        ])
    }
}

/// Values by key, without an order.
#[derive(Clone, Debug)]
pub(crate) struct Store<T> {
    table: Table,
    entries: Vec<(Key, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self { table: Table::default(), entries: Vec::new(), free: Vec::new() }
    }
}

impl<T> Store<T> {
    fn id(&self, key: &Key) -> Option<u32> {
        self.table.find(key.hash(), |id| self.entries[id as usize].0 == *key)
    }

    pub(crate) fn get(&self, key: &Key) -> Option<&T> {
        self.id(key).and_then(|id| self.entries[id as usize].1.as_ref())
    }

    pub(crate) fn get_mut(&mut self, key: &Key) -> Option<&mut T> {
        self.id(key).and_then(|id| self.entries[id as usize].1.as_mut())
    }

    /// Adds or replaces a value.
    pub(crate) fn set(&mut self, key: Key, value: T) -> Result<(), Full> {
        if let Some(id) = self.id(&key) {
            self.entries[id as usize].1 = Some(value);
            return Ok(());
        }
        let id = self.free.pop().unwrap_or(self.entries.len() as u32);
        if let Err(full) = self.table.insert(key.hash(), id) {
            if (id as usize) < self.entries.len() {
                self.free.push(id);
            }
            return Err(full);
        }
        match self.entries.get_mut(id as usize) {
            Some(entry) => *entry = (key, Some(value)),
            None => self.entries.push((key, Some(value))),
        }
        Ok(())
    }

    pub(crate) fn remove(&mut self, key: &Key) {
        if let Some(id) = self.id(key) {
            self.table.remove(key.hash(), id);
            self.entries[id as usize].1 = None;
            self.free.push(id);
        }
    }

    /// Drops what `keep` refuses, if the store would grow otherwise.
    pub(crate) fn reclaim(&mut self, keep: impl Fn(&Key, &T) -> bool) {
        if !self.table.is_crowded() {
            return;
        }
        for id in 0..self.entries.len() {
            let (key, value) = &self.entries[id];
            if value.as_ref().is_some_and(|value| !keep(key, value)) {
                self.table.remove(key.hash(), id as u32);
                self.entries[id].1 = None;
                self.free.push(id as u32);
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.table.len == 0
    }

    pub(crate) fn clear(&mut self) {
        self.table.clear();
        self.entries.clear();
        self.free.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_holds_what_a_map_holds(steps in proptest::collection::vec((any::<bool>(), 0u64..64), 0..400)) {
            let mut table = Table::default();
            let mut model = BTreeMap::new();
            // Few distinct hashes, so that keys collide.
            let hash = |key: u64| key / 3;
            for (insert, key) in steps {
                if insert && !model.contains_key(&key) {
                    prop_assert_eq!(table.insert(hash(key), key as u32), Ok(()));
                    model.insert(key, ());
                } else if !insert && model.remove(&key).is_some() {
                    table.remove(hash(key), key as u32);
                }
                for key in 0..64 {
                    let found = table.find(hash(key), |id| id == key as u32).is_some();
                    prop_assert_eq!(found, model.contains_key(&key), "{}", key);
                }
            }
        }
    }

    #[test]
    fn keys_that_all_collide_are_refused_and_not_searched_for_ever() {
        let mut table = Table::default();
        let taken = (0..10_000).take_while(|&id| table.insert(7, id).is_ok()).count();
        assert_eq!(taken as u32, PROBES + 1);
    }
}
