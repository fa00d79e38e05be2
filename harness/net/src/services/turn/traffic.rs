//! Data between clients and peers (RFC 8656 §11, §12).

use std::net::SocketAddr;

use rtcspec_wire::stun::{
    Attribute, AttributeType, Class, Icmp, MessageType, Method, Seal, TransactionId, Writer,
};
use rtcspec_wire::turn::ChannelData;

use super::allocation::Client;
use super::server::{Request, Server, unknown_attributes};
use crate::Ns;
use crate::host::Transmit;

/// RFC 792: destination unreachable, port unreachable.
const ICMP_PORT_UNREACHABLE: Icmp = Icmp { ty: 3, code: 3, data: [0; 4] };
/// RFC 4443 §3.1.
const ICMPV6_PORT_UNREACHABLE: Icmp = Icmp { ty: 1, code: 4, data: [0; 4] };

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
            self.send(client, packet);
        }
    }

    /// RFC 8656 §11.5: a peer could not be reached.
    pub(super) fn unreachable(&mut self, now: Ns, relay: SocketAddr, peer: SocketAddr) {
        let Some(&client) = self.relays.get(&relay) else { return };
        let Some(allocation) = self.allocations.get(&client) else { return };
        if !allocation.is_permitted(now, peer.ip()) {
            return;
        }
        let icmp = if peer.is_ipv4() { ICMP_PORT_UNREACHABLE } else { ICMPV6_PORT_UNREACHABLE };
        let mut packet = Vec::new();
        self.data_indication(&mut packet, peer, |writer| {
            writer.attribute(&Attribute::Icmp(icmp));
        });
        self.send(client, packet);
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
