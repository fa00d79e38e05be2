//! Damaged captures: their exports are damaged alike.

use std::fs;

use rtcspec_capture::Given;
use rtcspec_suite::audit::{audit_capture, differences};

use super::{corpus, shape};

/// The generator called `SplitMix64`.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit.max(1) as u64) as usize
    }

    /// Bits flipped, bytes overwritten, stretches lost or repeated.
    fn damage(&mut self, file: &mut Vec<u8>) {
        for _ in 0..=self.below(12) {
            let at = self.below(file.len());
            match self.below(8) {
                0..=4 => file[at] ^= 1 << self.below(8),
                5 => file[at] = [0, 0xff, 1, 0x40][self.below(4)],
                6 => {
                    let end = (at + self.below(60)).min(file.len());
                    file.drain(at..end);
                }
                _ => {
                    let end = (at + self.below(900)).min(file.len());
                    let again = file[at..end].to_vec();
                    file.splice(end..end, again);
                }
            }
        }
    }
}

#[test]
fn a_damaged_capture_has_a_damaged_export() {
    let captures = corpus::all();
    let mut random = Random(7);
    let (mut wrong, mut compared) = (Vec::new(), 0);
    for round in 0..400 {
        let path = &captures[random.below(captures.len())];
        let folder = tempfile::tempdir().expect("a folder");
        let mut file = fs::read(path).expect("it reads");
        random.damage(&mut file);
        let damaged = folder.path().join("damaged.pcapng");
        fs::write(&damaged, &file).expect("written");
        // With what belongs to the original.
        let beside = corpus::opened(path).beside;
        let is_sdp = |path: &&std::path::PathBuf| path.extension().is_some_and(|end| end == "sdp");
        let given = Given {
            keys: beside.iter().filter(|path| !is_sdp(path)).cloned().collect(),
            signalling: beside.iter().filter(|path| is_sdp(path)).cloned().collect(),
        };
        let Some(exported) = corpus::exported_with(&damaged, &given, round) else { continue };
        let export = corpus::written(&exported, folder.path());
        let before = audit_capture("", corpus::opened_with(&damaged, &given));
        let after = audit_capture("", corpus::opened(&export));
        compared += 1;
        let found = differences(&before, &after);
        let other = shape::difference(
            corpus::opened_with(&damaged, &given),
            corpus::opened(&export),
            exported.told.lost,
        );
        if !found.is_empty() || other.is_some() {
            wrong.push(format!(
                "{round} {}: {found:#?} {}",
                corpus::name(path),
                other.unwrap_or_default()
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {compared}\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared > 350, "{compared}");
}
