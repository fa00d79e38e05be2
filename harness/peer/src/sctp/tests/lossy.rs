//! Whatever a link loses, repeats and reorders: reliable messages arrive once, whole and in order.

use proptest::prelude::{
    Just, ProptestConfig, Strategy, TestCaseError, any, prop_assert, prop_assert_eq, prop_oneof,
    proptest,
};

use super::*;

#[derive(Clone, Debug)]
struct Weather {
    seed: u64,
    loss: u64,
    duplicate: u64,
    reorder: u64,
}

fn weather() -> impl Strategy<Value = Weather> {
    (any::<u64>(), 0_u64..30, 0_u64..20, 0_u64..30)
        .prop_map(|(seed, loss, duplicate, reorder)| Weather { seed, loss, duplicate, reorder })
}

fn link(weather: &Weather) -> Link {
    let mut rng = Rng::new(weather.seed);
    let weather = weather.clone();
    Box::new(move |_, _| {
        let mut percent = || rng.range(0..100);
        if percent() < weather.loss {
            return vec![];
        }
        let copies = if percent() < weather.duplicate { 2 } else { 1 };
        (0..copies)
            .map(|_| {
                if percent() < weather.reorder {
                    MS * 10 + MS * 2 * u32::try_from(percent()).expect("below 100")
                } else {
                    MS * 10
                }
            })
            .collect()
    })
}

#[derive(Clone, Debug)]
struct Sending {
    stream: u16,
    length: usize,
    ordered: bool,
    pause: u32,
}

fn sendings() -> impl Strategy<Value = Vec<Sending>> {
    let sending = (0_u16..4, prop_oneof![1_usize..200, 1_usize..20_000], any::<bool>(), 0_u32..40)
        .prop_map(|(stream, length, ordered, pause)| Sending { stream, length, ordered, pause });
    proptest::collection::vec(sending, 1..25)
}

fn payload(index: usize, length: usize) -> Vec<u8> {
    let index = u8::try_from(index).expect("few messages");
    (0..length).map(|n| index ^ u8::try_from(n % 256).expect("a byte")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn reliable_messages_arrive_once_and_ordered_ones_in_order(
        weather in weather(), sendings in sendings(), interleaving in any::<bool>(),
        both_connect in any::<bool>(), tsn in prop_oneof![Just(u32::MAX - 3), any::<u32>()],
    ) {
        let config = Config {
            interleaving,
            initial_tsn: Some(rtcspec_wire::sctp::Tsn(tsn)),
            max_retransmits: 100,
            max_init_retransmits: 100,
            rto_max: SECOND * 4,
            ..Config::default()
        };
        let mut pair = Pair::new(config.clone(), config);
        pair.link = link(&weather);
        pair.a.connect(pair.now);
        if both_connect {
            pair.b.connect(pair.now);
        }
        for (index, sending) in sendings.iter().enumerate() {
            let reliability = Reliability { ordered: sending.ordered, ..Reliability::RELIABLE };
            pair.send_a(sending.stream, &payload(index, sending.length), reliability);
            pair.run(MS * sending.pause);
        }
        let cumulative_before = pair.b.received.cumulative();
        let mut waited = 0;
        while pair.messages_at_b().len() < sendings.len() || !pair.a.is_drained() {
            pair.run(SECOND);
            waited += 1;
            prop_assert!(waited < 2000, "{:?}", pair.a);
        }
        prop_assert!(!pair.events_a.iter().any(|e| matches!(e, Event::Closed(_))));
        prop_assert!(pair.b.received.cumulative() >= cumulative_before);
        prop_assert_eq!(pair.b.reassembly.buffered(), 0);
        check_messages(&pair, &sendings)?;
        check_silence(&mut pair)?;
    }

    #[test]
    fn cumulative_acknowledgements_never_go_back(weather in weather(), lengths in proptest::collection::vec(1_usize..4000, 1..20)) {
        let config = Config { max_retransmits: 100, max_init_retransmits: 100, rto_max: SECOND * 4, ..Config::default() };
        let mut pair = Pair::new(config.clone(), config);
        pair.link = link(&weather);
        pair.a.connect(pair.now);
        for (index, length) in lengths.iter().enumerate() {
            let reliability = Reliability { max_retransmits: Some(u32::from(index % 2 == 0)), ..Reliability::RELIABLE };
            pair.send_a(1, &payload(index, *length), reliability);
        }
        pair.run(SECOND * 300);
        prop_assert!(pair.a.is_established() && pair.a.is_drained());
        let acks: Vec<rtcspec_wire::sctp::Tsn> = pair.log.iter()
            .filter(|(_, from, _)| *from == From::B)
            .flat_map(|(_, _, packet)| &packet.chunks)
            .filter_map(|chunk| if let Chunk::Sack(sack) = chunk { Some(sack.cumulative_tsn_ack) } else { None })
            .collect();
        prop_assert!(acks.windows(2).all(|two| two[0].is_at_or_before(two[1])));
    }
}

fn check_messages(pair: &Pair, sendings: &[Sending]) -> Result<(), TestCaseError> {
    let got = pair.messages_at_b();
    prop_assert_eq!(got.len(), sendings.len());
    for stream in 0..4 {
        let ordered: Vec<&[u8]> = got
            .iter()
            .filter(|m| m.stream.0 == stream && !m.unordered)
            .map(|m| m.data.as_slice())
            .collect();
        let expected: Vec<Vec<u8>> = sendings
            .iter()
            .enumerate()
            .filter(|(_, s)| s.stream == stream && s.ordered)
            .map(|(index, s)| payload(index, s.length))
            .collect();
        prop_assert_eq!(ordered, expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
    }
    let mut loose: Vec<&[u8]> =
        got.iter().filter(|m| m.unordered).map(|m| m.data.as_slice()).collect();
    let mut expected: Vec<Vec<u8>> = sendings
        .iter()
        .enumerate()
        .filter(|(_, s)| !s.ordered)
        .map(|(index, s)| payload(index, s.length))
        .collect();
    loose.sort_unstable();
    expected.sort_unstable();
    prop_assert_eq!(loose, expected.iter().map(Vec::as_slice).collect::<Vec<_>>());
    Ok(())
}

fn check_silence(pair: &mut Pair) -> Result<(), TestCaseError> {
    // What is still under way and owed, then nothing but heartbeats.
    pair.run(SECOND * 10);
    pair.log.clear();
    pair.run(SECOND * 15);
    let beats = |packet: &Packet| {
        packet.chunks.iter().all(|c| matches!(c, Chunk::Heartbeat(_) | Chunk::HeartbeatAck(_)))
    };
    let noise: Vec<_> = pair.log.iter().filter(|(_, _, packet)| !beats(packet)).collect();
    prop_assert!(noise.is_empty(), "{:?}", noise);
    Ok(())
}
