//! The cases against our own TURN server on real sockets: as it is, and with a flaw each.

mod live;

use std::collections::BTreeMap;

use live::{Flaw, Live};
use rtcspec_net::services::turn::{Config, Leg};
use rtcspec_servers::{CASES, Credentials, Target, examine, introduce};
use rtcspec_suite::verdict::Verdict;

fn target(live: &Live, transport: &str) -> Target {
    let (username, password) = ("alice".to_owned(), "secret".to_owned());
    let url = format!("turn:{}?transport={transport}", live.address);
    Target::read(&url, Some(Credentials { username, password })).expect("a good URL")
}

/// Verdicts of the cases whose ids are given, or of all; with what was not right of each.
fn verdicts(target: &Target, only: &[&str]) -> BTreeMap<&'static str, (Verdict, String)> {
    let about = introduce(&mut target.clone()).expect("it answers");
    let cases = CASES.iter().filter(|case| case.is_for(target));
    let cases = cases.filter(|case| only.is_empty() || only.contains(&case.id));
    cases
        .map(|case| {
            let result = examine(case, target, &about);
            let wrong = result.findings.iter().filter(|finding| finding.verdict == result.verdict);
            let told = wrong.map(|finding| format!("{}\n", finding.actual)).collect();
            (case.id, (result.verdict, told))
        })
        .collect()
}

#[test]
fn our_server_keeps_all_rules_over_tls() {
    let in_tls = |mut config: Config| {
        let streams = config.listeners.iter_mut().filter(|listener| listener.leg == Leg::Tcp);
        streams.for_each(|listener| listener.leg = Leg::Tls);
        config
    };
    let live = Live::start(in_tls, None);
    let target = Target {
        transport: rtcspec_servers::Transport::Tls,
        url: format!("turns:{}", live.address),
        ..target(&live, "tcp")
    };
    let only = ["turn-server/allocate", "turn-server/channel", "turn-server/stream-pieces"];
    let verdicts = verdicts(&target, &only);
    let bad: Vec<_> = verdicts.iter().filter(|(_, (verdict, _))| !verdict.is_fine()).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(verdicts.len() > 1, "{verdicts:?}");
}

#[test]
fn who_speaks_no_tls_is_told() {
    let live = Live::start(|config| config, None);
    let mut target = Target { transport: rtcspec_servers::Transport::Tls, ..target(&live, "tcp") };
    let told = introduce(&mut target).err().map(|error| error.to_string());
    assert!(told.is_some(), "a server without TLS was taken for one with it");
}

#[test]
fn our_server_keeps_all_rules_over_udp_and_tcp() {
    let live = Live::start(|config| config, None);
    for transport in ["udp", "tcp"] {
        let verdicts = verdicts(&target(&live, transport), &[]);
        let bad: Vec<_> = verdicts.iter().filter(|(_, (verdict, _))| !verdict.is_fine()).collect();
        assert!(bad.is_empty(), "over {transport}: {bad:#?}");
        let passed = verdicts.values().filter(|(verdict, _)| *verdict == Verdict::Pass).count();
        assert!(passed >= 35, "over {transport}, {passed} passed: {verdicts:#?}");
    }
}

#[test]
fn a_server_tells_who_it_is() {
    let live = Live::start(|config| config, None);
    let about = introduce(&mut target(&live, "udp")).unwrap();
    assert_eq!((about.name.as_str(), about.version.as_str()), ("rtcspec", "0.1"));
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let url = format!("stun:{}", nobody.local_addr().unwrap());
    let error = introduce(&mut Target::read(&url, None).unwrap()).unwrap_err();
    assert!(error.reason.contains("no answer"), "{error}");
}

#[test]
fn a_host_is_asked_at_each_of_its_addresses_until_one_answers() {
    let live = Live::start(|config| config, None);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let found = target(&live, "tcp");
    let mut two = Target { address: nobody, others: vec![found.address], ..found.clone() };
    let about = introduce(&mut two).unwrap();
    assert_eq!(two, found, "what answers is where the cases are played");
    assert_eq!(about.silent.len(), 1, "{about:?}");
    assert!(about.silent[0].starts_with(&format!("{nobody}: ")), "{about:?}");
    let mut none = Target { address: nobody, others: vec![nobody], ..found };
    let error = introduce(&mut none).unwrap_err();
    assert_eq!(error.reason.matches(&nobody.to_string()).count(), 2, "{error}");
}

/// The bytes of an attribute's value in a message.
fn value(message: &mut [u8], ty: u16) -> Option<&mut [u8]> {
    // Only STUN, not ChannelData.
    if message.len() < 20 || message[0] >= 0x40 {
        return None;
    }
    let mut place = 20;
    while place + 4 <= message.len() {
        let found = u16::from_be_bytes([message[place], message[place + 1]]);
        let length = usize::from(u16::from_be_bytes([message[place + 2], message[place + 3]]));
        if found == ty {
            return message.get_mut(place + 4..place + 4 + length);
        }
        place += 4 + length.next_multiple_of(4);
    }
    None
}

/// Every error becomes 499.
fn other_error(message: &mut [u8]) {
    if let Some(code) = value(message, 0x0009) {
        // A challenge must remain one, or nothing can be asked at all.
        if code[2..4] != [4, 1] {
            code[2..4].copy_from_slice(&[4, 99]);
        }
    }
}

