//! A peer elsewhere, as an implementation that can be cast.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rtcspec_control::line::LineError;
use rtcspec_control::outside::{Arrivals, Bell, OutsideEndpoint, Passed, Source};
use rtcspec_control::{
    Answer, Command, Hello, Implementation, Message, Origin, Reply, ReplyBody, Request, Site,
    SpawnContext, SpawnError, VirtualEndpoint, line, wall,
};
use rtcspec_wire::candidate::udp_sockets;
use serde_json::json;

use crate::conversation::Conversation;
use crate::hub::Guest;
use crate::passage::Passage;
use crate::wire::Wire;

/// How long a peer may take to say who it is.
const HELLO: Duration = Duration::from_secs(60);

/// Runs take turns on this machine's addresses: the ports of a run follow from its seed, and two
/// runs may have the same.
static TURN: Mutex<()> = Mutex::new(());

/// Held for as long as a run has this machine's addresses.
pub(crate) type Turn = MutexGuard<'static, ()>;

/// Waits until nobody else has this machine's addresses.
pub(crate) fn turn() -> Turn {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A peer elsewhere, with which one run after the other is played.
#[derive(Debug)]
pub struct Remote {
    hello: Hello,
    guest: Arc<Guest>,
    local: Vec<IpAddr>,
}

/// Why a peer elsewhere cannot take part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteError {
    /// It said nothing, or is gone.
    #[error("it did not answer `hello` within {} s{}", HELLO.as_secs(), gone(.0.as_deref()))]
    Silent(Option<String>),
    /// It said something else.
    #[error("it answered `hello` with {0}")]
    Hello(String),
}

fn gone(why: Option<&str>) -> String {
    why.map_or(String::new(), |why| format!(": {why}"))
}

impl Remote {
    /// Asks a peer who it is. `local` are the addresses of this machine at which it reaches us.
    ///
    /// # Errors
    /// [`RemoteError`] if it does not say.
    pub fn new(guest: Arc<Guest>, local: Vec<IpAddr>) -> Result<Self, RemoteError> {
        let conversation = &guest.conversation;
        conversation.say(r#"{"id":1,"op":"hello"}"#);
        let until = wall::now() + HELLO;
        while let Some(said) = conversation.next(until.saturating_duration_since(wall::now())) {
            match line::read(&said, |id| (id == 1).then_some(Answer::Hello)) {
                Ok(Message::Reply(Reply { body: ReplyBody::Hello(hello), .. })) => {
                    return Ok(Self { hello, guest, local });
                }
                // PEERCTL.md §1 and §2: what is no object is a log, and events come at any time.
                Ok(Message::Event(_)) | Err(LineError::NoObject { .. }) if wall::now() < until => {}
                _ => return Err(RemoteError::Hello(said)),
            }
        }
        Err(RemoteError::Silent(conversation.ended()))
    }

    /// The same under another name, to tell it from a built-in one.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.hello.implementation);
        self
    }
}

impl Implementation for Remote {
    fn hello(&self) -> Hello {
        self.hello.clone()
    }

    fn spawn(&self, context: SpawnContext) -> Result<Box<dyn VirtualEndpoint>, SpawnError> {
        self.spawn_outside(context, &[], &Arc::new(Bell::default()))
    }

    fn origin(&self) -> Origin {
        Origin::Outside
    }

    fn site(&self) -> Site {
        Site::Elsewhere(self.local.clone())
    }

