//! Session descriptions and candidates: what is known to name nobody stays, any other word is
//! replaced.

use std::net::IpAddr;

use rtcspec_trace::certificate_hash;
use rtcspec_wire::sdp::{Line, View};

use super::book::Book;
use super::extensions;
use super::noise::Noise;

/// Attributes whose values say nothing about who.
const HARMLESS: [&str; 19] = [
    "rtpmap",
    "rtcp-fb",
    "setup",
    "connection",
    "sctp-port",
    "sctpmap",
    "max-message-size",
    "ptime",
    "maxptime",
    "framerate",
    "framesize",
    "imageattr",
    "ice-options",
    "ice-pacing",
    "ssrc-group",
    "content",
    "orient",
    "quality",
    "x-google-flag",
];
/// What identifications of media and streams begin with that many use; a short number may follow.
const USUAL: [&str; 14] = [
    "",
    "audio",
    "video",
    "data",
    "application",
    "text",
    "screen",
    "sdparta_",
    "a",
    "d",
    "f",
    "h",
    "q",
    "v",
];
/// Digits of such a number.
const DIGITS: usize = 4;

/// What versions of descriptions count up to.
const SMALL: u64 = 10_000;

/// An identification of a media section or stream in the place of another: numbers and the usual
/// words stay.
pub(super) fn name(noise: &Noise, name: &[u8]) -> Vec<u8> {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let stem = std::str::from_utf8(&name[..name.len() - digits]);
    let usual = digits <= DIGITS && stem.is_ok_and(|stem| USUAL.contains(&stem));
    if usual { name.to_vec() } else { noise.name(name) }
}

/// Notes what a description says that other layers need.
pub(super) fn learn(book: &mut Book, sdp: &str) {
    let view = View::parse(sdp.as_bytes());
    let sections: Vec<_> = view.sections().collect();
    for section in &sections {
        // RFC 8839 §5.4: the session level speaks for sections that say nothing.
        let of =
            |name| section.attribute(name).or(sections.first().and_then(|top| top.attribute(name)));
        if let (Some(ufrag), Some(pwd)) = (of("ice-ufrag"), of("ice-pwd")) {
            book.password(ufrag, pwd);
        }
        for extmap in section.attributes("extmap") {
            book.extensions.learn(&String::from_utf8_lossy(extmap));
        }
    }
}

/// A description in the place of another, line by line.
pub(super) fn description(book: &mut Book, sdp: &str) -> String {
    let view = View::parse(sdp.as_bytes());
    let mut out = String::with_capacity(sdp.len());
    for line in view.lines() {
        out.push_str(&self::line(book, line));
        out.push_str(&String::from_utf8_lossy(line.end().bytes()));
    }
    out
}

fn line(book: &mut Book, line: &Line<'_>) -> String {
    let raw = String::from_utf8_lossy(line.raw());
    let (Some(kind), Some((head, value))) = (line.kind(), raw.split_once('=')) else {
        return words(&raw, |word| other(book, word));
    };
    let value = match kind {
        b'v' | b't' | b'b' | b'm' | b'r' | b'z' => value.to_owned(),
        b'o' => origin(book, value),
        b'a' => attribute(book, value),
        // What people write for people.
        b's' | b'i' | b'u' | b'e' | b'p' | b'k' => words(value, |word| book.noise.name_str(word)),
        _ => words(value, |word| other(book, word)),
    };
    format!("{head}={value}")
}

/// RFC 8866 §5.2: a name, two numbers, two words, an address.
fn origin(book: &mut Book, value: &str) -> String {
    let (mut nth, mut session) = (0, "");
    let mut all = Vec::new();
    for word in value.split(' ') {
        nth += 1;
        all.push(match nth {
            2 => {
                session = word;
                book.noise.number(word)
            }
            3 => version(&book.noise, session, word),
            _ => other(book, word),
        });
    }
    all.join(" ")
}

/// The version counts up; some begin at one, some with the session's own number.
fn version(noise: &Noise, session: &str, version: &str) -> String {
    let numbers = [session, version, &noise.number(session)].map(|word| word.parse::<u64>().ok());
    match numbers {
        [_, Some(small), _] if small < SMALL => version.to_owned(),
        [Some(session), Some(version), Some(other)] if version.abs_diff(session) < SMALL => {
            let ahead = version.wrapping_sub(session).cast_signed();
            other.saturating_add_signed(ahead).to_string()
        }
        _ => noise.number(version),
    }
}

