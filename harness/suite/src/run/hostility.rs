//! A case, or the hostile side of a scenario file, on the stage: the hostile peer, and the case's
//! judgement beside the scenario's.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use rtcspec_adapter_reference::ReferenceEndpoint;
use rtcspec_control::{SpawnContext, VirtualEndpoint};
use rtcspec_trace::Party;

use super::judge::judge;
use super::stage::{Stage, index};
use crate::cases::{Case, Hand, Improvise, Log, Ruling, Scripted, Seen, SeenChannel};
use crate::scenario::{File, Variant};
use crate::verdict::{Finding, Layer, Verdict};

/// The hostile side of a run.
#[derive(Debug)]
pub(super) struct Hostility {
    /// Which party it is.
    pub(super) party: Party,
    layer: Layer,
    to_the_limit: bool,
    /// What the application of the peer under test received is looked at.
    pub(super) asks_the_peer: bool,
    /// What is done at every layer.
    pub(super) hand: Rc<RefCell<Hand>>,
    #[cfg(test)]
    doctor: Option<crate::cases::sabotage::Doctor>,
}

/// What a case found, before the peers said farewell.
#[derive(Debug)]
pub(super) struct Rulings {
    layer: Layer,
    rulings: Vec<Ruling>,
    may_end: bool,
}

impl Hostility {
    /// A case, with nothing done yet.
    pub(super) fn new(case: &Case, party: Party) -> Self {
        let hand = Rc::new(RefCell::new(Hand::new((case.make)())));
        Self {
            party,
            layer: case.layer,
            to_the_limit: case.to_the_limit,
            asks_the_peer: case.asks_the_peer,
            hand,
            #[cfg(test)]
            doctor: None,
        }
    }

    /// The hostile side that a file describes.
    pub(super) fn of(file: &File, party: Party, improvise: Rc<RefCell<dyn Improvise>>) -> Self {
        let hand = Hand::new(Box::new(Scripted::new(file, improvise)));
        Self {
            party,
            layer: Layer::Control,
            to_the_limit: false,
            asks_the_peer: false,
            hand: Rc::new(RefCell::new(hand)),
            #[cfg(test)]
            doctor: None,
        }
    }

    /// With evidence that is changed before it is judged.
    #[cfg(test)]
    pub(super) fn doctored(self, doctor: crate::cases::sabotage::Doctor) -> Self {
        Self { doctor: Some(doctor), ..self }
    }

    /// The reference peer, with the case's hand at every layer.
    pub(super) fn spawn(&self, context: SpawnContext) -> Box<dyn VirtualEndpoint> {
        Box::new(ReferenceEndpoint::new(context).with_tamper(Rc::clone(&self.hand)))
    }

    /// Whether nothing is left to wait for.
    pub(super) fn met_so_far(&self, stage: &Stage<'_>, variant: &Variant) -> bool {
        !self.to_the_limit
            && self.rule(stage).join(judge(stage, variant)).iter().all(|f| f.verdict.is_fine())
    }

    /// What the case says of it.
    pub(super) fn rule(&self, stage: &Stage<'_>) -> Rulings {
        let hand = self.hand.borrow();
        let channels = &stage.actors[index(self.party.other())].log.channels;
        let channels = channels.iter().flat_map(|(label, list)| {
            list.iter().map(|channel| SeenChannel {
                label: label.clone(),
                protocol: channel.protocol.clone(),
                received: channel.received.iter().map(|message| message.digest.length).collect(),
            })
        });
        let channels = channels.collect();
        #[cfg(test)]
        if let Some(doctor) = self.doctor {
            let (log, end) = (hand.log.clone(), stage.now);
            let mut evidence = crate::cases::sabotage::Evidence { log, channels, end };
            doctor(&mut evidence);
            return self.judge(&hand, &evidence.log, stage.now, evidence.channels);
        }
        self.judge(&hand, &hand.log, stage.now, channels)
    }

    fn judge(&self, hand: &Hand, log: &Log, end: Duration, channels: Vec<SeenChannel>) -> Rulings {
        let seen = Seen { log, struck: hand.struck, end, channels };
        let (rulings, may_end) = (hand.case.judge(&seen), hand.case.may_end(&seen));
        Rulings { layer: self.layer, rulings, may_end }
    }
}

impl Rulings {
    /// The case's findings first, then those of the scenario around it. Where the case lets the
    /// session end, what did not arrive is no failure.
    pub(super) fn join(self, around: Vec<Finding>) -> Vec<Finding> {
        let Self { layer, rulings, may_end } = self;
        let own = rulings.into_iter().map(|ruling| Finding {
            verdict: ruling.verdict,
            requirement: ruling.duty.to_owned(),
            expected: ruling.expected.to_owned(),
            actual: ruling.actual,
            layer,
            lines: Vec::new(),
        });
        let counts = |finding: &Finding| !may_end || finding.verdict != Verdict::Fail;
        own.chain(around.into_iter().filter(counts)).collect()
    }
}
