//! What others may do to a description on its way, and offers of others.

use crate::mutate;

/// Offers of stacks that have media, that are old, or that say at session level what holds for all.
pub(super) const FOREIGN: [&str; 4] = [
    "v=0\r\no=- 7 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n\
     m=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=rtcp-mux\r\na=sendrecv\r\n\
     a=rtpmap:111 opus/48000/2\r\na=ice-ufrag:frgn\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\n\
     a=setup:actpass\r\n\
     m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtcp-mux\r\na=recvonly\r\n\
     a=rtpmap:96 VP8/90000\r\na=ice-ufrag:frgn\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\n\
     m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\n\
     a=ice-ufrag:frgn\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\na=setup:actpass\r\na=sctp-port:5000\r\n\
     a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n",
    "v=0\r\no=- 8 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=ice-ufrag:olds\r\n\
     a=ice-pwd:bbbbbbbbbbbbbbbbbbbbbb\r\na=setup:active\r\n\
     a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n\
     m=application 9 DTLS/SCTP 5000\r\nc=IN IP4 0.0.0.0\r\na=sctpmap:5000 webrtc-datachannel 256\r\n\
     a=mid:data\r\n",
    "v=0\r\no=- 9 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
     m=audio 5004 RTP/AVP 0\r\nc=IN IP4 192.0.2.1\r\n\
     m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:d\r\n\
     a=ice-ufrag:avps\r\na=ice-pwd:cccccccccccccccccccccc\r\na=setup:passive\r\na=sctp-port:5000\r\n\
     a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB\r\n",
    "v=0\r\no=- 10 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n",
];

/// Edits a description: two bytes for each edit, what and where.
pub(super) fn edit(text: &str, edits: &[u8]) -> String {
    let mut text = text.to_owned();
    for &[what, place] in edits.as_chunks().0 {
        text = once(&text, what, usize::from(place));
    }
    text
}

fn once(text: &str, what: u8, place: usize) -> String {
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let starts: Vec<usize> =
        (0..lines.len()).filter(|at| lines[*at].starts_with("m=")).chain([lines.len()]).collect();
    let nth = place % starts.len();
    let from = starts[nth];
    let section = from..starts.get(nth + 1).copied().unwrap_or(from);
    let at = place % lines.len().max(1);
    match what % 9 {
        0 if !lines.is_empty() => drop(lines.remove(at)),
        1 if !lines.is_empty() => lines.insert(at, lines[at].clone()),
        2 | 3 => {
            let dictionary = mutate::sdp::dictionary();
            let line = String::from_utf8_lossy(&dictionary[place % dictionary.len()]).into_owned();
            lines.push(format!("{line}\r\n"));
        }
        4 => drop(lines.drain(section)),
        5 => {
            let moved: Vec<String> = lines.drain(section).collect();
            lines.extend(moved);
        }
        6 => {
            let copy: Vec<String> = lines[section].to_vec();
            lines.extend(copy.into_iter().map(|line| line.replace("a=mid:", "a=mid:x")));
        }
        7 => {
            return without(
                text,
                ["a=fingerprint", "a=ice-", "a=setup", "a=tls-id", "a=mid"][place % 5],
            );
        }
        _ => {
            let setups =
                ["a=setup:active", "a=setup:passive", "a=setup:actpass", "a=setup:holdconn"];
            let found = setups.iter().find(|setup| text.contains(*setup));
            return found.map_or(text.to_owned(), |found| text.replace(found, setups[place % 4]));
        }
    }
    lines.concat()
}

fn without(text: &str, start: &str) -> String {
    text.split_inclusive('\n').filter(|line| !line.starts_with(start)).collect()
}
