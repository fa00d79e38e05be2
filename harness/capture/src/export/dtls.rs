//! DTLS: records that open are changed and sealed anew under other secrets, so that the secrets of
//! an export open nothing of its original; the others become noise after their headers.

use std::collections::{BTreeMap, BTreeSet};

use rtcspec_srtp::{Context, Profile};
use rtcspec_trace::secrets::{Association, Closed, KeyLog, Opened};
use rtcspec_wire::dtls::{
    ContentType, HandshakeFragment, HandshakeFragments, HandshakeType, PlaintextRecord,
    ProtocolVersion, Reassembler, Record, Records, ServerHelloView,
};

use super::book::Book;
use super::datagram::{Flow, Path, Rewriter};
use super::draft::{Draft, place};
use super::handshake;
use super::sctp::{self, Ppids};

/// Associations that are followed.
const ASSOCIATIONS: usize = 4096;
/// Associations that are tried for a record that is not of its flow's own.
const TRIED: usize = 32;
/// Messages of one type, number and length that are told apart.
const ALIKE: usize = 64;

/// One association, as it was and as it is told.
#[derive(Debug, Default)]
pub(super) struct Known {
    opening: Association,
    sealing: Association,
    /// By sender: what opens, what seals.
    media: Option<Box<[[Context; 2]; 2]>>,
    ppids: Ppids,
}

/// The client's and the server's number in an association.
const CLIENT: usize = 0;

/// Which association a flow has.
#[derive(Clone, Copy, Debug)]
struct Bound {
    association: usize,
    /// Whether its client is the lower address.
    client_is_low: bool,
}

impl Bound {
    const fn end(self, upwards: bool) -> usize {
        if upwards == self.client_is_low { CLIENT } else { 1 - CLIENT }
    }
}

/// A handshake message by type, number and length.
type Alike = (u8, u16, u32);

/// All associations.
#[derive(Debug, Default)]
pub(super) struct Dtls {
    keys: KeyLog,
    other_keys: KeyLog,
    /// Client randoms of associations in the capture, as they were.
    pub(super) randoms: BTreeSet<[u8; 32]>,
    known: Vec<Known>,
    bound: BTreeMap<Flow, Bound>,
    reassemblers: BTreeMap<(Flow, bool), Reassembler>,
    /// Of messages whose fragments take several paths.
    strewn: BTreeMap<Alike, Reassembler>,
    /// Whole messages and what replaces each: the first reading collects them, the second finds
    /// there what a fragment is a part of.
    messages: BTreeMap<Alike, Vec<[Vec<u8>; 2]>>,
}

impl Dtls {
    /// With secrets, and those in their place.
    pub(super) fn new(keys: KeyLog, other_keys: KeyLog) -> Self {
        Self { keys, other_keys, ..Self::default() }
    }

    /// After the first reading: everything but the messages is found again.
    pub(super) fn again(&mut self) {
        self.known.clear();
        self.bound.clear();
        self.reassemblers.clear();
        self.strewn.clear();
    }

    /// Whether a flow has an association.
    pub(super) fn has(&self, flow: &Flow) -> bool {
        self.bound.contains_key(flow)
    }

    fn bind(&mut self, flow: &Flow, association: usize, end: usize, upwards: bool) {
        let client_is_low = upwards == (end == CLIENT);
        self.bound.insert(flow.clone(), Bound { association, client_is_low });
    }

    /// A `ClientHello`: it begins an association, or is sent again.
    fn greeted(&mut self, book: &Book, flow: &Flow, upwards: bool, random: [u8; 32]) {
        self.randoms.insert(random);
        let known = self.known.iter().rposition(|one| one.opening.client_random == Some(random));
        if known.is_none() && self.known.len() >= ASSOCIATIONS {
            return;
        }
        let at = known.unwrap_or_else(|| {
            let mut one = Known::default();
            one.opening.client_hello(CLIENT, random);
            one.sealing.client_hello(CLIENT, handshake::random(&book.noise, random));
            self.known.push(one);
            self.known.len() - 1
        });
        self.bind(flow, at, CLIENT, upwards);
    }

