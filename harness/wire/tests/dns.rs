//! DNS messages: vectors written by hand from the RFCs, defects, and properties.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use rtcspec_wire::dns::{
    Data, DnsError, HEADER, LONGEST, Message, Name, Question, Record, RecordType, Section, View,
};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// RFC 1035 §4.1.4: F.ISI.ARPA at byte 20, FOO.F.ISI.ARPA as a label and a pointer, ARPA as a
/// pointer into the first, and the root. They are the names of four questions.
fn of_the_rfc() -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes[5] = 5;
    // Moves what follows to byte 20, as in the RFC's figure.
    bytes.extend(*b"\x02at\x00\x00\x01\x00\x01");
    assert_eq!(bytes.len(), 20);
    bytes.extend(*b"\x01F\x03ISI\x04ARPA\x00\x00\x01\x00\x01");
    bytes.extend(*b"\x03FOO\xc0\x14\x00\x01\x00\x01");
    bytes.extend(*b"\xc0\x1a\x00\x01\x00\x01");
    bytes.extend(*b"\x00\x00\x01\x00\x01");
    bytes
}

#[test]
fn names_of_rfc_1035_4_1_4_are_read_through_their_pointers() {
    let bytes = of_the_rfc();
    let view = View::new(&bytes);
    view.check().unwrap();
    let names = view.questions().map(|question| question.unwrap().name.to_name().unwrap());
    let names: Vec<String> = names.map(|name| name.to_string()).collect();
    assert_eq!(names, ["at", "F.ISI.ARPA", "FOO.F.ISI.ARPA", "ARPA", ""]);
}

/// A question of RFC 6762 §5.4 for an address, with the unicast-response bit, and what a simple
/// querier is answered by §6.7: identifier and question repeated, no cache-flush bit, ten seconds.
#[test]
fn a_question_and_the_answer_to_a_simple_querier_have_the_bytes_of_the_rfcs() {
    let who = name("a.local");
    let question = Question { name: who.clone(), kind: RecordType::A, unicast: true };
    let asked = Message::query(0x1234, vec![question.clone()]);
    let query = b"\x12\x34\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\
                  \x01a\x05local\x00\x00\x01\x80\x01";
    assert_eq!(asked.to_bytes().unwrap(), query);
    assert_eq!(Message::parse(query), Ok(asked));
    let data = Data::A(Ipv4Addr::new(10, 1, 0, 2));
    let answer = Message {
        id: 0x1234,
        response: true,
        questions: vec![Question { unicast: false, ..question }],
        answers: vec![Record { name: who, flush: false, ttl: 10, data }],
    };
    let response = b"\x12\x34\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00\
                     \x01a\x05local\x00\x00\x01\x00\x01\
                     \xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x0a\x00\x04\x0a\x01\x00\x02";
    assert_eq!(answer.to_bytes().unwrap(), response);
    assert_eq!(Message::parse(response), Ok(answer));
}

