//! The hostile side that a scenario file describes: `[[tamper]]` and `inject`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use rtcspec_peer::seal::{self, Checked, Numbers};
use rtcspec_peer::tamper::{Action, Injection, StreamMessage, Stun, Tamper};
use rtcspec_wire::sctp::{Checksum, set_checksum};
use rtcspec_wire::stun::{self, Key};

use super::hostile::Hostile;
use super::log::{Kind, Log, Way};
use crate::scenario::{Edit, File, Inject, TamperLayer, Tampering};

/// Where edits come from that a file leaves open: a fuzzer makes them up when it sees the message,
/// and keeps them for the file it writes.
pub trait Improvise: fmt::Debug {
    /// Edits of a message that `[[tamper]]` number `index` changes.
    fn tamper(&mut self, index: usize, message: &[u8]) -> Option<Vec<Edit>>;

    /// Edits of a message that step number `index` injects.
    fn inject(&mut self, index: usize, message: &[u8]) -> Option<Vec<Edit>>;
}

/// Makes nothing up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AsWritten;

impl Improvise for AsWritten {
    fn tamper(&mut self, _: usize, _: &[u8]) -> Option<Vec<Edit>> {
        None
    }

    fn inject(&mut self, _: usize, _: &[u8]) -> Option<Vec<Edit>> {
        None
    }
}

/// Does what a file says.
#[derive(Debug)]
pub(crate) struct Scripted {
    /// What becomes of which message, and its place in the file.
    tampering: BTreeMap<(TamperLayer, u32), (usize, Tampering)>,
    /// Messages sent so far.
    sent: BTreeMap<TamperLayer, u32>,
    checked: Option<Checked>,
    numbers: Numbers,
    improvise: Rc<RefCell<dyn Improvise>>,
}

impl Scripted {
    /// The hostile side of a file.
    pub(crate) fn new(file: &File, improvise: Rc<RefCell<dyn Improvise>>) -> Self {
        let tampering = file.tamper.iter().enumerate().map(|(index, tamper)| {
            let tamper = tamper.get_ref();
            ((tamper.layer, tamper.nth), (index, tamper.clone()))
        });
        Self {
            tampering: tampering.collect(),
            sent: BTreeMap::new(),
            checked: None,
            numbers: Numbers::default(),
            improvise,
        }
    }

    /// Whether there is something to be done to the next message of a layer.
    fn next(&mut self, layer: TamperLayer) -> Option<(usize, Tampering)> {
        let sent = self.sent.entry(layer).or_default();
        *sent += 1;
        self.tampering.get(&(layer, *sent)).cloned()
    }

    /// What becomes of the next message of a layer.
    fn bytes(&mut self, layer: TamperLayer, bytes: &[u8], key: Option<&[u8]>) -> Action {
        let Some((index, tamper)) = self.next(layer) else { return Action::Pass };
        let edited = tamper.edit.as_ref().map(|written| {
            let mut bytes = self.edited(index, written, bytes);
            if tamper.repair {
                repair(layer, &mut bytes, key);
            }
            bytes
        });
        becomes(&tamper, edited)
    }

    fn edited(&self, index: usize, written: &[Edit], message: &[u8]) -> Vec<u8> {
        let made_up = self.improvise.borrow_mut().tamper(index, message);
        apply(made_up.as_deref().unwrap_or(written), message)
    }

    fn sealed(&self, layer: TamperLayer, bytes: Vec<u8>) -> Vec<u8> {
        match (layer, &self.checked) {
            (TamperLayer::Sctp, _) => seal::sctp(bytes, &self.numbers),
            (TamperLayer::Stun, Some(checked)) => seal::stun(bytes, &checked.name, &checked.key),
            _ => bytes,
        }
    }
}

/// A port of the same host that no candidate has: sockets of peers count up from theirs.
fn stranger(local: SocketAddr) -> SocketAddr {
    SocketAddr::new(local.ip(), local.port() ^ 0x2000)
}

fn apply(edits: &[Edit], message: &[u8]) -> Vec<u8> {
    let mut bytes = message.to_vec();
    edits.iter().for_each(|edit| edit.apply(&mut bytes));
    bytes
}

