//! SCTP associations and the data channels on them (RFC 9260, 6525, 3758, 8831, 8832).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rtcspec_wire::dcep::{Reliability, View as Dcep};
use rtcspec_wire::sctp::{
    Body, CauseView, ChecksumState, ChunkType, ChunkView, DataFlags, DataView, ForwardTsnView,
    FragmentPosition, IDataView, InitView, PacketView, Parameter, ParameterType, Parameters, Ppid,
    SackView, StreamId, Tsn, VerificationTag,
};

use crate::assembly::{Assembly, Fragment, Head};
use crate::flow::{Packet, fingerprint};
use crate::notes::{Layer, Notes, index, millis, reason};
use crate::text::{Line, quote, word};
use crate::watch::accepts_zero_checksum;
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
    /// Streams with a channel of this association.
    used: BTreeSet<u16>,
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
            self.chunk(packet, from, &chunk, client, &mut said);
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
        packet: &Packet<'_>,
        from: Party,
        chunk: &ChunkView<'_>,
        client: Option<Party>,
        said: &mut Said,
    ) {
        let ty = chunk.chunk_type();
        said.names.push(word(&ty.to_string().replace(' ', "")));
        said.steady &= is_steady(ty);
        let Ok(body) = chunk.body() else {
            said.fields.push(format!("MALFORMED({})", chunk.bytes().len()));
            said.steady = false;
            return;
        };
        match body {
            Body::Init(init) => self.begin(packet.at, from, &init, said),
            Body::InitAck(init) => self.begin_answer(from, &init, said),
            Body::CookieEcho(echo) => self.cookie_echo(packet.at, from, echo.cookie, said),
            Body::CookieAck => {
                said.handshake = true;
                self.up |= packet.is_delivered();
            }
            Body::Data(data) => self.data_chunk(packet, from, &data, client, said),
            Body::IData(data) => self.i_data_chunk(packet, from, &data, client, said),
            other => self.control(packet, from, &other, said),
        }
    }

    fn begin(&mut self, at: Duration, from: Party, init: &InitView<'_>, said: &mut Said) {
        // A new association, or the same INIT again.
        if self.sides[index(from)].tag != Some(init.initiate_tag) && !self.up {
            self.sides[index(from)].sent.clear();
            self.used.clear();
        }
        self.timed(at, from, ChunkType::INIT, said);
        self.init(from, init, said);
    }

    fn begin_answer(&mut self, from: Party, init: &InitView<'_>, said: &mut Said) {
        self.init(from, init, said);
        if let Some(cookie) = init.parameter(ParameterType::STATE_COOKIE) {
            self.sides[index(from)].cookie = Some(cookie.to_vec());
            said.fields.push(format!("cookie={}.1", from.letter()));
        }
    }

    fn cookie_echo(&mut self, at: Duration, from: Party, cookie: &[u8], said: &mut Said) {
        said.handshake = true;
        let mut another = false;
        for side in &mut self.sides {
            if let Some(offer) = side.offered.take() {
                another |= side.tag != Some(offer.tag);
                side.take(offer);
            }
        }
        if another {
            // The channels of the association before are gone with it.
            self.used.clear();
        }
        self.timed(at, from, ChunkType::COOKIE_ECHO, said);
        let given = self.sides[index(from.other())].cookie.as_deref();
        let word = if given == Some(cookie) { "same" } else { "CHANGED" };
        said.fields.push(format!("cookie={}.1:{word}", from.other().letter()));
    }

    fn data_chunk(
        &mut self,
        packet: &Packet<'_>,
        from: Party,
        data: &DataView<'_>,
        client: Option<Party>,
        said: &mut Said,
    ) {
        let head = Head {
            stream: data.stream,
            ppid: data.ppid,
            unordered: data.flags.unordered,
            sequence: data.ssn.0.into(),
        };
        let fragment = self.fragment(from, data.tsn, data.flags, head, data.payload);
        let ssn =
            if data.flags.unordered { "unordered".to_owned() } else { format!("ssn={}", data.ssn) };
        let mut fields = vec![
            format!("sid={}", data.stream),
            ssn,
            format!("ppid={}", data.ppid),
            flags(data.flags.beginning, data.flags.ending),
        ];
        fields.extend(data.flags.immediate.then(|| "I".to_owned()));
        self.data(packet, from, data.tsn, fields, fragment, client, said);
    }

    fn i_data_chunk(
        &mut self,
        packet: &Packet<'_>,
        from: Party,
        data: &IDataView<'_>,
        client: Option<Party>,
        said: &mut Said,
    ) {
        let (ppid, place) = match data.position {
            FragmentPosition::First(ppid) => (ppid, format!("ppid={ppid}")),
            FragmentPosition::Later(fsn) => (Ppid(0), format!("fsn={fsn}")),
        };
        let head = Head {
            stream: data.stream,
            ppid,
            unordered: data.flags.unordered,
            sequence: data.mid.0,
        };
        let fragment = self.fragment(from, data.tsn, data.flags, head, data.payload);
        let mut fields = vec![format!("sid={}", data.stream), format!("mid={}", data.mid)];
        fields.extend(data.flags.unordered.then(|| "unordered".to_owned()));
        fields.push(place);
        fields.push(flags(data.flags.beginning, data.flags.ending));
        self.data(packet, from, data.tsn, fields, fragment, client, said);
    }

    fn fragment<'f>(
        &self,
        from: Party,
        tsn: Tsn,
        flags: DataFlags,
        head: Head,
        payload: &'f [u8],
    ) -> Fragment<'f> {
        let (first, last) = (flags.beginning, flags.ending);
        Fragment { group: 0, at: self.place(from, tsn), first, last, number: 0, head, payload }
    }

    /// T1 of INIT and COOKIE ECHO (RFC 9260 §5.1).
    fn timed(&mut self, at: Duration, from: Party, ty: ChunkType, said: &mut Said) {
        if let Some(before) = self.sides[index(from)].handshake.insert(ty.0, at) {
            said.cause = Some(format!("T1:{}", millis(at.saturating_sub(before))));
        }
    }

    fn init(&mut self, from: Party, init: &InitView<'_>, said: &mut Said) {
        said.handshake = true;
        let (tag, initial) = (init.initiate_tag, init.initial_tsn);
        let offer = Offer { tag, initial, zero_checksum: accepts_zero_checksum(init) };
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
        said.fields.extend(zero_checksum_word(init));
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

    fn data(
        &mut self,
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
                self.channels.insert(stream, false);
                let used = !self.used.insert(stream);
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
                self.used.insert(stream);
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
            Body::Sack(sack) => self.sack(other, sack, said),
            Body::ForwardTsn(forward) => {
                said.fields.push(format!("cum={}", self.tsn(from, forward.new_cumulative_tsn)));
                said.fields.extend(skipped(forward));
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
                said.fields.extend(cause_words(abort.causes()));
            }
            Body::Error(error) => said.fields.extend(cause_words(error.causes())),
            Body::Shutdown(shutdown) => {
                said.closing = true;
                said.fields.push(format!("cum={}", self.tsn(other, shutdown.cumulative_tsn_ack)));
            }
            Body::ShutdownAck | Body::ShutdownComplete(_) => said.closing = true,
            Body::ReConfig(view) => self.reconfig(packet, from, view.parameters(), said),
            _ => said.fields.push("unknown".to_owned()),
        }
    }

    /// What is acknowledged of what the other side sent.
    fn sack(&self, other: Party, sack: &SackView<'_>, said: &mut Said) {
        said.fields.push(format!("cum={}", self.tsn(other, sack.cumulative_tsn_ack)));
        let gaps: Vec<String> =
            sack.gap_blocks().take(3).map(|gap| format!("{}-{}", gap.start, gap.end)).collect();
        if !gaps.is_empty() {
            let more = if sack.gap_blocks().len() > 3 { ",.." } else { "" };
            said.fields.push(format!("gaps={}{more}", gaps.join(",")));
        }
        let duplicates = sack.duplicates().len();
        said.fields.extend((duplicates > 0).then(|| format!("dup={duplicates}")));
        said.fields.extend((sack.a_rwnd == 0).then(|| "rwnd=0".to_owned()));
    }

    /// Streams whose channel is closed, to be opened again.
    fn free(&mut self, streams: &[StreamId]) {
        // RFC 6525 §4.1: none listed means all.
        if streams.is_empty() {
            self.channels.clear();
            self.used.clear();
        }
        for stream in streams {
            self.channels.remove(&stream.0);
            self.used.remove(&stream.0);
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
                        self.free(&reset.streams);
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

/// Chunks that a steady association sends again and again.
fn is_steady(ty: ChunkType) -> bool {
    matches!(
        ty,
        ChunkType::DATA
            | ChunkType::I_DATA
            | ChunkType::SACK
            | ChunkType::HEARTBEAT
            | ChunkType::HEARTBEAT_ACK
            | ChunkType::FORWARD_TSN
            | ChunkType::I_FORWARD_TSN
            | ChunkType::RE_CONFIG
    )
}

/// The error detection method in the place of checksums, if one is declared: `zca=dtls`.
fn zero_checksum_word(init: &InitView<'_>) -> Option<String> {
    let value = init.parameter(ParameterType::ZERO_CHECKSUM_ACCEPTABLE)?;
    if accepts_zero_checksum(init) {
        return Some("zca=dtls".to_owned());
    }
    let method = value.first_chunk::<4>().filter(|_| value.len() == 4);
    let other = method.map(|method| format!("zca={}", u32::from_be_bytes(*method)));
    Some(other.unwrap_or_else(|| "PARAM-MALFORMED".to_owned()))
}

/// The streams on which a FORWARD TSN skips messages.
fn skipped(forward: &ForwardTsnView<'_>) -> Option<String> {
    let skipped: Vec<String> = forward
        .streams()
        .take(4)
        .map(|skipped| format!("{}:{}", skipped.stream, skipped.ssn))
        .collect();
    (!skipped.is_empty()).then(|| format!("skip={}", skipped.join(",")))
}

fn cause_words<'a>(causes: impl Iterator<Item = CauseView<'a>>) -> Vec<String> {
    causes.take(4).map(|cause| cause_word(cause.code().0, &cause.code().to_string())).collect()
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use rtcspec_wire::sctp::{Checksum, set_checksum};

    use crate::{Carrier, Datagram, Party, Place, Profile, Session, transcript};

    const SUPPORTED: &[u8] = &[0x80, 0x08, 0, 6, 130, 192, 0, 0];
    const COOKIE: &[u8] = &[0, 7, 0, 8, 1, 2, 3, 4];

    /// A packet with its checksum.
    fn packet(tag: u32, chunks: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = [[0x13, 0x88, 0x13, 0x88], tag.to_be_bytes(), [0; 4]].concat();
        bytes.extend(chunks.concat());
        set_checksum(&mut bytes, Checksum::Crc32c);
        bytes
    }

    fn chunk(ty: u8, flags: u8, value: &[u8]) -> Vec<u8> {
        let length = (4 + value.len() as u16).to_be_bytes();
        let mut bytes = [&[ty, flags][..], &length, value].concat();
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    fn init(ty: u8, tag: u32, parameters: &[&[u8]]) -> Vec<u8> {
        let fixed = [tag.to_be_bytes(), [0, 2, 0, 0], [0xff; 4], 100_u32.to_be_bytes()].concat();
        chunk(ty, 0, &[fixed, parameters.concat()].concat())
    }

    /// An OPEN of stream 0 that is reliable, without label.
    fn open(tsn: u32) -> Vec<u8> {
        let dcep = [3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        chunk(0, 3, &[&tsn.to_be_bytes()[..], &[0, 0, 0, 0, 0, 0, 0, 50], &dcep].concat())
    }

    fn handshake(a: u32, b: u32, more: &[u8]) -> Vec<(Party, Vec<u8>)> {
        vec![
            (Party::A, packet(0, &[init(1, a, &[SUPPORTED, more])])),
            (Party::B, packet(a, &[init(2, b, &[SUPPORTED, more, COOKIE])])),
            (Party::A, packet(b, &[chunk(10, 0, &COOKIE[4..])])),
            (Party::B, packet(a, &[chunk(11, 0, &[])])),
        ]
    }

    fn told(packets: Vec<(Party, Vec<u8>)>) -> String {
        let at = |party: Party| SocketAddr::from(([192, 0, 2, 1 + u8::from(party == Party::B)], 5));
        let datagram = |(number, (from, payload)): (u64, (Party, Vec<u8>))| {
            let sent = std::time::Duration::from_millis(100 * number);
            let (source, destination) = (at(from), at(from.other()));
            Datagram {
                number,
                sent,
                arrived: Some(sent),
                from: Some(Place::Peer(from)),
                to: Some(Place::Peer(from.other())),
                carrier: Carrier::Sctp,
                source,
                destination,
                seen_source: source,
                seen_destination: destination,
                crossings: Vec::new(),
                lost: None,
                copies: 0,
                payload,
            }
        };
        let datagrams = (1..).zip(packets).map(datagram).collect();
        let profile = Profile::Exact;
        transcript(&Session { profile, datagrams, ..Session::default() }, "ok")
    }

    #[test]
    fn another_association_has_all_its_streams_free() {
        let mut packets = handshake(0x11, 0x22, &[]);
        packets.push((Party::A, packet(0x22, &[open(100)])));
        packets.push((Party::A, packet(0x22, &[chunk(6, 0, &[])])));
        packets.extend(handshake(0x33, 0x44, &[]));
        packets.push((Party::A, packet(0x44, &[open(100)])));
        let text = told(packets.clone());
        assert!(text.contains("open") && !text.contains("SID-IN-USE"), "{text}");
        packets.push((Party::A, packet(0x44, &[open(101)])));
        assert!(told(packets).contains("SID-IN-USE"));
    }

    #[test]
    fn a_reset_without_a_list_frees_every_stream() {
        let mut packets = handshake(0x11, 0x22, &[]);
        packets.push((Party::A, packet(0x22, &[open(100)])));
        let numbers = [100_u32, 99, 100].map(u32::to_be_bytes).concat();
        let reset = [&[0, 13, 0, 16][..], &numbers].concat();
        packets.push((Party::A, packet(0x22, &[chunk(130, 0, &reset)])));
        packets.push((Party::A, packet(0x22, &[open(101)])));
        let text = told(packets);
        assert!(text.contains("reset=all") && !text.contains("SID-IN-USE"), "{text}");
    }

    #[test]
    fn zero_checksums_take_the_method_that_dtls_is() {
        let unsummed = |method: u32| {
            let more = [&[0x80, 1, 0, 8][..], &method.to_be_bytes()].concat();
            let mut packets = handshake(0x11, 0x22, &more);
            let mut last = packet(0x22, &[open(100)]);
            set_checksum(&mut last, Checksum::Zero);
            packets.push((Party::A, last));
            told(packets)
        };
        let text = unsummed(1);
        assert!(text.contains("zca=dtls") && text.contains("crc=0"), "{text}");
        let text = unsummed(7);
        assert!(text.contains("zca=7") && text.contains("CRC-ZERO"), "{text}");
    }
}
