//! Whole packets: round trips, outside vectors, known-bad inputs.

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..max)
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 1..200)
}

fn streams() -> impl Strategy<Value = Vec<StreamId>> {
    vec(any::<u16>().prop_map(StreamId), 0..6)
}

fn reconfig_parameter() -> impl Strategy<Value = Parameter> {
    let word = any::<u32>();
    prop_oneof![
        (word, word, word, streams()).prop_map(|(request, response, tsn, streams)| {
            Parameter::OutgoingSsnReset(OutgoingSsnReset {
                request: RequestSequence(request),
                response: RequestSequence(response),
                last_tsn: Tsn(tsn),
                streams,
            })
        }),
        (word, streams()).prop_map(|(request, streams)| {
            Parameter::IncomingSsnReset(IncomingSsnReset {
                request: RequestSequence(request),
                streams,
            })
        }),
        word.prop_map(|request| Parameter::SsnTsnReset(RequestSequence(request))),
        (word, word, any::<Option<(u32, u32)>>()).prop_map(|(response, result, tsns)| {
            Parameter::ReconfigResponse(ReconfigResponse {
                response: RequestSequence(response),
                result: ReconfigResult(result),
                next_tsns: tsns.map(|(a, b)| (Tsn(a), Tsn(b))),
            })
        }),
        (word, any::<u16>(), any::<bool>()).prop_map(|(request, count, out)| {
            let add = AddStreams { request: RequestSequence(request), count };
            if out {
                Parameter::AddOutgoingStreams(add)
            } else {
                Parameter::AddIncomingStreams(add)
            }
        }),
    ]
}

fn parameter() -> impl Strategy<Value = Parameter> {
    prop_oneof![
        bytes(50).prop_map(Parameter::HeartbeatInfo),
        any::<[u8; 4]>().prop_map(|address| Parameter::Ipv4Address(address.into())),
        any::<[u8; 16]>().prop_map(|address| Parameter::Ipv6Address(address.into())),
        bytes(90).prop_map(Parameter::StateCookie),
        bytes(20).prop_map(Parameter::UnrecognizedParameter),
        any::<u32>().prop_map(Parameter::CookiePreservative),
        vec(any::<u16>(), 0..4).prop_map(Parameter::SupportedAddressTypes),
        any::<u32>().prop_map(Parameter::ZeroChecksumAcceptable),
        bytes(9).prop_map(Parameter::SupportedExtensions),
        Just(Parameter::ForwardTsnSupported),
        (0x8100_u16..0x9000, bytes(9)).prop_map(|(number, value)| Parameter::Other {
            parameter_type: ParameterType(number),
            value
        }),
        reconfig_parameter(),
    ]
}

fn cause() -> impl Strategy<Value = Cause> {
    prop_oneof![
        any::<u16>().prop_map(|stream| Cause::InvalidStreamIdentifier(StreamId(stream))),
        vec(any::<u16>().prop_map(ParameterType), 0..4).prop_map(Cause::MissingMandatoryParameter),
        any::<u32>().prop_map(Cause::StaleCookie),
        Just(Cause::OutOfResource),
        bytes(9).prop_map(Cause::UnresolvableAddress),
        bytes(9).prop_map(Cause::UnrecognizedChunkType),
        Just(Cause::InvalidMandatoryParameter),
        vec(parameter(), 0..3)
            .prop_map(|list| Cause::unrecognized(&list).expect("short lists fit")),
        any::<u32>().prop_map(|tsn| Cause::NoUserData(Tsn(tsn))),
        Just(Cause::CookieReceivedWhileShuttingDown),
        bytes(9).prop_map(Cause::RestartWithNewAddresses),
        bytes(9).prop_map(Cause::UserInitiatedAbort),
        bytes(9).prop_map(Cause::ProtocolViolation),
        (0x200_u16.., bytes(9))
            .prop_map(|(code, value)| Cause::Other { code: CauseCode(code), value }),
    ]
}

