//! STUN and TURN transactions: gathering, allocations, checks, consent (RFC 8489, 8445, 8656, 7675).

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use rtcspec_wire::stun::{
    AttributeType, Check, Class, Fingerprint, Key, MessageType, Method, TransactionId, View,
};

use crate::flow::{Packet, fingerprint};
use crate::notes::{Layer, Notes, index, millis, reason};
use crate::text::{Line, word};
use crate::{Party, Place};

/// A request with its repetitions and its answer.
#[derive(Debug)]
struct Transaction {
    layer: Layer,
    at: Duration,
    from: Option<Place>,
    to: Option<Place>,
    line: Line,
    content: (u64, usize),
    sends: Vec<Duration>,
    delivered: bool,
    reason: Option<String>,
    /// Whether the answer arrived.
    answered: Option<bool>,
    nominates: bool,
    local: SocketAddr,
    remote: SocketAddr,
    key: Option<usize>,
    via: Vec<String>,
}

impl Transaction {
    fn is_check(&self) -> bool {
        matches!(self.layer, Layer::Check | Layer::Consent)
    }

    /// The peer whose it is.
    fn owner(&self) -> Option<Party> {
        match self.from {
            Some(Place::Peer(party)) => Some(party),
            _ => None,
        }
    }

    /// The addresses that the answer tells its owner; those of consent are known.
    fn told(&self, notes: &mut Notes<'_>, view: &View<'_>) -> Vec<String> {
        let Some(owner) = self.owner() else { return Vec::new() };
        let relayed = view.xor_relayed_address();
        let mapped = view.xor_mapped_address().filter(|_| self.layer != Layer::Consent);
        let relayed = relayed.map(|at| format!("relayed={}", notes.names.relayed(owner, at)));
        let mapped = mapped.map(|at| format!("xma={}", notes.names.mapped(owner, at)));
        relayed.into_iter().chain(mapped).collect()
    }
}

/// A pair as its owner sees it: socket or relayed address, and the other's address.
type Pair = (SocketAddr, SocketAddr);

/// Everything STUN in one session.
#[derive(Debug, Default)]
pub(crate) struct Stun {
    open: BTreeMap<(Option<Place>, TransactionId), usize>,
    all: Vec<Transaction>,
    attempts: BTreeMap<(Party, Pair), u32>,
    /// Checks that came to a peer on a pair.
    heard: BTreeSet<(Party, Pair)>,
    succeeded: BTreeMap<(Party, Pair), SocketAddr>,
    wanted: BTreeMap<(Party, Pair), Duration>,
    selected: [Option<(Duration, Pair)>; 2],
    last_check: BTreeMap<(Party, Pair), Duration>,
    nonces: Vec<Vec<u8>>,
    tie_breakers: BTreeMap<Party, u64>,
    keys: Vec<Key>,
    key_of: BTreeMap<String, usize>,
}

impl Stun {
    /// Takes a STUN message in.
    pub(crate) fn packet(&mut self, notes: &mut Notes<'_>, packet: &Packet<'_>) {
        let view = View::new(&packet.payload);
        let (Some(ty), Some(id)) = (view.message_type(), view.transaction_id()) else {
            return malformed(notes, packet, "short");
        };
        if view.check_header().is_err() {
            let why = if view.is_classic() { "classic" } else { "header" };
            return malformed(notes, packet, why);
        }
        match ty.class {
            Class::Request => self.request(notes, packet, &view, ty, id),
            Class::Indication => indication(notes, packet, &view, ty),
            _ => self.response(notes, packet, &view, ty, id),
        }
    }

    fn request(
        &mut self,
        notes: &mut Notes<'_>,
        packet: &Packet<'_>,
        view: &View<'_>,
        ty: MessageType,
        id: TransactionId,
    ) {
        let content = fingerprint(&packet.payload);
        let known = self.open.get(&(packet.from, id)).copied();
        let again = known.and_then(|at| self.all.get_mut(at));
        let mut reused = false;
        if let Some(transaction) = again {
            if transaction.content == content {
                transaction.sends.push(packet.at);
                if packet.is_delivered() {
                    transaction.delivered = true;
                    transaction.reason = None;
                }
                self.arrive(notes, packet, view, known);
                return;
            }
            reused = true;
        }
        let mut transaction = self.begin(notes, packet, view, ty);
        transaction.content = content;
        if reused {
            transaction.line.fields.push("TXID-REUSED".to_owned());
        }
        self.open.insert((packet.from, id), self.all.len());
        self.all.push(transaction);
        self.arrive(notes, packet, view, Some(self.all.len() - 1));
    }

