//! Rows about what an association makes of packets.
//!
//! The first of two sides is who writes; what the second says and tells is the account.

use std::hint::black_box;
use std::time::Duration;

use rtcspec_peer::sctp::Config;
use rtcspec_wire::sctp::{
    Cause, Chunk, CookieEcho, Data, DataFlags, ForwardTsn, FragmentPosition, Fsn, Heartbeat, IData,
    Init, Mid, Packet, Parameter, ParameterType, Ppid, SkippedStream, Ssn, StreamId, Tsn,
    VerificationTag,
};

use crate::known::budget::MACHINE;
use crate::known::pair::{Pair, TSN, bytes, config, in_words, packet};
use crate::known::{Input, Known, Others};

const SECOND: Duration = Duration::from_secs(1);

const ROW: Known = Known { budget: MACHINE, ..Known::USUAL };

pub(in crate::known) const ALL: &[Known] = &[
    Known {
        id: "sctp/usrsctp-auth-chunk-short",
        row: Some(2),
        source: "usrsctp e1dd9bea, 858d2f73",
        cause: "an AUTH chunk too short for its identifiers is read all the same",
        input: Input::Events("AUTH of one byte, never negotiated, and a HEARTBEAT behind it"),
        // RFC 9260 §3.2: of type 00, so that the packet ends there.
        right: "silence",
        others: Others::Run("sctp/auth-chunk-short"),
        play: |code, _| {
            let mut pair = Pair::connected(&config());
            let auth = [15, 0, 0, 5, 1, 0, 0, 0];
            let beat = [4, 0, 0, 12, 0, 1, 0, 8, 1, 2, 3, 4];
            pair.forge_raw(&[code.pick(&auth[..], &[]), &beat].concat());
            pair.told(1)
        },
        ..ROW
    },
    Known {
        id: "sctp/usrsctp-cookie-address",
        row: Some(3),
        source: "usrsctp ed764fee, CVE-2020-6514",
        cause: "the state cookie holds the address of a structure in memory",
        input: Input::Events("two servers of one seed at two places in memory, each sent an INIT"),
        right: "INIT-ACK, the same bytes",
        others: Others::Nobody("two runs of one seed are not at two places in memory"),
        play: |code, _| {
            let mut places = Vec::new();
            let mut answers = [0, 1].map(|nth| {
                places.push(Box::new([0_u8; 4096]));
                let mut answer = bytes(&answer_to_init(Vec::new()).1);
                if code.is_theirs() {
                    let place: *const [u8; 4096] = &raw const *places[nth];
                    answer.extend(black_box(place.addr()).to_be_bytes());
                }
                answer
            });
            let [first, second] = &mut answers;
            let kind = if first[12] == 2 { "INIT-ACK" } else { "no INIT-ACK" };
            format!("{kind}, {}", if first == second { "the same bytes" } else { "other bytes" })
        },
        ..ROW
    },
    Known {
        id: "sctp/usrsctp-cookie-behind-stop",
        row: Some(4),
        source: "usrsctp #351, #352",
        cause: "the state cookie is looked for behind a parameter that ends the reading",
        input: Input::Events("INIT-ACK with a cookie behind an unknown parameter of type 00"),
        right: "INIT, ABORT [MissingMandatoryParameter([State Cookie])], \
                Closed(Violation(MissingMandatoryParameter([State Cookie]))), Closed",
        others: Others::Run("sctp/cookie-behind-stop"),
        play: |code, _| {
            let stop = Parameter::Other { parameter_type: ParameterType(0x3fe0), value: vec![1] };
            let cookie = Parameter::StateCookie(b"biscuit".to_vec());
            told_init_ack(code.pick(vec![stop.clone(), cookie.clone()], vec![cookie, stop]))
        },
        ..ROW
    },
    Known {
        id: "sctp/usrsctp-fragment-beyond-last",
        row: Some(6),
        source: "usrsctp 4687803d, #355",
        cause: "a fragment with a number above that of the last fragment is let in",
        input: Input::Events("I-DATA fragments 0, 2 (the last), 3, 1 of one message"),
        right: "SACK 1000, SACK 1000 +2-2, SACK 1000 +2-3, SACK 1003, message \"abc\"",
        others: Others::Nobody("no case negotiates I-DATA"),
        play: |code, _| {
            let last = code.pick(2, 3);
            fragments(&[(0, 0, "a"), (2, 2, "c"), (3, 3, "d"), (1, 1, "b")], last)
        },
        ..ROW
    },
    Known {
        id: "sctp/usrsctp-fragment-before-last",
        row: Some(6),
        source: "usrsctp 4687803d, #355",
        cause: "the last fragment is let in although one with a number above it is there",
        input: Input::Events("I-DATA fragments 0, 3, 2 (the last), 1 of one message"),
        right: "SACK 1000, SACK 1000 +2-2, SACK 1000 +2-3, SACK 1003, message \"abc\"",
        others: Others::Nobody("no case negotiates I-DATA"),
        play: |code, _| {
            let last = code.pick(2, 3);
            fragments(&[(0, 0, "a"), (3, 2, "d"), (2, 3, "c"), (1, 1, "b")], last)
        },
        ..ROW
    },
    Known {
        id: "sctp/usrsctp-cookie-lifetime",
        row: Some(7),
        source: "usrsctp f4925bd5",
        cause: "a peer changes the time in its cookie, and the sum with its life overflows",
        input: Input::Events("COOKIE-ECHO whose first eight bytes are all ones"),
        right: "silence, Closed",
        others: Others::Run("sctp/cookie-altered"),
        play: |code, _| {
            told_cookie(|cookie| {
                let first = cookie.first_chunk_mut::<8>();
                if let (Some(time), false) = (first, code.is_theirs()) {
                    *time = [0xff; 8];
                }
            })
        },
        ..ROW
    },
    Known {
        id: "sctp/usrsctp-cookie-preservative",
        row: Some(7),
        source: "usrsctp f4925bd5",
        cause: "the longer life that a peer asks for its cookie overflows, or has no end",
        input: Input::Events("INIT asks for 2^32 - 1 ms more, the COOKIE-ECHO comes after 61 s"),
        right: "ERROR [StaleCookie(1000000)], Closed",
        others: Others::Nobody("a case does not wait for the life of a cookie"),
        play: |code, _| {
            let (mut pair, ack) = answer_to_init(vec![Parameter::CookiePreservative(u32::MAX)]);
            pair.now += code.pick(SECOND * 61, SECOND);
            let now = pair.now;
            pair.sides[1].advance(now);
            echo(&mut pair, &ack, |_| ());
            pair.told(1)
        },
        ..ROW
    },
    Known {
        id: "sctp/usrsctp-timer-after-close",
        row: Some(8),
        source: "usrsctp 51e7c013, 939d48f9, ffed0925",
        cause: "timers of an association that is closed go off, and use what was freed",
        input: Input::Events("data without answer, then ABORT, then two minutes"),
        right: "nothing sent, no timer",
        others: Others::Nobody("what a stack does after it is closed is not seen from outside"),
        play: |code, _| {
            let mut pair = Pair::connected(&config());
            let [_, side] = &mut pair.sides;
            let message = (StreamId(1), Ppid::BINARY, vec![7; 3000]);
            let _ = side.send(
                pair.now,
                message.0,
                message.1,
                message.2,
                rtcspec_peer::sctp::Reliability::RELIABLE,
            );
            let lost = pair.take(1).len();
            let abort = Chunk::Abort(rtcspec_wire::sctp::Abort::default());
            if !code.is_theirs() {
                pair.forge(vec![abort]);
            }
            let mut sent = 0;
            for _ in 0..120 {
                pair.now += SECOND;
                let now = pair.now;
                pair.sides[1].advance(now);
                sent += pair.take(1).len();
            }
            debug_assert!(lost > 0, "nothing was under way");
            let timer = if pair.sides[1].wake().is_none() { "no timer" } else { "a timer" };
            format!("{} sent, {timer}", if sent == 0 { "nothing" } else { "something" })
        },
        ..ROW
    },
    Known {
        id: "sctp/linux-cookie-too-short",
        row: Some(11),
        source: "Linux CVE-2026-53224, CVE-2026-53246",
        cause: "a COOKIE-ECHO is shorter than what is read out of it",
        input: Input::Events("COOKIE-ECHO without its last byte"),
        right: "silence, Closed",
        others: Others::Run("sctp/cookie-too-short"),
        play: |code, _| told_cookie(|cookie| cookie.truncate(cookie.len() - code.pick(1, 0))),
        ..ROW
    },
    Known {
        id: "sctp/linux-cookie-too-long",
        row: Some(11),
        source: "Linux CVE-2026-53224, CVE-2026-53246",
        cause: "a COOKIE-ECHO is longer than what was made, and what is behind is used",
        input: Input::Events("COOKIE-ECHO with four bytes more"),
        right: "silence, Closed",
        others: Others::Run("sctp/cookie-too-long"),
        play: |code, _| told_cookie(|cookie| cookie.extend_from_slice(code.pick(&[0; 4][..], &[]))),
        ..ROW
    },
    Known {
        id: "sctp/sctp-proto-ssn-wrap",
        row: Some(14),
        source: "sctp-proto #9",
        cause: "the stream sequence number after 65535 overflows: a panic",
        input: Input::Events("FORWARD-TSN over SSN 65534, then DATA of 65535 and of 0"),
        right: "SACK 1004, message \"a\", message \"b\"",
        others: Others::Nobody("SSNs of the hostile side are its association's: 65536 messages"),
        play: |code, _| {
            let mut pair = Pair::connected(&config());
            // In steps: a number half way round would be one of the past.
            for (nth, ssn) in [(0, 30_000), (1, 60_000), (2, 65_534)] {
                pair.forge(vec![forward(TSN + nth, &[ssn])]);
            }
            pair.forget();
            pair.forge(vec![data(TSN + 3, 65_535, "a")]);
            pair.forge(vec![data(TSN + 4, code.pick(0, 1), "b")]);
            pair.told(1)
        },
        ..ROW
    },
    Known {
        id: "sctp/sctp-proto-small-packets",
        row: Some(14),
        source: "sctp-proto #47",
        cause: "the congestion window of a small MTU underflows: a panic",
        input: Input::Events("a message of 3000 bytes in packets of 100"),
        right: "a message of 3000 bytes",
        others: Others::Nobody("the size of packets is not the hostile side's to say"),
        play: |code, _| {
            let small = Config { max_packet: 100, ..config() };
            let mut pair = Pair::connected(&small);
            pair.send(1, vec![7; code.pick(3000, 2999)]);
            pair.pass(SECOND * 10);
            pair.told(1).split(", ").filter(|word| word.starts_with("a message")).collect()
        },
        ..ROW
    },
    Known {
        id: "sctp/sctp-proto-tsn-wrap",
        row: Some(14),
        source: "sctp-proto #65, #44",
        cause: "gaps where TSNs wrap: a panic, or a SACK for what never came",
        input: Input::Events("DATA of TSN 2^32 - 1, then of 1, then of 0"),
        right: "SACK 4294967295 +2-2, SACK 1, message \"a\", message \"b\", message \"c\"",
        others: Others::Run("sctp/tsn-wrap"),
        play: |code, _| {
            let wraps = Config { initial_tsn: Some(Tsn(u32::MAX)), ..config() };
            let mut pair = Pair::connected(&wraps);
            pair.forge(vec![data(u32::MAX, 0, "a")]);
            pair.forge(vec![data(code.pick(1, 0), 2, "c")]);
            pair.forge(vec![data(code.pick(0, 1), 1, "b")]);
            pair.pass(SECOND);
            pair.told(1)
        },
        ..ROW
    },
    Known {
        id: "sctp/sctp-proto-stray-heartbeat-ack",
        row: Some(16),
        source: "rtc-sctp 0.21.1, sctp-proto 0.10.8, measured 2026-11-23",
        cause: "HEARTBEAT-ACK is taken for unknown, and drops the DATA behind it",
        input: Input::Events("HEARTBEAT-ACK that nobody asked for, and DATA behind it"),
        right: "SACK 1000, message \"x\"",
        others: Others::Run("sctp/heartbeat-ack-with-data"),
        play: |code, _| {
            let mut pair = Pair::connected(&config());
            let stray = Chunk::HeartbeatAck(Heartbeat { info: vec![9; 8] });
            let x = data(TSN, 0, "x");
            pair.forge(code.pick(vec![stray.clone(), x], vec![stray]));
            pair.pass(SECOND);
            pair.told(1)
        },
        ..ROW
    },
    Known {
        id: "sctp/pion-forward-tsn-aborts",
        row: Some(17),
        source: "pion/sctp #104",
        cause: "FORWARD-TSN under loss is answered by ABORT",
        input: Input::Events("DATA 1 and 3 of which 0 is lost, FORWARD-TSN over 0, then over 2"),
        right: "SACK 999 +2-2, SACK 999 +2-2 +4-4, SACK 1001 +2-2, SACK 1003, message \"b\", \
                message \"d\"",
        others: Others::Run("sctp/forward-tsn-under-loss"),
        play: |code, _| {
            let mut pair = Pair::connected(&config());
            pair.forge(vec![data(TSN + 1, 1, "b")]);
            pair.forge(vec![data(TSN + 3, 3, "d")]);
            pair.forge(vec![forward(TSN, &[0])]);
            if code.is_theirs() {
                let now = pair.now;
                pair.sides[1].abort(now, Cause::UserInitiatedAbort(Vec::new()));
            }
            pair.forge(vec![forward(TSN + 2, &[2])]);
            pair.told(1)
        },
        ..ROW
    },
];