prop_compose! {
    fn init()(
        tag in any::<u32>(), a_rwnd in any::<u32>(), out in any::<u16>(), inward in any::<u16>(),
        tsn in any::<u32>(), parameters in vec(parameter(), 0..5),
    ) -> Init {
        Init {
            initiate_tag: VerificationTag(tag),
            a_rwnd,
            outbound_streams: out,
            inbound_streams: inward,
            initial_tsn: Tsn(tsn),
            parameters,
        }
    }
}

prop_compose! {
    fn data()(
        bits in 0_u8..16, tsn in any::<u32>(), stream in any::<u16>(), ssn in any::<u16>(),
        ppid in any::<u32>(), payload in payload(),
    ) -> Data {
        Data {
            flags: DataFlags::from_bits(bits),
            tsn: Tsn(tsn),
            stream: StreamId(stream),
            ssn: Ssn(ssn),
            ppid: Ppid(ppid),
            payload,
        }
    }
}

prop_compose! {
    fn i_data()(
        bits in any::<[bool; 4]>(), tsn in any::<u32>(), stream in any::<u16>(),
        mid in any::<u32>(), word in any::<u32>(), payload in payload(),
    ) -> IData {
        let [immediate, unordered, ending, first] = bits;
        let position = if first {
            FragmentPosition::First(Ppid(word))
        } else {
            FragmentPosition::Later(Fsn(word))
        };
        IData {
            immediate, unordered, ending, tsn: Tsn(tsn), stream: StreamId(stream),
            mid: Mid(mid), position, payload,
        }
    }
}

prop_compose! {
    fn sack()(
        tsn in any::<u32>(), a_rwnd in any::<u32>(),
        gaps in vec(any::<(u16, u16)>(), 0..8), duplicates in vec(any::<u32>(), 0..8),
    ) -> Sack {
        Sack {
            cumulative_tsn_ack: Tsn(tsn),
            a_rwnd,
            gap_blocks: gaps.into_iter().map(|(start, end)| GapBlock { start, end }).collect(),
            duplicates: duplicates.into_iter().map(Tsn).collect(),
        }
    }
}

fn forward_tsn() -> impl Strategy<Value = Chunk> {
    (any::<u32>(), vec(any::<(u16, u16)>(), 0..5)).prop_map(|(tsn, streams)| {
        let skip = |(stream, ssn)| SkippedStream { stream: StreamId(stream), ssn: Ssn(ssn) };
        Chunk::ForwardTsn(ForwardTsn {
            new_cumulative_tsn: Tsn(tsn),
            streams: streams.into_iter().map(skip).collect(),
        })
    })
}

fn i_forward_tsn() -> impl Strategy<Value = Chunk> {
    (any::<u32>(), vec(any::<(u16, bool, u32)>(), 0..5)).prop_map(|(tsn, messages)| {
        let skip = |(stream, unordered, mid)| SkippedMessage {
            stream: StreamId(stream),
            unordered,
            mid: Mid(mid),
        };
        Chunk::IForwardTsn(IForwardTsn {
            new_cumulative_tsn: Tsn(tsn),
            messages: messages.into_iter().map(skip).collect(),
        })
    })
}

fn chunk() -> impl Strategy<Value = Chunk> {
    prop_oneof![
        data().prop_map(Chunk::Data),
        i_data().prop_map(Chunk::IData),
        init().prop_map(Chunk::Init),
        init().prop_map(Chunk::InitAck),
        sack().prop_map(Chunk::Sack),
        bytes(60).prop_map(|info| Chunk::Heartbeat(Heartbeat { info })),
        bytes(60).prop_map(|info| Chunk::HeartbeatAck(Heartbeat { info })),
        (any::<bool>(), vec(cause(), 0..4))
            .prop_map(|(reflected_tag, causes)| Chunk::Abort(Abort { reflected_tag, causes })),
        vec(cause(), 0..4).prop_map(|causes| Chunk::Error(OperationError { causes })),
        any::<u32>().prop_map(|tsn| Chunk::Shutdown(Shutdown { cumulative_tsn_ack: Tsn(tsn) })),
        Just(Chunk::ShutdownAck),
        bytes(90).prop_map(|cookie| Chunk::CookieEcho(CookieEcho { cookie })),
        Just(Chunk::CookieAck),
        any::<bool>()
            .prop_map(|reflected_tag| Chunk::ShutdownComplete(ShutdownComplete { reflected_tag })),
        vec(reconfig_parameter(), 1..3)
            .prop_map(|parameters| Chunk::ReConfig(ReConfig { parameters })),
        forward_tsn(),
        i_forward_tsn(),
        (prop_oneof![Just(15_u8), Just(128), Just(193), 195..=255_u8], any::<u8>(), bytes(30))
            .prop_map(|(number, flags, value)| Chunk::Unknown(UnknownChunk {
                chunk_type: ChunkType(number),
                flags,
                value,
            })),
    ]
}

