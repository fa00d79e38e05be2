//! Requests about allocations: Allocate, Refresh, `CreatePermission`, `ChannelBind`.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use rtcspec_wire::stun::{
    AddressFamily, Attribute, AttributeType, ErrorCode, REQUESTED_TRANSPORT_UDP,
};

use super::allocation::{Allocation, Relay};
use super::auth::Credentials;
use super::channel::{Channels, Unbound};
use super::ports::Wish;
use super::reply::{Outcome, Refusal};
use super::server::{Request, Server};
use crate::Ns;

/// The relayed addresses of a new allocation and what its response says of them.
struct Granted {
    addresses: Vec<SocketAddr>,
    notes: Vec<Attribute>,
}

impl Request<'_> {
    /// A typed attribute; a malformed one is a bad request.
    fn read(&self, ty: AttributeType) -> Result<Option<Attribute>, Refusal> {
        let found = self.view.attribute(ty).map(|attribute| attribute.decode(self.id));
        found.transpose().map_err(|_| Refusal::bad_request())
    }

    /// An address family; one that is neither IPv4 nor IPv6 is not supported.
    fn family(&self, ty: AttributeType) -> Result<Option<AddressFamily>, Refusal> {
        let Some(value) = self.view.value(ty) else { return Ok(None) };
        let &[number, _, _, _] = value else { return Err(Refusal::bad_request()) };
        let family = AddressFamily::from_number(number);
        family.map(Some).ok_or(Refusal::new(ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED))
    }

    /// All its XOR-PEER-ADDRESS attributes.
    fn peers(&self) -> Result<Vec<SocketAddr>, Refusal> {
        let of_type = |ty| ty == AttributeType::XOR_PEER_ADDRESS;
        let found = self.view.attributes().filter(|it| of_type(it.ty) && !it.is_ignored());
        found.map(|it| it.as_xor_address(self.id).ok_or(Refusal::bad_request())).collect()
    }

    /// LIFETIME as the server grants it; zero stays zero for Refresh only.
    fn lifetime(&self, server: &Server) -> Result<u32, Refusal> {
        let seconds = |span: Ns| u32::try_from(span.0 / 1_000_000_000).unwrap_or(u32::MAX);
        let (least, most) = (seconds(server.config.lifetime), seconds(server.config.max_lifetime));
        match self.read(AttributeType::LIFETIME)? {
            Some(Attribute::Lifetime(wanted)) => Ok(wanted.min(most).max(least)),
            _ => Ok(least),
        }
    }
}

impl Server {
    /// RFC 8656 §7.2.
    pub(super) fn allocate(&mut self, request: &Request<'_>, credentials: &Credentials) -> Outcome {
        if let Some(allocation) = self.allocations.get(&request.client) {
            return match allocation.request == request.id {
                // RFC 8656 §7.2: a retransmitted request is answered as before.
                true => Ok(allocation.response.clone()),
                false => Err(Refusal::new(ErrorCode::ALLOCATION_MISMATCH)),
            };
        }
        match request.read(AttributeType::REQUESTED_TRANSPORT)? {
            Some(Attribute::RequestedTransport(REQUESTED_TRANSPORT_UDP)) => {}
            Some(_) => return Err(Refusal::new(ErrorCode::UNSUPPORTED_TRANSPORT_PROTOCOL)),
            None => return Err(Refusal::bad_request()),
        }
        let seconds = request.lifetime(self)?;
        let wants = Wants::of(request)?;
        let username = &credentials.username;
        let owned = self.allocations.values().filter(|it| it.username == *username).count();
        if owned >= self.config.quota {
            return Err(Refusal::new(ErrorCode::ALLOCATION_QUOTA_REACHED));
        }
        if self.allocations.len() >= self.config.capacity {
            return Err(Refusal::new(ErrorCode::INSUFFICIENT_CAPACITY));
        }
        let granted = self.grant(request.now, &wants)?;
        Ok(self.keep(request, credentials, granted, seconds))
    }

