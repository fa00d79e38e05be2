//! A client on one five-tuple: requests with credentials, retransmissions, challenges.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_control::wall;
use rtcspec_wire::stun::{
    Attribute, AttributeType, Check, Class, Key, Message, Method, PasswordAlgorithm, Seal,
    TransactionId, View,
};
use rtcspec_wire::turn::ChannelDataView;

use crate::bench::Stop;
use crate::log::{Log, described};
use crate::target::{Credentials, Target};
use crate::wire::Wire;

/// RFC 8489 §6.2.1: 500 ms, doubled; fewer times than seven, as nobody waits 39.5 s here.
const TRIES: [Duration; 4] = [
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];
/// RFC 8489 §6.2.2 has 39.5 s for a stream.
const STREAM: Duration = Duration::from_secs(7);
/// How often one request is made again after challenges.
const CHALLENGES: usize = 3;

/// What the server told of its realm.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) realm: String,
    pub(crate) nonce: Vec<u8>,
    offered: Vec<PasswordAlgorithm>,
}

/// How a request is signed.
#[derive(Clone, Debug)]
pub(crate) struct Signature {
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) session: Session,
}

impl Signature {
    fn key(&self) -> (Key, bool) {
        let (user, realm) = (&self.username, &self.session.realm);
        if self.session.offered.contains(&PasswordAlgorithm::SHA256) {
            (Key::long_term_sha256(user, realm, &self.password), true)
        } else {
            let sha256 = !self.session.offered.is_empty();
            (Key::long_term(user, realm, &self.password), sha256)
        }
    }

    /// Adds what RFC 8489 §9.2.5 wants, and gives the bytes.
    pub(crate) fn sign(&self, mut message: Message) -> Result<Vec<u8>, Stop> {
        let session = &self.session;
        message = message
            .with(Attribute::Username(self.username.clone()))
            .with(Attribute::Realm(session.realm.clone()))
            .with(Attribute::Nonce(session.nonce.clone()));
        if let Some(first) = session.offered.first() {
            let sha256 = session.offered.contains(&PasswordAlgorithm::SHA256);
            let chosen = if sha256 { PasswordAlgorithm::SHA256 } else { first.clone() };
            message = message
                .with(Attribute::PasswordAlgorithms(session.offered.clone()))
                .with(Attribute::PasswordAlgorithm(chosen));
        }
        let (key, sha256) = self.key();
        let seal = Seal::none();
        let seal = if sha256 { seal.integrity_sha256(&key) } else { seal.integrity(&key) };
        message.encode(&seal).map_err(|error| Stop::Harness(error.to_string()))
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply(pub(crate) Vec<u8>);

impl Reply {
    pub(crate) fn view(&self) -> View<'_> {
        View::new(&self.0)
    }

    pub(crate) fn class(&self) -> Option<Class> {
        self.view().message_type().map(|ty| ty.class)
    }

    pub(crate) fn is_success(&self) -> bool {
        self.class() == Some(Class::SuccessResponse)
    }

    /// The error code; 0 of a success.
    pub(crate) fn code(&self) -> u16 {
        self.view().error_code().map_or(0, |error| error.code())
    }

    /// `success` or the error.
    pub(crate) fn told(&self) -> String {
        described(&self.0)
    }
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) wire: Wire,
    name: String,
    log: Log,
    credentials: Option<Credentials>,
    pub(crate) session: Option<Session>,
    inbox: VecDeque<Vec<u8>>,
}

fn io(error: &std::io::Error) -> Stop {
    match error.kind() {
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
            Stop::Wrong("the server closed the stream".to_owned())
        }
        _ => Stop::Network(error.to_string()),
    }
}

/// A transaction id nobody else has: servers remember them.
pub(crate) fn fresh_id() -> TransactionId {
    let mut id = [0; 12];
    // The standard library's seeds are random.
    let random = [RandomState::new().hash_one(0), RandomState::new().hash_one(1)];
    id[..8].copy_from_slice(&random[0].to_be_bytes());
    id[8..].copy_from_slice(&random[1].to_be_bytes()[..4]);
    TransactionId(id)
}

pub(crate) fn request(method: Method) -> Message {
    Message::request(method, fresh_id())
}

pub(crate) fn plain(message: &Message) -> Result<Vec<u8>, Stop> {
    message.encode(&Seal::none()).map_err(|error| Stop::Harness(error.to_string()))
}

impl Client {
    pub(crate) fn open(target: &Target, name: &str, log: &Log) -> Result<Self, Stop> {
        let wire = Wire::open(target).map_err(|error| io(&error))?;
        Ok(Self {
            wire,
            name: name.to_owned(),
            log: log.clone(),
            credentials: target.credentials.clone(),
            session: None,
            inbox: VecDeque::new(),
        })
    }

    pub(crate) fn local(&self) -> Result<SocketAddr, Stop> {
        self.wire.local().map_err(|error| io(&error))
    }

