//! The requests of a client: what they say and how they are told apart.

use std::net::{IpAddr, SocketAddr};

use rtcspec_wire::stun::{
    AddressFamily, Attribute, Message, Method, REQUESTED_TRANSPORT_UDP, TransactionId,
};
use rtcspec_wire::turn::ChannelNumber;

use super::auth::Used;
use crate::stun::Retransmit;

/// RFC 8656 §7.1: what the client names itself in Allocate and Refresh requests.
const SOFTWARE: &str = "rtcspec";

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// RFC 8656 §7.
    Allocate,
    /// RFC 8656 §8; a lifetime of 0 ends the allocation.
    Refresh { lifetime: u32 },
    /// RFC 8656 §10. One peer per request: the server grants or refuses a request as a whole, and
    /// one forbidden peer must not cost the others their permission.
    CreatePermission(IpAddr),
    /// RFC 8656 §12.
    ChannelBind(SocketAddr, ChannelNumber),
}

/// A request that waits for its turn to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) operation: Operation,
    /// How often it was made again after a challenge.
    pub(super) retries: u8,
}

/// A request that was sent.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) request: Request,
    pub(super) bytes: Vec<u8>,
    pub(super) used: Option<Used>,
    pub(super) timer: Retransmit,
}

impl Operation {
    pub(super) fn method(self) -> Method {
        match self {
            Self::Allocate => Method::ALLOCATE,
            Self::Refresh { .. } => Method::REFRESH,
            Self::CreatePermission(_) => Method::CREATE_PERMISSION,
            Self::ChannelBind(..) => Method::CHANNEL_BIND,
        }
    }

    /// The request without credentials. `family` is that of the relayed address.
    pub(super) fn message(
        self,
        id: TransactionId,
        family: AddressFamily,
        lifetime: u32,
    ) -> Message {
        let mut message = Message::request(self.method(), id);
        let add = &mut message.attributes;
        match self {
            Self::Allocate => {
                add.push(Attribute::RequestedTransport(REQUESTED_TRANSPORT_UDP));
                add.push(Attribute::Lifetime(lifetime));
                // RFC 8656 §7.1: without the attribute the relayed address is an IPv4 one.
                if family == AddressFamily::V6 {
                    add.push(Attribute::RequestedAddressFamily(family));
                }
                add.push(Attribute::Software(SOFTWARE.to_owned()));
            }
            Self::Refresh { lifetime } => {
                add.push(Attribute::Lifetime(lifetime));
                add.push(Attribute::Software(SOFTWARE.to_owned()));
            }
            Self::CreatePermission(ip) => {
                add.push(Attribute::XorPeerAddress(SocketAddr::new(ip, 0)));
            }
            Self::ChannelBind(peer, number) => {
                add.push(Attribute::ChannelNumber(number));
                add.push(Attribute::XorPeerAddress(peer));
            }
        }
        message
    }
}
