//! Datagrams of the engine in and out of real sockets.
//!
//! The engine's packets for somebody elsewhere leave by a socket that is bound to their source; what
//! arrives at such a socket becomes a packet again. A socket is opened as soon as the other side is
//! told of its address, so that it may send first.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rtcspec_control::outside::Arrivals;
use rtcspec_net::packet::{Head, host_unreachable, udp, udp_payload};
use rustix::event::{PollFd, PollFlags, poll};

/// Datagrams that may wait to be taken in; more are lost, as they are on a link that is full.
const WAITING: usize = 4096;
/// Datagrams that are read from a socket before the next one has its turn.
const AT_ONCE: usize = 64;
/// The longest datagram there is.
const LARGEST: usize = 65_535;

/// Sockets that are open, by their addresses.
type Open = BTreeMap<SocketAddr, Arc<UdpSocket>>;

/// The real sockets of a run.
#[derive(Debug)]
pub(crate) struct Wire {
    local: Vec<IpAddr>,
    sockets: Arc<Mutex<Open>>,
    packets: Receiver<Vec<u8>>,
    /// What goes wrong, as packets for the engine and words for the run.
    errors: Vec<Vec<u8>>,
    troubles: Vec<String>,
    arrivals: Arc<Arrivals>,
    wanted: Arc<AtomicBool>,
    waker: Option<UnixStream>,
    reading: Option<JoinHandle<()>>,
}

impl Wire {
    /// No socket is open yet; those to come are of these addresses.
    pub(crate) fn new(local: Vec<IpAddr>, arrivals: &Arc<Arrivals>) -> std::io::Result<Self> {
        let (sender, packets) = sync_channel(WAITING);
        let (waker, woken) = UnixStream::pair()?;
        woken.set_nonblocking(true)?;
        let (sockets, wanted) = (Arc::default(), Arc::new(AtomicBool::new(true)));
        let reader = Reader {
            sockets: Arc::clone(&sockets),
            sender,
            arrivals: Arc::clone(arrivals),
            wanted: Arc::clone(&wanted),
            woken,
        };
        Ok(Self {
            local,
            sockets,
            packets,
            errors: Vec::new(),
            troubles: Vec::new(),
            arrivals: Arc::clone(arrivals),
            wanted,
            waker: Some(waker),
            reading: Some(thread::spawn(move || reader.read())),
        })
    }

    /// Opens a socket, unless it is open or none of ours.
    pub(crate) fn open(&mut self, local: SocketAddr) -> Option<Arc<UdpSocket>> {
        if !self.local.contains(&local.ip()) {
            return None;
        }
        let mut sockets = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(socket) = sockets.get(&local) {
            return Some(Arc::clone(socket));
        }
        let bound = UdpSocket::bind(local).and_then(|socket| {
            socket.set_nonblocking(true)?;
            Ok(Arc::new(socket))
        });
        let socket = match bound {
            Ok(socket) => socket,
            Err(error) => {
                drop(sockets);
                self.troubles.push(format!("open {local}: {error}"));
                self.arrivals.note();
                return None;
            }
        };
        sockets.insert(local, Arc::clone(&socket));
        drop(sockets);
        self.wake();
        Some(socket)
    }

    /// Opens sockets, as [`Wire::open`] does.
    pub(crate) fn open_all(&mut self, locals: impl IntoIterator<Item = SocketAddr>) {
        for local in locals {
            self.open(local);
        }
    }

    /// Sends a packet of the engine's; one that cannot be sent comes back as an error.
    pub(crate) fn send(&mut self, packet: &[u8]) {
        let Ok((head, _)) = Head::parse(packet) else { return };
        // Peers have no TCP but to TURN servers, which are not elsewhere.
        let Some(payload) = udp_payload(packet) else { return };
        let (source, destination) = (head.source(), head.destination());
        let Some(socket) = self.open(source) else { return };
        let sent = socket.send_to(payload, destination);
        // A system whose buffers are full loses it, as any host may.
        if sent.is_err_and(|error| error.kind() != ErrorKind::WouldBlock) {
            let mut error = Vec::new();
            if host_unreachable(&mut error, destination.ip(), packet) {
                self.errors.push(error);
                self.arrivals.note();
            }
        }
    }

    /// The packets that have arrived, and errors about those that were to be sent.
    pub(crate) fn packets(&mut self) -> Vec<Vec<u8>> {
        let mut packets = std::mem::take(&mut self.errors);
        packets.extend(self.packets.try_iter());
        packets
    }

    /// What this machine refused since the last call.
    pub(crate) fn troubles(&mut self) -> Vec<String> {
        std::mem::take(&mut self.troubles)
    }

    fn wake(&mut self) {
        if let Some(waker) = &mut self.waker {
            // One that is full wakes as well.
            let _ = waker.write(&[0]);
        }
    }
}

impl Drop for Wire {
    /// Closes the sockets before the next run may want their ports.
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::Relaxed);
        self.waker = None;
        if let Some(reading) = self.reading.take() {
            let _ = reading.join();
        }
    }
}