    fn begin(
        &mut self,
        notes: &mut Notes<'_>,
        packet: &Packet<'_>,
        view: &View<'_>,
        ty: MessageType,
    ) -> Transaction {
        let hop = format!("{}>{}", notes.names.place(packet.from), notes.names.place(packet.to));
        let mut transaction = Transaction {
            layer: Layer::Check,
            at: packet.at,
            from: packet.from,
            to: packet.to,
            line: Line::new("r", hop, ""),
            content: (0, 0),
            sends: vec![packet.at],
            delivered: packet.is_delivered(),
            reason: packet.lost.as_deref().map(reason),
            answered: None,
            nominates: view.has(AttributeType::USE_CANDIDATE),
            local: packet.local,
            remote: packet.remote,
            key: None,
            via: notes.via(packet, packet.local),
        };
        match (packet.from, packet.to) {
            (Some(Place::Peer(from)), Some(Place::Server(_))) => {
                self.begin_at_server(notes, &mut transaction, view, ty, from);
            }
            (Some(Place::Peer(from)), _) => {
                self.begin_check(notes, &mut transaction, view, ty, from);
            }
            _ => {
                transaction.line.what = format!("{} (injected)", method_word(ty.method));
                transaction.line.fields.extend(oddities(view));
            }
        }
        transaction
    }

    fn begin_at_server(
        &mut self,
        notes: &Notes<'_>,
        transaction: &mut Transaction,
        view: &View<'_>,
        ty: MessageType,
        from: Party,
    ) {
        let local = notes.names.short(from, transaction.local).unwrap_or("?").to_owned();
        let first = !self.all.iter().any(|known| known.from == transaction.from);
        if !first && !notes.reacts(from, transaction.at) {
            "Ta".clone_into(&mut transaction.line.cause);
        }
        let peer = |address| {
            let other = from.other();
            notes.names.short(other, address).map_or_else(
                || notes.names.mapped(other, address),
                |name| format!("{}.{name}", other.letter()),
            )
        };
        let line = &mut transaction.line;
        line.what = format!("{} {local}", method_word(ty.method));
        transaction.layer = if ty.method == Method::BINDING { Layer::Gather } else { Layer::Turn };
        if let Some(nonce) = view.nonce() {
            line.fields.push(self.nonce(nonce));
        }
        if let Some(lifetime) = view.lifetime() {
            line.fields.push(format!("lifetime={lifetime}"));
        }
        if let Some(&[high, low, ..]) = view.value(AttributeType::CHANNEL_NUMBER) {
            line.fields.push(format!("0x{:04x}", u16::from_be_bytes([high, low])));
        }
        let peers = view.attributes().filter(|found| found.ty == AttributeType::XOR_PEER_ADDRESS);
        if let Some(id) = view.transaction_id() {
            let addresses = peers.filter_map(|found| found.as_xor_address(id));
            line.fields.extend(addresses.take(8).map(peer));
        }
        line.fields.extend(oddities(view));
    }

    fn begin_check(
        &mut self,
        notes: &mut Notes<'_>,
        transaction: &mut Transaction,
        view: &View<'_>,
        ty: MessageType,
        from: Party,
    ) {
        let pair = (transaction.local, transaction.remote);
        let local = match notes.names.short(from, transaction.local) {
            Some(name) => name.to_owned(),
            None => notes.names.learn(from, transaction.local).0,
        };
        let (remote, _) = notes.names.learn(from.other(), transaction.remote);
        let chosen = self.selected[index(from)]
            .is_some_and(|(since, selected)| selected == pair && since <= transaction.at);
        let before = self.last_check.insert((from, pair), transaction.at);
        let line = &mut transaction.line;
        if chosen {
            transaction.layer = Layer::Consent;
            line.what = format!("consent {local}>{remote}");
            let waited = before.map_or(0, |before| millis(transaction.at.saturating_sub(before)));
            line.cause = format!("K:{waited}");
        } else {
            let attempt = self.attempts.entry((from, pair)).or_default();
            *attempt += 1;
            let first = *attempt == 1;
            line.what = format!("chk {local}>{remote} /{attempt}");
            let paced = !notes.reacts(from, transaction.at);
            line.cause = if paced { "Ta" } else { "r" }.to_owned();
            line.fields.extend(role(view));
            if first && self.heard.contains(&(from, pair)) {
                line.fields.push("triggered".to_owned());
            }
        }
        if ty.method != Method::BINDING {
            line.fields.push(word(&ty.method.to_string()));
        }
        line.fields.extend(transaction.nominates.then(|| "USE-CANDIDATE".to_owned()));
        line.fields.extend(self.check_username(notes, view, from, &mut transaction.key));
        line.fields.extend(self.tie_breaker(view, from));
        if let Some(key) = transaction.key.and_then(|key| self.keys.get(key)) {
            line.fields.extend(integrity(view, key));
        }
        line.fields.extend(oddities(view));
        line.fields.extend(fingerprint_word(view));
    }

