//! A server behind a URL, as an implementation that can be cast: it answers an offer, and what it does
//! then is read on the wire.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rtcspec_control::outside::{Arrivals, Bell, OutsideEndpoint, Passed, Source};
use rtcspec_control::{
    Command, Feature, Hello, Implementation, Limits, Origin, Request, RequestId, SdpType, Site,
    SpawnContext, SpawnError, VirtualEndpoint,
};
use serde_json::{Value, json};
use url::Url;

use crate::address::{reach, towards};
use crate::exchange::{Answerer, Contract, ExchangeError};
use crate::peer::{Turn, told_of, turn};
use crate::trust::Trust;
use crate::wire::Wire;

/// The longest message that is read on the wire, and so the longest that may be sent to it.
const LARGEST: u64 = 256 << 10;
/// How long a connection to it may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// A server that answers offers at a URL, without an adapter.
#[derive(Debug)]
pub struct Bridge {
    hello: Hello,
    answerer: Arc<Answerer>,
    /// Its host and port.
    server: String,
    local: Vec<IpAddr>,
}

/// Why a server cannot be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BridgeError {
    /// It is no URL.
    #[error("read URL `{url}`: {reason}")]
    Url {
        /// What was to be one.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Something else than HTTP.
    #[error("read URL `{0}`: only `http://` and `https://` are spoken here")]
    Scheme(String),
    /// Nobody knows where it is.
    #[error("find {url}: {reason}")]
    Unknown {
        /// Where it should be.
        url: String,
        /// What the system says.
        reason: String,
    },
}

impl Bridge {
    /// A server that keeps a contract at a URL, and is believed to be itself if `trust` vouches for it
    /// where the URL is `https://`. `name` and `version` are how reports call it, and expectations.
    ///
    /// # Errors
    /// [`BridgeError`] if it is no URL of a server. Nobody is asked yet.
    pub fn new(
        name: &str,
        version: &str,
        url: &str,
        contract: Contract,
        trust: Trust,
    ) -> Result<Self, BridgeError> {
        let parsed = Url::parse(url)
            .map_err(|error| BridgeError::Url { url: url.to_owned(), reason: error.to_string() })?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(BridgeError::Scheme(url.to_owned()));
        }
        let (server, address) = resolve(&parsed)
            .map_err(|reason| BridgeError::Unknown { url: url.to_owned(), reason })?;
        let mut features =
            vec![Feature::WireOnly, Feature::DataChannel, Feature::Unordered, Feature::PrSctp];
        features.extend((contract == Contract::Offer).then_some(Feature::Echo));
        let hello = Hello {
            adapter: 1,
            implementation: name.to_owned(),
            version: version.to_owned(),
            commit: None,
            features: BTreeSet::from_iter(features),
            limits: Limits { max_message_size: Some(LARGEST), max_channels: None },
        };
        let answerer = Arc::new(Answerer::new(parsed, contract, trust));
        Ok(Self { hello, answerer, server, local: towards(address) })
    }

    /// The same under another name, to tell it from a built-in one.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.hello.implementation);
        self
    }
}

/// A server's host and port, and the first of its addresses.
fn resolve(url: &Url) -> Result<(String, SocketAddr), String> {
    let host = url.host_str().ok_or("it has no host")?;
    let port = url.port_or_known_default().ok_or("it has no port")?;
    let server = format!("{host}:{port}");
    let mut found = server.to_socket_addrs().map_err(|error| error.to_string())?;
    let first = found.next().ok_or("nobody is there")?;
    Ok((server, first))
}

impl Implementation for Bridge {
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
        let failed = |error: std::io::Error| SpawnError {
            implementation: self.hello.implementation.clone(),
            reason: format!("{}: {error}", self.server),
        };
        let turn = turn();
        // A server that is not there has done nothing wrong.
        drop(reach(&self.server, CONNECT).map_err(failed)?);
        self.answerer.greet().map_err(io::Error::other).map_err(failed)?;
        let arrivals = Arc::new(Arrivals::new(Arc::clone(bell)));
        let wire = Wire::new(self.local.clone(), &arrivals).map_err(failed)?;
        let desk = Desk::open(Arc::clone(&self.answerer), Arc::clone(&arrivals));
        let bridged = Bridged { wire, arrivals, desk, _turn: turn };
        Ok(Box::new(OutsideEndpoint::new(self.hello.clone(), bridged)))
    }
}

/// One run with a server.
struct Bridged {
    wire: Wire,
    arrivals: Arc<Arrivals>,
    /// Before the turn: a session is ended before somebody else's begins.
    desk: Desk,
    _turn: Turn,
}

