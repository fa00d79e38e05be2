//! In which order steps and expectations come, as far as the file says.

use std::cmp::Ordering;
use std::time::Duration;

use crate::scenario::{Anchor, File, Step, When};

/// A point in time of a run. The start, the first connection and the first open channel come in
/// this order, but how far apart they are is not in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    root: Root,
    offset: Duration,
    /// Place in the file, for what is due at one time.
    place: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Root {
    Start,
    Connected,
    Open,
}

impl Moment {
    /// Which of two comes first; `None` if the file does not say.
    pub(super) fn against(self, other: Self) -> Option<Ordering> {
        let (root, offset) = (self.root.cmp(&other.root), self.offset.cmp(&other.offset));
        match (root, offset) {
            (Ordering::Equal, _) => Some(offset.then(self.place.cmp(&other.place))),
            // Something at the very start comes before all that counts from later points.
            (Ordering::Less, _) if self.root == Root::Start && self.offset.is_zero() => Some(root),
            (Ordering::Greater, _) if other.root == Root::Start && other.offset.is_zero() => {
                Some(root)
            }
            (Ordering::Less, Ordering::Less | Ordering::Equal) if self.root != Root::Start => {
                Some(root)
            }
            (Ordering::Greater, Ordering::Greater | Ordering::Equal)
                if other.root != Root::Start =>
            {
                Some(root)
            }
            _ => None,
        }
    }
}

/// When a step is due.
pub(super) fn of_step(file: &File, index: usize) -> Option<Moment> {
    let step = file.steps.get(index)?.get_ref();
    let mut moment = match (&step.at, &step.after) {
        (Some(at), _) => Moment { root: Root::Start, offset: at.0, place: 0 },
        (None, Some(after)) => of_text(&file.steps, index, after.get_ref())?,
        (None, None) => Moment { root: Root::Start, offset: Duration::ZERO, place: 0 },
    };
    moment.place = index;
    Some(moment)
}

/// From when on an expectation holds: after the step it names, and after all the steps of its time
/// if it adds to that or names none.
pub(super) fn of_expectation(file: &File, after: Option<&str>) -> Option<Moment> {
    let Some(text) = after else {
        return Some(Moment { root: Root::Start, offset: Duration::ZERO, place: usize::MAX });
    };
    let mut moment = of_text(&file.steps, file.steps.len(), text)?;
    let when = When::parse(text).ok()?;
    if !when.offset.is_zero() || !matches!(when.anchor, Anchor::Step(_)) {
        moment.place = usize::MAX;
    }
    Some(moment)
}

/// A text like `restart + 5s`, naming steps before `index` only.
fn of_text(steps: &[toml::Spanned<Step>], index: usize, text: &str) -> Option<Moment> {
    let when = When::parse(text).ok()?;
    let at = |root| Some(Moment { root, offset: when.offset, place: index });
    match when.anchor {
        Anchor::Start => at(Root::Start),
        Anchor::Connected => at(Root::Connected),
        Anchor::Open => at(Root::Open),
        // When something arrives is for the run to show.
        Anchor::Delivered(_) => None,
        Anchor::Step(name) => {
            let named = |step: &toml::Spanned<Step>| {
                step.get_ref().name.as_ref().is_some_and(|other| *other.get_ref() == name)
            };
            let place = steps[..index.min(steps.len())].iter().position(named)?;
            let step = steps[place].get_ref();
            let base = match (&step.at, &step.after) {
                (Some(at), _) => Moment { root: Root::Start, offset: at.0, place },
                (None, Some(after)) => of_text(steps, place, after.get_ref())?,
                (None, None) => Moment { root: Root::Start, offset: Duration::ZERO, place },
            };
            Some(Moment { offset: base.offset.checked_add(when.offset)?, place, ..base })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn moment(root: Root, seconds: u64) -> Moment {
        Moment { root, offset: Duration::from_secs(seconds), place: 0 }
    }

    #[test]
    fn only_what_the_file_orders_is_ordered() {
        let (start, connected, open) = (Root::Start, Root::Connected, Root::Open);
        let less = Some(Ordering::Less);
        assert_eq!(moment(start, 1).against(moment(start, 2)), less);
        assert_eq!(moment(start, 0).against(moment(open, 0)), less);
        assert_eq!(moment(connected, 3).against(moment(open, 3)), less);
        assert_eq!(moment(open, 3).against(moment(connected, 3)), Some(Ordering::Greater));
        assert_eq!(moment(connected, 4).against(moment(open, 3)), None);
        assert_eq!(moment(start, 9).against(moment(connected, 0)), None);
        assert_eq!(moment(connected, 0).against(moment(start, 9)), None);
    }
}
