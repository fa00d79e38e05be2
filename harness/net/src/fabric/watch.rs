use super::element::{ElementId, PortId};
use super::packet::Packet;
use super::topology::{Fabric, InWire, Owner};
use crate::Ns;
use crate::link::{Direction, Fate};
use crate::observe::{Crossing, Drop, Flow, PacketId, Record, Tap, Verdict};
use crate::packet::Malformed;

/// Who listens.
#[derive(Debug, Default)]
pub(super) struct Watch {
    recording: bool,
    records: Vec<Record>,
    tap: Tap,
    /// By element: the tap's interfaces of its two sides.
    tapped: Vec<Option<[u32; 2]>>,
    /// The frame of the packet under way at the element it is at, for a comment.
    last_frame: Option<usize>,
}

impl Fabric {
    /// Begins to write down every packet's way, for [`Fabric::records`].
    pub fn record(&mut self, on: bool) {
        self.watch.recording = on;
    }

    /// Takes what was written down since the last call, in the order it happened.
    pub fn records(&mut self) -> Vec<Record> {
        std::mem::take(&mut self.watch.records)
    }

    /// Begins to keep every packet that crosses a side of an element, with its bytes.
    ///
    /// A NAT has the sides `inside` and `outside`, a firewall or link `near` (to what it protects
    /// or belongs to) and `far`, a host one. Segments have none: tap what is joined to them.
    pub fn tap_element(&mut self, element: impl Into<ElementId>) {
        let element = element.into();
        let tapped = &mut self.watch.tapped;
        if tapped.len() < self.elements.len() {
            tapped.resize(self.elements.len(), None);
        }
        if tapped[element.index()].is_some() {
            return;
        }
        let name = &self.elements[element.index()].name;
        let sides: &[&str] = match self.sides(element) {
            Some(sides) => &sides.map(|side| side),
            None => &[""],
        };
        let tap = &mut self.watch.tap;
        let first = tap.add_interface(format!("{name}{}", sides[0]));
        let second = sides.get(1).map(|side| tap.add_interface(format!("{name}{side}")));
        self.watch.tapped[element.index()] = Some([first, second.unwrap_or(first)]);
    }

    /// Takes what the tapped sides saw since the last call.
    pub fn take_tap(&mut self) -> Tap {
        let fresh = self.watch.tap.emptied();
        self.watch.last_frame = None;
        std::mem::replace(&mut self.watch.tap, fresh)
    }

    /// What became of a packet, in words: `nat.home: filtered, APDF, 203.0.113.2:6160 never
    /// contacted`.
    pub fn explain(&self, record: &Record) -> String {
        format!("{}: {}", self.element_name(record.element), record.words())
    }

    fn sides(&self, element: ElementId) -> Option<[&'static str; 2]> {
        let is_nat = |port: &super::topology::Port| match port.owner {
            Owner::Inside(nat) | Owner::Outside(nat) => nat.element == element,
            Owner::Host(_) => false,
        };
        let in_wire = |wire: &InWire| match wire {
            InWire::Firewall(id) => id.element == element,
            InWire::Link(id) => id.element == element,
        };
        if self.ports.iter().any(is_nat) {
            return Some([" inside", " outside"]);
        }
        let wired = self.ports.iter().any(|port| port.wire.iter().any(in_wire));
        wired.then_some([" near", " far"])
    }

    pub(super) fn tap(
        &mut self,
        at: Ns,
        element: ElementId,
        side: usize,
        crossing: Crossing,
        packet: &Packet,
    ) {
        let Some(Some(interfaces)) = self.watch.tapped.get(element.index()) else {
            self.watch.last_frame = None;
            return;
        };
        let interface = interfaces[side & 1];
        let frame = self.watch.tap.add(at, interface, crossing, packet.id, &packet.bytes);
        self.watch.last_frame = Some(frame);
    }

    fn write(
        &mut self,
        at: Ns,
        element: ElementId,
        direction: Option<Direction>,
        packet: &Packet,
        (flow, verdict): (Flow, Verdict),
    ) {
        let length = packet.bytes.len() as u16;
        self.watch.records.push(Record {
            at,
            packet: packet.id,
            element,
            direction,
            flow,
            length,
            verdict,
        });
    }

