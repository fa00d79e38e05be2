//! Packets of a forger who has read all that passed: chunks by template, tag, ports and checksum as
//! asked for.

use rtcspec_wire::sctp::{
    Abort, AddStreams, Cause, Checksum, Chunk, ChunkType, CookieEcho, Data, DataFlags, EDMID_DTLS,
    ForwardTsn, FragmentPosition, Fsn, GapBlock, Heartbeat, IData, IForwardTsn, IncomingSsnReset,
    Init, Mid, OperationError, OutgoingSsnReset, Parameter, Ppid, ReConfig, ReconfigResponse,
    ReconfigResult, RequestSequence, Sack, Shutdown, ShutdownComplete, SkippedMessage,
    SkippedStream, Ssn, StreamId, Tsn, UnknownChunk, VerificationTag, set_checksum,
};

/// What the forger knows.
#[derive(Clone, Debug)]
pub(super) struct Known {
    /// What packets to the association under test carry, and what its own do.
    pub(super) tags: (VerificationTag, VerificationTag),
    /// The next TSN it expects, and the last it sent.
    pub(super) expected: Tsn,
    pub(super) sent: Tsn,
    /// Tags and cookies of its INIT ACKs, and a cookie of somebody else.
    pub(super) cookies: Vec<(VerificationTag, Vec<u8>)>,
    pub(super) foreign: Vec<u8>,
    /// The next request for it, and the last one of its own (RFC 6525).
    pub(super) request: RequestSequence,
    pub(super) asked: RequestSequence,
}

impl Default for Known {
    fn default() -> Self {
        Self {
            tags: (VerificationTag::ZERO, VerificationTag::ZERO),
            expected: Tsn(1),
            sent: Tsn(0),
            cookies: Vec::new(),
            foreign: vec![7; 80],
            request: RequestSequence(1),
            asked: RequestSequence(0),
        }
    }
}

impl Known {
    /// The tag that was offered with the cookie that is echoed.
    fn tag_of_cookie(&self, echo: &[u8]) -> VerificationTag {
        let same = |(_, cookie): &&(_, Vec<u8>)| echo[4.min(echo.len())..].starts_with(cookie);
        let offer = self.cookies.iter().find(same).or_else(|| self.cookies.last());
        offer.map_or(self.tags.0, |(tag, _)| *tag)
    }

    fn cookie(&self, nth: usize) -> Vec<u8> {
        let count = self.cookies.len().max(1);
        self.cookies.get(nth % count).map(|(_, cookie)| cookie.clone()).unwrap_or_default()
    }
}

/// How far from where it belongs a TSN may be.
const OFFSETS: [u32; 16] = [
    0,
    1,
    2,
    3,
    5,
    20,
    1000,
    0x7fff,
    0xfffe,
    0xffff,
    0x1_0000,
    0x7fff_ffff,
    0x8000_0000,
    u32::MAX,
    u32::MAX - 1,
    u32::MAX - 1000,
];

fn offset(code: u8) -> u32 {
    OFFSETS[usize::from(code & 15)]
}

/// A packet around chunks. `mode`: which tag (0 to 3: what the first chunk wants, 4 zero, 5 the
/// peer's, 6 one off, 7 another), 0x18 which checksum, 0x20 a port that is not ours, 0x40 the last
/// byte cut off.
pub(super) fn packet(mode: u8, chunks: &[u8], known: &Known) -> Vec<u8> {
    let right = match chunks.first().map(|kind| ChunkType(*kind)) {
        Some(ChunkType::INIT) => VerificationTag::ZERO,
        Some(ChunkType::COOKIE_ECHO) => known.tag_of_cookie(chunks),
        _ => known.tags.0,
    };
    let tag = match mode & 7 {
        0..=3 => right.0,
        4 => 0,
        5 => known.tags.1.0,
        6 => right.0.wrapping_add(1),
        _ => right.0 ^ 0x5a5a_5a5a,
    };
    let source: u16 = if mode & 0x20 == 0 { 5000 } else { 5001 };
    let mut out = source.to_be_bytes().to_vec();
    out.extend_from_slice(&5000_u16.to_be_bytes());
    out.extend_from_slice(&tag.to_be_bytes());
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(chunks);
    if mode & 0x40 != 0 {
        out.pop();
    }
    match mode >> 3 & 3 {
        2 => set_checksum(&mut out, Checksum::Exactly(0xbad_c0de)),
        3 => set_checksum(&mut out, Checksum::Zero),
        _ => set_checksum(&mut out, Checksum::Crc32c),
    }
    out
}

/// Chunks of templates, three bytes each: which, and two that say how.
pub(super) fn chunks(templates: &[u8], known: &Known) -> Vec<u8> {
    let mut out = Vec::new();
    for (nth, template) in templates.chunks_exact(3).take(8).enumerate() {
        let &[kind, a, b] = template else { break };
        let before = out.len();
        match kind % 20 {
            0 => init(a, b, false, known).encode(&mut out).ok(),
            1 => init(a, b, true, known).encode(&mut out).ok(),
            3 => data(a, b, nth as u32, known).encode(&mut out).ok(),
            4 => i_data(a, b, nth as u32, known).encode(&mut out).ok(),
            18 => malformed(a, b, &mut out),
            _ => control(kind % 20, a, b, known).encode(&mut out).ok(),
        }
        .unwrap_or_else(|| out.truncate(before));
    }
    out
}

