//! The other end: an adapter that connects to rtcspec, by TCP or by WebSocket.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rtcspec_control::wall;
use tungstenite::Message;

use crate::address::reach;
use crate::conversation::Conversation;
use crate::hub::{Carried, Speaking, Welcome};
use crate::websocket::{Connection, limits};

/// Before the first attempt to come back, and at most before a later one.
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(8);
/// How long it is tried to come back, or to come at all.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the other side may take to answer.
const ANSWER: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// It is no URL of a kind that is known.
    #[error("connect to `{0}`: `tcp://host:port` or `ws://host:port` is needed")]
    Url(String),
    /// It cannot be had.
    #[error("connect to {url}: {reason}")]
    Connect {
        /// Where to.
        url: String,
        /// What the system says.
        reason: io::Error,
    },
}

/// Lines in and lines out.
pub type Lines = (Box<dyn BufRead + Send>, Box<dyn Write + Send>);

/// Connects to a harness: `tcp://host:port` for plain lines, `ws://host:port` for a session that
/// outlives its connections.
///
/// # Errors
/// [`DialError`] if the URL is none, or nobody listens there.
pub fn dial(url: &str) -> Result<Lines, DialError> {
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    let cannot = |reason| DialError::Connect { url: url.to_owned(), reason };
    match scheme {
        "tcp" => {
            let stream = reach(host, ANSWER).map_err(cannot)?;
            stream.set_nodelay(true).map_err(cannot)?;
            let reading = stream.try_clone().map_err(cannot)?;
            Ok((Box::new(BufReader::new(reading)), Box::new(stream)))
        }
        "ws" => {
            // That nobody listens is told now; later it is tried again.
            drop(reach(host, ANSWER).map_err(cannot)?);
            let carried = Arc::new(Carried::default());
            let voice = Box::new(Speaking(Arc::clone(&carried)));
            let conversation = Arc::new(Conversation::new(Arc::clone(&carried.ear), voice));
            let (url, host) = (url.to_owned(), host.to_owned());
            thread::spawn(move || hold(&url, &host, &carried));
            let reading = Hearing { conversation: Arc::clone(&conversation), rest: Vec::new() };
            let writing = Saying { conversation, rest: Vec::new() };
            Ok((Box::new(BufReader::new(reading)), Box::new(writing)))
        }
        _ => Err(DialError::Url(url.to_owned())),
    }
}

/// Holds a session, over one connection after the other.
fn hold(url: &str, host: &str, carried: &Arc<Carried>) {
    let (mut id, mut delay, mut last) = (None, FIRST, wall::now());
    while carried.ear.ended().is_none() {
        match connect(url, host, carried, &mut id) {
            Ok(connection) => {
                delay = FIRST;
                if connection.carry().is_ok() {
                    return carried.ear.end("the session is over");
                }
                last = wall::now();
            }
            Err(Failed::Over(reason)) => return carried.ear.end(reason),
            Err(Failed::Connection(error)) if last.elapsed() > PATIENCE => {
                return carried.ear.end(format!("connect to {url}: {error}"));
            }
            Err(Failed::Connection(_)) => {}
        }
        thread::sleep(delay);
        delay = (2 * delay).min(LONGEST);
    }
}

enum Failed {
    Over(String),
    Connection(tungstenite::Error),
}

impl<T: Into<tungstenite::Error>> From<T> for Failed {
    fn from(error: T) -> Self {
        Self::Connection(error.into())
    }
}

fn connect(
    url: &str,
    host: &str,
    carried: &Arc<Carried>,
    id: &mut Option<String>,
) -> Result<Connection, Failed> {
    let stream = reach(host, ANSWER)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    let shaken = tungstenite::client::client_with_config(url, stream, Some(limits()));
    let (mut socket, _) = shaken.map_err(|error| io::Error::other(error.to_string()))?;
    socket.send(Message::text(carried.greeting(id.as_deref())))?;
    let answer = socket.read()?;
    let welcome: Welcome = serde_json::from_slice(&answer.into_data()).map_err(io::Error::other)?;
    if let Some(reason) = welcome.over {
        return Err(Failed::Over(reason));
    }
    let (waker, woken) = UnixStream::pair()?;
    waker.set_nonblocking(true)?;
    woken.set_nonblocking(true)?;
    let carrier = carried.welcomed(welcome, waker).map_err(io::Error::other)?;
    *id = Some(carrier.id.clone());
    Ok(Connection::new(socket, carrier, woken)?)
}

/// The lines that come, as bytes.
struct Hearing {
    conversation: Arc<Conversation>,
    rest: Vec<u8>,
}

impl Read for Hearing {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        const GLANCE: Duration = Duration::from_secs(3600);
        while self.rest.is_empty() {
            match self.conversation.next(GLANCE) {
                Some(line) => self.rest = format!("{line}\n").into_bytes(),
                None if self.conversation.ended().is_some() => return Ok(0),
                None => {}
            }
        }
        let length = into.len().min(self.rest.len());
        into[..length].copy_from_slice(&self.rest[..length]);
        self.rest.drain(..length);
        Ok(length)
    }
}

/// Bytes, as lines that go.
struct Saying {
    conversation: Arc<Conversation>,
    rest: Vec<u8>,
}

impl Write for Saying {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.conversation.say(String::from_utf8_lossy(&line).trim_end());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::{Hub, Server};

    #[test]
    fn lines_go_both_ways_over_a_session_that_ends_for_both() {
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let url = format!("ws://{}", server.address());
        let (hub, guests) = Hub::new();
        server.serve(hub, |_| None);
        let (mut reading, mut writing) = dial(&url).unwrap();
        let guest = guests.recv_timeout(ANSWER).unwrap();
        guest.conversation.say(r#"{"id":1,"op":"hello"}"#);
        let mut line = String::new();
        reading.read_line(&mut line).unwrap();
        assert_eq!(line, "{\"id\":1,\"op\":\"hello\"}\n");
        writing.write_all(b"{\"ev\":\"log\",\"text\":\"a\"}\n{\"ev").unwrap();
        let came = guest.conversation.next(ANSWER);
        assert_eq!(came.as_deref(), Some(r#"{"ev":"log","text":"a"}"#));
        drop(guest);
        line.clear();
        assert_eq!(reading.read_line(&mut line).unwrap(), 0);
    }

    #[test]
    fn what_is_no_url_and_where_nobody_is_are_told() {
        assert!(matches!(dial("http://here:1"), Err(DialError::Url(_))));
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for scheme in ["tcp", "ws"] {
            let refused = dial(&format!("{scheme}://{free}")).err().unwrap().to_string();
            assert!(refused.contains("refused"), "{refused}");
        }
    }
}
