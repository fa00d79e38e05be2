//! A host for a peer, from outside: how the peer is started on it, and the devices' other ends.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, IoSliceMut, Read as _, Write as _};
use std::net::IpAddr;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use rtcspec_control::outside::Arrivals;
use rtcspec_control::wall;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use crate::interfaces::{self, Kernel};

/// The word with which rtcspec starts itself to become a host.
pub const WORD: &str = "__host";

/// How long a host may take to come about.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often a reading thread looks whether it is still wanted.
const GLANCE: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
/// The longest IP packet there is.
const LARGEST: usize = 65_535;
/// Packets that may wait to be taken in; more are lost, as they are on a link that is full.
const WAITING: usize = 4096;
/// Most interfaces a host may have.
const MOST_INTERFACES: usize = 8;
/// Descriptors of a report: the key log, the list of hosts, the way to the kernel and the devices.
pub(crate) const MOST_DESCRIPTORS: usize = 3 + MOST_INTERFACES;

/// Why there is no host.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The system refuses something outside.
    #[error("{what}: {reason}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the system says.
        reason: io::Error,
    },
    /// It failed inside.
    #[error("{0}")]
    Inside(String),
    /// It said nothing in time.
    #[error("the host did not come about within {} s", PATIENCE.as_secs())]
    TooLate,
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> HostError {
    move |reason| HostError::System { what, reason }
}

/// What a host is to be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Addresses, interface by interface.
    pub interfaces: Vec<Vec<IpAddr>>,
    /// Names it knows, besides its own.
    pub names: Vec<(String, IpAddr)>,
    /// A person is there: what a terminal sends on ctrl-C is for the command.
    pub attended: bool,
}

/// A host that was made, seen from outside.
#[derive(Debug)]
pub(crate) struct Made {
    /// The key log its command appends to.
    pub(crate) keys: OwnedFd,
    /// Its `/etc/hosts`.
    pub(crate) names: OwnedFd,
    /// The way to the kernel, about its interfaces.
    pub(crate) kernel: OwnedFd,
    /// The other ends of its devices, in the order of its interfaces.
    pub(crate) devices: Vec<OwnedFd>,
}

/// A host that is about to be made: where it will report to.
#[derive(Debug)]
pub(crate) struct Site {
    listener: UnixListener,
    name: String,
}

impl Site {
    /// Prepares for a host.
    ///
    /// # Errors
    /// [`HostError::System`] if there can be no socket.
    pub(crate) fn new() -> Result<Self, HostError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("rtcspec-host-{}-{number}", std::process::id());
        // A name without a file: nothing is left of it.
        let address = SocketAddr::from_abstract_name(&name).map_err(system("name a socket"))?;
        let listener = UnixListener::bind_addr(&address).map_err(system("open a socket"))?;
        Ok(Self { listener, name })
    }

    /// The command that makes the host and runs `command` on it; `program` is rtcspec itself.
    #[must_use]
    pub(crate) fn command(
        &self,
        program: OsString,
        host: &Host,
        command: &[OsString],
    ) -> Vec<OsString> {
        let mut words = vec![program, WORD.into(), "--report-to".into(), self.name.clone().into()];
        for addresses in &host.interfaces {
            let list: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
            words.extend(["--interface".into(), list.join(",").into()]);
        }
        for (name, address) in &host.names {
            words.extend(["--name".into(), format!("{name}={address}").into()]);
        }
        if host.attended {
            words.push("--attended".into());
        }
        words.push("--".into());
        words.extend(command.iter().cloned());
        words
    }

    /// Waits for the host that was started, and takes over the other ends of its devices.
    ///
    /// # Errors
    /// [`HostError`] if it did not come about.
    pub(crate) fn wait(self) -> Result<Made, HostError> {
        let begin = wall::now();
        self.listener.set_nonblocking(true).map_err(system("wait for the host"))?;
        let stream = loop {
            match self.listener.accept() {
                Ok((stream, _)) => break stream,
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Err(system("wait for the host")(error));
                }
                Err(_) if begin.elapsed() > PATIENCE => return Err(HostError::TooLate),
                Err(_) => thread::sleep(Duration::from_millis(2)),
            }
        };
        stream.set_nonblocking(false).map_err(system("wait for the host"))?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(system("wait for the host"))?;
        report(&stream)
    }
}

/// A host's report: what went wrong, or nothing and what it hands out.
fn report(stream: &UnixStream) -> Result<Made, HostError> {
    let mut text = [0; 1024];
    let mut space =
        [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got =
        recvmsg(stream, &mut [IoSliceMut::new(&mut text)], &mut control, RecvFlags::CMSG_CLOEXEC)
            .map_err(|error| system("hear from the host")(error.into()))?;
    let mut descriptors = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(some) = message {
            descriptors.extend(some);
        }
    }
    let words = String::from_utf8_lossy(&text[..got.bytes]);
    let mut descriptors = descriptors.into_iter();
    let ready = words.strip_prefix("ready").and_then(|_| {
        let (keys, names, kernel) = (descriptors.next()?, descriptors.next()?, descriptors.next()?);
        Some(Made { keys, names, kernel, devices: descriptors.collect() })
    });
    match (ready, got.bytes) {
        (Some(made), _) => Ok(made),
        (None, 0) => Err(HostError::Inside("it ended before it was ready".to_owned())),
        (None, _) => Err(HostError::Inside(words.into_owned())),
    }
}

