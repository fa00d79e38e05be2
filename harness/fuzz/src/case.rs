//! One execution: an input, the code under test within its budgets, and what was reached.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::time::Duration;

use rtcspec_control::wall;

use crate::finding::{Finding, Oracle, Verdict};

/// What code may use on one input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes allocated in all, for any input.
    pub bytes: u64,
    /// Bytes allocated in all, for each byte of input.
    pub bytes_each: u64,
    /// Time for any input.
    pub time: Duration,
    /// Time for each byte of input.
    pub time_each: Duration,
}

impl Budget {
    /// For readers of datagrams.
    pub const DATAGRAM: Self = Self {
        bytes: 64 << 10,
        bytes_each: 32,
        time: Duration::from_millis(1),
        time_each: Duration::from_nanos(200),
    };
    /// For readers of text, whose lines become values.
    pub const TEXT: Self =
        Self { bytes_each: 256, time_each: Duration::from_micros(2), ..Self::DATAGRAM };

    fn bytes_for(&self, len: usize) -> u64 {
        self.bytes + self.bytes_each * len as u64
    }

    fn time_for(&self, len: usize) -> Duration {
        let len = u32::try_from(len).unwrap_or(u32::MAX);
        // An unoptimised build, and a sanitised one, which has them too, is slower.
        let slow = if cfg!(debug_assertions) { 20 } else { 1 };
        (self.time + self.time_each * len) * slow
    }
}

/// One execution of a target's body.
#[derive(Debug)]
pub struct Case<'a> {
    /// The input.
    pub input: &'a [u8],
    /// Situations this execution came to, in order.
    reached: Vec<&'static str>,
    /// Hashes of what was seen, for an engine that has no coverage to go by.
    features: Vec<u64>,
    /// Every oracle is asked, the dear ones too.
    thorough: bool,
    /// Somebody reads what was reached and seen.
    noted: bool,
}

/// Of so many inputs, an engine in a hurry holds one to every oracle.
const SHARE: u64 = 16;

impl<'a> Case<'a> {
    /// An execution that has not begun.
    #[must_use]
    pub const fn new(input: &'a [u8]) -> Self {
        Self { input, reached: Vec::new(), features: Vec::new(), thorough: true, noted: true }
    }

    /// An execution for an engine that counts on many of them and sees by itself what is new. The
    /// cheap oracles are always asked: panics, memory, time, what was read written and read again.
    /// The dear ones, for which an input is read some more times, or a session gone through once more,
    /// are asked of one input in sixteen, always the same ones. What such an engine keeps is held to all
    /// when it is replayed.
    #[must_use]
    pub fn brisk(input: &'a [u8]) -> Self {
        Self { thorough: share(input) == 0, noted: false, ..Self::new(input) }
    }

    /// True if this execution asks every oracle.
    #[must_use]
    pub const fn is_thorough(&self) -> bool {
        self.thorough
    }

    /// True if somebody reads what is noted: whatever is dear to put together is for them only.
    #[must_use]
    pub const fn is_noted(&self) -> bool {
        self.noted
    }

    /// True if what was written needs no second reading: it is the input, whose reading is known. That
    /// the same bytes are read alike is what executions that ask every oracle find out.
    #[must_use]
    pub fn comes_back(&self, written: &[u8]) -> bool {
        !self.thorough && written == self.input
    }

    /// Notes a situation that the target is there for. Each that a target declares must be reached
    /// by its corpus, or the target tests less than it says.
    pub fn reach(&mut self, situation: &'static str) {
        if self.noted && !self.reached.contains(&situation) {
            self.reached.push(situation);
            self.see(&situation);
        }
    }

    /// Notes something seen, so that an input with something new is kept.
    pub fn see(&mut self, feature: &impl Hash) {
        if !self.noted {
            return;
        }
        let mut hasher = DefaultHasher::new();
        feature.hash(&mut hasher);
        self.features.push(hasher.finish());
    }

    /// The situations come to.
    #[must_use]
    pub fn reached(&self) -> &[&'static str] {
        &self.reached
    }

    /// The hashes of what was seen.
    #[must_use]
    pub fn features(&self) -> &[u64] {
        &self.features
    }

    /// Bytes that notes take.
    fn notes(&self) -> i64 {
        let reached = self.reached.capacity() * size_of::<&'static str>();
        (reached + self.features.capacity() * size_of::<u64>()) as i64
    }

    /// Runs code under test on `len` bytes of input within a budget.
    ///
    /// # Errors
    /// It panicked, allocated too much, or was too slow each of five times.
    pub fn within<T>(
        &self,
        budget: Budget,
        len: usize,
        mut code: impl FnMut() -> T,
    ) -> Result<T, Finding> {
        timed(budget, len, || measured(budget, len, &mut code))
    }