prop_compose! {
    fn packet()(
        source_port in any::<u16>(), destination_port in any::<u16>(), tag in any::<u32>(),
        chunks in vec(chunk(), 0..6),
    ) -> Packet {
        Packet { source_port, destination_port, verification_tag: VerificationTag(tag), chunks }
    }
}

/// Reads everything a view can show; only the absence of panics and endless loops is the point.
fn look_at_everything(bytes: &[u8]) -> usize {
    let Ok(view) = PacketView::new(bytes) else { return 0 };
    let mut seen = usize::from(view.checksum_state().is_correct());
    for chunk in view.chunks() {
        seen += chunk.padding().len() + chunk.value().len() + usize::from(chunk.fault().is_some());
        match chunk.body() {
            Ok(Body::Init(init) | Body::InitAck(init)) => seen += init.parameters().count(),
            Ok(Body::Sack(sack)) => seen += sack.gap_blocks().count() + sack.duplicates().count(),
            Ok(Body::Abort(abort)) => seen += abort.causes().count(),
            Ok(Body::Error(error)) => seen += error.causes().count(),
            Ok(Body::ReConfig(re_config)) => seen += re_config.parameters().count(),
            Ok(_) | Err(_) => {}
        }
        seen += usize::from(Chunk::from_view(&chunk).is_ok());
    }
    seen
}

proptest! {
    #[test]
    fn any_packet_reads_back_as_it_was_written(packet in packet()) {
        let bytes = packet.encode(Checksum::Crc32c).expect("small packets fit");
        let view = PacketView::new(&bytes).expect("a common header");
        prop_assert!(view.checksum_state().is_correct());
        prop_assert!(view.chunks().all(|chunk| chunk.fault().is_none()));
        prop_assert_eq!(bytes.len() % 4, 0);
        prop_assert_eq!(Packet::from_view(&view).expect("own packets are well formed"), packet);
    }

    #[test]
    fn any_bytes_can_be_looked_at(bytes in bytes(300)) {
        look_at_everything(&bytes);
    }

    #[test]
    fn a_damaged_packet_can_be_looked_at(packet in packet(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = packet.encode(Checksum::Crc32c).expect("small packets fit");
        let at = at.index(bytes.len());
        bytes[at] = byte;
        look_at_everything(&bytes);
        bytes.truncate(at);
        look_at_everything(&bytes);
    }

    #[test]
    fn the_walk_covers_every_byte_once(bytes in bytes(300)) {
        if let Ok(view) = PacketView::new(&bytes) {
            let walked: Vec<u8> = view.chunks().flat_map(|chunk| chunk.bytes().to_vec()).collect();
            prop_assert_eq!(walked.as_slice(), &bytes[HEADER_LENGTH..]);
        }
    }
}

/// Packets of real sessions, decrypted (corpus/captures/README.md).
const REAL_SESSIONS: [(&str, &str); 7] = [
    ("aiortc-gst", include_str!("../../../../corpus/captures/plaintext/aiortc-gst.sctp.txt")),
    (
        "chromium-firefox",
        include_str!("../../../../corpus/captures/plaintext/chromium-firefox.sctp.txt"),
    ),
    (
        "firefox-firefox",
        include_str!("../../../../corpus/captures/plaintext/firefox-firefox.sctp.txt"),
    ),
    ("firefox-ndc", include_str!("../../../../corpus/captures/plaintext/firefox-ndc.sctp.txt")),
    ("pion-wrtc", include_str!("../../../../corpus/captures/plaintext/pion-wrtc.sctp.txt")),
    ("werift-werift", include_str!("../../../../corpus/captures/plaintext/werift-werift.sctp.txt")),
    ("wrtc-aiortc", include_str!("../../../../corpus/captures/plaintext/wrtc-aiortc.sctp.txt")),
];

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok());
    (0..text.len()).step_by(2).map(|at| digit(at).expect("hex digits")).collect()
}

