//! Data between clients and peers (RFC 8656 §11, §12).

use std::net::SocketAddr;

use rtcspec_wire::stun::{
    Attribute, AttributeType, Class, Icmp, MessageType, Method, Seal, TransactionId, Writer,
};
use rtcspec_wire::turn::ChannelData;

use super::allocation::Client;
use super::server::{Request, Server, unknown_attributes};
use crate::Ns;
use crate::host::{IcmpError, Transmit};

impl Server {
    /// RFC 8656 §11.2. What is wrong with an indication is nobody told.
    pub(super) fn send_indication(&mut self, request: &Request<'_>) {
        let (Some(peer), Some(data)) = (request.view.xor_peer_address(), request.view.data())
        else {
            return;
        };
        if unknown_attributes(&request.view).next().is_some() {
            return;
        }
        let Some(allocation) = self.allocations.get(&request.client) else { return };
        let Some(relay) = allocation.relay_for(peer.ip()) else { return };
        if allocation.is_permitted(request.now, peer.ip()) {
            self.send_to_peer(request.now, relay, peer, data);
        }
    }

    /// RFC 8656 §12.6.
    pub(super) fn channel_data(&mut self, now: Ns, client: Client, bytes: &[u8]) {
        let Ok(message) = ChannelData::parse(bytes) else { return };
        let Some(allocation) = self.allocations.get(&client) else { return };
        let Some(peer) = allocation.channels.peer(now, message.channel) else { return };
        if let Some(relay) = allocation.relay_for(peer.ip()) {
            self.send_to_peer(now, relay, peer, message.data);
        }
    }

    /// Sends data from a relayed address; to another relayed address of this server it does not
    /// leave the host.
    fn send_to_peer(&mut self, now: Ns, relay: SocketAddr, peer: SocketAddr, data: &[u8]) {
        if self.relays.contains_key(&peer) {
            self.peer_datagram(now, peer, relay, data);
        } else {
            let data = data.to_vec();
            self.out.push_back(Transmit::Udp { local: relay, remote: peer, data });
        }
    }

    /// RFC 8656 §11.3, §12.7: a datagram to a relayed address.
    pub(super) fn peer_datagram(
        &mut self,
        now: Ns,
        relay: SocketAddr,
        peer: SocketAddr,
        data: &[u8],
    ) {
        let Some(&client) = self.relays.get(&relay) else { return };
        let Some(allocation) = self.allocations.get(&client) else { return };
        if !allocation.is_permitted(now, peer.ip()) {
            return;
        }
        let channel = allocation.channels.number(now, peer);
        let mut packet = Vec::with_capacity(data.len() + 48);
        match channel {
            Some(channel) => {
                // A datagram's data always fits the length field.
                let _ = ChannelData { channel, data }.encode_into(&mut packet);
            }
            None => {
                self.data_indication(&mut packet, peer, |writer| {
                    writer.bytes(AttributeType::DATA, data);
                });
            }
        }
        if !packet.is_empty() {
            self.relay(client, packet);
        }
    }

    /// A peer could not be reached, and why.
    pub(super) fn unreachable(
        &mut self,
        now: Ns,
        relay: SocketAddr,
        peer: SocketAddr,
        error: IcmpError,
    ) {
        // RFC 8656 §18.13: without data of its own, but for what says how long packets may be.
        let icmp = Icmp { ty: error.kind, code: error.code.into(), data: [0; 4] };
        self.peer_error(now, relay, peer, icmp);
    }

    /// A datagram to a peer was too long for a link.
    pub(super) fn too_big(&mut self, now: Ns, relay: SocketAddr, peer: SocketAddr, mtu: u32) {
        // RFC 8656 §18.13: the MTU of the link is the error's data.
        let (ty, code) = if peer.is_ipv4() { (3, 4) } else { (2, 0) };
        self.peer_error(now, relay, peer, Icmp { ty, code, data: mtu.to_be_bytes() });
    }

    /// RFC 8656 §11.5: an error about a datagram to a peer.
    fn peer_error(&mut self, now: Ns, relay: SocketAddr, peer: SocketAddr, icmp: Icmp) {
        let Some(&client) = self.relays.get(&relay) else { return };
        let Some(allocation) = self.allocations.get(&client) else { return };
        if !allocation.is_permitted(now, peer.ip()) {
            return;
        }
        let mut packet = Vec::new();
        self.data_indication(&mut packet, peer, |writer| {
            writer.attribute(&Attribute::Icmp(icmp));
        });
        self.relay(client, packet);
    }

    /// Writes a Data indication, nothing if it is too long.
    fn data_indication(
        &mut self,
        packet: &mut Vec<u8>,
        peer: SocketAddr,
        content: impl FnOnce(&mut Writer<'_>),
    ) {
        let ty = MessageType { class: Class::Indication, method: Method::DATA };
        let mut writer = Writer::new(packet, ty, self.transaction_id());
        writer.xor_address(AttributeType::XOR_PEER_ADDRESS, peer);
        content(&mut writer);
        // `finish` leaves the buffer empty when it fails.
        let _ = writer.finish(&Seal::none());
    }

    fn transaction_id(&mut self) -> TransactionId {
        let mut id = [0; 12];
        id[..8].copy_from_slice(&self.draws.bits().to_be_bytes());
        id[8..].copy_from_slice(&self.draws.bits().to_be_bytes()[..4]);
        TransactionId(id)
    }
}
