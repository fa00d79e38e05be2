//! Runs at the same time, each in a thread of its own, results in the order of the jobs.

use std::cell::RefCell;
use std::io::{IsTerminal as _, stderr};
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Stack of a run's thread: foreign stacks and debug builds are generous with it.
const STACK: usize = 8 << 20;

/// Name of the threads that runs have to themselves.
const RUN: &str = "run";

thread_local! {
    /// What the last panic of this thread said, and where.
    static LAST_PANIC: RefCell<String> = const { RefCell::new(String::new()) };
}

/// How `println!` panics when nobody reads any more.
const CLOSED: &str = "failed printing to stdout: Broken pipe";

/// Keeps what panics in runs say for the report, instead of telling it in between.
pub(crate) fn keep_panics() {
    let tell = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if thread::current().name() == Some(RUN) {
            let place = panic.location().map_or(String::new(), |place| format!(" at {place}"));
            LAST_PANIC.set(format!("panic: {}{place}", words(panic.payload())));
        } else if words(panic.payload()).starts_with(CLOSED) {
            // Whoever reads has seen enough, as `head` does; shells know that exit code.
            std::process::exit(141);
        } else {
            tell(panic);
        }
    }));
}

/// What became of a job whose code panicked.
#[derive(Clone, Debug)]
pub(crate) struct Panicked(pub(crate) String);

/// Does `work` for every job.
pub(crate) fn run_all<J: Sync, R: Send>(
    jobs: &[J],
    threads: Option<usize>,
    label: &str,
    work: impl Fn(&J) -> R + Sync,
) -> Vec<Result<R, Panicked>> {
    let threads = threads
        .or_else(|| thread::available_parallelism().ok().map(NonZero::get))
        .unwrap_or(1)
        .clamp(1, jobs.len().max(1));
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<Result<R, Panicked>>>> =
        jobs.iter().map(|_| Mutex::new(None)).collect();
    let progress = Progress::new(jobs.len(), label);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(index) else { return };
                    let result = in_fresh_thread(|| work(job));
                    if let Ok(mut slot) = results[index].lock() {
                        *slot = Some(result);
                    }
                    progress.one_more();
                }
            });
        }
    });
    progress.bar.finish_and_clear();
    let missing = || Err(Panicked("the worker thread ended early".to_owned()));
    results
        .into_iter()
        .map(|slot| slot.into_inner().ok().flatten().unwrap_or_else(missing))
        .collect()
}

/// Thread-local state of foreign stacks must not leak from one run into the next.
pub(crate) fn in_fresh_thread<R: Send>(work: impl FnOnce() -> R + Send) -> Result<R, Panicked> {
    thread::scope(|scope| {
        let guarded = || catch_unwind(AssertUnwindSafe(work)).map_err(|_| LAST_PANIC.take());
        let builder = thread::Builder::new().name(RUN.to_owned()).stack_size(STACK);
        match builder.spawn_scoped(scope, guarded).map(thread::ScopedJoinHandle::join) {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(panic))) => Err(Panicked(panic)),
            Ok(Err(panic)) => Err(Panicked(words(&*panic))),
            Err(error) => Err(Panicked(format!("start a thread: {error}"))),
        }
    })
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}

/// A bar on a terminal; otherwise a line now and then, so that a log shows that work goes on.
struct Progress {
    bar: ProgressBar,
    /// When the next line is due; `None` on a terminal.
    due: Option<Mutex<Instant>>,
}

/// Between two lines.
const PAUSE: Duration = Duration::from_secs(10);

impl Progress {
    fn new(jobs: usize, label: &str) -> Self {
        let bar = ProgressBar::with_draw_target(Some(jobs as u64), ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:40}] {pos}/{len} {eta}") {
            bar.set_style(style.progress_chars("=> "));
        }
        let due = (!stderr().is_terminal()).then(|| Mutex::new(clock() + PAUSE));
        Self { bar: bar.with_prefix(label.to_owned()), due }
    }

    fn one_more(&self) {
        self.bar.inc(1);
        let Some(mut due) = self.due.as_ref().and_then(|due| due.lock().ok()) else { return };
        let now = clock();
        if now >= *due {
            *due = now + PAUSE;
            let (done, all) = (self.bar.position(), self.bar.length().unwrap_or_default());
            eprintln!("{}: {done} of {all}", self.bar.prefix());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "only to tell now and then that work goes on")]
fn clock() -> Instant {
    Instant::now()
}
