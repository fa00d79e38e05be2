//! STUN transactions: which request an answer answers.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use rtcspec_wire::stun::{AttributeType, TransactionId, View};

use super::event::{Purpose, Transaction};
use super::frame::Frame;
use super::limits;

/// A request that was seen.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) transaction: Transaction,
    pub(super) purpose: Purpose,
    /// ufrags of receiver and sender, of a check.
    pub(super) username: Option<[String; 2]>,
    bytes: u64,
}

/// The newest transactions.
#[derive(Debug, Default)]
pub(super) struct Transactions {
    pending: BTreeMap<[u8; 12], Pending>,
    order: VecDeque<[u8; 12]>,
}

impl Transactions {
    /// Takes a request in.
    pub(super) fn request(
        &mut self,
        frame: &Frame,
        view: &View<'_>,
        purpose: Purpose,
        username: Option<(&str, &str)>,
    ) -> Option<Transaction> {
        let TransactionId(id) = view.transaction_id()?;
        let bytes = hash(view.as_bytes());
        if let Some(pending) = self.pending.get_mut(&id) {
            let known = &mut pending.transaction;
            known.previous_at = Some(known.last_at);
            known.last_at = frame.at;
            known.last_number = frame.number;
            known.requests = known.requests.saturating_add(1);
            known.same_bytes &= pending.bytes == bytes;
            (known.path, known.outer) = (frame.inner, frame.outer);
            return Some(*known);
        }
        let transaction = Transaction {
            first_number: frame.number,
            first_at: frame.at,
            last_number: frame.number,
            last_at: frame.at,
            previous_at: None,
            requests: 1,
            answers: 0,
            same_bytes: true,
            path: frame.inner,
            outer: frame.outer,
            unknown_required: view.unknown_required().next().is_some(),
            use_candidate: view.has(AttributeType::USE_CANDIDATE),
        };
        if self.order.len() >= limits::TRANSACTIONS
            && let Some(oldest) = self.order.pop_front()
        {
            self.pending.remove(&oldest);
        }
        self.order.push_back(id);
        let username = username.map(|(receiver, sender)| [receiver.to_owned(), sender.to_owned()]);
        self.pending.insert(id, Pending { transaction, purpose, username, bytes });
        Some(transaction)
    }

    /// The request a response answers, the answer counted.
    pub(super) fn answer(&mut self, view: &View<'_>) -> Option<&Pending> {
        let TransactionId(id) = view.transaction_id()?;
        let pending = self.pending.get_mut(&id)?;
        pending.transaction.answers = pending.transaction.answers.saturating_add(1);
        pending.transaction.previous_at = None;
        Some(pending)
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
