//! `rtcspec lab`: real commands on hosts of scenarios.
//!
//! Where the machine allows neither namespaces nor TUN devices, the tests say so and prove nothing.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStderr, Command, Output, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

const RTCSPEC: &str = env!("CARGO_BIN_EXE_rtcspec");

/// Asks the STUN server where it comes from, by RFC 8489 §5 and §14.2.
const ASK: &str = r#"
import os, socket, struct
host, port = os.environ["RTCSPEC_STUN"].split(":")[1:]
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(5)
s.connect((host, int(port)))
s.send(struct.pack("!HHI", 1, 0, 0x2112a442) + b"rtcspec-test")
m, at = s.recv(1500), 20
while m[at:at + 2] != b"\x00\x20":
    at += 4 + (struct.unpack("!H", m[at + 2:at + 4])[0] + 3) // 4 * 4
port, address = struct.unpack("!HI", m[at + 6:at + 12])
print(os.environ["RTCSPEC_HOST"], s.getsockname()[0], socket.inet_ntoa(struct.pack("!I", address ^ 0x2112a442)), flush=True)
"#;

/// Answers for the name `a.local`, by RFC 6762: from a member of the group, to whoever asks.
const RESPOND: &str = r#"
import socket, struct
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 5353))
own = socket.inet_aton(socket.gethostbyname("alice"))
s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton("224.0.0.251") + own)
while True:
    m, who = s.recvfrom(1500)
    if m[2] & 0x80 == 0 and m[12:].startswith(b"\x01a\x05local\x00"):
        answer = b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 10, 4) + own
        s.sendto(m[:2] + b"\x84\x00\x00\x01\x00\x01\x00\x00\x00\x00" + m[12:25] + answer, who)
"#;

/// Asks for the address of `a.local`, as a simple querier does, and says what it hears.
const LOOK_UP: &str = r#"
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(0.3)
found = "nobody"
for _ in range(10):
    s.sendto(b"\x12\x34" + b"\x00\x00\x00\x01" + bytes(6) + b"\x01a\x05local\x00\x00\x01\x00\x01", ("224.0.0.251", 5353))
    try:
        m, who = s.recvfrom(1500)
        found = socket.inet_ntoa(m[-4:]) + " from " + who[0]
        break
    except TimeoutError: pass
print(found, socket.gethostbyname("alice"), flush=True)
"#;

/// Waits until its host has been without an address and has one again, and says both.
const ROAM: &str = r#"
import fcntl, socket, struct, time
def own():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try: return socket.inet_ntoa(fcntl.ioctl(s, 0x8915, struct.pack("256s", b"eth0"))[20:24])
    except OSError: return None
def until(done):
    while not done(): time.sleep(0.02)
before = own()
until(lambda: own() is None)
until(lambda: own() is not None)
print(before, own(), socket.gethostbyname("alice"), flush=True)
"#;

/// Sends to alice from port 5000 and says which ports of hers it hears from.
const CALL: &str = r#"
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 5000))
heard = set()
s.settimeout(0.3)
for _ in range(10):
    s.sendto(b"hello", ("alice", 6000))
    try:
        while True: heard.add(s.recvfrom(99)[1][1])
    except TimeoutError: pass
print(sorted(heard), flush=True)
"#;

/// Answers from the port it was asked at and from another one.
const ANSWER: &str = r#"
import socket
a, b = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
a.bind(("", 6000)); b.bind(("", 6001))
while True:
    _, who = a.recvfrom(99)
    a.sendto(b"a", who); b.sendto(b"b", who)
"#;

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What keeps this machine from having hosts, if anything does.
fn no_hosts(told: &str) -> bool {
    let reasons = ["make namespaces", "make a TUN device", "give the host a resolver"];
    let found = reasons.iter().find(|words| told.contains(**words));
    if let Some(words) = found {
        eprintln!("SKIPPED on this machine: it does not let us {words}");
    }
    found.is_some()
}

/// Runs a lab to its end; `None` where there can be no hosts.
fn lab(arguments: &[&str]) -> Option<Output> {
    let output = Command::new(RTCSPEC).arg("lab").args(arguments).output();
    let output = output.expect("the binary runs");
    (!no_hosts(&words(&output.stderr))).then_some(output)
}

