//! Packet indices: RFC 3711 §3.3.1 and §3.3.2.

/// The highest index of a source, and which of the 64 up to it were there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Window {
    highest: u64,
    /// Bit n: `highest - n` was there. Zero before the first.
    seen: u64,
}

impl Window {
    /// The index with these low sixteen bits that is nearest to the highest. The first packet of a
    /// source has the rollover counter 0.
    pub(crate) fn estimate(&self, sequence: u16) -> u64 {
        let low = u64::from(sequence);
        if self.seen == 0 {
            return low;
        }
        let (roc, last) = (self.highest >> 16, self.highest & 0xffff);
        // RFC 3711 appendix A: the rollover counter that brings the index within 2^15.
        let roc = if last < 0x8000 {
            if low > last + 0x8000 { roc.saturating_sub(1) } else { roc }
        } else if low + 0x8000 < last {
            roc + 1
        } else {
            roc
        };
        roc << 16 | low
    }

    /// Takes an index in; whether it was there before. One too old to tell counts as new.
    pub(crate) fn insert(&mut self, index: u64) -> bool {
        if self.seen == 0 || index > self.highest {
            let ahead = if self.seen == 0 { 64 } else { index - self.highest };
            let kept = u32::try_from(ahead).ok().and_then(|ahead| self.seen.checked_shl(ahead));
            self.seen = kept.unwrap_or(0) | 1;
            self.highest = index;
            return false;
        }
        let behind = self.highest - index;
        let bit = u32::try_from(behind).ok().and_then(|behind| 1_u64.checked_shl(behind));
        let Some(bit) = bit else { return false };
        let known = self.seen & bit != 0;
        self.seen |= bit;
        known
    }

    /// The highest index, if there was any.
    pub(crate) fn highest(&self) -> Option<u64> {
        (self.seen != 0).then_some(self.highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(index: u64) -> Window {
        let mut window = Window::default();
        window.insert(index);
        window
    }

    #[test]
    fn sixteen_bits_mean_the_nearest_index() {
        assert_eq!(Window::default().estimate(0xffff), 0xffff);
        assert_eq!(after(0xfffe).estimate(0xffff), 0xffff);
        assert_eq!(after(0xffff).estimate(0), 0x1_0000);
        assert_eq!(after(0x1_0000).estimate(0xffff), 0xffff);
        assert_eq!(after(0x2_0001).estimate(0xfff0), 0x1_fff0);
        // There is nothing before the first turn of the counter.
        assert_eq!(after(1).estimate(0xffff), 0xffff);
    }

    #[test]
    fn what_was_there_before_is_told_64_indices_back() {
        let mut window = Window::default();
        assert!(!window.insert(100));
        assert!(window.insert(100));
        assert!(!window.insert(102));
        assert!(!window.insert(101));
        assert!(window.insert(101));
        assert!(window.insert(100));
        assert!(!window.insert(1000));
        assert!(!window.insert(102), "too long ago to tell");
        assert_eq!(window.highest(), Some(1000));
    }
}
