//! The TURN server of the virtual internet on real sockets, on loopback, with flaws on request.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use rtcspec_control::wall;
use rtcspec_net::Ns;
use rtcspec_net::host::{Application, ConnId, Receive, Transmit};
use rtcspec_net::services::turn::{Config, Server};

/// How long a thread reads before it looks whether it is still wanted.
const GLANCE: Duration = Duration::from_millis(50);

/// Alters what the server sends to clients.
pub(crate) type Flaw = fn(&mut [u8]);

/// A port for UDP and TCP alike. The system gives one that is free for UDP; a connection of
/// someone else may have it for TCP, so others are asked for until one is free for both.
fn both() -> (UdpSocket, TcpListener, SocketAddr) {
    let mut taken = Vec::new();
    while taken.len() < 64 {
        let udp = UdpSocket::bind("127.0.0.1:0").expect("loopback has ports");
        let address = udp.local_addr().expect("a bound socket has an address");
        match TcpListener::bind(address) {
            Ok(tcp) => return (udp, tcp, address),
            Err(_) => taken.push(udp),
        }
    }
    panic!("none of 64 ports of loopback was free for UDP and TCP")
}

/// A server that runs until it is dropped.
pub(crate) struct Live {
    pub(crate) address: SocketAddr,
    wanted: Arc<AtomicBool>,
}

impl Live {
    /// A server for `alice` with the password `secret`. Loopback, where it is, may be a peer;
    /// what else means the machine itself may not.
    pub(crate) fn start(configure: impl FnOnce(Config) -> Config, flaw: Option<Flaw>) -> Self {
        let (udp, tcp, address) = both();
        let mut config = Config::new(address, "rtcspec.test").user("alice", "secret");
        config.software = Some("rtcspec-turn 0.1".to_owned());
        config.forbidden = vec!["0.0.0.0/8".parse().expect("a prefix")];
        let server = Server::new(configure(config), 1);
        let wanted = Arc::new(AtomicBool::new(true));
        let running = Arc::clone(&wanted);
        thread::spawn(move || Machine::new(server, udp, tcp, flaw, running).run());
        Self { address, wanted }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::Relaxed);
    }
}

struct Machine {
    server: Server,
    address: SocketAddr,
    listening: Option<TcpListener>,
    udp: BTreeMap<SocketAddr, UdpSocket>,
    tcp: Arc<Mutex<BTreeMap<ConnId, TcpStream>>>,
    flaw: Option<Flaw>,
    wanted: Arc<AtomicBool>,
    sender: Sender<Receive>,
    arrivals: std::sync::mpsc::Receiver<Receive>,
}

impl Machine {
    fn new(
        server: Server,
        udp: UdpSocket,
        tcp: TcpListener,
        flaw: Option<Flaw>,
        wanted: Arc<AtomicBool>,
    ) -> Self {
        let (sender, arrivals) = channel();
        let address = udp.local_addr().expect("a bound socket has an address");
        let tcp_streams = Arc::default();
        let mut machine = Self {
            server,
            address,
            listening: Some(tcp),
            udp: BTreeMap::new(),
            tcp: tcp_streams,
            flaw,
            wanted,
            sender,
            arrivals,
        };
        machine.read(address, udp);
        machine
    }

    fn run(mut self) {
        let begin = wall::now();
        let now = || Ns(u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX));
        while self.wanted.load(Ordering::Relaxed) {
            if let Ok(received) = self.arrivals.recv_timeout(GLANCE) {
                self.server.receive(now(), received);
            }
            if self.server.wake().is_some_and(|wake| wake <= now()) {
                self.server.advance(now());
            }
            while let Some(transmit) = self.server.transmit() {
                self.carry_out(transmit);
            }
            self.relays();
        }
    }

    /// Opens and closes sockets as allocations come and go.
    fn relays(&mut self) {
        let relayed: BTreeSet<SocketAddr> = self.server.relayed().collect();
        self.udp.retain(|address, _| *address == self.address || relayed.contains(address));
        for address in relayed {
            if !self.udp.contains_key(&address)
                && let Ok(socket) = UdpSocket::bind(address)
            {
                self.read(address, socket);
            }
        }
    }

    fn read(&mut self, local: SocketAddr, socket: UdpSocket) {
        let reading = socket.try_clone().expect("a socket can be shared");
        reading.set_read_timeout(Some(GLANCE)).expect("a time-out can be set");
        let (sender, wanted) = (self.sender.clone(), Arc::clone(&self.wanted));
        thread::spawn(move || {
            let mut buffer = vec![0; 65_535];
            while wanted.load(Ordering::Relaxed) {
                let Ok((length, remote)) = reading.recv_from(&mut buffer) else { continue };
                let data = buffer[..length].to_vec();
                if sender.send(Receive::Udp { local, remote, data }).is_err() {
                    return;
                }
            }
        });
        self.udp.insert(local, socket);
    }

    fn carry_out(&mut self, transmit: Transmit) {
        match transmit {
            Transmit::Udp { local, remote, mut data } => {
                if let (true, Some(flaw)) = (local == self.address, self.flaw) {
                    flaw(&mut data);
                }
                // A relay that was given a moment ago has no socket yet.
                self.relays();
                if let Some(socket) = self.udp.get(&local) {
                    let _ = socket.send_to(&data, remote);
                }
            }
            Transmit::TcpListen { .. } => {
                if let Some(listener) = self.listening.take() {
                    self.accept(listener);
                }
            }
            Transmit::TcpSend { conn, mut data } => {
                if let Some(flaw) = self.flaw {
                    flaw(&mut data);
                }
                if let Some(stream) = self.tcp.lock().expect("no panic").get_mut(&conn) {
                    let _ = stream.write_all(&data);
                }
            }
            Transmit::TcpClose { conn } => {
                if let Some(stream) = self.tcp.lock().expect("no panic").remove(&conn) {
                    let _ = stream.shutdown(std::net::Shutdown::Both);
                }
            }
            Transmit::TcpConnect { .. } => {}
        }
    }

    fn accept(&self, listener: TcpListener) {
        let (sender, streams) = (self.sender.clone(), Arc::clone(&self.tcp));
        let (wanted, local) = (Arc::clone(&self.wanted), self.address);
        listener.set_nonblocking(true).expect("a listener need not block");
        thread::spawn(move || {
            let mut next = ConnId::ACCEPTED;
            while wanted.load(Ordering::Relaxed) {
                let Ok((stream, remote)) = listener.accept() else {
                    thread::sleep(Duration::from_millis(5));
                    continue;
                };
                let conn = next;
                next = ConnId(next.0 + 1);
                stream.set_nonblocking(false).expect("a stream can block");
                let reading = stream.try_clone().expect("a stream can be shared");
                streams.lock().expect("no panic").insert(conn, stream);
                let _ = sender.send(Receive::TcpAccepted { conn, local, remote });
                let sender = sender.clone();
                thread::spawn(move || read_stream(reading, conn, &sender));
            }
        });
    }
}

fn read_stream(mut stream: TcpStream, conn: ConnId, sender: &Sender<Receive>) {
    let mut buffer = vec![0; 65_535];
    loop {
        let received = match stream.read(&mut buffer) {
            Ok(0) | Err(_) => Receive::TcpClosed { conn },
            Ok(length) => Receive::TcpData { conn, data: buffer[..length].to_vec() },
        };
        let ended = matches!(received, Receive::TcpClosed { .. });
        if sender.send(received).is_err() || ended {
            return;
        }
    }
}
