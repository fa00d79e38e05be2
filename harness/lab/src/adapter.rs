//! An adapter as an implementation that can be cast.

use std::ffi::OsString;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use rtcspec_control::outside::{Arrivals, Bell, OutsideEndpoint, Passed, Source};
use rtcspec_control::process::{Launch, Process, ProcessError};
use rtcspec_control::{
    Command, Hello, Implementation, Origin, Request, RequestId, SpawnContext, SpawnError,
    VirtualEndpoint,
};
use serde_json::json;

use crate::host::{Host, Site, Wires};
use crate::keys::KeyLog;

/// How long an adapter may take to say hello; browsers take seconds.
const BEGIN: Duration = Duration::from_secs(60);

/// A program that speaks peerctl/1, started anew for each run, on a host of its own.
#[derive(Debug)]
pub struct Adapter {
    launch: Launch,
    hello: Hello,
    /// rtcspec itself, which makes the hosts.
    program: OsString,
}

impl Adapter {
    /// Asks an adapter who it is. `program` is rtcspec itself.
    ///
    /// # Errors
    /// [`ProcessError`] if it does not say.
    pub fn new(launch: Launch, program: OsString) -> Result<Self, ProcessError> {
        let mut process = Process::start(&launch)?;
        let hello = process.hello(BEGIN)?;
        let _ = process.close(Duration::from_secs(5));
        Ok(Self { launch, hello, program })
    }

    /// The same under another name, to tell it from a built-in one.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.hello.implementation);
        self
    }

    fn begin(
        &self,
        interfaces: &[Vec<IpAddr>],
        bell: &Arc<Bell>,
    ) -> Result<Live, Box<dyn std::error::Error>> {
        let arrivals = Arc::new(Arrivals::new(Arc::clone(bell)));
        let site = Site::new()?;
        let host = Host { interfaces: interfaces.to_vec(), ..Host::default() };
        let mut launch = self.launch.clone();
        launch.command = site.command(self.program.clone(), &host, &launch.command);
        launch.arrivals = Some(Arc::clone(&arrivals));
        let mut process = Process::start(&launch)?;
        let made = site.wait()?;
        process.hello(BEGIN)?;
        let wires = Wires::new(made.devices, made.kernel, interfaces, &arrivals);
        let keys = KeyLog::new(made.keys);
        arrivals.clear();
        Ok(Live { process, wires, keys, arrivals, answered: Vec::new(), ended: false })
    }
}

impl Implementation for Adapter {
    fn hello(&self) -> Hello {
        self.hello.clone()
    }

    fn spawn(&self, context: SpawnContext) -> Result<Box<dyn VirtualEndpoint>, SpawnError> {
        self.spawn_outside(context, &[], &Arc::new(Bell::default()))
    }

    fn origin(&self) -> Origin {
        Origin::Outside
    }

    fn spawn_outside(
        &self,
        _context: SpawnContext,
        interfaces: &[Vec<IpAddr>],
        bell: &Arc<Bell>,
    ) -> Result<Box<dyn VirtualEndpoint>, SpawnError> {
        let live = self.begin(interfaces, bell).map_err(|error| SpawnError {
            implementation: self.hello.implementation.clone(),
            reason: error.to_string(),
        })?;
        Ok(Box::new(OutsideEndpoint::new(self.hello.clone(), live)))
    }
}

/// A running peer on its host.
struct Live {
    process: Process,
    wires: Wires,
    keys: KeyLog,
    arrivals: Arc<Arrivals>,
    /// What its host says in its place.
    answered: Vec<Passed>,
    /// It has ended, which was told.
    ended: bool,
}

impl Live {
    /// Its host has other addresses from now on: the stack sees it in the system, nobody tells it.
    fn moves(&mut self, id: RequestId, addresses: &[IpAddr]) {
        let passed = match self.wires.readdress(addresses) {
            Ok(()) => Passed::Said(json!({"id": id, "ok": {}}).to_string()),
            Err(error) => Passed::Trouble(format!("change the addresses of a host: {error}")),
        };
        self.answered.push(passed);
        self.arrivals.note();
    }
}

impl Source for Live {
    const ORIGIN: Origin = Origin::Outside;

    fn first(&self) -> Option<Duration> {
        self.arrivals.first()
    }

    fn take(&mut self) -> Vec<Passed> {
        self.arrivals.clear();
        let mut found = Vec::new();
        // Keys come before what was done with them, or an observer could not read it.
        found.extend(self.keys.lines().into_iter().map(Passed::Secret));
        found.extend(self.wires.packets().iter().map(|packet| Passed::Sent(BASE64.encode(packet))));
        found.append(&mut self.answered);
        while !self.ended {
            match self.process.line() {
                Ok(Some(line)) => found.push(Passed::Said(line)),
                Ok(None) => break,
                Err(error) => {
                    self.ended = true;
                    let crash = json!({"ev": "error", "on": "", "name": "Crash",
                        "message": error.to_string()});
                    found.push(Passed::Said(crash.to_string()));
                }
            }
        }
        found
    }

    fn ask(&mut self, line: &str) {
        if let Ok(Request { id, command: Command::Interfaces { addresses, .. } }) =
            Request::read(line)
        {
            return self.moves(id, &addresses);
        }
        // That it has ended is told by what is read from it; one that reads nothing answers nothing.
        let _ = self.process.send(line);
    }

    fn receive(&mut self, packet: &[u8]) {
        self.wires.send(packet);
    }
}
