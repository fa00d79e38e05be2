//! `dtls_record`: any bytes, as a datagram of records.

use rtcspec_wire::dtls::{
    CertificateView, ClientHelloView, Extensions, HandshakeFragment, HandshakeType,
    HelloVerifyRequestView, PlaintextRecord, Record, Records, ServerHelloView,
};

use crate::case::{Budget, Case};
use crate::finding::{Oracle, Verdict, hold};
use crate::mutate;
use crate::target::{Plant, Target};

/// Holds reading of records, fragments and hellos.
pub const RECORD: Target = Target {
    name: "dtls_record",
    about: "DTLS records, handshake fragments and hellos: every byte shown once, alone or in company",
    seeds: &["dtls-record"],
    dictionary: mutate::dtls::dictionary,
    mutate: mutate::dtls::mutate,
    body: |case| body(case, records),
    situations: &[
        "plaintext",
        "unified",
        "malformed",
        "client hello",
        "server hello",
        "two records",
        "fragment",
        "alert",
        "use_srtp",
    ],
    plants: &[
        Plant {
            name: "dtls-record-length",
            source: "a record cut out by the length it claims",
            body: |case| body(case, length_past_end),
        },
        Plant {
            name: "dtls-first-record-only",
            source: "of records that share a datagram only the first is read",
            body: |case| body(case, first_only),
        },
        Plant {
            name: "dtls-hello-extensions",
            source: "pion CVE-2026-54908 in kind: a length in a message believed",
            body: |case| body(case, extensions_believed),
        },
        Plant {
            name: "dtls-epoch-ignored",
            source: "str0m 46722bca in kind: records of another epoch read as plaintext of the first",
            body: |case| body(case, epoch_ignored),
        },
    ],
};

/// A record, owned and flat, so that a faulty reader can say anything.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shown {
    kind: Kind,
    /// All its bytes.
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Plaintext { content: u8, encrypted: bool },
    Unified { has_length: bool },
    Malformed,
}

type Read = fn(&[u8]) -> Vec<Shown>;

fn records(datagram: &[u8]) -> Vec<Shown> {
    Records::new(datagram).map(|record| shown(&record)).collect()
}

fn shown(record: &Record<'_>) -> Shown {
    match record {
        Record::Plaintext(record) => Shown {
            kind: Kind::Plaintext {
                content: record.content_type.0,
                encrypted: record.is_encrypted(),
            },
            bytes: written(record),
        },
        Record::Unified(record) => Shown {
            kind: Kind::Unified { has_length: record.has_length() },
            bytes: [record.header, record.encrypted].concat(),
        },
        Record::Malformed { bytes, .. } => Shown { kind: Kind::Malformed, bytes: bytes.to_vec() },
    }
}

/// A record from its fields.
fn written(record: &PlaintextRecord<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(13 + record.cid.len() + record.content.len());
    out.push(record.content_type.0);
    out.extend_from_slice(&record.version.0.to_be_bytes());
    out.extend_from_slice(&record.epoch.to_be_bytes());
    out.extend_from_slice(&record.sequence_number.to_be_bytes()[2..]);
    out.extend_from_slice(record.cid);
    out.extend_from_slice(&(record.content.len() as u16).to_be_bytes());
    out.extend_from_slice(record.content);
    out
}

fn body(case: &mut Case<'_>, read: Read) -> Verdict {
    let input = case.input;
    // What is read is kept here, so it counts twice.
    let budget = Budget { bytes_each: 128, ..Budget::DATAGRAM };
    let found = case.within(budget, input.len(), || read(input))?;
    let noted = case.is_noted();
    let seen = case.within(Budget::DATAGRAM, input.len(), || look(input, noted))?;
    if noted {
        note(case, &found, &seen);
    }
    hold(Oracle::RoundTrip, show(&found, input), || {
        format!("{input:02x?} is shown as {found:02x?}")
    })?;
    kinds(&found)?;
    if !case.is_thorough() {
        return Ok(());
    }
    in_company(read, &found)?;
    cut(read, input, &found)
}

/// Whether records, one after the other, show these bytes.
fn show(found: &[Shown], bytes: &[u8]) -> bool {
    let rest = found.iter().try_fold(bytes, |rest, record| rest.strip_prefix(&record.bytes[..]));
    rest.is_some_and(<[u8]>::is_empty)
}

/// RFC 9147 §4.1: the first byte says what it is; RFC 6347 §4.1: after epoch 0 it is encrypted.
fn kinds(found: &[Shown]) -> Verdict {
    found.iter().try_for_each(|record| {
        let fits = match (record.kind, &record.bytes[..]) {
            (Kind::Plaintext { content, encrypted }, [first, _, _, e0, e1, ..]) => {
                (20..=26).contains(&content)
                    && *first == content
                    && encrypted == ([*e0, *e1] != [0, 0])
            }
            (Kind::Plaintext { .. }, _) => false,
            (Kind::Unified { .. }, bytes) => bytes.first().is_some_and(|first| first >> 5 == 1),
            (Kind::Malformed, _) => true,
        };
        hold(Oracle::Model, fits, || {
            format!("{:02x?} is taken for {:?}", record.bytes, record.kind)
        })
    })
}

/// RFC 6347 §4.1.1: records that share a datagram are the records that they are alone.
fn in_company(read: Read, found: &[Shown]) -> Verdict {
    if found.len() < 2 {
        return Ok(());
    }
    found.iter().take(16).try_for_each(|record| {
        let alone = read(&record.bytes);
        hold(Oracle::Metamorphic, alone == [record.clone()], || {
            format!("in company {record:02x?}, alone {alone:02x?}")
        })
    })
}

