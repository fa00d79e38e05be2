//! DTLS records: opened where there are keys, handshakes put together, certificates shown.

use rtcspec_wire::dtls::{
    Alert, CertificateView, ContentType, HandshakeFragment, HandshakeFragments, HandshakeType,
    PlaintextRecord, ProtocolVersion, Record as RecordView, Records, ServerHelloView,
};

use super::association::{Association, Associations, Half};
use super::event::{
    Announced, Certificate, Closed, DtlsReady, Handshake, Kind, Record, RecordAlert, Side,
};
use super::frame::{Scene, Sink};
use super::sctp;
use super::totals::Totals;
use crate::fingerprint::announced;
use crate::secrets::{KeyLog, Opened};
use crate::signal::Fingerprint;

/// Certificates of one message that are shown.
const CERTIFICATES: usize = 16;

/// What a datagram is read with.
pub(super) struct Reading<'r> {
    pub(super) keys: &'r KeyLog,
    /// The fingerprints its sender announced.
    pub(super) announced: &'r [Fingerprint],
    /// The sender: 0 for A, 1 for B.
    pub(super) end: usize,
    pub(super) totals: &'r mut Totals,
}

/// Reads a datagram of a connection; `bound` is the association its flow belongs to.
pub(super) fn datagram(
    reading: &mut Reading<'_>,
    associations: &mut Associations,
    bound: &mut u32,
    scene: &Scene,
    bytes: &[u8],
    scratch: &mut Vec<u8>,
    sink: Sink<'_>,
) {
    for view in Records::new(bytes) {
        match view {
            RecordView::Plaintext(record) if record.epoch == 0 => {
                plaintext(reading, associations, bound, scene, &record, sink);
            }
            RecordView::Malformed { error, .. } => {
                let record = Record {
                    view,
                    association: *bound,
                    role: None,
                    epoch: 0,
                    sequence: None,
                    content_type: None,
                    content: Err(Closed::Malformed(error)),
                    replayed: false,
                };
                scene.say(sink, Kind::Record(record));
            }
            _ => encrypted(reading, associations, bound, scene, view, scratch, sink),
        }
    }
}

/// Records of no connection.
pub(super) fn stray(scene: &Scene, totals: &mut Totals, bytes: &[u8], sink: Sink<'_>) {
    for view in Records::new(bytes) {
        let (epoch, sequence, content_type, content) = match view {
            RecordView::Plaintext(record) => {
                let content =
                    if record.epoch == 0 { Ok(record.content) } else { Err(Closed::NoHandshake) };
                let ty = Some(record.content_type);
                (record.epoch.into(), Some(record.sequence_number), ty, content)
            }
            RecordView::Unified(record) => {
                (record.epoch_bits().into(), None, None, Err(Closed::NoHandshake))
            }
            RecordView::Malformed { error, .. } => (0, None, None, Err(Closed::Malformed(error))),
        };
        if content == Err(Closed::NoHandshake) {
            totals.protected.records.record(&content);
            totals.protected.why = Some(Closed::NoHandshake);
        }
        let (association, role, replayed) = (0, None, false);
        let record =
            Record { view, association, role, epoch, sequence, content_type, content, replayed };
        scene.say(sink, Kind::Record(record));
    }
}

fn plaintext(
    reading: &mut Reading<'_>,
    associations: &mut Associations,
    bound: &mut u32,
    scene: &Scene,
    record: &PlaintextRecord<'_>,
    sink: Sink<'_>,
) {
    let end = reading.end;
    let association = match (greeting(record), record.content_type) {
        (Some(random), _) => Some(associations.greeted(end, random)),
        (None, ContentType::HANDSHAKE) => associations.pick_or_add(*bound),
        (None, _) => associations.pick(*bound),
    };
    let number = association.as_ref().map_or(0, |association| association.number);
    let said = Record {
        view: RecordView::Plaintext(*record),
        association: number,
        role: association.as_ref().and_then(|association| association.role(end)),
        epoch: 0,
        sequence: Some(record.sequence_number),
        content_type: Some(record.content_type),
        content: Ok(record.content),
        replayed: false,
    };
    let Some(association) = association else {
        scene.say(sink, Kind::Record(said));
        return;
    };
    *bound = number;
    let replayed = association.halves[end].replay.insert(0, record.sequence_number);
    scene.say(sink, Kind::Record(Record { replayed, ..said }));
    match record.content_type {
        ContentType::HANDSHAKE => {
            handshake(reading, association, scene, 0, record.content, sink);
        }
        ContentType::ALERT => alert(association, end, scene, record.content, false, sink),
        _ => {}
    }
}

