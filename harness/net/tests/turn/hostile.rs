//! Whatever arrives, the server survives, stays small and amplifies little.

use proptest::collection::vec;
use proptest::prelude::*;
use rtcspec_net::Ns;
use rtcspec_net::host::{Application, ConnId, IcmpError, Receive, Transmit};
use rtcspec_net::services::turn::{Config, Leg, Server};
use rtcspec_wire::stun::{Attribute, Class, Message, Method, Seal, TransactionId};

use crate::client::{CLIENT, SERVER, address, config, transport};

const CONN: ConnId = ConnId(1 << 63);

fn input() -> impl Strategy<Value = Receive> {
    let bytes = || vec(any::<u8>(), 0..80);
    let conn = || (0..4u64).prop_map(|n| ConnId(CONN.0 + n));
    let local = prop_oneof![Just(SERVER), Just("192.0.2.1:5349"), Just("192.0.2.1:50000")];
    let (from, to) = (address(CLIENT), move |text: &str| address(text));
    prop_oneof![
        (local.clone(), bytes(), any::<bool>()).prop_map(move |(local, mut data, plausible)| {
            if plausible && data.len() >= 20 {
                let len = (data.len() - 20) as u16;
                data[0] = 0;
                data[2..4].copy_from_slice(&len.to_be_bytes());
                data[4..8].copy_from_slice(&[0x21, 0x12, 0xa4, 0x42]);
            }
            Receive::Udp { local: to(local), remote: from, data }
        }),
        (local, conn()).prop_map(move |(local, conn)| Receive::TcpAccepted {
            conn,
            local: to(local),
            remote: from
        }),
        (conn(), bytes()).prop_map(|(conn, data)| Receive::TcpData { conn, data }),
        conn().prop_map(|conn| Receive::TcpClosed { conn }),
        (conn(), any::<bool>()).prop_map(|(conn, full)| Receive::TcpBacklog { conn, full }),
        (any::<u8>(), any::<u8>()).prop_map(move |(kind, code)| Receive::Unreachable {
            local: from,
            remote: from,
            error: IcmpError { kind, code }
        }),
        any::<u32>().prop_map(move |mtu| Receive::TooBig { local: from, remote: from, mtu }),
    ]
}

proptest! {
    #[test]
    fn any_input_is_survived_and_allocates_nothing(inputs in vec(input(), 0..40)) {
        let config = config().listen(address("192.0.2.1:5349"), Leg::Tls);
        let mut server = Server::new(config, 1);
        for (n, input) in inputs.into_iter().enumerate() {
            server.receive(Ns::secs(n as u64), input);
            while server.transmit().is_some() {}
        }
        prop_assert_eq!(server.relayed().count(), 0);
        prop_assert_eq!(server.wake(), None);
    }
}

#[test]
fn an_answer_to_nobody_in_particular_is_small() {
    let mut server = Server::new(Config { software: Some("s".repeat(200)), ..config() }, 1);
    while server.transmit().is_some() {}
    let request = Message::request(Method::ALLOCATE, TransactionId([1; 12])).with(transport());
    let data = request.encode(&Seal::none()).expect("short");
    let asked = data.len();
    let (local, remote) = (address(SERVER), address(CLIENT));
    server.receive(Ns::ZERO, Receive::Udp { local, remote, data });
    let Some(Transmit::Udp { data, .. }) = server.transmit() else { panic!("no answer") };
    assert!(data.len() < asked + 100, "{asked} asked, {} answered", data.len());
    assert_eq!(server.transmit(), None);
}

#[test]
fn responses_indications_and_unknown_methods_are_not_answered() {
    let mut server = Server::new(config(), 1);
    while server.transmit().is_some() {}
    for (class, method) in [
        (Class::SuccessResponse, Method::BINDING),
        (Class::ErrorResponse, Method::ALLOCATE),
        (Class::Indication, Method::BINDING),
        (Class::Indication, Method::DATA),
        (Class::Request, Method::SEND),
        (Class::Request, Method::CONNECT),
    ] {
        let message = Message::new(class, method, TransactionId([1; 12]))
            .with(Attribute::Data(b"data".to_vec()));
        let data = message.encode(&Seal::none()).expect("short");
        let (local, remote) = (address(SERVER), address(CLIENT));
        server.receive(Ns::ZERO, Receive::Udp { local, remote, data });
        assert_eq!(server.transmit(), None, "{class} {method}");
    }
}
