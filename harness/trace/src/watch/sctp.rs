//! SCTP packets, their chunks, and the messages they carry.

use rtcspec_wire::dcep;
use rtcspec_wire::sctp::{
    Body, EDMID_DTLS, FragmentPosition, InitView, PacketView, ParameterType, Ppid, Tsn,
    VerificationTag,
};

use super::event::{Chunk, Dcep, DtlsRole, Kind, Message, Opaque, SctpPacket, Tag, Unread};
use super::frame::{Scene, Sink};
use super::limits;
use super::totals::Totals;
use super::tsns::Tsns;
use crate::assembly::{Assembled, Assembly, Fragment, Head};

/// Whether an INIT or INIT ACK declares that a zero checksum is acceptable because DTLS detects
/// errors. Another method (RFC 9653 §4) is none that SCTP over DTLS has.
#[must_use]
pub fn accepts_zero_checksum(init: &InitView<'_>) -> bool {
    let method = init.parameter(ParameterType::ZERO_CHECKSUM_ACCEPTABLE);
    method.is_some_and(|method| *method == EDMID_DTLS.to_be_bytes())
}

/// What one end said.
#[derive(Debug)]
struct End {
    tag: Option<VerificationTag>,
    /// Tags that others replaced, the newest last.
    former: Vec<VerificationTag>,
    initial: Option<Tsn>,
    zero_checksum: bool,
    tsns: Tsns,
    messages: Assembly,
}

impl Default for End {
    fn default() -> Self {
        Self {
            tag: None,
            former: Vec::new(),
            initial: None,
            zero_checksum: false,
            tsns: Tsns::default(),
            messages: Assembly::new(limits::MESSAGE),
        }
    }
}

/// An SCTP association.
#[derive(Debug, Default)]
pub(super) struct Sctp {
    ends: [End; 2],
}

impl Sctp {
    pub(super) fn flip(&mut self) {
        self.ends.swap(0, 1);
    }

    pub(super) fn held(&self) -> usize {
        self.ends.iter().map(|end| end.messages.held()).sum()
    }

    pub(super) fn forget_pieces(&mut self) {
        self.ends.iter_mut().for_each(|end| end.messages = Assembly::new(limits::MESSAGE));
    }
}

/// Reads a packet that an end sent.
pub(super) fn packet(
    sctp: &mut Sctp,
    end: usize,
    role: Option<DtlsRole>,
    totals: &mut Totals,
    scene: &Scene,
    bytes: &[u8],
    sink: Sink<'_>,
) {
    let Ok(view) = PacketView::new(bytes) else {
        scene.say(sink, Kind::Opaque(Opaque { why: Unread::NotSctp, bytes }));
        return;
    };
    totals.sctp_packets += 1;
    let packet = SctpPacket {
        view,
        checksum: view.checksum_state(),
        zero_checksum_accepted: sctp.ends[1 - end].zero_checksum,
        tag: sctp.tag(end, view.verification_tag()),
        role,
    };
    scene.say(sink, Kind::Sctp(packet));
    for (index, view) in view.chunks().enumerate() {
        totals.chunk(view.chunk_type());
        let body = view.body();
        let from = &mut sctp.ends[end];
        let tsn = match &body {
            Ok(Body::Data(data)) => Some(data.tsn),
            Ok(Body::IData(data)) => Some(data.tsn),
            Ok(Body::Init(init)) => {
                from.init(init, true);
                None
            }
            Ok(Body::InitAck(init)) => {
                from.init(init, false);
                None
            }
            _ => None,
        };
        let seen = tsn.map(|tsn| from.tsns.insert(tsn));
        let again = seen.is_some_and(|(_, again)| again);
        let offset = tsn.zip(from.initial).map(|(tsn, initial)| tsn.0.wrapping_sub(initial.0));
        let chunk = Chunk { index, view, body, again, tsn_offset: offset, role };
        scene.say(sink, Kind::Chunk(chunk));
        if let (Ok(body), false) = (&body, again) {
            let place = seen.map(|(place, _)| place);
            from.message(body, place, role, totals, scene, sink);
        }
    }
}

