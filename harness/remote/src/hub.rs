//! The sessions there are, and who carries each.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, RandomState};
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rtcspec_control::wall;
use serde::Deserialize;
use serde_json::Value;

use crate::conversation::{Conversation, Ear, Voice};
use crate::session::{Fault, Kind, Session};

/// How long a session waits for its next connection.
const GRACE: Duration = Duration::from_secs(60);
/// Most sessions at once.
const MOST: usize = 32;

/// The first frame of a connection.
#[derive(Debug, Deserialize)]
pub(crate) struct Greeting {
    /// Version of the contract.
    peerctl: u32,
    /// The session to go on with; a new one without it.
    #[serde(default)]
    session: Option<String>,
    /// The last message that was seen of it.
    #[serde(default)]
    seen: u64,
    /// What a page wishes.
    #[serde(default)]
    page: Value,
}

/// Why a connection is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("this speaks peerctl 1, not {0}")]
    Version(u32),
    #[error("that session is over")]
    Over,
    #[error("{MOST} sessions are there already")]
    Full,
    #[error("{0}")]
    Fault(#[from] Fault),
}

/// Somebody who has connected for the first time.
#[derive(Debug)]
pub struct Guest {
    /// What is said with it.
    pub conversation: Arc<Conversation>,
    /// The address of ours it has connected to, and its own.
    pub met: (SocketAddr, SocketAddr),
    /// What a page wishes; null for an adapter without one.
    pub wish: Value,
    carried: Option<Arc<Carried>>,
}

impl Guest {
    /// Somebody whose connection cannot be replaced by another.
    pub(crate) fn once(conversation: Arc<Conversation>, met: (SocketAddr, SocketAddr)) -> Self {
        Self { conversation, met, wish: Value::Null, carried: None }
    }

    /// Says something to the page around the adapter, if there is one.
    pub fn show(&self, what: Value) {
        if let Some(carried) = &self.carried {
            carried.say(Kind::Page, what);
        }
    }

    /// Waits until everything that was said has been seen; whether it was.
    #[must_use]
    pub fn wait_seen(&self, patience: Duration) -> bool {
        const PAUSE: Duration = Duration::from_millis(20);
        let Some(carried) = &self.carried else { return true };
        let begin = wall::now();
        while carried.lock().session.after(0).next().is_some() {
            if begin.elapsed() > patience {
                return false;
            }
            thread::sleep(PAUSE);
        }
        true
    }
}

impl Drop for Guest {
    /// Ends the session, and gives its connection a moment to say so.
    fn drop(&mut self) {
        const MOMENT: Duration = Duration::from_secs(1);
        const PAUSE: Duration = Duration::from_millis(5);
        let Some(carried) = &self.carried else { return };
        carried.end("the session is over");
        let begin = wall::now();
        while carried.lock().waker.is_some() && begin.elapsed() < MOMENT {
            thread::sleep(PAUSE);
        }
    }
}

/// All sessions.
#[derive(Debug)]
pub struct Hub {
    sessions: Mutex<BTreeMap<String, Arc<Carried>>>,
    guests: Mutex<Sender<Guest>>,
}

impl Hub {
    /// None yet; whoever comes is told by the other end.
    #[must_use]
    pub fn new() -> (Arc<Self>, Receiver<Guest>) {
        let (guests, coming) = channel();
        (Arc::new(Self { sessions: Mutex::default(), guests: Mutex::new(guests) }), coming)
    }

    /// A connection greets: begins a session, or goes on with one.
    pub(crate) fn join(
        &self,
        greeting: Greeting,
        met: (SocketAddr, SocketAddr),
        waker: UnixStream,
    ) -> Result<Carrier, Refusal> {
        if greeting.peerctl != 1 {
            return Err(Refusal::Version(greeting.peerctl));
        }
        let known = greeting.session.as_ref().map(|id| self.lock().get(id).cloned());
        let (id, carried) = match (greeting.session, known) {
            (Some(id), Some(Some(carried))) => (id, carried),
            (Some(_), _) => return Err(Refusal::Over),
            (None, _) => self.begin(greeting.page, met)?,
        };
        let mut state = carried.lock();
        if state.over {
            return Err(Refusal::Over);
        }
        state.session.was_seen(greeting.seen)?;
        Ok(state.carried_by(Arc::clone(&carried), id, greeting.seen, waker))
    }