fn attribute(book: &mut Book, attribute: &str) -> String {
    let Some((key, value)) = attribute.split_once(':') else { return attribute.to_owned() };
    let noise = book.noise.clone();
    let name_of = |word: &str| text(name(&noise, word.as_bytes()));
    let value = match key {
        _ if HARMLESS.contains(&key) => value.to_owned(),
        "candidate" => candidate(book, value),
        "ice-ufrag" | "ice-pwd" => text(noise.ice(value.as_bytes())),
        "fingerprint" => fingerprint(book, value),
        "mid" => name_of(value),
        "group" => after(value, 1, name_of),
        "rid" => first(value, name_of),
        "simulcast" => simulcast(value, name_of),
        "ssrc" => source(&noise, value),
        "fmtp" => after(value, 1, |parameters| format_parameters(&noise, parameters)),
        "extmap" if value.split(' ').nth(1).is_some_and(extensions::is_known) => value.to_owned(),
        "extmap" => after(value, 1, |word| noise.name_str(word)),
        "crypto" => after(value, 2, |word| keyed(&noise, word)),
        "msid-semantic" => words(value, |word| match word {
            "WMS" | "*" => word.to_owned(),
            _ => noise.name_str(word),
        }),
        _ => words(value, |word| other(book, word)),
    };
    format!("{key}:{value}")
}

/// A candidate (RFC 8839 §5.1), with or without what stands before its value.
pub(super) fn candidate(book: &mut Book, line: &str) -> String {
    let start = line.find("candidate:").map_or(0, |at| at + "candidate:".len());
    let (head, value) = line.split_at(start);
    let mut nth = 0;
    let mut key = String::new();
    let value = words(value, |word| {
        nth += 1;
        let is_value = nth > 8 && nth % 2 == 0;
        let other = match (nth, key.as_str()) {
            // RFC 8445 §5.1.1.3: some are hashes of addresses.
            (1, _) => book.noise.name_str(word),
            (5, _) => other(book, word),
            (2..=8, _) => word.to_owned(),
            (_, "ufrag") if is_value => text(book.noise.ice(word.as_bytes())),
            (_, "rport" | "tcptype" | "generation" | "network-id" | "network-cost") if is_value => {
                word.to_owned()
            }
            _ if is_value => other(book, word),
            _ => word.to_owned(),
        };
        key = word.to_owned();
        other
    });
    format!("{head}{value}")
}

/// `sha-256 AA:BB`: of the certificate in the place of the one it was of; of a certificate nobody
/// saw, noise.
fn fingerprint(book: &Book, value: &str) -> String {
    let Some((hash, hex)) = value.trim().split_once(' ') else { return book.noise.name_str(value) };
    let bytes: Option<Vec<u8>> =
        hex.trim().split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    let Some(bytes) = bytes else { return book.noise.name_str(value) };
    let mut known = book.certificates.iter();
    let found = known.find(|(before, _)| certificate_hash(hash, before).as_ref() == Some(&bytes));
    let other = found.and_then(|(_, after)| certificate_hash(hash, after));
    let other = other.unwrap_or_else(|| book.noise.bytes("fingerprint", &bytes));
    let upper = hex.contains(|c: char| c.is_ascii_uppercase());
    let digits = |byte: &u8| if upper { format!("{byte:02X}") } else { format!("{byte:02x}") };
    let other: Vec<String> = other.iter().map(digits).collect();
    format!("{hash} {}", other.join(":"))
}

/// RFC 5576 §4.1: a source, and a name for it.
fn source(noise: &Noise, value: &str) -> String {
    after(value, 1, |word| match word.split_once(':') {
        Some((key, value)) => format!("{key}:{}", noise.name_str(value)),
        None => noise.name_str(word),
    })
}

/// RFC 8853 §5.1: directions, and lists of streams.
fn simulcast(value: &str, name_of: impl Fn(&str) -> String) -> String {
    words(value, |word| {
        if matches!(word, "send" | "recv") {
            return word.to_owned();
        }
        let ends = |c: char| matches!(c, ';' | ',' | '~');
        let mut out = String::new();
        for part in word.split_inclusive(ends) {
            let stream = part.trim_end_matches(ends);
            out.push_str(&name_of(stream));
            out.push_str(&part[stream.len()..]);
        }
        out
    })
}

