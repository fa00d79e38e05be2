//! Remote candidates that came before the description they belong to (RFC 8838 §11, §16).

use super::candidate::RemoteCandidate;

/// Most that are kept.
const MAX_KEPT: usize = 64;

/// What signalling may bring.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trickled {
    Candidate(RemoteCandidate),
    /// RFC 8838 §13.
    End,
}

/// Candidates by the generation they name; without a name they belong to the next description.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    kept: Vec<(Option<String>, Trickled)>,
}

impl Waiting {
    pub(super) fn keep(&mut self, ufrag: Option<&str>, what: Trickled) {
        if self.kept.len() < MAX_KEPT {
            self.kept.push((ufrag.map(str::to_owned), what));
        }
    }

    /// Those of the generation whose description has come, in order. Others stay: theirs may come
    /// later.
    pub(super) fn take(&mut self, ufrag: &str) -> Vec<Trickled> {
        let due = |(name, _): &mut (Option<String>, Trickled)| {
            name.as_deref().is_none_or(|name| name == ufrag)
        };
        self.kept.extract_if(.., due).map(|(_, what)| what).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_wait_for_the_description_of_their_generation() {
        let mut waiting = Waiting::default();
        waiting.keep(Some("new"), Trickled::End);
        waiting.keep(None, Trickled::End);
        assert_eq!(waiting.take("old").len(), 1);
        assert_eq!(waiting.take("old").len(), 0);
        assert_eq!(waiting.take("new").len(), 1);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut waiting = Waiting::default();
        for _ in 0..1000 {
            waiting.keep(None, Trickled::End);
        }
        assert_eq!(waiting.take("x").len(), MAX_KEPT);
    }
}
