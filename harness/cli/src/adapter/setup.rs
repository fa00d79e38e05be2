//! `rtcspec adapter setup`: files, packages, builds, and a first word with the adapter.

use std::env;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rtcspec_control::Hello;
use rtcspec_control::process::{Launch, Process};
use rtcspec_suite::manifest::{self, Install, Manifest, filled};

use super::source::Source;
use super::{BEGIN, installed, source};
use crate::args::SetupOptions;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::say;

/// Lines of a command that failed that are shown.
const SHOWN: usize = 30;

/// Carries `rtcspec adapter setup` out.
pub(crate) fn setup(options: &SetupOptions) -> Outcome {
    let source = source::find(&options.adapter)?;
    let manifest = &source.manifest;
    let folder = installed::folder(&manifest.name, &options.into)?;
    let place = folder.join(manifest::FILE);
    // It says that everything went well, so it comes last.
    if place.exists() {
        fs::remove_file(&place).map_err(|error| cannot(&place, &error))?;
    }
    copy(&source, &folder)?;
    Workshop::new(&folder, &manifest.install)?.install(!options.no_apt)?;
    let hello = first_word(&installed::started(manifest, &folder))?;
    for (_, bytes) in source.files.iter().filter(|(name, _)| is_manifest(name)) {
        fs::write(&place, bytes).map_err(|error| cannot(&place, &error))?;
    }
    compare(manifest, &hello, &folder)
}

fn is_manifest(name: &Path) -> bool {
    name == Path::new(manifest::FILE)
}

fn copy(source: &Source, folder: &Path) -> Result<(), Failure> {
    fs::create_dir_all(folder).map_err(|error| cannot(folder, &error))?;
    for (name, bytes) in source.files.iter().filter(|(name, _)| !is_manifest(name)) {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, bytes))
            .map_err(|error| cannot(&path, &error))?;
    }
    Ok(())
}

/// Runs commands in the folder of an adapter and keeps what they say.
struct Workshop<'a> {
    folder: &'a Path,
    install: &'a Install,
    log: PathBuf,
    said: File,
}

impl<'a> Workshop<'a> {
    fn new(folder: &'a Path, install: &'a Install) -> Result<Self, Failure> {
        let log = folder.join("setup.log");
        let mut open = File::options();
        open.read(true).append(true).create(true);
        let said = fs::write(&log, "")
            .and_then(|()| open.open(&log))
            .map_err(|error| cannot(&log, &error))?;
        Ok(Self { folder, install, log, said })
    }

    fn install(&mut self, may_apt: bool) -> Result<(), Failure> {
        if may_apt {
            self.apt()?;
        }
        self.npm()?;
        self.pip()?;
        if self.install.cargo {
            let words = ["cargo", "build", "--release", "--locked"];
            let words = words.into_iter().chain(["--target-dir", "{folder}/target"]);
            self.run(words)?;
        }
        for words in &self.install.run {
            self.run(words.iter().map(String::as_str))?;
        }
        Ok(())
    }

    fn apt(&mut self) -> Result<(), Failure> {
        let missing: Vec<&str> =
            self.install.apt.iter().map(String::as_str).filter(|name| !is_there(name)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let Some(before) = rights(is_root(), sudo_works) else {
            return Err(Failure {
                exit: Exit::NotStarted,
                message: format!(
                    "Debian packages are missing, and installing them needs root, or `sudo` without \
                     a password: `apt-get install {}`; `--no-apt` if what they bring is there in \
                     another way",
                    missing.join(" ")
                ),
            });
        };
        self.run(before.iter().copied().chain(["apt-get", "update", "-q"]))?;
        let words = ["apt-get", "install", "-y", "-q", "--no-install-recommends"];
        self.run(before.iter().copied().chain(words).chain(missing))
    }

    fn npm(&mut self) -> Result<(), Failure> {
        if self.install.npm.is_empty() {
            return Ok(());
        }
        // Without the prefix, npm would look for a package.json further up.
        let words = ["npm", "install", "--no-save", "--no-audit", "--no-fund"];
        let words = words.into_iter().chain(["--prefix", "{folder}"]);
        self.run(words.chain(self.install.npm.iter().map(String::as_str)))
    }

    fn pip(&mut self) -> Result<(), Failure> {
        const PYTHON: &str = "{folder}/venv/bin/python";
        if self.install.pip.is_empty() {
            return Ok(());
        }
        self.run(["python3", "-m", "venv", "{folder}/venv"])?;
        let words = [PYTHON, "-m", "pip", "install", "--disable-pip-version-check"];
        self.run(words.into_iter().chain(self.install.pip.iter().map(String::as_str)))
    }

    /// Runs a command, after telling it.
    fn run<'w>(&mut self, words: impl IntoIterator<Item = &'w str>) -> Result<(), Failure> {
        let words: Vec<String> = words.into_iter().map(|word| filled(word, self.folder)).collect();
        let told = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        say(&format!("$ {told}\n"))?;
        let failed = |reason: String| Failure {
            exit: Exit::NotStarted,
            message: format!("`{told}` {reason}"),
        };
        let Some((program, arguments)) = words.split_first() else { return Ok(()) };
        let begin = self.said.seek(SeekFrom::End(0)).map_err(|error| cannot(&self.log, &error))?;
        let pipe = || self.said.try_clone().map_err(|error| cannot(&self.log, &error));
        let environment =
            self.install.environment.iter().map(|(key, value)| (key, filled(value, self.folder)));
        let status = Command::new(program)
            .args(arguments)
            .current_dir(self.folder)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .envs(environment)
            .stdin(Stdio::null())
            .stdout(pipe()?)
            .stderr(pipe()?)
            .status()
            .map_err(|error| failed(format!("does not start: {error}")))?;
        if status.success() {
            return Ok(());
        }
        Err(failed(format!(
            "ended with {status}; its last lines:\n{}all of them: {}",
            self.last_lines(begin),
            self.log.display()
        )))
    }

