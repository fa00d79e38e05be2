//! What every STUN server must do (RFC 8489).

use rtcspec_suite::verdict::Verdict;
use rtcspec_wire::stun::{Attribute, AttributeType, Class, Message, Method, Seal};

use crate::Case;
use crate::bench::{Bench, Duty, QUIET, Stop};
use crate::client::{Client, Reply, fresh_id, plain, request};
use crate::target::Transport;

/// Must be understood, and nobody does: of the range for expert review, unassigned.
pub(super) const REQUIRED: AttributeType = AttributeType(0x7f0e);
/// May be ignored, and nobody knows it.
const OPTIONAL: AttributeType = AttributeType(0xff0e);

pub(super) fn unknown(ty: AttributeType) -> Attribute {
    Attribute::Unknown { ty, bytes: vec![1, 2, 3, 4] }
}

pub(crate) const BINDING: Case = Case {
    id: "stun-server/binding",
    title: "a Binding request is answered with the address it came from",
    tests: &["RFC 8489 §2", "RFC 8489 §14.2"],
    only: None,
    play: binding,
};

const MAPPED: Duty = Duty {
    text: "RFC 8489 §2: a Binding response has the reflexive address of the client",
    expected: "success with XOR-MAPPED-ADDRESS, twice the same",
};

fn binding(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let first = client.must(&plain(&request(Method::BINDING))?)?;
    let second = client.must(&plain(&request(Method::BINDING))?)?;
    let mapped = |reply: &Reply| reply.view().xor_mapped_address();
    let local = client.local()?;
    let same_machine = bench.target.address.ip() == local.ip();
    let right = mapped(&first).is_some_and(|address| !same_machine || address == local);
    let met = first.is_success() && right && mapped(&first) == mapped(&second);
    bench.met(MAPPED, met, format!("{}; from {local}", first.told()));
    Ok(())
}

pub(crate) const UNKNOWN_REQUIRED: Case = Case {
    id: "stun-server/unknown-required",
    title: "a Binding request with an attribute that must be understood and is not",
    tests: &["RFC 8489 §6.3.1"],
    only: None,
    play: unknown_required,
};

const LISTED: Duty = Duty {
    text: "RFC 8489 §6.3.1: unknown comprehension-required attributes are refused with 420, and \
           listed in UNKNOWN-ATTRIBUTES",
    expected: "420 with 0x7f0e in UNKNOWN-ATTRIBUTES",
};

fn unknown_required(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let reply = client.must(&plain(&request(Method::BINDING).with(unknown(REQUIRED)))?)?;
    listed(bench, &reply);
    Ok(())
}

/// Rules on a 420.
pub(super) fn listed(bench: &mut Bench<'_>, reply: &Reply) {
    let list = reply.view().value(AttributeType::UNKNOWN_ATTRIBUTES).unwrap_or_default();
    let lists = list.chunks(2).any(|ty| ty == REQUIRED.0.to_be_bytes());
    bench.met(LISTED, reply.code() == 420 && lists, reply.told());
}

pub(crate) const UNKNOWN_OPTIONAL: Case = Case {
    id: "stun-server/unknown-optional",
    title: "a Binding request with an attribute that may be ignored",
    tests: &["RFC 8489 §6.3.1"],
    only: None,
    play: unknown_optional,
};

const IGNORED: Duty = Duty {
    text: "RFC 8489 §6.3: unknown comprehension-optional attributes are ignored",
    expected: "success",
};

fn unknown_optional(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let reply = client.must(&plain(&request(Method::BINDING).with(unknown(OPTIONAL)))?)?;
    bench.met(IGNORED, reply.is_success(), reply.told());
    Ok(())
}

/// Sends bytes; says what came back, if anything, and whether the server still answers.
fn provoked(client: &mut Client, bytes: &[u8]) -> Result<Option<Reply>, Stop> {
    client.send(bytes)?;
    let heard = client.hears(QUIET)?.map(Reply);
    client.must(&plain(&request(Method::BINDING))?)?;
    Ok(heard)
}

fn silence(heard: Option<&Reply>) -> String {
    heard.map_or_else(|| "nothing came back".to_owned(), Reply::told)
}

pub(crate) const INDICATION: Case = Case {
    id: "stun-server/indication",
    title: "a Binding indication is not answered",
    tests: &["RFC 8489 §6.3.2"],
    only: None,
    play: indication,
};

const NO_ANSWER: Duty = Duty {
    text: "RFC 8489 §6.3.2: to an indication there is no response",
    expected: "silence, and an answer to the request after it",
};

fn indication(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let bytes = plain(&Message::indication(Method::BINDING, fresh_id()))?;
    let heard = provoked(&mut client, &bytes)?;
    bench.met(NO_ANSWER, heard.is_none(), silence(heard.as_ref()));
    Ok(())
}

pub(crate) const RESPONSE: Case = Case {
    id: "stun-server/response",
    title: "a response that answers nothing is not answered, or two servers would talk for ever",
    tests: &["RFC 8489 §6.3.3", "RFC 8489 §6.3.4"],
    only: None,
    play: response,
};

const NO_TRANSACTION: Duty = Duty {
    text: "RFC 8489 §6.3.3: a response without a transaction of its own is discarded",
    expected: "silence, and an answer to the request after it",
};

