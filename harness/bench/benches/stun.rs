//! STUN: the connectivity check of RFC 5769 §2.1, ours beside three other implementations.
//!
//! Each row does the same work in each implementation: `parse` reads the structure and the values
//! of USERNAME, PRIORITY, ICE-CONTROLLED and SOFTWARE; `verify` adds MESSAGE-INTEGRITY and
//! FINGERPRINT (`is` does not check the latter); `build` writes the whole message (`is` without
//! SOFTWARE, for which it has no public way). Ours and `stun-types` keep the key between messages,
//! as their interfaces want it; `is` and `rtc-stun` cannot. `new key` is ours without that.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rtcspec_wire::stun::{
    Attribute, AttributeType, Check, Class, Fingerprint, Key, Message, MessageType, Method, Seal,
    TransactionId, View, Writer,
};

/// RFC 5769 §2.1.
const REQUEST: [u8; 108] = *b"\x00\x01\x00\x58\x21\x12\xa4\x42\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\
\xfa\x87\xdf\xae\x80\x22\x00\x10STUN test client\x00\x24\x00\x04\x6e\x00\x01\xff\x80\x29\x00\x08\
\x93\x2f\xf9\xb1\x51\x26\x3b\x36\x00\x06\x00\x09evtj:h6vY\x20\x20\x20\x00\x08\x00\x14\x9a\xea\xa7\
\x0c\xbf\xd8\xcb\x56\x78\x1e\xf2\xb5\xb2\xd3\xf2\x49\xc1\xb5\x71\xa2\x80\x28\x00\x04\xe5\x7a\x3b\
\xcf";
const ID: [u8; 12] = *b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";
const PASSWORD: &str = "VOkJxbRl1RmTxUk/WvJxBt";
const USERNAME: &str = "evtj:h6vY";
const SOFTWARE: &str = "STUN test client";
const PRIORITY: u32 = 0x6e00_01ff;
const TIE_BREAKER: u64 = 0x932f_f9b1_5126_3b36;

/// What a connectivity check carries, borrowed.
#[derive(Default)]
struct Values<'a> {
    username: Option<&'a str>,
    software: Option<&'a str>,
    priority: Option<u32>,
    controlled: Option<u64>,
}

fn our_parse(bytes: &[u8]) -> Values<'_> {
    let view = View::new(bytes);
    view.check_header().expect("well-formed");
    let mut values = Values::default();
    let mut attributes = view.attributes();
    for attribute in attributes.by_ref() {
        match attribute.ty {
            AttributeType::USERNAME => values.username = attribute.as_str(),
            AttributeType::SOFTWARE => values.software = attribute.as_str(),
            AttributeType::PRIORITY => values.priority = attribute.as_u32(),
            AttributeType::ICE_CONTROLLED => values.controlled = attribute.as_u64(),
            _ => {}
        }
    }
    attributes.finish().expect("well-formed");
    values
}

fn is_hmac(key: &[u8], payloads: &[&[u8]]) -> [u8; 20] {
    use is::Sha1HmacProvider;
    is::DefaultSha1HmacProvider.sha1_hmac(key, payloads)
}

fn types_key() -> stun_types::message::IntegrityKey {
    stun_types::message::ShortTermCredentials::new(PASSWORD.to_owned()).make_key()
}

fn rtc_parse(message: &mut rtc_stun::message::Message, bytes: &[u8]) {
    use rtc_stun::attributes::{ATTR_ICE_CONTROLLED, ATTR_PRIORITY, ATTR_SOFTWARE, ATTR_USERNAME};
    message.write(bytes).expect("well-formed");
    for ty in [ATTR_USERNAME, ATTR_SOFTWARE, ATTR_PRIORITY, ATTR_ICE_CONTROLLED] {
        black_box(message.attributes.get(ty).0.value.as_slice());
    }
}