impl Source for Bridged {
    const ORIGIN: Origin = Origin::Outside;

    fn first(&self) -> Option<Duration> {
        self.arrivals.first()
    }

    fn take(&mut self) -> Vec<Passed> {
        self.arrivals.clear();
        let mut found = Vec::new();
        found.extend(self.wire.troubles().into_iter().map(Passed::Trouble));
        found.extend(self.wire.packets().iter().map(|packet| Passed::Sent(BASE64.encode(packet))));
        found.extend(self.desk.said().iter().map(|said| Passed::Said(said.to_string())));
        found
    }

    fn ask(&mut self, line: &str) {
        let Ok(request) = Request::read(line) else { return };
        self.wire.open_all(told_of(&request.command));
        self.desk.ask(request);
    }

    fn receive(&mut self, packet: &[u8]) {
        self.wire.send(packet);
    }
}

/// Where a run's requests are dealt with, in a thread of its own: HTTP takes its time.
struct Desk {
    requests: Option<Sender<Request>>,
    said: Arc<Said>,
    clerk: Option<JoinHandle<()>>,
}

/// What is to be taken in.
struct Said {
    lines: Mutex<Vec<Value>>,
    arrivals: Arc<Arrivals>,
}

impl Said {
    fn say(&self, line: Value) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        self.arrivals.note();
    }
}

impl Desk {
    fn open(answerer: Arc<Answerer>, arrivals: Arc<Arrivals>) -> Self {
        let said = Arc::new(Said { lines: Mutex::default(), arrivals });
        let (requests, waiting) = channel::<Request>();
        let mut clerk = Clerk {
            answerer,
            said: Arc::clone(&said),
            pc: String::new(),
            answer: None,
            session: None,
        };
        let clerk = thread::spawn(move || {
            for Request { id, command } in waiting {
                let reply = clerk.reply(command);
                clerk.said.say(with_id(id, reply));
            }
            clerk.leave();
        });
        Self { requests: Some(requests), said, clerk: Some(clerk) }
    }

    fn ask(&self, request: Request) {
        if let Some(requests) = &self.requests {
            // The clerk ends with the desk only.
            let _ = requests.send(request);
        }
    }

    fn said(&self) -> Vec<Value> {
        std::mem::take(&mut *self.said.lines.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(clerk) = self.clerk.take() {
            let _ = clerk.join();
        }
    }
}

fn with_id(id: RequestId, mut reply: Value) -> Value {
    if let Value::Object(members) = &mut reply {
        members.insert("id".to_owned(), id.into());
    }
    reply
}

struct Clerk {
    answerer: Arc<Answerer>,
    said: Arc<Said>,
    /// Handle of the connection.
    pc: String,
    answer: Option<String>,
    /// Where the session is ended.
    session: Option<Url>,
}

impl Clerk {
    /// What is replied to a command, but for its number.
    fn reply(&mut self, command: Command) -> Value {
        match command {
            Command::New { pc, .. } => {
                self.pc = pc;
                json!({"ok": {}})
            }
            Command::Remote { desc, .. }
                if desc.kind == SdpType::Offer && self.answer.is_none() =>
            {
                self.offer(&desc.sdp)
            }
            Command::Answer { .. } | Command::Local { .. } => match &self.answer {
                Some(sdp) => json!({"ok": {"sdp": sdp}}),
                None => {
                    json!({"err": {"name": "InvalidStateError", "message": "nothing was offered"}})
                }
            },
            Command::Close { .. } => {
                self.leave();
                json!({"ok": {}})
            }
            other => json!({"unsupported": other.op()}),
        }
    }

    fn offer(&mut self, sdp: &str) -> Value {
        match self.answerer.offer(sdp) {
            Ok(answered) => {
                for broken in answered.broken {
                    self.said.say(error(&self.pc, "ContractError", &broken));
                }
                for remark in answered.remarks {
                    self.said.say(json!({"ev": "log", "text": remark}));
                }
                self.answer = Some(answered.sdp);
                self.session = answered.session;
                json!({"ok": {}})
            }
            Err(why @ ExchangeError::NotTaken { .. }) => json!({"unsupported": why.to_string()}),
            Err(why) => json!({"err": {"name": "NetworkError", "message": why.to_string()}}),
        }
    }

    /// Ends the session, if it has a place where that is done.
    fn leave(&mut self) {
        if let Some(session) = self.session.take()
            && let Err(why) = self.answerer.end(&session)
        {
            self.said.say(error(&self.pc, "NetworkError", &why.to_string()));
        }
    }
}

fn error(on: &str, name: &str, message: &str) -> Value {
    json!({"ev": "error", "on": on, "name": name, "message": message})
}
