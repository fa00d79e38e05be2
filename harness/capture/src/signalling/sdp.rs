//! Descriptions alone: a file of SDP, or of an `RTCSessionDescription` in JSON.

use rtcspec_wire::sdp::View;
use serde_json::Value;

use super::dialogue::Told;

/// Reads SDP whose file has this name. What the name does not say, `a=setup` does.
pub(super) fn from_text(name: &str, text: &str) -> Told {
    let kind = kind(name, text);
    Told::description(kind == "offer", 0.0, kind, text)
}

/// Reads `{"type": "offer", "sdp": "v=0..."}`.
pub(super) fn from_json(value: &Value) -> Option<Told> {
    let (kind, sdp) = (value.get("type")?.as_str()?, value.get("sdp")?.as_str()?);
    Some(Told::description(kind == "offer", 0.0, kind, sdp))
}

fn kind(name: &str, text: &str) -> &'static str {
    let name = name.to_ascii_lowercase();
    // The word that comes last belongs to the file, one before it perhaps to the capture.
    match (name.rfind("offer"), name.rfind("answer")) {
        (Some(offer), Some(answer)) if offer > answer => "offer",
        (Some(_), None) => "offer",
        (_, Some(_)) => "answer",
        (None, None) if is_answer(text) => "answer",
        (None, None) => "offer",
    }
}

/// RFC 8842 §5.3: an answer is active or passive; RFC 8842 §5.2: an offer is actpass.
fn is_answer(text: &str) -> bool {
    let view = View::parse(text.as_bytes());
    let roles: [&[u8]; 2] = [b"active", b"passive"];
    view.sections().any(|section| section.attributes("setup").any(|role| roles.contains(&role)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_what_it_is_and_else_the_setup_role() {
        let text =
            |setup: &str| format!("v=0\r\nm=application 9 UDP/DTLS/SCTP x\r\na=setup:{setup}\r\n");
        assert_eq!(kind("a.offer-x.sdp", &text("active")), "offer");
        assert_eq!(kind("no-offer.answer.sdp", &text("actpass")), "answer");
        assert_eq!(kind("1.sdp", &text("actpass")), "offer");
        assert_eq!(kind("2.sdp", &text("active")), "answer");
        assert_eq!(kind("2.sdp", &text("passive")), "answer");
    }
}
