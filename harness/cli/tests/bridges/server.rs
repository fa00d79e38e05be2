//! A server that takes offers over HTTP: the reference peer behind it, over real sockets.

use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

/// What a server does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Manners {
    /// It speaks WHIP.
    pub(crate) whip: bool,
    /// It gives strings back.
    pub(crate) echo: bool,
    /// It does not say where a session is ended.
    pub(crate) no_location: bool,
    /// It wants no offer.
    pub(crate) refuses: bool,
    /// It fails.
    pub(crate) fails: bool,
    /// It sends the first request somewhere else.
    pub(crate) redirects: bool,
    /// It speaks TLS, with the certificate of [`CERTIFICATE`].
    pub(crate) tls: bool,
}

/// A server that runs.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    /// Sessions that were ended.
    pub(crate) ended: Arc<AtomicUsize>,
    sessions: Arc<Mutex<Vec<Peer>>>,
}

/// A peer that outlives its server goes on with its checks, into the session of another test.
impl Drop for Server {
    fn drop(&mut self) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Server {
    pub(crate) fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it has one");
        let ended = Arc::new(AtomicUsize::new(0));
        let sessions = Arc::new(Mutex::new(Vec::new()));
        let (counted, kept) = (Arc::clone(&ended), Arc::clone(&sessions));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
                let _ = match manners.tls {
                    true => serve(secured(stream), manners, &kept, &counted),
                    false => serve(stream, manners, &kept, &counted),
                };
            }
        });
        Self { address, ended, sessions }
    }
}

/// A certificate for `localhost` and 127.0.0.1 that vouches for itself, made once:
///
///     openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 \
///         -subj "/CN=rtcspec test" -addext "basicConstraints=critical,CA:FALSE" \
///         -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" -keyout localhost.key -out localhost.pem
pub(crate) const CERTIFICATE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bridges/localhost.pem");

/// The server's side of TLS; the handshake comes with the first byte that is read.
fn secured(stream: TcpStream) -> StreamOwned<ServerConnection, TcpStream> {
    let chain = CertificateDer::pem_slice_iter(include_bytes!("localhost.pem"));
    let chain = chain.map(|one| one.expect("the file is PEM")).collect();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("localhost.key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has them")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("they belong together");
    StreamOwned::new(ServerConnection::new(Arc::new(config)).expect("it is whole"), stream)
}

struct Asked {
    method: String,
    path: String,
    body: String,
}

fn read(stream: &mut impl Read) -> io::Result<Asked> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut length) = (String::new(), 0);
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.split_once(':') else { break };
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().unwrap_or_default();
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let mut words = first.split_whitespace().map(str::to_owned);
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    Ok(Asked { method, path, body: String::from_utf8_lossy(&body).into_owned() })
}

fn say(stream: &mut impl Write, status: &str, headers: &[String], body: &str) -> io::Result<()> {
    let headers: String = headers.iter().map(|header| format!("{header}\r\n")).collect();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )?;
    stream.flush()
}

fn serve(
    mut stream: impl Read + Write,
    manners: Manners,
    sessions: &Mutex<Vec<Peer>>,
    ended: &AtomicUsize,
) -> io::Result<()> {
    let asked = read(&mut stream)?;
    // Somebody looked whether anyone is here.
    if asked.method.is_empty() {
        return Ok(());
    }
    let mut sessions = sessions.lock().unwrap_or_else(PoisonError::into_inner);
    if asked.method == "OPTIONS" {
        return say(&mut stream, "405 Method Not Allowed", &[], "");
    }
    if asked.method == "DELETE" {
        ended.fetch_add(1, Ordering::Relaxed);
        sessions.clear();
        return say(&mut stream, "200 OK", &[], "");
    }
    if manners.refuses {
        return say(&mut stream, "422 Unprocessable Content", &[], "no media in it");
    }
    if manners.fails {
        return say(&mut stream, "500 Internal Server Error", &[], "out of cheese");
    }
    if manners.redirects && asked.path == "/first" {
        let elsewhere = ["Location: /second".to_owned()];
        return say(&mut stream, "307 Temporary Redirect", &elsewhere, "");
    }
    let value: Value = serde_json::from_str(&asked.body).unwrap_or_default();
    let sdp = if manners.whip { &asked.body } else { value["sdp"].as_str().unwrap_or_default() };
    // One session at a time; the one before is over.
    sessions.clear();
    let (peer, answer) = Peer::answer(sdp, manners.echo);
    sessions.push(peer);
    if !manners.whip {
        let kind = ["Content-Type: application/json".to_owned()];
        let answer = json!({"type": "answer", "sdp": answer}).to_string();
        return say(&mut stream, "200 OK", &kind, &answer);
    }
    let mut headers = vec!["Content-Type: application/sdp".to_owned()];
    headers.extend((!manners.no_location).then(|| "Location: /session/1".to_owned()));
    headers.push("Link: <stun:stun.example>; rel=\"ice-server\"".to_owned());
    say(&mut stream, "201 Created", &headers, &answer)
}

/// The reference peer as a process.
struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ask(input: &mut ChildStdin, request: &Value) {
    writeln!(input, "{request}").expect("it listens");
}

fn next(lines: &Receiver<Value>) -> Value {
    lines.recv_timeout(Duration::from_secs(20)).expect("it answers")
}

/// The description that answers a request.
fn described(lines: &Receiver<Value>, id: u64) -> String {
    loop {
        let line = next(lines);
        if line["id"] == id {
            return line["ok"]["sdp"].as_str().unwrap_or_default().to_owned();
        }
    }
}

/// The local description with all candidates, which come before and after it.
fn complete(lines: &Receiver<Value>, id: u64) -> String {
    let (mut described, mut candidates, mut ended) = (None, Vec::new(), false);
    while described.is_none() || !ended {
        let line = next(lines);
        if line["id"] == id {
            described = line["ok"]["sdp"].as_str().map(str::to_owned);
        } else if line["ev"] == "candidate" {
            match line["candidate"]["candidate"].as_str() {
                Some(candidate) if !candidate.is_empty() => candidates.push(candidate.to_owned()),
                _ => ended = true,
            }
        }
    }
    let mut sdp = described.unwrap_or_default();
    for candidate in candidates {
        if !sdp.contains(&candidate) {
            sdp.push_str(&format!("a={candidate}\r\n"));
        }
    }
    sdp
}

impl Peer {
    /// Answers an offer, all candidates in the answer, and from then on gives strings back.
    fn answer(offer: &str, echo: bool) -> (Self, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rtcspec"));
        let command = command.args(["adapter", "serve", "reference"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let line: Value = serde_json::from_str(&line).expect("it speaks JSON");
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        ask(&mut input, &json!({"id": 1, "op": "new", "pc": "b", "config": {}}));
        let desc = json!({"type": "offer", "sdp": offer});
        ask(&mut input, &json!({"id": 2, "op": "remote", "pc": "b", "desc": desc}));
        ask(&mut input, &json!({"id": 3, "op": "answer", "pc": "b"}));
        let answer = described(&lines, 3);
        let desc = json!({"type": "answer", "sdp": answer});
        ask(&mut input, &json!({"id": 4, "op": "local", "pc": "b", "desc": desc}));
        let answer = complete(&lines, 4);
        thread::spawn(move || {
            let mut id = 5;
            for line in lines {
                if line["ev"] == "message" && line["text"].is_string() && echo {
                    ask(
                        &mut input,
                        &json!({"id": id, "op": "send", "dc": line["dc"], "text": line["text"]}),
                    );
                    id += 1;
                }
            }
        });
        (Self(child), answer)
    }
}