/// RFC 6762 §10.2 and RFC 3596 §2.2: an announcement of an IPv6 address, with the cache-flush bit.
#[test]
fn an_announcement_of_an_ipv6_address_has_the_bytes_of_the_rfcs() {
    let data = Data::Aaaa(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
    let record = Record { name: name("b.local"), flush: true, ttl: 120, data };
    let told = Message::response(vec![record]);
    let bytes = b"\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x00\
                  \x01b\x05local\x00\x00\x1c\x80\x01\x00\x00\x00\x78\x00\x10\
                  \x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01";
    assert_eq!(told.to_bytes().unwrap(), bytes);
    assert_eq!(Message::parse(bytes), Ok(told));
}

#[test]
fn a_view_shows_what_a_value_cannot_be() {
    // An address, and beside it an NSEC record (RFC 6762 §6.1), as responders send it.
    let bytes = b"\x00\x00\x84\x00\x00\x00\x00\x01\x00\x00\x00\x01\
                  \x01a\x05local\x00\x00\x01\x80\x01\x00\x00\x00\x78\x00\x04\x0a\x01\x00\x02\
                  \xc0\x0c\x00\x2f\x80\x01\x00\x00\x00\x78\x00\x05\xc0\x0c\x00\x01\x40";
    assert_eq!(Message::parse(bytes), Err(DnsError::Section(1)));
    let view = View::new(bytes);
    view.check().unwrap();
    let records: Vec<_> = view.records().map(Result::unwrap).collect();
    assert_eq!(records[0].to_record().unwrap().data, Data::A(Ipv4Addr::new(10, 1, 0, 2)));
    assert_eq!(
        (records[1].section, records[1].kind.to_string()),
        (Section::Additional, "TYPE47".to_owned())
    );
    assert_eq!(records[1].name.to_name(), Ok(name("A.LOCAL")), "case means nothing");
}

#[test]
fn pointers_that_lead_nowhere_or_round_and_round_are_refused() {
    let with = |tail: &[u8]| {
        let mut bytes = vec![0; HEADER];
        bytes[5] = 1;
        bytes.extend_from_slice(tail);
        bytes.extend([0, 1, 0, 1]);
        View::new(&bytes).check()
    };
    let pointer = |from, to| Err(DnsError::Pointer { from, to });
    assert_eq!(with(b"\xc0\x0c"), pointer(12, 12), "itself");
    assert_eq!(with(b"\xc0\x40"), pointer(12, 64), "forwards");
    assert_eq!(with(b"\x01a\xc0\x0c"), pointer(14, 12), "a name that goes on with itself");
    assert_eq!(with(b"\x40"), Err(DnsError::Label(0x40)));
    assert_eq!(with(b"\x80"), Err(DnsError::Label(0x80)));
    // A chain in which each pointer leads to the one before, in the data of a record.
    let chained = |hops: u16| {
        let mut bytes = b"\x00\x00\x84\x00\x00\x00\x00\x02\x00\x00\x00\x00\
                          \x01a\x00\x00\x63\x00\x01\x00\x00\x00\x00"
            .to_vec();
        bytes.extend((2 * hops).to_be_bytes());
        let begin = bytes.len() as u16;
        for hop in 0..hops {
            let to = if hop == 0 { 12 } else { begin + 2 * (hop - 1) };
            bytes.extend((0xc000 | to).to_be_bytes());
        }
        bytes.extend((0xc000 | (begin + 2 * (hops - 1))).to_be_bytes());
        bytes.extend(*b"\x00\x01\x00\x01\x00\x00\x00\x00\x00\x00");
        View::new(&bytes).check()
    };
    assert_eq!(chained(126), Ok(()));
    assert!(matches!(chained(127), Err(DnsError::Pointer { .. })), "no name has so many labels");
}

#[test]
fn a_defect_of_a_question_does_not_hide_that_there_are_records() {
    let answer = b"\x01a\x00\x00\x01\x00\x01\x00\x00\x00\x0a\x00\x04\x0a\x01\x00\x02";
    let with = |question: &[u8]| {
        let head = b"\x00\x00\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00";
        [&head[..], question, answer].concat()
    };
    // A pointer to itself has an end.
    let bytes = with(b"\xc0\x0c\x00\x01\x00\x01");
    let view = View::new(&bytes);
    assert_eq!(view.check(), Err(DnsError::Pointer { from: 12, to: 12 }));
    let records: Vec<_> = view.records().map(|record| record.unwrap().to_record()).collect();
    assert_eq!(records[0].as_ref().unwrap().data, Data::A(Ipv4Addr::new(10, 1, 0, 2)));
    // A label of no known kind has none.
    let bytes = with(b"\x40\x00\x01\x00\x01");
    let records: Vec<_> = View::new(&bytes).records().map(Result::err).collect();
    assert_eq!(records, [Some(DnsError::Label(0x40))]);
}

#[test]
fn names_have_their_limits() {
    let label = "a".repeat(63);
    assert!(label.parse::<Name>().is_ok());
    assert_eq!("a".repeat(64).parse::<Name>(), Err(DnsError::Label(64)));
    assert_eq!("a".repeat(999).parse::<Name>(), Err(DnsError::Label(255)));
    for text in ["", ".", "a..b", ".a"] {
        assert_eq!(text.parse::<Name>(), Err(DnsError::Label(0)), "{text}");
    }
    // RFC 1035 §3.1: 255 bytes, lengths and the empty label included.
    let longest = [&label, &label, &label, &"a".repeat(61)].map(String::as_str).join(".");
    assert!(longest.parse::<Name>().is_ok());
    assert_eq!(format!("{longest}a").parse::<Name>(), Err(DnsError::NameTooLong));
    assert_eq!(name("a.local.").to_string(), "a.local");
    assert_eq!(name("x y\\").to_string(), "x\\032y\\\\");
}

#[test]
fn what_is_no_message_of_ours_is_named() {
    let good =
        Message::query(0, vec![Question { name: name("a"), kind: RecordType::A, unicast: false }]);
    let good = good.to_bytes().unwrap();
    let with = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        Message::parse(&bytes)
    };
    assert_eq!(with(2, 0x80), Err(DnsError::Flags(0x8000)), "a response without AA");
    assert_eq!(with(2, 0x02), Err(DnsError::Flags(0x0200)), "TC");
    assert_eq!(with(3, 0x03), Err(DnsError::Flags(0x0003)), "NXDOMAIN");
    assert_eq!(with(18, 3), Err(DnsError::Class(3)), "CHAOS");
    assert_eq!(with(5, 0), Err(DnsError::Trailing(7)));
    assert_eq!(with(5, 2), Err(DnsError::Short(19)));
    assert_eq!(with(9, 1), Err(DnsError::Section(1)));
    assert_eq!(Message::parse(&[]), Err(DnsError::Short(0)));
    let many = Question { name: name(&"a".repeat(60)), kind: RecordType::A, unicast: false };
    let names =
        (0..200).map(|n| Question { name: name(&format!("{n}.{}", many.name)), ..many.clone() });
    let long = Message::query(0, names.collect());
    assert!(matches!(long.to_bytes(), Err(DnsError::TooLong(length)) if length > LONGEST));
}

