use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};

use super::tcp::Stack;
use super::vocabulary::{ConnId, IcmpError, Receive, Transmit};
use crate::Ns;
use crate::draw::{Draws, Purpose};
use crate::fabric::{Delivery, Fabric, HostId, PortId, Protocol};
use crate::observe::Drop;
use crate::packet::{Fault, UdpTooLong, Unreachable, quoted_flow, udp, unreachable_error};

/// Something an application asked for that its host cannot do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// No interface has that address.
    #[error("send from {local}: not an address of this host")]
    NotMine {
        /// The address.
        local: SocketAddr,
    },
    /// The interface's MTU is smaller, and datagrams are not fragmented.
    #[error("send {length} bytes: more than the MTU of {mtu}")]
    TooBig {
        /// Bytes of IP packet.
        length: usize,
        /// Bytes that fit.
        mtu: u16,
    },
    /// Source and destination are not of one family.
    #[error("send from {local} to {remote}: different IP versions")]
    Families {
        /// Source.
        local: SocketAddr,
        /// Destination.
        remote: SocketAddr,
    },
    /// A connection of that name exists, or none does.
    #[error("use connection {}", .0.0)]
    Connection(ConnId),
}

/// What a host did with a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Took it; its buffer, if it is not needed any more, can be used again.
    Used(Vec<u8>),
    /// It is of no use, for this reason: tell [`Fabric::discard`].
    Refused(Delivery, Drop),
}

/// A host's sockets: what applications say becomes IP packets, and the other way round.
///
/// Addresses follow the strong end system model (RFC 1122 §3.3.4.2): what is sent from an address
/// leaves by the interface that has it.
#[derive(Debug)]
pub struct Host {
    id: HostId,
    mtu: u16,
    draws: Draws,
    interfaces: Vec<(PortId, Vec<IpAddr>)>,
    stacks: BTreeMap<IpAddr, Stack>,
    accepted: u64,
    stacks_made: u64,
    inbox: VecDeque<Receive>,
    outbox: VecDeque<(PortId, Vec<u8>)>,
    spare: Vec<Vec<u8>>,
    /// UDP ports in use, if others answer with ICMP.
    open: Option<BTreeSet<SocketAddr>>,
    wake: Option<Ns>,
}

impl Host {
    /// The sockets of a host, with the interfaces it has now.
    pub fn new(fabric: &Fabric, id: HostId) -> Self {
        let mut host = Self {
            id,
            mtu: 1500,
            draws: fabric.draws(id),
            interfaces: Vec::new(),
            stacks: BTreeMap::new(),
            accepted: 0,
            stacks_made: 0,
            inbox: VecDeque::new(),
            outbox: VecDeque::new(),
            spare: Vec::new(),
            open: None,
            wake: None,
        };
        host.refresh(fabric);
        host
    }

    /// Which host it is.
    pub fn id(&self) -> HostId {
        self.id
    }

