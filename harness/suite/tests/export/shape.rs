//! What an observer says of a capture without what an export replaces.

use rtcspec_capture::Capture;
use rtcspec_capture::net::{Skipped, Step};
use rtcspec_trace::Carrier;
use rtcspec_trace::watch::{Event, Kind, Observer};
use rtcspec_wire::dtls::{ClientHelloView, HandshakeType, Record, ServerHelloView};
use rtcspec_wire::rtcp::packets;
use rtcspec_wire::sctp::{Body, Ppid};
use rtcspec_wire::stun::MAGIC_COOKIE;

use super::corpus;

/// A line for each event: numbers, kinds, lengths, and what was right or wrong.
/// `lost` frames are empty ones that stand for numbers.
pub(crate) fn of(capture: Capture, lost: u64) -> Vec<String> {
    let Capture { mut frames, keys, dialogues, .. } = capture;
    let mut observer = Observer::new();
    keys.lines().iter().for_each(|line| observer.secrets(line));
    for (session, dialogue) in (0..).zip(&dialogues) {
        dialogue.signals.iter().for_each(|signal| observer.signal(session, signal));
    }
    let mut lines = Vec::new();
    loop {
        let step = frames.step(&mut |frame| {
            let seen = frame.seen;
            let carrier = match seen.carrier {
                Carrier::Udp => "UDP".to_owned(),
                other => format!("{other:?}"),
            };
            let (number, at, length) = (seen.number, seen.at, seen.payload.len());
            lines.push(format!("{number} {at:?} {carrier} {length} {}", frame.missing));
            if let Some(seen) = frame.whole() {
                observer.seen(&seen, &mut |event| lines.push(of_event(event)));
            }
        });
        match step {
            Step::Packet => {}
            Step::Secrets(more) => observer.secrets(&String::from_utf8_lossy(&more)),
            Step::End => break,
        }
    }
    let summary = frames.summary();
    lines.push(format!("{} frames, {} bytes", summary.frames - lost, summary.bytes));
    lines.push(format!(
        "{} {} {} {} {}",
        summary.datagrams, summary.segments, summary.reassembled, summary.cut, summary.lacking
    ));
    for (why, count) in &summary.skipped {
        let stand_ins = if *why == Skipped::Malformed { lost } else { 0 };
        if *count > stand_ins {
            lines.push(format!("{}: {why}", count - stand_ins));
        }
    }
    lines.push(format!("{:?}", observer.finish().totals));
    lines
}

fn of_event(event: &Event<'_>) -> String {
    let (number, connection, from) = (event.number, event.connection, event.from);
    let ports = [event.inner.source.port(), event.inner.destination.port()];
    let kind = of_kind(&event.kind, connection.is_some());
    format!("{number} {connection:?} {:?} {from:?} {ports:?} {kind}", event.flow)
}