    fn spawn_outside(
        &self,
        _context: SpawnContext,
        _interfaces: &[Vec<IpAddr>],
        bell: &Arc<Bell>,
    ) -> Result<Box<dyn VirtualEndpoint>, SpawnError> {
        let failed = |reason: String| SpawnError {
            implementation: self.hello.implementation.clone(),
            reason,
        };
        if let Some(reason) = self.guest.conversation.ended() {
            return Err(failed(format!("it is gone: {reason}")));
        }
        let turn = turn();
        let arrivals = Arc::new(Arrivals::new(Arc::clone(bell)));
        let wire = Wire::new(self.local.clone(), &arrivals).map_err(|e| failed(e.to_string()))?;
        let passage = Passage::new(self.guest.conversation.begin_run(&arrivals));
        let conversation = Arc::clone(&self.guest.conversation);
        let live = Live { conversation, wire, arrivals, passage, ended: false, _turn: turn };
        Ok(Box::new(OutsideEndpoint::new(self.hello.clone(), live)))
    }
}

/// One run with a peer elsewhere.
struct Live {
    conversation: Arc<Conversation>,
    wire: Wire,
    arrivals: Arc<Arrivals>,
    passage: Passage,
    /// That it is gone was told.
    ended: bool,
    /// Last, so that the sockets are closed before somebody else has the turn.
    _turn: Turn,
}

impl Source for Live {
    const ORIGIN: Origin = Origin::Outside;

    fn first(&self) -> Option<Duration> {
        self.arrivals.first()
    }

    fn take(&mut self) -> Vec<Passed> {
        self.arrivals.clear();
        let mut found = Vec::new();
        found.extend(self.wire.troubles().into_iter().map(Passed::Trouble));
        found.extend(self.wire.packets().iter().map(|packet| Passed::Sent(BASE64.encode(packet))));
        let lines = self.conversation.lines();
        found.extend(lines.iter().filter_map(|line| self.passage.inward(line)).map(Passed::Said));
        if !self.ended
            && let Some(reason) = self.conversation.ended()
        {
            self.ended = true;
            let crash = json!({"ev": "error", "on": "", "name": "Crash", "message": reason});
            found.push(Passed::Said(crash.to_string()));
        }
        found
    }

    fn ask(&mut self, line: &str) {
        if let Ok(Request { command, .. }) = Request::read(line) {
            self.wire.open_all(told_of(&command));
        }
        self.conversation.say(&self.passage.out(line));
    }

    fn receive(&mut self, packet: &[u8]) {
        self.wire.send(packet);
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.conversation.end_run();
    }
}

/// The addresses a request tells a peer of, to which it may send from then on.
pub(crate) fn told_of(command: &Command) -> Vec<SocketAddr> {
    match command {
        Command::Remote { desc, .. } => udp_sockets(&desc.sdp),
        Command::Candidate { candidate: Some(candidate), .. } => udp_sockets(&candidate.candidate),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn what_a_peer_says_before_it_answers_hello_is_no_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut adapter = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let guest = crate::accept_lines(&listener).unwrap();
        let hello = r#"{"id":1,"ok":{"adapter":1,"impl":"x","version":"1","features":[]}}"#;
        let said = format!("{{ level: 'info' }}\n{{\"ev\":\"log\",\"text\":\"up\"}}\n{hello}\n");
        adapter.write_all(said.as_bytes()).unwrap();
        let remote = Remote::new(Arc::new(guest), Vec::new()).unwrap();
        assert_eq!(remote.hello.implementation, "x");
    }

    #[test]
    fn sockets_are_those_that_a_description_or_a_candidate_tells_of() {
        let host = "candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host";
        let told = |request: serde_json::Value| {
            told_of(&Request::read(&request.to_string()).unwrap().command)
        };
        let sdp = format!("v=0\r\na={host}\r\na=mid:0\r\n");
        let desc = json!({"type": "offer", "sdp": sdp});
        let address: SocketAddr = "192.0.2.7:50000".parse().unwrap();
        assert_eq!(told(json!({"id": 1, "op": "remote", "pc": "b", "desc": desc})), [address]);
        let one = json!({"candidate": host});
        let request = json!({"id": 1, "op": "candidate", "pc": "b", "candidate": one});
        assert_eq!(told(request), [address]);
        assert!(told(json!({"id": 1, "op": "candidate", "pc": "b", "candidate": null})).is_empty());
    }
}
