//! Inputs that do not end, and inputs that end the process.
//!
//! Nothing stops a thread, and nothing outlives a process whose stack overflows. So what runs inputs is
//! a process of its own, which leaves the one it is at in a file: whoever waits for it finds it there.

use std::env;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::parent_id;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio, exit};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rtcspec_control::wall;
use rtcspec_fuzz::case::Case;
use rtcspec_fuzz::finding::{Finding, Oracle, Verdict};
use rtcspec_fuzz::target::{self, Target};

use crate::exit::{Exit, Failure, Outcome};

/// Between two looks at what is run.
pub(super) const LOOK: Duration = Duration::from_secs(1);
/// A process that spends less than this between two looks does nothing.
const WAITING: Duration = Duration::from_millis(1);
/// An input takes milliseconds; one that takes so long does not end.
pub(super) const ENDLESS: Duration = Duration::from_secs(60);
/// The exit code of a process with such an input.
const HUNG: i32 = 86;

/// Names, for a process that runs inputs, the file for the one it is at.
const FILE: &str = "RTCSPEC_FUZZ_FILE";
/// Names the one target it is for.
const TARGET: &str = "RTCSPEC_FUZZ_TARGET";
/// Bytes of that file before the input: the number of its target, and how long it is.
const HEAD: usize = 16;
/// Inputs of this length and shorter are written at once.
const USUAL: usize = 4096;

/// How long what is run has taken, in time of the processor: a process that was stopped by a signal, or
/// that has little of its machine, takes minutes for what takes milliseconds. One that takes no time of the
/// processor at all waits for what does not come, and is taken by the wall's.
pub(super) struct Watch<T> {
    running: Option<T>,
    spent: Duration,
    taken: Duration,
}

impl<T: PartialEq> Watch<T> {
    pub(super) fn new(spent: Duration) -> Self {
        Self { running: None, spent, taken: Duration::ZERO }
    }

    /// Looks at what is run, which is to be done about once a second; the process has spent so much by now.
    pub(super) fn look(&mut self, spent: Duration, running: Option<T>) -> Duration {
        let since = match spent.saturating_sub(self.spent) {
            nothing if nothing < WAITING => LOOK,
            // Between two looks a finding may have been made small.
            since => since.min(LOOK * 2),
        };
        self.spent = spent;
        let same = running.is_some() && running == self.running;
        self.taken = if same { self.taken + since } else { Duration::ZERO };
        self.running = running;
        self.taken
    }
}

/// True in a process that runs inputs.
pub(super) fn is_inside() -> bool {
    env::var_os(FILE).is_some()
}

/// The one target that this process is for.
pub(super) fn only() -> Option<String> {
    env::var(TARGET).ok()
}

/// Where the current input is left.
static CURRENT: OnceLock<File> = OnceLock::new();
/// How often an input was begun or ended: odd while one is run.
static TURNS: AtomicU64 = AtomicU64::new(0);

/// Begins to watch this process, if it is one that runs inputs.
pub(super) fn begin() -> Result<(), Failure> {
    let Some(path) = env::var_os(FILE).map(PathBuf::from) else { return Ok(()) };
    let file = File::options().write(true).open(&path);
    let file = file.map_err(|error| Failure::internal(cannot("open", &path, &error)))?;
    let _ = CURRENT.set(file);
    thread::spawn(look_on);
    Ok(())
}

/// Ends the process if an input does not end, or if nobody waits for it any more.
fn look_on() {
    let (mut watch, parent) = (Watch::new(wall::spent()), parent_id());
    while parent_id() == parent {
        thread::sleep(LOOK);
        let turn = TURNS.load(Ordering::Relaxed);
        let running = (turn % 2 == 1).then_some(turn);
        if watch.look(wall::spent(), running) > ENDLESS {
            break;
        }
    }
    exit(HUNG);
}

/// The body of a target, which leaves each input in the file before it is run.
pub(super) fn watched(target: &Target) -> Box<dyn Fn(&mut Case<'_>) -> Verdict> {
    let (body, name) = (target.body, target.name);
    let number = target::ALL.iter().position(|known| known.name == name).unwrap_or_default();
    Box::new(move |case: &mut Case<'_>| {
        let _running = Running::begin(number, case.input);
        body(case)
    })
}

/// While it lives, an input is run.
struct Running;

impl Running {
    fn begin(number: usize, input: &[u8]) -> Self {
        if let Some(file) = CURRENT.get() {
            // A full disk costs the name of an input, and no campaign.
            let _ = leave(file, number, input);
        }
        TURNS.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        TURNS.fetch_add(1, Ordering::Relaxed);
    }
}

/// Leaves an input in the file: a copy of it in one call, half a microsecond (measured).
fn leave(file: &File, number: usize, input: &[u8]) -> io::Result<()> {
    let (first, rest) = input.split_at(input.len().min(USUAL));
    let mut bytes = [0; HEAD + USUAL];
    bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
    bytes[8..HEAD].copy_from_slice(&(input.len() as u64).to_le_bytes());
    bytes[HEAD..HEAD + first.len()].copy_from_slice(first);
    file.write_all_at(&bytes[..HEAD + first.len()], 0)?;
    file.write_all_at(rest, (HEAD + USUAL) as u64)
}

/// The target and the input that were left.
fn left(bytes: &[u8]) -> Option<(&'static Target, &[u8])> {
    let (number, rest) = bytes.split_first_chunk::<8>()?;
    let (length, input) = rest.split_first_chunk::<8>()?;
    let target = target::ALL.get(usize::try_from(u64::from_le_bytes(*number)).ok()?)?;
    Some((target, input.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?))
}

