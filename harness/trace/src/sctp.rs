//! SCTP associations and the data channels on them (RFC 9260, 6525, 3758, 8831, 8832).

use std::collections::BTreeMap;
use std::time::Duration;

use rtcspec_wire::dcep::{Reliability, View as Dcep};
use rtcspec_wire::sctp::{
    Body, ChecksumState, ChunkType, ChunkView, FragmentPosition, PacketView, Parameter,
    ParameterType, Parameters, Ppid, Tsn, VerificationTag,
};

use crate::assembly::{Assembly, Fragment, Head};
use crate::flow::{Packet, fingerprint};
use crate::notes::{Layer, Notes, index, millis, reason};
use crate::text::{Line, quote, word};
use crate::{Party, Place};

/// Bytes of a payload that is printed as text.
const TEXT: usize = 24;

/// What one end of an association said.
#[derive(Debug)]
struct Side {
    tag: Option<VerificationTag>,
    initial: Option<Tsn>,
    /// What an INIT or INIT ACK said while the association was up: nothing, until a COOKIE ECHO
    /// makes it true (RFC 9260 §5.2.2).
    offered: Option<Offer>,
    cookie: Option<Vec<u8>>,
    zero_checksum: bool,
    sent: BTreeMap<u32, Duration>,
    handshake: BTreeMap<u8, Duration>,
    messages: Assembly,
    heartbeats: Vec<Vec<u8>>,
}

/// What an INIT or INIT ACK says of its sender.
#[derive(Clone, Copy, Debug)]
struct Offer {
    tag: VerificationTag,
    initial: Tsn,
    zero_checksum: bool,
}

impl Side {
    fn take(&mut self, offer: Offer) {
        self.tag = Some(offer.tag);
        self.initial = Some(offer.initial);
        self.zero_checksum = offer.zero_checksum;
    }

    fn is_tag(&self, tag: VerificationTag) -> bool {
        self.tag == Some(tag) || self.offered.is_some_and(|offer| offer.tag == tag)
    }
}

impl Default for Side {
    fn default() -> Self {
        Self {
            tag: None,
            offered: None,
            initial: None,
            cookie: None,
            zero_checksum: false,
            sent: BTreeMap::new(),
            handshake: BTreeMap::new(),
            messages: Assembly::new(usize::MAX),
            heartbeats: Vec::new(),
        }
    }
}

/// The SCTP association of a session and its channels.
#[derive(Debug, Default)]
pub(crate) struct Sctp {
    sides: [Side; 2],
    payloads: BTreeMap<(u64, usize), usize>,
    /// Whether a channel was opened, and acknowledged.
    pub(crate) channels: BTreeMap<u16, bool>,
    pub(crate) chunks: BTreeMap<ChunkType, usize>,
    begun: bool,
    up: bool,
}

/// One packet while it is being described.
#[derive(Debug, Default)]
struct Said {
    names: Vec<String>,
    fields: Vec<String>,
    cause: Option<String>,
    closing: bool,
    tsns: Vec<u32>,
    handshake: bool,
    steady: bool,
    lines: Vec<Line>,
}

impl Sctp {
    /// Chunks by type, over both directions.
    pub(crate) fn is_up(&self) -> bool {
        self.up
    }

    /// Takes a packet in.
    pub(crate) fn packet(
        &mut self,
        notes: &mut Notes<'_>,
        packet: &Packet<'_>,
        bytes: &[u8],
        client: Option<Party>,
    ) {
        let Some(Place::Peer(from)) = packet.from else { return };
        let Ok(view) = PacketView::new(bytes) else {
            let mut line = Line::new("r", notes.hop(packet), "sctp MALFORMED");
            line.fields.push(format!("bytes({})", bytes.len()));
            line.reason = packet.lost.as_deref().map(reason);
            notes.push(Layer::Sctp, packet.at, line);
            return;
        };
        let mut said = Said { steady: true, ..Said::default() };
        for chunk in view.chunks().take(512) {
            *self.chunks.entry(chunk.chunk_type()).or_default() += 1;
            self.chunk(notes, packet, from, &chunk, client, &mut said);
        }
        self.header(from, &view, &mut said);
        self.write(notes, packet, from, said);
    }