/// A record that lacks its last byte is not one, if its length is told.
fn cut(read: Read, input: &[u8], found: &[Shown]) -> Verdict {
    let Some(last) = found.last() else { return Ok(()) };
    if matches!(last.kind, Kind::Malformed | Kind::Unified { has_length: false }) {
        return Ok(());
    }
    let shorter = read(&input[..input.len() - 1]);
    let refused = shorter.last().is_none_or(|record| record.kind == Kind::Malformed);
    hold(Oracle::Truncation, refused, || {
        format!("{last:02x?} without its last byte is {shorter:02x?}")
    })
}

#[derive(Default)]
struct Seen {
    /// Somebody reads the features.
    noted: bool,
    features: Vec<(u8, u16)>,
    client_hello: bool,
    server_hello: bool,
    fragment: bool,
    alert: bool,
    use_srtp: bool,
}

impl Seen {
    fn see(&mut self, kind: u8, number: u16) {
        if self.noted && self.features.len() < 64 && !self.features.contains(&(kind, number)) {
            self.features.push((kind, number));
        }
    }
}

/// Everything a reader can ask of messages in the clear, asked.
fn look(datagram: &[u8], noted: bool) -> Seen {
    let mut seen = Seen { noted, ..Seen::default() };
    for record in Records::new(datagram) {
        let Record::Plaintext(record) = record else { continue };
        seen.alert |= record.alert().is_some();
        for fragment in record.handshake().flatten() {
            seen.fragment |= !fragment.is_whole();
            if noted && fragment.msg_type.name().is_some() {
                seen.see(0, u16::from(fragment.msg_type.0));
            }
            message(&mut seen, &fragment);
        }
    }
    seen
}

fn message(seen: &mut Seen, fragment: &HandshakeFragment<'_>) {
    let (body, noted) = (fragment.body, seen.noted);
    match fragment.msg_type {
        HandshakeType::CLIENT_HELLO => {
            if let Ok(hello) = ClientHelloView::read(body) {
                seen.client_hello = true;
                hello
                    .cipher_suites()
                    .filter(|suite| noted && suite.name().is_some())
                    .take(64)
                    .for_each(|suite| seen.see(1, suite.0));
                extensions(seen, hello.extensions());
            }
        }
        HandshakeType::SERVER_HELLO => {
            if let Ok(hello) = ServerHelloView::read(body) {
                seen.server_hello = true;
                let _ = (hello.is_hello_retry_request(), hello.version());
                extensions(seen, hello.extensions());
            }
        }
        HandshakeType::HELLO_VERIFY_REQUEST => {
            let _ = HelloVerifyRequestView::read(body);
        }
        HandshakeType::CERTIFICATE => {
            for view in [CertificateView::read(body), CertificateView::read_1_3(body)] {
                let count = view.map(|view| view.certificates().count());
                seen.see(2, count.map_or(u16::MAX, |count| count.min(9) as u16));
            }
        }
        _ => {}
    }
}

fn extensions(seen: &mut Seen, extensions: Extensions<'_>) {
    let noted = seen.noted;
    for extension in extensions {
        if noted && extension.extension_type.name().is_some() {
            seen.see(3, extension.extension_type.0);
        }
        let _ = (extension.supported_groups().count(), extension.signature_algorithms().count());
        let _ = (extension.offered_versions().count(), extension.selected_version());
        let _ = (extension.offered_key_shares().count(), extension.selected_key_share());
        let _ = (extension.cookie(), extension.connection_id());
        if let Some(srtp) = extension.use_srtp() {
            seen.use_srtp = true;
            srtp.profiles()
                .filter(|profile| noted && profile.name().is_some())
                .take(16)
                .for_each(|profile| seen.see(4, profile.0));
        }
    }
}

fn note(case: &mut Case<'_>, found: &[Shown], seen: &Seen) {
    for record in found.iter().take(32) {
        case.see(&record.kind);
        case.reach(match record.kind {
            Kind::Plaintext { .. } => "plaintext",
            Kind::Unified { .. } => "unified",
            Kind::Malformed => "malformed",
        });
    }
    for feature in &seen.features {
        case.see(feature);
    }
    let situations = [
        (found.len() > 1, "two records"),
        (seen.client_hello, "client hello"),
        (seen.server_hello, "server hello"),
        (seen.fragment, "fragment"),
        (seen.alert, "alert"),
        (seen.use_srtp, "use_srtp"),
    ];
    for (_, situation) in situations.into_iter().filter(|(is, _)| *is) {
        case.reach(situation);
    }
}

fn length_past_end(datagram: &[u8]) -> Vec<Shown> {
    if let Some(&[20..=24, .., high, low]) = datagram.first_chunk::<13>().map(|head| &head[..]) {
        let _ = &datagram[13..13 + usize::from(u16::from_be_bytes([high, low]))];
    }
    records(datagram)
}

fn first_only(datagram: &[u8]) -> Vec<Shown> {
    records(datagram).into_iter().take(1).collect()
}

fn extensions_believed(datagram: &[u8]) -> Vec<Shown> {
    for record in Records::new(datagram) {
        let Record::Plaintext(record) = record else { continue };
        for fragment in record.handshake().flatten() {
            let hello = fragment.msg_type == HandshakeType::CLIENT_HELLO && fragment.is_whole();
            if hello && fragment.body.len() > 34 {
                let session = usize::from(fragment.body[34]);
                let _ = &fragment.body[35..35 + session];
            }
        }
    }
    records(datagram)
}

fn epoch_ignored(datagram: &[u8]) -> Vec<Shown> {
    let mut found = records(datagram);
    for record in &mut found {
        if let Kind::Plaintext { encrypted, .. } = &mut record.kind {
            *encrypted = false;
        }
    }
    found
}
