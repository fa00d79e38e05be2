//! A case's tools: clients, allocations, peers, rulings.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

use rtcspec_suite::verdict::{Finding, Layer, Verdict};
use rtcspec_wire::stun::{
    AddressFamily, Attribute, AttributeType, Message, Method, REQUESTED_TRANSPORT_UDP,
};

use crate::client::{Client, Reply, fresh_id, payload, request};
use crate::log::Log;
use crate::target::Target;
use crate::wire::datagram;

/// How long what should not come is waited for; what should, longer.
pub(crate) const QUIET: Duration = Duration::from_millis(700);
pub(crate) const PATIENCE: Duration = Duration::from_secs(3);

/// Why a case ends before its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Stop {
    /// A request that must be answered was not.
    #[error("no answer to: {0}")]
    Silent(String),
    /// Something else than what the case needs came.
    #[error("{0}")]
    Wrong(String),
    /// The server says that it cannot do this, or not with us.
    #[error("{0}")]
    Cannot(String),
    /// The network between.
    #[error("the network: {0}")]
    Network(String),
    /// We.
    #[error("the harness: {0}")]
    Harness(String),
}

impl Stop {
    pub(crate) fn verdict(&self) -> Verdict {
        match self {
            Self::Silent(_) | Self::Wrong(_) => Verdict::Fail,
            Self::Cannot(_) => Verdict::Unsupported,
            Self::Network(_) | Self::Harness(_) => Verdict::Inconclusive,
        }
    }
}

/// A duty: its clause and our words, and what shows that it is met.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Duty {
    pub(crate) text: &'static str,
    pub(crate) expected: &'static str,
}

/// An allocation of one client.
#[derive(Debug)]
pub(crate) struct Allocation {
    pub(crate) client: Client,
    pub(crate) relayed: SocketAddr,
    pub(crate) lifetime: u32,
    /// It has not been given back.
    pub(crate) is_held: bool,
}

/// What a client hears of a peer.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) data: Vec<u8>,
    /// What brought it: a Data indication or `ChannelData`.
    pub(crate) packet: Vec<u8>,
}

/// Somebody on this machine whom the server can relay to.
#[derive(Debug)]
pub(crate) struct Peer {
    socket: UdpSocket,
    pub(crate) address: SocketAddr,
    log: Log,
}

impl Peer {
    /// Sends to a relayed address.
    pub(crate) fn send(&self, to: SocketAddr, data: &[u8]) -> Result<(), Stop> {
        self.log.say("peer", &format!("> {} bytes to {to}", data.len()));
        self.socket.send_to(data, to).map_err(|error| Stop::Network(error.to_string()))?;
        Ok(())
    }

    /// What arrives, and from where.
    pub(crate) fn hears(&self, within: Duration) -> Result<Option<(Vec<u8>, SocketAddr)>, Stop> {
        let got = datagram(&self.socket, within).map_err(|e| Stop::Network(e.to_string()))?;
        if let Some((data, from)) = &got {
            self.log.say("peer", &format!("< {} bytes from {from}", data.len()));
        }
        Ok(got)
    }
}

/// What a case works at.
#[derive(Debug)]
pub(crate) struct Bench<'a> {
    pub(crate) target: &'a Target,
    pub(crate) log: Log,
    pub(crate) findings: Vec<Finding>,
    layer: Layer,
    told: usize,
    clients: u32,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(target: &'a Target, layer: Layer) -> Self {
        let log = Log::new();
        Self { target, log, findings: Vec::new(), layer, told: 0, clients: 0 }
    }

    /// A client on a five-tuple of its own.
    pub(crate) fn client(&mut self) -> Result<Client, Stop> {
        self.clients += 1;
        let name =
            if self.clients == 1 { "client".into() } else { format!("client{}", self.clients) };
        Client::open(self.target, &name, &self.log)
    }

    /// Rules on a duty; the lines since the last ruling are its evidence.
    pub(crate) fn rule(&mut self, duty: Duty, verdict: Verdict, actual: impl Into<String>) {
        let lines = self.log.since(self.told);
        self.told = self.log.len();
        self.findings.push(Finding {
            verdict,
            requirement: duty.text.to_owned(),
            expected: duty.expected.to_owned(),
            actual: actual.into(),
            layer: self.layer,
            lines,
        });
    }

    /// Met or not.
    pub(crate) fn met(&mut self, duty: Duty, met: bool, actual: impl Into<String>) {
        self.rule(duty, if met { Verdict::Pass } else { Verdict::Fail }, actual);
    }

    /// Met, or only a SHOULD was missed.
    pub(crate) fn should(&mut self, duty: Duty, met: bool, actual: impl Into<String>) {
        self.rule(duty, if met { Verdict::Pass } else { Verdict::Nonstrict }, actual);
    }

    /// An answer is the error it must be.
    pub(crate) fn refused(&mut self, duty: Duty, reply: &Reply, code: u16) {
        self.met(duty, reply.code() == code, reply.told());
    }

    /// An allocation with a client of its own, in IPv4 if the server has that.
    pub(crate) fn allocation(&mut self) -> Result<Allocation, Stop> {
        self.allocated(&[])
    }

    /// The same with more attributes.
    pub(crate) fn allocated(&mut self, more: &[Attribute]) -> Result<Allocation, Stop> {
        let mut client = self.client()?;
        let mut message = allocate();
        message.attributes.extend(more.iter().cloned());
        let mut reply = claim(&mut client, message.clone())?;
        let names = |ty| message.attributes.iter().any(|attribute| attribute.ty() == ty);
        // RFC 8656 §7.2: a server may have IPv6 alone.
        if reply.code() == 440 && !names(AttributeType::REQUESTED_ADDRESS_FAMILY) {
            let v6 = Attribute::RequestedAddressFamily(AddressFamily::V6);
            reply = claim(&mut client, message.with(v6))?;
        }
        match (reply.is_success(), reply.view().xor_relayed_address()) {
            (true, Some(relayed)) => {
                let lifetime = reply.view().lifetime().unwrap_or_default();
                Ok(Allocation { client, relayed, lifetime, is_held: true })
            }
            _ => Err(no_allocation(&reply)),
        }
    }

    /// A peer that a relayed address can reach: a socket on the address that leads there.
    pub(crate) fn peer(&self, relayed: SocketAddr) -> Result<Peer, Stop> {
        let network = |error: std::io::Error| Stop::Network(error.to_string());
        let any = if relayed.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let route = UdpSocket::bind(any).and_then(|socket| {
            socket.connect(relayed)?;
            socket.local_addr()
        });
        let socket = UdpSocket::bind((route.map_err(network)?.ip(), 0)).map_err(network)?;
        let address = socket.local_addr().map_err(network)?;
        Ok(Peer { socket, address, log: self.log.clone() })
    }
}