/// A lab that was started, and the lines it tells.
struct Running {
    child: Child,
    told: BufReader<ChildStderr>,
}

impl Running {
    fn new(arguments: &[&str]) -> Self {
        let mut child = Command::new(RTCSPEC)
            .arg("lab")
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary runs");
        let told = BufReader::new(child.stderr.take().expect("invariant: it was asked for"));
        Self { child, told }
    }

    /// Reads what is told up to a line with these words; false where there can be no hosts.
    fn tells(&mut self, wanted: &str) -> bool {
        let mut all = String::new();
        while self.told.read_line(&mut all).is_ok_and(|read| read > 0) {
            if all.contains(wanted) {
                return true;
            }
        }
        assert!(no_hosts(&all), "`{wanted}` was not told: {all}");
        false
    }

    fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill -s {name} {id}");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Processes whose command line has this.
fn processes(marker: &str) -> usize {
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let lines = all.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.filter(|line| words(line).contains(marker)).count()
}

#[expect(clippy::disallowed_methods, reason = "processes come and go in their own time")]
fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_command_is_behind_the_nat_of_its_host_and_its_exit_code_is_that_of_the_lab() {
    let script = format!("{ASK}\nexit(7)");
    let arguments = ["nat/symmetric-symmetric", "--", "python3", "-c", &script];
    let Some(output) = lab(&arguments) else { return };
    let (said, told) = (words(&output.stdout), words(&output.stderr));
    assert_eq!(output.status.code(), Some(7), "{said}{told}");
    let seen: Vec<&str> = said.split_whitespace().collect();
    assert_eq!(seen.len(), 3, "{said}{told}");
    assert!(seen[0] == "alice" && seen[1].starts_with("10."), "{said}");
    assert!(seen[2].starts_with("203.0.113."), "the NAT's address, not the host's: {said}");
    assert!(told.contains("behind nat."), "{told}");
    assert!(told.contains("server stun:") && told.contains("username rtcspec"), "{told}");
}

#[test]
fn what_the_nat_filters_does_not_reach_a_command() {
    let also = format!("alice=exec python3 -c '{ANSWER}'");
    for (scenario, heard) in
        [("nat/open-port-restricted-cone", "[6000]"), ("nat/open-full-cone", "[6000, 6001]")]
    {
        let arguments =
            [scenario, "--quiet", "--host", "bob", "--also", &also, "--", "python3", "-c", CALL];
        let Some(output) = lab(&arguments) else { return };
        assert_eq!(words(&output.stdout).trim(), heard, "{scenario}: {}", words(&output.stderr));
        assert_eq!(words(&output.stderr), "", "quiet");
    }
}

#[test]
fn events_that_wait_for_peers_are_carried_out_on_request() {
    let mut lab = Running::new(&["nat/reboot-new-ports", "--", "sleep", "60"]);
    if !lab.tells("to come: reboot nat.home after") {
        return;
    }
    lab.tells("carries out the first that waits");
    lab.signal("USR1");
    assert!(lab.tells(" s: reboot nat.home"));
}

#[test]
fn a_name_of_multicast_dns_is_found_on_the_link_and_nowhere_else() {
    let also = format!("alice=exec python3 -c '{RESPOND}'");
    for (scenario, found) in [("nat/open-open", true), ("nat/open-full-cone", false)] {
        let arguments =
            [scenario, "--quiet", "--host", "bob", "--also", &also, "--", "python3", "-c", LOOK_UP];
        let Some(output) = lab(&arguments) else { return };
        let said = words(&output.stdout);
        let alice = said.split_whitespace().last().unwrap_or_default();
        let wanted = if found { format!("{alice} from {alice}") } else { "nobody".to_owned() };
        let told = words(&output.stderr);
        assert_eq!(said.trim(), format!("{wanted} {alice}"), "{scenario}: {told}");
    }
}

#[test]
fn a_host_that_moves_is_somewhere_else_and_its_command_sees_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("said");
    let script = format!("{ROAM}{ASK}");
    let arguments = ["nat/network-move", "--", "sh", "-c", "exec python3 -c \"$1\" > \"$2\"", "-"];
    let mut lab = Running::new(&[&arguments[..], &[&script, file.to_str().unwrap()]].concat());
    if !lab.tells("to come: move alice to cell after connected + 5s") {
        return;
    }
    wait_for("the command has begun", || file.exists());
    lab.signal("USR1");
    for line in ["unplug alice", "alice has no address", "move alice to cell", "alice has 10."] {
        assert!(lab.tells(&format!(" s: {line}")));
    }
    assert_eq!(lab.child.wait().unwrap().code(), Some(0));
    let said = fs::read_to_string(&file).unwrap();
    let seen: Vec<&str> = said.split_whitespace().collect();
    let [before, now, named, "alice", own, outside] = seen[..] else { panic!("{said}") };
    assert!(before != now && [named, own] == [now; 2], "another address: {said}");
    assert!(outside.starts_with("203.0.113."), "behind another NAT: {said}");
}

