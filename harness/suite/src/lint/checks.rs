//! The checks, in the order they are made.

use std::time::Duration;

use rtcspec_control::process::Process;
use rtcspec_control::{
    Answer, ChannelInit, Command, Configuration, Description, Event, Feature, Hello, IceServer,
    Payload, ReplyBody, SdpType, TransportPolicy, wall,
};
use serde_json::json;

use super::client::{Client, Stop};
use super::offer;
use super::report::{Check, Outcome, Report};

/// How long an answer may take: gathering without trickling is part of some.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a connection may take to come up, both ends on this machine.
const SETUP: Duration = Duration::from_secs(30);
/// How long a message may take.
const DELIVERY: Duration = Duration::from_secs(10);
/// How long a process may take to end once its input is closed.
const END: Duration = Duration::from_secs(5);
/// How long the candidates of an ICE restart have before data is tried.
const RESTART: Duration = Duration::from_secs(2);
/// How long candidates are waited for between looks at other things.
const SLICE: Duration = Duration::from_millis(50);

/// A label of characters of one, two, three and four bytes of UTF-8.
const LABEL: &str = "a\u{e9}\u{20ac}\u{1f600}";
/// A word no adapter knows.
const UNKNOWN: &str = "x-rtcspec-no-such-thing";

type Found = Result<Outcome, Stop>;

/// Holds an adapter to the contract. The process is ended.
#[must_use]
pub fn lint(process: Process) -> Report {
    let mut lint = Lint {
        client: Client::new(process, PATIENCE),
        report: Report::default(),
        hello: None,
        remote: None,
        offer: String::new(),
    };
    let still_runs = lint.all().is_some();
    let Lint { client, mut report, .. } = lint;
    report.checks.push(noise(&client));
    if still_runs {
        report.checks.push(end(client));
    }
    report
}

fn noise(client: &Client) -> Check {
    let outcome = match client.noise() {
        [] => Outcome::Holds,
        [first, ..] => Outcome::Note(format!(
            "lines on standard output that are no messages are passed over, the first: {first}"
        )),
    };
    let requirement = "says nothing else on its standard output";
    Check { id: "noise", requirement, section: "§1", outcome }
}

fn end(client: Client) -> Check {
    let outcome = match client.close(END) {
        Some(status) if status.success() => Outcome::Holds,
        Some(status) => Outcome::Broken(format!("it ended with {status}")),
        None => Outcome::Broken(format!("it still runs {} s later", END.as_secs())),
    };
    let requirement = "ends with 0 once its input is closed";
    Check { id: "end", requirement, section: "§1", outcome }
}

struct Lint {
    client: Client,
    report: Report,
    hello: Option<Hello>,
    /// Handle of the channel at its far end.
    remote: Option<String>,
    /// The first offer.
    offer: String,
}

impl Lint {
    /// Makes a check; `None` if the adapter can no longer be talked to.
    fn check(
        &mut self,
        id: &'static str,
        requirement: &'static str,
        section: &'static str,
        look: impl FnOnce(&mut Self) -> Found,
    ) -> Option<()> {
        let found = look(self);
        let goes_on = found.is_ok().then_some(());
        let outcome = found.unwrap_or_else(|stop| Outcome::Broken(stop.to_string()));
        self.report.checks.push(Check { id, requirement, section, outcome });
        goes_on
    }

    fn has(&self, feature: Feature) -> bool {
        self.hello.as_ref().is_some_and(|hello| hello.has(feature))
    }