fn response(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    for class in [Class::SuccessResponse, Class::ErrorResponse] {
        let bytes = plain(&Message::new(class, Method::BINDING, fresh_id()))?;
        let heard = provoked(&mut client, &bytes)?;
        bench.met(NO_TRANSACTION, heard.is_none(), silence(heard.as_ref()));
    }
    Ok(())
}

pub(crate) const UNKNOWN_METHOD: Case = Case {
    id: "stun-server/unknown-method",
    title: "a request of a method that nobody knows",
    tests: &["RFC 8489 §6.3"],
    only: None,
    play: unknown_method,
};

const DISCARDED: Duty = Duty {
    text: "RFC 8489 §6.3: a message of a method that is not supported is discarded",
    expected: "silence, and an answer to the request after it",
};

fn unknown_method(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let method = Method::new(0x0ee).ok_or_else(|| Stop::Harness("method".to_owned()))?;
    let heard = provoked(&mut client, &plain(&request(method))?)?;
    let verdict = match &heard {
        None => Verdict::Pass,
        // Not silence, but no harm: the sender learns what it did.
        Some(reply) if reply.class() == Some(Class::ErrorResponse) => Verdict::Nonstrict,
        Some(_) => Verdict::Fail,
    };
    bench.rule(DISCARDED, verdict, silence(heard.as_ref()));
    Ok(())
}

pub(crate) const WRONG_FINGERPRINT: Case = Case {
    id: "stun-server/wrong-fingerprint",
    title: "a Binding request whose FINGERPRINT is wrong",
    tests: &["RFC 8489 §6.3", "RFC 8489 §7"],
    only: None,
    play: wrong_fingerprint,
};

const CHECKED: Duty = Duty {
    text: "RFC 8489 §6.3: where FINGERPRINT is used, a message whose one is wrong is discarded",
    expected: "silence; an answer means that the server does not use it",
};

fn wrong_fingerprint(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let encoded = request(Method::BINDING).encode(&Seal::none().fingerprint());
    let mut bytes = encoded.map_err(|error| Stop::Harness(error.to_string()))?;
    if let Some(last) = bytes.last_mut() {
        *last ^= 0x55;
    }
    let heard = provoked(&mut client, &bytes)?;
    let verdict = if heard.is_none() { Verdict::Pass } else { Verdict::Info };
    bench.rule(CHECKED, verdict, silence(heard.as_ref()));
    Ok(())
}

pub(crate) const MALFORMED: Case = Case {
    id: "stun-server/malformed",
    title: "messages whose lengths lie do the server no harm",
    tests: &["RFC 8489 §5", "RFC 8489 §6.3"],
    only: Some(Transport::Udp),
    play: malformed,
};

const SURVIVES: Duty = Duty {
    text: "RFC 8489 §6.3: a message that is not well-formed is discarded",
    expected: "silence or 400, and an answer to the request after it",
};

fn malformed(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let whole = || plain(&request(Method::BINDING).with(unknown(OPTIONAL)));
    let length =
        |bytes: &mut Vec<u8>, value: u16| bytes[2..4].copy_from_slice(&value.to_be_bytes());
    let mut longer = whole()?;
    length(&mut longer, 0xfffc);
    let mut odd = whole()?;
    length(&mut odd, 7);
    let mut overrun = whole()?;
    overrun[22..24].copy_from_slice(&0xfff0_u16.to_be_bytes());
    let mut cut = whole()?;
    cut.truncate(19);
    let mut trailing = whole()?;
    trailing.extend([0; 5]);
    for (what, bytes) in [
        ("a length beyond the datagram", longer),
        ("a length that is no multiple of four", odd),
        ("an attribute beyond the message", overrun),
        ("a header cut short", cut),
        ("bytes after the message", trailing),
    ] {
        let mut client = bench.client()?;
        let heard = provoked(&mut client, &bytes)?;
        let code = heard.as_ref().map(Reply::code);
        let verdict = match code {
            None | Some(400) => Verdict::Pass,
            Some(_) => Verdict::Nonstrict,
        };
        bench.rule(SURVIVES, verdict, format!("{what}: {}", silence(heard.as_ref())));
    }
    Ok(())
}

pub(crate) const AMPLIFICATION: Case = Case {
    id: "stun-server/amplification",
    title: "how much more than it received the server sends to whoever is named as the sender",
    tests: &["RFC 8489 §16.1.2"],
    only: Some(Transport::Udp),
    play: amplification,
};

/// As QUIC bounds what goes to an address that is not validated (RFC 9000 §8.1).
const TOLERABLE: usize = 3;

const SMALL: Duty = Duty {
    text: "RFC 8489 §16.1.2: a source may be forged, and a response is longer than its request; no \
           clause says by how much, RFC 9000 §8.1 has three times as a measure",
    expected: "at most three times as many bytes",
};

fn amplification(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let bytes = plain(&request(Method::BINDING))?;
    let reply = client.must(&bytes)?;
    amplified(bench, &bytes, &reply);
    Ok(())
}

/// Rules on the length of an answer.
pub(super) fn amplified(bench: &mut Bench<'_>, bytes: &[u8], reply: &Reply) {
    let (sent, received) = (bytes.len(), reply.0.len());
    let actual = format!("{received} bytes for {sent}");
    let verdict = if received <= TOLERABLE * sent { Verdict::Pass } else { Verdict::Info };
    bench.rule(SMALL, verdict, actual);
}
