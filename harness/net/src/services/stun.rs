//! A STUN server with NAT behaviour discovery (RFC 8489, RFC 5780).

use std::collections::VecDeque;
use std::net::SocketAddr;

use rtcspec_wire::stun::{
    Attribute, AttributeType, Class, ErrorCode, Fingerprint, Message, Method, Seal, View,
};

use crate::Ns;
use crate::host::{Application, Receive, Transmit};

/// PADDING of a response. RFC 5780 §7.6 would have it as long as the MTU, so that the response goes in
/// fragments; hosts here send none, so that the whole response has to fit into a packet of 1500.
const PADDING: usize = 1280;

/// Where a server answers and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// One for IPv4, one for IPv6, as wanted.
    pub faces: Vec<Face>,
    /// SOFTWARE of its responses.
    pub software: Option<String>,
    /// Answers nothing: a server that is down behind a network that is up.
    pub silent: bool,
}

/// The addresses of one IP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Face {
    /// RFC 5780 §6: Da and Dp, the address clients are told.
    pub primary: SocketAddr,
    /// RFC 5780 §6: Aa and Ap; both differ from the primary's. Without it, CHANGE-REQUEST is
    /// refused.
    pub alternate: Option<SocketAddr>,
}

impl Config {
    /// A plain server at one address.
    #[must_use]
    pub fn new(primary: SocketAddr) -> Self {
        Self { faces: vec![Face { primary, alternate: None }], software: None, silent: false }
    }

    /// A server with behaviour discovery: two addresses, two ports.
    #[must_use]
    pub fn discovery(primary: SocketAddr, alternate: SocketAddr) -> Self {
        let face = Face { primary, alternate: Some(alternate) };
        Self { faces: vec![face], software: None, silent: false }
    }
}

impl Face {
    /// The two addresses with the ports of both, without an alternate only the primary.
    fn serves(&self, local: SocketAddr) -> bool {
        let Some(alternate) = self.alternate else { return local == self.primary };
        [self.primary, alternate].iter().any(|address| address.ip() == local.ip())
            && [self.primary, alternate].iter().any(|address| address.port() == local.port())
    }

    /// The address with IP, port or both changed, `None` without an alternate.
    fn changed(&self, local: SocketAddr, ip: bool, port: bool) -> Option<SocketAddr> {
        let alternate = self.alternate?;
        let primary = self.primary;
        let other_ip = if local.ip() == primary.ip() { alternate.ip() } else { primary.ip() };
        let same_port = local.port() == primary.port();
        let other_port = if same_port { alternate.port() } else { primary.port() };
        let ip = if ip { other_ip } else { local.ip() };
        Some(SocketAddr::new(ip, if port { other_port } else { local.port() }))
    }
}

/// The server. It keeps no state between requests.
#[derive(Debug)]
pub struct Server {
    config: Config,
    out: VecDeque<Transmit>,
}

/// An answer and where it goes.
struct Answer {
    from: SocketAddr,
    to: SocketAddr,
    message: Message,
}