/// `a`: what is wrong with it, from the low bits; `b`: its first TSN and its tag.
fn init(a: u8, b: u8, ack: bool, known: &Known) -> Chunk {
    let mut parameters =
        vec![Parameter::ForwardTsnSupported, Parameter::ZeroChecksumAcceptable(EDMID_DTLS)];
    let extensions = [ChunkType::RE_CONFIG, ChunkType::FORWARD_TSN, ChunkType::I_DATA];
    let count = if a & 0x80 == 0 { 2 } else { 3 };
    parameters.push(Parameter::SupportedExtensions(
        extensions.iter().take(count).map(|kind| kind.0).collect(),
    ));
    if ack && a & 1 == 0 {
        parameters.push(Parameter::StateCookie(vec![b; 40]));
    }
    let parameters = if a & 0x40 == 0 { parameters } else { Vec::new() };
    let init = Init {
        initiate_tag: VerificationTag(if a & 2 == 0 { 0x0102_0300 | u32::from(b) } else { 0 }),
        a_rwnd: if a & 4 == 0 { 100_000 } else { 1499 },
        outbound_streams: if a & 8 == 0 { 100 } else { 0 },
        inbound_streams: if a & 16 == 0 { 100 } else { 0 },
        initial_tsn: Tsn(known.expected.0.wrapping_add(offset(b))),
        parameters,
    };
    if ack { Chunk::InitAck(init) } else { Chunk::Init(init) }
}

fn payload(code: u8) -> Vec<u8> {
    const LENGTHS: [usize; 8] = [1, 2, 3, 40, 500, 1000, 1180, 4000];
    vec![code; LENGTHS[usize::from(code & 7)]]
}

/// `a`: flags and stream; `b`: how far from the TSN that is expected, and in the high bits how long.
fn data(a: u8, b: u8, nth: u32, known: &Known) -> Chunk {
    Chunk::Data(Data {
        flags: DataFlags::from_bits(a ^ 3),
        tsn: Tsn(known.expected.0.wrapping_add(offset(b)).wrapping_add(nth)),
        stream: StreamId(if a & 0x40 == 0 { u16::from(a >> 4 & 3) } else { u16::MAX }),
        ssn: Ssn(u16::from(a >> 6).wrapping_mul(0x7fff)),
        ppid: Ppid::BINARY,
        payload: payload(b >> 4),
    })
}

fn i_data(a: u8, b: u8, nth: u32, known: &Known) -> Chunk {
    let position = match a & 2 {
        0 => FragmentPosition::First(Ppid::BINARY),
        _ => FragmentPosition::Later(Fsn(
            nth.wrapping_add(0x5555_5555_u32.wrapping_mul(u32::from(a >> 6)))
        )),
    };
    Chunk::IData(IData {
        immediate: a & 8 != 0,
        unordered: a & 4 != 0,
        ending: a & 1 == 0,
        tsn: Tsn(known.expected.0.wrapping_add(offset(b)).wrapping_add(nth)),
        stream: StreamId(u16::from(a >> 4 & 3)),
        mid: Mid(offset(a >> 5)),
        position,
        payload: payload(b >> 4),
    })
}

fn control(kind: u8, a: u8, b: u8, known: &Known) -> Chunk {
    let ahead = Tsn(known.expected.0.wrapping_add(offset(a)));
    match kind {
        2 => Chunk::CookieEcho(CookieEcho { cookie: cookie(a, b, known) }),
        5 => Chunk::Sack(sack(a, b, known)),
        6 => Chunk::ForwardTsn(ForwardTsn {
            new_cumulative_tsn: ahead,
            streams: (0..u16::from(b & 7))
                .map(|stream| SkippedStream { stream: StreamId(stream), ssn: Ssn(b.into()) })
                .collect(),
        }),
        7 => Chunk::IForwardTsn(IForwardTsn {
            new_cumulative_tsn: ahead,
            messages: (0..u16::from(b & 7))
                .map(|stream| SkippedMessage {
                    stream: StreamId(stream),
                    unordered: b & 8 != 0,
                    mid: Mid(offset(b >> 4)),
                })
                .collect(),
        }),
        8 => Chunk::ReConfig(re_config(a, b, known)),
        9 => Chunk::Abort(Abort { reflected_tag: a & 1 != 0, causes: causes(b) }),
        10 => Chunk::Shutdown(Shutdown {
            cumulative_tsn_ack: Tsn(known.sent.0.wrapping_add(offset(a))),
        }),
        11 => Chunk::ShutdownAck,
        12 => Chunk::ShutdownComplete(ShutdownComplete { reflected_tag: a & 1 != 0 }),
        13 => Chunk::Heartbeat(Heartbeat { info: vec![a; usize::from(b) * 5] }),
        14 => Chunk::HeartbeatAck(Heartbeat { info: vec![a; usize::from(b)] }),
        15 => Chunk::Error(OperationError { causes: causes(b) }),
        16 => Chunk::CookieAck,
        _ => Chunk::Unknown(UnknownChunk {
            // Numbers that nobody uses, with the high bits that say what to do (RFC 9260 §3.2).
            chunk_type: ChunkType(0x3e | a & 0xc0),
            flags: a & 15,
            value: vec![b; usize::from(b) * 5],
        }),
    }
}

