//! One five-tuple to the server.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use rtcspec_control::wall;
use rtcspec_wire::framing::{Deframer, Framing};

use crate::stream::{Read, Stream};
use crate::target::{Target, Transport};

/// The longest datagram there is.
const LARGEST: usize = 65_535;

#[derive(Debug)]
pub(crate) enum Wire {
    Udp(UdpSocket),
    Tcp { stream: Stream, deframer: Deframer, is_open: bool },
}

impl Wire {
    pub(crate) fn open(target: &Target) -> io::Result<Self> {
        match target.transport {
            Transport::Udp => {
                let any = if target.address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(any)?;
                socket.connect(target.address)?;
                Ok(Self::Udp(socket))
            }
            Transport::Tcp | Transport::Tls => {
                let stream = Stream::open(target)?;
                Ok(Self::Tcp { stream, deframer: Deframer::new(Framing::Turn), is_open: true })
            }
        }
    }

    pub(crate) fn local(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Udp(socket) => socket.local_addr(),
            Self::Tcp { stream, .. } => stream.local(),
        }
    }

    pub(crate) fn is_stream(&self) -> bool {
        matches!(self, Self::Tcp { .. })
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket) => match socket.send(bytes) {
                // An ICMP error about a packet before it.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                    socket.send(bytes).map(drop)
                }
                sent => sent.map(drop),
            },
            Self::Tcp { stream, .. } => stream.send(bytes),
        }
    }

    /// The next packet, or none within that time, or none any more.
    pub(crate) fn receive(&mut self, within: Duration) -> io::Result<Option<Vec<u8>>> {
        match self {
            Self::Udp(socket) => datagram(socket, within).map(|got| got.map(|(bytes, _)| bytes)),
            Self::Tcp { stream, deframer, is_open } => {
                let end = wall::now() + within;
                loop {
                    let lost = |error| io::Error::new(ErrorKind::InvalidData, error);
                    if let Some(packet) = deframer.next_packet().map_err(lost)? {
                        return Ok(Some(packet.to_vec()));
                    }
                    let left = end.saturating_duration_since(wall::now());
                    if left.is_zero() || !*is_open {
                        return Ok(None);
                    }
                    let mut bytes = Vec::new();
                    match stream.read(left, &mut bytes)? {
                        Read::Open => deframer.push(&bytes).map_err(lost)?,
                        Read::Closed => *is_open = false,
                        Read::Nothing => return Ok(None),
                    }
                }
            }
        }
    }

    /// Whether the server has closed a stream, as far as was read.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self, Self::Tcp { is_open: false, .. })
    }
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// The next datagram of a socket, and whose it is.
pub(crate) fn datagram(
    socket: &UdpSocket,
    within: Duration,
) -> io::Result<Option<(Vec<u8>, SocketAddr)>> {
    let end = wall::now() + within;
    let mut buffer = vec![0; LARGEST];
    loop {
        let left = end.saturating_duration_since(wall::now());
        if left.is_zero() {
            return Ok(None);
        }
        socket.set_read_timeout(Some(left))?;
        match socket.recv_from(&mut buffer) {
            Ok((length, from)) => return Ok(Some((buffer[..length].to_vec(), from))),
            // Nobody there, says ICMP; who sent it may still be wrong.
            Err(error) if is_nothing(&error) || error.kind() == ErrorKind::ConnectionRefused => {}
            Err(error) => return Err(error),
        }
    }
}
