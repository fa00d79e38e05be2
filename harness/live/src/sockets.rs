//! Real sockets, each read in a thread of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, SocketAddrV4, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use rtcspec_control::{ConnId, Receive, Transmit};
use rtcspec_wire::dns;

/// How often a reading thread looks whether it is still wanted.
const GLANCE: Duration = Duration::from_millis(200);
/// How long a TCP connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// Where questions for names are sent. Whoever answers from that port listens there, on the link of its
/// first IPv4 address.
const MDNS: SocketAddrV4 = SocketAddrV4::new(dns::GROUP_V4, dns::PORT);
/// The longest datagram there is.
const LARGEST: usize = 65_535;

/// What happens outside.
#[derive(Debug)]
pub(crate) enum Outside {
    /// A line on the input.
    Line(String),
    /// The input has ended.
    End,
    /// Something from the network.
    Network(Receive),
    /// What came of an attempt to connect.
    Connected {
        /// The peer's name for it.
        conn: ConnId,
        /// The connection.
        stream: io::Result<TcpStream>,
    },
}

/// The sockets of one peer.
#[derive(Debug)]
pub(crate) struct Sockets {
    sender: SyncSender<Outside>,
    udp: BTreeMap<SocketAddr, Arc<UdpSocket>>,
    /// Addresses that could not be bound, so that it is said once.
    refused: BTreeSet<SocketAddr>,
    tcp: BTreeMap<ConnId, TcpStream>,
    wanted: Arc<AtomicBool>,
}

impl Sockets {
    pub(crate) fn new(sender: SyncSender<Outside>) -> Self {
        Self {
            sender,
            udp: BTreeMap::new(),
            refused: BTreeSet::new(),
            tcp: BTreeMap::new(),
            wanted: Arc::new(AtomicBool::new(true)),
        }
    }

    /// Opens a UDP socket, so that packets that come before the first one leaves are not lost.
    pub(crate) fn listen(&mut self, local: SocketAddr) {
        self.open(local, |_| Ok(()));
        if let SocketAddr::V4(own) = local
            && local.port() == MDNS.port()
        {
            self.open(MDNS.into(), |socket| socket.join_multicast_v4(MDNS.ip(), own.ip()));
        }
    }

    /// Opens a socket that is not open yet, and makes it ready.
    fn open(&mut self, local: SocketAddr, ready: impl FnOnce(&UdpSocket) -> io::Result<()>) {
        if self.udp.contains_key(&local) || self.refused.contains(&local) {
            return;
        }
        match UdpSocket::bind(local).and_then(|socket| {
            socket.set_read_timeout(Some(GLANCE))?;
            ready(&socket)?;
            Ok(Arc::new(socket))
        }) {
            Ok(socket) => {
                let (reading, sender, wanted) =
                    (Arc::clone(&socket), self.sender.clone(), Arc::clone(&self.wanted));
                thread::spawn(move || read_udp(&reading, local, &sender, &wanted));
                self.udp.insert(local, socket);
            }
            Err(error) => {
                eprintln!("bind {local}: {error}");
                self.refused.insert(local);
            }
        }
    }

    pub(crate) fn transmit(&mut self, transmit: Transmit) {
        match transmit {
            Transmit::Udp { local, remote, data } => {
                self.listen(local);
                if let Some(socket) = self.udp.get(&local)
                    && let Err(error) = socket.send_to(&data, remote)
                {
                    // As on any network: it is lost.
                    eprintln!("send from {local} to {remote}: {error}");
                }
            }
            Transmit::TcpConnect { conn, remote, .. } => self.connect(conn, remote),
            Transmit::TcpSend { conn, data } => {
                if let Some(stream) = self.tcp.get_mut(&conn)
                    && stream.write_all(&data).is_err()
                {
                    let _ = stream.shutdown(Shutdown::Both);
                }
            }
            Transmit::TcpClose { conn } => {
                if let Some(stream) = self.tcp.remove(&conn) {
                    let _ = stream.shutdown(Shutdown::Both);
                }
            }
            // Peers of virtual time have no IP stack.
            Transmit::Packet { .. } => {}
        }
    }

    fn connect(&self, conn: ConnId, remote: SocketAddr) {
        let sender = self.sender.clone();
        thread::spawn(move || {
            let stream = TcpStream::connect_timeout(&remote, CONNECT).inspect_err(|error| {
                eprintln!("connect to {remote}: {error}");
            });
            // Nobody waits for it any more if this fails.
            let _ = sender.send(Outside::Connected { conn, stream });
        });
    }

    /// Takes over what came of an attempt to connect; gives what the peer is to be told.
    pub(crate) fn connected(&mut self, conn: ConnId, stream: io::Result<TcpStream>) -> Receive {
        let opened = stream.and_then(|stream| {
            stream.set_nodelay(true)?;
            Ok((stream.local_addr()?, stream.try_clone()?, stream))
        });
        let Ok((local, reading, stream)) = opened else { return Receive::TcpClosed { conn } };
        let sender = self.sender.clone();
        thread::spawn(move || read_tcp(reading, conn, &sender));
        self.tcp.insert(conn, stream);
        Receive::TcpConnected { conn, local }
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::Relaxed);
        for stream in self.tcp.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

fn read_udp(
    socket: &UdpSocket,
    local: SocketAddr,
    sender: &SyncSender<Outside>,
    wanted: &AtomicBool,
) {
    let mut buffer = vec![0; LARGEST];
    while wanted.load(Ordering::Relaxed) {
        // A time-out, or an ICMP error about a packet that was sent: neither ends a socket.
        let Ok((length, remote)) = socket.recv_from(&mut buffer) else { continue };
        let data = buffer[..length].to_vec();
        let received = Outside::Network(Receive::Udp { local, remote, data });
        if sender.send(received).is_err() {
            return;
        }
    }
}

fn read_tcp(mut stream: TcpStream, conn: ConnId, sender: &SyncSender<Outside>) {
    let mut buffer = vec![0; LARGEST];
    loop {
        let received = match stream.read(&mut buffer) {
            Ok(0) | Err(_) => Receive::TcpClosed { conn },
            Ok(length) => Receive::TcpData { conn, data: buffer[..length].to_vec() },
        };
        let ended = matches!(received, Receive::TcpClosed { .. });
        if sender.send(Outside::Network(received)).is_err() || ended {
            return;
        }
    }
}
