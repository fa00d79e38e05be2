//! A peer that is a child process: requests on its standard input, replies and events on its
//! standard output, one object of JSON a line. What it writes to standard error is its log.
//!
//! A peer that cannot keep its standard output to itself, or is no child of ours at all in the end
//! (a browser page, a container, a phone), dials out instead: it finds `tcp://address:port` in
//! `PEERCTL_URL`, connects, and speaks the same lines there.

use std::collections::{BTreeMap, VecDeque};
use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command as Spawn, ExitStatus, Stdio};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, sync_channel,
};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::Value;

use crate::capability::Hello;
use crate::command::{Answer, Command, ReplyBody, Request, RequestId};
use crate::endpoint::Message;
use crate::line::{self, LineError};
use crate::outside::Arrivals;
use crate::wall;

/// Exit code of an adapter that cannot run here at all: a library is missing, the platform is
/// wrong.
pub const CANNOT_RUN: i32 = 127;

/// Lines of its log and of its noise that are kept.
const KEPT: usize = 200;
/// Lines that may wait to be read before the child is held up.
const WAITING: usize = 1024;
/// Lines that may wait for the child to read them.
const UNREAD: usize = 64;
/// How long so many may wait before the child counts as one that reads no more.
const DEAF: Duration = Duration::from_secs(10);
/// How long a child that has closed its output may take to end.
const LAST_GASP: Duration = Duration::from_secs(2);

/// How to start a peer.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Variables to set besides those there are.
    pub environment: Vec<(OsString, OsString)>,
    /// The peer dials out to `PEERCTL_URL`; it has this long to do so.
    pub dials_out: Option<Duration>,
    /// Told of each line when it can be read, and of the end.
    pub arrivals: Option<Arc<Arrivals>>,
}

/// Why a peer cannot be talked to; the fault is the peer's, but for `Start`.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It could not be started.
    #[error("start `{command}`: {reason}")]
    Start {
        /// The program.
        command: String,
        /// What the system says.
        reason: io::Error,
    },
    /// It says that it cannot run here (exit code 127), or there is no such program.
    #[error("`{command}` cannot run here (exit code 127){}", told(.log))]
    CannotRun {
        /// The program.
        command: String,
        /// Its last words.
        log: Vec<String>,
    },
    /// It ended, crashed or closed its output while it was needed.
    #[error("`{command}` ended with {status}{}", told(.log))]
    Ended {
        /// The program.
        command: String,
        /// How.
        status: String,
        /// Its last words.
        log: Vec<String>,
    },
    /// It does not read what it is told.
    #[error("`{command}` has read nothing for {} s, and much waits", .waited.as_secs())]
    Stuck {
        /// The program.
        command: String,
        /// For how long.
        waited: Duration,
    },
    /// It said something that is not of the contract.
    #[error("line of `{command}`: {error}: {}", shortened(.line))]
    Line {
        /// The program.
        command: String,
        /// What is wrong with it.
        error: LineError,
        /// The line.
        line: String,
    },
    /// It did not say who it is.
    #[error("`{command}` did not answer `hello`: {said}")]
    NoHello {
        /// The program.
        command: String,
        /// What it did instead.
        said: String,
    },
    /// It did not connect to `PEERCTL_URL`.
    #[error("`{command}` did not connect to PEERCTL_URL within {} s", .waited.as_secs())]
    NoConnection {
        /// The program.
        command: String,
        /// How long it had.
        waited: Duration,
    },
}

fn told(log: &[String]) -> String {
    match log {
        [] => String::new(),
        lines => format!("; its log ends:\n  {}", lines.join("\n  ")),
    }
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(200) {
        Some((at, _)) => format!("{}… ({} bytes)", &line[..at], line.len()),
        None => line.to_owned(),
    }
}

#[derive(Debug)]
enum Raw {
    Line(String),
    End,
}

/// The end of what a peer wrote for people.
#[derive(Debug, Default)]
struct Log {
    lines: VecDeque<String>,
    /// Lines at the end that [`Process::take_log`] has not given yet.
    fresh: usize,
}

/// A running peer.
pub struct Process {
    name: String,
    child: Child,
    /// Lines on the way into it; absent once its input is closed.
    pipe: Option<SyncSender<Vec<u8>>>,
    /// How long it may read nothing.
    patience: Duration,
    lines: Receiver<Raw>,
    log: Arc<Mutex<Log>>,
    open: BTreeMap<RequestId, Answer>,
    last: RequestId,
    noise: Vec<String>,
}

impl std::fmt::Debug for Process {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Process").field("name", &self.name).field("open", &self.open).finish()
    }
}