fn data(tsn: u32, ssn: u16, text: &str) -> Chunk {
    Chunk::Data(Data {
        flags: DataFlags::WHOLE,
        tsn: Tsn(tsn),
        stream: StreamId(1),
        ssn: Ssn(ssn),
        ppid: Ppid::BINARY,
        payload: text.into(),
    })
}

/// FORWARD-TSN that skips these sequence numbers of stream 1.
fn forward(tsn: u32, skipped: &[u16]) -> Chunk {
    let streams = skipped.iter().map(|ssn| SkippedStream { stream: StreamId(1), ssn: Ssn(*ssn) });
    Chunk::ForwardTsn(ForwardTsn { new_cumulative_tsn: Tsn(tsn), streams: streams.collect() })
}

/// Fragments of a message: number, place among TSNs, content; and which number is the last.
fn fragments(all: &[(u32, u32, &str)], last: u32) -> String {
    let mut pair = Pair::connected(&Config { interleaving: true, ..config() });
    for (fsn, place, text) in all {
        let position = match fsn {
            0 => FragmentPosition::First(Ppid::BINARY),
            fsn => FragmentPosition::Later(Fsn(*fsn)),
        };
        pair.forge(vec![Chunk::IData(IData {
            immediate: true,
            unordered: false,
            ending: *fsn == last,
            tsn: Tsn(TSN + place),
            stream: StreamId(1),
            mid: Mid(0),
            position,
            payload: (*text).into(),
        })]);
    }
    pair.told(1)
}

