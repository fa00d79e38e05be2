//! Parsers in other processes, by lines: `README.md` has the protocol.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value as Json;

use crate::account::{Account, Fields, Value, hex, unhex};
use crate::format::Format;
use crate::parser::Reads;

/// Longest wait for a line.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a parser in another process cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// It cannot be started.
    #[error("start {command}: {source}")]
    Start {
        /// How it was to be started.
        command: String,
        /// Why not.
        source: std::io::Error,
    },
    /// It ended, or closed one of its ends.
    #[error("ask the parser: it ended")]
    Ended,
    /// It said nothing for ten seconds.
    #[error("ask the parser: no line within {} seconds", PATIENCE.as_secs())]
    Silent,
    /// A line is not of the protocol.
    #[error("read what the parser says: {reason} in {line}")]
    Line {
        /// What is wrong.
        reason: String,
        /// The line.
        line: String,
    },
}

/// The first line of a parser: who it is.
#[derive(Debug, Deserialize)]
struct Hello {
    parser: String,
    tells: Vec<String>,
}

/// A line about an input.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(default)]
    fields: Option<Vec<(String, Json)>>,
    #[serde(default)]
    refused: Option<String>,
    #[serde(default)]
    panic: Option<String>,
}

/// A parser in another process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
    format: &'static Format,
    name: String,
    tells: Vec<&'static str>,
    /// Why nobody can be asked any more.
    broken: Option<ProcessError>,
}

impl Process {
    /// Starts a command line, as a shell reads it, and takes its first line.
    ///
    /// # Errors
    /// It does not start, or its first line is not of the protocol.
    pub fn start(command: &str, format: &'static Format) -> Result<Self, ProcessError> {
        let failed = |source| ProcessError::Start { command: command.to_owned(), source };
        let mut child = Command::new("sh")
            .args(["-c", command])
            .env("RTCSPEC_FORMAT", format.name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let (Some(stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(ProcessError::Ended);
        };
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let (name, tells) = (String::new(), Vec::new());
        let mut process = Self { child, stdin, lines, format, name, tells, broken: None };
        process.hello()?;
        Ok(process)
    }

    fn hello(&mut self) -> Result<(), ProcessError> {
        let line = self.line()?;
        let wrong = |reason: String| ProcessError::Line { reason, line: line.clone() };
        let hello: Hello = serde_json::from_str(&line).map_err(|error| wrong(error.to_string()))?;
        let field = |name: &String| {
            let found = self.format.fields.iter().find(|field| *field == name);
            let unknown = || wrong(format!("{} has no field `{name}`", self.format.name));
            found.copied().ok_or_else(unknown)
        };
        self.tells = hello.tells.iter().map(field).collect::<Result<_, _>>()?;
        self.name = hello.parser;
        Ok(())
    }

    fn line(&self) -> Result<String, ProcessError> {
        self.lines.recv_timeout(PATIENCE).map_err(|error| match error {
            RecvTimeoutError::Timeout => ProcessError::Silent,
            RecvTimeoutError::Disconnected => ProcessError::Ended,
        })
    }

    fn ask(&mut self, input: &[u8]) -> Result<Account<'static>, ProcessError> {
        let asked = writeln!(self.stdin, "{}", hex(input)).and_then(|()| self.stdin.flush());
        asked.map_err(|_| ProcessError::Ended)?;
        let line = self.line()?;
        account(self.format, &line).map_err(|reason| ProcessError::Line { reason, line })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Reads for Process {
    fn name(&self) -> &str {
        &self.name
    }

    fn tells(&self) -> &[&'static str] {
        &self.tells
    }

    fn read<'a>(&mut self, input: &'a [u8]) -> Account<'a> {
        if self.broken.is_none() {
            match self.ask(input) {
                Ok(account) => return account,
                Err(error) => self.broken = Some(error),
            }
        }
        let why = self.broken.as_ref().map(ToString::to_string).unwrap_or_default();
        Account::Panicked(format!("{why}, the process"))
    }

    fn broken(&self) -> Option<String> {
        self.broken.as_ref().map(ToString::to_string)
    }
}

/// What a line says of an input.
fn account(format: &Format, line: &str) -> Result<Account<'static>, String> {
    let line: Line = serde_json::from_str(line).map_err(|error| error.to_string())?;
    match line {
        Line { panic: Some(what), .. } => Ok(Account::Panicked(what)),
        Line { refused: Some(why), .. } => Ok(Account::refused(why)),
        Line { fields: Some(pairs), .. } => {
            let mut fields = Fields::new();
            for (name, value) in pairs {
                let found = format.fields.iter().find(|field| **field == name);
                let name = *found.ok_or_else(|| format!("no field `{name}`"))?;
                fields.put(name, typed(format, value)?);
            }
            Ok(Account::Read(fields))
        }
        _ => Err("neither `fields` nor `refused` nor `panic`".to_owned()),
    }
}

