//! What is remembered of a DTLS association and of what runs in it.

use std::collections::BTreeSet;

use rtcspec_wire::dtls::Reassembler;

use super::event::DtlsRole;
use super::limits;
use super::media::Media;
use super::replay::Replay;
use super::sctp::Sctp;
use crate::secrets;

/// What one end sent.
#[derive(Debug, Default)]
pub(super) struct Half {
    pub(super) reassembler: Reassembler,
    /// Message number and offset of the fragments it sent.
    sent: BTreeSet<(u16, u32)>,
    pub(super) replay: Replay,
    pub(super) finished: bool,
    /// It sent application data.
    pub(super) data: bool,
}

impl Half {
    /// Notes a fragment; whether it was sent before.
    pub(super) fn sent_before(&mut self, message_seq: u16, offset: u32) -> bool {
        let known = !self.sent.insert((message_seq, offset));
        if self.sent.len() > limits::FRAGMENTS {
            self.sent.pop_first();
        }
        known
    }
}

/// A DTLS association; its ends are those of its connection, A first.
#[derive(Debug, Default)]
pub(super) struct Association {
    pub(super) number: u32,
    pub(super) dtls: secrets::Association,
    pub(super) halves: [Half; 2],
    /// It was said to be up.
    pub(super) ready: bool,
    pub(super) sctp: Sctp,
    pub(super) media: Media,
}

impl Association {
    pub(super) fn role(&self, end: usize) -> Option<DtlsRole> {
        self.dtls
            .client
            .map(|client| if client == end { DtlsRole::Client } else { DtlsRole::Server })
    }

    /// Whether it can be said to be up.
    pub(super) fn is_up(&self) -> bool {
        let [a, b] = &self.halves;
        self.dtls.suite.is_some() && (a.data || b.data || (a.finished && b.finished))
    }

    fn held(&self) -> usize {
        let of = |half: &Half| half.reassembler.held();
        self.halves.iter().map(of).sum::<usize>() + self.sctp.held()
    }
}

/// The associations of a connection, the newest last.
#[derive(Debug, Default)]
pub(super) struct Associations {
    list: Vec<Association>,
    next: u32,
}

impl Associations {
    /// The one with a number, else the newest.
    pub(super) fn pick(&mut self, number: u32) -> Option<&mut Association> {
        let at = self.list.iter().position(|one| one.number == number);
        let at = at.or(self.list.len().checked_sub(1))?;
        self.list.get_mut(at)
    }

    /// The one picked, made if there is none.
    pub(super) fn pick_or_add(&mut self, number: u32) -> Option<&mut Association> {
        if self.list.is_empty() {
            self.add();
        }
        self.pick(number)
    }

    /// The number picked first, the others from the newest on.
    pub(super) fn order(&self, number: u32) -> impl Iterator<Item = usize> + use<> {
        let picked = self.list.iter().position(|one| one.number == number);
        let others = (0..self.list.len()).rev().filter(move |at| Some(*at) != picked);
        picked.into_iter().chain(others)
    }

    pub(super) fn at(&mut self, at: usize) -> Option<&mut Association> {
        self.list.get_mut(at)
    }

    /// The one a `ClientHello` belongs to: it is sent again with a cookie, or because its answer
    /// is late, and begins another association otherwise.
    pub(super) fn greeted(&mut self, end: usize, random: [u8; 32]) -> &mut Association {
        let known = self.list.iter().rposition(|one| {
            let dtls = &one.dtls;
            let same = dtls.client_random == Some(random) && dtls.client == Some(end);
            // A client that sent data has no reason to greet again: this one begins anew.
            same && !one.halves[end].data
        });
        let unanswered = self.list.iter().rposition(|one| {
            let is_clients = one.dtls.client.is_none_or(|client| client == end);
            is_clients && one.dtls.server_random.is_none() && !one.halves.iter().any(|h| h.data)
        });
        let at = match known.or(unanswered) {
            Some(at) => at,
            None => self.add(),
        };
        let one = &mut self.list[at];
        one.dtls.client_hello(end, random);
        one
    }

    fn add(&mut self) -> usize {
        if self.list.len() >= limits::ASSOCIATIONS {
            self.list.remove(0);
        }
        self.next = self.next.saturating_add(1);
        self.list.push(Association { number: self.next, ..Association::default() });
        self.list.len() - 1
    }

    /// The ends change places.
    pub(super) fn flip(&mut self) {
        for one in &mut self.list {
            one.dtls.flip();
            one.halves.swap(0, 1);
            one.sctp.flip();
            one.media.flip();
        }
    }

    /// Bytes of what is not finished.
    pub(super) fn held(&self) -> usize {
        self.list.iter().map(Association::held).sum()
    }

    /// Forgets what is not finished.
    pub(super) fn forget_pieces(&mut self) {
        for one in &mut self.list {
            one.halves.iter_mut().for_each(|half| half.reassembler = Reassembler::new());
            one.sctp.forget_pieces();
        }
    }
}
