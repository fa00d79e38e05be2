//! Long-term credentials as a server must ask for and check them (RFC 8489 §9.2.4).

use rtcspec_wire::stun::{Attribute, Key, Method, Seal};

use super::stun::amplified;
use crate::Case;
use crate::bench::{Bench, Duty, Stop, allocate, claim};
use crate::client::{Reply, fresh_id, plain, request};
use crate::target::Transport;

pub(crate) const CHALLENGE: Case = Case {
    id: "turn-server/challenge",
    title: "an Allocate request without credentials is refused with realm and nonce",
    tests: &["RFC 8489 §9.2.4", "RFC 8656 §7.2"],
    only: None,
    play: challenge,
};

const ASKS: Duty = Duty {
    text: "RFC 8489 §9.2.4: without integrity it answers 401 with REALM and NONCE",
    expected: "401 with REALM and NONCE",
};

fn asks(reply: &Reply) -> bool {
    let view = reply.view();
    reply.code() == 401 && view.realm().is_some() && view.nonce().is_some()
}

fn challenge(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let reply = client.must(&plain(&allocate())?)?;
    bench.met(ASKS, asks(&reply), reply.told());
    for method in [Method::REFRESH, Method::CREATE_PERMISSION, Method::CHANNEL_BIND] {
        let reply = client.must(&plain(&request(method))?)?;
        // RFC 8656 §5: 437 may come first, as there is no allocation.
        let met = asks(&reply) || reply.code() == 437;
        bench.met(ASKS, met, reply.told());
    }
    Ok(())
}

pub(crate) const CHALLENGE_SIZE: Case = Case {
    id: "turn-server/challenge-size",
    title: "how long an answer is before anybody has proved who they are",
    tests: &["RFC 8489 §16.1.2"],
    only: Some(Transport::Udp),
    play: challenge_size,
};

fn challenge_size(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    // The shortest request there is brings the longest answer for its length.
    for message in [allocate(), request(Method::ALLOCATE), request(Method::REFRESH)] {
        let bytes = plain(&message)?;
        let reply = client.must(&bytes)?;
        amplified(bench, &bytes, &reply);
    }
    Ok(())
}

const DENIES: Duty = Duty {
    text: "RFC 8489 §9.2.4: integrity that does not fit, and a user nobody knows, are answered with \
           401 and a challenge",
    expected: "401 with REALM and NONCE, and no allocation",
};

pub(crate) const WRONG_PASSWORD: Case = Case {
    id: "turn-server/wrong-password",
    title: "an Allocate request with a wrong password",
    tests: &["RFC 8489 §9.2.4"],
    only: None,
    play: wrong_password,
};

fn wrong_password(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let mut signature = client.signature()?;
    signature.password.push('x');
    let reply = client.must(&signature.sign(allocate())?)?;
    bench.met(DENIES, asks(&reply), reply.told());
    Ok(())
}

pub(crate) const UNKNOWN_USER: Case = Case {
    id: "turn-server/unknown-user",
    title: "an Allocate request of a user nobody knows",
    tests: &["RFC 8489 §9.2.4"],
    only: None,
    play: unknown_user,
};

fn unknown_user(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let mut signature = client.signature()?;
    signature.username = "rtcspec-nobody".to_owned();
    let reply = client.must(&signature.sign(allocate())?)?;
    bench.met(DENIES, asks(&reply), reply.told());
    Ok(())
}

pub(crate) const NOT_WHOLE: Case = Case {
    id: "turn-server/credentials-not-whole",
    title: "integrity without user name, realm or nonce",
    tests: &["RFC 8489 §9.2.4"],
    only: None,
    play: not_whole,
};

const BAD: Duty = Duty {
    text: "RFC 8489 §9.2.4: integrity without USERNAME, REALM or NONCE is answered with 400",
    expected: "400",
};

fn not_whole(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let signature = client.signature()?;
    let (user, realm) = (signature.username.clone(), signature.session.realm.clone());
    let nonce = signature.session.nonce.clone();
    let key = Key::long_term(&user, &realm, &signature.password);
    let parts = [Attribute::Username(user), Attribute::Realm(realm), Attribute::Nonce(nonce)];
    for missing in 0..parts.len() {
        let mut message = allocate();
        let others = parts.iter().enumerate().filter(|(place, _)| *place != missing);
        message.attributes.extend(others.map(|(_, part)| part.clone()));
        let encoded = message.encode(&Seal::none().integrity(&key));
        let bytes = encoded.map_err(|error| Stop::Harness(error.to_string()))?;
        let reply = client.must(&bytes)?;
        let what = parts[missing].ty();
        bench.met(BAD, reply.code() == 400, format!("without {what}: {}", reply.told()));
    }
    Ok(())
}

pub(crate) const STALE_NONCE: Case = Case {
    id: "turn-server/stale-nonce",
    title: "a nonce that is not the server's is replaced, for every method",
    tests: &["RFC 8489 §9.2.4", "RFC 8656 §5"],
    only: None,
    play: stale_nonce,
};

const STALE: Duty = Duty {
    text: "RFC 8489 §9.2.4: a nonce that is not valid is answered with 438, REALM and a valid NONCE",
    expected: "438 with REALM and NONCE, and the request succeeds with that nonce",
};

/// As long as the server's own, and of letters of base64 and hexadecimal numbers: only one of its
/// second half is another. The last one may have bits that say nothing.
fn spoil(nonce: &mut [u8]) {
    let place = nonce.len().saturating_sub(1) * 3 / 4;
    if let Some(letter) = nonce.get_mut(place) {
        *letter = if *letter == b'0' { b'1' } else { b'0' };
    }
}

fn stale_nonce(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let mut signature = client.signature()?;
    spoil(&mut signature.session.nonce);
    let reply = client.must(&signature.sign(allocate())?)?;
    let view = reply.view();
    let renewed = reply.code() == 438 && view.realm().is_some() && view.nonce().is_some();
    if renewed {
        client.learn(&reply);
        let again = claim(&mut client, allocate())?;
        bench.met(STALE, again.is_success(), format!("{}; then {}", reply.told(), again.told()));
    } else {
        bench.met(STALE, false, reply.told());
        return Ok(());
    }
    for method in [Method::REFRESH, Method::CREATE_PERMISSION, Method::CHANNEL_BIND] {
        let mut signature = client.signature()?;
        spoil(&mut signature.session.nonce);
        let reply = client.must(&signature.sign(request(method))?)?;
        bench.met(STALE, reply.code() == 438, reply.told());
    }
    client.ask(request(Method::REFRESH).with(Attribute::Lifetime(0)))?;
    Ok(())
}

pub(crate) const PROTECTED: Case = Case {
    id: "turn-server/protected",
    title: "answers to requests with credentials are protected with them",
    tests: &["RFC 8489 §9.2.4"],
    only: None,
    play: protected,
};

const SIGNED: Duty = Duty {
    text: "RFC 8489 §9.2.4: answers to authenticated requests have the same integrity",
    expected: "an integrity attribute that the password verifies",
};

fn protected(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut allocation = bench.allocation()?;
    let client = &mut allocation.client;
    let mut message = request(Method::REFRESH);
    for attribute in [None, Some(Attribute::Lifetime(600))] {
        message.attributes.extend(attribute);
        message.id = fresh_id();
        let reply = client.ask(message.clone())?;
        let genuine = client.is_genuine(&reply)?;
        bench.met(SIGNED, genuine, reply.told());
    }
    allocation.delete()?;
    Ok(())
}