/// Reads all sockets of a run, in a thread of its own.
struct Reader {
    sockets: Arc<Mutex<Open>>,
    sender: SyncSender<Vec<u8>>,
    arrivals: Arc<Arrivals>,
    wanted: Arc<AtomicBool>,
    /// Can be read when a socket was opened, and when nothing more is wanted.
    woken: UnixStream,
}

impl Reader {
    fn read(mut self) {
        let mut buffer = vec![0; LARGEST];
        while self.wanted.load(Ordering::Relaxed) {
            let sockets: Vec<(SocketAddr, Arc<UdpSocket>)> = {
                let open = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
                open.iter().map(|(local, socket)| (*local, Arc::clone(socket))).collect()
            };
            let mut ready: Vec<PollFd<'_>> = sockets
                .iter()
                .map(|(_, socket)| PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN))
                .collect();
            ready.push(PollFd::from_borrowed_fd(self.woken.as_fd(), PollFlags::IN));
            if poll(&mut ready, None).is_err() {
                continue;
            }
            let readable: Vec<bool> =
                ready.iter().map(|ready| !ready.revents().is_empty()).collect();
            for ((local, socket), readable) in sockets.iter().zip(&readable) {
                if *readable {
                    self.read_from(socket, *local, &mut buffer);
                }
            }
            while self.woken.read(&mut [0; 64]).is_ok_and(|length| length > 0) {}
        }
    }

    fn read_from(&self, socket: &UdpSocket, local: SocketAddr, buffer: &mut [u8]) {
        for _ in 0..AT_ONCE {
            let (length, remote) = match socket.recv_from(buffer) {
                Ok(received) => received,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // About a datagram that was sent: no end of a socket.
                Err(_) => continue,
            };
            let mut packet = Vec::new();
            // The engine carries no larger ones; a session has none.
            if udp(&mut packet, remote, local, &buffer[..length]).is_ok()
                && self.sender.try_send(packet).is_ok()
            {
                self.arrivals.note();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rtcspec_control::outside::Bell;
    use rtcspec_control::wall;

    use super::*;

    const LOOPBACK: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn wire() -> Wire {
        let arrivals = Arc::new(Arrivals::new(Arc::new(Bell::default())));
        Wire::new(vec![LOOPBACK], &arrivals).unwrap()
    }

    /// A port that nobody uses now.
    fn free() -> SocketAddr {
        UdpSocket::bind((LOOPBACK, 0)).unwrap().local_addr().unwrap()
    }

    fn packets(wire: &mut Wire) -> Vec<Vec<u8>> {
        let begin = wall::now();
        loop {
            let packets = wire.packets();
            if !packets.is_empty() || begin.elapsed() > Duration::from_secs(9) {
                return packets;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_datagram_goes_out_and_its_answer_comes_in() {
        let other = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        other.set_read_timeout(Some(Duration::from_secs(9))).unwrap();
        let (mut wire, local) = (wire(), free());
        let mut packet = Vec::new();
        udp(&mut packet, local, other.local_addr().unwrap(), b"ping").unwrap();
        wire.send(&packet);
        let mut buffer = [0; 16];
        assert_eq!(other.recv_from(&mut buffer).unwrap(), (4, local));
        other.send_to(b"pong", local).unwrap();
        let came = packets(&mut wire);
        assert_eq!(came.len(), 1);
        let (head, _) = Head::parse(&came[0]).unwrap();
        assert_eq!((head.source(), head.destination()), (other.local_addr().unwrap(), local));
        assert_eq!(udp_payload(&came[0]), Some(&b"pong"[..]));
    }

    #[test]
    fn a_socket_that_was_told_of_takes_what_comes_first_and_is_free_afterwards() {
        let (mut wire, local) = (wire(), free());
        assert!(wire.open(local).is_some());
        let other = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        other.send_to(b"first", local).unwrap();
        assert_eq!(packets(&mut wire).len(), 1);
        drop(wire);
        UdpSocket::bind(local).unwrap();
    }

    #[test]
    fn what_the_machine_refuses_is_told() {
        let mut wire = wire();
        let taken = UdpSocket::bind((LOOPBACK, 0)).unwrap();
        assert!(wire.open(taken.local_addr().unwrap()).is_none());
        let troubles = wire.troubles();
        assert!(troubles[0].contains("in use"), "{troubles:?}");
        // Nobody else's address is tried.
        assert!(wire.open(SocketAddr::from(([192, 0, 2, 77], 9))).is_none());
        assert!(wire.troubles().is_empty());
    }

    #[test]
    fn a_datagram_that_cannot_be_sent_comes_back_as_an_error() {
        let (mut wire, local) = (wire(), free());
        let mut packet = Vec::new();
        // From the loopback nothing leads out.
        udp(&mut packet, local, SocketAddr::from(([198, 51, 100, 1], 9)), b"x").unwrap();
        wire.send(&packet);
        let came = wire.packets();
        assert_eq!(came.len(), 1);
        assert!(Head::parse(&came[0]).is_ok_and(|(head, _)| udp_payload(&came[0]).is_none()
            && head.source().ip() == IpAddr::from([198, 51, 100, 1])));
    }
}
