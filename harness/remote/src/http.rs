//! Pages over HTTP/1.1 (RFC 9112), and the way to a WebSocket: no more of HTTP than a browser needs
//! to show a page, one request a connection.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rtcspec_control::wall;

use crate::hub::Hub;
use crate::websocket;

/// The longest head of a request.
const LONGEST: usize = 16 << 10;
/// How long a request may take to come.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most connections at once.
const MOST: usize = 128;

/// What is shown at an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its media type.
    pub kind: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The address cannot be had.
    #[error("listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        reason: io::Error,
    },
}

/// A server that listens.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// What stands at a path, which begins with `/`.
type Pages = dyn Fn(&str) -> Option<Page> + Send + Sync;

impl Server {
    /// Listens.
    ///
    /// # Errors
    /// [`ServerError`] if the address cannot be had.
    pub fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let cannot = |reason| ServerError::Listen { address, reason };
        let listener = TcpListener::bind(address).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves in threads of its own from now on. Every WebSocket carries a session of the hub.
    pub fn serve(
        self,
        hub: Arc<Hub>,
        pages: impl Fn(&str) -> Option<Page> + Send + Sync + 'static,
    ) {
        const TIDY: Duration = Duration::from_secs(1);
        let tidied = Arc::clone(&hub);
        thread::spawn(move || {
            loop {
                tidied.tidy();
                thread::sleep(TIDY);
            }
        });
        thread::spawn(move || {
            let (pages, open): (Arc<Pages>, _) = (Arc::new(pages), Arc::new(AtomicUsize::new(0)));
            for stream in self.listener.incoming().flatten() {
                // Too many: this one is closed, and may come again.
                if open.load(Ordering::Relaxed) >= MOST {
                    continue;
                }
                let counted = Counted::new(&open);
                let (hub, pages) = (Arc::clone(&hub), Arc::clone(&pages));
                thread::spawn(move || {
                    let _counted = counted;
                    // Its other side sees that it ended, and nobody else needs to know.
                    let _ = answer(stream, &hub, &*pages);
                });
            }
        });
    }
}

/// A connection that counts as long as it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(open: &Arc<AtomicUsize>) -> Self {
        open.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(open))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request, as far as it matters.
#[derive(Debug, PartialEq, Eq)]
struct Asked {
    method: String,
    path: String,
    upgrade: bool,
    /// It calls us by a name, which somebody else may have made lead here.
    named: bool,
    length: usize,
}

fn answer(mut stream: TcpStream, hub: &Hub, pages: &Pages) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // The WebSocket's handshake wants to read its request itself.
    let asked = peek(&stream)?;
    if asked.upgrade {
        return websocket::carry(stream, hub).map_err(io::Error::other);
    }
    stream.read_exact(&mut vec![0; asked.length])?;
    let head_only = asked.method == "HEAD";
    let (status, Page { kind, bytes }) = shown(&asked, stream.local_addr()?, pages);
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nCache-Control: no-store\
         \r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        bytes.len()
    );
    stream.write_all(head.as_bytes())?;
    if !head_only {
        stream.write_all(&bytes)?;
    }
    stream.flush()
}

/// What is answered to a request that came to one of our addresses: a status and a page.
fn shown(asked: &Asked, at: SocketAddr, pages: &Pages) -> (&'static str, Page) {
    if asked.named {
        let at = SocketAddr::new(at.ip().to_canonical(), at.port());
        let text = format!(
            "Names are not answered: anybody may have one that leads here, and read what is shown. \
             Open http://{at}/ instead.\n"
        );
        return ("421 Misdirected Request", plain(&text));
    }
    let path = asked.path.split(['?', '#']).next().unwrap_or("/");
    match (asked.method.as_str(), pages(path)) {
        ("GET" | "HEAD", Some(page)) => ("200 OK", page),
        ("GET" | "HEAD", None) => ("404 Not Found", plain("there is nothing here\n")),
        _ => ("405 Method Not Allowed", plain("only GET is answered\n")),
    }
}

