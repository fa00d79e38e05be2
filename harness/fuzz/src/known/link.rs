//! Two whole peers on one network, in virtual time, and whoever else sends to them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_peer::connection::{ChannelInit, Config, Event, Message, Peer, SdpType};
use rtcspec_peer::io::{Receive, Transmit};
use rtcspec_wire::demux::Protocol;

/// One way from peer to peer.
const LATENCY: Duration = Duration::from_millis(5);

/// Both peers, the network between them, and what they have told.
pub(super) struct Link {
    pub(super) peers: [Peer; 2],
    pub(super) now: Duration,
    pub(super) events: [Vec<Event>; 2],
    /// What was sent: by whom, where to, what.
    pub(super) log: Vec<(usize, SocketAddr, Vec<u8>)>,
    /// What the network loses.
    pub(super) loses: fn(&[u8]) -> bool,
    flying: BTreeMap<(Duration, u64), (usize, Receive)>,
    sent: u64,
}

impl Link {
    /// Two peers that know nothing of each other; the first has a channel to open.
    pub(super) fn new() -> Self {
        let peer = |number: u8| {
            let address = IpAddr::from([10, 0, 0, number]);
            let config = Config { interfaces: vec![address], ..Config::default() };
            Peer::new(Duration::ZERO, config, number.into())
                .expect("a configuration without servers is one")
        };
        let mut link = Self {
            peers: [peer(1), peer(2)],
            now: Duration::ZERO,
            events: [Vec::new(), Vec::new()],
            log: Vec::new(),
            loses: |_| false,
            flying: BTreeMap::new(),
            sent: 0,
        };
        let made = link.peers[0].create_data_channel(link.now, ChannelInit::reliable("chat"));
        debug_assert!(made.is_ok(), "{made:?}");
        link
    }

    /// An offer of the first and the answer of the second; descriptions of the first are edited.
    pub(super) fn negotiate(&mut self, edit: impl Fn(String) -> String) -> Result<(), String> {
        let now = self.now;
        let words = |error: rtcspec_peer::connection::Error| error.to_string();
        let [a, b] = &mut self.peers;
        let offer = a.create_offer(now, false).map_err(words)?;
        a.set_local_description(now, SdpType::Offer, &offer).map_err(words)?;
        b.set_remote_description(now, SdpType::Offer, &edit(offer)).map_err(words)?;
        let answer = b.create_answer(now).map_err(words)?;
        b.set_local_description(now, SdpType::Answer, &answer).map_err(words)?;
        a.set_remote_description(now, SdpType::Answer, &answer).map_err(words)
    }

    /// Two peers whose channel is open.
    pub(super) fn open() -> Self {
        let mut link = Self::new();
        let negotiated = link.negotiate(|offer| offer);
        debug_assert!(negotiated.is_ok(), "{negotiated:?}");
        link.run(Duration::from_secs(5));
        link
    }

    /// Bytes from an address to the first socket of a peer.
    pub(super) fn deliver(&mut self, to: usize, from: SocketAddr, data: Vec<u8>) {
        let local = self.log.iter().find(|(who, _, _)| *who == 1 - to).map(|(_, at, _)| *at);
        if let Some(local) = local {
            let now = self.now;
            self.peers[to].receive(now, Receive::Udp { local, remote: from, data });
            self.collect();
        }
    }

    /// True once both have told of the open channel.
    pub(super) fn is_open(&self) -> bool {
        let opened = |event: &Event| matches!(event, Event::Open { .. });
        self.events.iter().all(|events| events.iter().any(opened))
    }

    /// Sends a text from the first to the second: whether it arrives within five seconds.
    pub(super) fn says(&mut self, text: &str) -> bool {
        let channel = self.events[0].iter().find_map(|event| match event {
            Event::Open { channel, .. } => Some(*channel),
            _ => None,
        });
        let Some(channel) = channel else { return false };
        let message = Message::Text(text.to_owned());
        if self.peers[0].send(self.now, channel, message.clone()).is_err() {
            return false;
        }
        self.run(Duration::from_secs(5));
        let came =
            |event: &Event| matches!(event, Event::Message { message: m, .. } if *m == message);
        self.events[1].iter().any(came)
    }

    /// How many DTLS datagrams were sent.
    pub(super) fn dtls(&self) -> usize {
        let is = |data: &[u8]| Protocol::of(data) == Protocol::Dtls;
        self.log.iter().filter(|(_, _, data)| is(data)).count()
    }

    fn collect(&mut self) {
        loop {
            let mut is_silent = true;
            for from in 0..2 {
                while let Some(transmit) = self.peers[from].poll_transmit() {
                    self.fly(from, transmit);
                }
                while let Some(event) = self.peers[from].poll_event() {
                    is_silent = false;
                    if let Event::Candidate(candidate) = &event {
                        // One that comes before the description is in it.
                        let _ = self.peers[1 - from].add_ice_candidate(self.now, candidate.clone());
                    }
                    self.events[from].push(event);
                }
            }
            if is_silent {
                return;
            }
        }
    }

    fn fly(&mut self, from: usize, transmit: Transmit) {
        let Transmit::Udp { local, remote, data } = transmit else { return };
        self.log.push((from, remote, data.clone()));
        if !(self.loses)(&data) {
            self.sent += 1;
            let receive = Receive::Udp { local: remote, remote: local, data };
            self.flying.insert((self.now + LATENCY, self.sent), (1 - from, receive));
        }
    }

    /// Lets this much time pass.
    pub(super) fn run(&mut self, time: Duration) {
        let limit = self.now + time;
        self.collect();
        loop {
            let wake = self.peers.iter().filter_map(Peer::wake).min();
            let arrival = self.flying.first_key_value().map(|(&(time, _), _)| time);
            let next = wake.into_iter().chain(arrival).min().filter(|next| *next <= limit);
            let Some(next) = next else { break };
            self.now = self.now.max(next);
            match self.flying.first_entry().filter(|_| arrival == Some(next)) {
                Some(entry) => {
                    let (to, receive) = entry.remove();
                    self.peers[to].receive(self.now, receive);
                }
                None => {
                    let now = self.now;
                    self.peers.iter_mut().for_each(|peer| peer.advance(now));
                }
            }
            self.collect();
        }
        self.now = limit;
    }
}
