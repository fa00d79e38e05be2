//! Lines of peerctl/1 to and from a peer, however they travel.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rtcspec_control::outside::Arrivals;
use rtcspec_control::wall;

/// Most lines, and bytes of them, that may wait to be taken in.
const MOST: usize = 16_384;
const MOST_BYTES: usize = 256 << 20;

/// Takes lines to a peer.
pub(crate) trait Voice: Send {
    /// Sends a line, or keeps it for later. What goes wrong is told by the ear.
    fn say(&mut self, line: &str);
}

/// What a peer has said and nobody has taken in yet.
#[derive(Debug, Default)]
pub(crate) struct Ear {
    state: Mutex<Heard>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Heard {
    lines: VecDeque<String>,
    bytes: usize,
    /// Why nothing more will come.
    ended: Option<String>,
    /// Whom to tell.
    arrivals: Option<Arc<Arrivals>>,
}

impl Ear {
    /// A line came; it is lost if nobody listens any more.
    pub(crate) fn hear(&self, line: String) {
        let mut state = self.lock();
        if state.ended.is_some() {
            return;
        }
        if state.lines.len() >= MOST || state.bytes + line.len() > MOST_BYTES {
            drop(state);
            return self.end("it says more than can be taken in");
        }
        state.bytes += line.len();
        state.lines.push_back(line);
        self.tell(state);
    }

    /// Nothing more will come. The first reason counts.
    pub(crate) fn end(&self, reason: impl Into<String>) {
        let mut state = self.lock();
        state.ended.get_or_insert_with(|| reason.into());
        self.tell(state);
    }

    /// Why nothing more will come, once everything was taken in.
    pub(crate) fn ended(&self) -> Option<String> {
        let state = self.lock();
        state.ended.clone().filter(|_| state.lines.is_empty())
    }

    fn tell(&self, state: MutexGuard<'_, Heard>) {
        let arrivals = state.arrivals.clone();
        drop(state);
        self.changed.notify_all();
        if let Some(arrivals) = arrivals {
            arrivals.note();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A conversation with a peer.
pub struct Conversation {
    ear: Arc<Ear>,
    voice: Mutex<Box<dyn Voice>>,
    /// Runs that were played over it.
    runs: Mutex<u64>,
}

impl std::fmt::Debug for Conversation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Conversation").field("ear", &self.ear).finish_non_exhaustive()
    }
}

impl Conversation {
    pub(crate) fn new(ear: Arc<Ear>, voice: Box<dyn Voice>) -> Self {
        Self { ear, voice: Mutex::new(voice), runs: Mutex::new(0) }
    }

    /// Sends a line.
    pub(crate) fn say(&self, line: &str) {
        self.voice.lock().unwrap_or_else(PoisonError::into_inner).say(line);
    }

    /// The next line, if one comes in time.
    pub(crate) fn next(&self, patience: Duration) -> Option<String> {
        let until = wall::now() + patience;
        let mut state = self.ear.lock();
        loop {
            if let Some(line) = state.lines.pop_front() {
                state.bytes -= line.len();
                return Some(line);
            }
            let left = until.saturating_duration_since(wall::now());
            if state.ended.is_some() || left.is_zero() {
                return None;
            }
            let waited = self.ear.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// All lines that have come.
    pub(crate) fn lines(&self) -> Vec<String> {
        let mut state = self.ear.lock();
        state.bytes = 0;
        state.lines.drain(..).collect()
    }

    /// A run begins: its number, counted from 1. It is told of what comes from now on.
    pub(crate) fn begin_run(&self, arrivals: &Arc<Arrivals>) -> u64 {
        self.ear.lock().arrivals = Some(Arc::clone(arrivals));
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        *runs += 1;
        *runs
    }

    /// A run has ended.
    pub(crate) fn end_run(&self) {
        self.ear.lock().arrivals = None;
    }

    /// Why the peer will say nothing more, once all was taken in that it said.
    #[must_use]
    pub fn ended(&self) -> Option<String> {
        self.ear.ended()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Mute;

    impl Voice for Mute {
        fn say(&mut self, _line: &str) {}
    }

    #[test]
    fn lines_are_taken_in_before_the_end_is_told() {
        let ear = Arc::new(Ear::default());
        let conversation = Conversation::new(Arc::clone(&ear), Box::new(Mute));
        ear.hear("one".to_owned());
        ear.end("over");
        ear.end("later");
        ear.hear("lost".to_owned());
        assert_eq!(conversation.ended(), None);
        assert_eq!(conversation.next(Duration::from_secs(9)).as_deref(), Some("one"));
        assert_eq!(conversation.next(Duration::from_secs(9)), None);
        assert_eq!(conversation.ended().as_deref(), Some("over"));
    }

    #[test]
    fn a_peer_that_says_too_much_is_not_listened_to() {
        let ear = Ear::default();
        for _ in 0..=MOST {
            ear.hear(String::new());
        }
        assert_eq!(ear.lock().ended.as_deref(), Some("it says more than can be taken in"));
    }
}