/// Numbers and flags as they are; addresses and bytes are strings.
fn typed(format: &Format, value: Json) -> Result<Value<'static>, String> {
    match value {
        Json::Bool(flag) => Ok(Value::from(flag)),
        Json::Number(number) => number.as_u64().map(Value::Number).ok_or("a number below 0".into()),
        Json::String(text) => Ok(match text.parse() {
            Ok(address) if !format.is_text => Value::Address(address),
            _ if format.is_text => Value::from(text),
            _ => Value::from(unhex(&text).ok_or_else(|| format!("no hexadecimal digits: {text}"))?),
        }),
        other => Err(format!("a value that is {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format;

    /// A parser of RTP in a shell: it reads the payload type of packets that are long enough.
    const SHELL: &str = r#"echo '{"parser":"shell","tells":["payload-type"]}'
        while read -r line; do
            case "$line" in
                dead*) exit 1 ;;
                ????????????????????????*) echo '{"fields":[["payload-type",0]]}' ;;
                *) echo '{"refused":"short"}' ;;
            esac
        done"#;

    fn rtp() -> &'static Format {
        format::by_name("rtp").expect("it is there")
    }

    #[test]
    fn a_process_is_asked_line_by_line_until_it_ends() {
        let mut process = Process::start(SHELL, rtp()).expect("sh is everywhere");
        assert_eq!((process.name(), process.tells()), ("shell", &["payload-type"][..]));
        assert!(matches!(process.read(&[0; 12]), Account::Read(_)));
        assert!(
            matches!(process.read(&[0; 11]), Account::Refused(why) if why.to_string() == "short")
        );
        assert!(process.broken().is_none());
        assert!(matches!(process.read(&[0xde, 0xad]), Account::Panicked(_)));
        assert_eq!(process.broken().as_deref(), Some("ask the parser: it ended"));
    }

    #[test]
    fn a_process_that_tells_what_no_account_has_is_refused() {
        let wrong = r#"echo '{"parser":"x","tells":["colour"]}'; cat"#;
        let error = Process::start(wrong, rtp()).expect_err("no such field");
        assert!(error.to_string().contains("rtp has no field `colour`"), "{error}");
        let error = Process::start("true", rtp()).expect_err("it says nothing");
        assert!(matches!(error, ProcessError::Ended), "{error}");
    }

    #[test]
    fn values_are_numbers_addresses_digits_or_text() {
        let stun = format::by_name("stun").expect("it is there");
        let line = r#"{"fields":[["type",1],["value","00ff"],["mapped-address","192.0.2.1:5"]]}"#;
        let Ok(Account::Read(fields)) = account(stun, line) else {
            panic!("it is of the protocol")
        };
        let mut wanted = Fields::new();
        wanted.put("type", 1u8).put("value", vec![0, 0xff]);
        wanted.put("mapped-address", std::net::SocketAddr::from(([192, 0, 2, 1], 5)));
        assert_eq!(fields, wanted);
        for bad in ["{}", "x", r#"{"fields":[["type",-1]]}"#, r#"{"fields":[["value","0"]]}"#] {
            assert!(account(stun, bad).is_err(), "{bad}");
        }
    }
}