    fn last_lines(&mut self, begin: u64) -> String {
        let mut bytes = Vec::new();
        let read =
            self.said.seek(SeekFrom::Start(begin)).and_then(|_| self.said.read_to_end(&mut bytes));
        if let Err(error) = read {
            return format!("  ({error})\n");
        }
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(SHOWN)..]
            .iter()
            .map(|line| format!("  {line}\n"))
            .collect()
    }
}

/// Whether a Debian package is installed, or its program has come in another way: npm is part of
/// some packages of Node, and they do not let Debian's beside them.
fn is_there(package: &str) -> bool {
    // Who builds Node without Debian has no program of its package's name.
    let program = if package == "nodejs" { "node" } else { package };
    let asked = Command::new("dpkg-query").args(["-W", "-f", "${Status}", package]).output();
    let path = env::var_os("PATH").unwrap_or_default();
    asked.is_ok_and(|output| output.stdout.ends_with(b" installed"))
        || env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// The words before a command that give it the rights of root, if there is a way to them.
fn rights(is_root: bool, sudo: impl FnOnce() -> bool) -> Option<&'static [&'static str]> {
    // By itself, sudo hands no variables on.
    const SUDO: &[&str] = &["sudo", "-n", "env", "DEBIAN_FRONTEND=noninteractive"];
    if is_root { Some(&[]) } else { sudo().then_some(SUDO) }
}

/// Whether sudo does as it is told without asking anybody.
fn sudo_works() -> bool {
    let asked = Command::new("sudo").args(["-n", "true"]).stdin(Stdio::null()).output();
    asked.is_ok_and(|output| output.status.success())
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|this| this.uid() == 0)
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:@+,~^".contains(c);
    if word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

/// Starts the adapter and asks who it is.
fn first_word(launch: &Launch) -> Result<Hello, Failure> {
    Process::start(launch)
        .and_then(|mut process| process.hello(BEGIN))
        .map_err(|error| Failure { exit: Exit::NotStarted, message: error.to_string() })
}

fn compare(manifest: &Manifest, hello: &Hello, folder: &Path) -> Outcome {
    let said = format!("{} {}", hello.implementation, hello.version);
    let wanted = format!("{} {}", manifest.implementation, manifest.version);
    if said != wanted {
        let file = manifest::FILE;
        say(&format!("set up, but it is {said}, and its {file} says {wanted}\n"))?;
        return Ok(Exit::Unexpected);
    }
    say(&format!("{said} is set up in {}\n", folder.display()))?;
    Ok(Exit::AsExpected)
}

fn cannot(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{is_there, quoted, rights};

    #[test]
    fn a_package_is_there_if_its_program_is() {
        assert!(is_there("sh"));
        assert!(!is_there("rtcspec-no-such-package"));
    }

    #[test]
    fn root_needs_no_sudo_and_others_need_one_that_does_not_ask() {
        assert_eq!(rights(true, || false).map(<[&str]>::len), Some(0));
        assert_eq!(rights(false, || false), None);
        let words = rights(false, || true).unwrap_or_default();
        assert!(words.starts_with(&["sudo", "-n"]), "{words:?}");
    }

    #[test]
    fn a_command_is_told_as_a_shell_would_take_it() {
        assert_eq!(quoted("werift@0.24.4"), "werift@0.24.4");
        assert_eq!(quoted("/a b/c"), "'/a b/c'");
    }
}