fn real_packets(text: &str) -> impl Iterator<Item = Vec<u8>> + '_ {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| unhex(line.split_once(' ').expect("role and bytes").1))
}

#[test]
fn packets_of_real_stacks_are_understood_and_written_back_byte_for_byte() {
    for (name, text) in REAL_SESSIONS {
        let mut states = Vec::new();
        for bytes in real_packets(text) {
            let view = PacketView::new(&bytes).expect("a common header");
            let packet = Packet::from_view(&view).expect("well-formed packets");
            let state = view.checksum_state();
            let checksum = match state {
                ChecksumState::Correct => Checksum::Crc32c,
                ChecksumState::Zero => Checksum::Zero,
                ChecksumState::Wrong { .. } => panic!("{name}: {state:?}"),
            };
            states.push(checksum);
            let written = packet.encode(checksum).expect("it came in one packet");
            assert_eq!(written, bytes, "{name}: {packet:#?}");
        }
        assert!(states.len() > 30, "{name}: {} packets", states.len());
    }
}

#[test]
fn firefox_pair_talks_i_data_and_ndc_declares_a_zero_checksum() {
    let (_, firefox) = REAL_SESSIONS[2];
    let all: Vec<Vec<u8>> = real_packets(firefox).collect();
    let is_i_data = |bytes: &Vec<u8>| {
        let view = PacketView::new(bytes).expect("a common header");
        view.chunks().any(|chunk| matches!(chunk.body(), Ok(Body::IData(_))))
    };
    assert!(all.iter().filter(|bytes| is_i_data(bytes)).count() > 10);

    let (_, ndc) = REAL_SESSIONS[3];
    let declared = real_packets(ndc).any(|bytes| {
        let view = PacketView::new(&bytes).expect("a common header");
        view.chunks().any(|chunk| match chunk.body() {
            Ok(Body::Init(init) | Body::InitAck(init)) => {
                init.parameter(ParameterType::ZERO_CHECKSUM_ACCEPTABLE) == Some(&[0, 0, 0, 1])
            }
            _ => false,
        })
    });
    assert!(declared);
}

/// A packet of raw chunks with a right checksum.
fn raw_packet(chunks: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x13, 0x88, 0x13, 0x88, 0, 0, 0, 1, 0, 0, 0, 0];
    bytes.extend_from_slice(chunks);
    set_checksum(&mut bytes, Checksum::Crc32c);
    bytes
}

fn chunk_types(bytes: &[u8]) -> Vec<ChunkType> {
    let view = PacketView::new(bytes).expect("a common header");
    view.chunks().map(|chunk| chunk.chunk_type()).collect()
}

#[test]
fn crc32c_equals_the_bitwise_definition_and_is_stored_low_byte_first() {
    let mut crc = u32::MAX;
    let mut bytes = unhex("1388138800000001000000000b000004");
    for byte in &bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    set_checksum(&mut bytes, Checksum::Crc32c);
    assert_eq!(bytes[8..12], (!crc).to_le_bytes());
    assert_eq!(crc32c(&bytes), !crc);
}

#[test]
fn wrong_and_zero_checksums_are_told_apart() {
    let packet = Packet {
        source_port: 1,
        destination_port: 2,
        verification_tag: VerificationTag(3),
        chunks: vec![Chunk::CookieAck],
    };
    let state = |checksum| {
        let bytes = packet.encode(checksum).expect("it is short");
        PacketView::new(&bytes).expect("a common header").checksum_state()
    };
    assert_eq!(state(Checksum::Crc32c), ChecksumState::Correct);
    assert_eq!(state(Checksum::Zero), ChecksumState::Zero);
    assert!(matches!(state(Checksum::Exactly(5)), ChecksumState::Wrong { found: 5, .. }));
}

