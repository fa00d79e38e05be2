//! Every road to entropy and time that a foreign stack takes.

#![cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rtcspec_adapter_entropy::{Stream, available, base, prepare_thread, within};

/// What a stack could see in a fresh thread.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    hash: u64,
    by_lookup: [u8; 24],
    by_syscall: [u8; 24],
    unix: Duration,
    since_base: Duration,
}

fn seen(seed: u64, now: Duration) -> Seen {
    let see = move || {
        prepare_thread(seed);
        within(&mut Stream::new(seed), now, look)
    };
    std::thread::spawn(see).join().expect("no panic")
}

#[expect(clippy::disallowed_methods, reason = "what foreign code does")]
fn look() -> Seen {
    let mut by_syscall = [0; 24];
    getrandom::getrandom(&mut by_syscall).expect("entropy");
    Seen {
        hash: RandomState::new().hash_one(1),
        by_lookup: rand::random(),
        by_syscall,
        unix: SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970"),
        since_base: Instant::now() - base(),
    }
}

#[test]
fn interposition_works_in_this_binary() {
    assert!(available());
}

#[test]
fn same_seed_and_time_show_the_same_and_others_do_not() {
    let second = Duration::from_secs(1);
    assert_eq!(seen(1, second), seen(1, second));
    let (one, two) = (seen(1, second), seen(2, 2 * second));
    assert_ne!(one.hash, two.hash);
    assert_ne!(one.by_lookup, two.by_lookup);
    assert_ne!(one.by_syscall, two.by_syscall);
    assert_eq!(two.unix - one.unix, second);
    assert_eq!([one.since_base, two.since_base], [second, 2 * second]);
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the real clock is what is asked for")]
fn outside_of_a_scope_time_and_entropy_are_real() {
    let before = Instant::now();
    within(&mut Stream::new(1), Duration::from_secs(500), || ());
    assert!(before.elapsed() < Duration::from_secs(60));
    let unix = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    assert!(unix < Duration::from_secs(4_000_000_000));
    let (mut a, mut b) = ([0; 16], [0; 16]);
    getrandom::getrandom(&mut a).expect("entropy");
    getrandom::getrandom(&mut b).expect("entropy");
    assert_ne!(a, b);
}

#[test]
fn a_panic_leaves_the_scope_and_the_stream_goes_on() {
    let draw = |stream: &mut Stream| {
        within(stream, Duration::ZERO, || {
            let mut bytes = [0; 8];
            getrandom::getrandom(&mut bytes).map(|()| bytes).ok()
        })
    };
    let mut stream = Stream::new(3);
    let first = draw(&mut stream);
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        within(&mut stream, Duration::ZERO, || std::panic::resume_unwind(Box::new(())));
    }));
    assert!(caught.is_err());
    let second = draw(&mut stream);
    assert_ne!(first, second);
}

#[test]
fn a_failing_system_call_still_sets_errno() {
    let missing = std::fs::File::open("/nonexistent").expect_err("no such file");
    assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
}