fn names() -> impl Strategy<Value = Name> {
    proptest::collection::vec("[a-zA-Z0-9 _-]{1,63}", 1..4)
        .prop_map(|labels| name(&labels.join(".")))
}

fn messages() -> impl Strategy<Value = Message> {
    let question = (names(), any::<u16>(), any::<bool>())
        .prop_map(|(name, kind, unicast)| Question { name, kind: RecordType(kind), unicast });
    let data = prop_oneof![
        any::<[u8; 4]>().prop_map(|ip| Data::A(ip.into())),
        any::<[u8; 16]>().prop_map(|ip| Data::Aaaa(ip.into())),
    ];
    let record = (names(), any::<bool>(), any::<u32>(), data)
        .prop_map(|(name, flush, ttl, data)| Record { name, flush, ttl, data });
    let lists =
        (proptest::collection::vec(question, 0..4), proptest::collection::vec(record, 0..4));
    (any::<u16>(), any::<bool>(), lists, any::<bool>()).prop_map(|(id, response, lists, same)| {
        let (questions, mut answers) = lists;
        if let (true, Some(question)) = (same, questions.first()) {
            answers.iter_mut().for_each(|answer| answer.name = question.name.clone());
        }
        Message { id, response, questions, answers }
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again_and_written_alike(message in messages()) {
        let bytes = message.to_bytes().unwrap();
        let again = Message::parse(&bytes).unwrap();
        prop_assert_eq!(&again, &message);
        prop_assert_eq!(again.to_bytes().unwrap(), bytes);
    }

    #[test]
    fn what_is_cut_short_is_refused_and_its_beginning_is_shown(message in messages(), at in any::<prop::sample::Index>()) {
        let bytes = message.to_bytes().unwrap();
        let cut = &bytes[..at.index(bytes.len())];
        prop_assert_eq!(Message::parse(cut), Err(DnsError::Short(cut.len())));
        let view = View::new(cut);
        let seen = view.questions().filter(Result::is_ok).count() + view.records().filter(Result::is_ok).count();
        prop_assert!(seen < (message.questions.len() + message.answers.len()).max(1));
    }

    #[test]
    fn any_bytes_are_shown_and_what_is_a_message_is_shown_whole(
        bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0), Just(0xc0), Just(12)], 0..200)
    ) {
        let view = View::new(&bytes);
        let names = view.questions().filter_map(Result::ok).map(|question| question.name);
        for name in names.chain(view.records().filter_map(Result::ok).map(|record| record.name)) {
            prop_assert!(name.labels().count() <= 128);
        }
        if let Ok(message) = Message::parse(&bytes) {
            prop_assert!(view.check().is_ok());
            prop_assert_eq!(view.records().count(), message.answers.len());
        }
    }
}
