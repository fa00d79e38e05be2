//! A connection to the server: plain, or in TLS.

use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rtcspec_control::wall;
use rtcspec_tls::{ClientConfig, Session, TlsError, Trust};

use crate::target::{Target, Transport};

/// How long a connection may take to come about, and TLS on it.
const CONNECT: Duration = Duration::from_secs(5);
/// How much is read at once.
const PIECE: usize = 16 << 10;

/// What came of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// Perhaps bytes.
    Open,
    /// The server has closed the stream.
    Closed,
    /// Nothing in time.
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Stream {
    tcp: TcpStream,
    tls: Option<Box<Session>>,
}

impl Stream {
    /// Connects; a server's certificate may be anybody's, since it is tested and not trusted.
    pub(crate) fn open(target: &Target) -> io::Result<Self> {
        let tcp = TcpStream::connect_timeout(&target.address, CONNECT)?;
        tcp.set_nodelay(true)?;
        let mut stream = Self { tcp, tls: None };
        if target.transport == Transport::Tls {
            let seed = RandomState::new().hash_one(target.address);
            let session = Session::client(&ClientConfig::new(Trust::Any), &target.host, seed);
            stream.tls = Some(Box::new(session.map_err(broken)?));
            stream.shake_hands()?;
        }
        Ok(stream)
    }

    pub(crate) fn local(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    fn shake_hands(&mut self) -> io::Result<()> {
        let (end, mut early) = (wall::now() + CONNECT, Vec::new());
        self.flush()?;
        while self.tls.as_ref().is_some_and(|session| !session.is_established()) {
            let left = end.saturating_duration_since(wall::now());
            match self.read(left, &mut early)? {
                Read::Open => {}
                Read::Closed => return Err(io::Error::other("the server does not speak TLS 1.3")),
                Read::Nothing => return Err(ErrorKind::TimedOut.into()),
            }
        }
        Ok(())
    }

    /// What TLS has to say goes out.
    fn flush(&mut self) -> io::Result<()> {
        match &mut self.tls {
            Some(session) => self.tcp.write_all(&session.take_output()),
            None => Ok(()),
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.tls {
            Some(session) => {
                session.send(bytes).map_err(broken)?;
                self.flush()
            }
            None => self.tcp.write_all(bytes),
        }
    }

    /// Reads once, and appends what came.
    pub(crate) fn read(&mut self, within: Duration, into: &mut Vec<u8>) -> io::Result<Read> {
        if within.is_zero() {
            return Ok(Read::Nothing);
        }
        self.tcp.set_read_timeout(Some(within))?;
        let mut buffer = vec![0; PIECE];
        let length = match self.tcp.read(&mut buffer) {
            Ok(0) => return Ok(Read::Closed),
            Ok(length) => length,
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ok(Read::Closed),
            Err(error) if is_nothing(&error) => return Ok(Read::Nothing),
            Err(error) => return Err(error),
        };
        match &mut self.tls {
            Some(session) => {
                let taken = session.receive(&buffer[..length], into).map_err(broken);
                self.flush()?;
                taken?;
            }
            None => into.extend_from_slice(&buffer[..length]),
        }
        Ok(Read::Open)
    }
}

fn broken(error: TlsError) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error)
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