    fn all(&mut self) -> Option<()> {
        self.check("hello", "says what it is", "§3 hello", Self::hello)?;
        self.check("unknown-op", "refuses a command it does not know", "§2", |lint| {
            let object = json!({"op": UNKNOWN, "pc": "a"});
            lint.refused(object, "the command")
        })?;
        self.check("unknown-key", "refuses a configuration key it does not know", "§5", |lint| {
            let object = json!({"op": "new", "pc": "k", "config": {UNKNOWN: 1}});
            lint.refused(object, "the key")
        })?;
        self.check("relay-policy", "keeps or refuses iceTransportPolicy", "§5", Self::policy)?;
        self.check("unknown-handle", "refuses a handle that does not exist", "§2", |lint| {
            let op = if lint.has(Feature::WireOnly) { "answer" } else { "offer" };
            let object = json!({"op": op, "pc": "nobody"});
            Ok(match lint.client.ask_raw(object, Answer::Sdp)? {
                ReplyBody::Error { .. } => Outcome::Holds,
                other => Outcome::Broken(format!("it answered {other:?} instead of an `err`")),
            })
        })?;
        self.check("bad-line", "survives a line that is no JSON", "§1", |lint| {
            lint.client.say("this is no JSON")?;
            lint.client.ask_raw(json!({"op": "case", "name": "lint", "seed": 1}), Answer::Done)?;
            Ok(Outcome::Holds)
        })?;
        if self.has(Feature::WireOnly) {
            self.check("answer", "answers an offer, and nothing else", "§6", Self::answer)?;
            self.skip_what_is_told();
            return self.check("close", "closes, and still answers", "§3 close", Self::close);
        }
        self.check("session", "two of its connections reach each other", "§3", Self::session)?;
        self.check("channel", "tells of the channel the other side opened", "§4", Self::channel)?;
        self.messages()?;
        // After the messages: a label can be the end of an association.
        self.check("label", "labels have characters of one to four bytes", "§4", Self::label)?;
        self.check("restart", "does what it declares: restart", "§6", Self::restart)?;
        self.check("state", "tells states in W3C words", "§3 state", Self::state)?;
        self.check("close", "closes, and still answers", "§3 close", Self::close)
    }

    /// `wire-only`: an offer of its own is refused, one of the reference peer answered.
    fn answer(&mut self) -> Found {
        let (pc, config) = ("a".to_owned(), Configuration::default());
        if let Some(why) = self.done(Command::New { pc: pc.clone(), config })? {
            return Ok(why);
        }
        match self.client.ask(Command::Offer { pc: pc.clone(), ice_restart: false })? {
            ReplyBody::Unsupported(_) => {}
            other => {
                return Ok(Outcome::Broken(format!(
                    "it declares `wire-only`, and `offer` gave {other:?} instead of `unsupported`"
                )));
            }
        }
        let Some(sdp) = offer::offer() else {
            return Ok(Outcome::Skipped("the reference peer made no offer".to_owned()));
        };
        let desc = Description { kind: SdpType::Offer, sdp };
        if let Some(why) = self.done(Command::Remote { pc: pc.clone(), desc })? {
            return Ok(why);
        }
        let sdp = match self.sdp(Command::Answer { pc: pc.clone() })? {
            Ok(sdp) => sdp,
            Err(why) => return Ok(why),
        };
        let desc = Description { kind: SdpType::Answer, sdp };
        let sdp = match self.sdp(Command::Local { pc, desc })? {
            Ok(sdp) => sdp,
            Err(why) => return Ok(why),
        };
        let lacks: Vec<&str> = ["m=application", "a=ice-ufrag:", "a=fingerprint:"]
            .into_iter()
            .filter(|part| !sdp.contains(part))
            .collect();
        Ok(match lacks[..] {
            [] => Outcome::Holds,
            _ => Outcome::Broken(format!("the answer has no {}", lacks.join(", no "))),
        })
    }

    /// What is read on the wire cannot be looked at here.
    fn skip_what_is_told(&mut self) {
        let why = "it is read on the wire: `rtcspec run` looks at it".to_owned();
        let (requirement, section) = ("tells of channels and messages", "§4");
        let outcome = Outcome::Skipped(why);
        self.report.checks.push(Check { id: "events", requirement, section, outcome });
    }

    fn refused(&mut self, object: serde_json::Value, what: &str) -> Found {
        Ok(match self.client.ask_raw(object, Answer::Done)? {
            ReplyBody::Unsupported(word) if word == UNKNOWN => Outcome::Holds,
            ReplyBody::Unsupported(word) => Outcome::Note(format!(
                "it answered `unsupported` with `{word}`, not with {what}, `{UNKNOWN}`"
            )),
            other => Outcome::Broken(format!(
                "it answered {other:?} instead of `unsupported`: what it silently drops would be \
                 tested in vain and pass"
            )),
        })
    }

    fn hello(&mut self) -> Found {
        let ReplyBody::Hello(hello) = self.client.ask(Command::Hello {})? else {
            return Ok(Outcome::Broken("`hello` is the one command nobody may refuse".to_owned()));
        };
        let version = &hello.version;
        self.report.implementation = format!("{} {version}", hello.implementation);
        let outcome = if hello.adapter != 1 {
            Outcome::Broken(format!("`adapter` is {}, the contract is 1", hello.adapter))
        } else if hello.implementation.is_empty() || version.is_empty() {
            Outcome::Broken("`impl` and `version` are needed in reports".to_owned())
        } else {
            Outcome::Holds
        };
        self.hello = Some(hello);
        Ok(outcome)
    }