    /// The same of two pieces of code, of which the second is shown what came of the first: each may
    /// allocate what the budget says, and both together may take as long.
    ///
    /// # Errors
    /// As of [`Self::within`].
    pub fn within_both<A, B>(
        &self,
        budget: Budget,
        len: usize,
        mut first: impl FnMut() -> A,
        mut second: impl FnMut(&A) -> B,
    ) -> Result<(A, B), Finding> {
        timed(budget, len, || {
            let shown = measured(budget, len, &mut first)?;
            let seen = measured(budget, len, &mut || second(&shown))?;
            Ok((shown, seen))
        })
    }
}

/// Which of [`SHARE`] shares an input is in: the same on every machine.
fn share(input: &[u8]) -> u64 {
    // FNV-1a of at most 64 bytes from both ends: it costs little, and changes move inputs about.
    let (head, rest) = input.split_at(input.len().min(64));
    let tail = &rest[rest.len().saturating_sub(64)..];
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = head.iter().chain(tail).fold(0xcbf2_9ce4_8422_2325 ^ input.len() as u64, fold);
    // The finalizer of MurmurHash3: of FNV-1a alone some bits hardly change.
    let mixed = (hash ^ hash >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
    (mixed >> 32) % SHARE
}

/// A call, and four more if it was slow.
fn timed<T>(
    budget: Budget,
    len: usize,
    mut code: impl FnMut() -> Result<T, Finding>,
) -> Result<T, Finding> {
    let begun = wall::now();
    let value = code()?;
    let (taken, allowed) = (begun.elapsed(), budget.time_for(len));
    if taken > allowed {
        // The machine may have been doing something else: the fastest counts, and no more than the
        // processors spent on this process.
        let mut fastest = taken;
        for _ in 0..4 {
            let (before, begun) = (wall::spent(), wall::now());
            code()?;
            fastest = fastest.min(begun.elapsed()).min(wall::spent().saturating_sub(before));
        }
        let what = format!("{fastest:?} for {len} bytes, {allowed:?} allowed");
        crate::finding::hold(Oracle::Time, fastest <= allowed, || what)?;
    }
    Ok(value)
}

/// A call that is caught if it panics, with what it allocated.
fn measured<T>(budget: Budget, len: usize, code: &mut impl FnMut() -> T) -> Result<T, Finding> {
    let mut outcome = None;
    let used = allocation_counter::measure(|| outcome = Some(guarded(code)));
    let value = outcome.expect("the closure ran")?;
    let (bytes, allowed) = (used.bytes_total, budget.bytes_for(len));
    if bytes > allowed {
        let what = format!("{bytes} bytes allocated for {len} bytes, {allowed} allowed");
        return Err(Finding::new(Oracle::Allocation, what));
    }
    Ok(value)
}

thread_local! {
    /// What the last panic of this thread said, while it is being caught.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
    /// Catches this thread is in.
    static CATCHING: RefCell<u32> = const { RefCell::new(0) };
}

/// Turns a panic of `code` into a finding that names its place. Others' panics are told as before.
///
/// # Errors
/// `code` panicked.
pub fn guarded<T>(code: impl FnOnce() -> T) -> Result<T, Finding> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if CATCHING.with_borrow(|depth| *depth == 0) {
                return before(info);
            }
            let place = info.location().map(ToString::to_string).unwrap_or_default();
            let payload = info.payload_as_str().unwrap_or("a panic without words");
            SAID.set(Some(format!("{payload}, {}", shortened(&place))));
        }));
    });
    CATCHING.with_borrow_mut(|depth| *depth += 1);
    let outcome = catch_unwind(AssertUnwindSafe(code));
    CATCHING.with_borrow_mut(|depth| *depth -= 1);
    outcome.map_err(|_| {
        let what = SAID.take().unwrap_or_else(|| "a panic without place".to_owned());
        Finding::new(Oracle::Panic, what)
    })
}

/// What the last panic of this thread said that was caught within [`guarded`] by somebody else: an
/// adapter, which tells the words of a panic and not its place.
pub(crate) fn last_words() -> Option<String> {
    SAID.take()
}

/// A place without the folder that crates lie in here: the same on every machine.
fn shortened(place: &str) -> &str {
    let after = |mark: &str| place.rfind(mark).map(|at| &place[at + mark.len()..]);
    after("/registry/src/")
        .and_then(|rest| rest.split_once('/').map(|(_, rest)| rest))
        .or_else(|| place.find("harness/").map(|at| &place[at..]))
        .or_else(|| place.find("library/").map(|at| &place[at..]))
        .unwrap_or(place)
}