/// Parameters of a format stay, but what an encoder says of its stream (`sprop-...`, `config`).
fn format_parameters(noise: &Noise, parameters: &str) -> String {
    let of = |parameter: &str| match parameter.split_once('=') {
        Some((key, value)) if key.starts_with("sprop-") || key == "config" => {
            format!("{key}={}", noise.name_str(value))
        }
        _ => parameter.to_owned(),
    };
    parameters.split(';').map(of).collect::<Vec<_>>().join(";")
}

/// RFC 4568 §9.1: `inline:` and a key.
fn keyed(noise: &Noise, word: &str) -> String {
    match word.split_once(':') {
        Some((method, key)) => format!("{method}:{}", noise.name_str(key)),
        None => noise.name_str(word),
    }
}

/// Any word: an address in the place of an address, a name in the place of a name.
fn other(book: &mut Book, word: &str) -> String {
    // RFC 8866 §5.7: what follows a slash is a time to live, or a count.
    let (address, rest) = word.split_at(word.find('/').unwrap_or(word.len()));
    if let Ok(address) = address.parse::<IpAddr>() {
        return format!("{}{rest}", book.addresses.get(address));
    }
    match word {
        "IN" | "IP4" | "IP6" | "TCP" | "UDP" => word.to_owned(),
        // RFC 6762 §3.
        _ => match word.strip_suffix(".local") {
            Some(host) => format!("{}.local", book.noise.name_str(host)),
            None if word.bytes().all(|byte| byte.is_ascii_digit()) && word.len() <= 5 => {
                word.to_owned()
            }
            None => book.noise.name_str(word),
        },
    }
}

/// Replaces word after word.
fn words(text: &str, mut with: impl FnMut(&str) -> String) -> String {
    text.split(' ').map(&mut with).collect::<Vec<_>>().join(" ")
}

/// Keeps so many words and replaces the others.
fn after(text: &str, count: usize, mut with: impl FnMut(&str) -> String) -> String {
    let mut nth = 0;
    words(text, |word| {
        nth += 1;
        if nth <= count { word.to_owned() } else { with(word) }
    })
}

/// Replaces the first word and keeps the others.
fn first(text: &str, with: impl FnOnce(&str) -> String) -> String {
    let (word, rest) = text.split_at(text.find(' ').unwrap_or(text.len()));
    format!("{}{rest}", with(word))
}