/// The other ends of a host's devices.
#[derive(Debug)]
pub(crate) struct Wires {
    devices: Vec<(Vec<IpAddr>, Arc<File>)>,
    kernel: Kernel,
    packets: Receiver<Vec<u8>>,
    wanted: Arc<AtomicBool>,
}

impl Wires {
    /// Reads each device in a thread of its own from now on.
    #[must_use]
    pub(crate) fn new(
        devices: Vec<OwnedFd>,
        kernel: OwnedFd,
        interfaces: &[Vec<IpAddr>],
        arrivals: &Arc<Arrivals>,
    ) -> Self {
        let (sender, packets) = sync_channel(WAITING);
        let wanted = Arc::new(AtomicBool::new(true));
        let devices: Vec<_> = interfaces
            .iter()
            .cloned()
            .zip(devices.into_iter().map(|device| Arc::new(File::from(device))))
            .collect();
        for (_, device) in &devices {
            let (device, sender) = (Arc::clone(device), sender.clone());
            let (arrivals, wanted) = (Arc::clone(arrivals), Arc::clone(&wanted));
            thread::spawn(move || read(&device, &sender, &arrivals, &wanted));
        }
        Self { devices, kernel: kernel.into(), packets, wanted }
    }

    /// The host has other addresses from now on, as one that moves to another network.
    ///
    /// # Errors
    /// What the system refuses.
    pub(crate) fn readdress(&mut self, addresses: &[IpAddr]) -> io::Result<()> {
        let before: Vec<Vec<IpAddr>> = self.devices.iter().map(|(own, _)| own.clone()).collect();
        let after = interfaces::moved(&before, addresses);
        for (number, (before, after)) in before.iter().zip(after).enumerate() {
            if *before != after {
                self.kernel.readdress(number, before, &after)?;
                self.devices[number].0 = after;
            }
        }
        Ok(())
    }

    /// The packets that have arrived.
    pub(crate) fn packets(&self) -> Vec<Vec<u8>> {
        self.packets.try_iter().collect()
    }

    /// Gives the host a packet, by the interface it is addressed to.
    pub(crate) fn send(&self, packet: &[u8]) {
        let to = destination(packet);
        let addressed = |(addresses, _): &&(Vec<IpAddr>, Arc<File>)| {
            to.is_some_and(|to| addresses.contains(&to))
        };
        let device = self.devices.iter().find(addressed).or(self.devices.first());
        if let Some((_, device)) = device {
            // A kernel that does not take it loses it, as any host may.
            let _ = (&**device).write(packet);
        }
    }
}

impl Drop for Wires {
    fn drop(&mut self) {
        self.wanted.store(false, Ordering::Relaxed);
    }
}

/// Where an IP packet goes.
fn destination(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => <[u8; 4]>::try_from(packet.get(16..20)?).ok().map(IpAddr::from),
        6 => <[u8; 16]>::try_from(packet.get(24..40)?).ok().map(IpAddr::from),
        _ => None,
    }
}

fn read(device: &File, sender: &SyncSender<Vec<u8>>, arrivals: &Arrivals, wanted: &AtomicBool) {
    let mut buffer = vec![0; LARGEST];
    while wanted.load(Ordering::Relaxed) {
        let mut ready = [PollFd::from_borrowed_fd(device.as_fd(), PollFlags::IN)];
        if !poll(&mut ready, Some(&GLANCE)).is_ok_and(|ready| ready > 0) {
            continue;
        }
        // A device whose host has ended has nothing to read any more.
        let Ok(length) = (&*device).read(&mut buffer) else { return };
        if sender.try_send(buffer[..length].to_vec()).is_ok() {
            arrivals.note();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_names_the_interfaces_and_ends_with_that_of_the_peer() {
        let site = Site::new().unwrap();
        let interfaces = vec![
            vec!["10.1.0.2".parse().unwrap(), "2001:db8::2".parse().unwrap()],
            vec!["10.2.0.2".parse().unwrap()],
        ];
        let names = vec![("turn".to_owned(), "198.51.100.4".parse().unwrap())];
        let host = Host { interfaces, names, attended: true };
        let words = site.command("rtcspec".into(), &host, &["node".into(), "x.js".into()]);
        let words: Vec<&str> = words.iter().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(words[..2], ["rtcspec", "__host"]);
        let rest = "--interface 10.1.0.2,2001:db8::2 --interface 10.2.0.2 \
                    --name turn=198.51.100.4 --attended -- node x.js";
        assert_eq!(words[4..].join(" "), rest);
    }

    #[test]
    fn where_packets_go() {
        let mut v4 = vec![0x45; 20];
        v4[16..20].copy_from_slice(&[10, 0, 0, 7]);
        assert_eq!(destination(&v4), Some([10, 0, 0, 7].into()));
        assert_eq!(destination(&v4[..19]), None);
        assert_eq!(destination(&[]), None);
    }

    #[test]
    fn a_host_that_fails_says_why() {
        let site = Site::new().unwrap();
        let address = SocketAddr::from_abstract_name(&site.name).unwrap();
        let mut inside = UnixStream::connect_addr(&address).unwrap();
        inside.write_all(b"make namespaces: not allowed").unwrap();
        drop(inside);
        assert_eq!(site.wait().unwrap_err().to_string(), "make namespaces: not allowed");
    }
}