/// An INIT with these parameters to the second side: both sides, and what came back.
fn answer_to_init(parameters: Vec<Parameter>) -> (Pair, Packet) {
    let mut pair = Pair::new(&config());
    let init = Init {
        initiate_tag: VerificationTag(7),
        a_rwnd: 1 << 20,
        outbound_streams: 10,
        inbound_streams: 10,
        initial_tsn: Tsn(TSN),
        parameters,
    };
    pair.give(1, &bytes(&packet(VerificationTag::ZERO, vec![Chunk::Init(init)])));
    let answer = pair.take(1).pop();
    (pair, answer.unwrap_or_else(|| packet(VerificationTag::ZERO, Vec::new())))
}

/// COOKIE-ECHO to the second side's INIT-ACK, with the cookie changed.
fn echo(pair: &mut Pair, ack: &Packet, change: impl FnOnce(&mut Vec<u8>)) {
    let Some(Chunk::InitAck(init)) = ack.chunks.first() else { return };
    let cookie = init.parameters.iter().find_map(|parameter| match parameter {
        Parameter::StateCookie(cookie) => Some(cookie.clone()),
        _ => None,
    });
    let mut cookie = cookie.unwrap_or_default();
    change(&mut cookie);
    let echo = packet(init.initiate_tag, vec![Chunk::CookieEcho(CookieEcho { cookie })]);
    pair.give(1, &bytes(&echo));
    pair.settle();
}

