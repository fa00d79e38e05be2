//! Records that other implementations sealed, sealed again.

use std::fs;
use std::path::Path;

use rtcspec_trace::secrets::{Association, KeyLog, Opened};
use rtcspec_wire::dtls::{
    ContentType, HandshakeFragments, HandshakeType, Reassembler, Record, Records, ServerHelloView,
};

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len() / 2).map(|nth| digit(2 * nth)).collect()
}

/// The same key log with other secrets.
fn with_other_secrets(text: &str) -> String {
    let other = |line: &str| match line.rsplit_once(' ') {
        Some((head, secret)) => {
            let secret: String = secret.chars().rev().collect();
            format!("{head} {secret}\n")
        }
        None => String::new(),
    };
    text.lines().filter(|line| line.split(' ').count() == 3).map(other).collect()
}

/// What reads a session, or writes it anew.
#[derive(Default)]
struct Side {
    association: Association,
    reassemblers: [Reassembler; 2],
}

impl Side {
    fn learn(&mut self, end: usize, content: &[u8]) {
        for fragment in HandshakeFragments::new(content).map_while(Result::ok) {
            let Ok(Some(whole)) = self.reassemblers[end].insert(&fragment) else { continue };
            match whole.msg_type {
                HandshakeType::CLIENT_HELLO => {
                    let random = whole.body[2..34].try_into().expect("32 bytes");
                    self.association.client_hello(end, random);
                }
                HandshakeType::SERVER_HELLO => {
                    let hello = ServerHelloView::read(&whole.body).expect("a hello");
                    self.association.server_hello(&hello);
                }
                _ => {}
            }
        }
    }

    fn open(&mut self, keys: &KeyLog, end: usize, record: &Record<'_>) -> (Opened, Vec<u8>) {
        let mut content = Vec::new();
        let opened = self.association.open(keys, end, record, &mut content);
        (opened.expect("it opens"), content)
    }
}

/// Seals every record of a session again, gives how many there were.
fn seal_again(name: &str, text: &str) -> usize {
    let (keys, others) =
        (KeyLog::new(&[text.to_owned()]), KeyLog::new(&[with_other_secrets(text)]));
    let [mut reader, mut same, mut other, mut reader_of_other] = [(); 4].map(|()| Side::default());
    let mut count = 0;
    for line in text.lines() {
        let (end, datagram) = match line.split_once(' ') {
            Some(("c", datagram)) => (0, unhex(datagram)),
            Some(("s", datagram)) => (1, unhex(datagram)),
            _ => continue,
        };
        for record in Records::new(&datagram) {
            if let Record::Plaintext(plain) = record
                && plain.epoch == 0
            {
                if plain.content_type == ContentType::HANDSHAKE {
                    for side in [&mut reader, &mut same, &mut other, &mut reader_of_other] {
                        side.learn(end, plain.content);
                    }
                }
                continue;
            }
            let (opened, content) = reader.open(&keys, end, &record);
            let sealed = same.association.seal(&keys, end, &record, &opened, &content);
            let wire = match record {
                Record::Plaintext(record) => record.content,
                Record::Unified(record) => record.encrypted,
                Record::Malformed { .. } => panic!("a record"),
            };
            let sealed = sealed.expect("it seals");
            assert!(sealed.ends_with(wire), "{name}: sealed by the same keys, it is the same");
            assert!(datagram.windows(sealed.len()).any(|known| known == sealed), "{name}");

            let sealed = other.association.seal(&others, end, &record, &opened, &content);
            let sealed = sealed.expect("it seals");
            let again = Records::new(&sealed).next().expect("a record");
            let reopened = reader_of_other.open(&others, end, &again);
            assert_eq!(reopened, (opened, content), "{name}: under other keys");
            assert!(!sealed.ends_with(wire), "{name}");
            count += 1;
        }
    }
    count
}

#[test]
fn a_record_sealed_in_its_place_is_the_one_that_was_sent() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suites");
    let mut sessions = 0;
    for file in fs::read_dir(folder).expect("the folder is there").flatten() {
        if file.path().extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let name = file.file_name().to_string_lossy().into_owned();
        let text = fs::read_to_string(file.path()).expect("a session");
        assert!(seal_again(&name, &text) >= 5, "{name}");
        sessions += 1;
    }
    assert_eq!(sessions, 19);
}

#[test]
fn content_that_does_not_fit_is_not_sealed() {
    let text = include_str!("suites/aes128-gcm-srtp.txt");
    let keys = KeyLog::new(&[text.to_owned()]);
    let mut side = Side::default();
    let mut refused = 0;
    for line in text.lines() {
        let (end, datagram) = match line.split_once(' ') {
            Some(("c", datagram)) => (0, unhex(datagram)),
            Some(("s", datagram)) => (1, unhex(datagram)),
            _ => continue,
        };
        for record in Records::new(&datagram) {
            match record {
                Record::Plaintext(plain) if plain.epoch == 0 => side.learn(end, plain.content),
                _ => {
                    let (opened, mut content) = side.open(&keys, end, &record);
                    content.push(0);
                    let sealed = side.association.seal(&keys, end, &record, &opened, &content);
                    assert_eq!(sealed, None);
                    refused += 1;
                }
            }
        }
    }
    assert!(refused >= 5);
}