/// The random of a record that begins with the beginning of a `ClientHello`.
fn greeting(record: &PlaintextRecord<'_>) -> Option<[u8; 32]> {
    let fragment = record.handshake().next()?.ok()?;
    let is_hello =
        fragment.msg_type == HandshakeType::CLIENT_HELLO && fragment.fragment_offset == 0;
    fragment.body.get(2..34).filter(|_| is_hello)?.try_into().ok()
}

fn encrypted(
    reading: &mut Reading<'_>,
    associations: &mut Associations,
    bound: &mut u32,
    scene: &Scene,
    view: RecordView<'_>,
    scratch: &mut Vec<u8>,
    sink: Sink<'_>,
) {
    let end = reading.end;
    let (result, chosen) = open(reading, associations, *bound, &view, scratch);
    let mut said = closed_record(view, &result);
    let Some(association) = chosen.and_then(|at| associations.at(at)) else {
        scene.say(sink, Kind::Record(said));
        return;
    };
    said.association = association.number;
    said.role = association.role(end);
    *bound = association.number;
    note_progress(&mut association.halves[end], &mut said);
    if result.is_ok() {
        said.content = Ok(scratch.as_slice());
    }
    scene.say(sink, Kind::Record(said));
    ready(reading, association, scene, sink);
    if let Ok(opened) = result {
        inside(reading, association, scene, &opened, scratch, sink);
    }
}

/// Opens a record into `scratch`, and says which association it is of: the one that opens it, else
/// the first that was tried.
fn open(
    reading: &mut Reading<'_>,
    associations: &mut Associations,
    bound: u32,
    view: &RecordView<'_>,
    scratch: &mut Vec<u8>,
) -> (Result<Opened, Closed>, Option<usize>) {
    let mut result: Result<Opened, Closed> = Err(Closed::NoHandshake);
    let mut chosen = None;
    for at in associations.order(bound) {
        let Some(one) = associations.at(at) else { continue };
        let opened = one.dtls.open(reading.keys, reading.end, view, scratch);
        if chosen.is_none() || opened.is_ok() {
            (result, chosen) = (opened, Some(at));
        }
        if result.is_ok() {
            break;
        }
    }
    reading.totals.protected.records.record(&result);
    if let Err(why) = result {
        reading.totals.protected.why = Some(why);
    }
    (result, chosen)
}

/// What a record says of how far its sender is, and whether it was sent before.
fn note_progress(half: &mut Half, said: &mut Record<'_>) {
    if let Some(sequence) = said.sequence {
        said.replayed = half.replay.insert(said.epoch, sequence);
    }
    match (said.content_type, said.view) {
        (Some(ContentType::APPLICATION_DATA), _) => half.data = true,
        // A handshake in epoch 1 begins with Finished.
        (Some(ContentType::HANDSHAKE), RecordView::Plaintext(_)) => half.finished = true,
        // RFC 9147 §6.1: epoch 3 is that of application data.
        (None, RecordView::Unified(record)) if record.epoch_bits() == 3 => half.data = true,
        _ => {}
    }
}

/// What was in a record.
fn inside(
    reading: &mut Reading<'_>,
    association: &mut Association,
    scene: &Scene,
    opened: &Opened,
    content: &[u8],
    sink: Sink<'_>,
) {
    let end = reading.end;
    match opened.content_type {
        ContentType::HANDSHAKE => {
            handshake(reading, association, scene, opened.epoch, content, sink);
            ready(reading, association, scene, sink);
        }
        ContentType::ALERT => alert(association, end, scene, content, true, sink),
        ContentType::APPLICATION_DATA => {
            let role = association.role(end);
            sctp::packet(&mut association.sctp, end, role, reading.totals, scene, content, sink);
        }
        _ => {}
    }
}

fn closed_record<'a>(view: RecordView<'a>, result: &Result<Opened, Closed>) -> Record<'a> {
    let (epoch, sequence, content_type) = match (result, view) {
        (Ok(opened), _) => (opened.epoch, Some(opened.sequence), Some(opened.content_type)),
        (Err(_), RecordView::Plaintext(record)) => {
            (record.epoch.into(), Some(record.sequence_number), Some(record.content_type))
        }
        (Err(_), RecordView::Unified(record)) => (record.epoch_bits().into(), None, None),
        (Err(_), RecordView::Malformed { .. }) => (0, None, None),
    };
    let content = match result {
        Ok(_) => Ok(&[][..]),
        Err(why) => Err(*why),
    };
    let (association, role, replayed) = (0, None, false);
    Record { view, association, role, epoch, sequence, content_type, content, replayed }
}