fn types_parse(bytes: &[u8]) -> stun_types::message::Message<'_> {
    use stun_types::attribute::{AttributeType, Software, Username};
    let message = stun_types::message::Message::from_bytes(bytes).expect("well-formed");
    black_box(message.attribute::<Username>().expect("present").username());
    black_box(message.attribute::<Software>().expect("present").software());
    black_box(message.raw_attribute(AttributeType::new(0x0024)));
    black_box(message.raw_attribute(AttributeType::new(0x8029)));
    message
}

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("stun/parse ICE check");
    let input = || black_box(&REQUEST[..]);
    group.bench_function("rtcspec", |b| {
        b.iter(|| {
            let values = our_parse(input());
            (values.username, values.software, values.priority, values.controlled)
        });
    });
    group.bench_function("is", |b| {
        b.iter(|| {
            let message = is::stun::StunMessage::parse(input()).expect("well-formed");
            (message.username(), message.software(), message.prio(), message.ice_controlled())
        });
    });
    group.bench_function("stun-types", |b| b.iter(|| types_parse(input())));
    group.bench_function("rtc-stun", |b| {
        let mut message = rtc_stun::message::Message::new();
        b.iter(|| rtc_parse(&mut message, input()));
    });
    group.finish();
}

fn verify(c: &mut Criterion) {
    let mut group = c.benchmark_group("stun/parse and verify ICE check");
    let input = || black_box(&REQUEST[..]);
    let key = Key::short_term(PASSWORD);
    group.bench_function("rtcspec", |b| {
        b.iter(|| {
            let bytes = input();
            black_box(our_parse(bytes));
            let view = View::new(bytes);
            assert_eq!(view.fingerprint(), Fingerprint::Valid);
            assert_eq!(view.verify_integrity(&key), Check::Valid);
        });
    });
    group.bench_function("rtcspec, new key", |b| {
        b.iter(|| {
            let bytes = input();
            black_box(our_parse(bytes));
            let view = View::new(bytes);
            assert_eq!(view.fingerprint(), Fingerprint::Valid);
            assert_eq!(view.verify_integrity(&Key::short_term(black_box(PASSWORD))), Check::Valid);
        });
    });
    group.bench_function("is", |b| {
        b.iter(|| {
            let message = is::stun::StunMessage::parse(input()).expect("well-formed");
            assert!(message.verify(PASSWORD.as_bytes(), is_hmac));
        });
    });
    group.bench_function("stun-types", |b| {
        let key = types_key();
        b.iter(|| {
            types_parse(input()).validate_integrity_with_key(&key).expect("right key");
        });
    });
    group.bench_function("rtc-stun", |b| {
        let provider = rtc_crypto::default_provider().expect("ring is a feature");
        let mut message = rtc_stun::message::Message::new();
        b.iter(|| {
            rtc_parse(&mut message, input());
            rtc_stun::fingerprint::FINGERPRINT.check(&message).expect("fits");
            rtc_stun::integrity::MessageIntegrity::check(
                &mut message,
                PASSWORD.as_bytes(),
                provider.crypto(),
            )
            .expect("right key");
        });
    });
    group.finish();
}

