//! One peer connection with its handles, sockets and gathering.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use rtcspec_control::{Candidate, Event, StateKind};

use crate::connection::{ChannelKey, Connection, Found, Gathered, Happening, Outcome};
use crate::local_ports::{LocalPorts, PortPool};

/// How far the gathering of the current generation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gathering {
    New,
    Complete,
}

/// A connection and what the harness calls its parts.
#[derive(Debug)]
pub(crate) struct Peer<C> {
    pub(crate) connection: C,
    pub(crate) name: String,
    pub(crate) gathering: Gathering,
    ports: LocalPorts,
    channels: BTreeMap<ChannelKey, String>,
    accepted: usize,
    /// User fragment of the generation whose candidates were gathered.
    generation: Option<String>,
}

impl<C: Connection> Peer<C> {
    pub(crate) fn new(name: String, connection: C) -> Self {
        Self {
            connection,
            name,
            gathering: Gathering::New,
            ports: LocalPorts::default(),
            channels: BTreeMap::new(),
            accepted: 0,
            generation: None,
        }
    }

    pub(crate) fn owns(&self, local: SocketAddr) -> bool {
        self.ports.has(local)
    }

    pub(crate) fn name_channel(&mut self, key: ChannelKey, dc: &str) {
        self.channels.insert(key, dc.to_owned());
    }

    /// The machine's addresses are these now; candidates follow at once while a generation lives.
    pub(crate) fn follow_interfaces(
        &mut self,
        now: Instant,
        addresses: &[IpAddr],
        pool: &mut PortPool,
        events: &mut Vec<Event>,
    ) -> Outcome<()> {
        let (new, gone) = self.ports.follow(addresses, pool);
        for base in gone {
            self.connection.forget_local_address(now, base);
        }
        if self.generation.is_some() {
            for address in new {
                self.offer_candidate(now, Found::Host { address }, events)?;
            }
        }
        Ok(())
    }

    /// After a local description was set: a user fragment not seen before starts a generation.
    pub(crate) fn gather_if_new(&mut self, now: Instant, events: &mut Vec<Event>) -> Outcome<()> {
        let ufrag = self.attribute("a=ice-ufrag:");
        if ufrag.is_none() || ufrag == self.generation {
            return Ok(());
        }
        self.generation = ufrag;
        events.push(self.gathering_state("gathering"));
        for address in self.ports.all().collect::<Vec<_>>() {
            self.offer_candidate(now, Found::Host { address }, events)?;
        }
        self.connection.end_of_local_candidates(now);
        events.push(Event::Candidate { pc: self.name.clone(), candidate: None });
        self.gathering = Gathering::Complete;
        events.push(self.gathering_state("complete"));
        Ok(())
    }

    fn offer_candidate(
        &mut self,
        now: Instant,
        found: Found,
        events: &mut Vec<Event>,
    ) -> Outcome<()> {
        if let Gathered::Signal(candidate) = self.connection.local_candidate(now, found)? {
            let candidate = Candidate {
                candidate,
                sdp_mid: self.attribute("a=mid:"),
                sdp_m_line_index: Some(0),
                username_fragment: self.generation.clone(),
            };
            let pc = self.name.clone();
            events.push(Event::Candidate { pc, candidate: Some(candidate) });
        }
        Ok(())
    }

    fn gathering_state(&self, value: &str) -> Event {
        let pc = self.name.clone();
        Event::State { pc, which: StateKind::IceGathering, value: value.to_owned() }
    }

    /// First value of an attribute of the local description; both live in the first section,
    /// which is the bundle's (RFC 9143 §7.1.1).
    fn attribute(&self, prefix: &str) -> Option<String> {
        let text = self.connection.local_description()?;
        text.lines().find_map(|line| line.strip_prefix(prefix)).map(str::to_owned)
    }

    /// Puts a happening into the words of the contract; datagrams are the caller's.
    pub(crate) fn event(&mut self, happening: Happening) -> Option<Event> {
        let pc = self.name.clone();
        Some(match happening {
            Happening::Datagram { .. } => return None,
            Happening::State { which, value } => Event::State { pc, which, value },
            Happening::NegotiationNeeded => Event::Negotiationneeded { pc },
            Happening::SelectedPair(pair) => Event::SelectedPair { pc, pair },
            Happening::Channel { key, label, init } => {
                let dc = self.accept(key);
                Event::Channel {
                    dc,
                    label,
                    protocol: init.protocol,
                    ordered: init.ordered,
                    sid: init.id,
                    max_retransmits: init.max_retransmits,
                    max_packet_life_time: init.max_packet_life_time,
                }
            }
            Happening::Open { key, sid } => Event::Open { dc: self.handle(key), sid },
            Happening::Message { key, payload } => Event::Message { dc: self.handle(key), payload },
            Happening::Closed { key } => Event::Closed { dc: self.handle(key) },
            Happening::Error { key, name, message } => {
                let on = key.map_or(pc, |key| self.handle(key));
                Event::Error { on, name: name.to_owned(), message }
            }
            Happening::Log(text) => Event::Log { text },
        })
    }

    fn accept(&mut self, key: ChannelKey) -> String {
        let dc = format!("{}/r{}", self.name, self.accepted);
        self.accepted += 1;
        self.channels.insert(key, dc.clone());
        dc
    }

    /// A stack that speaks of a channel it never announced gets a handle that shows it.
    fn handle(&self, key: ChannelKey) -> String {
        self.channels.get(&key).cloned().unwrap_or_else(|| format!("{}/?{}", self.name, key.0))
    }
}
