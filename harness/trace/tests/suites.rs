//! Records of every suite, sealed by other implementations, open.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use rtcspec_trace::Carrier;
use rtcspec_trace::watch::{DtlsRole, Kind, Observer, Seen};
use rtcspec_wire::dtls::ContentType;

const FROM_CLIENT: &[u8] = b"from the client\n";
const FROM_SERVER: &[u8] = b"from the server, somewhat longer than one block of the cipher\n";

/// What was in a session.
#[derive(Debug, Default)]
struct Found {
    suite: String,
    data: Vec<(Option<DtlsRole>, Vec<u8>)>,
    /// Records by epoch.
    epochs: BTreeMap<u64, u64>,
    opened: u64,
    closed: u64,
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len() / 2).map(|nth| digit(2 * nth)).collect()
}

fn watch(text: &str, keys: bool) -> Found {
    let mut observer = Observer::new();
    let mut found = Found::default();
    for (number, line) in (1..).zip(text.lines()) {
        let (from_client, payload) = match line.split_once(' ') {
            Some(("c", hex)) => (true, unhex(hex)),
            Some(("s", hex)) => (false, unhex(hex)),
            _ => {
                if keys {
                    observer.secrets(line);
                }
                continue;
            }
        };
        let (a, b) = (([192, 0, 2, 1], 1000).into(), ([192, 0, 2, 2], 2000).into());
        let (source, destination) = if from_client { (a, b) } else { (b, a) };
        let (at, carrier) = (Duration::ZERO, Carrier::Udp);
        let seen = Seen { number, at, carrier, source, destination, payload: &payload };
        observer.seen(&seen, &mut |event| match event.kind {
            Kind::DtlsReady(ready) => found.suite = ready.suite.to_string(),
            Kind::Record(record) => {
                *found.epochs.entry(record.epoch).or_default() += 1;
                let is_data = record.content_type == Some(ContentType::APPLICATION_DATA);
                if let (true, Ok(content)) = (is_data, record.content) {
                    found.data.push((record.role, content.to_vec()));
                }
            }
            _ => {}
        });
    }
    let records = observer.finish().totals.protected.records;
    assert_eq!(records.failed, 0);
    (found.opened, found.closed) = (records.opened, records.without_key);
    found
}

#[test]
fn sessions_of_other_implementations_open_whatever_their_suite() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suites");
    let mut suites = BTreeMap::new();
    for file in fs::read_dir(folder).expect("the folder is there").flatten() {
        if file.path().extension().is_none_or(|extension| extension != "txt") {
            continue;
        }
        let name = file.file_name().to_string_lossy().into_owned();
        let found = watch(&fs::read_to_string(file.path()).expect("a session"), true);
        let of = |role: DtlsRole, text: &[u8]| {
            found.data.iter().filter(|(from, data)| *from == Some(role) && data == text).count()
        };
        let times = if name.starts_with("dtls13") { 40 } else { 1 };
        assert_eq!(of(DtlsRole::Client, FROM_CLIENT), times, "{name}: {found:?}");
        assert_eq!(of(DtlsRole::Server, FROM_SERVER), times, "{name}: {found:?}");
        assert_eq!(of(DtlsRole::Client, b"x\n"), times, "{name}: {found:?}");
        assert_eq!(found.closed, 0, "{name}");
        if name.starts_with("dtls13") {
            assert!(found.epochs.keys().any(|epoch| *epoch > 5), "{name}: {:?}", found.epochs);
        }
        suites.insert(name, found.suite);
    }
    assert_eq!(suites.len(), 19, "{suites:#?}");
    let distinct: std::collections::BTreeSet<_> = suites.values().collect();
    assert_eq!(distinct.len(), 15, "{distinct:#?}");
}

#[test]
fn without_keys_it_is_said_that_records_stay_closed() {
    let found = watch(include_str!("suites/aes128-ccm8.txt"), false);
    assert_eq!((found.opened, found.data.len()), (0, 0));
    assert!(found.closed >= 5);
    assert_eq!(found.suite, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8");
}