    fn policy(&mut self) -> Found {
        let declared = self.has(Feature::RelayPolicy);
        // Never asked: nothing is gathered before there is a description.
        let server = IceServer {
            urls: vec!["turn:127.0.0.1:9".to_owned()],
            username: "u".to_owned(),
            credential: "p".to_owned(),
        };
        let config = Configuration {
            ice_servers: vec![server],
            ice_transport_policy: TransportPolicy::Relay,
            ..Configuration::default()
        };
        let answer = self.client.ask(Command::New { pc: "relay".into(), config })?;
        Ok(match (answer, declared) {
            (ReplyBody::Done {}, true) => {
                self.client.ask(Command::Close { pc: "relay".into() })?;
                Outcome::Holds
            }
            (ReplyBody::Unsupported(_), false) => Outcome::Holds,
            (ReplyBody::Done {}, false) => Outcome::Broken(
                "`relay` is taken although `relay-policy` is not among its features: without it \
                 the answer is `unsupported`, or leaks would pass"
                    .to_owned(),
            ),
            (other, _) => Outcome::Broken(format!("`new` with policy `relay` gave {other:?}")),
        })
    }

    /// Brings two connections of the adapter up, the first as offerer with a channel.
    fn session(&mut self) -> Found {
        for pc in ["a", "b"] {
            let config = Configuration::default();
            if let Some(why) = self.done(Command::New { pc: pc.into(), config })? {
                return Ok(why);
            }
        }
        let (dc, label) = ("a/main".to_owned(), "main".to_owned());
        let init = ChannelInit::default();
        if let Some(why) = self.done(Command::Channel { pc: "a".into(), dc, label, init })? {
            return Ok(why);
        }
        match self.negotiate(false)? {
            Ok(offer) => self.offer = offer,
            Err(why) => return Ok(why),
        }
        let until = wall::now() + SETUP;
        while wall::now() < until {
            self.pass_candidates()?;
            let open = |event: &Event| matches!(event, Event::Open { dc, .. } if dc == "a/main");
            if self.client.wait(SLICE, |event| open(event).then_some(()))?.is_some() {
                return Ok(Outcome::Holds);
            }
        }
        Ok(Outcome::Broken(format!("no `open` of `a/main` within {} s", SETUP.as_secs())))
    }

    /// `None` if the command was done.
    fn done(&mut self, command: Command) -> Result<Option<Outcome>, Stop> {
        let op = command.op();
        Ok(match self.client.ask(command)? {
            ReplyBody::Done {} => None,
            other => Some(Outcome::Broken(format!("`{op}` gave {other:?}"))),
        })
    }

    fn sdp(&mut self, command: Command) -> Result<Result<String, Outcome>, Stop> {
        let op = command.op();
        Ok(match self.client.ask(command)? {
            ReplyBody::Sdp(sdp) => Ok(sdp),
            other => Err(Outcome::Broken(format!("`{op}` gave {other:?}"))),
        })
    }

    /// Offer and answer between the two; gives the offer.
    fn negotiate(&mut self, ice_restart: bool) -> Result<Result<String, Outcome>, Stop> {
        let mut offer = String::new();
        for (from, to, kind) in [("a", "b", SdpType::Offer), ("b", "a", SdpType::Answer)] {
            let pc = from.to_owned();
            let make = match kind {
                SdpType::Offer => Command::Offer { pc: pc.clone(), ice_restart },
                _ => Command::Answer { pc: pc.clone() },
            };
            let sdp = match self.sdp(make)? {
                Ok(sdp) => sdp,
                Err(why) => return Ok(Err(why)),
            };
            let desc = Description { kind, sdp };
            let sdp = match self.sdp(Command::Local { pc, desc })? {
                Ok(sdp) => sdp,
                Err(why) => return Ok(Err(why)),
            };
            if kind == SdpType::Offer {
                offer.clone_from(&sdp);
            }
            let desc = Description { kind, sdp };
            if let Some(why) = self.done(Command::Remote { pc: to.to_owned(), desc })? {
                return Ok(Err(why));
            }
        }
        Ok(Ok(offer))
    }

