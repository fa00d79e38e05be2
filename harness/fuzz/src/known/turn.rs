//! Rows about the TURN server of the virtual network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rtcspec_net::Ns;
use rtcspec_net::host::{Application as _, ConnId, Receive, Transmit};
use rtcspec_net::prefix::Prefix;
use rtcspec_net::services::turn::{Config, Server};
use rtcspec_wire::stun::{
    AddressFamily, Attribute, AttributeType, Class, Key, Message, Method, REQUESTED_TRANSPORT_UDP,
    Seal, TransactionId, View,
};

use super::budget::MACHINE;
use super::{Input, Known, Others};

const ROW: Known = Known { budget: MACHINE, others: NOBODY, ..Known::USUAL };
const NOBODY: Others = Others::Nobody("rtc and str0m have no TURN server; coturn runs in the lab");
const REALM: &str = "known.test";
const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)), 3478);
const CLIENT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(203, 0, 113, 10)), 5000);

/// A peer on loopback by an address that is not its own.
fn v6(words: [u16; 8]) -> IpAddr {
    IpAddr::V6(words.into())
}

pub(super) const ALL: &[Known] = &[
    Known {
        id: "turn/coturn-oauth-nonce-length",
        row: Some(38),
        source: "coturn CVE-2026-43994",
        cause: "the nonce in ACCESS-TOKEN says how long it is, before anybody is authenticated: \
                735 bytes are written past a buffer of 256",
        input: Input::Events("Allocate with an ACCESS-TOKEN whose nonce claims 65535 bytes"),
        // RFC 8489 §9.2.4: who has no credentials is asked for them.
        right: "error 401 of less than 200 bytes",
        play: |code, _| {
            let mut desk = Desk::new();
            let token = AttributeType(0x001b);
            let value = [&[0xff, 0xff][..], &[0xaa; 700]].concat();
            if code.is_theirs() {
                let claimed = usize::from(u16::from_be_bytes([value[0], value[1]]));
                let _ = &value[2..2 + claimed];
            }
            let mut request = allocate(1);
            request.attributes.push(Attribute::Unknown { ty: token, bytes: value });
            in_words(&desk.datagram(request.encode(&Seal::none()).unwrap_or_default()))
        },
        ..ROW
    },
    Known {
        id: "turn/coturn-loopback-by-zero",
        row: Some(39),
        source: "coturn CVE-2020-26262",
        cause: "0.0.0.0 and :: are on no list of loopback, and reach it",
        input: Input::Events("CreatePermission for 127.0.0.1, 0.0.0.0, ::1 and ::"),
        right: "403, 403, 403, 403",
        play: |code, _| {
            let listed = code.pick(0..4, 1..2);
            let prefixes = [
                Prefix::v4([127, 0, 0, 0], 8),
                Prefix::v4([0, 0, 0, 0], 8),
                Prefix::v6(Ipv6Addr::LOCALHOST, 128),
                Prefix::v6(Ipv6Addr::UNSPECIFIED, 128),
            ];
            permitted(
                prefixes[listed].to_vec(),
                &[
                    Ipv4Addr::LOCALHOST.into(),
                    Ipv4Addr::UNSPECIFIED.into(),
                    Ipv6Addr::LOCALHOST.into(),
                    Ipv6Addr::UNSPECIFIED.into(),
                ],
            )
        },
        ..ROW
    },
    Known {
        id: "turn/coturn-loopback-mapped",
        row: Some(39),
        source: "coturn CVE-2026-27624",
        cause: "::ffff:127.0.0.1 is on no list, and reaches 127.0.0.1",
        input: Input::Events("CreatePermission for 127.0.0.1 as mapped, NAT64 and 6to4 address"),
        right: "403, 403, 403",
        play: |code, _| {
            let listed = code.pick(Prefix::v4([127, 0, 0, 0], 8), Prefix::v4([10, 0, 0, 0], 8));
            permitted(
                vec![listed],
                &[
                    v6([0, 0, 0, 0, 0, 0xffff, 0x7f00, 1]),
                    v6([0x64, 0xff9b, 0, 0, 0, 0, 0x7f00, 1]),
                    v6([0x2002, 0x7f00, 1, 0, 0, 0, 0, 1]),
                ],
            )
        },
        ..ROW
    },
    Known {
        id: "turn/coturn-padding-relayed",
        row: Some(41),
        source: "coturn CVE-2020-4067",
        cause: "padding, with what was in memory, goes on to the peer",
        input: Input::Events("a Send indication with five bytes of data, padded with 0xdd"),
        right: "[1, 2, 3, 4, 5]",
        play: |code, _| {
            let mut desk = Desk::new();
            desk.allocate();
            let peer = SocketAddr::new([198, 51, 100, 1].into(), 4000);
            desk.ask(Method::CREATE_PERMISSION, vec![Attribute::XorPeerAddress(peer)]);
            let data = vec![1, 2, 3, 4, 5];
            let send = Message::indication(Method::SEND, TransactionId([3; 12]))
                .with(Attribute::XorPeerAddress(peer))
                .with(Attribute::Data(data));
            let mut bytes = send.encode(&Seal::none()).unwrap_or_default();
            let end = bytes.len();
            bytes[end - 3..].fill(0xdd);
            if code.is_theirs() {
                // As a server that relays padding reads it.
                bytes[end - 10..end - 8].copy_from_slice(&8_u16.to_be_bytes());
            }
            let sent = desk.datagram(bytes);
            let to_peer = sent.iter().find(|(to, _)| *to == peer);
            format!("{:?}", to_peer.map_or(&[][..], |(_, data)| data))
        },
        ..ROW
    },
    Known {
        id: "turn/coturn-http-on-port",
        row: Some(41),
        source: "coturn CVE-2020-6061",
        cause: "HTTP on the TURN port is read past its end",
        input: Input::Text("POST / HTTP/1.1\r\nContent-Length: 4294967295\r\n\r\n"),
        // 0x504f is no number of a channel, and what it stands before is waited for, up to 64 KiB.
        right: "open, nothing said",
        play: |code, input| {
            let mut desk = Desk::new();
            let binding = Message::request(Method::BINDING, TransactionId([1; 12]));
            let binding = binding.encode(&Seal::none()).unwrap_or_default();
            desk.stream(code.pick(input, &binding))
        },
        ..ROW
    },
];