/// How a process that runs inputs ended.
enum Ended {
    /// By itself, with this code.
    With(i32),
    /// In an input that broke this.
    In(Finding),
}

impl From<ExitStatus> for Ended {
    fn from(status: ExitStatus) -> Self {
        match status.code() {
            Some(HUNG) => {
                let what = format!("it has not ended after {} s", ENDLESS.as_secs());
                Self::In(Finding::new(Oracle::Time, what))
            }
            Some(code) => Self::With(code),
            None => Self::In(Finding::new(Oracle::Panic, format!("the process ends by {status}"))),
        }
    }
}

/// Runs a process that runs inputs; gives also what is in the file, which is in `folder` as long.
fn run(command: &mut Command, folder: &Path) -> Result<(Ended, Vec<u8>), Failure> {
    let path = folder.join(format!("rtcspec-fuzz-{}.running", std::process::id()));
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, []))
        .map_err(|error| Failure::usage(cannot("write", &path, &error)))?;
    let status = command.env(FILE, &path).status();
    let bytes = fs::read(&path).unwrap_or_default();
    let _ = fs::remove_file(&path);
    let status = status.map_err(|error| not_started(&error))?;
    Ok((status.into(), bytes))
}

/// This program.
fn this() -> Result<Command, Failure> {
    env::current_exe().map(Command::new).map_err(|error| not_started(&error))
}

fn not_started(error: &io::Error) -> Failure {
    let message = format!("start a process that runs inputs: {error}");
    Failure { exit: Exit::NotStarted, message }
}

fn cannot(verb: &str, path: &Path, error: &io::Error) -> String {
    format!("{verb} {}: {error}", path.display())
}

/// Runs this command once more as a process of its own, for one target of it or for all, and writes down
/// among the findings what it dies of. The file for the current input is in `folder`.
pub(super) fn apart(target: Option<&str>, findings: &Path, folder: &Path) -> Outcome {
    let mut command = this()?;
    command.args(env::args_os().skip(1)).envs(target.map(|name| (TARGET, name)));
    let (ended, bytes) = run(&mut command, folder)?;
    match (ended, left(&bytes)) {
        (Ended::With(0), _) => return Ok(Exit::AsExpected),
        (Ended::With(1), _) => {}
        // It has said what is wrong.
        (Ended::With(code), _) => exit(code),
        (Ended::In(finding), Some((target, input))) => keep(target, &finding, input, findings)?,
        (Ended::In(finding), None) => println!("before any input: {finding}"),
    }
    Ok(Exit::Unexpected)
}

fn keep(target: &Target, finding: &Finding, input: &[u8], into: &Path) -> Result<(), Failure> {
    let path = super::place(&into.join(target.name), finding, input);
    let again = format!("rtcspec fuzz replay {} {}", target.name, path.display());
    super::save(&path, input, &format!("{finding}\n\nagain: {again}\n"))?;
    println!("{}: {finding}\n    {}", target.name, path.display());
    Ok(())
}

/// What a process breaks that runs the input in a file, and does not outlive it.
pub(super) fn outlived(target: &Target, file: &Path) -> Result<Option<Finding>, Failure> {
    let mut command = this()?;
    command.args(["fuzz", "replay", target.name, "--"]).arg(file);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Ok(match run(&mut command, &env::temp_dir())?.0 {
        Ended::In(finding) => Some(finding),
        Ended::With(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;

    use super::*;

    /// Campaigns that had been paused for twelve minutes, or had a hundredth of a machine, wrote down that
    /// a session had not ended.
    #[test]
    fn only_time_of_the_processor_makes_an_input_one_without_end() {
        let (begun, second) = (wall::now(), Duration::from_secs(1));
        let mut watch = Watch::new(second * 5);
        assert_eq!(watch.look(second * 6, Some(begun)), Duration::ZERO, "it is new");
        assert_eq!(watch.look(second * 7, Some(begun)), second);
        let little = second * 7 + Duration::from_millis(10);
        assert_eq!(watch.look(little, Some(begun)), second + Duration::from_millis(10));
        assert_eq!(
            watch.look(little, Some(begun)),
            second * 2 + Duration::from_millis(10),
            "it waits"
        );
        let long = watch.look(second * 70, Some(begun));
        assert_eq!(long, second * 4 + Duration::from_millis(10), "of a long time two looks count");
        assert_eq!(watch.look(second * 71, Some(begun + second)), Duration::ZERO, "another one");
        assert_eq!(watch.look(second * 72, None), Duration::ZERO);
    }

    #[test]
    fn how_a_process_ended_says_what_its_input_broke() {
        let ended = |wait: i32| Ended::from(ExitStatus::from_raw(wait));
        assert!(matches!(ended(1 << 8), Ended::With(1)));
        let Ended::In(hung) = ended(HUNG << 8) else { panic!("it did not end") };
        assert_eq!(hung.class(), "time: it has not ended after # s");
        let Ended::In(died) = ended(6) else { panic!("it died") };
        assert_eq!(died.class(), "panic: the process ends by signal: # (SIGABRT)");
    }

    #[test]
    fn what_is_left_names_the_target_and_has_the_input() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("current");
        let file = File::create(&path).expect("a file");
        let dcep = target::ALL.iter().position(|target| target.name == "dcep").expect("a target");
        for input in [vec![7; USUAL + 100], vec![2], Vec::new()] {
            leave(&file, dcep, &input).expect("written");
            let bytes = fs::read(&path).expect("it is there");
            let (target, found) = left(&bytes).expect("whole");
            assert_eq!((target.name, found), ("dcep", &input[..]));
        }
        assert_eq!(left(b"").map(|(target, _)| target.name), None);
    }
}