    /// A `ServerHello`, and the one in its place.
    fn answered(&mut self, flow: &Flow, upwards: bool, body: &[u8], other: &[u8]) {
        let (Ok(hello), Ok(other)) = (ServerHelloView::read(body), ServerHelloView::read(other))
        else {
            return;
        };
        // The greeting may have come on another flow of the same connection.
        let greeted = self
            .bound
            .get(flow)
            .map(|bound| bound.association)
            .or_else(|| self.known.iter().rposition(|one| one.opening.server_random.is_none()));
        let greeted = greeted.and_then(|at| self.known.get(at));
        let randoms = |one: &Known| one.opening.client_random.zip(one.sealing.client_random);
        let Some(client) = greeted.and_then(randoms) else { return };
        // A client that greets again with the same random may be answered by another handshake.
        let fits = |one: &Known| {
            let theirs = one.opening.server_random;
            one.opening.client_random == Some(client.0)
                && (theirs.is_none() || theirs == Some(*hello.random))
        };
        let at = match self.known.iter().rposition(fits) {
            Some(at) => at,
            None if self.known.len() < ASSOCIATIONS => {
                let mut one = Known::default();
                one.opening.client_hello(CLIENT, client.0);
                one.sealing.client_hello(CLIENT, client.1);
                self.known.push(one);
                self.known.len() - 1
            }
            None => return,
        };
        self.known[at].opening.server_hello(&hello);
        self.known[at].sealing.server_hello(&other);
        self.bind(flow, at, 1 - CLIENT, upwards);
    }

    /// Who may have sent something in a flow: an association and an end of it, the likeliest first.
    fn candidates(&self, flow: &Flow, upwards: bool) -> Vec<(usize, usize)> {
        let own = self.bound.get(flow).map(|bound| (bound.association, bound.end(upwards)));
        let others = (0..self.known.len()).rev().flat_map(|at| [(at, 0), (at, 1)]);
        let others = others.filter(|one| Some(*one) != own).take(2 * TRIED);
        own.into_iter().chain(others).collect()
    }

    /// Opens a record: says whose it is.
    fn open(
        &mut self,
        flow: &Flow,
        upwards: bool,
        record: &Record<'_>,
        content: &mut Vec<u8>,
    ) -> Option<(usize, usize, Opened)> {
        for (nth, (at, end)) in self.candidates(flow, upwards).into_iter().enumerate() {
            let opening = &mut self.known.get_mut(at)?.opening;
            match opening.open(&self.keys, end, record, content) {
                Ok(opened) => {
                    self.bind(flow, at, end, upwards);
                    return Some((at, end, opened));
                }
                // The flow's own association, and it can never open: the others are none of its.
                Err(Closed::NoSecret | Closed::Suite(_) | Closed::Version(_))
                    if nth == 0 && self.bound.contains_key(flow) =>
                {
                    return None;
                }
                Err(_) => {}
            }
        }
        None
    }

    fn is_modern(&self, flow: &Flow) -> bool {
        let one = self.bound.get(flow).and_then(|bound| self.known.get(bound.association));
        one.is_some_and(|one| one.opening.version == Some(ProtocolVersion::DTLS_1_3))
    }
}

impl Rewriter {
    /// A datagram of records in the place of another.
    pub(super) fn dtls(&mut self, path: &Path, bytes: &[u8]) -> Vec<u8> {
        let (flow, upwards) = path.flow();
        let mut draft = Draft::new(&self.book.noise, bytes);
        for record in Records::new(bytes) {
            match &record {
                Record::Plaintext(plain) if plain.epoch == 0 => {
                    self.plaintext(&flow, upwards, bytes, plain, &mut draft);
                }
                Record::Malformed { bytes: rest, .. } => {
                    // Enough to be as malformed.
                    draft.keep(&rest[..rest.len().min(PlaintextRecord::HEADER_LENGTH)]);
                }
                _ => self.encrypted(&flow, upwards, bytes, &record, &mut draft),
            }
        }
        draft.finish()
    }

    fn plaintext(
        &mut self,
        flow: &Flow,
        upwards: bool,
        bytes: &[u8],
        record: &PlaintextRecord<'_>,
        draft: &mut Draft<'_>,
    ) {
        draft.keep(header(bytes, record));
        let content = record.content;
        let other = match record.content_type {
            ContentType::HANDSHAKE => self.handshake(flow, upwards, 0, content),
            ContentType::ALERT | ContentType::CHANGE_CIPHER_SPEC | ContentType::ACK => {
                content.to_vec()
            }
            _ => self.book.noise.bytes("unknown", content),
        };
        draft.put(content, &other);
    }