#[test]
fn a_lab_that_is_ended_or_killed_leaves_nothing_and_so_does_one_that_ends() {
    let marker = format!("31{}", std::process::id());
    let background = format!("sleep {marker} & sleep 600");
    for (signal, code) in [("TERM", Some(143)), ("KILL", None)] {
        let mut lab = Running::new(&["nat/open-open", "--", "sh", "-c", &background]);
        if !lab.tells("alice") {
            return;
        }
        wait_for("it has begun", || processes(&marker) > 2);
        lab.signal(signal);
        assert_eq!(lab.child.wait().unwrap().code(), code);
        wait_for("nothing is left", || processes(&marker) == 0);
    }
    let short = format!("sleep {marker} & exit 3");
    let Some(output) = lab(&["nat/open-open", "--", "sh", "-c", &short]) else { return };
    assert_eq!(output.status.code(), Some(3));
    wait_for("nothing is left", || processes(&marker) == 0);
}

#[test]
fn what_was_on_the_network_is_written_and_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.pcapng");
    let path = file.to_str().unwrap();
    let script =
        "import os; open(os.environ['SSLKEYLOGFILE'], 'a').write('CLIENT_RANDOM 00 00\\n')";
    let script = format!("{ASK}\n{script}");
    let arguments = ["nat/symmetric-symmetric", "--pcap", path, "--", "python3", "-c", &script];
    let Some(output) = lab(&arguments) else { return };
    assert!(output.status.success(), "{}", words(&output.stderr));
    let bytes = fs::read(&file).unwrap();
    let key = b"CLIENT_RANDOM 00 00\n";
    assert!(bytes.windows(key.len()).any(|part| part == key), "the key log is in it");
    let told = Command::new(RTCSPEC).args(["nat-infer", path]).output().unwrap();
    assert!(words(&told.stdout).contains("203.0.113."), "{}", words(&told.stdout));
}

#[test]
fn what_is_not_there_is_named() {
    let code = |arguments: &[&str]| {
        let output = Command::new(RTCSPEC).arg("lab").args(arguments).output().unwrap();
        (output.status.code(), words(&output.stderr))
    };
    let (exit, told) = code(&["nat/symmetric-symetric", "--", "true"]);
    assert_eq!(exit, Some(4));
    assert!(told.contains("nat/symmetric-symmetric"), "{told}");
    let (exit, told) = code(&["nat/open-open", "--host", "carol", "--", "true"]);
    assert_eq!(exit, Some(2));
    assert!(told.contains("there are alice and bob"), "{told}");
    let (exit, told) = code(&["nat/open-open", "--also", "alice=true", "--", "true"]);
    assert_eq!(exit, Some(2));
    assert!(told.contains("a command runs on `alice` already"), "{told}");
    let Some(output) = lab(&["nat/open-open", "--quiet", "--", "/no/such/program"]) else { return };
    assert_eq!(output.status.code(), Some(127));
    assert!(words(&output.stderr).contains("/no/such/program"), "{}", words(&output.stderr));
}