    /// Takes relayed addresses.
    fn grant(&mut self, now: Ns, wants: &Wants) -> Result<Granted, Refusal> {
        let none = || Refusal::new(ErrorCode::INSUFFICIENT_CAPACITY);
        if let Some(token) = wants.token {
            let address = self.ports.redeem(now, token).ok_or_else(none)?;
            return Ok(Granted { addresses: vec![address], notes: Vec::new() });
        }
        let unsupported = Refusal::new(ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED);
        let ip = self.relay_ip(wants.family).ok_or(unsupported)?;
        let (address, token) = self.ports.take(now, ip, wants.port).ok_or_else(none)?;
        let mut granted = Granted {
            addresses: vec![address],
            notes: token.map(Attribute::ReservationToken).into_iter().collect(),
        };
        if let Some(family) = wants.additional {
            match self.additional(now, family) {
                Ok(address) => granted.addresses.push(address),
                Err(note) => granted.notes.extend(note),
            }
        }
        Ok(granted)
    }

    /// RFC 8656 §7.2: the second address may be missing; the response says why.
    fn additional(
        &mut self,
        now: Ns,
        family: AddressFamily,
    ) -> Result<SocketAddr, Option<Attribute>> {
        let note = |code| {
            let error = ErrorCode::new(code)?;
            Some(Attribute::AddressErrorCode { family, error })
        };
        let unsupported = || note(ErrorCode::ADDRESS_FAMILY_NOT_SUPPORTED);
        let ip = self.relay_ip(family).ok_or_else(unsupported)?;
        let taken = self.ports.take(now, ip, Wish::Any);
        taken.map(|(address, _)| address).ok_or_else(|| note(ErrorCode::INSUFFICIENT_CAPACITY))
    }

    fn keep(
        &mut self,
        request: &Request<'_>,
        credentials: &Credentials,
        granted: Granted,
        seconds: u32,
    ) -> Vec<Attribute> {
        let expires = request.now + Ns::secs(u64::from(seconds));
        let mut attributes: Vec<_> =
            granted.addresses.iter().copied().map(Attribute::XorRelayedAddress).collect();
        attributes.push(Attribute::Lifetime(seconds));
        attributes.extend(granted.notes);
        attributes.push(Attribute::XorMappedAddress(request.mapped));
        for address in &granted.addresses {
            self.relays.insert(*address, request.client);
        }
        let relay = |address| Relay { address, expires };
        let allocation = Allocation {
            username: credentials.username.clone(),
            relays: granted.addresses.into_iter().map(relay).collect(),
            permissions: BTreeMap::new(),
            channels: Channels::default(),
            request: request.id,
            response: attributes.clone(),
        };
        self.allocations.insert(request.client, allocation);
        attributes
    }

    /// RFC 8656 §8.2.
    pub(super) fn refresh(&mut self, request: &Request<'_>, credentials: &Credentials) -> Outcome {
        let zero = request.read(AttributeType::LIFETIME)? == Some(Attribute::Lifetime(0));
        let seconds = if zero { 0 } else { request.lifetime(self)? };
        let family = request.family(AttributeType::REQUESTED_ADDRESS_FAMILY)?;
        let allocation = self.allocation(request, credentials)?;
        if family.is_some_and(|family| !allocation.has_family(family)) {
            return Err(Refusal::new(ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH));
        }
        let expires = request.now + Ns::secs(u64::from(seconds));
        for relay in &mut allocation.relays {
            if family.is_none_or(|family| AddressFamily::of(relay.address.ip()) == family) {
                relay.expires = expires;
            }
        }
        self.expire(request.now);
        Ok(vec![Attribute::Lifetime(seconds)])
    }

    /// RFC 8656 §10.2: all its peers or none.
    pub(super) fn create_permission(
        &mut self,
        request: &Request<'_>,
        credentials: &Credentials,
    ) -> Outcome {
        let peers = request.peers()?;
        self.allocation(request, credentials)?;
        if peers.is_empty() {
            return Err(Refusal::bad_request());
        }
        let ips = self.check_peers(request, credentials, &peers)?;
        let until = request.now + self.config.permission_lifetime;
        self.allocation(request, credentials)?.permit(until, &ips);
        Ok(Vec::new())
    }

