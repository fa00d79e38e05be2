//! The oracle's answer as expectations of a run, and the lint of expectations that contradict it.
//!
//! The oracle lets two agents connect anew. What it says holds for expectations at the start and
//! after a restart, on the network as the steps before have left it. Where a step has changed the
//! network and nobody has restarted, it only bounds what can be: a path that a new connection could
//! not have either. It says nothing of networks with kill rules, with limits that are soon reached,
//! or with steps whose order with an expectation is not in the file.

mod expected;
mod outlook;
mod timeline;

pub(crate) use expected::expect;
pub(crate) use outlook::{Contradiction, contradictions};
pub use outlook::{Outlook, outlook, verdict};
