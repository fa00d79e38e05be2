//! Random decisions as a pure function of who decides what for the how-manieth time.
//!
//! There is no stream to share: adding an element, or a decision, changes no other.

/// What is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Purpose {
    Loss = 1,
    LossState = 2,
    Duplicate = 3,
    Reorder = 4,
    Corrupt = 5,
    CorruptWhere = 6,
    Jitter = 7,
    Port = 8,
    Pool = 9,
    Tcp = 10,
}

/// Where an element's randomness comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Draws {
    key: u64,
}

impl Draws {
    /// The randomness of the element whose name hashes to `element`, in one of its directions.
    pub(crate) fn new(seed: u64, element: u64, direction: u64) -> Self {
        Self { key: mix(mix(seed, element), direction) }
    }

    /// 64 random bits for the `ordinal`-th decision of this kind.
    pub(crate) fn bits(self, purpose: Purpose, ordinal: u64) -> u64 {
        mix(mix(self.key, purpose as u64), ordinal)
    }

    /// Whether something of this probability happens.
    pub(crate) fn happens(self, purpose: Purpose, ordinal: u64, probability: f64) -> bool {
        // 53 bits are what an f64 holds exactly, so that 1.0 always and 0.0 never happens.
        let unit = (self.bits(purpose, ordinal) >> 11) as f64 / (1u64 << 53) as f64;
        unit < probability
    }

    /// A number below `bound`; 0 if that is 0.
    pub(crate) fn below(self, purpose: Purpose, ordinal: u64, bound: u64) -> u64 {
        ((u128::from(self.bits(purpose, ordinal)) * u128::from(bound)) >> 64) as u64
    }
}

/// Two rounds of the finaliser of Steele, Lea and Flood's `SplitMix64` over both words.
fn mix(a: u64, b: u64) -> u64 {
    finalise(
        finalise(a.wrapping_add(0x9e37_79b9_7f4a_7c15)) ^ b.wrapping_mul(0xd134_2543_de82_ef95),
    )
}

fn finalise(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certain_things_happen_and_impossible_ones_do_not() {
        let draws = Draws::new(1, 2, 3);
        for n in 0..1000 {
            assert!(draws.happens(Purpose::Loss, n, 1.0));
            assert!(!draws.happens(Purpose::Loss, n, 0.0));
            assert!(draws.below(Purpose::Port, n, 7) < 7);
        }
        assert_eq!(draws.below(Purpose::Port, 0, 0), 0);
    }

    #[test]
    fn purposes_elements_and_directions_are_independent() {
        let same = |a: Draws, b: Draws| {
            let agree = |n: &u64| {
                a.happens(Purpose::Loss, *n, 0.5) == b.happens(Purpose::Duplicate, *n, 0.5)
            };
            (0..10_000).filter(agree).count()
        };
        for other in
            [Draws::new(1, 1, 0), Draws::new(1, 2, 0), Draws::new(2, 1, 0), Draws::new(1, 1, 1)]
        {
            let agreed = same(Draws::new(1, 1, 0), other);
            assert!((4_800..5_200).contains(&agreed), "{agreed}");
        }
    }
}
