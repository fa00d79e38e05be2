//! Virtual time: a network, its hosts and the applications on them, driven together.
//!
//! The clock jumps from event to event. A host either has an [`Application`] of its own (a service),
//! which is driven here, or none (a peer under test), and then whoever runs the world reads and
//! writes its sockets. A bare host has not even sockets: its IP stack is elsewhere, and whole packets
//! go in and out ([`World::bare`]).

use std::collections::VecDeque;
use std::net::SocketAddr;

use crate::Ns;
use crate::fabric::{Action, ActionError, Fabric, HostId, PortId};
use crate::host::{Application, Host, Input, Receive, SendError, Transmit};
use crate::packet::Head;

/// So many things may happen at one instant before it counts as never-ending.
const MOST_AT_ONCE: u32 = 200_000;
/// So many things that were asked for in vain are kept; nobody has to read them.
const MOST_UNSENT: usize = 1024;

/// Things go on happening without time going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("leave {at}: things happen there without end")]
pub struct Livelock {
    /// When.
    pub at: Ns,
}

/// What an application asked for in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// When.
    pub at: Ns,
    /// On which host.
    pub host: HostId,
    /// Why.
    pub why: SendError,
}

/// A network with hosts, in virtual time.
///
/// ```
/// use rtcspec_net::fabric::Fabric;
/// use rtcspec_net::host::{Receive, Transmit};
/// use rtcspec_net::{Ns, link, nat, segment, world::World};
///
/// let mut fabric = Fabric::new(1);
/// let wan = fabric.segment("wan", segment::Params::internet())?;
/// let lan = fabric.segment("lan", segment::Params::v4("192.168.1.0/24".parse().unwrap()))?;
/// let home = fabric.nat("home", nat::Params::default(), lan, wan)?;
/// let delay = link::Params::latency(Ns::millis(20));
/// fabric.link("home", [delay.clone(), delay], fabric.outside(home))?;
/// let (alice, bob) = (fabric.host("alice")?, fabric.host("bob")?);
/// fabric.interface(alice, lan, &[])?;
/// fabric.interface(bob, wan, &[])?;
///
/// let mut world = World::new(fabric);
/// let here = world.address(alice, 5000).unwrap();
/// let there = world.address(bob, 6000).unwrap();
/// world.transmit(alice, Transmit::Udp { local: here, remote: there, data: b"hi".to_vec() });
/// let reached = world.step(Ns::secs(1)).unwrap();
/// assert_eq!(reached, Ns::millis(20));
/// let Some(Receive::Udp { remote, data, .. }) = world.receive(bob) else { panic!() };
/// assert_eq!(data, b"hi");
/// assert_eq!(remote.to_string(), "203.0.113.1:5000");
/// # Ok::<(), rtcspec_net::fabric::TopologyError>(())
/// ```
pub struct World {
    fabric: Fabric,
    seats: Vec<Option<Seat>>,
    /// Indices into `seats` by name of the host: the order of what is due at one time.
    order: Vec<usize>,
    unsent: Vec<Unsent>,
    /// Whether a host without an application may have something to read.
    waiting: bool,
}

struct Seat {
    host: Host,
    application: Option<Box<dyn Application>>,
    /// Packets for a host whose IP stack is elsewhere; absent for all others.
    packets: Option<VecDeque<Vec<u8>>>,
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("fabric", &self.fabric).finish_non_exhaustive()
    }
}

impl World {
    /// Takes over a network and gives each of its hosts sockets.
    pub fn new(fabric: Fabric) -> Self {
        let mut world = Self {
            seats: Vec::new(),
            order: Vec::new(),
            unsent: Vec::new(),
            waiting: false,
            fabric,
        };
        world.seat_hosts();
        world
    }

    /// The network.
    pub fn fabric(&self) -> &Fabric {
        &self.fabric
    }

    /// The network, to watch it or to add to it. Call [`World::seat_hosts`] after adding hosts or
    /// interfaces, and use [`World::apply`] for actions.
    pub fn fabric_mut(&mut self) -> &mut Fabric {
        &mut self.fabric
    }