    fn write(&mut self, notes: &mut Notes<'_>, packet: &Packet<'_>, from: Party, said: Said) {
        let reacts = notes.reacts(from, packet.at);
        let cause = match said.cause {
            Some(cause) if !reacts => cause,
            _ if !reacts && said.names == ["SACK"] => {
                let since = notes.since_input(from, packet.at).unwrap_or_default();
                format!("D:{}", millis(since))
            }
            _ => "r".to_owned(),
        };
        let mut line = Line::new(cause, notes.hop(packet), &squeezed(&said.names).join(" "));
        line.fields = said.fields;
        if packet.copies > 0 {
            line.fields.push(format!("DUPLICATED:{}", packet.copies));
        }
        line.reason = packet.lost.as_deref().map(reason);
        if !self.begun {
            self.begun = true;
            let mark = format!("dtls.connected({})", from.letter());
            notes.landmarks.push((packet.at, Layer::Sctp, mark));
        }
        let layer = if said.closing { Layer::Close } else { Layer::Sctp };
        if said.steady {
            notes.push_bulk(layer, packet.at, line);
        } else {
            notes.push(layer, packet.at, line);
        }
        if packet.is_delivered() {
            for line in said.lines {
                notes.push_bulk(Layer::Dc, packet.arrived, line);
            }
        }
    }

    /// Ports, tag and checksum: silent when they are as they should be.
    fn header(&mut self, from: Party, view: &PacketView<'_>, said: &mut Said) {
        let own = &self.sides[index(from)];
        let peer = &self.sides[index(from.other())];
        let tag = view.verification_tag();
        if tag == VerificationTag::ZERO {
            said.fields.push("tag=0".to_owned());
        } else if peer.is_tag(tag) || peer.tag.is_none() {
            if said.handshake {
                said.fields.push(format!("tag={}", from.other().letter()));
            }
        } else if own.tag == Some(tag) {
            said.fields.push(format!("tag={}:reflected", from.letter()));
        } else {
            said.fields.push("TAG-BAD".to_owned());
        }
        if (view.source_port(), view.destination_port()) != (5000, 5000) {
            let ports = format!("ports={}>{}", view.source_port(), view.destination_port());
            said.fields.push(ports);
        }
        match view.checksum_state() {
            ChecksumState::Correct => {}
            // RFC 9653 §5.2: only towards one that declared it, never with INIT or COOKIE ECHO.
            ChecksumState::Zero
                if peer.zero_checksum
                    && !said.names.iter().any(|name| name == "INIT" || name == "COOKIE-ECHO") =>
            {
                said.fields.push("crc=0".to_owned());
            }
            ChecksumState::Zero => said.fields.push("CRC-ZERO".to_owned()),
            ChecksumState::Wrong { .. } => said.fields.push("CRC-BAD".to_owned()),
        }
    }

    /// A TSN counted from the sender's first one, so that it does not turn over.
    fn place(&self, of: Party, tsn: Tsn) -> u64 {
        let initial = self.sides[index(of)].initial;
        initial.map_or(tsn.0, |initial| tsn.since(initial)).into()
    }

    fn tsn(&self, of: Party, tsn: Tsn) -> String {
        let letter = of.letter();
        match self.sides[index(of)].initial {
            Some(initial) => {
                let ahead = tsn.since(initial);
                let behind = initial.since(tsn);
                if ahead <= behind {
                    format!("{letter}+{ahead}")
                } else {
                    format!("{letter}-{behind}")
                }
            }
            None => format!("{letter}+?"),
        }
    }