fn config() -> Config {
    Config::new(SERVER, REALM)
        .relay(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into())
        .user("ann", "ann-password")
}

/// A server, and a client at it.
struct Desk {
    server: Server,
    nonce: Vec<u8>,
    made: u8,
}

type Sent = Vec<(SocketAddr, Vec<u8>)>;

impl Desk {
    fn new() -> Self {
        Self::with(config())
    }

    fn with(config: Config) -> Self {
        Self { server: Server::new(config, 7), nonce: Vec::new(), made: 0 }
    }

    fn datagram(&mut self, data: Vec<u8>) -> Sent {
        self.server.receive(Ns::secs(1), Receive::Udp { local: SERVER, remote: CLIENT, data });
        let mut sent = Vec::new();
        while let Some(transmit) = self.server.transmit() {
            if let Transmit::Udp { remote, data, .. } = transmit {
                sent.push((remote, data));
            }
        }
        sent
    }

    /// Bytes on a TCP connection: what becomes of it.
    fn stream(&mut self, data: &[u8]) -> String {
        let conn = ConnId::ACCEPTED;
        let now = Ns::secs(1);
        self.server.receive(now, Receive::TcpAccepted { conn, local: SERVER, remote: CLIENT });
        self.server.receive(now, Receive::TcpData { conn, data: data.to_vec() });
        let (mut closed, mut said) = ("open", "nothing said");
        while let Some(transmit) = self.server.transmit() {
            match transmit {
                Transmit::TcpClose { .. } => closed = "closed",
                Transmit::TcpSend { .. } => said = "something said",
                _ => {}
            }
        }
        format!("{closed}, {said}")
    }

    /// A request with credentials; the answer.
    fn ask(&mut self, method: Method, attributes: Vec<Attribute>) -> Sent {
        self.made += 1;
        let mut request = Message::request(method, TransactionId([self.made; 12]));
        request.attributes = attributes;
        request.attributes.extend([
            Attribute::Username("ann".to_owned()),
            Attribute::Realm(REALM.to_owned()),
            Attribute::Nonce(self.nonce.clone()),
        ]);
        let key = Key::long_term("ann", REALM, "ann-password");
        self.datagram(request.encode(&Seal::none().integrity(&key)).unwrap_or_default())
    }

    fn allocate(&mut self) {
        let challenge = self.datagram(allocate(99).encode(&Seal::none()).unwrap_or_default());
        let nonce = challenge.first().and_then(|(_, bytes)| View::new(bytes).nonce());
        self.nonce = nonce.unwrap_or_default().to_vec();
        let attributes = vec![
            Attribute::RequestedTransport(REQUESTED_TRANSPORT_UDP),
            Attribute::AdditionalAddressFamily(AddressFamily::V6),
        ];
        self.ask(Method::ALLOCATE, attributes);
    }
}

fn allocate(number: u8) -> Message {
    Message::request(Method::ALLOCATE, TransactionId([number; 12]))
        .with(Attribute::RequestedTransport(REQUESTED_TRANSPORT_UDP))
}

/// How CreatePermission for each peer is answered, by a server that forbids these.
fn permitted(forbidden: Vec<Prefix>, peers: &[IpAddr]) -> String {
    let mut config = config();
    config.forbidden = forbidden;
    let mut desk = Desk::with(config);
    desk.allocate();
    let answers = peers.iter().map(|ip| {
        let peer = Attribute::XorPeerAddress(SocketAddr::new(*ip, 4000));
        match &desk.ask(Method::CREATE_PERMISSION, vec![peer])[..] {
            [(_, answer)] => match View::new(answer).error_code() {
                Some(error) => error.code().to_string(),
                None => "success".to_owned(),
            },
            other => format!("{} answers", other.len()),
        }
    });
    answers.collect::<Vec<_>>().join(", ")
}

fn in_words(sent: &Sent) -> String {
    let [(_, answer)] = &sent[..] else { return format!("{} answers", sent.len()) };
    let view = View::new(answer);
    let class = view.message_type().map(|kind| kind.class);
    let size = if answer.len() < 200 { "less" } else { "more" };
    match (class, view.error_code()) {
        (Some(Class::ErrorResponse), Some(error)) => {
            format!("error {} of {size} than 200 bytes", error.code())
        }
        other => format!("{other:?}"),
    }
}