    fn encrypted(
        &mut self,
        flow: &Flow,
        upwards: bool,
        bytes: &[u8],
        record: &Record<'_>,
        draft: &mut Draft<'_>,
    ) {
        let (head, sealed) = match record {
            Record::Plaintext(record) => (header(bytes, record), record.content),
            Record::Unified(record) => (record.header, record.encrypted),
            Record::Malformed { .. } => return,
        };
        let mut content = Vec::new();
        let opened = self.dtls.open(flow, upwards, record, &mut content);
        let Some((at, end, opened)) = opened else {
            self.book.told.closed[0] += 1;
            draft.keep(head);
            return;
        };
        let other = self.content(flow, upwards, (at, end), &opened, &content);
        let Dtls { known, other_keys, .. } = &mut self.dtls;
        let sealing = &mut known[at].sealing;
        match sealing.seal(other_keys, end, record, &opened, &other) {
            Some(whole) => {
                self.book.told.sealed[0] += 1;
                draft.put(head, &whole[..head.len()]);
                draft.put(sealed, &whole[head.len()..]);
            }
            None => {
                self.book.told.closed[0] += 1;
                draft.keep(head);
            }
        }
    }

    /// What a record held, replaced.
    fn content(
        &mut self,
        flow: &Flow,
        upwards: bool,
        (at, end): (usize, usize),
        opened: &Opened,
        content: &[u8],
    ) -> Vec<u8> {
        match opened.content_type {
            ContentType::HANDSHAKE => self.handshake(flow, upwards, opened.epoch, content),
            ContentType::ALERT | ContentType::CHANGE_CIPHER_SPEC | ContentType::ACK => {
                content.to_vec()
            }
            ContentType::APPLICATION_DATA => {
                let ppids = &mut self.dtls.known[at].ppids;
                sctp::packet(&mut self.book, ppids, end, content)
            }
            _ => self.book.noise.bytes("unknown", content),
        }
    }

    /// Handshake fragments in the place of others.
    fn handshake(&mut self, flow: &Flow, upwards: bool, epoch: u64, content: &[u8]) -> Vec<u8> {
        let mut draft = Draft::new(&self.book.noise, content);
        let mut end = 0;
        for fragment in HandshakeFragments::new(content).map_while(Result::ok) {
            let head = &content[end..end + HandshakeFragment::HEADER_LENGTH];
            draft.keep(head);
            end += head.len() + fragment.body.len();
            if epoch == 0
                && fragment.msg_type == HandshakeType::CLIENT_HELLO
                && fragment.fragment_offset == 0
                && let Some(random) = fragment.body.get(2..34).and_then(|r| r.try_into().ok())
            {
                self.dtls.greeted(&self.book, flow, upwards, random);
            }
            self.learn(flow, upwards, epoch, &fragment);
            let other = self.fragment(flow, &fragment);
            draft.put(fragment.body, &other);
        }
        // What is no fragment stays none.
        draft.keep(&content[end..content.len().min(end + HandshakeFragment::HEADER_LENGTH)]);
        draft.finish()
    }

    /// Puts fragments together, and notes what a whole message says.
    fn learn(&mut self, flow: &Flow, upwards: bool, epoch: u64, fragment: &HandshakeFragment<'_>) {
        let Dtls { reassemblers, strewn, .. } = &mut self.dtls;
        let reassembler = reassemblers.entry((flow.clone(), upwards)).or_default();
        let mut whole = reassembler.insert(fragment).ok().flatten();
        let alike = (fragment.msg_type.0, fragment.message_seq, fragment.length);
        if whole.is_none() {
            whole = strewn.entry(alike).or_default().insert(fragment).ok().flatten();
        }
        let Some(whole) = whole else { return };
        let modern = self.dtls.is_modern(flow);
        let (msg_type, body) = (whole.msg_type, whole.body);
        let other = handshake::message(&mut self.book, msg_type, &body, modern);
        match msg_type {
            HandshakeType::SERVER_HELLO if epoch == 0 => {
                self.dtls.answered(flow, upwards, &body, &other);
            }
            HandshakeType::ENCRYPTED_EXTENSIONS => {
                let bound = self.dtls.bound.get(flow).map(|bound| bound.association);
                if let Some(one) = bound.and_then(|at| self.dtls.known.get_mut(at)) {
                    one.opening.encrypted_extensions(&body);
                    one.sealing.encrypted_extensions(&other);
                }
            }
            _ => {}
        }
        let known = self.dtls.messages.entry(alike).or_default();
        match known.iter().position(|[before, _]| *before == body) {
            Some(at) => known[at][1] = other,
            None if known.len() < ALIKE => known.push([body, other]),
            None => {}
        }
    }