fn of_kind(kind: &Kind<'_>, in_connection: bool) -> String {
    match kind {
        Kind::Datagram(datagram) => format!("{} {}", datagram.protocol, datagram.bytes.len()),
        Kind::Stun(stun) => {
            // Of what is no STUN, nobody looks at attributes.
            let is_stun = stun.view.cookie() == Some(MAGIC_COOKIE);
            let attributes = stun.view.attributes().filter(|_| is_stun);
            let attributes: Vec<_> =
                attributes.map(|one| (one.ty, one.declared, one.value.len())).collect();
            let known = stun
                .transaction
                .map(|known| (known.first_number, known.requests, known.answers, known.same_bytes));
            let (purpose, integrity, print) = (stun.purpose, stun.integrity, stun.fingerprint);
            let named = stun.username.is_some();
            let defect = stun.view.check().err();
            let code = stun.view.error_code().map(|code| code.code());
            let ty = stun.view.message_type();
            format!(
                "STUN {ty:?} {purpose:?} {integrity:?} {print:?} {named} {known:?} {defect:?} \
                 {code:?} {attributes:?}"
            )
        }
        Kind::ChannelData(data) => {
            format!(
                "channel {:?} {} {}",
                data.view.number(),
                data.view.data().len(),
                data.peer.is_some()
            )
        }
        Kind::Record(record) => {
            let head = match record.view {
                Record::Plaintext(view) => format!("{:?} {:?}", view.content_type, view.version),
                Record::Unified(view) => format!("{:x}", view.flags),
                Record::Malformed { bytes, error } => format!("{} {error}", bytes.len()),
            };
            let content = record.content.map(<[u8]>::len);
            let (epoch, sequence, ty) = (record.epoch, record.sequence, record.content_type);
            let (role, replayed) = (record.role, record.replayed);
            format!("record {head} {epoch} {sequence:?} {ty:?} {role:?} {replayed} {content:?}")
        }
        Kind::Handshake(message) => {
            let hello = match (message.msg_type, message.message) {
                (HandshakeType::CLIENT_HELLO, Some(body)) => {
                    ClientHelloView::read(body).map(|hello| of_extensions(hello.extensions()))
                }
                (HandshakeType::SERVER_HELLO, Some(body)) => {
                    ServerHelloView::read(body).map(|hello| of_extensions(hello.extensions()))
                }
                _ => Ok(String::new()),
            };
            format!(
                "{:?} {} {} {} {} {:?} {} {:?} {hello:?}",
                message.msg_type,
                message.message_seq,
                message.length,
                message.fragment_offset,
                message.fragment.len(),
                message.message.map(<[u8]>::len),
                message.retransmission,
                message.fault.map(|fault| std::mem::discriminant(&fault))
            )
        }
        Kind::Alert(alert) => format!("{alert:?}"),
        Kind::Certificate(one) => format!("{} {} {:?}", one.index, one.der.len(), one.announced),
        Kind::DtlsReady(ready) => format!("{ready:?}"),
        Kind::Sctp(packet) => {
            let checksum = std::mem::discriminant(&packet.checksum);
            format!("SCTP {checksum:?} {:?} {}", packet.tag, packet.zero_checksum_accepted)
        }
        Kind::Chunk(chunk) => {
            let body = match &chunk.body {
                Ok(Body::Data(data)) => {
                    format!("{:?}", (data.flags, data.tsn, data.ppid, data.stream))
                }
                Ok(Body::Init(init) | Body::InitAck(init)) => {
                    let of = |one: rtcspec_wire::sctp::ParameterView<'_>| {
                        (one.parameter_type(), one.value().len(), one.fault())
                    };
                    format!("{:?}", init.parameters().map(of).collect::<Vec<_>>())
                }
                Ok(Body::Sack(sack)) => format!("{sack:?}"),
                Ok(_) => String::new(),
                Err(error) => error.to_string(),
            };
            let (ty, again, offset) = (chunk.view.chunk_type(), chunk.again, chunk.tsn_offset);
            format!("{ty} {:?} {again} {offset:?} {body}", chunk.view.fault())
        }
        Kind::Message(message) => {
            let text = message.ppid != Ppid::STRING || std::str::from_utf8(message.bytes).is_ok();
            let (ppid, stream, length) = (message.ppid, message.stream, message.length);
            format!("message {ppid:?} {stream:?} {length} {} {text}", message.fragments)
        }
        Kind::Dcep(dcep) => match dcep.view {
            rtcspec_wire::dcep::View::Open(open) => {
                format!("OPEN {:?} {:?}", open.label_length(), open.bytes().get(..12))
            }
            other => format!("{other:?}").len().to_string(),
        },
        Kind::Rtp(rtp) => {
            let head = rtp.wire.get(..12);
            // What is padding only who opens it can tell.
            let open = rtp.protection.is_authenticated();
            let payload = rtp.packet.ok().filter(|_| open);
            let payload = payload.map(|packet| (packet.payload().len(), packet.padding()));
            // On a path of nobody, what looks like RTP may be anything.
            let header = rtp.view.header().map(<[u8]>::len).filter(|_| in_connection);
            format!("RTP {head:?} {:?} {header:?} {payload:?}", rtp.protection)
        }
        Kind::Rtcp(rtcp) => {
            let head = rtcp.wire.get(..8);
            let open = if rtcp.protection.is_authenticated() { rtcp.bytes } else { &[] };
            let types: Vec<_> = packets(open)
                .map(|packet| packet.map(|one| (one.packet_type(), one.count(), one.body().len())))
                .collect();
            format!("RTCP {head:?} {:?} {:?} {types:?}", rtcp.protection, rtcp.encrypted)
        }
        Kind::Opaque(opaque) => format!("{:?} {}", opaque.why, opaque.bytes.len()),
        other => format!("{:?}", std::mem::discriminant(other)),
    }
}

fn of_extensions(extensions: rtcspec_wire::dtls::Extensions<'_>) -> String {
    let list: Vec<_> = extensions
        .map(|one| (one.extension_type, one.value.len(), one.use_srtp().is_some()))
        .collect();
    format!("{list:?}")
}

/// The first line in which two captures differ.
pub(crate) fn difference(before: Capture, after: Capture, lost: u64) -> Option<String> {
    let (before, after) = (of(before, 0), of(after, lost));
    let at = before.iter().zip(&after).position(|(one, other)| one != other);
    match at {
        Some(at) => Some(format!("{}\n{}", before[at], after[at])),
        None if before.len() != after.len() => {
            Some(format!("{} lines, {}", before.len(), after.len()))
        }
        None => None,
    }
}

#[test]
fn an_observer_sees_the_same_events() {
    let mut lines = 0;
    let mut wrong = Vec::new();
    for path in corpus::all() {
        lines += of(corpus::opened(&path), 0).len();
        let folder = tempfile::tempdir().expect("a folder");
        let export = corpus::written(&corpus::exported(&path, 3), folder.path());
        if let Some(difference) = difference(corpus::opened(&path), corpus::opened(&export), 0) {
            wrong.push(format!("{}:\n{difference}", corpus::name(&path)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(lines > 10_000, "{lines}");
}