    /// Which generation a request names; silent if it is the first of both.
    fn check_username(
        &mut self,
        notes: &Notes<'_>,
        view: &View<'_>,
        from: Party,
        key: &mut Option<usize>,
    ) -> Vec<String> {
        let Some(username) = view.username() else { return vec!["USERNAME-ABSENT".to_owned()] };
        // RFC 8445 §7.2.2: the receiver's fragment, a colon, the sender's.
        let Some((theirs, own)) = username.split_once(':') else {
            return vec!["USERNAME-BAD".to_owned()];
        };
        let Some(credentials) = notes.names.credentials(from.other(), theirs) else {
            return vec!["USERNAME-BAD".to_owned()];
        };
        let keys = &mut self.keys;
        let pwd = &credentials.pwd;
        *key = Some(*self.key_of.entry(pwd.clone()).or_insert_with(|| {
            keys.push(Key::short_term(pwd));
            keys.len() - 1
        }));
        let generations =
            (notes.names.generation(from.other(), theirs), notes.names.generation(from, own));
        if generations.1.ends_with("UNKNOWN") {
            return vec!["USERNAME-BAD".to_owned()];
        }
        let first = generations.0.ends_with(".1") && generations.1.ends_with(".1");
        if first { Vec::new() } else { vec![format!("ice={}:{}", generations.0, generations.1)] }
    }

    fn tie_breaker(&mut self, view: &View<'_>, from: Party) -> Option<String> {
        let now = view.ice_controlling().or(view.ice_controlled())?;
        let before = self.tie_breakers.insert(from, now)?;
        (before != now).then(|| "TB-CHANGED".to_owned())
    }

    fn nonce(&mut self, nonce: &[u8]) -> String {
        let known = self.nonces.iter().position(|known| known == nonce);
        let index = known.unwrap_or_else(|| {
            self.nonces.push(nonce.to_vec());
            self.nonces.len() - 1
        });
        format!("nonce{}", index + 1)
    }

    /// What the receiver of a check learns.
    fn arrive(
        &mut self,
        notes: &mut Notes<'_>,
        packet: &Packet<'_>,
        view: &View<'_>,
        at: Option<usize>,
    ) {
        let (Some(Place::Peer(from)), Some(Place::Peer(to))) = (packet.from, packet.to) else {
            return;
        };
        if !packet.is_delivered() {
            return;
        }
        let pair = (packet.reached, packet.seen);
        self.heard.insert((to, pair));
        let (name, new) = notes.names.learn(from, packet.seen);
        if new && let Some(transaction) = at.and_then(|at| self.all.get_mut(at)) {
            let priority = view.priority().map_or_else(String::new, |p| format!(" prio={p}"));
            let text = format!("{}: +{}.{name} prflx{priority}", to.letter(), from.letter());
            transaction.line.consequence = Some(text);
        }
        if view.has(AttributeType::USE_CANDIDATE) && view.ice_controlling().is_some() {
            self.wanted.entry((to, pair)).or_insert(packet.arrived);
            if self.succeeded.contains_key(&(to, pair)) {
                self.select(notes, to, pair, packet.arrived);
            }
        }
    }

    fn select(&mut self, notes: &mut Notes<'_>, party: Party, pair: Pair, at: Duration) {
        let slot = &mut self.selected[index(party)];
        if slot.is_some_and(|(_, selected)| selected == pair) {
            return;
        }
        let again = slot.is_some();
        *slot = Some((at, pair));
        let base = notes.names.short(party, pair.0).unwrap_or("?").to_owned();
        let mapped = self.succeeded.get(&(party, pair)).copied().unwrap_or(pair.0);
        let (local, _) = notes.names.learn(party, mapped);
        let base = if local == base { String::new() } else { format!("(base {base})") };
        let (remote, _) = notes.names.learn(party.other(), pair.1);
        let letter = party.letter();
        let other = party.other().letter();
        let what = format!("selected {letter}.{local}{base}<>{other}.{remote}");
        let mut line = Line::new("r", format!("{letter}."), &what);
        line.fields.extend(again.then(|| "instead".to_owned()));
        notes.push(Layer::Check, at, line);
        notes.landmarks.push((at, Layer::Check, format!("ice.selected({letter})")));
    }

