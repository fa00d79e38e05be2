//! What a peer finds on its host besides the network.

use std::fs;
use std::io;
use std::path::Path;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};

/// Where a host keeps files of its own; it is memory that nobody else sees.
const PRIVATE: &str = "/dev/shm";

/// Names are asked of the host itself, where nobody answers: no question leaves it, and none waits.
const RESOLVER: &str = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";
const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n";

/// A resolver and a list of hosts of its own, and memory that is shared with nobody.
///
/// # Errors
/// What the system says.
pub(crate) fn own_names() -> io::Result<()> {
    // What is mounted here is to be seen here only.
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    mount("tmpfs", PRIVATE, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, None)?;
    for (place, text) in [("/etc/resolv.conf", RESOLVER), ("/etc/hosts", HOSTS)] {
        if Path::new(place).exists() {
            let own = format!("{PRIVATE}/{}", place.rsplit('/').next().unwrap_or_default());
            fs::write(&own, text)?;
            mount_bind(&own, place)?;
        }
    }
    Ok(())
}

/// The first process of a process namespace gives itself a `/proc` that shows it.
pub(crate) fn own_processes() {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // In a container that hides parts of its own this is refused; most peers do not mind.
    let _ = mount("proc", "/proc", "proc", flags, None);
}