impl Process {
    /// Starts a peer in a process group of its own, which ends with it.
    ///
    /// # Errors
    /// [`ProcessError`] if the program does not start, or does not dial out although it should.
    pub fn start(launch: &Launch) -> Result<Self, ProcessError> {
        let name = launch.command.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>();
        let name = name.join(" ");
        let fault = |reason| ProcessError::Start { command: name.clone(), reason };
        let Some((program, arguments)) = launch.command.split_first() else {
            return Err(fault(io::Error::new(io::ErrorKind::InvalidInput, "no program is named")));
        };
        let listener = match launch.dials_out {
            Some(patience) => Some((TcpListener::bind("127.0.0.1:0").map_err(fault)?, patience)),
            None => None,
        };
        let mut spawn = Spawn::new(program);
        spawn.args(arguments).envs(launch.environment.iter().cloned()).process_group(0);
        spawn.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some((listener, _)) = &listener {
            let address = listener.local_addr().map_err(fault)?;
            spawn.env("PEERCTL_URL", format!("tcp://{address}"));
        }
        let mut child = match spawn.spawn() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ProcessError::CannotRun {
                    command: name,
                    log: vec![error.to_string()],
                });
            }
            other => other.map_err(fault)?,
        };
        let log = Arc::new(Mutex::new(Log::default()));
        keep(child.stderr.take(), &log);
        let mut process = Self {
            name,
            pipe: child.stdin.take().map(write_lines),
            patience: DEAF,
            lines: sync_channel(0).1,
            log,
            child,
            open: BTreeMap::new(),
            last: 0,
            noise: Vec::new(),
        };
        match listener {
            None => {
                let output = process.child.stdout.take();
                process.lines = read_lines(output, launch.arrivals.clone());
            }
            Some((listener, patience)) => {
                keep(process.child.stdout.take(), &process.log);
                let stream = process.wait_for(&listener, patience)?;
                let reading = stream.try_clone().map_err(|reason| ProcessError::Start {
                    command: process.name.clone(),
                    reason,
                })?;
                process.lines = read_lines(Some(reading), launch.arrivals.clone());
                process.pipe = Some(write_lines(Dialled(stream)));
            }
        }
        Ok(process)
    }

    fn wait_for(
        &mut self,
        listener: &TcpListener,
        patience: Duration,
    ) -> Result<TcpStream, ProcessError> {
        const PAUSE: Duration = Duration::from_millis(10);
        let begin = wall::now();
        let fault = |reason| ProcessError::Start { command: String::new(), reason };
        listener.set_nonblocking(true).map_err(fault)?;
        while begin.elapsed() < patience {
            match listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).map_err(fault)?;
                    stream.set_write_timeout(Some(DEAF)).map_err(fault)?;
                    return Ok(stream);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(PAUSE),
                Err(error) => return Err(fault(error)),
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.ended(Some(status)));
            }
        }
        Err(ProcessError::NoConnection { command: self.name.clone(), waited: patience })
    }

    /// Asks the peer who it is. It has been asked nothing before.
    ///
    /// # Errors
    /// [`ProcessError::NoHello`] if it does not say so in time, or another if it ended.
    pub fn hello(&mut self, patience: Duration) -> Result<Hello, ProcessError> {
        self.ask(Command::Hello {})?;
        let until = wall::now() + patience;
        loop {
            let said = match self.next(until.saturating_duration_since(wall::now()))? {
                Some(Message::Reply(reply)) => match reply.body {
                    ReplyBody::Hello(hello) => return Ok(hello),
                    body => format!("{body:?}"),
                },
                Some(Message::Event(_)) => continue,
                None => format!("nothing within {} s", patience.as_secs()),
            };
            return Err(ProcessError::NoHello { command: self.name.clone(), said });
        }
    }

    /// Gives a command; its reply carries the number.
    ///
    /// # Errors
    /// [`ProcessError::Ended`] if the peer takes nothing in any more.
    ///
    /// # Panics
    /// Never: a request has nothing that JSON cannot say.
    pub fn ask(&mut self, command: Command) -> Result<RequestId, ProcessError> {
        self.last += 1;
        let request = Request { id: self.last, command };
        let answer = request.command.answer();
        let line = serde_json::to_string(&request)
            .expect("invariant: a request has nothing that JSON cannot say");
        self.open.insert(self.last, answer);
        self.send(&line)?;
        Ok(self.last)
    }

    /// Gives an object as it stands, with a number put in: what no [`Command`] can say.
    ///
    /// # Errors
    /// [`ProcessError::Ended`] if the peer takes nothing in any more.
    pub fn ask_raw(
        &mut self,
        mut object: Value,
        answer: Answer,
    ) -> Result<RequestId, ProcessError> {
        self.last += 1;
        if let Value::Object(members) = &mut object {
            members.insert("id".to_owned(), self.last.into());
        }
        self.open.insert(self.last, answer);
        self.send(&object.to_string())?;
        Ok(self.last)
    }

    /// Writes a line, whatever it says. The peer may read it later.
    ///
    /// # Errors
    /// [`ProcessError::Ended`] if the peer takes nothing in any more, [`ProcessError::Stuck`] if it
    /// has not read for so long that too many lines wait.
    pub fn send(&mut self, line: &str) -> Result<(), ProcessError> {
        const PAUSE: Duration = Duration::from_millis(5);
        let until = wall::now() + self.patience;
        let mut line = format!("{line}\n").into_bytes();
        loop {
            let Some(pipe) = &self.pipe else { return Err(self.ended(None)) };
            line = match pipe.try_send(line) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(line)) => line,
                Err(TrySendError::Disconnected(_)) => {
                    let status = self.wait(LAST_GASP);
                    return Err(self.ended(status));
                }
            };
            if wall::now() >= until {
                // Nobody waits for it once more.
                self.pipe = None;
                let command = self.name.clone();
                return Err(ProcessError::Stuck { command, waited: self.patience });
            }
            thread::sleep(PAUSE);
        }
    }

    /// The next reply or event; waits for it.
    ///
    /// Lines that are no JSON objects are kept as noise and passed over: some stacks log to their
    /// standard output. `None` when nothing came in time.
    ///
    /// # Errors
    /// [`ProcessError`] if the peer ended, or said what is not of the contract.
    pub fn next(&mut self, patience: Duration) -> Result<Option<Message>, ProcessError> {
        let until = wall::now() + patience;
        loop {
            let text = match self.lines.recv_timeout(until.saturating_duration_since(wall::now())) {
                Ok(Raw::Line(text)) => text,
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Ok(Raw::End) | Err(RecvTimeoutError::Disconnected) => {
                    let status = self.wait(LAST_GASP);
                    return Err(self.ended(status));
                }
            };
            match line::read(&text, |id| self.open.get(&id).copied()) {
                Ok(message) => {
                    if let Message::Reply(reply) = &message {
                        self.open.remove(&reply.id);
                    }
                    return Ok(Some(message));
                }
                // The answer to a line without a number, which is none of ours.
                Err(LineError::NotAsked { id: 0 }) => {}
                Err(LineError::NoObject { .. }) => self.note_noise(text),
                Err(error) => {
                    return Err(ProcessError::Line {
                        command: self.name.clone(),
                        error,
                        line: text,
                    });
                }
            }
        }
    }

    /// The next line that begins as a JSON object does, if one waits.
    ///
    /// # Errors
    /// [`ProcessError`] if the peer ended.
    pub fn line(&mut self) -> Result<Option<String>, ProcessError> {
        loop {
            match self.lines.try_recv() {
                Ok(Raw::Line(text)) if text.trim_start().starts_with('{') => return Ok(Some(text)),
                Ok(Raw::Line(text)) => self.note_noise(text),
                Err(TryRecvError::Empty) => return Ok(None),
                Ok(Raw::End) | Err(TryRecvError::Disconnected) => {
                    let status = self.wait(LAST_GASP);
                    return Err(self.ended(status));
                }
            }
        }
    }

    fn note_noise(&mut self, text: String) {
        if self.noise.len() < KEPT {
            self.noise.push(text);
        }
    }

    /// The first lines on its standard output that were no messages.
    #[must_use]
    pub fn noise(&self) -> &[String] {
        &self.noise
    }

    /// The last lines of its log.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.lines.iter().cloned().collect()
    }

    /// The lines of its log since the last call, the last ones only if there were very many.
    #[must_use]
    pub fn take_log(&self) -> Vec<String> {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = std::mem::take(&mut log.fresh).min(log.lines.len());
        log.lines.iter().skip(log.lines.len() - fresh).cloned().collect()
    }

    /// The number of the process, which is that of its group too.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Closes its input, on which a peer ends, and says how it ended; `None` if it did not end in
    /// time.
    #[must_use]
    pub fn close(mut self, patience: Duration) -> Option<ExitStatus> {
        self.pipe = None;
        self.wait(patience)
    }

    fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        const PAUSE: Duration = Duration::from_millis(5);
        let until = wall::now() + patience;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) => return Some(status),
                Ok(None) if wall::now() < until => {
                    // What it still says must not hold it up.
                    while self.lines.try_recv().is_ok() {}
                    thread::sleep(PAUSE);
                }
                _ => return None,
            }
        }
    }

    /// Waits until all of its log has been read. Who started others may leave them with it open.
    fn hear_out(&self) {
        const PATIENCE: Duration = Duration::from_secs(2);
        let until = wall::now() + PATIENCE;
        // Each reader of a log holds it as long as there is more to come.
        while Arc::strong_count(&self.log) > 1 && wall::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn ended(&self, status: Option<ExitStatus>) -> ProcessError {
        const LAST_WORDS: usize = 8;
        if status.is_some() {
            self.hear_out();
        }
        let command = self.name.clone();
        let mut log = self.log();
        log.drain(..log.len().saturating_sub(LAST_WORDS));
        match status {
            Some(status) if status.code() == Some(CANNOT_RUN) => {
                ProcessError::CannotRun { command, log }
            }
            Some(status) => ProcessError::Ended { command, status: status.to_string(), log },
            None => {
                let status = "its output closed, still running".to_owned();
                ProcessError::Ended { command, status, log }
            }
        }
    }
}

