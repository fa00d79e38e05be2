//! `stun_auth`: what MESSAGE-INTEGRITY and its kin protect.

use std::ops::RangeInclusive;

use rtcspec_wire::stun::{AttributeType as Type, Check, Fingerprint, Key, View};

use super::plants;
use crate::case::{Budget, Case};
use crate::finding::{Finding, Oracle, Verdict, hold};
use crate::mutate;
use crate::target::Target;

/// Holds integrity and FINGERPRINT.
///
/// The last four bytes of the input say which bit is changed once the message has been made right.
pub const AUTH: Target = Target {
    name: "stun_auth",
    about: "MESSAGE-INTEGRITY, -SHA256, FINGERPRINT: right when made right, wrong after any change",
    seeds: &["stun"],
    dictionary: mutate::stun::dictionary,
    mutate: |data, source| {
        let mut tail = [0; TAIL];
        let kept = data.len().min(TAIL);
        tail[..kept].copy_from_slice(&data[data.len() - kept..]);
        data.truncate(data.len() - kept);
        // The body makes right what it is given.
        mutate::stun::mutate_unrepaired(data, source);
        data.extend_from_slice(&tail[..kept]);
        data.resize(data.len().max(TAIL), 0);
        let at = data.len() - 1 - source.below(TAIL);
        data[at] = source.rng.u8(..);
    },
    body: |case| body(case, &Subject::OURS),
    situations: &[
        "integrity",
        "integrity-sha256",
        "fingerprint",
        "after integrity",
        "change refused",
    ],
    plants: plants::AUTH,
};

/// Bytes that choose the bit.
const TAIL: usize = 4;