    fn response(
        &mut self,
        notes: &mut Notes<'_>,
        packet: &Packet<'_>,
        view: &View<'_>,
        ty: MessageType,
        id: TransactionId,
    ) {
        let known = self.open.get(&(packet.to, id)).copied();
        let Some(at) = known.filter(|at| *at < self.all.len()) else {
            return unknown_answer(notes, packet, view, ty);
        };
        let transaction = &mut self.all[at];
        if transaction.answered == Some(true) {
            return;
        }
        transaction.answered = Some(packet.is_delivered());
        transaction.reason = packet.lost.as_deref().map(reason);
        let outcome = self.outcome(notes, packet, view, ty, at);
        self.all[at].line.outcome = Some(outcome.join(" "));
        if ty.class == Class::SuccessResponse && packet.is_delivered() {
            self.succeed(notes, view, at, packet.arrived);
        }
    }

    /// How a transaction ended, in words.
    fn outcome(
        &mut self,
        notes: &mut Notes<'_>,
        packet: &Packet<'_>,
        view: &View<'_>,
        ty: MessageType,
        at: usize,
    ) -> Vec<String> {
        let transaction = &self.all[at];
        let mut outcome = vec![outcome_word(view, ty)];
        if transaction.is_check() {
            outcome.extend(self.check_faults(transaction, packet, view, ty));
        }
        outcome.extend(transaction.told(notes, view));
        if let Some(lifetime) = view.lifetime() {
            outcome.push(format!("lifetime={lifetime}"));
        }
        if let Some(nonce) = view.nonce() {
            outcome.push(self.nonce(nonce));
        }
        outcome.extend(oddities(view));
        outcome
    }

    /// What is wrong with the answer to a check.
    fn check_faults(
        &self,
        transaction: &Transaction,
        packet: &Packet<'_>,
        view: &View<'_>,
        ty: MessageType,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        if packet.remote != transaction.local && packet.seen != transaction.remote {
            faults.push("ASYMMETRIC".to_owned());
        }
        if ty.class == Class::SuccessResponse {
            if let Some(key) = transaction.key.and_then(|key| self.keys.get(key)) {
                faults.extend(integrity(view, key));
            }
            faults.extend(fingerprint_word(view));
        }
        faults
    }

    /// What the sender of a check makes of its success.
    fn succeed(&mut self, notes: &mut Notes<'_>, view: &View<'_>, at: usize, arrived: Duration) {
        let transaction = &self.all[at];
        let (Some(owner), true) = (transaction.owner(), transaction.is_check()) else { return };
        let pair = (transaction.local, transaction.remote);
        let nominates = transaction.nominates;
        let mapped = view.xor_mapped_address().unwrap_or(pair.0);
        self.succeeded.insert((owner, pair), mapped);
        let asked = self.wanted.contains_key(&(owner, pair));
        if nominates || asked {
            self.select(notes, owner, pair, arrived);
        }
    }

    /// Writes the transactions.
    pub(crate) fn finish(self, notes: &mut Notes<'_>) {
        for transaction in self.all {
            let mut line = transaction.line;
            let from = notes.names.place(transaction.from);
            let to = notes.names.place(transaction.to);
            let arrow = match (transaction.delivered, transaction.answered) {
                (false, None) => "-x",
                (_, Some(false)) => "=x",
                _ => ">",
            };
            line.hop = format!("{from}{arrow}{to}");
            if arrow == ">" && transaction.answered.is_none() {
                line.outcome = Some("unanswered".to_owned());
            }
            if arrow != ">" {
                line.outcome = None;
                line.consequence = None;
            }
            if transaction.sends.len() > 1 {
                let gaps = transaction.sends.windows(2).take(8);
                let gaps: Vec<String> =
                    gaps.map(|two| millis(two[1].saturating_sub(two[0])).to_string()).collect();
                let count = transaction.sends.len();
                line.fields.push(format!("x{count}"));
                line.fields.push(format!("RTO:{}", gaps.join(",")));
            }
            if transaction.layer != Layer::Consent {
                line.fields.extend(transaction.via);
            }
            line.reason = transaction.reason;
            match transaction.layer {
                Layer::Consent => notes.push_bulk(Layer::Consent, transaction.at, line),
                layer => notes.push(layer, transaction.at, line),
            }
        }
    }
}

fn method_word(method: Method) -> String {
    match method {
        Method::BINDING => "bind".to_owned(),
        Method::ALLOCATE => "allocate".to_owned(),
        Method::REFRESH => "refresh".to_owned(),
        Method::CREATE_PERMISSION => "permission".to_owned(),
        Method::CHANNEL_BIND => "channel".to_owned(),
        other => word(&other.to_string()),
    }
}