fn repair(layer: TamperLayer, bytes: &mut [u8], key: Option<&[u8]>) {
    match (layer, key) {
        (TamperLayer::Sctp, _) => set_checksum(bytes, Checksum::Crc32c),
        (TamperLayer::Stun, Some(key)) => stun::repair(bytes, &Key::from_bytes(key)),
        (TamperLayer::Stun, None) => stun::repair_length(bytes),
        _ => {}
    }
}

/// What becomes of a message that may have been edited.
fn becomes<T>(tamper: &Tampering, edited: Option<T>) -> Action<T> {
    match (edited, tamper.delay) {
        (Some(edited), _) => Action::replace(edited),
        (None, Some(delay)) => Action::Delay(delay.0),
        (None, None) if tamper.drop => Action::Drop,
        (None, None) => Action::Duplicate,
    }
}

/// The nth message of a layer that was sent, counted from 1.
fn sent(log: &Log, layer: TamperLayer, nth: u32) -> Option<&[u8]> {
    let of_layer = |kind: &Kind| match layer {
        // Datagrams that were slipped in have no key.
        TamperLayer::Stun => matches!(kind, Kind::Stun { .. }),
        TamperLayer::Dtls => *kind == Kind::Dtls,
        TamperLayer::Sctp => *kind == Kind::Sctp,
        TamperLayer::Message => matches!(kind, Kind::Message { .. }),
        TamperLayer::Sdp | TamperLayer::Candidate => false,
    };
    let nth = usize::try_from(nth).ok()?.checked_sub(1)?;
    log.of(Way::Sent).filter(|note| of_layer(&note.kind)).nth(nth).map(|note| &*note.bytes)
}

impl Tamper for Scripted {
    fn sdp(&mut self, _: Duration, sdp: &mut String) {
        let Some((index, tamper)) = self.next(TamperLayer::Sdp) else { return };
        let edited = self.edited(index, &tamper.edit.unwrap_or_default(), sdp.as_bytes());
        *sdp = String::from_utf8_lossy(&edited).into_owned();
    }

    fn candidate(&mut self, _: Duration, candidate: &str) -> Action<String> {
        let Some((index, tamper)) = self.next(TamperLayer::Candidate) else { return Action::Pass };
        let edited = tamper.edit.as_ref().map(|written| {
            let edited = self.edited(index, written, candidate.as_bytes());
            String::from_utf8_lossy(&edited).into_owned()
        });
        becomes(&tamper, edited)
    }

    fn stun(&mut self, _: Duration, message: Stun<'_>) -> Action {
        if let Some(checked) = Checked::of(&message) {
            self.checked = Some(checked);
        }
        self.bytes(TamperLayer::Stun, message.bytes, message.key)
    }

    fn dtls(&mut self, _: Duration, datagram: &[u8]) -> Action {
        self.bytes(TamperLayer::Dtls, datagram, None)
    }

    fn sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        self.numbers.note_ours(packet);
        self.bytes(TamperLayer::Sctp, packet, None)
    }

    fn message(&mut self, _: Duration, message: &StreamMessage) -> Action<StreamMessage> {
        let Some((index, tamper)) = self.next(TamperLayer::Message) else { return Action::Pass };
        let edited = tamper.edit.as_ref().map(|written| StreamMessage {
            data: self.edited(index, written, &message.data),
            ..message.clone()
        });
        becomes(&tamper, edited)
    }

    fn received_sctp(&mut self, _: Duration, packet: &[u8]) -> Action {
        self.numbers.note_theirs(packet);
        Action::Pass
    }
}