    /// Gives hosts that were added to the network sockets, and those that have some their
    /// interfaces.
    pub fn seat_hosts(&mut self) {
        for id in self.fabric.host_ids() {
            if self.seats.len() <= id.index() {
                self.seats.resize_with(id.index() + 1, || None);
            }
            match &mut self.seats[id.index()] {
                Some(seat) => seat.host.refresh(&self.fabric),
                empty => {
                    let host = Host::new(&self.fabric, id);
                    *empty = Some(Seat { host, application: None, packets: None });
                }
            }
        }
        self.order = (0..self.seats.len()).collect();
        let (fabric, seats) = (&self.fabric, &self.seats);
        self.order.sort_by_key(|&n| {
            seats[n].as_ref().map(|seat| fabric.element_name(seat.host.id()).to_owned())
        });
    }

    /// Puts an application on a host; it is driven from now on.
    pub fn install(&mut self, host: HostId, application: Box<dyn Application>) {
        if let Some(seat) = self.seat(host) {
            seat.application = Some(application);
        }
        self.serve(host.index(), self.fabric.now());
        self.settle(self.fabric.now());
    }

    /// A host's sockets.
    ///
    /// # Panics
    /// If the host belongs to another network.
    pub fn host_mut(&mut self, host: HostId) -> &mut Host {
        &mut self.seat(host).expect("invariant: every host of this network has a seat").host
    }

    /// A host's first address with a port.
    pub fn address(&self, host: HostId, port: u16) -> Option<SocketAddr> {
        let seat = self.seats.get(host.index())?.as_ref()?;
        seat.host.addresses().next().map(|address| SocketAddr::new(address, port))
    }

    /// The time the world has come to.
    pub fn now(&self) -> Ns {
        self.fabric.now()
    }

    /// When something happens next by itself.
    pub fn wake(&self) -> Option<Ns> {
        let seats = self.seats.iter().flatten().flat_map(|seat| {
            let application = seat.application.as_ref().and_then(|app| app.wake());
            seat.host.wake().into_iter().chain(application)
        });
        seats.chain(self.fabric.wake()).min()
    }

    /// Goes on until `limit`, or until a host without an application has something to read, if that
    /// is earlier. Returns the time it has come to.
    ///
    /// # Errors
    /// [`Livelock`] if things go on happening at one instant.
    pub fn step(&mut self, limit: Ns) -> Result<Ns, Livelock> {
        let mut at_once = 0;
        while !self.is_waiting() {
            let next = self.wake().unwrap_or(Ns::NEVER).max(self.fabric.now());
            if next > limit {
                self.fabric.advance(limit);
                break;
            }
            at_once = if next == self.fabric.now() { at_once + 1 } else { 0 };
            if at_once > MOST_AT_ONCE {
                return Err(Livelock { at: next });
            }
            self.fabric.advance(next);
            self.settle(next);
            self.wake_up(next);
        }
        Ok(self.fabric.now())
    }

    /// Does what the peer on a host asks for, now. What cannot be done is in [`World::unsent`].
    pub fn transmit(&mut self, host: HostId, transmit: Transmit) {
        let now = self.fabric.now();
        self.ask(host.index(), now, transmit);
        self.drain(host.index(), now);
        self.settle(now);
    }

    /// From now on a host's IP stack is elsewhere: what reaches it is read by [`World::packet`],
    /// what it sends goes in by [`World::inject`]. Multicast of its links reaches it, whatever the
    /// group is.
    pub fn bare(&mut self, host: HostId) {
        self.fabric.join_all(host);
        if let Some(seat) = self.seat(host) {
            seat.packets.get_or_insert_default();
        }
    }

    /// The next packet that reached a bare host.
    pub fn packet(&mut self, host: HostId) -> Option<Vec<u8>> {
        self.seat(host)?.packets.as_mut()?.pop_front()
    }

    /// A bare host sends a packet, now, by the interface that has its source address; by the first
    /// one if none has.
    pub fn inject(&mut self, host: HostId, packet: Vec<u8>) {
        let now = self.fabric.now();
        let ports = self.fabric.interfaces(host);
        let source = Head::parse(&packet).map(|(head, _)| head.source().ip());
        let owns = |port: &&PortId| {
            source.is_ok_and(|source| self.fabric.addresses(**port).contains(&source))
        };
        let Some(port) = ports.iter().find(owns).or(ports.first()).copied() else { return };
        self.fabric.send(now, port, packet);
        self.settle(now);
    }