    /// RFC 8656 §12.2.
    pub(super) fn channel_bind(
        &mut self,
        request: &Request<'_>,
        credentials: &Credentials,
    ) -> Outcome {
        let number = request.read(AttributeType::CHANNEL_NUMBER)?;
        let peers = request.peers()?;
        self.allocation(request, credentials)?;
        let (Some(Attribute::ChannelNumber(number)), &[peer]) = (number, &peers[..]) else {
            return Err(Refusal::bad_request());
        };
        let ips = self.check_peers(request, credentials, &peers)?;
        let until = request.now + self.config.channel_lifetime;
        let permitted_until = request.now + self.config.permission_lifetime;
        let most = self.config.most_peers;
        let allocation = self.allocation(request, credentials)?;
        match allocation.channels.bind(request.now, until, (number, peer), most) {
            Ok(()) => {}
            Err(Unbound::Taken) => return Err(Refusal::bad_request()),
            Err(Unbound::TooMany) => return Err(Refusal::new(ErrorCode::INSUFFICIENT_CAPACITY)),
        }
        allocation.permit(permitted_until, &ips);
        Ok(Vec::new())
    }

    /// The addresses of peers that may be permitted, all of them.
    fn check_peers(
        &mut self,
        request: &Request<'_>,
        credentials: &Credentials,
        peers: &[SocketAddr],
    ) -> Result<Vec<IpAddr>, Refusal> {
        if peers.iter().any(|peer| self.config.forbids(peer.ip())) {
            return Err(Refusal::new(ErrorCode::FORBIDDEN));
        }
        let most = self.config.most_peers;
        let allocation = self.allocation(request, credentials)?;
        if !peers.iter().all(|peer| allocation.relay_for(peer.ip()).is_some()) {
            return Err(Refusal::new(ErrorCode::PEER_ADDRESS_FAMILY_MISMATCH));
        }
        let ips: Vec<_> = peers.iter().map(SocketAddr::ip).collect();
        match allocation.has_room(request.now, &ips, most) {
            true => Ok(ips),
            false => Err(Refusal::new(ErrorCode::INSUFFICIENT_CAPACITY)),
        }
    }

    /// The allocation a request is about (RFC 8656 §5: 437 without one, 441 for another user's).
    fn allocation(
        &mut self,
        request: &Request<'_>,
        credentials: &Credentials,
    ) -> Result<&mut Allocation, Refusal> {
        let mismatch = Refusal::new(ErrorCode::ALLOCATION_MISMATCH);
        let allocation = self.allocations.get_mut(&request.client).ok_or(mismatch)?;
        match allocation.username == credentials.username {
            true => Ok(allocation),
            false => Err(Refusal::new(ErrorCode::WRONG_CREDENTIALS)),
        }
    }

    fn relay_ip(&self, family: AddressFamily) -> Option<IpAddr> {
        self.config.relays.iter().copied().find(|ip| AddressFamily::of(*ip) == family)
    }
}

/// Which relayed addresses an Allocate request asks for.
struct Wants {
    family: AddressFamily,
    additional: Option<AddressFamily>,
    port: Wish,
    token: Option<[u8; 8]>,
}

impl Wants {
    /// RFC 8656 §7.2, items 5 to 8.
    fn of(request: &Request<'_>) -> Result<Self, Refusal> {
        let family = request.family(AttributeType::REQUESTED_ADDRESS_FAMILY)?;
        let additional = request.family(AttributeType::ADDITIONAL_ADDRESS_FAMILY)?;
        let port = match request.read(AttributeType::EVEN_PORT)? {
            Some(Attribute::EvenPort { reserve_next: true }) => Wish::Pair,
            Some(_) => Wish::Even,
            None => Wish::Any,
        };
        let token = match request.read(AttributeType::RESERVATION_TOKEN)? {
            Some(Attribute::ReservationToken(token)) => Some(token),
            _ => None,
        };
        let token_clashes = family.is_some() || additional.is_some() || port != Wish::Any;
        let additional_clashes =
            family.is_some() || port == Wish::Pair || additional == Some(AddressFamily::V4);
        if (token.is_some() && token_clashes) || (additional.is_some() && additional_clashes) {
            return Err(Refusal::bad_request());
        }
        Ok(Self { family: family.unwrap_or(AddressFamily::V4), additional, port, token })
    }
}