/// Whether a `Host` is an address, or `localhost`: nobody else can have made it lead here.
pub(crate) fn is_address(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let within = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<Ipv4Addr>().is_ok()
        || within.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

fn plain(text: &str) -> Page {
    Page { kind: "text/plain; charset=utf-8", bytes: text.into() }
}

/// Reads the head of a request and leaves it where it is.
fn peek(stream: &TcpStream) -> io::Result<Asked> {
    const PAUSE: Duration = Duration::from_millis(5);
    let begin = wall::now();
    let mut buffer = vec![0; LONGEST];
    while begin.elapsed() < PATIENCE {
        let length = stream.peek(&mut buffer)?;
        match asked(&buffer[..length]).map_err(io::Error::other)? {
            Some(asked) => return Ok(asked),
            None if length == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            None if length == LONGEST => return Err(io::Error::other("its head is too long")),
            None => thread::sleep(PAUSE),
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// The request at the beginning of these bytes, once its head is whole.
fn asked(bytes: &[u8]) -> Result<Option<Asked>, httparse::Error> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(length) = request.parse(bytes)? else { return Ok(None) };
    let upgrade = request.headers.iter().any(|header| {
        header.name.eq_ignore_ascii_case("upgrade")
            && header.value.eq_ignore_ascii_case(b"websocket")
    });
    let named = request.headers.iter().any(|header| {
        header.name.eq_ignore_ascii_case("host")
            && !is_address(&String::from_utf8_lossy(header.value))
    });
    Ok(Some(Asked {
        method: request.method.unwrap_or_default().to_owned(),
        path: request.path.unwrap_or_default().to_owned(),
        upgrade,
        named,
        length,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_once_it_is_whole() {
        let text = b"GET /x?y HTTP/1.1\r\nHost: here\r\nUpgrade: WebSocket\r\n\r\nrest";
        assert_eq!(asked(&text[..30]).unwrap(), None);
        let whole = asked(text).unwrap().unwrap();
        let (method, path) = ("GET".to_owned(), "/x?y".to_owned());
        let expected = Asked { method, path, upgrade: true, named: true, length: 53 };
        assert_eq!(whole, expected);
        assert!(asked(b"\x16\x03\x01 a TLS client").is_err());
    }

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        // One that is refused is cut off.
        let _ = stream.read_to_string(&mut answer);
        answer
    }

    #[test]
    fn pages_are_shown_and_other_requests_are_refused() {
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = server.address();
        let (hub, _guests) = Hub::new();
        server.serve(hub, |path| (path == "/").then(|| plain("hello")));
        let page = ask(address, "GET /?run=dc HTTP/1.1\r\nHost: LocalHost:80\r\n\r\n");
        assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.ends_with("\r\n\r\nhello"));
        assert!(ask(address, "GET /../etc HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
        assert!(ask(address, "POST / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405"));
        assert_eq!(ask(address, "nonsense\r\n\r\n"), "");
    }

    #[test]
    fn a_name_that_leads_here_is_refused_and_told_what_to_open() {
        for address in ["127.0.0.1", "192.0.2.1:8465", "[::1]", "[2001:db8::1]:80", "localhost:1"] {
            assert!(is_address(address), "{address}");
        }
        for name in ["", "rebound.example", "rebound.example:80", "[::1", "127.0.0.1.example:80"] {
            assert!(!is_address(name), "{name}");
        }
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = server.address();
        let (hub, _guests) = Hub::new();
        server.serve(hub, |_| Some(plain("a secret")));
        let refused = ask(address, "GET / HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
        assert!(refused.starts_with("HTTP/1.1 421 ") && !refused.contains("secret"), "{refused}");
        assert!(refused.contains(&format!("Open http://{address}/ instead")), "{refused}");
    }

    /// Asks for a WebSocket, with these headers besides or instead of what a client says.
    fn upgrade(
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<(), tungstenite::Error> {
        use tungstenite::client::IntoClientRequest as _;
        let mut request = format!("ws://{address}/").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        tungstenite::connect(request).map(|_| ())
    }

    #[test]
    fn a_page_of_another_origin_gets_no_session() {
        let server = Server::bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        let address = server.address();
        let (hub, _guests) = Hub::new();
        server.serve(hub, |_| None);
        let own = format!("http://{address}");
        upgrade(address, &[("origin", own.as_str())]).unwrap();
        let refused = upgrade(address, &[("origin", "https://elsewhere.example")]).unwrap_err();
        assert!(refused.to_string().contains("403"), "{refused}");
        let rebound = [("origin", "http://rebound.example"), ("host", "rebound.example")];
        let refused = upgrade(address, &rebound).unwrap_err();
        assert!(refused.to_string().contains("421"), "{refused}");
        // An adapter, which may know this machine by any name.
        upgrade(address, &[("host", "harness.example")]).unwrap();
    }
}