    /// Sends bytes once. Over a stream they are padded as RFC 8656 §12.5 says.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.log.say(&self.name, &format!("> {}", described(bytes)));
        let mut framed = bytes.to_vec();
        if self.wire.is_stream() {
            framed.resize(bytes.len().next_multiple_of(4), 0);
        }
        self.wire.send(&framed).map_err(|error| io(&error))
    }

    /// The next packet for which `wanted` holds; others wait.
    pub(crate) fn next(
        &mut self,
        within: Duration,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<Option<Vec<u8>>, Stop> {
        if let Some(place) = self.inbox.iter().position(|packet| wanted(packet)) {
            return Ok(self.inbox.remove(place));
        }
        let end = wall::now() + within;
        loop {
            let left = end.saturating_duration_since(wall::now());
            let got = self.wire.receive(left).map_err(|error| io(&error))?;
            let Some(packet) = got else { return Ok(None) };
            self.log.say(&self.name, &format!("< {}", described(&packet)));
            if wanted(&packet) {
                return Ok(Some(packet));
            }
            self.inbox.push_back(packet);
        }
    }

    /// Whether anything at all comes.
    pub(crate) fn hears(&mut self, within: Duration) -> Result<Option<Vec<u8>>, Stop> {
        self.next(within, |_| true)
    }

    /// Sends a request until there is an answer.
    pub(crate) fn exchange(&mut self, bytes: &[u8]) -> Result<Option<Reply>, Stop> {
        let id = View::new(bytes).transaction_id();
        let answers = |packet: &[u8]| {
            let view = View::new(packet);
            let is_response = view.message_type().is_some_and(|ty| ty.class.is_response());
            is_response && view.transaction_id() == id
        };
        if self.wire.is_stream() {
            self.send(bytes)?;
            return Ok(self.next(STREAM, answers)?.map(Reply));
        }
        for within in TRIES {
            self.send(bytes)?;
            if let Some(reply) = self.next(within, answers)? {
                return Ok(Some(Reply(reply)));
            }
        }
        Ok(None)
    }

    /// As [`Client::exchange`], and no answer ends the case.
    pub(crate) fn must(&mut self, bytes: &[u8]) -> Result<Reply, Stop> {
        self.exchange(bytes)?.ok_or_else(|| Stop::Silent(described(bytes)))
    }

    /// Takes over realm and nonce of a challenge.
    pub(crate) fn learn(&mut self, reply: &Reply) -> bool {
        let view = reply.view();
        let (Some(realm), Some(nonce)) = (view.realm(), view.nonce()) else { return false };
        let offered = Message::parse(&reply.0).ok().and_then(|message| {
            match message.attribute(AttributeType::PASSWORD_ALGORITHMS) {
                Some(Attribute::PasswordAlgorithms(list)) => Some(list.clone()),
                _ => None,
            }
        });
        self.session = Some(Session {
            realm: realm.to_owned(),
            nonce: nonce.to_vec(),
            offered: offered.unwrap_or_default(),
        });
        true
    }

    /// How a request is signed now; asks for a challenge first if there was none.
    pub(crate) fn signature(&mut self) -> Result<Signature, Stop> {
        if self.session.is_none() {
            let allocate = request(Method::ALLOCATE)
                .with(Attribute::RequestedTransport(rtcspec_wire::stun::REQUESTED_TRANSPORT_UDP));
            let challenge = self.must(&plain(&allocate)?)?;
            if !self.learn(&challenge) {
                let what = format!("no challenge with REALM and NONCE: {}", challenge.told());
                return Err(Stop::Wrong(what));
            }
        }
        let credentials = self.credentials.clone();
        let (Some(credentials), Some(session)) = (credentials, self.session.clone()) else {
            return Err(Stop::Harness("no credentials".to_owned()));
        };
        let Credentials { username, password } = credentials;
        Ok(Signature { username, password, session })
    }

    /// A signed request and its answer; challenges are taken up.
    pub(crate) fn ask(&mut self, mut message: Message) -> Result<Reply, Stop> {
        for _ in 0..CHALLENGES {
            let bytes = self.signature()?.sign(message.clone())?;
            let reply = self.must(&bytes)?;
            // RFC 8489 §9.2.5: a stale nonce is replaced.
            if reply.code() != 438 || !self.learn(&reply) {
                return Ok(reply);
            }
            message.id = fresh_id();
        }
        Err(Stop::Wrong(format!("438 {CHALLENGES} times in a row")))
    }

    /// Whether an answer is protected with the key of these credentials.
    pub(crate) fn is_genuine(&mut self, reply: &Reply) -> Result<bool, Stop> {
        let (key, sha256) = self.signature()?.key();
        let view = reply.view();
        let check =
            if sha256 { view.verify_integrity_sha256(&key) } else { view.verify_integrity(&key) };
        Ok(check == Check::Valid)
    }
}

/// The payload of a Data indication or of `ChannelData`.
pub(crate) fn payload(packet: &[u8]) -> Option<Vec<u8>> {
    let view = View::new(packet);
    let is_data = view.message_type().is_some_and(|ty| ty.method == Method::DATA);
    match view.data() {
        Some(data) if is_data => Some(data.to_vec()),
        _ if packet.first().is_some_and(|first| (0x40..0x50).contains(first)) => {
            Some(ChannelDataView::new(packet).data().to_vec())
        }
        _ => None,
    }
}