#[test]
fn a_re_config_without_parameters_or_with_three_is_not_written() {
    for count in [0, 3] {
        let parameters = vec![Parameter::SsnTsnReset(RequestSequence(1)); count];
        let written = Chunk::ReConfig(ReConfig { parameters }).encode(&mut Vec::new());
        assert_eq!(written, Err(EncodeError::ReConfigParameters { count }));
    }
}

#[test]
fn bytes_behind_all_that_a_chunk_has_are_not_kept() {
    for (bytes, expected) in [
        (&[11, 0, 0, 8, 1, 2, 3, 4][..], Chunk::CookieAck),
        (&[8, 0, 0, 5, 1, 0, 0, 0][..], Chunk::ShutdownAck),
        (
            &[7, 0, 0, 12, 0, 0, 0, 9, 1, 2, 3, 4][..],
            Chunk::Shutdown(Shutdown { cumulative_tsn_ack: Tsn(9) }),
        ),
    ] {
        let chunk = Chunks::new(bytes).next().expect("there are bytes");
        assert_eq!(Chunk::from_view(&chunk), Ok(expected));
    }
}

#[test]
fn hand_computed_init_is_read() {
    // RFC 9260 §3.3.2 by hand: tag 0x01020304, a_rwnd 131072, 10 out, 20 in, TSN 0xfffffffe,
    // then Forward-TSN-Supported and Supported Extensions (RE-CONFIG, FORWARD-TSN).
    let bytes =
        raw_packet(&unhex("0100001e0102030400020000000a0014fffffffec00000048008000682c00000"));
    let packet = Packet::from_view(&PacketView::new(&bytes).expect("a common header"));
    let init = Init {
        initiate_tag: VerificationTag(0x0102_0304),
        a_rwnd: 131_072,
        outbound_streams: 10,
        inbound_streams: 20,
        initial_tsn: Tsn(0xffff_fffe),
        parameters: vec![
            Parameter::ForwardTsnSupported,
            Parameter::SupportedExtensions(vec![130, 192]),
        ],
    };
    assert_eq!(packet.expect("well formed").chunks, vec![Chunk::Init(init)]);
}

/// Known-bad inputs, named by the products that fell over them.
mod known_bad {
    use super::*;

    #[test]
    fn rtc_sctp_error_cause_longer_than_its_chunk() {
        let mut bytes = unhex("13888188e05957c2fce57e650900000800010008");
        set_checksum(&mut bytes, Checksum::Crc32c);
        let view = PacketView::new(&bytes).expect("a common header");
        // As found the cause's length equals its chunk's: four bytes more than there are.
        let fault = Fault::Overrun { length: 8, available: 4 };
        assert_eq!(Packet::from_view(&view), Err(Error::Cause(fault)));
        for kind in [6, 9] {
            let bytes = raw_packet(&[kind, 0, 0, 8, 0, 13, 0xff, 0xff]);
            let view = PacketView::new(&bytes).expect("a common header");
            assert!(matches!(Packet::from_view(&view), Err(Error::Cause(_))));
        }
    }

    #[test]
    fn sipsorcery_chunk_length_zero_ends_the_walk() {
        let bytes = raw_packet(&[0, 3, 0, 0, 0, 3, 0, 0]);
        assert_eq!(chunk_types(&bytes), [ChunkType::DATA]);
        let view = PacketView::new(&bytes).expect("a common header");
        let fault = Fault::LengthTooSmall { length: 0 };
        assert_eq!(Packet::from_view(&view), Err(Error::Chunk(fault)));
    }

    #[test]
    fn usrsctp_partial_last_parameter_is_a_fault_for_every_reader() {
        let mut init = unhex("0100001a0102030400020000000a0014fffffffe");
        init.extend_from_slice(&[0x80, 8, 0, 20, 130, 192]);
        let bytes = raw_packet(&init);
        let view = PacketView::new(&bytes).expect("a common header");
        let fault = Fault::Overrun { length: 20, available: 6 };
        assert_eq!(Packet::from_view(&view), Err(Error::Parameter(fault)));
        let Some(Ok(Body::Init(init))) = view.chunks().next().map(|chunk| chunk.body()) else {
            panic!("an INIT")
        };
        assert!(init.supported_extensions().is_empty());
    }

