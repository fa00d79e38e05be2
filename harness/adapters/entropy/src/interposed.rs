//! `getrandom`, `clock_gettime` and `syscall` of this binary (Linux, glibc, x86-64).

use std::cell::{Cell, RefCell};
use std::collections::hash_map::RandomState;
use std::ffi::{c_char, c_int, c_long, c_uint, c_void};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::stream::Stream;

/// What the start of a run is in Unix time; see [`crate::base`].
const START: Duration = Duration::new(4_000_000_000, 437_219_300);

/// Numbers of the system calls (x86-64).
const SYS_CLOCK_GETTIME: c_long = 228;
const SYS_GETRANDOM: c_long = 318;

const CLOCK_REALTIME: c_int = 0;
const CLOCK_MONOTONIC: c_int = 1;
const CLOCK_MONOTONIC_RAW: c_int = 4;
const CLOCK_REALTIME_COARSE: c_int = 5;
const CLOCK_MONOTONIC_COARSE: c_int = 6;
const CLOCK_BOOTTIME: c_int = 7;

/// `struct timespec` of the x86-64 ABI.
#[repr(C)]
#[derive(Clone, Copy)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

/// What the monotonic clock shows at the start of a run, in nanoseconds; 0 before it is known.
static MONOTONIC_START: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Whether this thread is inside a scope. Plain cells without destructors: they may be read at
    /// any time of a thread's life, also by its start-up and tear-down code.
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static STREAM: RefCell<Option<Stream>> = const { RefCell::new(None) };
    static DRAWN: Cell<u64> = const { Cell::new(0) };
}

/// While it lives, this thread has the given entropy and time.
pub(crate) struct Scope<'a> {
    stream: &'a mut Stream,
}

impl<'a> Scope<'a> {
    pub(crate) fn enter(stream: &'a mut Stream, now: Duration) -> Self {
        assert!(!ACTIVE.get(), "scopes of interposed entropy do not nest");
        monotonic_start();
        STREAM.set(Some(stream.clone()));
        NOW.set(now);
        ACTIVE.set(true);
        Self { stream }
    }
}

impl Drop for Scope<'_> {
    fn drop(&mut self) {
        ACTIVE.set(false);
        if let Some(used) = STREAM.take() {
            *self.stream = used;
        }
    }
}

/// Tries each way on a fresh thread: nothing may be left to what a thread drew before.
pub(crate) fn available() -> bool {
    static WORKS: OnceLock<bool> = OnceLock::new();
    *WORKS.get_or_init(|| {
        is_exported() && std::thread::spawn(clock_and_hash_keys_are_ours).join().unwrap_or(false)
    })
}

fn clock_and_hash_keys_are_ours() -> bool {
    let mut stream = Stream::new(0);
    let _scope = Scope::enter(&mut stream, Duration::from_secs(1));
    let drawn = DRAWN.get();
    std::hint::black_box(RandomState::new());
    DRAWN.get() > drawn && real_instant() == real_instant()
}

/// Whether code that looks `getrandom` up at run time finds ours.
fn is_exported() -> bool {
    // SAFETY: `dlsym` takes a null handle for the default search order (RTLD_DEFAULT in glibc) and
    // a C string, and returns an address that is only compared here.
    #[expect(unsafe_code, reason = "asks the dynamic linker")]
    let found = unsafe { dlsym(std::ptr::null_mut(), c"getrandom".as_ptr()) };
    std::ptr::eq(found, getrandom as *const c_void)
}

pub(crate) fn base() -> Instant {
    static BASE: OnceLock<Instant> = OnceLock::new();
    *BASE.get_or_init(|| {
        if !available() {
            return real_instant();
        }
        let mut stream = Stream::new(0);
        let was_active = ACTIVE.get();
        if was_active {
            // Inside a scope the clock shows the run time of the scope.
            let now = NOW.replace(Duration::ZERO);
            let base = real_instant();
            NOW.set(now);
            return base;
        }
        let _scope = Scope::enter(&mut stream, Duration::ZERO);
        real_instant()
    })
}

#[expect(clippy::disallowed_methods, reason = "this is where the clock is replaced")]
fn real_instant() -> Instant {
    Instant::now()
}

/// The reading of the monotonic clock that stands for the start of every run.
///
/// It is as far from the clock's reading now as [`START`] is from the Unix time now, so that code
/// which noted both clocks outside of any scope translates between them as code inside does.
fn monotonic_start() -> Duration {
    let known = MONOTONIC_START.load(Ordering::Acquire);
    if known != 0 {
        return Duration::from_nanos(known);
    }
    let ahead = START.saturating_sub(kernel_clock(CLOCK_REALTIME));
    let start = kernel_clock(CLOCK_MONOTONIC) + ahead;
    let start = u64::try_from(start.as_nanos()).unwrap_or(u64::MAX);
    match MONOTONIC_START.compare_exchange(0, start, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => Duration::from_nanos(start),
        Err(first) => Duration::from_nanos(first),
    }
}

/// A clock of the kernel, whatever scope this thread is in.
fn kernel_clock(clock: c_int) -> Duration {
    let mut time = Timespec { seconds: 0, nanoseconds: 0 };
    let address = std::ptr::from_mut(&mut time) as c_long;
    // SAFETY: the second argument points to a timespec that lives until the call returns.
    #[expect(unsafe_code, reason = "the function that asks this safely is the one replaced")]
    unsafe {
        kernel(SYS_CLOCK_GETTIME, [c_long::from(clock), address, 0, 0, 0, 0]);
    }
    let seconds = u64::try_from(time.seconds).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.nanoseconds).unwrap_or(0))
}

