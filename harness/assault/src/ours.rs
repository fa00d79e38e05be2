//! Our side: the reference peer with its sockets, by the wall's clock.

use std::cell::RefCell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rtcspec_control::wall;
use rtcspec_peer::connection::{
    ChannelId, ChannelInit, Config, ConnectionState, Error, Event, Message, Peer,
};
use rtcspec_peer::io::{Receive, Transmit};
use rtcspec_peer::jsep::IceCandidate;
use rtcspec_peer::tamper::Injection;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::hand::{Hand, stream_message};
use crate::input::Input;
use crate::layer::Layer;

/// The label of the channel that carries the probes.
pub(crate) const LABEL: &str = "probe";
/// Texts kept that arrived.
const KEPT: usize = 16;
/// Datagrams read from a socket in one go.
const AT_ONCE: usize = 64;
/// The longest datagram there is.
const LARGEST: usize = 65_535;

/// Our peer in one session.
pub(crate) struct Ours {
    pub(crate) peer: Peer,
    hand: Rc<RefCell<Hand>>,
    sockets: BTreeMap<SocketAddr, UdpSocket>,
    begin: Instant,
    /// The channel that carries the probes, and whether it is open.
    pub(crate) channel: Option<ChannelId>,
    pub(crate) open: bool,
    /// Candidates to be told of, and whether there are no more.
    pub(crate) candidates: Vec<IceCandidate>,
    pub(crate) gathered: bool,
    /// What arrived on the channel.
    heard: VecDeque<String>,
    closed: bool,
    buffer: Vec<u8>,
}

impl Ours {
    pub(crate) fn new(address: IpAddr, seed: u64, inputs: &[Input]) -> Result<Self, Error> {
        let hand = Rc::new(RefCell::new(Hand::new(inputs)));
        let config = Config { interfaces: vec![address], ..Config::default() };
        let tamper = Box::new(Rc::clone(&hand));
        Ok(Self {
            peer: Peer::with_tamper(Duration::ZERO, config, seed, tamper)?,
            hand,
            sockets: BTreeMap::new(),
            begin: wall::now(),
            channel: None,
            open: false,
            candidates: Vec::new(),
            gathered: false,
            heard: VecDeque::new(),
            closed: false,
            buffer: vec![0; LARGEST],
        })
    }

    pub(crate) fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    pub(crate) fn create_channel(&mut self) -> Result<(), Error> {
        let now = self.now();
        self.channel = Some(self.peer.create_data_channel(now, ChannelInit::reliable(LABEL))?);
        Ok(())
    }

    pub(crate) fn say(&mut self, text: &str) {
        let now = self.now();
        if let Some(channel) = self.channel {
            // A channel that has closed meanwhile shows in other ways.
            let _ = self.peer.send(now, channel, Message::Text(text.to_owned()));
        }
    }

    pub(crate) fn has_heard(&self, text: &str) -> bool {
        self.heard.iter().any(|heard| heard == text)
    }

    /// How the session ended for us, if it did.
    pub(crate) fn ended(&self) -> Option<String> {
        let aborted = self.hand.borrow().aborted.clone();
        let state = self.peer.connection_state();
        let over = matches!(state, ConnectionState::Failed | ConnectionState::Closed);
        aborted
            .or_else(|| over.then(|| format!("our connection is {}", state.word())))
            .or_else(|| self.closed.then(|| "it closed the channel".to_owned()))
    }

    /// Sends an input of a session that is connected.
    pub(crate) fn slip_in(&mut self, input: &Input) {
        let bytes = self.hand.borrow().sealed(input);
        let checked = self.hand.borrow().checked.clone();
        let injection = match (input.layer, checked) {
            (Layer::Stun, Some(checked)) => {
                let (local, remote) = (checked.local, checked.remote);
                Injection::Datagram { local, remote, data: bytes }
            }
            (Layer::Sctp, _) => Injection::Sctp(bytes),
            (Layer::Dcep, _) => Injection::Message(stream_message(input)),
            _ => Injection::Transport(bytes),
        };
        let now = self.now();
        self.peer.inject(now, injection);
        self.drain();
    }

    /// Waits for the network, at most this long, and does what is due.
    pub(crate) fn turn(&mut self, patience: Duration) {
        let wake = self.peer.wake().map_or(patience, |wake| wake.saturating_sub(self.now()));
        self.wait(patience.min(wake));
        for (local, remote, data) in self.arrived() {
            let now = self.now();
            self.peer.receive(now, Receive::Udp { local, remote, data });
            self.drain();
        }
        let now = self.now();
        if self.peer.wake().is_some_and(|wake| wake <= now) {
            self.peer.advance(now);
        }
        self.drain();
    }

    fn wait(&self, patience: Duration) {
        let mut ready: Vec<PollFd<'_>> = self
            .sockets
            .values()
            .map(|socket| PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN))
            .collect();
        let patience = Timespec { tv_sec: 0, tv_nsec: patience.subsec_nanos().into() };
        // Interrupted: the next turn waits again.
        let _ = poll(&mut ready, Some(&patience));
    }

    fn arrived(&mut self) -> Vec<(SocketAddr, SocketAddr, Vec<u8>)> {
        let mut all = Vec::new();
        for (local, socket) in &self.sockets {
            for _ in 0..AT_ONCE {
                match socket.recv_from(&mut self.buffer) {
                    Ok((length, remote)) => {
                        all.push((*local, remote, self.buffer[..length].to_vec()));
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    // About a datagram that was sent: no end of a socket.
                    Err(_) => {}
                }
            }
        }
        all
    }

    /// Sends what the peer wants sent and takes what it tells.
    pub(crate) fn drain(&mut self) {
        while let Some(event) = self.peer.poll_event() {
            self.take(event);
        }
        while let Some(transmit) = self.peer.poll_transmit() {
            // No servers and no TCP candidates: nothing else is sent.
            if let Transmit::Udp { local, remote, data } = transmit
                && let Some(socket) = self.socket(local)
            {
                // As on any network: it may be lost.
                let _ = socket.send_to(&data, remote);
            }
        }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Candidate(Some(candidate)) => {
                if let Some(address) = place(&candidate.candidate) {
                    self.socket(address);
                }
                self.candidates.push(candidate);
            }
            Event::Candidate(None) => self.gathered = true,
            Event::Channel { channel, init } if init.label == LABEL && self.channel.is_none() => {
                self.channel = Some(channel);
            }
            Event::Open { channel, .. } if self.channel == Some(channel) => self.open = true,
            Event::Closed(channel) if self.channel == Some(channel) => self.closed = true,
            Event::Message { channel, message: Message::Text(text) }
                if self.channel == Some(channel) =>
            {
                self.heard.push_back(text);
                if self.heard.len() > KEPT {
                    self.heard.pop_front();
                }
            }
            _ => {}
        }
    }

    fn socket(&mut self, local: SocketAddr) -> Option<&mut UdpSocket> {
        match self.sockets.entry(local) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(place) => {
                let socket = UdpSocket::bind(local).ok()?;
                socket.set_nonblocking(true).ok()?;
                Some(place.insert(socket))
            }
        }
    }
}

/// The socket of a host candidate, by RFC 8839 §5.1: foundation, component, transport, priority,
/// address, port.
fn place(candidate: &str) -> Option<SocketAddr> {
    let mut words = candidate.split(' ').skip(4);
    Some(SocketAddr::new(words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}
