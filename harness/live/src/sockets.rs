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
/// How long the other end of a TCP connection may take nothing.
const STUCK: Duration = Duration::from_secs(5);
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
    udp: BTreeMap<SocketAddr, Udp>,
    /// Those of the session before.
    before: BTreeMap<SocketAddr, Udp>,
    /// Addresses that could not be bound, so that it is said once.
    refused: BTreeSet<SocketAddr>,
    tcp: BTreeMap<ConnId, TcpStream>,
    /// TCP connections that are being made and not closed yet.
    opening: BTreeSet<ConnId>,
}

/// A UDP socket, which a thread reads from until this is dropped.
#[derive(Debug)]
struct Udp {
    socket: Arc<UdpSocket>,
    wanted: Arc<AtomicBool>,
}

impl Drop for Udp {
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::Relaxed);
    }
}

impl Sockets {
    pub(crate) fn new(sender: SyncSender<Outside>) -> Self {
        Self {
            sender,
            udp: BTreeMap::new(),
            before: BTreeMap::new(),
            refused: BTreeSet::new(),
            tcp: BTreeMap::new(),
            opening: BTreeSet::new(),
        }
    }

    /// A session begins, and none is left of those before. Sockets that the last one did not ask for
    /// are closed; those that it did stay for one more, as some ports are used by each session (that
    /// of multicast DNS), and a thread lets go of a port only at its next glance.
    pub(crate) fn renew(&mut self) {
        self.before = std::mem::take(&mut self.udp);
        self.refused.clear();
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
        if let Some(known) = self.before.remove(&local) {
            self.udp.insert(local, known);
            return;
        }
        match UdpSocket::bind(local).and_then(|socket| {
            socket.set_read_timeout(Some(GLANCE))?;
            ready(&socket)?;
            Ok(Arc::new(socket))
        }) {
            Ok(socket) => {
                let wanted = Arc::new(AtomicBool::new(true));
                let udp = Udp { socket: Arc::clone(&socket), wanted: Arc::clone(&wanted) };
                let sender = self.sender.clone();
                thread::spawn(move || read_udp(&socket, local, &sender, &wanted));
                self.udp.insert(local, udp);
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
                if let Some(udp) = self.udp.get(&local)
                    && let Err(error) = udp.socket.send_to(&data, remote)
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
                self.opening.remove(&conn);
                if let Some(stream) = self.tcp.remove(&conn) {
                    let _ = stream.shutdown(Shutdown::Both);
                }
            }
            // Peers of virtual time have no IP stack.
            Transmit::Packet { .. } => {}
        }
    }

    fn connect(&mut self, conn: ConnId, remote: SocketAddr) {
        self.opening.insert(conn);
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
        if !self.opening.remove(&conn) {
            // It was closed before it came about.
            return Receive::TcpClosed { conn };
        }
        let opened = stream.and_then(|stream| {
            stream.set_nodelay(true)?;
            stream.set_write_timeout(Some(STUCK))?;
            Ok((stream.local_addr()?, stream.try_clone()?, stream))
        });
        let Ok((local, reading, stream)) = opened else { return Receive::TcpClosed { conn } };
        let sender = self.sender.clone();
        thread::spawn(move || read_tcp(reading, conn, &sender));
        self.tcp.insert(conn, stream);
        Receive::TcpConnected { conn, local }
    }

    /// The other end of a TCP connection has ended it.
    pub(crate) fn ended(&mut self, conn: ConnId) {
        self.tcp.remove(&conn);
    }
}

impl Drop for Sockets {
    fn drop(&mut self) {
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, sync_channel};

    use rtcspec_control::wall;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(10);
    const CONN: ConnId = ConnId(1);

    fn sockets() -> (Sockets, Receiver<Outside>) {
        let (sender, arrivals) = sync_channel(8);
        (Sockets::new(sender), arrivals)
    }

    /// Begins to connect to a listener here.
    fn connecting(sockets: &mut Sockets) -> TcpListener {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let remote = listener.local_addr().unwrap();
        sockets.transmit(Transmit::TcpConnect { conn: CONN, local: remote, remote });
        listener
    }

    /// What the peer hears once the attempt has come to its end.
    fn connected(sockets: &mut Sockets, arrivals: &Receiver<Outside>) -> Receive {
        match arrivals.recv_timeout(PATIENCE) {
            Ok(Outside::Connected { conn, stream }) => sockets.connected(conn, stream),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_connection_that_is_closed_while_it_is_made_does_not_stay() {
        let (mut sockets, arrivals) = sockets();
        let listener = connecting(&mut sockets);
        sockets.transmit(Transmit::TcpClose { conn: CONN });
        assert_eq!(connected(&mut sockets, &arrivals), Receive::TcpClosed { conn: CONN });
        let (mut theirs, _) = listener.accept().unwrap();
        theirs.set_read_timeout(Some(PATIENCE)).unwrap();
        assert_eq!(theirs.read(&mut [0]).unwrap(), 0, "it is closed");
    }

    #[test]
    fn a_connection_whose_other_end_takes_nothing_holds_nobody_up_for_long() {
        let (mut sockets, arrivals) = sockets();
        let _listener = connecting(&mut sockets);
        let told = connected(&mut sockets, &arrivals);
        assert!(matches!(told, Receive::TcpConnected { .. }), "{told:?}");
        assert_eq!(sockets.tcp[&CONN].write_timeout().unwrap(), Some(STUCK));
        sockets.ended(CONN);
        assert!(sockets.tcp.is_empty());
    }

    #[test]
    fn a_socket_that_a_session_does_not_use_is_closed_with_it() {
        let (mut sockets, _arrivals) = sockets();
        let free = [(), ()].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let [used, unused] = free.map(|socket| socket.local_addr().unwrap());
        sockets.listen(used);
        sockets.listen(unused);
        sockets.renew();
        sockets.listen(used);
        sockets.renew();
        assert_eq!(sockets.before.keys().collect::<Vec<_>>(), [&used]);
        let begin = wall::now();
        while UdpSocket::bind(unused).is_err() {
            assert!(begin.elapsed() < PATIENCE, "{unused} is still taken");
            thread::sleep(Duration::from_millis(10));
        }
        assert!(UdpSocket::bind(used).is_err());
    }
}