    fn pass_candidates(&mut self) -> Result<(), Stop> {
        for (from, candidate) in std::mem::take(&mut self.client.candidates) {
            let pc = if from == "a" { "b" } else { "a" }.to_owned();
            self.client.ask(Command::Candidate { pc, candidate })?;
        }
        Ok(())
    }

    /// The next channel the other side opened: its handle, its label, whether it is ordered.
    fn opened(&mut self) -> Result<Option<(String, String, bool)>, Stop> {
        self.client.wait(DELIVERY, |event| match event {
            Event::Channel { dc, label, ordered, .. } => {
                Some((dc.clone(), label.clone(), *ordered))
            }
            _ => None,
        })
    }

    /// A stack that counts characters where bytes are meant fails here, so it is a note.
    fn label(&mut self) -> Found {
        let (pc, dc, label) = ("a".to_owned(), "a/label".to_owned(), LABEL.to_owned());
        let init = ChannelInit::default();
        if let Some(why) = self.done(Command::Channel { pc, dc, label, init })? {
            return Ok(why);
        }
        let sent = format!("the label `{LABEL}` (RFC 8832 §5.1 counts its bytes)");
        Ok(match self.opened()? {
            Some((_, label, _)) if label == LABEL => Outcome::Holds,
            Some((_, label, _)) => Outcome::Note(format!("{sent} arrived as `{label}`")),
            None => Outcome::Note(format!("{sent} did not arrive: the stack, or the adapter")),
        })
    }

    fn channel(&mut self) -> Found {
        let Some((dc, label, ordered)) = self.opened()? else {
            return Ok(Outcome::Broken("the far end said no `channel`".to_owned()));
        };
        let named = dc.starts_with("b/r");
        self.remote = Some(dc.clone());
        Ok(if !named {
            Outcome::Broken(format!("the channel is called `{dc}`, its name begins with `b/r`"))
        } else if label != "main" {
            Outcome::Broken(format!("the label `main` arrived as `{label}`"))
        } else if !ordered {
            Outcome::Broken("an ordered channel arrived as unordered".to_owned())
        } else {
            Outcome::Holds
        })
    }

    fn messages(&mut self) -> Option<()> {
        let every_byte: Vec<u8> = (0..=u8::MAX).collect();
        let text = |text: &str| Payload::Text(text.to_owned());
        let rows = [
            ("bytes", "carries every byte as it is", Payload::Binary(every_byte)),
            ("text", "carries text of one to four bytes a character", text(LABEL)),
            ("newline", "carries text with line ends and quotes", text("\r\n\"\\\u{2028}")),
        ];
        for (id, requirement, payload) in rows {
            self.check(id, requirement, "§3 send", |lint| lint.echo(&payload))?;
        }
        self.check("nul", "carries text with U+0000", "§3 send", Self::nul)?;
        self.check("large", "carries 64 KiB, or as much as it declares", "§6", Self::large)
    }

    /// A stack whose texts are strings of C ends them there, so it is a note.
    fn nul(&mut self) -> Found {
        Ok(match self.echo(&Payload::Text("a\0b".to_owned()))? {
            Outcome::Broken(why) => Outcome::Note(why),
            other => other,
        })
    }

    /// Last of the messages: what is too large can be the end of a channel.
    fn large(&mut self) -> Found {
        const DEFAULT: usize = 1 << 16;
        let limit = self.hello.as_ref().and_then(|hello| hello.limits.max_message_size);
        let size = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(DEFAULT);
        let payload: Vec<u8> = (0..=u8::MAX).cycle().take(size.min(DEFAULT)).collect();
        let found = self.echo(&Payload::Binary(payload))?;
        Ok(match found {
            Outcome::Holds if size < DEFAULT => Outcome::Note(format!(
                "it carries the {size} bytes of its `maxMessageSize`; without \
                 `a=max-message-size` others may send {DEFAULT} (RFC 8841 §6.1)"
            )),
            other => other,
        })
    }