fn ready(reading: &Reading<'_>, association: &mut Association, scene: &Scene, sink: Sink<'_>) {
    if association.ready || !association.is_up() {
        return;
    }
    let dtls = &association.dtls;
    let (Some(version), Some(suite)) = (dtls.version, dtls.suite) else { return };
    association.ready = true;
    let sender = dtls.client.map(|client| client == reading.end);
    let ready = DtlsReady {
        association: association.number,
        version,
        suite,
        srtp: dtls.srtp,
        client: match sender {
            Some(true) => scene.from,
            Some(false) => scene.from.other(),
            None => Side::Unknown,
        },
        extended_master_secret: dtls.extended_master_secret,
        encrypt_then_mac: dtls.encrypt_then_mac,
        has_secret: dtls.has_secret(reading.keys),
    };
    scene.say(sink, Kind::DtlsReady(ready));
}

fn alert(
    association: &Association,
    end: usize,
    scene: &Scene,
    content: &[u8],
    encrypted: bool,
    sink: Sink<'_>,
) {
    let alert = RecordAlert {
        association: association.number,
        role: association.role(end),
        alert: Alert::read(content),
        encrypted,
    };
    scene.say(sink, Kind::Alert(alert));
}

fn handshake(
    reading: &mut Reading<'_>,
    association: &mut Association,
    scene: &Scene,
    epoch: u64,
    content: &[u8],
    sink: Sink<'_>,
) {
    let end = reading.end;
    for fragment in HandshakeFragments::new(content).map_while(Result::ok) {
        let HandshakeFragment { msg_type, length, message_seq, fragment_offset, body } = fragment;
        let half = &mut association.halves[end];
        let retransmission = half.sent_before(message_seq, fragment_offset);
        let whole = half.reassembler.insert(&fragment);
        let (whole, fault) = match whole {
            Ok(whole) => (whole, None),
            Err(fault) => (None, Some(fault)),
        };
        let message = whole.as_ref().map(|whole| whole.body.as_slice());
        if let Some(body) = message {
            learn(association, end, epoch, msg_type, body);
        }
        let said = Handshake {
            association: association.number,
            role: association.role(end),
            msg_type,
            message_seq,
            epoch,
            length,
            fragment_offset,
            fragment: body,
            message,
            retransmission,
            fault,
        };
        scene.say(sink, Kind::Handshake(said));
        if let Some(body) = message.filter(|_| msg_type == HandshakeType::CERTIFICATE) {
            certificates(reading, association, scene, body, sink);
        }
    }
}

fn learn(
    association: &mut Association,
    end: usize,
    epoch: u64,
    msg_type: HandshakeType,
    body: &[u8],
) {
    let dtls = &mut association.dtls;
    match msg_type {
        // One in a later epoch renegotiates.
        HandshakeType::SERVER_HELLO if epoch == 0 => {
            let client = *dtls.client.get_or_insert(1 - end);
            if let Ok(hello) = ServerHelloView::read(body)
                && client != end
            {
                dtls.server_hello(&hello);
            }
        }
        HandshakeType::ENCRYPTED_EXTENSIONS => dtls.encrypted_extensions(body),
        HandshakeType::FINISHED => association.halves[end].finished = true,
        _ => {}
    }
}

fn certificates(
    reading: &Reading<'_>,
    association: &Association,
    scene: &Scene,
    body: &[u8],
    sink: Sink<'_>,
) {
    let modern = association.dtls.version == Some(ProtocolVersion::DTLS_1_3);
    let view = if modern { CertificateView::read_1_3(body) } else { CertificateView::read(body) };
    let Ok(view) = view else { return };
    for (index, der) in view.certificates().take(CERTIFICATES).enumerate() {
        let announced =
            if index == 0 { announced(reading.announced, der) } else { Announced::Unknown };
        let certificate = Certificate {
            association: association.number,
            role: association.role(reading.end),
            index,
            der,
            announced,
        };
        scene.say(sink, Kind::Certificate(certificate));
    }
}
