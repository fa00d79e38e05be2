//! Signalling as files beside an export: descriptions alone as SDP; what has candidates of its own,
//! times, or several connections, as an rtcstats file.

use std::time::Duration;

use rtcspec_trace::{Party, Signal, SignalBody};

use super::book::Book;
use super::sdp;
use crate::signalling::{Dialogue, written};

/// Notes what signalling says that other layers need.
pub(super) fn learn(book: &mut Book, dialogues: &[Dialogue]) {
    for signal in dialogues.iter().flat_map(|dialogue| &dialogue.signals) {
        if let SignalBody::Description { sdp, .. } = &signal.body {
            sdp::learn(book, sdp);
        }
    }
}

/// Signalling in the place of other.
pub(super) fn rewrite(book: &mut Book, dialogues: &[Dialogue]) -> Vec<Dialogue> {
    let of = |(nth, dialogue): (usize, &Dialogue)| Dialogue {
        name: format!("connection-{}", nth + 1),
        began: dialogue.began,
        signals: dialogue.signals.iter().map(|signal| signal_of(book, signal)).collect(),
    };
    dialogues.iter().enumerate().map(of).collect()
}

fn signal_of(book: &mut Book, signal: &Signal) -> Signal {
    let body = match &signal.body {
        SignalBody::Description { kind, sdp } => {
            SignalBody::Description { kind: kind.clone(), sdp: sdp::description(book, sdp) }
        }
        SignalBody::Candidate { candidate, mid, ufrag } => {
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            SignalBody::Candidate {
                candidate: sdp::candidate(book, candidate),
                mid: mid.as_ref().map(|mid| text(sdp::name(&book.noise, mid.as_bytes()))),
                ufrag: ufrag.as_ref().map(|ufrag| text(book.noise.ice(ufrag.as_bytes()))),
            }
        }
    };
    let refused = signal.refused.as_ref().map(|why| book.noise.name_str(why));
    Signal { body, refused, ..signal.clone() }
}

/// The files, by what follows the export's name: `offer.sdp`, `answer.sdp`, `rtcstats`.
pub(super) fn files(dialogues: &[Dialogue]) -> Vec<(String, String)> {
    match dialogues {
        [] => Vec::new(),
        [one] => plain(one).unwrap_or_else(|| dump(dialogues)),
        _ => dump(dialogues),
    }
}

/// Offers and answers in turn, all at once: what files of SDP can say.
fn plain(dialogue: &Dialogue) -> Option<Vec<(String, String)>> {
    let rounds = dialogue.signals.len().div_ceil(2);
    let mut files: Vec<(String, String)> = Vec::new();
    for (nth, signal) in dialogue.signals.iter().enumerate() {
        let SignalBody::Description { kind, sdp } = &signal.body else { return None };
        let from = if kind == "offer" { Party::A } else { Party::B };
        let fits = signal.sent == Duration::ZERO
            && signal.from == from
            && matches!(kind.as_str(), "offer" | "answer");
        if !fits || dialogue.began.is_some() {
            return None;
        }
        let round = nth / 2 + 1;
        let name = if rounds == 1 { format!("{kind}.sdp") } else { format!("{kind}-{round}.sdp") };
        files.push((name, sdp.clone()));
    }
    // Files are ranked by name, an offer before the answer of the same rank.
    let in_turn = files
        .iter()
        .enumerate()
        .all(|(nth, (name, _))| name.starts_with(if nth % 2 == 0 { "offer" } else { "answer" }));
    let lone_answer = files.len() == 1 && files[0].0 == "answer.sdp";
    (in_turn && rounds < 10 || lone_answer).then_some(files)
}

fn dump(dialogues: &[Dialogue]) -> Vec<(String, String)> {
    let began = |dialogue: &Dialogue| Duration::from_millis(dialogue.began.unwrap_or_default());
    let connections: Vec<_> =
        dialogues.iter().map(|dialogue| (dialogue.signals.as_slice(), began(dialogue))).collect();
    vec![("rtcstats".to_owned(), written(&connections))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::noise::Noise;
    use crate::signalling::Signalling;

    fn signal(from: Party, at: u64, kind: &str, sdp: &str) -> Signal {
        let sent = Duration::from_millis(at);
        let body = SignalBody::Description { kind: kind.to_owned(), sdp: sdp.to_owned() };
        Signal { sent, arrived: Some(sent), from, body, refused: None }
    }

    fn read(files: &[(String, String)]) -> Vec<Dialogue> {
        let mut signalling = Signalling::default();
        let mut sorted: Vec<_> = files.iter().collect();
        sorted.sort();
        for (name, text) in sorted {
            signalling.add(&format!("call.{name}"), text.as_bytes()).expect("signalling");
        }
        signalling.dialogues()
    }

    #[test]
    fn files_say_what_was_signalled() {
        let told = |signals: Vec<Signal>, began| Dialogue { name: String::new(), began, signals };
        let (a, b) = (Party::A, Party::B);
        let plain = vec![
            signal(a, 0, "offer", "v=0\r\ns=1\r\n"),
            signal(b, 0, "answer", "v=0\r\ns=2\r\n"),
            signal(a, 0, "offer", "v=0\r\ns=3\r\n"),
            signal(b, 0, "answer", "v=0\r\ns=4\r\n"),
        ];
        let mut late = plain.clone();
        late[3].sent = Duration::from_millis(70);
        late[3].arrived = Some(late[3].sent);
        let mut trickled = plain.clone();
        trickled[2].body = SignalBody::Candidate {
            candidate: "candidate:1 1 udp 1 10.0.0.1 9 typ host".to_owned(),
            mid: Some("0".to_owned()),
            ufrag: Some("abcd".to_owned()),
        };
        let provisional = vec![
            signal(a, 0, "offer", "v=0\r\n"),
            signal(b, 5, "pranswer", "v=0\r\n"),
            signal(b, 9, "answer", "v=0\r\ns=-\r\n"),
        ];
        let dialogues = [
            (told(plain.clone(), None), 4),
            (told(plain[..1].to_vec(), None), 1),
            (told(late, Some(1_700_000_000_000)), 1),
            (told(trickled, None), 1),
            (told(provisional, None), 1),
        ];
        for (dialogue, count) in dialogues {
            let files = files(std::slice::from_ref(&dialogue));
            assert_eq!(files.len(), count, "{files:?}");
            let again = read(&files);
            assert_eq!(again.len(), 1);
            assert_eq!(again[0].signals, dialogue.signals);
            assert_eq!(again[0].began, dialogue.began);
        }
        let two = [told(plain[..2].to_vec(), None), told(plain[2..].to_vec(), None)];
        let mut book = Book::new(Noise::new([0; 32], 0));
        let two = rewrite(&mut book, &two);
        let again = read(&files(&two));
        let signals =
            |all: &[Dialogue]| all.iter().map(|one| one.signals.clone()).collect::<Vec<_>>();
        assert_eq!(signals(&again), signals(&two));
    }
}
