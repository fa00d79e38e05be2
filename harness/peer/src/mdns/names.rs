//! Hiding our addresses behind names, and answering for them.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rtcspec_wire::dns::{
    Data, IN, Message, Name, PORT, Question, QuestionView, Record, RecordType, TOP_BIT, View,
};

use super::{datagram, group, is_plain};
use crate::io::Transmit;
use crate::rng::Rng;

/// RFC 6762 §10: for how many seconds others may keep a host's address.
const TTL: u32 = 120;
/// RFC 6762 §6.7: at most so many seconds for who does not hear when it changes.
const SIMPLE_TTL: u32 = 10;
/// RFC 6762 §8.3: at least two announcements, a second apart.
const ANNOUNCEMENTS: usize = 2;
const APART: Duration = Duration::from_secs(1);
/// Of a question: every class (RFC 1035 §3.2.5).
const ANY_CLASS: u16 = 255;

/// Our names and what they hide.
#[derive(Debug)]
pub(crate) struct Names {
    rng: Rng,
    own: Vec<Own>,
    out: VecDeque<Transmit>,
}

#[derive(Debug)]
struct Own {
    text: String,
    name: Name,
    address: IpAddr,
    announced: usize,
    /// When it was last told to everybody.
    told: Duration,
}

impl Names {
    pub(crate) fn new(rng: Rng) -> Self {
        Self { rng, own: Vec::new(), out: VecDeque::new() }
    }

    /// The name that stands for an address of ours, the same each time.
    pub(crate) fn of(&mut self, now: Duration, address: IpAddr) -> String {
        if let Some(own) = self.own.iter().find(|own| own.address == address) {
            return own.text.clone();
        }
        let text = format!("{}.local", uuid(&mut self.rng));
        if let Ok(name) = text.parse() {
            // draft-ietf-rtcweb-mdns-ice-candidates-04 §3.1.1: it is announced without probing.
            let own = Own { text: text.clone(), name, address, announced: 0, told: now };
            self.own.push(own);
            self.advance(now);
        }
        text
    }

    /// The machine's addresses are these now: names of others mean nothing any more.
    pub(crate) fn set_interfaces(&mut self, addresses: &[IpAddr]) {
        self.own.retain(|own| addresses.contains(&own.address));
    }

    /// Announces what is due.
    pub(crate) fn advance(&mut self, now: Duration) {
        for own in &mut self.own {
            if own.announcement().is_some_and(|at| at <= now) {
                own.announced += 1;
                own.told = now;
                self.out.extend(own.tell(TTL));
            }
        }
    }

    /// When [`advance`](Self::advance) wants to be called next.
    pub(crate) fn wake(&self) -> Option<Duration> {
        self.own.iter().filter_map(Own::announcement).min()
    }

    /// Whether a datagram to this address may be a question to us.
    pub(crate) fn listens(&self, local: SocketAddr) -> bool {
        local.port() == PORT
            && self.own.iter().any(|own| own.address == local.ip() || group(own.address) == local)
    }

    /// Answers a question, if it is one and is about a name of ours.
    pub(crate) fn receive(&mut self, now: Duration, remote: SocketAddr, data: &[u8]) {
        let view = View::new(data);
        let (Some(id), Some(flags)) = (view.id(), view.flags()) else { return };
        if view.is_response() != Some(false) || !is_plain(flags) {
            return;
        }
        // One message, one answer for each name, however often it asks.
        let mut asked = BTreeMap::new();
        for question in view.questions().map_while(Result::ok) {
            if let Some((own, question)) = self.asked(&question) {
                asked.entry(own).or_insert(question);
            }
        }
        for (own, question) in asked {
            self.answer(now, remote, id, own, question);
        }
    }

    /// Which of our names a question is about, if it can be answered.
    fn asked(&self, view: &QuestionView<'_>) -> Option<(usize, Question)> {
        let name = view.name.to_name().ok()?;
        let index = self.own.iter().position(|own| own.name == name)?;
        let kind = Data::from(self.own[index].address).kind();
        // RFC 6762 §6: type and class are those of the record, or any.
        let fits = [kind, RecordType::ANY].contains(&view.kind)
            && [IN, ANY_CLASS].contains(&(view.class & !TOP_BIT));
        let unicast = view.class & TOP_BIT != 0;
        fits.then_some((index, Question { name, kind: view.kind, unicast }))
    }

    fn answer(&mut self, now: Duration, remote: SocketAddr, id: u16, own: usize, asked: Question) {
        let own = &mut self.own[own];
        // RFC 6762 §6: responses come from the port of multicast DNS.
        let local = SocketAddr::new(own.address, PORT);
        if remote.port() != PORT {
            // RFC 6762 §6.7: a simple querier is answered as by a name server.
            let question = Question { unicast: false, ..asked };
            let answers = vec![Record { flush: false, ..own.record(SIMPLE_TTL) }];
            let message = Message { id, response: true, questions: vec![question], answers };
            self.out.extend(datagram(local, remote, &message));
        } else if asked.unicast && now < own.told + Duration::from_secs(u64::from(TTL / 4)) {
            // RFC 6762 §5.4: by unicast, unless everybody has not heard it for a quarter of its time.
            self.out.extend(datagram(local, remote, &Message::response(vec![own.record(TTL)])));
        } else {
            own.told = now;
            self.out.extend(own.tell(TTL));
        }
    }

    /// RFC 6762 §10.1: what is known of our names is to be forgotten.
    pub(crate) fn close(&mut self) {
        let own = std::mem::take(&mut self.own);
        self.out.extend(own.iter().filter_map(|own| own.tell(0)));
    }

    pub(crate) fn poll_transmit(&mut self) -> Option<Transmit> {
        self.out.pop_front()
    }
}

impl Own {
    fn announcement(&self) -> Option<Duration> {
        match self.announced {
            0 => Some(self.told),
            ANNOUNCEMENTS.. => None,
            _ => Some(self.told + APART),
        }
    }

    fn record(&self, ttl: u32) -> Record {
        // RFC 6762 §10.2: it is the only one of its name.
        Record { name: self.name.clone(), flush: true, ttl, data: self.address.into() }
    }

    /// Tells everybody on the link.
    fn tell(&self, ttl: u32) -> Option<Transmit> {
        let local = SocketAddr::new(self.address, PORT);
        datagram(local, group(self.address), &Message::response(vec![self.record(ttl)]))
    }
}

/// RFC 9562 §5.4: a UUID of version 4, all of it random but for version and variant.
fn uuid(rng: &mut Rng) -> String {
    let mut bytes: [u8; 16] = rng.bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}