    fn begin(
        &self,
        wish: Value,
        met: (SocketAddr, SocketAddr),
    ) -> Result<(String, Arc<Carried>), Refusal> {
        let mut sessions = self.lock();
        if sessions.len() >= MOST {
            return Err(Refusal::Full);
        }
        let id = fresh_id();
        let carried = Arc::new(Carried::default());
        sessions.insert(id.clone(), Arc::clone(&carried));
        drop(sessions);
        let voice = Box::new(Speaking(Arc::clone(&carried)));
        let conversation = Arc::new(Conversation::new(Arc::clone(&carried.ear), voice));
        let guest = Guest { conversation, met, wish, carried: Some(Arc::clone(&carried)) };
        // Nobody takes guests any more when this fails.
        let _ = self.guests.lock().unwrap_or_else(PoisonError::into_inner).send(guest);
        Ok((id, carried))
    }

    /// Ends the sessions that nobody has come back to, and forgets those that are over.
    pub(crate) fn tidy(&self) {
        self.lock().retain(|_, carried| {
            let state = carried.lock();
            let late = state.lost.is_some_and(|lost| lost.elapsed() > GRACE);
            let over = state.over;
            drop(state);
            if late {
                let secs = GRACE.as_secs();
                carried.end(format!("its connection was lost and none came within {secs} s"));
            }
            !late && !over
        });
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Carried>>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name that nobody guesses.
fn fresh_id() -> String {
    let part = || RandomState::new().hash_one(std::process::id());
    format!("{:016x}{:016x}", part(), part())
}

/// A session, whichever connection carries it.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    state: Mutex<State>,
    pub(crate) ear: Arc<Ear>,
}

#[derive(Debug, Default)]
struct State {
    session: Session,
    /// Which connection carries it, counted from 1.
    connection: u64,
    /// Since when none does.
    lost: Option<Instant>,
    waker: Option<UnixStream>,
    over: bool,
}

impl Carried {
    fn say(&self, kind: Kind, body: Value) {
        let mut state = self.lock();
        let said = state.session.say(kind, body);
        state.wake();
        drop(state);
        if let Err(fault) = said {
            self.end(fault.to_string());
        }
    }

    fn end(&self, reason: impl Into<String>) {
        self.ear.end(reason);
        let mut state = self.lock();
        state.over = true;
        state.wake();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Another connection carries it from now on. Whichever did before sees that it does not.
    fn carried_by(
        &mut self,
        carried: Arc<Carried>,
        id: String,
        sent: u64,
        waker: UnixStream,
    ) -> Carrier {
        self.connection += 1;
        self.lost = None;
        self.waker = Some(waker);
        let (connection, told) = (self.connection, self.session.seen());
        Carrier { id, carried, connection, sent, told }
    }

    fn wake(&mut self) {
        if let Some(waker) = &mut self.waker {
            // One that is full wakes as well.
            let _ = waker.write(&[0]);
        }
    }
}

/// The adapter's side of a session, as a voice.
pub(crate) struct Speaking(pub(crate) Arc<Carried>);

impl Voice for Speaking {
    fn say(&mut self, line: &str) {
        // Requests are objects; a line that is none is for a peer's lint, which has no session.
        if let Ok(body) = serde_json::from_str(line) {
            self.0.say(Kind::Peerctl, body);
        }
    }
}

/// What the one that was connected to says first.
#[derive(Debug, Deserialize)]
pub(crate) struct Welcome {
    #[serde(default)]
    session: String,
    #[serde(default)]
    seen: u64,
    /// Instead of the others: there is nothing to come back to.
    #[serde(default)]
    pub(crate) over: Option<String>,
}

impl Carried {
    /// The first frame of the one that connects.
    pub(crate) fn greeting(&self, session: Option<&str>) -> String {
        match session {
            None => serde_json::json!({"peerctl": 1}),
            Some(id) => {
                let seen = self.lock().session.seen();
                serde_json::json!({"peerctl": 1, "session": id, "seen": seen})
            }
        }
        .to_string()
    }

    /// A connection of ours was welcomed.
    pub(crate) fn welcomed(
        self: &Arc<Self>,
        welcome: Welcome,
        waker: UnixStream,
    ) -> Result<Carrier, Fault> {
        let mut state = self.lock();
        state.session.was_seen(welcome.seen)?;
        Ok(state.carried_by(Arc::clone(self), welcome.session, welcome.seen, waker))
    }
}

/// One connection's hold on a session.
#[derive(Debug)]
pub(crate) struct Carrier {
    /// Name of the session.
    pub(crate) id: String,
    carried: Arc<Carried>,
    connection: u64,
    /// The last message that was sent over this connection.
    sent: u64,
    /// The last message whose arrival was told over it.
    told: u64,
}

impl Carrier {
    /// The first frame of ours.
    pub(crate) fn greeting(&self) -> String {
        let seen = self.carried.lock().session.seen();
        serde_json::json!({"session": self.id, "seen": seen}).to_string()
    }

