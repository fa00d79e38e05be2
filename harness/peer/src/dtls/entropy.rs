//! What the crypto provider draws from while the library runs.
//!
//! The library takes its provider as `&'static` objects, so a provider cannot hold the state of one
//! session. A session therefore lends its [`Tap`] to the thread for the length of each call into
//! the library, and the provider finds it there.

use std::cell::RefCell;

use p256::ecdsa::SigningKey;

use super::keylog::KeyLog;
use crate::rng::Rng;

/// The randomness, the key and the key log of one session.
#[derive(Debug)]
pub(super) struct Tap {
    pub(super) rng: Rng,
    pub(super) key: SigningKey,
    pub(super) log: KeyLog,
}

/// Who is calling into the library on this thread.
#[derive(Debug)]
enum Caller {
    /// Nobody: the provider refuses whatever needs a session.
    Nobody,
    /// A session.
    Session(Box<Tap>),
    /// The build of a configuration whose provider has passed the library's self-test before.
    Rebuild,
}

thread_local! {
    static CALLER: RefCell<Caller> = const { RefCell::new(Caller::Nobody) };
}

/// Runs a call into the library on behalf of a session.
pub(super) fn lend<R>(tap: Box<Tap>, call: impl FnOnce() -> R) -> (Box<Tap>, R) {
    CALLER.set(Caller::Session(tap));
    let result = call();
    match CALLER.replace(Caller::Nobody) {
        Caller::Session(tap) => (tap, result),
        _ => unreachable!("calls into the library do not nest"),
    }
}

/// Runs the build of a configuration without repeating the expensive part of the self-test.
pub(super) fn rebuild<R>(call: impl FnOnce() -> R) -> R {
    CALLER.set(Caller::Rebuild);
    let result = call();
    CALLER.set(Caller::Nobody);
    result
}

/// Whether the self-test is running again for a provider that has passed it.
pub(super) fn is_rebuild() -> bool {
    CALLER.with_borrow(|caller| matches!(caller, Caller::Rebuild))
}

/// Gives the tap of the calling session to `use_it`; `None` outside of a session.
pub(super) fn with_tap<R>(use_it: impl FnOnce(&mut Tap) -> R) -> Option<R> {
    CALLER.with_borrow_mut(|caller| match caller {
        Caller::Session(tap) => Some(use_it(tap)),
        _ => None,
    })
}
