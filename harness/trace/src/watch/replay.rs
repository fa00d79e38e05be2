//! Which record numbers were there before.

/// The highest number of an epoch, and which of the 64 up to it were there.
#[derive(Clone, Copy, Debug)]
struct Window {
    epoch: u64,
    highest: u64,
    seen: u64,
}

/// Record numbers of one side, of the two epochs used last.
#[derive(Clone, Debug, Default)]
pub(super) struct Replay {
    windows: [Option<Window>; 2],
}

impl Replay {
    /// Takes a number in; whether it was there before. One too old to tell counts as new.
    pub(super) fn insert(&mut self, epoch: u64, number: u64) -> bool {
        let known = self.windows.iter().position(|one| one.is_some_and(|one| one.epoch == epoch));
        let Some(window) = known.and_then(|at| self.windows[at].as_mut()) else {
            self.windows.swap(0, 1);
            self.windows[0] = Some(Window { epoch, highest: number, seen: 1 });
            return false;
        };
        if let Some(ahead) = number.checked_sub(window.highest).filter(|ahead| *ahead > 0) {
            let ahead = u32::try_from(ahead).unwrap_or(u32::MAX);
            window.seen = window.seen.checked_shl(ahead).unwrap_or(0) | 1;
            window.highest = number;
            return false;
        }
        let behind = u32::try_from(window.highest - number).unwrap_or(u32::MAX);
        let Some(bit) = 1_u64.checked_shl(behind) else { return false };
        let known = window.seen & bit != 0;
        window.seen |= bit;
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_apart_by_epoch_and_64_back() {
        let mut replay = Replay::default();
        assert!(!replay.insert(0, 0));
        assert!(replay.insert(0, 0));
        assert!(!replay.insert(1, 0));
        assert!(!replay.insert(1, 70));
        assert!(!replay.insert(1, 69));
        assert!(replay.insert(1, 69));
        assert!(!replay.insert(1, 0), "too long ago to tell");
        assert!(replay.insert(0, 0));
        assert!(!replay.insert(2, u64::MAX));
        assert!(replay.insert(2, u64::MAX));
    }
}
