//! TURN over a stream: how messages are told apart (RFC 8656 §3.1, §12.5).

use std::time::Duration;

use rtcspec_wire::stun::Method;

use crate::Case;
use crate::bench::{Bench, Duty, PATIENCE, Stop, allocate};
use crate::client::{Reply, plain, request};
use crate::target::Transport;

pub(crate) const PIECES: Case = Case {
    id: "turn-server/stream-pieces",
    title: "a message that comes byte by byte",
    tests: &["RFC 8489 §6.2.2"],
    only: Some(Transport::Tcp),
    play: pieces,
};

const PUT_TOGETHER: Duty = Duty {
    text: "RFC 8489 §6.2.2: on a stream a message is what its length says, however it is cut",
    expected: "an answer",
};

fn pieces(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let bytes = plain(&request(Method::BINDING))?;
    let network = |error: std::io::Error| Stop::Network(error.to_string());
    let (last, head) = bytes.split_last().ok_or_else(|| Stop::Harness("empty".to_owned()))?;
    bench.log.say("client", &format!("> {} bytes, one at a time", head.len()));
    for byte in head {
        client.wire.send(&[*byte]).map_err(network)?;
        std::thread::sleep(Duration::from_millis(5));
    }
    let early = client.hears(Duration::from_millis(200))?;
    client.wire.send(&[*last]).map_err(network)?;
    let heard = client.hears(PATIENCE)?.map(Reply);
    let told = heard.as_ref().map_or_else(|| "no answer".to_owned(), Reply::told);
    // A refusal shows as well that it was read whole.
    let met = early.is_none() && heard.is_some();
    bench.met(PUT_TOGETHER, met, told);
    Ok(())
}

pub(crate) const TOGETHER: Case = Case {
    id: "turn-server/stream-together",
    title: "several messages in one segment",
    tests: &["RFC 8489 §6.2.2"],
    only: Some(Transport::Tcp),
    play: together,
};

const EACH: Duty = Duty {
    text: "RFC 8489 §6.2.2: on a stream a message is what its length says, however many come at once",
    expected: "an answer to each",
};

fn together(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    let mut segment = Vec::new();
    for _ in 0..3 {
        segment.extend(plain(&request(Method::BINDING))?);
    }
    bench.log.say("client", "> three Binding requests in one segment");
    client.wire.send(&segment).map_err(|error| Stop::Network(error.to_string()))?;
    let mut answers = 0;
    while answers < 3 && client.hears(PATIENCE)?.is_some() {
        answers += 1;
    }
    bench.met(EACH, answers == 3, format!("{answers} answers to 3 requests"));
    Ok(())
}

pub(crate) const NO_FRAME: Case = Case {
    id: "turn-server/stream-no-frame",
    title: "a stream that is neither STUN nor ChannelData, and never will be",
    tests: &["RFC 8489 §6.3", "RFC 8656 §3.1"],
    only: Some(Transport::Tcp),
    play: no_frame,
};

const GIVEN_UP: Duty = Duty {
    text: "RFC 8489 §6.3: what is no STUN message is discarded; a stream cannot be read on after it",
    expected: "no answer, the stream closed or ignored, and others served",
};

fn no_frame(bench: &mut Bench<'_>) -> Result<(), Stop> {
    let mut client = bench.client()?;
    bench.log.say("client", "> 400 bytes of 0xff");
    client.wire.send(&[0xff; 400]).map_err(|error| Stop::Network(error.to_string()))?;
    let heard = match client.hears(PATIENCE) {
        Ok(heard) => heard,
        // It answered with what is no frame either.
        Err(Stop::Network(_)) => Some(Vec::new()),
        Err(other) => return Err(other),
    };
    let mut other = bench.client()?;
    let served = other.must(&plain(&allocate())?)?.code() == 401;
    let end = if client.wire.is_closed() { "closed" } else { "left open" };
    let told = format!(
        "{}, {end}; others served: {served}",
        if heard.is_some() { "answered" } else { "no answer" }
    );
    bench.met(GIVEN_UP, heard.is_none() && served, told);
    Ok(())
}
