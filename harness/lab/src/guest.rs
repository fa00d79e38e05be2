//! A command on a host, with the terminal of whoever started it.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rtcspec_control::outside::{Arrivals, Bell};

use crate::host::{Host, HostError, Site, Wires};
use crate::keys::KeyLog;
use crate::surroundings;

/// Why a command is on no host.
#[derive(Debug, thiserror::Error)]
pub enum GuestError {
    /// There is no host.
    #[error(transparent)]
    Host(#[from] HostError),
    /// rtcspec could not start itself.
    #[error("start a host: {0}")]
    Start(io::Error),
}

/// A command that runs on a host, with standard input, output and error as rtcspec has them.
#[derive(Debug)]
pub struct Guest {
    child: Child,
    wires: Wires,
    keys: KeyLog,
    names: File,
    arrivals: Arc<Arrivals>,
}

impl Guest {
    /// Makes a host and runs a command on it. `program` is rtcspec itself; `reads` is true for the
    /// one guest that has standard input. The bell rings when a packet comes from the host.
    ///
    /// # Errors
    /// [`GuestError`] if there is no host. A command that does not start is one that ends with 127.
    pub fn new(
        program: OsString,
        host: &Host,
        command: &[OsString],
        environment: &[(String, String)],
        reads: bool,
        bell: &Arc<Bell>,
    ) -> Result<Self, GuestError> {
        let site = Site::new()?;
        let words = site.command(program, host, command);
        let mut spawn = Command::new(&words[0]);
        spawn.args(&words[1..]).envs(environment.iter().cloned());
        if !reads {
            spawn.stdin(Stdio::null());
        }
        let mut child = spawn.spawn().map_err(GuestError::Start)?;
        let made = site.wait().inspect_err(|_| end(&mut child))?;
        let arrivals = Arc::new(Arrivals::new(Arc::clone(bell)));
        let wires = Wires::new(made.devices, made.kernel, &host.interfaces, &arrivals);
        let (keys, names) = (KeyLog::new(made.keys), made.names.into());
        Ok(Self { child, wires, keys, names, arrivals })
    }

    /// Packets it has sent since the last call.
    pub fn packets(&self) -> Vec<Vec<u8>> {
        self.arrivals.clear();
        self.wires.packets()
    }

    /// Gives it a packet.
    pub fn receive(&self, packet: &[u8]) {
        self.wires.send(packet);
    }

    /// Its host has other addresses from now on, as one that moves to another network.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn readdress(&mut self, addresses: &[IpAddr]) -> io::Result<()> {
        self.wires.readdress(addresses)
    }

    /// Its host knows these names from now on, besides its own.
    ///
    /// # Errors
    /// What the system refuses.
    pub fn rename(&mut self, names: &[(String, IpAddr)]) -> io::Result<()> {
        surroundings::rename(&self.names, names)
    }

    /// Whole lines its key log has got since the last call.
    pub fn keys(&mut self) -> Vec<String> {
        self.keys.lines()
    }

    /// Its exit code once it has ended, as a shell gives it.
    pub fn exit_code(&mut self) -> Option<u8> {
        let status = self.child.try_wait().ok()??;
        Some(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// The kernel ends all that is on the host with the process that made it.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}