impl Server {
    /// A server that answers datagrams to the addresses of its configuration.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self { config, out: VecDeque::new() }
    }

    /// Changes whether it answers at all.
    pub fn set_silent(&mut self, silent: bool) {
        self.config.silent = silent;
    }

    fn datagram(&mut self, local: SocketAddr, remote: SocketAddr, data: &[u8]) {
        let view = View::new(data);
        let wanted = view.message_type().is_some_and(|ty| {
            ty.class == Class::Request && ty.method == Method::BINDING && view.check().is_ok()
        });
        let broken = matches!(view.fingerprint(), Fingerprint::Invalid | Fingerprint::NotLast);
        let face = self.config.faces.iter().find(|face| face.serves(local));
        let (Some(face), true, false) = (face, wanted, broken) else { return };
        let Some(answer) = self.answer(face, local, remote, &view) else { return };
        let seal = match view.fingerprint() {
            Fingerprint::Valid => Seal::none().fingerprint(),
            _ => Seal::none(),
        };
        if let Ok(data) = answer.message.encode(&seal) {
            self.out.push_back(Transmit::Udp { local: answer.from, remote: answer.to, data });
        }
    }

    /// RFC 5780 §6.1.
    fn answer(
        &self,
        face: &Face,
        local: SocketAddr,
        remote: SocketAddr,
        view: &View<'_>,
    ) -> Option<Answer> {
        let id = view.transaction_id()?;
        let refuse = |code, attribute: Option<Attribute>| {
            let mut message = Message::error(Method::BINDING, id, ErrorCode::new(code)?);
            message.attributes.extend(attribute);
            Some(Answer { from: local, to: remote, message })
        };
        let unknown: Vec<_> = unknown_attributes(view, face.alternate.is_some()).collect();
        if !unknown.is_empty() {
            let unknown = Attribute::UnknownAttributes(unknown);
            return refuse(ErrorCode::UNKNOWN_ATTRIBUTE, Some(unknown));
        }
        let read = |ty| view.attribute(ty).map(|attribute| attribute.decode(id)).transpose();
        let (Ok(change), Ok(port)) =
            (read(AttributeType::CHANGE_REQUEST), read(AttributeType::RESPONSE_PORT))
        else {
            return refuse(ErrorCode::BAD_REQUEST, None);
        };
        let padded = view.has(AttributeType::PADDING);
        // RFC 5780 §6.1: both together could be aimed at a third party.
        if padded && port.is_some() {
            return refuse(ErrorCode::BAD_REQUEST, None);
        }
        let from = match change {
            Some(Attribute::ChangeRequest { ip, port }) => face.changed(local, ip, port)?,
            _ => local,
        };
        let to = match port {
            Some(Attribute::ResponsePort(port)) => SocketAddr::new(remote.ip(), port),
            _ => remote,
        };
        let message = self.success(face, Addresses { local, remote, from }, view, padded)?;
        Some(Answer { from, to, message })
    }

    fn success(
        &self,
        face: &Face,
        addresses: Addresses,
        view: &View<'_>,
        padded: bool,
    ) -> Option<Message> {
        let mut message = Message::success(Method::BINDING, view.transaction_id()?)
            .with(Attribute::XorMappedAddress(addresses.remote));
        if face.alternate.is_some() {
            // RFC 5780 §6.1: both, so that a client sees who rewrites addresses in payloads.
            message.attributes.push(Attribute::MappedAddress(addresses.remote));
            // RFC 5780 §7.4: what a change of both would have been answered from.
            let other = face.changed(addresses.local, true, true)?;
            message.attributes.push(Attribute::ResponseOrigin(addresses.from));
            message.attributes.push(Attribute::OtherAddress(other));
        }
        if padded {
            message.attributes.push(Attribute::Padding(vec![0; PADDING]));
        }
        message.attributes.extend(self.config.software.clone().map(Attribute::Software));
        Some(message)
    }
}

/// The addresses of one exchange.
#[derive(Clone, Copy)]
struct Addresses {
    local: SocketAddr,
    remote: SocketAddr,
    from: SocketAddr,
}

/// Attributes the server must refuse. Those of connectivity checks are let pass: a check that
/// lands here by mistake deserves an answer that shows it.
fn unknown_attributes<'a>(
    view: &View<'a>,
    discovers: bool,
) -> impl Iterator<Item = AttributeType> + use<'a> {
    view.not_understood(move |ty| match ty {
        AttributeType::CHANGE_REQUEST => discovers,
        AttributeType::USERNAME
        | AttributeType::MESSAGE_INTEGRITY
        | AttributeType::MESSAGE_INTEGRITY_SHA256
        | AttributeType::PRIORITY
        | AttributeType::USE_CANDIDATE
        | AttributeType::RESPONSE_PORT
        | AttributeType::PADDING => true,
        _ => false,
    })
}

impl Application for Server {
    fn receive(&mut self, _: Ns, input: Receive) {
        if let (Receive::Udp { local, remote, data }, false) = (input, self.config.silent) {
            self.datagram(local, remote, &data);
        }
    }

    fn transmit(&mut self) -> Option<Transmit> {
        self.out.pop_front()
    }

    fn wake(&self) -> Option<Ns> {
        None
    }

    fn advance(&mut self, _: Ns) {}
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rtcspec_wire::stun::TransactionId;

    use super::*;

    const CLIENT: &str = "198.51.100.7:5000";

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn server() -> Server {
        Server::new(Config::discovery(address("192.0.2.1:3478"), address("192.0.2.2:3479")))
    }