fn outcome_word(view: &View<'_>, ty: MessageType) -> String {
    match (ty.class, view.error_code()) {
        (Class::SuccessResponse, _) => "ok".to_owned(),
        (_, Some(error)) => error.code().to_string(),
        _ => "error".to_owned(),
    }
}

fn role(view: &View<'_>) -> Option<String> {
    let controlling = view.attribute(AttributeType::ICE_CONTROLLING).is_some();
    let controlled = view.attribute(AttributeType::ICE_CONTROLLED).is_some();
    Some(
        match (controlling, controlled) {
            (true, false) => "controlling",
            (false, true) => "controlled",
            (true, true) => "BOTH-ROLES",
            (false, false) => "NO-ROLE",
        }
        .to_owned(),
    )
}

fn integrity(view: &View<'_>, key: &Key) -> Option<String> {
    match view.verify_integrity(key) {
        Check::Valid => None,
        Check::Invalid => Some("MI-BAD".to_owned()),
        Check::Absent => match view.verify_integrity_sha256(key) {
            Check::Valid => Some("mi=sha256".to_owned()),
            Check::Invalid => Some("MI-BAD".to_owned()),
            Check::Absent => Some("MI-ABSENT".to_owned()),
        },
    }
}

fn fingerprint_word(view: &View<'_>) -> Option<String> {
    match view.fingerprint() {
        Fingerprint::Valid => None,
        Fingerprint::Absent => Some("FP-ABSENT".to_owned()),
        Fingerprint::Invalid => Some("FP-BAD".to_owned()),
        Fingerprint::NotLast => Some("FP-NOT-LAST".to_owned()),
    }
}

/// Attributes nobody expects here, and broken ones.
fn oddities(view: &View<'_>) -> Vec<String> {
    let mut fields = Vec::new();
    for attribute in view.attributes().take(64) {
        if attribute.is_ignored() {
            fields.push(format!("AFTER-MI=0x{:04x}", attribute.ty.0));
        } else if attribute.ty.name().is_none() {
            fields.push(format!("attr=0x{:04x}({})", attribute.ty.0, attribute.declared));
        }
    }
    if view.attributes().finish().is_err() {
        fields.push("ATTR-OVERRUN".to_owned());
    }
    fields
}

/// An answer to a request that nobody saw.
fn unknown_answer(notes: &mut Notes<'_>, packet: &Packet<'_>, view: &View<'_>, ty: MessageType) {
    let what = format!("{} {}", method_word(ty.method), outcome_word(view, ty));
    let mut line = Line::new("r", notes.hop(packet), &what);
    line.fields.push("TXID-UNKNOWN".to_owned());
    line.reason = packet.lost.as_deref().map(reason);
    notes.push(Layer::Check, packet.at, line);
}

fn malformed(notes: &mut Notes<'_>, packet: &Packet<'_>, why: &str) {
    let mut line = Line::new("r", notes.hop(packet), "stun MALFORMED");
    line.fields = vec![why.to_owned(), format!("bytes({})", packet.payload.len())];
    line.reason = packet.lost.as_deref().map(reason);
    notes.push_bulk(Layer::Check, packet.at, line);
}

fn indication(notes: &mut Notes<'_>, packet: &Packet<'_>, view: &View<'_>, ty: MessageType) {
    let what = format!("{} indication", method_word(ty.method));
    let mut line = Line::new("r", notes.hop(packet), &what);
    line.fields = oddities(view);
    line.reason = packet.lost.as_deref().map(reason);
    let server = matches!(packet.to, Some(Place::Server(_)));
    let layer = if server { Layer::Turn } else { Layer::Consent };
    notes.push_bulk(layer, packet.at, line);
}

impl Stun {
    /// The pairs the peers ended on, in words.
    pub(crate) fn path(&self, notes: &Notes<'_>) -> Vec<String> {
        let of = |party: Party| {
            let (_, pair) = self.selected[index(party)]?;
            let local = notes.names.short(party, pair.0).unwrap_or("?");
            let remote = notes.names.short(party.other(), pair.1).unwrap_or("?");
            let relayed = local.starts_with('t') || remote.starts_with('t');
            let kind = if relayed { "relayed" } else { "direct" };
            Some(format!("path  {}: {kind}, {local}>{remote}", party.letter()))
        };
        let found: Vec<String> = [Party::A, Party::B].into_iter().filter_map(of).collect();
        if found.is_empty() { vec!["path  none".to_owned()] } else { found }
    }
}