    pub(super) fn watch_sent(
        &mut self,
        at: Ns,
        element: ElementId,
        port: Option<PortId>,
        packet: &Packet,
    ) {
        if port.is_some() {
            self.tap(at, element, 0, Crossing::Outbound, packet);
        }
        if self.watch.recording {
            self.write(at, element, None, packet, (Flow::from(&packet.head), Verdict::Sent));
        }
    }

    pub(super) fn watch_malformed(
        &mut self,
        at: Ns,
        element: ElementId,
        packet: PacketId,
        length: usize,
        why: Malformed,
    ) {
        self.count(element, false);
        if self.watch.recording {
            let nowhere = std::net::SocketAddr::from(([0, 0, 0, 0], 0));
            let flow = Flow { protocol: None, source: nowhere, destination: nowhere };
            self.watch.records.push(Record {
                at,
                packet,
                element,
                direction: None,
                flow,
                length: u16::try_from(length).unwrap_or(u16::MAX),
                verdict: Verdict::Dropped(Drop::Malformed(why)),
            });
        }
    }

    pub(super) fn watch_pass(
        &mut self,
        at: Ns,
        element: ElementId,
        direction: Direction,
        packet: &Packet,
        verdict: Verdict,
    ) {
        self.count(element, true);
        if self.watch.recording {
            let flow = Flow::from(&packet.head);
            self.write(at, element, Some(direction), packet, (flow, verdict));
        }
    }

    pub(super) fn watch_carried(
        &mut self,
        at: Ns,
        element: ElementId,
        direction: Direction,
        packet: &Packet,
        fate: Fate,
    ) {
        if fate.damaged && self.watch.recording {
            let flow = Flow::from(&packet.head);
            self.write(at, element, Some(direction), packet, (flow, Verdict::Damaged));
        }
        self.watch_pass(at, element, direction, packet, Verdict::Carried { until: fate.at });
        if let Some(until) = fate.copy_at
            && self.watch.recording
        {
            let flow = Flow::from(&packet.head);
            self.write(at, element, Some(direction), packet, (flow, Verdict::Copied { until }));
        }
    }

    /// A segment made a copy, for one more of those a packet goes to.
    pub(super) fn watch_copied(&mut self, at: Ns, segment: ElementId, packet: &Packet) {
        if self.watch.recording {
            let seen = (Flow::from(&packet.head), Verdict::Copied { until: at });
            self.write(at, segment, None, packet, seen);
        }
    }

    pub(super) fn watch_released(&mut self, at: Ns, element: ElementId, way: u8, packet: &Packet) {
        self.tap(at, element, usize::from(way == 0), Crossing::Outbound, packet);
    }

    pub(super) fn watch_translated(
        &mut self,
        at: Ns,
        element: ElementId,
        direction: Direction,
        packet: &Packet,
        before: Flow,
        (new_mapping, hairpin): (bool, bool),
    ) {
        self.count(element, true);
        if self.watch.recording {
            let to = Flow::from(&packet.head);
            let verdict = Verdict::Translated { to, new_mapping, hairpin };
            self.write(at, element, Some(direction), packet, (before, verdict));
        }
    }

    pub(super) fn watch_delivered(&mut self, at: Ns, element: ElementId, packet: &Packet) {
        if self.watch.recording {
            let verdict = Verdict::Delivered;
            self.write(at, element, None, packet, (Flow::from(&packet.head), verdict));
        }
    }

    /// `tapped`: whether the packet's frame at this element is the last one that was kept.
    pub(super) fn watch_drop(
        &mut self,
        at: Ns,
        element: ElementId,
        direction: Option<Direction>,
        packet: &Packet,
        why: Drop,
        tapped: Option<Ns>,
    ) {
        let flow = Flow::from(&packet.head);
        let frame = tapped.and(self.watch.last_frame.take());
        if let Some(frame) = frame {
            let comment = format!("{}: {}", self.elements[element.index()].name, why.words(&flow));
            self.watch.tap.comment(frame, comment);
        }
        if self.watch.recording {
            self.write(at, element, direction, packet, (flow, Verdict::Dropped(why)));
        }
    }
}