    /// The next thing for the peer on a host.
    pub fn receive(&mut self, host: HostId) -> Option<Receive> {
        self.seat(host).and_then(|seat| seat.host.receive())
    }

    /// Makes something happen to the network, now; hosts that moved learn their addresses.
    ///
    /// # Errors
    /// [`ActionError`] if it cannot happen.
    pub fn apply(&mut self, action: Action) -> Result<(), ActionError> {
        let now = self.fabric.now();
        let moves = matches!(action, Action::Move { .. });
        self.fabric.apply(now, action)?;
        if moves {
            self.seat_hosts();
            for n in self.order.clone() {
                self.serve(n, now);
            }
        }
        self.settle(now);
        Ok(())
    }

    /// What was asked for in vain since the last call: the first of it, if there is very much.
    pub fn unsent(&mut self) -> Vec<Unsent> {
        std::mem::take(&mut self.unsent)
    }

    fn is_waiting(&mut self) -> bool {
        self.waiting = self.waiting && self.seats.iter().flatten().any(Seat::is_waiting);
        self.waiting
    }

    fn seat(&mut self, host: HostId) -> Option<&mut Seat> {
        self.seats.get_mut(host.index()).and_then(Option::as_mut)
    }

    /// Gives hosts what has reached them, and applications theirs, until nothing is left.
    fn settle(&mut self, now: Ns) {
        for _ in 0..MOST_AT_ONCE {
            let Some(delivery) = self.fabric.delivery() else { return };
            let n = delivery.host.index();
            let Some(Some(seat)) = self.seats.get_mut(n) else { continue };
            if let Some(packets) = &mut seat.packets {
                packets.push_back(delivery.bytes);
                self.waiting = true;
                continue;
            }
            match seat.host.input(now, delivery) {
                Input::Used(buffer) if buffer.capacity() > 0 => self.fabric.recycle(buffer),
                Input::Used(_) => {}
                Input::Refused(delivery, why) => self.fabric.discard(delivery, why),
            }
            self.drain(n, now);
            self.serve(n, now);
        }
    }

    /// Wakes hosts and applications that wanted it, in the order of the hosts' names.
    fn wake_up(&mut self, now: Ns) {
        for n in self.order.clone() {
            let Some(seat) = &mut self.seats[n] else { continue };
            seat.host.advance(now);
            if let Some(application) = &mut seat.application
                && application.wake().is_some_and(|at| at <= now)
            {
                application.advance(now);
            }
            self.drain(n, now);
            self.serve(n, now);
            self.settle(now);
        }
    }

    /// Lets a host's application read, and does what it asks for.
    fn serve(&mut self, n: usize, now: Ns) {
        let Some(Some(seat)) = self.seats.get_mut(n) else { return };
        if seat.application.is_none() {
            self.waiting |= seat.is_waiting();
            return;
        }
        for _ in 0..MOST_AT_ONCE {
            let Some(Some(Seat { host, application: Some(application), .. })) =
                self.seats.get_mut(n)
            else {
                return;
            };
            if let Some(transmit) = application.transmit() {
                self.ask(n, now, transmit);
                self.drain(n, now);
            } else if let Some(received) = host.receive() {
                application.receive(now, received);
            } else {
                return;
            }
        }
    }

    fn ask(&mut self, n: usize, now: Ns, transmit: Transmit) {
        let Some(Some(seat)) = self.seats.get_mut(n) else { return };
        seat.host.recycle(self.fabric.buffer());
        if let Err(why) = seat.host.transmit(now, transmit)
            && self.unsent.len() < MOST_UNSENT
        {
            self.unsent.push(Unsent { at: now, host: seat.host.id(), why });
        }
        if seat.application.is_none() {
            self.waiting |= seat.is_waiting();
        }
    }

    /// Sends what a host has for the network.
    fn drain(&mut self, n: usize, now: Ns) {
        while let Some(Some(seat)) = self.seats.get_mut(n)
            && let Some((port, packet)) = seat.host.output()
        {
            self.fabric.send(now, port, packet);
        }
    }
}

impl Seat {
    fn is_waiting(&self) -> bool {
        let packets = self.packets.as_ref().is_some_and(|packets| !packets.is_empty());
        self.application.is_none() && (packets || self.host.has_input())
    }
}