/// Runs a whole body, with panics of oracles themselves caught too, and holds it to give back all
/// memory that it took. What one execution keeps may be a table that is made at first use, or a cache
/// that grows; what four of the same input keep is lost. That is dear to find out.
///
/// # Errors
/// An oracle was broken.
pub fn run(body: impl Fn(&mut Case<'_>) -> Verdict, case: &mut Case<'_>) -> Verdict {
    let mut kept = keeps(&body, case)?;
    for _ in 0..3 {
        if kept <= 0 || !case.thorough {
            return Ok(());
        }
        kept = keeps(&body, &mut Case { noted: false, ..Case::new(case.input) })?;
    }
    let what = || format!("{kept} bytes are kept by each execution");
    crate::finding::hold(Oracle::Leak, kept <= 0, what)
}

/// How many bytes an execution took more than it gave back, but for what the case notes.
fn keeps(body: &impl Fn(&mut Case<'_>) -> Verdict, case: &mut Case<'_>) -> Result<i64, Finding> {
    let (mut verdict, before) = (Ok(()), case.notes());
    let run = || verdict = guarded(|| body(case)).and_then(|verdict| verdict);
    let used = allocation_counter::measure(run);
    verdict?;
    Ok(used.bytes_current - (case.notes() - before))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial<T>(code: impl FnMut() -> T) -> Result<T, Finding> {
        Case::new(b"1234").within(Budget::DATAGRAM, 4, code)
    }

    #[test]
    fn code_that_keeps_to_its_budget_gives_its_value() {
        assert_eq!(trial(|| vec![1u8; 100].len()), Ok(100));
    }

    #[test]
    fn each_of_two_has_the_bytes_of_a_budget_for_itself() {
        let both = |first: usize, second: usize| {
            let room = |bytes| std::hint::black_box(Vec::<u8>::with_capacity(bytes)).capacity();
            let second = |shown: &usize| (*shown, room(second));
            Case::new(b"1234").within_both(Budget::DATAGRAM, 4, || room(first), second)
        };
        assert_eq!(both(60_000, 50_000), Ok((60_000, (60_000, 50_000))));
        for (first, second) in [(70_000, 1), (1, 70_000)] {
            let finding = both(first, second).expect_err("too much");
            assert_eq!(finding.oracle, Oracle::Allocation);
        }
    }

    #[test]
    fn what_was_written_as_it_came_is_read_again_by_who_asks_every_oracle() {
        assert!(!Case::new(b"1234").comes_back(b"1234"));
        let hurried = |input: &u32| !Case::brisk(&input.to_be_bytes()).is_thorough();
        let input = (0..16).find(hurried).expect("most are").to_be_bytes();
        let case = Case::brisk(&input);
        assert!(case.comes_back(&input) && !case.comes_back(b"1234"));
    }

    #[test]
    fn an_engine_in_a_hurry_holds_a_sixteenth_of_inputs_to_everything_and_notes_nothing() {
        let inputs: Vec<[u8; 4]> = (0..16_000_u32).map(u32::to_be_bytes).collect();
        let thorough = inputs.iter().filter(|input| Case::brisk(&input[..]).is_thorough()).count();
        assert!((800..1200).contains(&thorough), "{thorough}");
        let mut case = Case::brisk(b"1234");
        case.reach("somewhere");
        case.see(&1);
        assert!(case.reached().is_empty() && case.features().is_empty());
        assert!(inputs.iter().all(|input| Case::new(input).is_thorough()));
    }

    #[test]
    fn a_panic_is_a_finding_with_its_place() {
        let none: &[u8] = &[];
        let finding = trial(|| none[1]).expect_err("it panics");
        assert_eq!(finding.oracle, Oracle::Panic);
        assert!(finding.what.contains("harness/fuzz/src/case.rs:"), "{finding}");
        // And again: nothing is left behind.
        for _ in 0..100 {
            assert!(trial(|| none[1]).is_err());
        }
    }

    #[test]
    fn too_much_memory_is_a_finding_even_when_it_is_given_back() {
        let finding = trial(|| Vec::<u8>::with_capacity(70_000).capacity()).expect_err("too much");
        assert_eq!(finding.oracle, Oracle::Allocation);
        assert_eq!(finding.what, "70000 bytes allocated for 4 bytes, 65664 allowed");
    }

    #[test]
    fn memory_that_is_lost_each_time_is_a_finding_and_a_table_made_once_is_not() {
        let lost = |case: &mut Case<'_>| {
            case.reach("somewhere");
            std::mem::forget(vec![1_u8; 100]);
            Ok(())
        };
        let finding = run(lost, &mut Case::new(b"1234")).expect_err("a leak");
        assert_eq!(finding.oracle, Oracle::Leak);
        assert_eq!(finding.what, "100 bytes are kept by each execution");
        let table = RefCell::new(Vec::new());
        let once = |case: &mut Case<'_>| {
            if table.borrow().is_empty() {
                table.borrow_mut().extend_from_slice(case.input);
            }
            case.see(&1);
            Ok(())
        };
        assert_eq!(run(once, &mut Case::new(b"1234")), Ok(()));
        assert_eq!(table.take(), b"1234");
    }

    #[test]
    fn being_slow_each_time_is_a_finding_and_being_slow_once_is_not() {
        let busy = || {
            let begun = wall::now();
            while begun.elapsed() < Duration::from_millis(200) {
                std::hint::spin_loop();
            }
        };
        let finding = trial(busy).expect_err("slow");
        assert_eq!(finding.oracle, Oracle::Time);
        let mut first = true;
        let late = || {
            if std::mem::take(&mut first) {
                std::thread::sleep(Duration::from_millis(30));
            }
        };
        assert_eq!(trial(late), Ok(()));
    }
}
