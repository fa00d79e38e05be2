//! One datagram seen with two addresses: what crossed a box, and what did not.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use crate::watch::Path;

/// How much later a datagram may be seen on the other side of a box.
const WINDOW: Duration = Duration::from_millis(200);
/// Datagrams that are waited for at the same time.
const WAITING: usize = 8192;

/// A datagram where it was first seen, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Journey {
    pub(super) number: u64,
    pub(super) at: Duration,
    /// Its addresses, each time they changed.
    pub(super) paths: Vec<(u64, Path)>,
    digest: (u64, usize),
}

/// Datagrams under way.
#[derive(Debug, Default)]
pub(super) struct Crossings {
    /// In the order they were first seen; `first` is the number of the oldest.
    waiting: VecDeque<Journey>,
    first: usize,
    by_digest: BTreeMap<(u64, usize), usize>,
}

impl Crossings {
    /// Takes in a datagram; hands on the journeys that are over.
    pub(super) fn seen(
        &mut self,
        number: u64,
        at: Duration,
        path: Path,
        bytes: &[u8],
        mut over: impl FnMut(Journey),
    ) {
        while let Some(oldest) = self.waiting.front()
            && (at.saturating_sub(oldest.at) > WINDOW || self.waiting.len() >= WAITING)
        {
            self.leave(&mut over);
        }
        let digest = digest(bytes);
        let known = self.by_digest.get(&digest).and_then(|place| place.checked_sub(self.first));
        if let Some(journey) = known.and_then(|place| self.waiting.get_mut(place))
            && journey.goes_on(path)
        {
            if journey.paths.iter().all(|(_, known)| *known != path) {
                journey.paths.push((number, path));
            }
            return;
        }
        self.by_digest.insert(digest, self.first + self.waiting.len());
        self.waiting.push_back(Journey { number, at, paths: vec![(number, path)], digest });
    }

    fn leave(&mut self, over: &mut impl FnMut(Journey)) {
        let Some(journey) = self.waiting.pop_front() else { return };
        if self.by_digest.get(&journey.digest) == Some(&self.first) {
            self.by_digest.remove(&journey.digest);
        }
        self.first += 1;
        over(journey);
    }

    /// Hands on every journey that is left.
    pub(super) fn finish(&mut self, mut over: impl FnMut(Journey)) {
        while !self.waiting.is_empty() {
            self.leave(&mut over);
        }
    }
}

impl Journey {
    /// Whether this can be the same datagram further on: what was sent twice has the same two
    /// addresses again, what was answered has another content.
    fn goes_on(&self, path: Path) -> bool {
        let Some((_, last)) = self.paths.last() else { return false };
        let known = self.paths.iter().any(|(_, known)| *known == path);
        let translated = path.source == last.source || path.destination == last.destination;
        // A hairpin changes both: it goes to the box and comes back from it.
        let turned = path.destination != last.source && path.source != last.destination;
        known || translated || turned
    }
}

fn digest(bytes: &[u8]) -> (u64, usize) {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    (hasher.finish(), bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(source: u8, destination: u8) -> Path {
        let at = |host| ([192, 0, 2, host], 1000).into();
        Path { source: at(source), destination: at(destination) }
    }

    fn play(seen: &[(u64, Path, &[u8])]) -> Vec<Vec<Path>> {
        let mut crossings = Crossings::default();
        let mut over = Vec::new();
        for (number, (millis, path, bytes)) in (1..).zip(seen) {
            let at = Duration::from_millis(*millis);
            crossings.seen(number, at, *path, bytes, |journey| over.push(journey));
        }
        crossings.finish(|journey| over.push(journey));
        over.into_iter()
            .map(|journey| journey.paths.into_iter().map(|(_, path)| path).collect())
            .collect()
    }

    #[test]
    fn a_datagram_with_two_sources_went_out_through_a_box() {
        let paths = play(&[(0, path(1, 9), b"x"), (0, path(1, 9), b"x"), (1, path(5, 9), b"x")]);
        assert_eq!(paths, [[path(1, 9), path(5, 9)]]);
    }

    #[test]
    fn equal_content_long_after_is_another_datagram() {
        let paths =
            play(&[(0, path(9, 5), b"x"), (500, path(9, 5), b"x"), (501, path(9, 1), b"x")]);
        assert_eq!(paths, [vec![path(9, 5)], vec![path(9, 5), path(9, 1)]]);
    }

    #[test]
    fn what_is_held_stays_bounded() {
        let mut crossings = Crossings::default();
        let mut over = 0;
        for number in 0..100_000_u64 {
            let bytes = number.to_be_bytes();
            crossings.seen(number, Duration::ZERO, path(1, 9), &bytes, |_| over += 1);
        }
        assert!(crossings.waiting.len() <= WAITING && crossings.by_digest.len() <= WAITING);
        assert_eq!(over + crossings.waiting.len(), 100_000);
    }
}