fn build(c: &mut Criterion) {
    let mut group = c.benchmark_group("stun/build ICE check");
    let key = Key::short_term(PASSWORD);
    let seal = Seal::none().integrity(&key).fingerprint();
    group.bench_function("rtcspec", |b| {
        let ty = MessageType { class: Class::Request, method: Method::BINDING };
        let mut buffer = Vec::with_capacity(128);
        b.iter(|| {
            let mut writer = Writer::new(&mut buffer, ty, TransactionId(black_box(ID)));
            writer
                .bytes(AttributeType::SOFTWARE, SOFTWARE.as_bytes())
                .u32(AttributeType::PRIORITY, PRIORITY)
                .u64(AttributeType::ICE_CONTROLLED, TIE_BREAKER)
                .bytes(AttributeType::USERNAME, USERNAME.as_bytes());
            writer.finish(&seal).expect("fits");
            buffer.len()
        });
    });
    group.bench_function("rtcspec, new key", |b| {
        let ty = MessageType { class: Class::Request, method: Method::BINDING };
        let mut buffer = Vec::with_capacity(128);
        b.iter(|| {
            let key = Key::short_term(black_box(PASSWORD));
            let mut writer = Writer::new(&mut buffer, ty, TransactionId(black_box(ID)));
            writer
                .bytes(AttributeType::SOFTWARE, SOFTWARE.as_bytes())
                .u32(AttributeType::PRIORITY, PRIORITY)
                .u64(AttributeType::ICE_CONTROLLED, TIE_BREAKER)
                .bytes(AttributeType::USERNAME, USERNAME.as_bytes());
            writer.finish(&Seal::none().integrity(&key).fingerprint()).expect("fits");
            buffer.len()
        });
    });
    group.bench_function("rtcspec, owned message", |b| {
        let mut buffer = Vec::with_capacity(128);
        b.iter(|| {
            let message = Message::request(Method::BINDING, TransactionId(black_box(ID)))
                .with(Attribute::Software(SOFTWARE.to_owned()))
                .with(Attribute::Priority(PRIORITY))
                .with(Attribute::IceControlled(TIE_BREAKER))
                .with(Attribute::Username(USERNAME.to_owned()));
            message.encode_into(&mut buffer, &seal).expect("fits");
            buffer.len()
        });
    });
    group.bench_function("is", |b| {
        let id = is::stun::TransId::new();
        let mut buffer = [0; 256];
        b.iter(|| {
            let message = is::stun::StunMessage::binding_request(
                USERNAME,
                black_box(id),
                false,
                TIE_BREAKER,
                PRIORITY,
                false,
            );
            message.to_bytes(Some(PASSWORD.as_bytes()), &mut buffer, is_hmac).expect("fits")
        });
    });
    group.bench_function("stun-types", |b| b.iter_with_large_drop(types_build(&types_key())));
    group.bench_function("rtc-stun", |b| {
        let provider = rtc_crypto::default_provider().expect("ring is a feature");
        let mut message = rtc_stun::message::Message::new();
        b.iter(|| rtc_build(&mut message, provider.crypto()));
    });
    group.finish();
}

fn types_build(key: &stun_types::message::IntegrityKey) -> impl FnMut() -> usize {
    use stun_types::attribute::{AttributeType, RawAttribute, Software, Username};
    use stun_types::message::{BINDING, IntegrityAlgorithm, Message, MessageWriteMutSlice};
    use stun_types::prelude::*;
    move || {
        let mut buffer = [0; 256];
        let mut message = Message::builder_request(BINDING, MessageWriteMutSlice::new(&mut buffer));
        let (priority, tie) = (PRIORITY.to_be_bytes(), TIE_BREAKER.to_be_bytes());
        message.add_attribute(&Software::new(SOFTWARE).expect("short")).expect("fits");
        message
            .add_attribute(&RawAttribute::new(AttributeType::new(0x0024), &priority))
            .expect("fits");
        message.add_attribute(&RawAttribute::new(AttributeType::new(0x8029), &tie)).expect("fits");
        message.add_attribute(&Username::new(USERNAME).expect("short")).expect("fits");
        message.add_message_integrity_with_key(key, IntegrityAlgorithm::Sha1).expect("fits");
        message.add_fingerprint().expect("fits");
        message.finish()
    }
}

fn rtc_build(message: &mut rtc_stun::message::Message, crypto: &dyn rtc_crypto::RTCCrypto) {
    use rtc_stun::attributes::{ATTR_ICE_CONTROLLED, ATTR_PRIORITY, ATTR_SOFTWARE, ATTR_USERNAME};
    use rtc_stun::message::{BINDING_REQUEST, Setter};
    message.reset();
    message.transaction_id = rtc_stun::message::TransactionId(black_box(ID));
    message.set_type(BINDING_REQUEST);
    message.write_header();
    message.add(ATTR_SOFTWARE, SOFTWARE.as_bytes());
    message.add(ATTR_PRIORITY, &PRIORITY.to_be_bytes());
    message.add(ATTR_ICE_CONTROLLED, &TIE_BREAKER.to_be_bytes());
    message.add(ATTR_USERNAME, USERNAME.as_bytes());
    rtc_stun::integrity::MessageIntegrity::new_short_term_integrity_with_provider(
        PASSWORD.to_owned(),
        crypto,
    )
    .add_to(message)
    .expect("fits");
    rtc_stun::fingerprint::FINGERPRINT.add_to(message).expect("fits");
}

criterion_group!(benches, parse, verify, build);
criterion_main!(benches);