/// Integrity of other bytes.
fn unsigned(message: &mut [u8]) {
    for ty in [0x0008, 0x001c] {
        if let Some(integrity) = value(message, ty) {
            integrity[0] ^= 1;
        }
    }
}

/// The address of somebody else.
fn other_address(message: &mut [u8]) {
    for ty in [0x0020, 0x0012] {
        if let Some(address) = value(message, ty) {
            address[3] ^= 1;
        }
    }
}

/// Data that was changed on the way.
fn other_data(message: &mut [u8]) {
    if let Some(data) = value(message, 0x0013) {
        data.iter_mut().for_each(|byte| *byte ^= 1);
    } else if message.first().is_some_and(|first| (0x40..0x50).contains(first)) {
        message[4..].iter_mut().for_each(|byte| *byte ^= 1);
    }
}

/// Lifetimes of a second.
fn short_life(message: &mut [u8]) {
    if let Some(lifetime) = value(message, 0x000d) {
        lifetime.copy_from_slice(&[0, 0, 0, 0]);
    }
}

#[test]
fn each_flaw_is_found_by_the_cases_about_it() {
    let flaws: [(&str, Flaw, &[&str]); 5] = [
        (
            "other error codes",
            other_error,
            &[
                "stun-server/unknown-required",
                "turn-server/stale-nonce",
                "turn-server/credentials-not-whole",
                "turn-server/second-allocation",
                "turn-server/no-transport",
                "turn-server/wrong-transport",
                "turn-server/unknown-required",
                "turn-server/delete",
                "turn-server/nothing-to-refresh",
                "turn-server/even-port-with-token",
                "turn-server/unknown-token",
                "turn-server/permission-for-nobody",
                "turn-server/permission-without-allocation",
                "turn-server/peer-of-other-family",
                "turn-server/channel-number",
                "turn-server/channel-bound-once",
            ],
        ),
        ("no integrity", unsigned, &["turn-server/allocate", "turn-server/protected"]),
        ("wrong addresses", other_address, &["stun-server/binding", "turn-server/send-and-data"]),
        ("changed data", other_data, &["turn-server/send-and-data", "turn-server/channel"]),
        ("no lifetime", short_life, &["turn-server/refresh"]),
    ];
    for (what, flaw, cases) in flaws {
        let live = Live::start(|config| config, Some(flaw));
        for (id, (verdict, told)) in verdicts(&target(&live, "udp"), cases) {
            assert_eq!(verdict, Verdict::Fail, "{what}, {id}: {told}");
        }
    }
}

/// Instead of an allocation, the word that there is no room for one.
fn full(message: &mut [u8]) {
    if message[..2] == [0x01, 0x03] {
        message[..2].copy_from_slice(&[0x01, 0x13]);
        let relayed = value(message, 0x0016).expect("a success has it").as_ptr() as usize;
        let place = relayed - message.as_ptr() as usize;
        message[place - 4..place + 8].copy_from_slice(b"\0\x09\0\x08\0\0\x05\x08full");
    }
}

#[test]
fn a_server_that_has_no_room_is_not_a_wrong_one() {
    let live = Live::start(|config| config, Some(full));
    let ids = ["turn-server/allocate", "turn-server/retransmitted", "turn-server/channel"];
    let verdicts = verdicts(&target(&live, "udp"), &ids);
    let all = verdicts.values().all(|(verdict, _)| *verdict == Verdict::Unsupported);
    assert!(all && verdicts.len() == ids.len(), "{verdicts:#?}");
}

#[test]
fn a_server_that_may_reach_itself_is_found() {
    let open = |mut config: Config| {
        config.forbidden.clear();
        config
    };
    let live = Live::start(open, None);
    let id = "turn-server/own-addresses";
    let (verdict, told) = &verdicts(&target(&live, "udp"), &[id])[id];
    assert_eq!(*verdict, Verdict::Fail, "{told}");
    assert!(told.contains("0.0.0.0 through"), "{told}");
}

#[test]
fn a_small_quota_is_told_and_hinders_nothing() {
    let small = |mut config: Config| {
        config.quota = 3;
        config
    };
    let live = Live::start(small, None);
    let ids = ["turn-server/quota", "turn-server/channel", "turn-server/own-addresses"];
    let verdicts = verdicts(&target(&live, "udp"), &ids);
    assert!(verdicts.values().all(|(verdict, _)| verdict.is_fine()), "{verdicts:#?}");
    assert_eq!(verdicts["turn-server/quota"].0, Verdict::Pass);
    assert!(verdicts["turn-server/quota"].1.starts_with("3, then"), "{verdicts:#?}");
}

#[test]
fn a_wrong_password_of_ours_is_said_to_be_one() {
    let live = Live::start(|config| config, None);
    let mut target = target(&live, "udp");
    target.credentials.as_mut().unwrap().password = "guess".to_owned();
    let (verdict, told) = &verdicts(&target, &["turn-server/refresh"])["turn-server/refresh"];
    assert_eq!(*verdict, Verdict::Fail);
    assert!(told.contains("credentials"), "{told}");
}
