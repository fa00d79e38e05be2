//! Candidates in descriptions and beside them.

use rtcspec_peer::jsep::{Description, IceCandidate, SdpType};
use rtcspec_wire::sdp::Session;

use super::side::{Side, exchange, pair, with};

const HOST: &str = "candidate:1 1 udp 2130706431 192.0.2.1 5000 typ host";
const SRFLX: &str =
    "candidate:2 1 udp 1694498815 198.51.100.1 6000 typ srflx raddr 192.0.2.1 rport 5000";

fn trickled(candidate: &str, ufrag: Option<&str>) -> IceCandidate {
    IceCandidate {
        candidate: candidate.to_owned(),
        sdp_mid: Some("0".to_owned()),
        sdp_m_line_index: Some(0),
        username_fragment: ufrag.map(str::to_owned),
    }
}

fn add(side: &mut Side, candidate: &IceCandidate) -> Result<(), &'static str> {
    let result = side.jsep.add_ice_candidate(candidate).map_err(|error| error.name());
    side.drain();
    result
}

fn add_local(side: &mut Side, candidate: &str) -> IceCandidate {
    let ufrag = side.jsep.local_description().unwrap().sdp.parse::<Session>().unwrap().media[0]
        .attributes
        .ice_ufrag()
        .unwrap()
        .to_string();
    side.jsep.add_local_candidate(&ufrag, candidate.parse().unwrap()).unwrap()
}

#[test]
fn candidates_are_refused_with_the_names_of_w3c() {
    let (mut a, mut b) = pair();
    assert_eq!(add(&mut b, &trickled(HOST, None)), Err("InvalidStateError"));
    let offer = a.local_offer(false);
    assert_eq!(add(&mut a, &trickled(HOST, None)), Err("InvalidStateError"));
    b.set_remote(&offer).unwrap();
    let nowhere = IceCandidate { sdp_mid: None, sdp_m_line_index: None, ..trickled(HOST, None) };
    assert_eq!(add(&mut b, &nowhere), Err("TypeError"));
    let mid = IceCandidate { sdp_mid: Some("9".into()), ..trickled(HOST, None) };
    assert_eq!(add(&mut b, &mid), Err("OperationError"));
    let index = IceCandidate { sdp_mid: None, sdp_m_line_index: Some(1), ..trickled(HOST, None) };
    assert_eq!(add(&mut b, &index), Err("OperationError"));
    assert_eq!(add(&mut b, &trickled(HOST, Some("unknown"))), Err("OperationError"));
    assert_eq!(add(&mut b, &trickled("candidate:1 1 udp 0", None)), Err("OperationError"));
    b.local_answer();
    assert!(b.candidates.is_empty());
}

#[test]
fn candidates_before_the_answer_are_kept_until_it_and_come_once() {
    let (mut a, mut b) = pair();
    let offer = a.local_offer(false);
    b.set_remote(&offer).unwrap();
    add(&mut b, &trickled(HOST, None)).unwrap();
    add(&mut b, &trickled(HOST, Some("a0001"))).unwrap();
    assert!(b.candidates.is_empty());
    b.local_answer();
    assert_eq!(b.candidates, [HOST.parse().unwrap()]);
    let pions = IceCandidate { sdp_mid: Some(String::new()), ..trickled(SRFLX, None) };
    add(&mut b, &pions).unwrap();
    add(&mut b, &trickled(HOST, None)).unwrap();
    assert_eq!(b.candidates, [HOST.parse().unwrap(), SRFLX.parse().unwrap()]);
    let description = b.jsep.remote_description().unwrap().sdp;
    assert!(description.contains(HOST) && description.contains(SRFLX));
}

#[test]
fn second_component_is_kept_in_the_description_and_not_checked() {
    let (mut a, mut b) = pair();
    let second = with(HOST, "candidate:1 1", "candidate:1 2");
    let offer = a.local_offer(false);
    let sdp = format!("{}a={HOST}\r\na={second}\r\n", offer.sdp);
    b.set_remote(&Description::new(SdpType::Offer, sdp)).unwrap();
    b.local_answer();
    assert_eq!(b.candidates, [HOST.parse().unwrap()]);
    assert!(b.jsep.remote_description().unwrap().sdp.contains(&second));
}

#[test]
fn end_of_candidates_comes_once_whichever_way_it_is_said() {
    type End = fn(&mut Side, &str);
    let ends: [End; 4] = [
        |b, sdp| {
            let sdp = format!("{sdp}a=end-of-candidates\r\n");
            b.set_remote(&Description::new(SdpType::Offer, sdp)).unwrap();
        },
        |b, sdp| {
            let sdp = with(sdp, "m=", "a=end-of-candidates\r\nm=");
            b.set_remote(&Description::new(SdpType::Offer, sdp)).unwrap();
        },
        |b, sdp| {
            b.set_remote(&Description::new(SdpType::Offer, sdp.to_owned())).unwrap();
            add(b, &trickled("", None)).unwrap();
            add(b, &trickled("", Some("a0001"))).unwrap();
        },
        |b, sdp| {
            b.set_remote(&Description::new(SdpType::Offer, sdp.to_owned())).unwrap();
            add(b, &IceCandidate::default()).unwrap();
        },
    ];
    for end in ends {
        let (mut a, mut b) = pair();
        let offer = a.local_offer(false);
        end(&mut b, &offer.sdp);
        b.local_answer();
        assert_eq!(b.ended, ["a0001"]);
        add(&mut b, &trickled("", None)).unwrap();
        assert_eq!(b.ended, ["a0001"]);
        let description = b.jsep.remote_description().unwrap().sdp;
        assert_eq!(description.matches("end-of-candidates").count(), 1);
    }
}