    fn chunk(
        &mut self,
        notes: &Notes<'_>,
        packet: &Packet<'_>,
        from: Party,
        chunk: &ChunkView<'_>,
        client: Option<Party>,
        said: &mut Said,
    ) {
        let ty = chunk.chunk_type();
        said.names.push(word(&ty.to_string().replace(' ', "")));
        let steady = matches!(
            ty,
            ChunkType::DATA
                | ChunkType::I_DATA
                | ChunkType::SACK
                | ChunkType::HEARTBEAT
                | ChunkType::HEARTBEAT_ACK
                | ChunkType::FORWARD_TSN
                | ChunkType::I_FORWARD_TSN
                | ChunkType::RE_CONFIG
        );
        said.steady &= steady;
        let Ok(body) = chunk.body() else {
            said.fields.push(format!("MALFORMED({})", chunk.bytes().len()));
            said.steady = false;
            return;
        };
        match body {
            Body::Init(init) => {
                // A new association, or the same INIT again.
                if self.sides[index(from)].tag != Some(init.initiate_tag) && !self.up {
                    self.sides[index(from)].sent.clear();
                }
                self.timed(packet.at, from, ty, said);
                self.init(from, &init, said);
            }
            Body::InitAck(init) => {
                self.init(from, &init, said);
                if let Some(cookie) = init.parameter(ParameterType::STATE_COOKIE) {
                    self.sides[index(from)].cookie = Some(cookie.to_vec());
                    said.fields.push(format!("cookie={}.1", from.letter()));
                }
            }
            Body::CookieEcho(echo) => {
                said.handshake = true;
                for side in &mut self.sides {
                    if let Some(offer) = side.offered.take() {
                        side.take(offer);
                    }
                }
                self.timed(packet.at, from, ty, said);
                let given = self.sides[index(from.other())].cookie.as_deref();
                let same = given == Some(echo.cookie);
                let word = if same { "same" } else { "CHANGED" };
                said.fields.push(format!("cookie={}.1:{word}", from.other().letter()));
            }
            Body::CookieAck => {
                said.handshake = true;
                if packet.is_delivered() {
                    self.up = true;
                }
            }
            Body::Data(data) => {
                let head = Head {
                    stream: data.stream,
                    ppid: data.ppid,
                    unordered: data.flags.unordered,
                    sequence: data.ssn.0.into(),
                };
                let fragment = Fragment {
                    group: 0,
                    at: self.place(from, data.tsn),
                    first: data.flags.beginning,
                    last: data.flags.ending,
                    number: 0,
                    head,
                    payload: data.payload,
                };
                let mut fields = vec![
                    format!("sid={}", data.stream),
                    format!("ssn={}", data.ssn),
                    format!("ppid={}", data.ppid),
                    flags(data.flags.beginning, data.flags.ending),
                ];
                if data.flags.unordered {
                    "unordered".clone_into(&mut fields[1]);
                }
                fields.extend(data.flags.immediate.then(|| "I".to_owned()));
                self.data(notes, packet, from, data.tsn, fields, fragment, client, said);
            }
            Body::IData(data) => {
                let (ppid, fsn) = match data.position {
                    FragmentPosition::First(ppid) => (ppid, None),
                    FragmentPosition::Later(fsn) => (Ppid(0), Some(fsn)),
                };
                let head = Head {
                    stream: data.stream,
                    ppid,
                    unordered: data.flags.unordered,
                    sequence: data.mid.0,
                };
                let fragment = Fragment {
                    group: 0,
                    at: self.place(from, data.tsn),
                    first: data.flags.beginning,
                    last: data.flags.ending,
                    number: 0,
                    head,
                    payload: data.payload,
                };
                let mut fields = vec![format!("sid={}", data.stream), format!("mid={}", data.mid)];
                fields.extend(data.flags.unordered.then(|| "unordered".to_owned()));
                fields.push(match fsn {
                    Some(fsn) => format!("fsn={fsn}"),
                    None => format!("ppid={ppid}"),
                });
                fields.push(flags(data.flags.beginning, data.flags.ending));
                self.data(notes, packet, from, data.tsn, fields, fragment, client, said);
            }
            other => self.control(packet, from, &other, said),
        }
    }

    /// T1 of INIT and COOKIE ECHO (RFC 9260 §5.1).
    fn timed(&mut self, at: Duration, from: Party, ty: ChunkType, said: &mut Said) {
        if let Some(before) = self.sides[index(from)].handshake.insert(ty.0, at) {
            said.cause = Some(format!("T1:{}", millis(at.saturating_sub(before))));
        }
    }

