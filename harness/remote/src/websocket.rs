//! One connection that carries a session: a WebSocket (RFC 6455) with a frame a message.

use std::io::{self, ErrorKind, Read as _};
use std::net::TcpStream;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rtcspec_control::{line, wall};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::http::header::{HOST, ORIGIN};
use tungstenite::http::{HeaderValue, StatusCode};
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

use crate::http::is_address;
use crate::hub::{Carrier, Greeting, Hub};

/// How long a connection may take to say who it is.
const GREETING: Duration = Duration::from_secs(10);
/// How often the other side is told that we are here, which it answers.
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Who has said nothing for this long is not there any more.
const SILENCE: Duration = Duration::from_secs(20);
/// Frames that are sent before the other side is listened to, and listened to before more are sent.
const AT_ONCE: usize = 64;
/// With this code a connection is closed whose session a later one carries (PEERCTL.md §8).
const REPLACED: u16 = 4002;

/// Takes the request to upgrade that waits on a stream, and carries a session over it until the
/// connection or the session ends.
pub(crate) fn carry(stream: TcpStream, hub: &Hub) -> Result<(), Error> {
    let met = (stream.local_addr()?, stream.peer_addr()?);
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GREETING))?;
    stream.set_write_timeout(Some(GREETING))?;
    let accepted = tungstenite::accept_hdr_with_config(stream, same_origin, Some(limits()));
    let mut socket = accepted.map_err(|error| Error::Io(io::Error::other(error.to_string())))?;
    let greeting = socket.read()?;
    let (waker, woken) = UnixStream::pair()?;
    waker.set_nonblocking(true)?;
    woken.set_nonblocking(true)?;
    let joined = serde_json::from_slice::<Greeting>(&greeting.into_data())
        .map_err(|error| error.to_string())
        .and_then(|greeting| hub.join(greeting, met, waker).map_err(|error| error.to_string()));
    let carrier = match joined {
        Ok(carrier) => carrier,
        Err(reason) => return refuse(socket, reason),
    };
    socket.send(Message::text(carrier.greeting()))?;
    Connection::new(socket, carrier, woken)?.carry()
}

/// A frame is a line and a few words around it.
pub(crate) fn limits() -> WebSocketConfig {
    let longest = Some(line::MAX_LENGTH + 1024);
    WebSocketConfig::default().max_message_size(longest).max_frame_size(longest)
}

/// A page from elsewhere must not make this browser's visitor a peer (RFC 6455 §10.2), nor one that
/// came from a name which leads here now. Who says no origin is no browser.
#[expect(clippy::result_large_err, reason = "the signature is the library's")]
fn same_origin(request: &Request, response: Response) -> Result<Response, ErrorResponse> {
    let text = |value: &HeaderValue| value.to_str().unwrap_or_default().to_owned();
    let Some(origin) = request.headers().get(ORIGIN).map(text) else { return Ok(response) };
    let host = request.headers().get(HOST).map(text).unwrap_or_default();
    let authority = origin.split_once("://").map_or(&*origin, |(_, authority)| authority);
    let (status, why) = if authority != host {
        (StatusCode::FORBIDDEN, "pages of other origins are not served")
    } else if !is_address(&host) {
        (StatusCode::MISDIRECTED_REQUEST, "open the page by an address of this machine")
    } else {
        return Ok(response);
    };
    let mut refusal = ErrorResponse::new(Some(why.to_owned()));
    *refusal.status_mut() = status;
    Err(refusal)
}

/// Says why, in a frame and in the reason of the closing, which not every client can read.
fn refuse(mut socket: WebSocket<TcpStream>, reason: String) -> Result<(), Error> {
    socket.send(Message::text(serde_json::json!({"over": reason}).to_string()))?;
    // Reasons have 123 bytes at most (RFC 6455 §5.5).
    let reason: String = reason.chars().take(60).collect();
    let frame = CloseFrame { code: CloseCode::Policy, reason: reason.into() };
    socket.close(Some(frame))?;
    // Until the other side has closed as well, or is not there any more.
    while socket.read().is_ok() {}
    Ok(())
}

/// A WebSocket between two sides that have greeted each other, whichever connected.
pub(crate) struct Connection {
    socket: WebSocket<TcpStream>,
    carrier: Carrier,
    woken: UnixStream,
    /// The system takes nothing more for now.
    behind: bool,
    /// Frames may have come that the system has given away already: it does not tell of them.
    unread: bool,
}

/// What a turn of reading has brought.
#[derive(PartialEq)]
enum Came {
    Nothing,
    Something,
    Farewell,
}

impl Connection {
    pub(crate) fn new(
        socket: WebSocket<TcpStream>,
        carrier: Carrier,
        woken: UnixStream,
    ) -> Result<Self, Error> {
        socket.get_ref().set_nonblocking(true)?;
        Ok(Self { socket, carrier, woken, behind: false, unread: true })
    }

    /// Carries the session until it, or the connection, ends: without an error if it was the
    /// session.
    pub(crate) fn carry(mut self) -> Result<(), Error> {
        let (mut heard, mut told) = (wall::now(), wall::now());
        loop {
            if self.speak()?.is_none() {
                return self.over();
            }
            self.wait()?;
            match self.listen()? {
                Came::Nothing => {}
                Came::Farewell => {
                    self.carrier.farewell();
                    return Ok(());
                }
                Came::Something => {
                    heard = wall::now();
                    // Only for messages: two sides that answer each other's would never end.
                    if let Some(news) = self.carrier.news() {
                        self.write(news)?;
                    }
                }
            }
            if heard.elapsed() > SILENCE {
                return Err(Error::Io(ErrorKind::TimedOut.into()));
            }
            if told.elapsed() > HEARTBEAT {
                told = wall::now();
                let here = self.carrier.acknowledgement();
                self.write(here)?;
            }
        }
    }

