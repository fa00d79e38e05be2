//! Runs at the same time, each in a thread of its own, results in the order of the jobs.

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Stack of a run's thread: foreign stacks and debug builds are generous with it.
const STACK: usize = 8 << 20;

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
    let bar = progress(jobs.len(), label);
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
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    let missing = || Err(Panicked("the worker thread ended early".to_owned()));
    results
        .into_iter()
        .map(|slot| slot.into_inner().ok().flatten().unwrap_or_else(missing))
        .collect()
}

/// Thread-local state of foreign stacks must not leak from one run into the next.
fn in_fresh_thread<R: Send>(work: impl FnOnce() -> R + Send) -> Result<R, Panicked> {
    thread::scope(|scope| {
        let spawned = thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || catch_unwind(AssertUnwindSafe(work)));
        match spawned.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(panic)) | Err(panic)) => Err(Panicked(words(&*panic))),
            Err(error) => Err(Panicked(format!("start a thread: {error}"))),
        }
    })
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without words".to_owned())
}

/// A bar on a terminal; nothing otherwise.
fn progress(jobs: usize, label: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(jobs as u64), ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{prefix} [{bar:40}] {pos}/{len} {eta}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.with_prefix(label.to_owned())
}
