//! The loop that drives a peer.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, Read as _, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use rtcspec_control::{
    Command, Event, Message, Receive, Reply, ReplyBody, Request, VirtualEndpoint, line, wall,
};
use rtcspec_wire::candidate::udp_sockets;

use crate::sockets::{Outside, Sockets};
use crate::surroundings;

/// Packets and lines that may wait for the peer.
const WAITING: usize = 4096;
/// Without a timer of the peer's the loop looks up this often.
const IDLE: Duration = Duration::from_secs(1);

/// Why a peer cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Replies and events cannot be written.
    #[error("write a message: {0}")]
    Output(io::Error),
    /// Secrets cannot be written.
    #[error("write key log {}: {reason}", .path.display())]
    KeyLog {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
}

/// Drives a peer over real sockets until its input ends. Secrets go to the file `SSLKEYLOGFILE`
/// names, if any, as lines of NSS's key log.
///
/// # Errors
/// [`ServeError`] if what the peer says cannot be written.
pub fn serve(
    peer: &mut dyn VirtualEndpoint,
    input: impl BufRead + Send + 'static,
    output: impl Write,
) -> Result<(), ServeError> {
    let (sender, receiver) = sync_channel(WAITING);
    let lines = sender.clone();
    thread::spawn(move || read(input, &lines));
    let key_log = std::env::var_os("SSLKEYLOGFILE").map(PathBuf::from);
    let mut served = Served {
        peer,
        output,
        sockets: Sockets::new(sender),
        connections: BTreeSet::new(),
        begin: wall::now(),
        key_log: key_log.map(open).transpose()?,
    };
    loop {
        let now = served.now();
        let wake = served.peer.wake().map_or(IDLE, |wake| wake.saturating_sub(now));
        match receiver.recv_timeout(wake.min(IDLE)) {
            Ok(Outside::Line(text)) => served.line(&text)?,
            Ok(Outside::Network(received)) => {
                if let Receive::TcpClosed { conn } = received {
                    served.sockets.ended(conn);
                }
                let now = served.now();
                served.peer.receive(now, received);
            }
            Ok(Outside::Connected { conn, stream }) => {
                let received = served.sockets.connected(conn, stream);
                let now = served.now();
                served.peer.receive(now, received);
            }
            Ok(Outside::End) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let now = served.now();
        if served.peer.wake().is_some_and(|wake| wake <= now) {
            served.peer.advance(now);
        }
        served.drain()?;
    }
}

fn open(path: PathBuf) -> Result<(PathBuf, File), ServeError> {
    match OpenOptions::new().create(true).append(true).open(&path) {
        Ok(file) => Ok((path, file)),
        Err(reason) => Err(ServeError::KeyLog { path, reason }),
    }
}

fn read(mut input: impl BufRead, sender: &SyncSender<Outside>) {
    loop {
        let mut bytes = Vec::new();
        match input.by_ref().take(line::MAX_LENGTH as u64).read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => break,
            Ok(_) => {
                let text = String::from_utf8_lossy(&bytes).trim().to_owned();
                if !text.is_empty() && sender.send(Outside::Line(text)).is_err() {
                    return;
                }
            }
        }
    }
    let _ = sender.send(Outside::End);
}

struct Served<'a, W> {
    peer: &'a mut dyn VirtualEndpoint,
    output: W,
    sockets: Sockets,
    /// Handles of the connections that are open.
    connections: BTreeSet<String>,
    begin: Instant,
    key_log: Option<(PathBuf, File)>,
}

impl<W: Write> Served<'_, W> {
    fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    fn line(&mut self, text: &str) -> Result<(), ServeError> {
        let now = self.now();
        match Request::read(text) {
            Ok(Request { id, mut command }) => {
                self.count(&command);
                if let Command::New { config, .. } | Command::SetConfig { config, .. } =
                    &mut command
                {
                    surroundings::complete(config);
                }
                self.peer.submit(now, id, command);
                Ok(())
            }
            Err(refusal) => self.write(&Message::Reply(*refusal)),
        }
    }

    /// Sees sessions begin and end: sockets of those before need not stay open.
    fn count(&mut self, command: &Command) {
        match command {
            Command::New { pc, .. } => {
                if self.connections.is_empty() {
                    self.sockets.renew();
                }
                self.connections.insert(pc.clone());
            }
            Command::Close { pc } => {
                self.connections.remove(pc);
            }
            _ => {}
        }
    }

    /// Passes on all the peer wants to say and to send.
    fn drain(&mut self) -> Result<(), ServeError> {
        while let Some(message) = self.peer.poll() {
            for local in listening(&message) {
                self.sockets.listen(local);
            }
            self.write(&message)?;
        }
        while let Some(transmit) = self.peer.transmit() {
            self.sockets.transmit(transmit);
        }
        for secret in self.peer.secrets() {
            if let Some((path, file)) = &mut self.key_log {
                writeln!(file, "{secret}").map_err(|reason| {
                    let path = path.clone();
                    ServeError::KeyLog { path, reason }
                })?;
            }
        }
        Ok(())
    }

    fn write(&mut self, message: &Message) -> Result<(), ServeError> {
        let line = line::write(message);
        let written = writeln!(self.output, "{line}").and_then(|()| self.output.flush());
        written.map_err(ServeError::Output)
    }
}

/// The sockets a message promises, trickled or in a description.
fn listening(message: &Message) -> Vec<SocketAddr> {
    match message {
        Message::Event(Event::Candidate { candidate: Some(candidate), .. }) => {
            udp_sockets(&candidate.candidate)
        }
        Message::Reply(Reply { body: ReplyBody::Sdp(sdp), .. }) => udp_sockets(sdp),
        _ => Vec::new(),
    }
}