    /// At most so many frames that were not sent yet; none at all once the session is over or
    /// carried by another connection.
    pub(crate) fn outgoing(&mut self, most: usize) -> Option<Vec<String>> {
        let state = self.carried.lock();
        if state.over || state.connection != self.connection {
            return None;
        }
        let fresh = state.session.after(self.sent).take(most);
        let (numbers, frames): (Vec<u64>, Vec<String>) =
            fresh.map(|(number, text)| (number, text.to_owned())).unzip();
        self.sent = numbers.last().copied().unwrap_or(self.sent);
        Some(frames)
    }

    /// A frame came.
    pub(crate) fn incoming(&self, frame: &str) -> Result<(), Fault> {
        let mut state = self.carried.lock();
        if state.connection != self.connection {
            // What an older connection still brings comes again over the newer one.
            return Ok(());
        }
        let heard = state.session.hear(frame)?;
        // Before the lock is given back: the order is the session's.
        if let Some((Kind::Peerctl, body)) = heard {
            self.carried.ear.hear(body.to_string());
        }
        Ok(())
    }

    /// The frame that tells what has arrived; it also shows that we are here.
    pub(crate) fn acknowledgement(&mut self) -> String {
        let state = self.carried.lock();
        self.told = state.session.seen();
        state.session.acknowledgement()
    }

    /// That frame, if something has arrived since the last one.
    pub(crate) fn news(&mut self) -> Option<String> {
        let fresh = self.carried.lock().session.seen() > self.told;
        fresh.then(|| self.acknowledgement())
    }

    /// Whether another connection carries the session.
    pub(crate) fn is_replaced(&self) -> bool {
        self.carried.lock().connection != self.connection
    }

    /// The other side says that it will not come back.
    pub(crate) fn farewell(&self) {
        if !self.is_replaced() {
            self.carried.end("it was closed");
        }
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        let mut state = self.carried.lock();
        if state.connection == self.connection {
            state.lost = Some(wall::now());
            state.waker = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn greeting(text: &str) -> Greeting {
        serde_json::from_str(text).unwrap()
    }

    fn join(hub: &Hub, text: &str) -> Result<Carrier, Refusal> {
        let somewhere = SocketAddr::from(([127, 0, 0, 1], 1));
        let waker = UnixStream::pair().unwrap().0;
        hub.join(greeting(text), (somewhere, somewhere), waker)
    }

    #[test]
    fn a_session_goes_on_over_the_next_connection_and_the_older_one_is_out() {
        let (hub, guests) = Hub::new();
        let mut first = join(&hub, r#"{"peerctl":1}"#).unwrap();
        let guest = guests.recv().unwrap();
        guest.conversation.say(r#"{"id":1,"op":"hello"}"#);
        guest.show(json!({"waiting": 1}));
        assert_eq!(first.outgoing(1).unwrap(), [r#"{"n":1,"peerctl":{"id":1,"op":"hello"}}"#]);
        first.incoming(r#"{"n":1,"seen":1,"peerctl":{"id":1,"ok":{}}}"#).unwrap();
        let again = format!(r#"{{"peerctl":1,"session":"{}","seen":1}}"#, first.id);
        let mut second = join(&hub, &again).unwrap();
        assert_eq!(first.outgoing(9), None);
        assert_eq!(second.outgoing(9).unwrap(), [r#"{"n":2,"page":{"waiting":1}}"#]);
        // The acknowledgement was lost, so the other side says it again.
        second.incoming(r#"{"n":1,"peerctl":{"id":1,"ok":{}}}"#).unwrap();
        assert_eq!(guest.conversation.lines(), [r#"{"id":1,"ok":{}}"#]);
        drop(first);
        assert!(second.carried.lock().lost.is_none());
    }

    #[test]
    fn who_is_gone_is_told_and_does_not_come_back() {
        let (hub, guests) = Hub::new();
        let first = join(&hub, r#"{"peerctl":1}"#).unwrap();
        let guest = guests.recv().unwrap();
        let again = format!(r#"{{"peerctl":1,"session":"{}"}}"#, first.id);
        first.farewell();
        assert_eq!(guest.conversation.ended().as_deref(), Some("it was closed"));
        assert_eq!(join(&hub, &again).unwrap_err(), Refusal::Over);
        hub.tidy();
        assert!(hub.lock().is_empty());
    }

    #[test]
    fn who_asks_for_another_contract_or_too_much_is_refused() {
        let (hub, _guests) = Hub::new();
        assert_eq!(join(&hub, r#"{"peerctl":2}"#).unwrap_err(), Refusal::Version(2));
        let all: Vec<Carrier> =
            (0..MOST).map(|_| join(&hub, r#"{"peerctl":1}"#).unwrap()).collect();
        assert_eq!(join(&hub, r#"{"peerctl":1}"#).unwrap_err(), Refusal::Full);
        assert_eq!(all.len(), MOST);
    }
}