/// What a server tells of a COOKIE-ECHO that was changed.
fn told_cookie(change: impl FnOnce(&mut Vec<u8>)) -> String {
    let (mut pair, ack) = answer_to_init(Vec::new());
    echo(&mut pair, &ack, change);
    pair.told(1)
}

/// What a client tells of an INIT-ACK with these parameters.
fn told_init_ack(parameters: Vec<Parameter>) -> String {
    let mut pair = Pair::new(&config());
    pair.sides[0].connect(pair.now);
    let sent = pair.take(0);
    let tag = sent.iter().flat_map(|packet| &packet.chunks).find_map(|chunk| match chunk {
        Chunk::Init(init) => Some(init.initiate_tag),
        _ => None,
    });
    let ack = Init {
        initiate_tag: VerificationTag(7),
        a_rwnd: 1 << 20,
        outbound_streams: 10,
        inbound_streams: 10,
        initial_tsn: Tsn(TSN),
        parameters,
    };
    let ack = packet(tag.unwrap_or(VerificationTag::ZERO), vec![Chunk::InitAck(ack)]);
    pair.give(0, &bytes(&ack));
    let first: Vec<String> = sent.iter().map(in_words).collect();
    pair.settle();
    format!("{}, {}", first.join(", "), pair.told(0))
}
