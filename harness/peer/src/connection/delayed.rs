//! What a tamper hook has put off.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::tamper::Action;

/// Messages that go on at a later time, oldest first.
#[derive(Debug)]
pub(super) struct Delayed<T> {
    waiting: BTreeMap<(Duration, u64), T>,
    next: u64,
}

impl<T> Default for Delayed<T> {
    fn default() -> Self {
        Self { waiting: BTreeMap::new(), next: 0 }
    }
}

impl<T> Delayed<T> {
    /// When the first of them is due.
    pub(super) fn wake(&self) -> Option<Duration> {
        self.waiting.first_key_value().map(|(&(time, _), _)| time)
    }

    /// The first of them, if it is due.
    pub(super) fn pop(&mut self, now: Duration) -> Option<T> {
        let first = self.waiting.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    fn push(&mut self, time: Duration, message: T) {
        self.waiting.insert((time, self.next), message);
        self.next += 1;
    }

    /// What goes on at once, by the verdict of a hook on `message`.
    ///
    /// `replace` puts the raw replacement a hook gave into the place of the message's own content.
    pub(super) fn sort<R>(
        &mut self,
        now: Duration,
        message: T,
        verdict: Action<R>,
        replace: impl Fn(&T, R) -> T,
    ) -> Vec<T>
    where
        T: Clone,
    {
        match verdict {
            Action::Pass => vec![message],
            Action::Drop => Vec::new(),
            Action::Duplicate => vec![message.clone(), message],
            Action::Delay(time) => {
                self.push(now + time, message);
                Vec::new()
            }
            Action::Replace(others) => {
                others.into_iter().map(|other| replace(&message, other)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sort(delayed: &mut Delayed<u8>, verdict: Action<u8>) -> Vec<u8> {
        delayed.sort(Duration::from_secs(1), 7, verdict, |_, other| other)
    }

    #[test]
    fn verdicts_pass_drop_double_and_replace() {
        let mut delayed = Delayed::default();
        assert_eq!(sort(&mut delayed, Action::Pass), [7]);
        assert_eq!(sort(&mut delayed, Action::Drop), []);
        assert_eq!(sort(&mut delayed, Action::Duplicate), [7, 7]);
        assert_eq!(sort(&mut delayed, Action::Replace(vec![1, 2])), [1, 2]);
        assert_eq!(delayed.wake(), None);
    }

    #[test]
    fn delayed_messages_come_when_due_and_in_order_of_their_time() {
        let mut delayed = Delayed::default();
        let at = Duration::from_secs;
        assert_eq!(delayed.sort(at(1), 1, Action::Delay(at(3)), |_, o: u8| o), []);
        assert_eq!(delayed.sort(at(2), 2, Action::Delay(at(1)), |_, o: u8| o), []);
        assert_eq!(delayed.wake(), Some(at(3)));
        assert_eq!(delayed.pop(at(2)), None);
        assert_eq!(delayed.pop(at(4)), Some(2));
        assert_eq!(delayed.pop(at(4)), Some(1));
        assert_eq!(delayed.pop(at(4)), None);
    }
}