    /// Its addresses, interface by interface.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.interfaces.iter().flat_map(|(_, addresses)| addresses.iter().copied())
    }

    /// Reads its interfaces and addresses anew, after an action has moved it. TCP connections from
    /// addresses that are gone end.
    pub fn refresh(&mut self, fabric: &Fabric) {
        self.interfaces = fabric
            .interfaces(self.id)
            .iter()
            .map(|&port| (port, fabric.addresses(port).to_vec()))
            .collect();
        let (interfaces, inbox) = (&self.interfaces, &mut self.inbox);
        self.stacks.retain(|address, stack| {
            let kept = interfaces.iter().any(|(_, addresses)| addresses.contains(address));
            if !kept {
                stack.abandon(inbox);
            }
            kept
        });
    }

    /// The largest IP packet it sends, 1500 at first; for TCP of addresses not used before.
    pub fn set_mtu(&mut self, mtu: u16) {
        self.mtu = mtu.max(576);
    }

    /// Whether datagrams to ports that neither sent nor were opened are answered with ICMP port
    /// unreachable. At first all ports are open and nothing is.
    pub fn answer_closed_ports(&mut self, on: bool) {
        self.open = on.then(BTreeSet::new);
    }

    /// Opens a UDP port, for [`Host::answer_closed_ports`].
    pub fn open_port(&mut self, local: SocketAddr) {
        if let Some(open) = &mut self.open {
            open.insert(local);
        }
    }

    /// Does what the application asks for.
    ///
    /// # Errors
    /// [`SendError`]; for connections that cannot be opened, [`Receive::TcpClosed`] follows as well.
    pub fn transmit(&mut self, now: Ns, transmit: Transmit) -> Result<(), SendError> {
        match transmit {
            Transmit::Udp { local, remote, data } => return self.send_udp(local, remote, &data),
            Transmit::TcpListen { local } => self.stack(now, local, None)?.listen(local.port()),
            Transmit::TcpConnect { conn, local, remote } => {
                let opened = self.connect(now, conn, local, remote);
                if opened.is_err() {
                    self.inbox.push_back(Receive::TcpClosed { conn });
                }
                opened?;
            }
            Transmit::TcpSend { conn, data } => self.stack_of(conn)?.send(conn, &data),
            Transmit::TcpClose { conn } => self.stack_of(conn)?.close(conn),
        }
        self.poll(now);
        Ok(())
    }

    /// A packet has arrived.
    pub fn input(&mut self, now: Ns, delivery: Delivery) -> Input {
        let flow = delivery.flow();
        match flow.protocol {
            Some(Protocol::Udp) => self.input_udp(delivery),
            Some(Protocol::Icmp) => {
                self.input_error(now, &delivery);
                Input::Used(delivery.bytes)
            }
            Some(Protocol::Tcp) => {
                let stack = self.stack(now, flow.destination, None);
                if let Ok(stack) = stack {
                    stack.push(&delivery.head, delivery.bytes);
                    self.poll(now);
                }
                Input::Used(Vec::new())
            }
            None => Input::Refused(delivery, Drop::NoListener),
        }
    }

    /// Whether there is something for the application.
    pub fn has_input(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// The next thing for the application.
    pub fn receive(&mut self) -> Option<Receive> {
        self.inbox.pop_front()
    }

    /// The next IP packet for the network and the interface it leaves by.
    pub fn output(&mut self) -> Option<(PortId, Vec<u8>)> {
        self.outbox.pop_front()
    }

    /// Gives the host a buffer to build packets in.
    pub fn recycle(&mut self, buffer: Vec<u8>) {
        if self.spare.len() < 64 {
            self.spare.push(buffer);
        }
    }

    /// When [`Host::advance`] wants to be called next.
    pub fn wake(&self) -> Option<Ns> {
        self.wake
    }

    /// Time has come to `now`.
    pub fn advance(&mut self, now: Ns) {
        if self.wake.is_some_and(|at| at <= now) {
            self.poll(now);
        }
    }

    /// Whether a datagram of so many bytes can be sent.
    ///
    /// # Errors
    /// [`SendError`] says why not.
    pub fn check_udp(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
        length: usize,
    ) -> Result<(), SendError> {
        self.leaving(local, remote, length).map(|_| ())
    }

    /// The interface and address a datagram of so many bytes leaves by.
    fn leaving(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
        length: usize,
    ) -> Result<(PortId, SocketAddr), SendError> {
        let (port, local) = self.source(local, remote)?;
        let length = length + if local.is_ipv4() { 28 } else { 48 };
        match length > usize::from(self.mtu) {
            true => Err(SendError::TooBig { length, mtu: self.mtu }),
            false => Ok((port, local)),
        }
    }

    fn send_udp(
        &mut self,
        local: SocketAddr,
        remote: SocketAddr,
        data: &[u8],
    ) -> Result<(), SendError> {
        let (port, local) = self.leaving(local, remote, data.len())?;
        if let Some(open) = &mut self.open {
            open.insert(local);
        }
        let too_long = |UdpTooLong { length }| SendError::TooBig { length, mtu: self.mtu };
        let mut packet = self.spare.pop().unwrap_or_default();
        udp(&mut packet, local, remote, data).map_err(too_long)?;
        self.outbox.push_back((port, packet));
        Ok(())
    }

    /// The interface and address something to `remote` is sent from.
    fn source(
        &self,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Result<(PortId, SocketAddr), SendError> {
        if local.is_ipv4() != remote.is_ipv4() {
            return Err(SendError::Families { local, remote });
        }
        let fits = |address: &&IpAddr| match local.ip().is_unspecified() {
            true => address.is_ipv4() == remote.is_ipv4(),
            false => **address == local.ip(),
        };
        self.interfaces
            .iter()
            .find_map(|(port, addresses)| {
                let address = addresses.iter().find(fits)?;
                Some((*port, SocketAddr::new(*address, local.port())))
            })
            .ok_or(SendError::NotMine { local })
    }

    fn connect(
        &mut self,
        now: Ns,
        conn: ConnId,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Result<(), SendError> {
        if conn >= ConnId::ACCEPTED || self.stacks.values().any(|stack| stack.has(conn)) {
            return Err(SendError::Connection(conn));
        }
        let opened = self.stack(now, local, Some(remote))?.connect(conn, local.port(), remote);
        opened.then_some(()).ok_or(SendError::Connection(conn))
    }

    /// TCP at an address, made when first used.
    fn stack(
        &mut self,
        now: Ns,
        local: SocketAddr,
        remote: Option<SocketAddr>,
    ) -> Result<&mut Stack, SendError> {
        let remote = remote.unwrap_or(local);
        let (_, local) = self.source(local, remote)?;
        let (draws, mtu, made) = (self.draws, self.mtu, &mut self.stacks_made);
        Ok(self.stacks.entry(local.ip()).or_insert_with(|| {
            *made += 1;
            Stack::new(now, local.ip(), mtu, draws.bits(Purpose::Tcp, *made))
        }))
    }

    fn stack_of(&mut self, conn: ConnId) -> Result<&mut Stack, SendError> {
        let mut stacks = self.stacks.values_mut();
        stacks.find(|stack| stack.has(conn)).ok_or(SendError::Connection(conn))
    }

    fn poll(&mut self, now: Ns) {
        self.wake = None;
        for (address, stack) in &mut self.stacks {
            stack.poll(now, &mut self.accepted, &mut self.inbox);
            let wake = stack.wake(now);
            self.wake = self.wake.into_iter().chain(wake).min();
            let port = self.interfaces.iter().find(|(_, own)| own.contains(address));
            while let Some(packet) = stack.pop() {
                if let Some((port, _)) = port {
                    self.outbox.push_back((*port, packet));
                }
            }
        }
    }

    fn input_udp(&mut self, delivery: Delivery) -> Input {
        let flow = delivery.flow();
        let (local, remote) = (flow.destination, flow.source);
        // RFC 1122 §3.2.2: no error about what was sent to many.
        let single = !local.ip().is_multicast();
        if single && self.open.as_ref().is_some_and(|open| !open.contains(&local)) {
            let mut packet = self.spare.pop().unwrap_or_default();
            let offender = (delivery.bytes.as_slice(), &delivery.head);
            unreachable_error(&mut packet, local.ip(), offender, Unreachable::Port);
            self.outbox.push_back((delivery.port, packet));
            return Input::Refused(delivery, Drop::NoListener);
        }
        let data = delivery.payload().to_vec();
        self.inbox.push_back(Receive::Udp { local, remote, data });
        Input::Used(delivery.bytes)
    }

    /// An ICMP error tells who sent what it quotes, if that was us.
    fn input_error(&mut self, now: Ns, delivery: &Delivery) {
        let quoted = quoted_flow(&delivery.bytes, &delivery.head);
        let Some((quoted, fault)) = quoted else { return };
        let (local, remote) = (quoted.source, quoted.destination);
        if !self.addresses().any(|address| address == local.ip()) {
            return;
        }
        match quoted.protocol {
            Some(Protocol::Udp) => self.inbox.push_back(match fault {
                Fault::Unreachable { kind, code } => {
                    Receive::Unreachable { local, remote, error: IcmpError { kind, code } }
                }
                Fault::TooBig { mtu } => Receive::TooBig { local, remote, mtu },
            }),
            Some(Protocol::Tcp) => {
                if let Some(stack) = self.stacks.get_mut(&local.ip()) {
                    match fault {
                        Fault::Unreachable { .. } => stack.unreachable(local, remote),
                        Fault::TooBig { mtu } => stack.too_big(local, remote, mtu),
                    }
                    self.poll(now);
                }
            }
            _ => {}
        }
    }
}