impl Drop for Process {
    /// Ends the peer and all it has started.
    fn drop(&mut self) {
        let id = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(id) = id {
            // It is an error only if everything has ended already.
            let _ = rustix::process::kill_process_group(id, rustix::process::Signal::KILL);
        }
        let _ = self.child.wait();
    }
}

/// The way to a peer that dialled out. Whoever reads from it holds the connection too, so that it
/// does not end by being let go of.
struct Dialled(TcpStream);

impl Write for Dialled {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Drop for Dialled {
    fn drop(&mut self) {
        // It is an error only if the peer has ended it before.
        let _ = self.0.shutdown(Shutdown::Write);
    }
}

/// Writes lines in a thread of their own until there are no more or nobody takes them: a peer that does
/// not read holds up nobody else.
fn write_lines(mut pipe: impl Write + Send + 'static) -> SyncSender<Vec<u8>> {
    let (sender, lines) = sync_channel::<Vec<u8>>(UNREAD);
    thread::spawn(move || {
        while let Ok(line) = lines.recv() {
            if pipe.write_all(&line).and_then(|()| pipe.flush()).is_err() {
                return;
            }
        }
    });
    sender
}

/// Reads lines in a thread of their own until there are no more.
fn read_lines(
    source: Option<impl Read + Send + 'static>,
    arrivals: Option<Arc<Arrivals>>,
) -> Receiver<Raw> {
    let (sender, receiver) = sync_channel(WAITING);
    if let Some(source) = source {
        thread::spawn(move || forward(source, &sender, arrivals.as_deref()));
    }
    receiver
}

fn forward(source: impl Read, sender: &SyncSender<Raw>, arrivals: Option<&Arrivals>) {
    let note = || arrivals.into_iter().for_each(Arrivals::note);
    let mut reader = BufReader::new(source);
    loop {
        let mut bytes = Vec::new();
        let limit = line::MAX_LENGTH as u64;
        match reader.by_ref().take(limit).read_until(b'\n', &mut bytes) {
            Ok(0) | Err(_) => break,
            Ok(_) => {
                let text = String::from_utf8_lossy(&bytes);
                let text = text.trim_end_matches(['\n', '\r']);
                if !text.is_empty() {
                    if sender.send(Raw::Line(text.to_owned())).is_err() {
                        return;
                    }
                    note();
                }
            }
        }
    }
    let _ = sender.send(Raw::End);
    note();
}

/// Keeps the last lines of a log.
fn keep(source: Option<impl Read + Send + 'static>, log: &Arc<Mutex<Log>>) {
    let (Some(source), log) = (source, Arc::clone(log)) else { return };
    thread::spawn(move || {
        let mut reader = BufReader::new(source);
        let mut bytes = Vec::new();
        while reader.by_ref().take(1 << 16).read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            let mut log = log.lock().unwrap_or_else(PoisonError::into_inner);
            if log.lines.len() == KEPT {
                log.lines.pop_front();
            }
            log.lines.push_back(text);
            log.fresh += 1;
            bytes.clear();
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::ReplyBody;

    const PATIENCE: Duration = Duration::from_secs(10);

    fn shell(script: &str) -> Launch {
        let command = ["sh", "-c", script].map(OsString::from).to_vec();
        Launch { command, ..Launch::default() }
    }

    #[test]
    fn noise_is_passed_over_and_kept_and_a_reply_is_read() {
        let script = "echo starting; read line; echo '{\"id\":1,\"unsupported\":\"case\"}'; cat";
        let mut process = Process::start(&shell(script)).unwrap();
        let id = process.ask(Command::Case { name: "x".into(), seed: 1 }).unwrap();
        let Some(Message::Reply(reply)) = process.next(PATIENCE).unwrap() else { panic!() };
        assert_eq!((reply.id, reply.body), (id, ReplyBody::Unsupported("case".into())));
        assert_eq!(process.noise(), ["starting"]);
        assert!(process.close(PATIENCE).is_some_and(|status| status.success()));
    }

    #[test]
    fn a_peer_is_asked_who_it_is_and_one_that_does_not_say_is_named() {
        let hello = r#"{"id":1,"ok":{"impl":"x","version":"1","adapter":1,"features":[]}}"#;
        let script = format!("read line; echo '{hello}'; cat");
        let hello = Process::start(&shell(&script)).unwrap().hello(PATIENCE).unwrap();
        assert_eq!(hello.implementation, "x");
        let script = "read line; echo '{\"id\":1,\"unsupported\":\"hello\"}'; cat";
        let error = Process::start(&shell(script)).unwrap().hello(PATIENCE).unwrap_err();
        assert!(error.to_string().contains("did not answer `hello`: Unsupported"), "{error}");
        let error = Process::start(&shell("cat >&2")).unwrap().hello(Duration::ZERO).unwrap_err();
        assert!(error.to_string().ends_with("nothing within 0 s"), "{error}");
    }

    #[test]
    fn how_a_peer_ended_is_said_with_its_last_words() {
        let mut process = Process::start(&shell("echo no libfoo >&2; exit 127")).unwrap();
        let error = process.next(PATIENCE).unwrap_err();
        assert!(matches!(&error, ProcessError::CannotRun { .. }), "{error}");
        let mut process = Process::start(&shell("echo oh >&2; kill -SEGV $$")).unwrap();
        let error = process.next(PATIENCE).unwrap_err().to_string();
        assert!(error.contains("signal: 11"), "{error}");
        let missing = Launch { command: vec!["/no/such/peer".into()], ..Launch::default() };
        assert!(matches!(Process::start(&missing), Err(ProcessError::CannotRun { .. })));
    }

    #[test]
    fn a_peer_that_reads_nothing_holds_nobody_up_and_is_an_error_in_the_end() {
        let mut process = Process::start(&shell("sleep 600")).unwrap();
        process.patience = Duration::from_millis(50);
        let begin = wall::now();
        process.send(&"x".repeat(1 << 20)).unwrap();
        let error = (0..UNREAD + 2).find_map(|_| process.send("{}").err()).unwrap();
        assert!(matches!(error, ProcessError::Stuck { .. }), "{error}");
        assert!(matches!(process.send("{}"), Err(ProcessError::Ended { .. })));
        assert!(begin.elapsed() < PATIENCE);
    }

    #[test]
    fn what_a_peer_says_as_it_ends_is_heard_out() {
        let script = "(sleep 0.3; echo late >&2) >/dev/null & exit 3";
        let error = Process::start(&shell(script)).unwrap().next(PATIENCE).unwrap_err();
        let text = error.to_string();
        assert!(text.contains("exit status: 3") && text.ends_with("late"), "{text}");
    }

    #[test]
    fn what_is_no_message_names_the_line() {
        let mut process = Process::start(&shell("echo '{\"id\":5,\"ok\":{}}'; cat")).unwrap();
        let error = process.next(PATIENCE).unwrap_err().to_string();
        assert!(error.ends_with(r#"answered before: {"id":5,"ok":{}}"#), "{error}");
    }

    #[test]
    fn a_peer_that_hangs_ends_with_all_it_started() {
        let process = Process::start(&shell("sleep 600 & echo $! >&2; wait")).unwrap();
        let begin = wall::now();
        let child = loop {
            if let Some(line) = process.log().first() {
                break line.parse::<i32>().unwrap();
            }
            assert!(begin.elapsed() < PATIENCE);
            thread::sleep(Duration::from_millis(5));
        };
        drop(process);
        let id = rustix::process::Pid::from_raw(child).unwrap();
        while rustix::process::test_kill_process(id).is_ok() {
            // Its new parent has to collect it.
            let state = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            if state.contains(") Z ") {
                break;
            }
            assert!(begin.elapsed() < PATIENCE, "{child} still runs");
            thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_peer_that_does_not_dial_out_is_told_of() {
        let patience = Some(Duration::from_millis(50));
        let launch = Launch { dials_out: patience, ..shell("sleep 600") };
        let error = Process::start(&launch).unwrap_err();
        assert!(matches!(error, ProcessError::NoConnection { .. }), "{error}");
    }
}