    /// A fragment of the message that it is a part of; of none that is known, as much as it tells.
    fn fragment(&mut self, flow: &Flow, fragment: &HandshakeFragment<'_>) -> Vec<u8> {
        let alike = (fragment.msg_type.0, fragment.message_seq, fragment.length);
        let at = fragment.fragment_offset as usize;
        let part = at..at + fragment.body.len();
        let mut known = self.dtls.messages.get(&alike).into_iter().flatten();
        let fits = known.find(|[before, _]| before.get(part.clone()) == Some(fragment.body));
        match fits.and_then(|[_, after]| after.get(part)) {
            Some(other) => other.to_vec(),
            None if at == 0 => {
                let modern = self.dtls.is_modern(flow);
                handshake::message(&mut self.book, fragment.msg_type, fragment.body, modern)
            }
            None => self.book.noise.bytes("unknown", fragment.body),
        }
    }

    /// Opens a packet with one of the contexts that may fit, changes it and seals it anew.
    ///
    /// `open` leaves a packet in the buffer it is given and says what it has to be sealed with;
    /// `change` and `seal` make another of it.
    pub(super) fn media<T>(
        &mut self,
        path: &Path,
        wire: &[u8],
        open: impl Fn(&mut Context, &mut Vec<u8>) -> Option<T>,
        change: impl Fn(&mut Book, &[u8]) -> Vec<u8>,
        seal: impl Fn(&Context, &mut Vec<u8>, T) -> bool,
    ) -> Option<Vec<u8>> {
        let (flow, upwards) = path.flow();
        let mut buffer = Vec::with_capacity(wire.len());
        for (at, end) in self.dtls.candidates(&flow, upwards) {
            let Dtls { known, keys, other_keys, .. } = &mut self.dtls;
            let Some([opening, sealing]) = known.get_mut(at)?.contexts(keys, other_keys) else {
                continue;
            };
            buffer.clear();
            buffer.extend_from_slice(wire);
            let Some(place) = open(&mut opening[end], &mut buffer) else { continue };
            let mut other = change(&mut self.book, &buffer);
            let sealed = seal(&sealing[end], &mut other, place) && other.len() == wire.len();
            self.dtls.bind(&flow, at, end, upwards);
            return sealed.then_some(other);
        }
        None
    }
}

impl Known {
    /// Contexts by sender, made when they are first needed.
    fn contexts(&mut self, keys: &KeyLog, other_keys: &KeyLog) -> Option<&mut [[Context; 2]; 2]> {
        if self.media.is_none() {
            let opening = contexts(&self.opening, keys)?;
            let sealing = contexts(&self.sealing, other_keys)?;
            self.media = Some(Box::new([opening, sealing]));
        }
        self.media.as_deref_mut()
    }
}

fn contexts(association: &Association, keys: &KeyLog) -> Option<[Context; 2]> {
    let profile = Profile::from_number(association.srtp?.0)?;
    let exported = association.export(keys, profile)?;
    let [client, server] = profile.split(&exported)?;
    Some([Context::new(profile, client).ok()?, Context::new(profile, server).ok()?])
}

/// The header of a record.
fn header<'a>(bytes: &'a [u8], record: &PlaintextRecord<'_>) -> &'a [u8] {
    let content = place(bytes, record.content).unwrap_or(0..0);
    let start = content.start.saturating_sub(PlaintextRecord::HEADER_LENGTH + record.cid.len());
    &bytes[start..content.start]
}