/// The clock of the scope, if this thread is in one and the clock is one that tells time.
fn virtual_clock(clock: c_int) -> Option<Duration> {
    if !ACTIVE.get() {
        return None;
    }
    match clock {
        CLOCK_REALTIME | CLOCK_REALTIME_COARSE => Some(START + NOW.get()),
        CLOCK_MONOTONIC | CLOCK_MONOTONIC_RAW | CLOCK_MONOTONIC_COARSE | CLOCK_BOOTTIME => {
            Some(monotonic_start() + NOW.get())
        }
        _ => None,
    }
}

/// Fills a buffer from the stream of the scope; false outside of one.
fn virtual_random(out: &mut [u8]) -> bool {
    let filled = ACTIVE.get()
        && STREAM
            .with_borrow_mut(|stream| stream.as_mut().map(|stream| stream.fill(out)).is_some());
    if filled {
        DRAWN.set(DRAWN.get() + 1);
    }
    filled
}

/// Turns the kernel's answer into that of the C library: -1 and `errno`.
fn c_result(result: c_long) -> c_long {
    if !(-4095..0).contains(&result) {
        return result;
    }
    // SAFETY: glibc returns the address of this thread's `errno`, which is always valid.
    #[expect(unsafe_code, reason = "errno is how a C function reports an error")]
    let errno = unsafe { __errno_location() };
    let code = c_int::try_from(-result).unwrap_or(c_int::MAX);
    // SAFETY: see above; nothing else of this thread writes it meanwhile.
    #[expect(unsafe_code, reason = "errno is how a C function reports an error")]
    unsafe {
        *errno = code;
    }
    -1
}

/// A system call.
///
/// # Safety
/// The arguments must be what the call with this number demands.
#[expect(unsafe_code, reason = "the kernel is reached by an instruction")]
unsafe fn kernel(number: c_long, arguments: [c_long; 6]) -> c_long {
    let [a, b, c, d, e, f] = arguments;
    let result;
    // SAFETY: the registers are those of the x86-64 system call ABI; the instruction overwrites
    // only rax, rcx and r11, which are declared; what it does to memory is the caller's promise.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}

#[expect(unsafe_code, reason = "functions of the C library")]
unsafe extern "C" {
    fn __errno_location() -> *mut c_int;
    fn dlsym(handle: *mut c_void, symbol: *const c_char) -> *const c_void;
}

/// `getrandom(2)`.
///
/// # Safety
/// As in C: `buffer` points to `length` writable bytes.
#[expect(unsafe_code, reason = "replaces the function of the C library")]
#[unsafe(no_mangle)]
unsafe extern "C" fn getrandom(buffer: *mut c_void, length: usize, flags: c_uint) -> isize {
    if ACTIVE.get() && !buffer.is_null() {
        // SAFETY: the caller promises `length` writable bytes at `buffer`.
        let out = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) };
        if virtual_random(out) {
            return isize::try_from(length).unwrap_or(isize::MAX);
        }
    }
    let arguments = [buffer as c_long, length as c_long, c_long::from(flags), 0, 0, 0];
    // SAFETY: the caller's promise is the kernel's demand.
    let result = unsafe { kernel(SYS_GETRANDOM, arguments) };
    c_result(result) as isize
}

/// `clock_gettime(2)`.
///
/// # Safety
/// As in C: `out` points to a writable `struct timespec`.
#[expect(unsafe_code, reason = "replaces the function of the C library")]
#[unsafe(no_mangle)]
unsafe extern "C" fn clock_gettime(clock: c_int, out: *mut Timespec) -> c_int {
    if let Some(time) = virtual_clock(clock)
        && !out.is_null()
    {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let value = Timespec { seconds, nanoseconds: i64::from(time.subsec_nanos()) };
        // SAFETY: the caller promises a writable timespec at `out`.
        unsafe { out.write(value) };
        return 0;
    }
    let arguments = [c_long::from(clock), out as c_long, 0, 0, 0, 0];
    // SAFETY: the caller's promise is the kernel's demand.
    let result = unsafe { kernel(SYS_CLOCK_GETTIME, arguments) };
    c_int::try_from(c_result(result)).unwrap_or(-1)
}

/// `syscall(2)`, which ring's entropy and the standard library's futexes go through.
///
/// The C declaration is variadic. On this ABI a variadic callee finds its integer arguments where
/// any other does, so six fixed ones are the same; those the caller did not pass are read as
/// whatever the registers and its stack frame hold, and no system call looks at them.
///
/// # Safety
/// As in C: the arguments are what the call with this number demands.
#[expect(unsafe_code, reason = "replaces the function of the C library")]
#[unsafe(no_mangle)]
unsafe extern "C" fn syscall(
    number: c_long,
    a: c_long,
    b: c_long,
    c: c_long,
    d: c_long,
    e: c_long,
    f: c_long,
) -> c_long {
    if number == SYS_GETRANDOM {
        // SAFETY: the caller promises that `a` is the address of `b` writable bytes.
        return unsafe { getrandom(a as *mut c_void, b as usize, c as c_uint) } as c_long;
    }
    // SAFETY: the caller's promise is the kernel's demand.
    let result = unsafe { kernel(number, [a, b, c, d, e, f]) };
    c_result(result)
}