    /// Sends a Binding request to an address and returns where the answer comes from and goes to.
    fn ask(server: &mut Server, to: &str, attributes: Vec<Attribute>) -> Option<Exchange> {
        let mut request = Message::request(Method::BINDING, TransactionId([3; 12]));
        request.attributes = attributes;
        let data = request.encode(&Seal::none()).expect("short");
        let (local, remote) = (address(to), address(CLIENT));
        server.receive(Ns::ZERO, Receive::Udp { local, remote, data });
        match server.transmit() {
            Some(Transmit::Udp { local, remote, data }) => Some(Exchange {
                from: local.to_string(),
                to: remote.to_string(),
                message: Message::parse(&data).expect("valid"),
            }),
            _ => None,
        }
    }

    struct Exchange {
        from: String,
        to: String,
        message: Message,
    }

    #[test]
    fn each_change_request_is_answered_from_the_address_it_names() {
        let mut server = server();
        for (to, ip, port, from, other) in [
            ("192.0.2.1:3478", false, false, "192.0.2.1:3478", "192.0.2.2:3479"),
            ("192.0.2.1:3478", true, true, "192.0.2.2:3479", "192.0.2.2:3479"),
            ("192.0.2.1:3478", false, true, "192.0.2.1:3479", "192.0.2.2:3479"),
            ("192.0.2.1:3478", true, false, "192.0.2.2:3478", "192.0.2.2:3479"),
            ("192.0.2.2:3478", false, true, "192.0.2.2:3479", "192.0.2.1:3479"),
            ("192.0.2.2:3479", true, true, "192.0.2.1:3478", "192.0.2.1:3478"),
        ] {
            let change = vec![Attribute::ChangeRequest { ip, port }];
            let exchange = ask(&mut server, to, change).expect("answered");
            assert_eq!(exchange.from, from);
            assert_eq!(exchange.to, CLIENT);
            assert_eq!(
                exchange.message.attributes,
                [
                    Attribute::XorMappedAddress(address(CLIENT)),
                    Attribute::MappedAddress(address(CLIENT)),
                    Attribute::ResponseOrigin(address(from)),
                    Attribute::OtherAddress(address(other)),
                ]
            );
        }
    }

    #[test]
    fn a_server_with_one_address_refuses_change_request_as_unknown() {
        let mut server = Server::new(Config::new(address("192.0.2.1:3478")));
        let change = vec![Attribute::ChangeRequest { ip: true, port: true }];
        let message = ask(&mut server, "192.0.2.1:3478", change).expect("answered").message;
        let unknown = Attribute::UnknownAttributes(vec![AttributeType::CHANGE_REQUEST]);
        assert_eq!(message.class, Class::ErrorResponse);
        assert_eq!(message.attributes[1], unknown);
        let plain = ask(&mut server, "192.0.2.1:3478", vec![]).expect("answered").message;
        assert_eq!(plain.attributes, [Attribute::XorMappedAddress(address(CLIENT))]);
    }

    #[test]
    fn response_port_redirects_and_padding_pads_but_not_both() {
        let mut server = server();
        let redirect = vec![Attribute::ResponsePort(7000)];
        let exchange = ask(&mut server, "192.0.2.1:3478", redirect.clone()).expect("answered");
        assert_eq!(exchange.to, "198.51.100.7:7000");
        let padding = Attribute::Padding(vec![0; 16]);
        let padded = ask(&mut server, "192.0.2.1:3478", vec![padding.clone()]).expect("answered");
        assert!(padded.message.attribute(AttributeType::PADDING).is_some());
        let both = [redirect, vec![padding]].concat();
        let refused = ask(&mut server, "192.0.2.1:3478", both).expect("answered");
        assert_eq!(refused.message.class, Class::ErrorResponse);
    }

    #[test]
    fn a_silent_server_and_a_foreign_address_answer_nothing() {
        let mut server = server();
        assert!(ask(&mut server, "192.0.2.9:3478", vec![]).is_none());
        server.set_silent(true);
        assert!(ask(&mut server, "192.0.2.1:3478", vec![]).is_none());
    }

    proptest! {
        #[test]
        fn any_datagram_is_survived(data in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut server = server();
            let (local, remote) = (address("192.0.2.1:3478"), address(CLIENT));
            server.receive(Ns::ZERO, Receive::Udp { local, remote, data });
            while server.transmit().is_some() {}
        }
    }
}