impl Hostile for Scripted {
    fn injection(&mut self, index: usize, inject: &Inject, log: &Log) -> Option<Injection> {
        let message = match (&inject.bytes, inject.copy) {
            (Some(bytes), _) => bytes.0.clone(),
            (None, Some(nth)) => sent(log, inject.layer, nth)?.to_vec(),
            (None, None) => return None,
        };
        let made_up = self.improvise.borrow_mut().inject(index, &message);
        let bytes = apply(made_up.as_deref().unwrap_or(&inject.edit), &message);
        let bytes = if inject.seal { self.sealed(inject.layer, bytes) } else { bytes };
        Some(match inject.layer {
            TamperLayer::Sctp => Injection::Sctp(bytes),
            TamperLayer::Dtls if !inject.stranger => Injection::Transport(bytes),
            TamperLayer::Message => Injection::Message(StreamMessage {
                stream: inject.stream,
                ppid: inject.ppid,
                data: bytes,
            }),
            _ => {
                let Checked { mut local, remote, .. } = self.checked.clone()?;
                if inject.stranger {
                    local = stranger(local);
                }
                Injection::Datagram { local, remote, data: bytes }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::sctp::PacketView;

    use super::super::log::Noted;
    use super::*;
    use crate::scenario::read;

    const HEAD: &str = r#"schema = 1
name   = "one"
tests  = []
limit  = "1s"
[peer.hostile]
on   = "wan"
runs = "reference"
role = "offerer"
[peer.tested]
on   = "wan"
runs = "under-test"
[[do]]
connect = ["hostile", "tested"]
"#;

    /// A COOKIE ACK of an association.
    const PACKET: [u8; 16] = [0x13, 0x88, 0x13, 0x88, 1, 2, 3, 4, 0, 0, 0, 0, 11, 0, 0, 4];

    fn scripted(rest: &str) -> (Scripted, File) {
        let scenario = read("test", &format!("{HEAD}{rest}")).expect("it is right");
        let hostile = Scripted::new(&scenario.file, Rc::new(RefCell::new(AsWritten)));
        (hostile, scenario.file)
    }

    fn tampering(keys: &str) -> Scripted {
        scripted(&format!("[[tamper]]\nby = \"hostile\"\n{keys}\n")).0
    }

    #[test]
    fn the_message_that_is_meant_is_counted_from_one_within_its_layer() {
        let mut hostile = tampering("layer = \"sctp\"\nnth = 2\ndrop = true");
        let now = Duration::ZERO;
        assert_eq!(hostile.dtls(now, &PACKET), Action::Pass);
        assert_eq!(hostile.sctp(now, &PACKET), Action::Pass);
        assert_eq!(hostile.sctp(now, &PACKET), Action::Drop);
        assert_eq!(hostile.sctp(now, &PACKET), Action::Pass);
    }

    #[test]
    fn an_edited_packet_has_the_right_checksum_only_if_it_is_repaired() {
        for (repair, right) in [(true, true), (false, false)] {
            let keys = format!(
                "layer = \"sctp\"\nnth = 1\nedit = [{{ at = 12, cut = 1, put = \"0e\" }}]\nrepair = {repair}"
            );
            let Action::Replace(sent) = tampering(&keys).sctp(Duration::ZERO, &PACKET) else {
                panic!("it is changed");
            };
            assert_eq!(sent[0][12], 0x0e);
            let view = PacketView::new(&sent[0]).expect("a packet");
            assert_eq!(view.checksum_state().is_correct(), right);
        }
    }

    #[test]
    fn a_description_that_is_no_text_any_more_is_still_told() {
        let mut hostile = tampering("layer = \"sdp\"\nnth = 1\nedit = [{ at = 2, put = \"ff\" }]");
        let mut sdp = "v=0\r\n".to_owned();
        hostile.sdp(Duration::ZERO, &mut sdp);
        assert_eq!(sdp, "v=\u{fffd}0\r\n");
    }

    #[test]
    fn a_copy_is_of_what_was_sent_and_a_sealed_one_fits_the_association() {
        let step = "[[do]]\ninject = { by = \"hostile\", layer = \"sctp\", copy = 1, edit = [{ at = 4, cut = 4, put = \"ffffffff\" }], seal = true }\n";
        let (mut hostile, file) = scripted(step);
        let inject = file.steps[1].get_ref().inject.clone().expect("a step");
        let mut log = Log::default();
        assert_eq!(hostile.injection(1, &inject, &log), None, "nothing was sent yet");
        assert_eq!(hostile.sctp(Duration::ZERO, &PACKET), Action::Pass);
        let (kind, bytes) = (Kind::Sctp, PACKET.to_vec());
        log.add(Noted { at: Duration::ZERO, way: Way::Sent, kind, bytes });
        let Some(Injection::Sctp(sent)) = hostile.injection(1, &inject, &log) else {
            panic!("a packet");
        };
        assert_eq!(sent[..8], PACKET[..8], "ports and tag are the session's");
        assert!(PacketView::new(&sent).expect("a packet").checksum_state().is_correct());
    }

    #[test]
    fn a_stranger_is_on_the_same_host_at_another_port() {
        let local: SocketAddr = "192.0.2.1:49152".parse().expect("an address");
        assert_eq!(stranger(local).ip(), local.ip());
        assert_ne!(stranger(local).port(), local.port());
    }
}