    #[test]
    fn usrsctp_state_cookie_parameter_of_length_zero() {
        let mut init = unhex("020000180102030400020000000a0014fffffffe");
        init.extend_from_slice(&[0, 7, 0, 0]);
        let bytes = raw_packet(&init);
        let view = PacketView::new(&bytes).expect("a common header");
        let Some(Ok(Body::InitAck(ack))) = view.chunks().next().map(|chunk| chunk.body()) else {
            panic!("an INIT ACK")
        };
        assert_eq!(ack.parameter(ParameterType::STATE_COOKIE), None);
    }

    #[test]
    fn usrsctp_auth_and_pktdrop_with_wild_inner_lengths_stay_raw() {
        let bytes =
            raw_packet(&[15, 0, 0, 8, 0xff, 0xff, 0xff, 0xff, 129, 0, 0, 8, 0xff, 0xff, 0, 0]);
        let view = PacketView::new(&bytes).expect("a common header");
        let packet = Packet::from_view(&view).expect("raw chunks are well formed");
        assert!(packet.chunks.iter().all(|chunk| matches!(chunk, Chunk::Unknown(_))));
    }

    #[test]
    fn pion_sack_shorter_than_its_counts() {
        let bytes = raw_packet(&unhex("0300001000000001000100000001ffff"));
        let view = PacketView::new(&bytes).expect("a common header");
        let claimed = 4 + 4 * 65_535;
        let chunk_type = ChunkType::SACK;
        let wrong = Error::ListLength { chunk_type, claimed, available: 0 };
        assert_eq!(Packet::from_view(&view), Err(wrong));
    }

    #[test]
    fn webrtc_rs_bundled_sack_and_data_and_forward_tsn_and_data() {
        let sack = "0300001000000001000100000000000000";
        let data = "0003001100000002000100000000003378000000";
        let forward = "c0000008000000050003001100000006000100010000003379000000";
        let bytes = raw_packet(&unhex(&format!("{}{data}", &sack[..32])));
        assert_eq!(chunk_types(&bytes), [ChunkType::SACK, ChunkType::DATA]);
        let bytes = raw_packet(&unhex(forward));
        assert_eq!(chunk_types(&bytes), [ChunkType::FORWARD_TSN, ChunkType::DATA]);
        let packet = Packet::from_view(&PacketView::new(&bytes).expect("a common header"));
        assert!(packet.is_ok());
    }

    #[test]
    fn sctp_proto_unknown_chunk_does_not_hide_its_neighbours() {
        let bytes = raw_packet(&[5, 0, 0, 8, 0, 1, 0, 4, 0xbf, 0, 0, 4, 11, 0, 0, 4]);
        let types = [ChunkType::HEARTBEAT_ACK, ChunkType(0xbf), ChunkType::COOKIE_ACK];
        assert_eq!(chunk_types(&bytes), types);
        assert_eq!(ChunkType(0xbf).unknown_action(), UnknownAction::Skip);
        let packet = Packet::from_view(&PacketView::new(&bytes).expect("a common header"));
        assert_eq!(packet.expect("well formed").chunks.len(), 3);
    }

    #[test]
    fn rtc_sctp_init_with_supported_address_types() {
        let mut init = unhex("0100001a0102030400020000000a0014fffffffe");
        init.extend_from_slice(&[0, 12, 0, 6, 0, 5]);
        let bytes = raw_packet(&init);
        let packet = Packet::from_view(&PacketView::new(&bytes).expect("a common header"));
        let Ok([Chunk::Init(init)]) = packet.as_ref().map(|packet| packet.chunks.as_slice()) else {
            panic!("an INIT: {packet:?}")
        };
        assert_eq!(init.parameters, [Parameter::SupportedAddressTypes(vec![5])]);
    }

    #[test]
    fn data_without_user_data_is_seen_and_refused() {
        let bytes = raw_packet(&unhex("00030010000000090001000000000033"));
        let view = PacketView::new(&bytes).expect("a common header");
        assert_eq!(Packet::from_view(&view), Err(Error::NoUserData { tsn: Tsn(9) }));
    }
}