impl Sctp {
    fn tag(&self, end: usize, tag: VerificationTag) -> Tag {
        let (from, to) = (&self.ends[end], &self.ends[1 - end]);
        if tag == VerificationTag::ZERO {
            Tag::Zero
        } else if to.tag == Some(tag) {
            Tag::Receiver
        } else if from.tag == Some(tag) {
            Tag::Sender
        } else if to.former.contains(&tag) {
            Tag::Former
        } else if to.tag.is_none() {
            Tag::Unknown
        } else {
            Tag::Other
        }
    }
}

impl End {
    /// RFC 9260 §5.2: another initial TSN begins anew.
    fn init(&mut self, init: &InitView<'_>, is_init: bool) {
        if let Some(old) = self.tag.filter(|old| *old != init.initiate_tag) {
            if self.former.len() >= limits::TAGS {
                self.former.remove(0);
            }
            self.former.push(old);
        }
        if self.initial != Some(init.initial_tsn) && (is_init || self.initial.is_none()) {
            self.tsns = Tsns::default();
            self.messages = Assembly::new(limits::MESSAGE);
        }
        self.tag = Some(init.initiate_tag);
        self.initial = Some(init.initial_tsn);
        self.zero_checksum = accepts_zero_checksum(init);
    }

    fn message(
        &mut self,
        body: &Body<'_>,
        place: Option<u64>,
        role: Option<DtlsRole>,
        totals: &mut Totals,
        scene: &Scene,
        sink: Sink<'_>,
    ) {
        let (fragment, interleaved) = match body {
            Body::Data(data) => {
                let head = Head {
                    stream: data.stream,
                    ppid: data.ppid,
                    unordered: data.flags.unordered,
                    sequence: data.ssn.0.into(),
                };
                let (first, last) = (data.flags.beginning, data.flags.ending);
                let (number, payload) = (scene.frame.number, data.payload);
                let at = place.unwrap_or_default();
                (Fragment { group: 0, at, first, last, number, head, payload }, false)
            }
            Body::IData(data) => {
                let (ppid, at) = match data.position {
                    FragmentPosition::First(ppid) => (ppid, 0),
                    FragmentPosition::Later(fsn) => (Ppid(0), fsn.0.into()),
                };
                let unordered = data.flags.unordered;
                let head = Head { stream: data.stream, ppid, unordered, sequence: data.mid.0 };
                // RFC 8260 §2.1: a message is named by stream, U bit and MID.
                let stream = u64::from(data.stream.0) << 1 | u64::from(unordered);
                let group = stream << 32 | u64::from(data.mid.0);
                let (first, last) = (data.flags.beginning, data.flags.ending);
                let (number, payload) = (scene.frame.number, data.payload);
                (Fragment { group, at, first, last, number, head, payload }, true)
            }
            Body::ForwardTsn(forward) => {
                // RFC 3758 §3.2: what is at or before this is not sent any more.
                let until = self.tsns.place(forward.new_cumulative_tsn);
                self.messages.give_up(0, until);
                return;
            }
            _ => return,
        };
        if let Some(whole) = self.messages.insert(&fragment) {
            totals.messages += 1;
            say_message(&whole, interleaved, role, scene, sink);
        }
    }
}

fn say_message(
    whole: &Assembled<'_>,
    interleaved: bool,
    role: Option<DtlsRole>,
    scene: &Scene,
    sink: Sink<'_>,
) {
    let Head { stream, ppid, unordered, sequence } = whole.head;
    let message = Message {
        stream,
        ppid,
        unordered,
        interleaved,
        sequence,
        bytes: whole.bytes,
        length: whole.length,
        fragments: whole.fragments,
        first_number: whole.first_number,
        role,
    };
    scene.say(sink, Kind::Message(message));
    if ppid == Ppid::DCEP {
        let view = dcep::View::parse(whole.bytes);
        scene.say(sink, Kind::Dcep(Dcep { stream, unordered, view, role }));
    }
}
