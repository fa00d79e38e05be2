//! A host for a peer, from inside. rtcspec starts itself ([`host`]), makes namespaces, devices and
//! surroundings, reports, starts itself once more ([`start`]) as the first process of the new
//! process namespace and becomes the peer; or, where a person is ([`attend`]), the parent of what the
//! person starts: signals that nobody minds do not reach a first process.
//!
//! The kernel ends the first process when the one that started it ends, and everything in a process
//! namespace when its first process does: a peer and whatever it started end with rtcspec, also if
//! that is killed.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, IoSlice, Write as _};
use std::os::fd::AsFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixStream};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nix::sched::{CloneFlags, unshare};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use rustix::process::{Pid, Signal, WaitOptions, set_parent_process_death_signal, wait};
use signal_hook::consts::{SIGINT, SIGQUIT};
use tun_rs::SyncDevice;

use crate::host::Host;
use crate::interfaces::Kernel;
use crate::{interfaces, surroundings};

/// The word with which rtcspec starts itself to become a peer.
pub const START: &str = "__start";
/// The word with which rtcspec starts itself to stay beside what a person has started.
pub const ATTEND: &str = "__attend";

/// Exit code of a peer that cannot run.
const CANNOT_RUN: u8 = 127;

/// What a host is made from.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The abstract name of the socket that is waiting for the report.
    pub report_to: String,
    /// What it is like.
    pub host: Host,
    /// The peer.
    pub command: Vec<OsString>,
}

/// Becomes a host and runs the peer on it; gives the peer's exit code.
///
/// # Panics
/// Never.
#[must_use]
pub fn host(plan: &Plan) -> ExitCode {
    let Ok(mut report) = SocketAddr::from_abstract_name(&plan.report_to)
        .and_then(|address| UnixStream::connect_addr(&address))
    else {
        eprintln!("nobody waits for this host");
        return CANNOT_RUN.into();
    };
    let made = die_with_parent().and_then(|()| make(&plan.host));
    let made = made.and_then(|made| send(&report, &made).map(|()| made));
    let own = match made {
        Ok(made) => made,
        Err(error) => {
            let _ = report.write_all(error.to_string().as_bytes());
            return CANNOT_RUN.into();
        }
    };
    drop(report);
    let code = run(plan);
    // They stay until the peer has ended.
    drop(own);
    code
}

/// Becomes the peer. What comes before its command is the number of the process that asks for it.
#[must_use]
pub fn start(words: &[OsString]) -> ExitCode {
    let [parent, program, arguments @ ..] = words else { return CANNOT_RUN.into() };
    if die_with(parent).is_err() {
        return CANNOT_RUN.into();
    }
    surroundings::own_processes();
    let error = Command::new(program).args(arguments).exec();
    eprintln!("{}: {error}", program.to_string_lossy());
    CANNOT_RUN.into()
}

/// Starts a command and waits for it, as the parent of all that loses its own. The words are those
/// of [`start`].
#[must_use]
pub fn attend(words: &[OsString]) -> ExitCode {
    let [parent, program, arguments @ ..] = words else { return CANNOT_RUN.into() };
    if die_with(parent).and_then(|()| spare_keys()).is_err() {
        return CANNOT_RUN.into();
    }
    surroundings::own_processes();
    let child = match Command::new(program).args(arguments).spawn() {
        Ok(child) => child,
        Err(error) => {
            eprintln!("{}: {error}", program.to_string_lossy());
            return CANNOT_RUN.into();
        }
    };
    let child = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if Some(pid) == child => {
                return code(ExitStatus::from_raw(status.as_raw()));
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return CANNOT_RUN.into(),
        }
    }
}

/// What a terminal sends on ctrl-C goes to everybody in front of it; it is meant for the command.
fn spare_keys() -> io::Result<()> {
    for signal in [SIGINT, SIGQUIT] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false)))?;
    }
    Ok(())
}

fn die_with_parent() -> io::Result<()> {
    Ok(set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// The same, unless the parent, of this number, has ended before the kernel was asked: then nobody
/// would end this process. The first process of a process namespace sees no parent; the `/proc` from
/// before does.
fn die_with(parent: &OsStr) -> io::Result<()> {
    die_with_parent()?;
    let status = fs::read_to_string("/proc/self/status")?;
    let now = status.lines().find_map(|line| line.strip_prefix("PPid:"));
    if now.is_some_and(|now| parent == now.trim()) {
        Ok(())
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// What a host hands out.
struct Own {
    keys: File,
    names: File,
    kernel: Kernel,
    devices: Vec<SyncDevice>,
}

fn make(host: &Host) -> io::Result<Own> {
    if host.attended {
        spare_keys()?;
    }
    namespaces().map_err(during("make namespaces"))?;
    let names = surroundings::own_names(&host.names).map_err(during("give the host a resolver"))?;
    let keys = surroundings::own_keys().map_err(during("give the host a key log"))?;
    let (kernel, devices) = interfaces::make(&host.interfaces)?;
    Ok(Own { keys, names, kernel, devices })
}

/// Puts what was tried before what the system says.
pub(crate) fn during(what: &'static str) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{what}: {error}"))
}

fn namespaces() -> io::Result<()> {
    let own = CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID;
    if unshare(own).is_ok() {
        return Ok(());
    }
    // Not root, or root without rights: both have them in a user namespace of their own.
    let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
    unshare(own | CloneFlags::CLONE_NEWUSER)?;
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("0 {} 1", user.as_raw()))?;
    fs::write("/proc/self/gid_map", format!("0 {} 1", group.as_raw()))
}

fn send(report: &UnixStream, Own { keys, names, kernel, devices }: &Own) -> io::Result<()> {
    let devices = devices.iter().map(|device| device.as_fd());
    let own = [keys.as_fd(), names.as_fd(), kernel.as_fd()];
    let descriptors: Vec<_> = own.into_iter().chain(devices).collect();
    let mut space = [std::mem::MaybeUninit::uninit();
        rustix::cmsg_space!(ScmRights(crate::host::MOST_DESCRIPTORS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
        return Err(io::Error::other("too many interfaces"));
    }
    sendmsg(report, &[IoSlice::new(b"ready")], &mut control, SendFlags::empty())?;
    Ok(())
}

fn run(plan: &Plan) -> ExitCode {
    let mut peer = Command::new("/proc/self/exe");
    peer.arg(if plan.host.attended { ATTEND } else { START });
    peer.arg(std::process::id().to_string()).args(&plan.command);
    peer.envs(surroundings::PLACES);
    match peer.status() {
        Ok(status) => code(status),
        Err(error) => {
            eprintln!("start the peer: {error}");
            CANNOT_RUN.into()
        }
    }
}

/// The exit code a shell would give.
fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1).into()
}