    /// Sends what is to be sent; nothing is any more when this session is over, or not ours.
    fn speak(&mut self) -> Result<Option<()>, Error> {
        while !self.behind {
            let Some(frames) = self.carrier.outgoing(AT_ONCE) else { return Ok(None) };
            if frames.is_empty() {
                break;
            }
            for frame in frames {
                self.write(frame)?;
            }
        }
        Ok(Some(()))
    }

    fn write(&mut self, frame: String) -> Result<(), Error> {
        pass(self.socket.write(Message::text(frame)))?;
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Error> {
        self.behind = !pass(self.socket.flush())?;
        Ok(())
    }

    /// Waits for something to do, a second at most, and not at all if there is something.
    fn wait(&mut self) -> Result<(), Error> {
        let glance = Timespec { tv_sec: i64::from(!self.unread), tv_nsec: 0 };
        let mut wanted = PollFlags::IN;
        if self.behind {
            wanted |= PollFlags::OUT;
        }
        let mut ready = [
            PollFd::from_borrowed_fd(self.socket.get_ref().as_fd(), wanted),
            PollFd::from_borrowed_fd(self.woken.as_fd(), PollFlags::IN),
        ];
        poll(&mut ready, Some(&glance)).map_err(io::Error::from)?;
        while self.woken.read(&mut [0; 64]).is_ok_and(|length| length > 0) {}
        if self.behind {
            self.flush()?;
        }
        Ok(())
    }

    fn listen(&mut self) -> Result<Came, Error> {
        let mut came = Came::Nothing;
        self.unread = true;
        for _ in 0..AT_ONCE {
            match self.socket.read() {
                Ok(Message::Text(frame)) => {
                    came = Came::Something;
                    let taken = self.carrier.incoming(frame.as_str());
                    taken.map_err(|fault| Error::Io(io::Error::other(fault)))?;
                }
                Ok(Message::Close(frame)) => {
                    // RFC 6455 §7.4.1: done, or going away. Anything else may come back.
                    let leaves = frame.is_some_and(|frame| {
                        matches!(frame.code, CloseCode::Normal | CloseCode::Away)
                    });
                    return match leaves {
                        true => Ok(Came::Farewell),
                        false => Err(Error::ConnectionClosed),
                    };
                }
                Ok(_) => came = Came::Something,
                Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => {
                    self.unread = false;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(came)
    }

    fn over(mut self) -> Result<(), Error> {
        self.socket.get_ref().set_nonblocking(false)?;
        let (code, reason) = match self.carrier.is_replaced() {
            true => (CloseCode::Library(REPLACED), "another connection carries the session"),
            false => (CloseCode::Normal, "the session is over"),
        };
        self.socket.close(Some(CloseFrame { code, reason: reason.into() }))?;
        while self.socket.read().is_ok() {}
        Ok(())
    }
}

/// Whether everything went out; what waits for the system goes out later.
fn pass(result: Result<(), Error>) -> Result<bool, Error> {
    match result {
        Ok(()) => Ok(true),
        Err(Error::Io(error)) if error.kind() == ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::mpsc::Receiver;

    use serde_json::{Value, json};
    use tungstenite::stream::MaybeTlsStream;

    use super::*;
    use crate::{Guest, Server};

    type Client = WebSocket<MaybeTlsStream<TcpStream>>;

    fn served() -> (SocketAddr, Receiver<Guest>) {
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = server.address();
        let (hub, guests) = Hub::new();
        server.serve(hub, |_| None);
        (address, guests)
    }

    /// A connection that has greeted, and how it was greeted.
    fn greets(address: SocketAddr, greeting: &Value) -> (Client, Value) {
        let (mut client, _) = tungstenite::connect(format!("ws://{address}/")).unwrap();
        client.send(Message::text(greeting.to_string())).unwrap();
        let welcome = client.read().unwrap().into_data();
        (client, serde_json::from_slice(&welcome).unwrap())
    }

    #[test]
    fn frames_that_came_together_are_taken_in_together() {
        const FRAMES: u32 = 1000;
        let (address, guests) = served();
        let (mut client, _) = greets(address, &json!({"peerctl": 1}));
        let guest = guests.recv_timeout(GREETING).unwrap();
        let begin = wall::now();
        for number in 1..=FRAMES {
            let frame = json!({"n": number, "peerctl": {"ev": "log", "text": "x"}});
            client.write(Message::text(frame.to_string())).unwrap();
        }
        client.flush().unwrap();
        for number in 1..=FRAMES {
            assert!(guest.conversation.next(GREETING).is_some(), "message {number}");
        }
        // Who waits for a second after every 64 of them takes fifteen.
        assert!(begin.elapsed() < Duration::from_secs(7), "{:?}", begin.elapsed());
        drop(client);
    }

    #[test]
    fn a_connection_that_was_replaced_is_told_so_and_not_that_the_session_is_over() {
        let (address, guests) = served();
        let (mut first, welcome) = greets(address, &json!({"peerctl": 1}));
        let guest = guests.recv_timeout(GREETING).unwrap();
        let again = json!({"peerctl": 1, "session": welcome["session"], "seen": 0});
        let (second, _) = greets(address, &again);
        let code = match first.read().unwrap() {
            Message::Close(frame) => frame.map(|frame| frame.code),
            other => panic!("{other:?}"),
        };
        assert_eq!(code, Some(CloseCode::Library(REPLACED)));
        assert_eq!(guest.conversation.ended(), None);
        drop((first, second));
    }
}
