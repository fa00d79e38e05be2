//! Session descriptions: lines and sections moved about, words and numbers exchanged.

use std::borrow::Cow;

use super::Source;
use super::elements::Part;

/// One change of a description.
pub fn mutate(data: &mut Vec<u8>, source: &mut Source<'_>) {
    super::mostly(data, source, |data, source| match source.rng.u8(..8) {
        0 => sections(data, source),
        1 => media_line(data, source),
        _ => super::text::lines(data, source),
    });
}

/// The session section and each media section, with all their lines.
fn split(data: &[u8]) -> Vec<Part<'_>> {
    let mut out = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b"m=") {
            out.push(Cow::Borrowed(&data[begin..end]));
            begin = end;
        }
        end += line.len();
    }
    out.push(Cow::Borrowed(&data[begin..]));
    out
}

/// A media section again, away, in another place, or of the donor.
fn sections(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let mut row = split(data);
    let (from, to) = (1 + source.below(row.len() - 1), 1 + source.below(row.len()));
    match source.rng.u8(..4) {
        0 if from < row.len() => {
            let again = vec![row[from].clone(); source.pick(&[1, 1, 1, 20])];
            row.splice(to..to, again);
        }
        1 if from < row.len() => drop(row.remove(from)),
        2 if from < row.len() => {
            let section = row.remove(from);
            row.insert(to.min(row.len()), section);
        }
        _ => {
            let theirs = split(source.donor);
            row.extend(theirs.into_iter().skip(1 + source.below(3)).take(1));
        }
    }
    *data = row.concat();
}

/// Changes words of a media section's first line.
fn media_line(data: &mut Vec<u8>, source: &mut Source<'_>) {
    let mut row = split(data);
    let at = 1 + source.below(row.len() - 1);
    let Some(section) = row.get_mut(at) else { return };
    let end = section.iter().position(|byte| *byte == b'\n').map_or(section.len(), |at| at + 1);
    let mut changed = super::text::reworded(&section[..end], source);
    changed.extend_from_slice(&section[end..]);
    *section = Cow::Owned(changed);
    *data = row.concat();
}

/// Lines of every type and attribute, as they stand in descriptions of WebRTC.
const LINES: [&str; 58] = [
    "v=0",
    "o=- 1 2 IN IP4 127.0.0.1",
    "s=-",
    "i=about",
    "u=http://example.org/",
    "e=j.doe@example.org",
    "p=+1 617 555-6011",
    "c=IN IP6 2001:db8::1",
    "c=IN IP4 233.252.0.1/127/3",
    "b=AS:128",
    "t=0 0",
    "r=7d 1h 0 25h",
    "z=2882844526 -1h 2898848070 0",
    "k=prompt",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
    "m=video 49170/2 RTP/AVP 31",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "m=application 9 DTLS/SCTP 5000",
    "a=bundle-only",
    "a=candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host",
    "a=end-of-candidates",
    "a=extmap:1/recvonly urn:ietf:params:rtp-hdrext:sdes:mid",
    "a=extmap-allow-mixed",
    "a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB",
    "a=fmtp:96 apt=97;x=1",
    "a=group:BUNDLE 0 1",
    "a=ice-lite",
    "a=ice-mismatch",
    "a=ice-options:trickle ice2",
    "a=ice-pacing:50",
    "a=ice-pwd:asd88fgpdd777uzjYhagZg",
    "a=ice-ufrag:8hhY",
    "a=identity:ZXhhbXBsZQ==",
    "a=inactive",
    "a=max-message-size:262144",
    "a=maxptime:60",
    "a=mid:0",
    "a=msid:stream track",
    "a=msid-semantic:WMS *",
    "a=ptime:20",
    "a=recvonly",
    "a=remote-candidates:1 192.0.2.3 45664",
    "a=rid:hi send pt=97;max-width=1280",
    "a=rtcp:9 IN IP4 0.0.0.0",
    "a=rtcp-fb:* nack pli",
    "a=rtcp-mux",
    "a=rtcp-mux-only",
    "a=rtcp-rsize",
    "a=rtpmap:96 VP8/90000",
    "a=sctp-init:AQAAFA==",
    "a=sctp-port:5000",
    "a=sctpmap:5000 webrtc-datachannel 256",
    "a=setup:actpass",
    "a=simulcast:send hi;~lo,mid recv x",
    "a=ssrc:314159 cname:user@example.org",
    "a=ssrc-group:FID 1 2",
    "a=tls-id:abc3de65cddef001be82",
    "a=x-unknown:1",
];

/// The dictionary: lines of every type.
#[must_use]
pub fn dictionary() -> Vec<Vec<u8>> {
    LINES.iter().map(|line| line.as_bytes().to_vec()).collect()
}

#[cfg(test)]
mod tests {
    use rtcspec_wire::sdp::{Attribute, MediaLine, View};

    use super::*;

    #[test]
    fn every_line_of_the_dictionary_is_recognised() {
        for line in LINES {
            match line.split_at(2) {
                ("a=", "x-unknown:1") => {}
                ("a=", attribute) => {
                    let attribute: Attribute = attribute.parse().expect(line);
                    assert!(!matches!(attribute, Attribute::Unknown { .. }), "{line}");
                }
                ("m=", media) => assert!(media.parse::<MediaLine>().is_ok(), "{line}"),
                (kind, _) => {
                    let start = if kind == "v=" { "" } else { "v=0\r\n" };
                    let text = format!("{start}{line}\r\n");
                    let view = View::parse(text.as_bytes());
                    let nth = view.lines().len();
                    let fault = view.faults().into_iter().find(|fault| fault.line == nth);
                    assert!(fault.is_none() || kind == "r=", "{fault:?}");
                }
            }
        }
    }

    #[test]
    fn sections_put_together_are_the_text() {
        let text = b"v=0\r\nm=audio 9 RTP/AVP 0\r\na=x\r\nm=video 9 RTP/AVP 31\r\n";
        let row = split(text);
        assert_eq!(row.len(), 3);
        assert_eq!(row.concat(), text);
    }
}