/// An Allocate request for a UDP relay.
pub(crate) fn allocate() -> Message {
    request(Method::ALLOCATE).with(Attribute::RequestedTransport(REQUESTED_TRANSPORT_UDP))
}

/// How often, a second apart, an allocation is asked for that a quota refuses: servers take a while
/// to count what was given back.
const CLAIMS: usize = 6;

/// An answer to an Allocate request that has nothing to do with quotas or policies.
pub(crate) fn claim(client: &mut Client, mut message: Message) -> Result<Reply, Stop> {
    counted(|| {
        message.id = fresh_id();
        client.ask(message.clone())
    })
}

/// The same for a request that is made elsewhere, anew each time.
pub(crate) fn counted(mut ask: impl FnMut() -> Result<Reply, Stop>) -> Result<Reply, Stop> {
    for _ in 0..CLAIMS {
        let reply = ask()?;
        match reply.code() {
            486 => std::thread::sleep(Duration::from_secs(1)),
            // RFC 8656 §7.2: it may forbid or redirect at any point.
            300 | 403 => return Err(no_allocation(&reply)),
            _ => return Ok(reply),
        }
    }
    Err(Stop::Cannot("the user's quota is used up".to_owned()))
}

/// What an answer that is no allocation says of the server: that it cannot, or that it is wrong.
pub(crate) fn no_allocation(reply: &Reply) -> Stop {
    let told = reply.told();
    match reply.code() {
        401 => Stop::Wrong(format!("it does not take the credentials, or they are wrong: {told}")),
        300 | 403 | 440 | 508 => Stop::Cannot(format!("it gives no allocation: {told}")),
        _ => Stop::Wrong(format!("no allocation: {told}")),
    }
}

impl Drop for Allocation {
    fn drop(&mut self) {
        if self.is_held {
            // A case that went wrong; the server's timers do it otherwise.
            let _ = self.delete();
        }
    }
}

impl Allocation {
    /// Gives it back, so that nothing is left of a case.
    pub(crate) fn delete(&mut self) -> Result<Reply, Stop> {
        self.is_held = false;
        self.client.ask(request(Method::REFRESH).with(Attribute::Lifetime(0)))
    }

    /// A permission for a peer; one that the server may not relay to ends the case.
    pub(crate) fn permit(&mut self, peer: SocketAddr) -> Result<(), Stop> {
        let reply = self.ask_permission(peer)?;
        match reply.code() {
            0 if reply.is_success() => Ok(()),
            403 => Err(Stop::Cannot(format!(
                "{peer}, which is this machine, is forbidden as a peer, so that nothing can be \
                 relayed to look at; allow it for the test (coturn: --allow-loopback-peers, or a \
                 relay on another address)"
            ))),
            _ => Err(Stop::Wrong(format!("no permission for {peer}: {}", reply.told()))),
        }
    }

    pub(crate) fn ask_permission(&mut self, peer: SocketAddr) -> Result<Reply, Stop> {
        self.client.ask(request(Method::CREATE_PERMISSION).with(Attribute::XorPeerAddress(peer)))
    }

    pub(crate) fn bind_channel(&mut self, number: u16, peer: SocketAddr) -> Result<Reply, Stop> {
        // By bytes, as some numbers are none.
        let [high, low] = number.to_be_bytes();
        let channel =
            Attribute::Unknown { ty: AttributeType::CHANNEL_NUMBER, bytes: vec![high, low, 0, 0] };
        self.client
            .ask(request(Method::CHANNEL_BIND).with(channel).with(Attribute::XorPeerAddress(peer)))
    }

    /// A Send indication.
    pub(crate) fn send(&mut self, peer: SocketAddr, data: &[u8]) -> Result<(), Stop> {
        let message = Message::indication(Method::SEND, fresh_id())
            .with(Attribute::XorPeerAddress(peer))
            .with(Attribute::Data(data.to_vec()));
        self.client.send(&crate::client::plain(&message)?)
    }

    /// Data from a peer, with its packet.
    pub(crate) fn hears(&mut self, within: Duration) -> Result<Option<Heard>, Stop> {
        let packet = self.client.next(within, |packet| payload(packet).is_some())?;
        Ok(packet.and_then(|packet| Some(Heard { data: payload(&packet)?, packet })))
    }
}

/// Whether an address is one that only a machine itself has.
pub(crate) fn is_own(ip: IpAddr) -> bool {
    ip.is_loopback() || ip.is_unspecified()
}
