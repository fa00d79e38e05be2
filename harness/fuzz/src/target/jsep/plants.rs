//! Bugs of others' negotiation, built into copies of ours.

use rtcspec_peer::jsep::{
    Description, DescriptionError, Error, IceCredentials, Jsep, SdpType, SignalingState,
};

use super::program::{self, Subject};
use crate::case::Case;
use crate::finding::Verdict;
use crate::target::Plant;

type Answer = fn(&mut Jsep, IceCredentials) -> Result<String, Error>;
type Set = fn(&mut Jsep, &Description) -> Result<(), Error>;

fn answerer(case: &mut Case<'_>, create_answer: Answer) -> Verdict {
    program::body(case, &Subject { create_answer, ..Subject::OURS })
}

fn receiver(case: &mut Case<'_>, set_remote: Set) -> Verdict {
    program::body(case, &Subject { set_remote, ..Subject::OURS })
}

pub(super) const OFFER_ANSWER: &[Plant] = &[
    Plant {
        name: "jsep-rejected-section-left-out",
        source: "RFC 3264 §6: an answer without the sections that it rejects",
        body: |case| answerer(case, rejected_left_out),
    },
    Plant {
        name: "jsep-unprotected-accepted",
        source: "SRS C34: a section of RTP/AVP is accepted, and media go in the clear",
        body: |case| answerer(case, unprotected_accepted),
    },
    Plant {
        name: "jsep-answer-actpass",
        source: "RFC 8842 §5.3: an answer leaves the choice of roles open",
        body: |case| answerer(case, answer_actpass),
    },
    Plant {
        name: "jsep-tls-id-not-offered",
        source: "SRS #4722 c7, libpeer #275 c5: tls-id handled as if everybody had it",
        body: |case| answerer(case, tls_id_not_offered),
    },
    Plant {
        name: "jsep-glare-refused",
        source: "RFC 9429 §4.1.10.2: an offer is refused while one of ours is open",
        body: |case| receiver(case, glare_refused),
    },
    Plant {
        name: "jsep-answer-to-nothing",
        source: "Signal, Messenger and others, Project Zero 2021: an answer out of order is taken",
        body: |case| receiver(case, answer_to_nothing),
    },
    Plant {
        name: "jsep-no-fingerprint",
        source: "pion CVE-2021-28681, libpeer #281: without a right fingerprint all goes on",
        body: |case| receiver(case, no_fingerprint),
    },
    Plant {
        name: "jsep-rollback-ignored",
        source: "a rollback is taken, and the offer stays open",
        body: |case| program::body(case, &Subject { set_local: rollback_ignored, ..Subject::OURS }),
    },
];

/// The media sections of a text, each with its lines.
fn sections(text: &str) -> (String, Vec<String>) {
    let mut parts = text.split("\r\nm=");
    let head = format!("{}\r\n", parts.next().unwrap_or_default().trim_end());
    let media = parts.map(|part| format!("m={}\r\n", part.trim_end())).collect();
    (head, media)
}

fn rejected_left_out(jsep: &mut Jsep, fresh: IceCredentials) -> Result<String, Error> {
    let (head, media) = sections(&jsep.create_answer(|| fresh)?);
    let kept = media.into_iter().filter(|media| media.split(' ').nth(1) != Some("0"));
    Ok(head + &kept.collect::<String>())
}

pub(crate) fn unprotected_accepted(
    jsep: &mut Jsep,
    fresh: IceCredentials,
) -> Result<String, Error> {
    let (head, media) = sections(&jsep.create_answer(|| fresh)?);
    let media = media.into_iter().map(|media| {
        if media.contains(" RTP/AVP ") { media.replacen(" 0 ", " 9 ", 1) } else { media }
    });
    Ok(head + &media.collect::<String>())
}

fn answer_actpass(jsep: &mut Jsep, fresh: IceCredentials) -> Result<String, Error> {
    let answer = jsep.create_answer(|| fresh)?;
    Ok(answer
        .replace("a=setup:active", "a=setup:actpass")
        .replace("a=setup:passive", "a=setup:actpass"))
}

fn tls_id_not_offered(jsep: &mut Jsep, fresh: IceCredentials) -> Result<String, Error> {
    let answer = jsep.create_answer(|| fresh)?;
    if answer.contains("a=tls-id") || !answer.contains("a=setup:") {
        return Ok(answer);
    }
    Ok(answer.replace("a=setup:", "a=tls-id:association-number-000\r\na=setup:"))
}

fn glare_refused(jsep: &mut Jsep, description: &Description) -> Result<(), Error> {
    let state = jsep.state();
    if description.kind == SdpType::Offer && state == SignalingState::HaveLocalOffer {
        return Err(Error::State { operation: "set a remote offer", state });
    }
    jsep.set_remote(description)
}

pub(crate) fn answer_to_nothing(jsep: &mut Jsep, description: &Description) -> Result<(), Error> {
    match jsep.set_remote(description) {
        Err(Error::State { state: SignalingState::Stable, .. })
            if description.kind == SdpType::Answer =>
        {
            Ok(())
        }
        outcome => outcome,
    }
}

fn no_fingerprint(jsep: &mut Jsep, description: &Description) -> Result<(), Error> {
    match jsep.set_remote(description) {
        Err(Error::Description(DescriptionError::NoFingerprint(_))) => {
            let any =
                "a=fingerprint:sha-1 00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00";
            let sdp = description.sdp.replacen("t=0 0\r\n", &format!("t=0 0\r\n{any}\r\n"), 1);
            jsep.set_remote(&Description::new(description.kind, sdp))
        }
        outcome => outcome,
    }
}

fn rollback_ignored(jsep: &mut Jsep, description: &Description) -> Result<(), Error> {
    let open = [SignalingState::HaveLocalOffer, SignalingState::HaveRemoteOffer];
    if description.kind == SdpType::Rollback && open.contains(&jsep.state()) {
        return Ok(());
    }
    jsep.set_local(description)
}