    fn init(&mut self, from: Party, init: &rtcspec_wire::sctp::InitView<'_>, said: &mut Said) {
        said.handshake = true;
        let zero = init.parameter(ParameterType::ZERO_CHECKSUM_ACCEPTABLE);
        let (tag, initial) = (init.initiate_tag, init.initial_tsn);
        let offer = Offer { tag, initial, zero_checksum: zero.is_some() };
        let side = &mut self.sides[index(from)];
        if self.up {
            side.offered = Some(offer);
        } else {
            side.take(offer);
        }
        let letter = from.letter();
        said.fields.push(format!("tsn={letter}+0"));
        said.fields.push(format!("streams={}/{}", init.outbound_streams, init.inbound_streams));
        let extensions: Vec<String> =
            init.supported_extensions().iter().take(16).map(u8::to_string).collect();
        if !extensions.is_empty() {
            said.fields.push(format!("ext={}", extensions.join(",")));
        }
        said.fields.extend(zero.map(|_| "zca=dtls".to_owned()));
        if init.a_rwnd < 65_536 {
            said.fields.push(format!("rwnd={}", init.a_rwnd));
        }
        if init.initiate_tag.0 == 0 {
            said.fields.push("INITIATE-TAG-ZERO".to_owned());
        }
        for parameter in init.parameters().take(32) {
            let ty = parameter.parameter_type();
            let silent = [
                ParameterType::STATE_COOKIE,
                ParameterType::ZERO_CHECKSUM_ACCEPTABLE,
                ParameterType::SUPPORTED_EXTENSIONS,
                ParameterType::FORWARD_TSN_SUPPORTED,
            ];
            if parameter.fatal_fault().is_some() {
                said.fields.push("PARAM-MALFORMED".to_owned());
            } else if !silent.contains(&ty) {
                said.fields.push(format!("param=0x{:04x}({})", ty.0, parameter.value().len()));
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "what DATA and I-DATA have in common")]
    fn data(
        &mut self,
        notes: &Notes<'_>,
        packet: &Packet<'_>,
        from: Party,
        tsn: Tsn,
        fields: Vec<String>,
        fragment: Fragment<'_>,
        client: Option<Party>,
        said: &mut Said,
    ) {
        let before = self.sides[index(from)].sent.insert(tsn.0, packet.at);
        if said.tsns.len() < 3 {
            said.fields.push(format!("tsn={}", self.tsn(from, tsn)));
            said.fields.extend(fields);
            if let Some(before) = before {
                said.fields.push("again".to_owned());
                said.cause = Some(format!("T3:{}", millis(packet.at.saturating_sub(before))));
            }
        } else if said.tsns.len() == 3 {
            said.fields.push("..".to_owned());
        }
        said.tsns.push(tsn.0);
        if packet.is_delivered() {
            // Taken out while the message is described.
            let empty = Assembly::new(usize::MAX);
            let mut messages = std::mem::replace(&mut self.sides[index(from)].messages, empty);
            if let Some(whole) = messages.insert(&fragment) {
                let arrow = format!("{}>{}", from.letter(), from.other().letter());
                let at_end = from.other().letter();
                let (ppid, stream) = (whole.head.ppid, whole.head.stream.0);
                let line = self.message(from, client, ppid, stream, whole.bytes, &arrow, at_end);
                said.lines.push(line);
            }
            self.sides[index(from)].messages = messages;
        }
        let _ = notes;
    }

    fn message(
        &mut self,
        from: Party,
        client: Option<Party>,
        ppid: Ppid,
        stream: u16,
        bytes: &[u8],
        hop: &str,
        at_end: char,
    ) -> Line {
        if ppid == Ppid::DCEP {
            return self.dcep(from, client, stream, bytes, at_end);
        }
        let kind = match ppid {
            Ppid::STRING => "string",
            Ppid::BINARY => "binary",
            Ppid::STRING_EMPTY => "string-empty",
            Ppid::BINARY_EMPTY => "binary-empty",
            Ppid::STRING_PARTIAL => "STRING-PARTIAL",
            Ppid::BINARY_PARTIAL => "BINARY-PARTIAL",
            _ => "PPID-UNKNOWN",
        };
        let mut line = Line::new("r", hop, "msg");
        line.fields = vec![format!("sid={stream}"), kind.to_owned()];
        if kind == "PPID-UNKNOWN" {
            line.fields.push(format!("ppid={ppid}"));
        }
        if !kind.ends_with("-empty") || bytes.len() != 1 {
            let printable = bytes.iter().all(|byte| (0x20..0x7f).contains(byte));
            if printable && bytes.len() <= TEXT && ppid == Ppid::STRING {
                line.fields.push(quote(bytes));
            } else {
                let next = self.payloads.len() + 1;
                let number = *self.payloads.entry(fingerprint(bytes)).or_insert(next);
                line.fields.push(format!("bytes({})#{number}", bytes.len()));
            }
        }
        line
    }

    fn dcep(
        &mut self,
        from: Party,
        client: Option<Party>,
        stream: u16,
        bytes: &[u8],
        at_end: char,
    ) -> Line {
        let mut line = Line::new("r", format!("{at_end}."), "open");
        line.fields.push(format!("sid={stream}"));
        match Dcep::parse(bytes) {
            Dcep::Open(open) => {
                let used = self.channels.insert(stream, false).is_some();
                line.fields.push(open.label().map_or("LABEL-CUT".to_owned(), quote));
                if let Some(protocol) = open.protocol().filter(|protocol| !protocol.is_empty()) {
                    line.fields.push(format!("protocol={}", quote(protocol)));
                }
                let kind = open.channel_type().unwrap_or(0xff);
                let value = open.reliability().unwrap_or_default();
                line.fields.push(match kind & !Reliability::UNORDERED {
                    0 if value == 0 => "reliable".to_owned(),
                    0 => format!("reliable RELIABILITY={value}"),
                    1 => format!("retransmits={value}"),
                    2 => format!("lifetime={value}"),
                    _ => format!("TYPE=0x{kind:02x}"),
                });
                let unordered = kind & Reliability::UNORDERED != 0;
                line.fields.push(if unordered { "unordered" } else { "ordered" }.to_owned());
                // RFC 8832 §6: the DTLS client takes even streams.
                if let Some(client) = client {
                    let even = stream.is_multiple_of(2);
                    let right = even == (from == client);
                    let parity = if even { "even" } else { "odd" };
                    line.fields
                        .push(format!("parity={parity}:{}", if right { "ok" } else { "BAD" }));
                }
                line.fields.extend(used.then(|| "SID-IN-USE".to_owned()));
                line.fields.extend(open.to_value().is_err().then(|| "MALFORMED".to_owned()));
            }
            Dcep::Ack(rest) => {
                "ack".clone_into(&mut line.what);
                let known = self.channels.insert(stream, true);
                line.fields.extend(known.is_none().then(|| "UNASKED".to_owned()));
                line.fields.extend((!rest.is_empty()).then(|| "LONG".to_owned()));
            }
            Dcep::Empty => "dcep EMPTY".clone_into(&mut line.what),
            Dcep::Unknown(kind, _) => {
                "dcep UNKNOWN".clone_into(&mut line.what);
                line.fields.push(format!("type=0x{kind:02x}"));
            }
        }
        line
    }

    fn control(&mut self, packet: &Packet<'_>, from: Party, body: &Body<'_>, said: &mut Said) {
        let other = from.other();
        match body {
            Body::Sack(sack) => {
                said.fields.push(format!("cum={}", self.tsn(other, sack.cumulative_tsn_ack)));
                let gaps: Vec<String> = sack
                    .gap_blocks()
                    .take(3)
                    .map(|gap| format!("{}-{}", gap.start, gap.end))
                    .collect();
                if !gaps.is_empty() {
                    let more = if sack.gap_blocks().len() > 3 { ",.." } else { "" };
                    said.fields.push(format!("gaps={}{more}", gaps.join(",")));
                }
                let duplicates = sack.duplicates().len();
                said.fields.extend((duplicates > 0).then(|| format!("dup={duplicates}")));
                said.fields.extend((sack.a_rwnd == 0).then(|| "rwnd=0".to_owned()));
            }
            Body::ForwardTsn(forward) => {
                said.fields.push(format!("cum={}", self.tsn(from, forward.new_cumulative_tsn)));
                let skipped: Vec<String> = forward
                    .streams()
                    .take(4)
                    .map(|skipped| format!("{}:{}", skipped.stream, skipped.ssn))
                    .collect();
                said.fields
                    .extend((!skipped.is_empty()).then(|| format!("skip={}", skipped.join(","))));
            }
            Body::IForwardTsn(forward) => {
                said.fields.push(format!("cum={}", self.tsn(from, forward.new_cumulative_tsn)));
            }
            Body::Heartbeat(beat) => {
                let side = &mut self.sides[index(from)];
                side.heartbeats.truncate(64);
                side.heartbeats.insert(0, beat.info().unwrap_or_default().to_vec());
            }
            Body::HeartbeatAck(beat) => {
                let known = &self.sides[index(other)].heartbeats;
                let info = beat.info().unwrap_or_default();
                let same = known.iter().any(|sent| sent == info);
                said.fields.extend((!same).then(|| "INFO-CHANGED".to_owned()));
            }
            Body::Abort(abort) => {
                said.closing = true;
                said.fields.extend(
                    abort
                        .causes()
                        .take(4)
                        .map(|cause| cause_word(cause.code().0, &cause.code().to_string())),
                );
            }
            Body::Error(error) => {
                said.fields.extend(
                    error
                        .causes()
                        .take(4)
                        .map(|cause| cause_word(cause.code().0, &cause.code().to_string())),
                );
            }
            Body::Shutdown(shutdown) => {
                said.closing = true;
                said.fields.push(format!("cum={}", self.tsn(other, shutdown.cumulative_tsn_ack)));
            }
            Body::ShutdownAck | Body::ShutdownComplete(_) => said.closing = true,
            Body::ReConfig(view) => self.reconfig(packet, from, view.parameters(), said),
            _ => said.fields.push("unknown".to_owned()),
        }
    }

    fn reconfig(
        &mut self,
        packet: &Packet<'_>,
        from: Party,
        parameters: Parameters<'_>,
        said: &mut Said,
    ) {
        for parameter in parameters.take(4) {
            match Parameter::from_view(&parameter) {
                Ok(Parameter::OutgoingSsnReset(reset)) => {
                    let streams: Vec<String> =
                        reset.streams.iter().take(6).map(ToString::to_string).collect();
                    let streams =
                        if streams.is_empty() { "all".to_owned() } else { streams.join(",") };
                    said.fields.push(format!("reset={streams}"));
                    said.fields.push(format!("last={}", self.tsn(from, reset.last_tsn)));
                    if packet.is_delivered() {
                        reset.streams.iter().for_each(|stream| {
                            self.channels.remove(&stream.0);
                        });
                    }
                }
                Ok(Parameter::IncomingSsnReset(reset)) => {
                    let streams: Vec<String> =
                        reset.streams.iter().take(6).map(ToString::to_string).collect();
                    said.fields.push(format!("reset-in={}", streams.join(",")));
                }
                Ok(Parameter::ReconfigResponse(answer)) => {
                    said.fields.push(format!("result={}", word(&answer.result.to_string())));
                }
                Ok(other) => said.fields.push(format!("param=0x{:04x}", other.parameter_type().0)),
                Err(_) => said.fields.push("PARAM-MALFORMED".to_owned()),
            }
        }
    }
}

fn cause_word(code: u16, name: &str) -> String {
    format!("cause={code}:{}", word(&name.to_ascii_lowercase().replace(' ', "-")))
}

/// `BE`, `B`, `E`, or `M` for the middle of a message.
fn flags(first: bool, last: bool) -> String {
    match (first, last) {
        (true, true) => "BE",
        (true, false) => "B",
        (false, true) => "E",
        (false, false) => "M",
    }
    .to_owned()
}

/// `DATA DATA DATA` as `DATA*3`.
fn squeezed(names: &[String]) -> Vec<String> {
    let mut out: Vec<(String, usize)> = Vec::new();
    for name in names {
        match out.last_mut() {
            Some((last, count)) if last == name => *count += 1,
            _ => out.push((name.clone(), 1)),
        }
    }
    let one = |(name, count): (String, usize)| {
        if count > 1 { format!("{name}*{count}") } else { name }
    };
    out.into_iter().map(one).collect()
}