    /// Sends a message each way and compares.
    fn echo(&mut self, payload: &Payload) -> Found {
        let Some(remote) = self.remote.clone() else {
            return Ok(Outcome::Skipped("there is no channel".to_owned()));
        };
        for (from, to) in [("a/main", &*remote), (&*remote, "a/main")] {
            let (dc, sent) = (from.to_owned(), payload.clone());
            if let Some(why) = self.done(Command::Send { dc, payload: sent, repeat: 1 })? {
                return Ok(why);
            }
            let arrived = |event: &Event| match event {
                Event::Message { dc, payload } if dc == to => Some(payload.clone()),
                _ => None,
            };
            match self.client.wait(DELIVERY, arrived)? {
                Some(got) if got == *payload => {}
                Some(got) => {
                    return Ok(Outcome::Broken(format!("{payload:?} arrived as {got:?} at {to}")));
                }
                None => return Ok(Outcome::Broken(format!("nothing arrived at `{to}`"))),
            }
        }
        Ok(Outcome::Holds)
    }

    fn restart(&mut self) -> Found {
        if !self.has(Feature::Restart) {
            let make = Command::Offer { pc: "a".into(), ice_restart: true };
            return Ok(match self.client.ask(make)? {
                ReplyBody::Unsupported(_) => Outcome::Holds,
                other => Outcome::Broken(format!(
                    "`restart` is not among its features, and an offer with `iceRestart` gave \
                     {other:?} instead of `unsupported`"
                )),
            });
        }
        let fragment = |sdp: &str| {
            let found = sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:"));
            found.map(str::to_owned)
        };
        let offer = match self.negotiate(true)? {
            Ok(offer) => offer,
            Err(why) => return Ok(why),
        };
        if fragment(&self.offer) == fragment(&offer) {
            return Ok(Outcome::Broken(
                "it declares `restart`, and an offer with `iceRestart` has the ufrag of the first \
                 offer (RFC 8445 §9)"
                    .to_owned(),
            ));
        }
        self.restarted()
    }

    /// RFC 8445 §9: data goes on while ICE restarts, and after it. Where it does not, that may be the
    /// stack's defect, so it is a note.
    fn restarted(&mut self) -> Found {
        let until = wall::now() + RESTART;
        while wall::now() < until {
            self.pass_candidates()?;
            self.client.wait(SLICE, |_| None::<()>)?;
        }
        Ok(match self.echo(&Payload::Text("after the restart".to_owned()))? {
            Outcome::Broken(why) => {
                Outcome::Note(format!("after the restart: {why}: the stack, or the adapter"))
            }
            other => other,
        })
    }

    fn state(&mut self) -> Found {
        let state = match self.client.ask(Command::State { pc: "a".into() })? {
            ReplyBody::State(state) => state,
            ReplyBody::Unsupported(_) => {
                return Ok(Outcome::Skipped("it answers `unsupported`, as it may".to_owned()));
            }
            _ => return Ok(Outcome::Broken("`state` is not answered with states".to_owned())),
        };
        let known = [
            (
                "iceConnection",
                &state.ice_connection,
                "new checking connected completed \
                                                      disconnected failed closed",
            ),
            (
                "connection",
                &state.connection,
                "new connecting connected disconnected failed closed",
            ),
            ("iceGathering", &state.ice_gathering, "new gathering complete"),
            (
                "signaling",
                &state.signaling,
                "stable have-local-offer have-remote-offer \
                                             have-local-pranswer have-remote-pranswer closed",
            ),
        ];
        let wrong = known.iter().find(|(_, value, words)| {
            !value.is_empty() && !words.split_whitespace().any(|word| word == value.as_str())
        });
        Ok(match wrong {
            Some((name, value, words)) => {
                let words: Vec<&str> = words.split_whitespace().collect();
                let words = words.join(", ");
                Outcome::Broken(format!("`{name}` is `{value}`; there are {words}, or nothing"))
            }
            None if known.iter().all(|(_, value, _)| value.is_empty()) => {
                Outcome::Note("it tells none of the four states".to_owned())
            }
            None => Outcome::Holds,
        })
    }

    fn close(&mut self) -> Found {
        if let Some(why) = self.done(Command::Close { pc: "a".into() })? {
            return Ok(why);
        }
        Ok(match self.client.ask(Command::State { pc: "a".into() })? {
            ReplyBody::State(state) if ["", "closed"].contains(&state.connection.as_str()) => {
                Outcome::Holds
            }
            ReplyBody::Error { .. } | ReplyBody::Unsupported(_) => Outcome::Holds,
            other => Outcome::Broken(format!("`state` after `close` gave {other:?}")),
        })
    }
}