/// Who checks.
pub(super) struct Subject {
    pub(super) integrity: fn(&View<'_>, &Key) -> Check,
    pub(super) integrity_sha256: fn(&View<'_>, &Key) -> Check,
    pub(super) fingerprint: fn(&View<'_>) -> Fingerprint,
}

impl Subject {
    pub(super) const OURS: Self = Self {
        integrity: |view, key| view.verify_integrity(key),
        integrity_sha256: |view, key| view.verify_integrity_sha256(key),
        fingerprint: |view| view.fingerprint(),
    };
}

pub(super) fn body(case: &mut Case<'_>, subject: &Subject) -> Verdict {
    let Some((message, tail)) = case.input.split_last_chunk::<TAIL>() else { return Ok(()) };
    let mut message = message.to_vec();
    let key = mutate::stun::key();
    rtcspec_wire::stun::repair(&mut message, key);
    let view = View::new(&message);
    let outcome =
        case.within(Budget::DATAGRAM, message.len(), || Outcome::of(subject, &view, key))?;
    if case.is_noted() {
        note(case, &view, &outcome);
    }
    if view.check().is_err() {
        return Ok(());
    }
    made_right(&view, &outcome)?;
    if !case.is_thorough() {
        return Ok(());
    }
    foreign_key(subject, &view, &outcome)?;
    let bit = u32::from_be_bytes(*tail) as usize % (message.len() * 8).max(1);
    flipped(case, subject, &message, &outcome, bit)
}

/// The three checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Outcome {
    integrity: Check,
    integrity_sha256: Check,
    fingerprint: Fingerprint,
}

impl Outcome {
    fn of(subject: &Subject, view: &View<'_>, key: &Key) -> Self {
        Self {
            integrity: (subject.integrity)(view, key),
            integrity_sha256: (subject.integrity_sha256)(view, key),
            fingerprint: (subject.fingerprint)(view),
        }
    }
}

fn note(case: &mut Case<'_>, view: &View<'_>, outcome: &Outcome) {
    case.see(&format!("{outcome:?}"));
    if outcome.integrity == Check::Valid {
        case.reach("integrity");
    }
    if outcome.integrity_sha256 == Check::Valid {
        case.reach("integrity-sha256");
    }
    if outcome.fingerprint == Fingerprint::Valid {
        case.reach("fingerprint");
    }
    if view.attributes().any(|attribute| attribute.is_ignored()) {
        case.reach("after integrity");
    }
}

/// What was made right is right, where it stands so that it counts.
fn made_right(view: &View<'_>, outcome: &Outcome) -> Verdict {
    let has = |ty, lengths: RangeInclusive<usize>| {
        let found = view.attribute(ty);
        found.is_some_and(|found| {
            lengths.contains(&found.value.len()) && found.value.len().is_multiple_of(4)
        })
    };
    let integrity = has(Type::MESSAGE_INTEGRITY, 20..=20);
    hold(Oracle::Model, (outcome.integrity == Check::Valid) == integrity, || {
        format!("MESSAGE-INTEGRITY made right is {:?}", outcome.integrity)
    })?;
    // RFC 8489 §14.6: truncated to 16 bytes at least.
    let sha256 = has(Type::MESSAGE_INTEGRITY_SHA256, 16..=32);
    hold(Oracle::Model, (outcome.integrity_sha256 == Check::Valid) == sha256, || {
        format!("MESSAGE-INTEGRITY-SHA256 made right is {:?}", outcome.integrity_sha256)
    })?;
    // RFC 8489 §14.7: the last attribute.
    let first = view.attributes().position(|attribute| attribute.ty == Type::FINGERPRINT);
    let last = first.is_some_and(|at| at + 1 == view.attributes().count());
    let fingerprint = last && has(Type::FINGERPRINT, 4..=4);
    hold(Oracle::Model, (outcome.fingerprint == Fingerprint::Valid) == fingerprint, || {
        format!("FINGERPRINT made right is {:?}", outcome.fingerprint)
    })
}

/// Under another key nothing is valid.
fn foreign_key(subject: &Subject, view: &View<'_>, outcome: &Outcome) -> Verdict {
    let other = Outcome::of(subject, view, &Key::short_term("another"));
    let fooled = other.integrity == Check::Valid || other.integrity_sha256 == Check::Valid;
    hold(Oracle::Metamorphic, !fooled, || format!("{outcome:?}, under another key {other:?}"))
}

/// RFC 8489 §14.5 to §14.7: a change of any covered bit is noticed. The length field is exempt: the
/// receiver computes with one of its own.
fn flipped(
    case: &mut Case<'_>,
    subject: &Subject,
    message: &[u8],
    before: &Outcome,
    bit: usize,
) -> Verdict {
    let at = bit / 8;
    if (2..4).contains(&at) || at >= message.len() {
        return Ok(());
    }
    let mut changed = message.to_vec();
    changed[at] ^= 1 << (bit % 8);
    let view = View::new(&changed);
    let covers = |ty| {
        let original = View::new(message).attribute(ty)?;
        // Its own value counts, its type and length decide whether it is there at all.
        let value = original.offset + 4..original.offset + 4 + original.value.len();
        Some(
            (at < original.offset || value.contains(&at))
                && view.attribute(ty)?.offset == original.offset,
        )
    };
    let key = mutate::stun::key();
    let after = Outcome::of(subject, &view, key);
    let fooled = [
        (
            Type::MESSAGE_INTEGRITY,
            before.integrity == Check::Valid && after.integrity == Check::Valid,
        ),
        (
            Type::MESSAGE_INTEGRITY_SHA256,
            before.integrity_sha256 == Check::Valid && after.integrity_sha256 == Check::Valid,
        ),
        (
            Type::FINGERPRINT,
            before.fingerprint == Fingerprint::Valid && after.fingerprint == Fingerprint::Valid,
        ),
    ];
    for (ty, fooled) in fooled {
        if covers(ty) == Some(true) {
            case.reach("change refused");
            if fooled {
                let what = format!("{ty} is valid after bit {bit} of {message:02x?} changed");
                return Err(Finding::new(Oracle::Metamorphic, what));
            }
        }
    }
    Ok(())
}
