//! The observer on real sessions: what an independent decoder counted, it counts.

mod common;

use std::collections::BTreeMap;

#[test]
fn everything_opens_and_the_counts_are_those_of_an_independent_decoder() {
    let captures = common::all();
    assert!(captures.len() >= 24, "{} captures", captures.len());
    for capture in captures {
        let mut observer = capture.observer();
        for datagram in &capture.datagrams {
            observer.seen(&datagram.seen(), &mut |_| {});
        }
        let summary = observer.finish();
        let totals = &summary.totals;
        let name = &capture.name;
        let records = totals.protected.records;
        assert_eq!(records.opened, capture.figure("records decrypted "), "{name}: {records:?}");
        assert_eq!(records.failed, capture.figure("failed "), "{name}");
        assert_eq!(records.without_key, capture.figure("without key "), "{name}");
        let named = totals.chunks().iter().map(|(ty, count)| (ty.to_string(), *count));
        assert_eq!(named.collect::<BTreeMap<_, _>>(), capture.chunks(), "{name}");
        let (rtp, rtcp) = (totals.protected.rtp, totals.protected.rtcp);
        assert_eq!(rtp.opened, capture.figure("'rtp ok': "), "{name}: {rtp:?}");
        assert_eq!(rtcp.opened, capture.figure("'rtcp ok': "), "{name}: {rtcp:?}");
        assert_eq!((rtp.failed, rtcp.failed), (0, 0), "{name}");
    }
}