#[test]
fn candidates_of_an_old_generation_do_not_reach_the_new_one() {
    let (mut a, mut b) = pair();
    exchange(&mut a, &mut b, false);
    let offer = a.local_offer(true);
    b.set_remote(&offer).unwrap();
    // The old generation is in use until the answer.
    add(&mut b, &trickled(HOST, Some("a0001"))).unwrap();
    assert_eq!(b.candidates.len(), 1);
    add(&mut b, &trickled(&format!("{SRFLX} ufrag a0002"), None)).unwrap();
    assert_eq!(b.candidates.len(), 1);
    b.local_answer();
    assert_eq!(b.transport().remote.credentials.ufrag, *"a0002");
    assert_eq!(b.candidates, [format!("{SRFLX} ufrag a0002").parse().unwrap()]);
    assert_eq!(add(&mut b, &trickled(HOST, Some("a0001"))), Err("OperationError"));
    assert_eq!(b.candidates.len(), 1);
}

#[test]
fn candidates_of_rejected_media_are_of_no_use_unless_it_shares_the_transport() {
    let (mut a, mut b) = pair();
    let sdp = a.local_offer(false).sdp;
    let audio = |ufrag: &str| {
        format!(
            "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:x\r\na=ice-ufrag:{ufrag}\r\na=ice-pwd:{}\r\nm=",
            "p".repeat(22)
        )
    };
    for (ufrag, expected) in [("a0001", 1), ("other", 0)] {
        let sdp = with(&with(&sdp, "m=", &audio(ufrag)), "BUNDLE 0", "BUNDLE x 0");
        let mut b = Side::new('b');
        b.set_remote(&Description::new(SdpType::Offer, sdp)).unwrap();
        b.local_answer();
        add(&mut b, &IceCandidate { sdp_mid: Some("x".into()), ..trickled(HOST, None) }).unwrap();
        assert_eq!(b.candidates.len(), expected, "{ufrag}");
    }
    b.set_remote(&Description::new(SdpType::Offer, sdp)).unwrap();
}

#[test]
fn local_descriptions_carry_candidates_and_the_default_destination() {
    let (mut a, mut b) = pair();
    let offer = a.local_offer(false);
    let signalled = add_local(&mut a, HOST);
    assert_eq!(signalled, trickled(HOST, Some("a0001")));
    let now: Session = a.jsep.local_description().unwrap().sdp.parse().unwrap();
    assert_eq!(
        (now.media[0].line.port, now.media[0].connections[0].to_string().as_str()),
        (5000, "IN IP4 192.0.2.1")
    );
    add_local(&mut a, SRFLX);
    let end = a.jsep.end_of_local_candidates("a0001").unwrap();
    assert_eq!(end.candidate, "");
    let now: Session = a.jsep.local_description().unwrap().sdp.parse().unwrap();
    assert_eq!(now.media[0].line.port, 6000);
    assert!(now.media[0].attributes.has("end-of-candidates"));
    assert_eq!(now.origin, offer.sdp.parse::<Session>().unwrap().origin);
    // The full description gives the other side everything at once.
    b.set_remote(&a.jsep.local_description().unwrap()).unwrap();
    let answer = b.local_answer();
    assert_eq!((b.candidates.len(), b.ended.len()), (2, 1));
    a.set_remote(&answer).unwrap();
    // The next offer of the same generation has them too, a restarted one does not.
    let next: Session = a.offer(false).unwrap().sdp.parse().unwrap();
    assert_eq!(next.media[0].attributes.candidates().count(), 2);
    let restarted: Session = a.offer(true).unwrap().sdp.parse().unwrap();
    assert_eq!(restarted.media[0].attributes.candidates().count(), 0);
    assert_eq!(restarted.media[0].line.port, 9);
}

#[test]
fn candidates_of_a_generation_taken_back_are_not_signalled() {
    let (mut a, _) = pair();
    a.local_offer(false);
    a.set_local(&Description::rollback()).unwrap();
    assert_eq!(a.jsep.add_local_candidate("a0001", HOST.parse().unwrap()), None);
    assert_eq!(a.jsep.end_of_local_candidates("a0001"), None);
}

#[test]
fn flood_of_candidates_is_bounded() {
    let (mut a, mut b) = pair();
    exchange(&mut a, &mut b, false);
    let results: Vec<_> = (0..1100)
        .map(|port| add(&mut b, &trickled(&HOST.replace("5000", &port.to_string()), None)))
        .collect();
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1024);
    assert_eq!(results.last(), Some(&Err("OperationError")));
}