/// `a`: whose; `b`: which of them, or where it is changed.
fn cookie(a: u8, b: u8, known: &Known) -> Vec<u8> {
    let mut own = known.cookie(usize::from(b));
    match a & 3 {
        0 => own,
        1 => {
            let mut cookie = known.cookie(known.cookies.len().saturating_sub(1));
            let at = usize::from(b) % cookie.len().max(1);
            if let Some(byte) = cookie.get_mut(at) {
                *byte ^= 1 << (b & 7);
            }
            cookie
        }
        2 => known.foreign.clone(),
        _ => {
            own.truncate(usize::from(b));
            own
        }
    }
}

/// `a`: how far from the last TSN sent, and in the high bits the window; `b`: its lists.
fn sack(a: u8, b: u8, known: &Known) -> Sack {
    const WINDOWS: [u32; 4] = [100_000, 0, 1, u32::MAX];
    let blocks = [
        GapBlock { start: 2, end: 2 },
        GapBlock { start: 4, end: 5 },
        GapBlock { start: 3, end: 0xffff },
        GapBlock { start: 7, end: 6 },
    ];
    let has = |bit: usize| b >> bit & 1 != 0;
    Sack {
        cumulative_tsn_ack: Tsn(known.sent.0.wrapping_add(offset(a))),
        a_rwnd: WINDOWS[usize::from(a >> 4 & 3)],
        gap_blocks: (0..4).filter(|bit| has(*bit)).map(|bit| blocks[bit]).collect(),
        duplicates: (4..8).filter(|bit| has(*bit)).map(|_| known.sent).collect(),
    }
}

/// `a`: what is asked for, and in the high bits by which number; `b`: streams.
fn re_config(a: u8, b: u8, known: &Known) -> ReConfig {
    let request = RequestSequence(known.request.0.wrapping_add(offset(a >> 4)));
    let streams: Vec<StreamId> = (0..u16::from(b & 3)).map(StreamId).collect();
    let add = AddStreams { request, count: u16::from(b) };
    let last_tsn = Tsn(known.expected.0.wrapping_sub(1).wrapping_add(offset(b >> 4)));
    let one = match a & 7 {
        0 => Parameter::OutgoingSsnReset(OutgoingSsnReset {
            request,
            response: known.asked,
            last_tsn,
            streams,
        }),
        1 => Parameter::IncomingSsnReset(IncomingSsnReset { request, streams }),
        2 => Parameter::SsnTsnReset(request),
        3 => Parameter::AddOutgoingStreams(add),
        4 => Parameter::AddIncomingStreams(add),
        _ => Parameter::ReconfigResponse(ReconfigResponse {
            response: RequestSequence(known.asked.0.wrapping_add(offset(a >> 4))),
            result: ReconfigResult(u32::from(b & 7)),
            next_tsns: None,
        }),
    };
    let twice = b & 8 != 0;
    ReConfig { parameters: if twice { vec![one.clone(), one] } else { vec![one] } }
}

fn causes(code: u8) -> Vec<Cause> {
    let cause = match code & 7 {
        0 => return Vec::new(),
        1 => Cause::StaleCookie(u32::from(code) << 20),
        2 => Cause::InvalidStreamIdentifier(StreamId(code.into())),
        3 => Cause::UnrecognizedChunkType(vec![code; 8]),
        4 => Cause::NoUserData(Tsn(code.into())),
        5 => Cause::ProtocolViolation(vec![code; 20]),
        6 => Cause::CookieReceivedWhileShuttingDown,
        _ => Cause::InvalidMandatoryParameter,
    };
    vec![cause; usize::from(code >> 6) + 1]
}

/// A chunk with a length, or with a cause, that is not true.
fn malformed(a: u8, b: u8, out: &mut Vec<u8>) -> Option<()> {
    let value: &[u8] = match b & 3 {
        0 => &[],
        // A cause that says it is longer than its chunk.
        1 => &[0, 13, 0, 100],
        2 => &[0, 1, 0, 3],
        _ => &[0; 16],
    };
    let truth = 4 + value.len() as u16;
    let told = [truth, 0, 3, truth + 1, truth + 100, 0xffff, truth, truth][usize::from(b >> 4 & 7)];
    out.extend_from_slice(&[a, b >> 7]);
    out.extend_from_slice(&told.to_be_bytes());
    out.extend_from_slice(value);
    Some(())
}
