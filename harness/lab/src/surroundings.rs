//! What a peer finds on its host besides the network.

use std::fmt::Write as _;
use std::fs::{self, File, Permissions};
use std::io;
use std::net::IpAddr;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};

/// Where a host keeps files of its own; it is memory that nobody else sees.
const PRIVATE: &str = "/dev/shm";

/// Where a peer keeps what nobody needs after it: in memory that ends with the host.
pub(crate) const PLACES: [(&str, &str); 2] = [("SSLKEYLOGFILE", KEYS), ("TMPDIR", SCRATCH)];
const KEYS: &str = "/dev/shm/keys";
const SCRATCH: &str = "/dev/shm/tmp";

/// Names are asked of the host itself, where nobody answers: no question leaves it, and none waits.
const RESOLVE_HERE: &str = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";
const RESOLVER: &str = "/dev/shm/resolv.conf";
const HOSTS: &str = "/dev/shm/hosts";

/// A resolver and a list of hosts of its own, and memory that is shared with nobody; gives the list.
///
/// # Errors
/// What the system says.
pub(crate) fn own_names(names: &[(String, IpAddr)]) -> io::Result<File> {
    // What is mounted here is to be seen here only.
    mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    mount("tmpfs", PRIVATE, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, None)?;
    for (own, place, text) in [
        (RESOLVER, "/etc/resolv.conf", RESOLVE_HERE.to_owned()),
        (HOSTS, "/etc/hosts", hosts(names)),
    ] {
        fs::write(own, text)?;
        if Path::new(place).exists() {
            mount_bind(own, place)?;
        }
    }
    File::options().write(true).open(HOSTS)
}

/// Writes a list of hosts anew.
///
/// # Errors
/// What the system says.
pub(crate) fn rename(list: &File, names: &[(String, IpAddr)]) -> io::Result<()> {
    let text = hosts(names);
    list.write_all_at(text.as_bytes(), 0)?;
    list.set_len(text.len() as u64)
}

fn hosts(names: &[(String, IpAddr)]) -> String {
    let mut text = "127.0.0.1 localhost\n::1 localhost ip6-localhost\n".to_owned();
    for (name, address) in names {
        let _ = writeln!(text, "{address} {name}");
    }
    text
}

/// An empty key log, and a folder for what is temporary.
///
/// # Errors
/// What the system says.
pub(crate) fn own_keys() -> io::Result<File> {
    fs::create_dir(SCRATCH)?;
    fs::set_permissions(SCRATCH, Permissions::from_mode(0o1777))?;
    File::options().read(true).append(true).create_new(true).open(KEYS)
}

/// The first process of a process namespace gives itself a `/proc` that shows it.
pub(crate) fn own_processes() {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    // In a container that hides parts of its own this is refused; most peers do not mind.
    let _ = mount("proc", "/proc", "proc", flags, None);
}