/// Text that was text before and whose bytes were replaced one for one.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use sha2::{Digest as _, Sha256};

    use super::*;

    const SDP: &str = "v=0\r\n\
        o=alice 4611731400430051336 2 IN IP4 10.1.2.3\r\n\
        s=Alice calls 2468\r\n\
        c=IN IP6 2a00:1450:4001:810::200e\r\n\
        t=0 0\r\n\
        a=group:BUNDLE 0 alices-camera\r\n\
        a=msid-semantic: WMS alicestream\r\n\
        a=fingerprint:sha-256 01:02:aB\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\n\
        a=rtcp:9 IN IP4 10.1.2.3\r\n\
        a=candidate:842163049 1 udp 1677729535 10.1.2.3 46154 typ srflx raddr 10.1.2.4 rport 5000 \
        generation 0 ufrag aUfr network-id 1\r\n\
        a=candidate:1 1 tcp 99 1f2e3d4c-5b6a-4788-9990-0a1b2c3d4e5f.local 9 typ host tcptype active\r\n\
        a=ice-ufrag:aUfr\r\n\
        a=ice-pwd:alicepasswordalicepass\r\n\
        a=mid:alices-camera\r\n\
        a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
        a=extmap:4 http://alice.example/secret\r\n\
        a=rtpmap:96 H264/90000\r\n\
        a=fmtp:96 level-asymmetry-allowed=1;sprop-parameter-sets=Z0LAalice\r\n\
        a=rid:hi send pt=96\r\n\
        a=simulcast:send hi;~lo recv 1\r\n\
        a=ssrc:1234 cname:alice@host\r\n\
        a=ssrc:1234 msid:alicestream alicetrack\r\n\
        a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:alicekeyalicekey\r\n\
        a=identity:alicetoken\r\n\
        a=x-alice\r\n\
        alice was here\n";

    fn rewritten(sdp: &str) -> String {
        let mut book = Book::new(Noise::new([8; 32], 0));
        let _ = description(&mut book, sdp);
        learn(&mut book, sdp);
        book.assign();
        description(&mut book, sdp)
    }

    #[test]
    fn a_description_says_the_same_of_others() {
        let other = rewritten(SDP).replace("a=x-alice", "");
        for word in [
            "alice",
            "Alice",
            "10.1.2.",
            "2a00",
            "aUfr",
            "1f2e",
            "842163049",
            "461173140",
            "01:02",
            "Z0LA",
            "here",
            " hi",
            "lo ",
        ] {
            assert!(!other.contains(word), "{word} in {other}");
        }
        for kept in [
            "v=0\r\n",
            "t=0 0\r\n",
            " 2 IN IP4 10.",
            "a=group:BUNDLE 0 ",
            "WMS ",
            "m=video 9 UDP/TLS/RTP/SAVPF 96",
            " 1 udp 1677729535 10.",
            " 46154 typ srflx raddr 10.",
            " rport 5000 generation 0 ufrag ",
            ".local 9 typ host tcptype active",
            "a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid",
            "96 H264/90000",
            "level-asymmetry-allowed=1;sprop-parameter-sets=",
            " send pt=96",
            " recv 1\r\n",
            "a=ssrc:1234 cname:",
            "a=ssrc:1234 msid:",
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:",
        ] {
            assert!(other.contains(kept), "{kept} not in {other}");
        }
        let [before, after] = [SDP, &other].map(|sdp| View::parse(sdp.as_bytes()).faults().len());
        assert_eq!(before, after);
    }

    #[test]
    fn words_that_were_equal_are_equal() {
        let other = rewritten(SDP);
        let view = View::parse(other.as_bytes());
        let all = |name: &'static str| {
            view.sections().flat_map(move |section| {
                section.attributes(name).map(<[u8]>::to_vec).collect::<Vec<_>>()
            })
        };
        let one = |name| String::from_utf8(all(name).next().expect("it is there")).expect("text");
        assert!(one("group").ends_with(&one("mid")));
        assert!(one("candidate").contains(&format!(" ufrag {} ", one("ice-ufrag"))));
        assert!(one("simulcast").contains(one("rid").split(' ').next().expect("a word")));
    }

    #[test]
    fn usual_identifications_stay() {
        let noise = Noise::new([8; 32], 0);
        for usual in ["0", "17", "audio", "video1", "sdparta_0", "h", ""] {
            assert_eq!(name(&noise, usual.as_bytes()), usual.as_bytes());
        }
        for own in ["12345", "alice", "video-of-alice", "audio12345", "\u{e9}1"] {
            assert_ne!(name(&noise, own.as_bytes()), own.as_bytes(), "{own}");
        }
    }

    #[test]
    fn versions_count_up_and_do_not_tell_the_session() {
        let noise = Noise::new([8; 32], 0);
        let of = |session: &str, word: &str| version(&noise, session, word);
        assert_eq!(of("4611731400430051336", "2"), "2");
        assert_eq!(of("4004396543", "4004396543"), noise.number("4004396543"));
        let next: u64 = of("4004396543", "4004396544").parse().expect("a number");
        assert_eq!((next - 1).to_string(), noise.number("4004396543"));
        let other = of("17", "4004396543");
        assert!(other.len() == 10 && other != "4004396543");
    }

    #[test]
    fn a_fingerprint_is_that_of_the_certificate_in_its_place() {
        let mut book = Book::new(Noise::new([8; 32], 0));
        book.certificate(b"certificate", b"another one");
        let hex = |bytes: &[u8]| {
            bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
        };
        let before = format!("SHA-256 {}", hex(&Sha256::digest(b"certificate")));
        let after = format!("SHA-256 {}", hex(&Sha256::digest(b"another one")));
        assert_eq!(fingerprint(&book, &before), after);
        let lower = fingerprint(&book, "sha-1 aa:bb:cc");
        assert!(lower.starts_with("sha-1 ") && lower.len() == 14 && lower != "sha-1 aa:bb:cc");
    }
}
