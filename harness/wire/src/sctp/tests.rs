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
