//! Seeded entropy and a virtual clock for foreign code that takes neither as an argument.
//!
//! What it is: inside [`within`], and on that thread only, the C functions `getrandom`,
//! `clock_gettime` and `syscall(SYS_getrandom)` answer from a seeded [`Stream`] and from the run
//! time. `std::collections::hash_map::RandomState`, `rand`, `ring`, `Instant::now` and
//! `SystemTime::now` all end there, so a foreign stack becomes a function of its inputs and a seed.
//! Everywhere else the functions forward to the kernel.
//!
//! What it is not: it does not reach code that draws entropy in other ways (`aws-lc-rs` does), and
//! it exists for Linux with glibc on x86-64 alone. [`available`] tells whether it works in this
//! binary; where it does not, [`within`] changes nothing and peers are only loosely comparable.
//!
//! A binary that wants it must let the dynamic linker see one symbol, because some crates look
//! `getrandom` up at run time. In its `build.rs` (`-tests` for integration tests):
//! `println!("cargo:rustc-link-arg-bins=-Wl,--export-dynamic-symbol=getrandom");`
//!
//! Thread-local generators and hash keys are seeded when a thread first needs them. A run is
//! therefore repeatable only in a thread of its own, whose first act is [`prepare_thread`].
//!
//! # Why this crate has unsafe code
//!
//! Replacing a C function means defining one: the symbol must be unmangled, take raw pointers the
//! way the C declaration does, and reach the kernel without the function it replaces. No safe way
//! to do that exists, and the stacks under test offer no other way to seed them. All of it is in
//! `src/interposed.rs`; each block says why it is sound, and nothing of it is in the public API.
//!
//! ```
//! use std::time::Duration;
//! use rtcspec_adapter_entropy::{Stream, within};
//!
//! let mut stream = Stream::new(7);
//! let answer = within(&mut stream, Duration::from_secs(3), || 42);
//! assert_eq!(answer, 42);
//! ```

#[cfg(not(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")))]
mod absent;
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
mod interposed;
mod stream;

#[cfg(not(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")))]
use absent as imp;
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
use interposed as imp;

pub use stream::Stream;

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::{Duration, Instant};

/// Runs foreign code with entropy from `stream` at the run time `now`; calls do not nest.
///
/// Where interposition is not [`available`] it just runs it.
pub fn within<R>(stream: &mut Stream, now: Duration, run: impl FnOnce() -> R) -> R {
    if !available() {
        return run();
    }
    let _scope = imp::Scope::enter(stream, now);
    run()
}

/// Makes what a thread keeps for itself depend on the seed; the first act of a run's thread.
pub fn prepare_thread(seed: u64) {
    within(&mut Stream::new(seed), Duration::ZERO, || {
        // The keys of this thread's hash maps are drawn here and never again.
        std::hint::black_box(RandomState::new().hash_one(seed));
    });
}

/// Whether entropy and clock are interposed in this binary.
#[must_use]
pub fn available() -> bool {
    imp::available()
}

/// The instant that stands for the start of every run of this process.
///
/// Under interposition it stands for the Unix time 4,000,000,000.437,219,3 (in 2096) in every
/// process, so that a timestamp in a handshake is a function of the run time; the odd fraction keeps
/// the turn of a second away from the round times at which things happen in virtual time. Else it
/// is the time of the first call.
#[must_use]
pub fn base() -> Instant {
    imp::base()
}
