//! Bugs of others' servers, built around ours.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use rtcspec_net::Ns;
use rtcspec_net::services::turn::Config;
use rtcspec_wire::stun::{Attribute, AttributeType, Class, Message, Method, Seal};
use rtcspec_wire::turn::ChannelData;

use super::program::{Subject, body, key};
use crate::target::Plant;

pub(super) const SERVER: &[Plant] = &[
    Plant {
        name: "turn-zero-address",
        source: "coturn CVE-2020-26262: 0.0.0.0 is no loopback, and reaches it",
        body: |case| body(case, &Subject { config: zero_address, ..Subject::OURS }),
    },
    Plant {
        name: "turn-mapped-loopback",
        source: "coturn CVE-2026-27624: ::ffff:127.0.0.1 is on no list",
        body: |case| {
            body(case, &Subject { input: mapped_hidden, output: mapped_shown, ..Subject::OURS })
        },
    },
    Plant {
        name: "turn-quota",
        source: "allocations of a user are not counted",
        body: |case| body(case, &Subject { config: no_quota, ..Subject::OURS }),
    },
    Plant {
        name: "turn-permission-for-ever",
        source: "RFC 8656 §9: a permission outlives its 300 seconds",
        body: |case| body(case, &Subject { config: permitted_for_ever, ..Subject::OURS }),
    },
    Plant {
        name: "turn-channel-too-short",
        source: "RFC 8656 §12: a channel ends with its permission, not after 600 seconds",
        body: |case| body(case, &Subject { config: short_channel, ..Subject::OURS }),
    },
    Plant {
        name: "turn-padding-relayed",
        source: "coturn CVE-2020-4067 in kind: padding, with what it held, goes on to the peer",
        body: |case| body(case, &Subject { output: padding_relayed, ..Subject::OURS }),
    },
    Plant {
        name: "turn-amplifies",
        source: "an answer to anybody says all about the server",
        body: |case| body(case, &Subject { output: talkative, ..Subject::OURS }),
    },
    Plant {
        name: "turn-integrity-not-checked",
        source: "metaRTC #113 in kind: whatever key a request is made with, it is served",
        body: |case| body(case, &Subject { input: sealed_anew, ..Subject::OURS }),
    },
];

fn zero_address(mut config: Config) -> Config {
    config.forbidden.retain(|prefix| !prefix.contains(IpAddr::from([0, 0, 0, 0])));
    config
}

fn no_quota(mut config: Config) -> Config {
    config.quota = usize::MAX;
    config
}

fn permitted_for_ever(mut config: Config) -> Config {
    config.permission_lifetime = Ns::secs(1 << 30);
    config
}

fn short_channel(mut config: Config) -> Config {
    config.channel_lifetime = Ns::secs(300);
    config
}

/// The address in whose place the mapped one is let in.
const STANDS_FOR: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x99));
const MAPPED: IpAddr = IpAddr::V6(Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0x7f00, 1));

/// A request with changes, made with the key of whom it names.
fn changed(bytes: Vec<u8>, change: impl Fn(&mut Message)) -> Vec<u8> {
    let Ok(mut message) = Message::parse(&bytes) else { return bytes };
    let before = message.clone();
    change(&mut message);
    if message == before {
        return bytes;
    }
    let named =
        |attribute: &Attribute| matches!(attribute, Attribute::Username(name) if name == "ben");
    let key = key(usize::from(message.attributes.iter().any(named)));
    let seal = match message.class {
        Class::Request => Seal::none().integrity(&key),
        _ => Seal::none(),
    };
    message.encode(&seal).unwrap_or(bytes)
}

fn mapped_hidden(bytes: Vec<u8>) -> Vec<u8> {
    changed(bytes, |message| {
        for attribute in &mut message.attributes {
            if let Attribute::XorPeerAddress(peer) = attribute
                && peer.ip() == MAPPED
            {
                peer.set_ip(STANDS_FOR);
            }
        }
    })
}

fn mapped_shown(mut to: SocketAddr, bytes: Vec<u8>) -> (SocketAddr, Vec<u8>) {
    if to.ip() == STANDS_FOR {
        to.set_ip(MAPPED);
    }
    (to, bytes)
}

fn padding_relayed(to: SocketAddr, mut bytes: Vec<u8>) -> (SocketAddr, Vec<u8>) {
    let is_peer = Message::parse(&bytes).is_err() && ChannelData::parse(&bytes).is_err();
    if is_peer {
        bytes.resize(bytes.len().next_multiple_of(4), 0xa5);
    }
    (to, bytes)
}

fn talkative(to: SocketAddr, bytes: Vec<u8>) -> (SocketAddr, Vec<u8>) {
    match Message::parse(&bytes) {
        Ok(message)
            if message.class == Class::ErrorResponse && message.method == Method::ALLOCATE =>
        {
            let words = b"a server of many words ".repeat(20);
            let software = Attribute::Unknown { ty: AttributeType::SOFTWARE, bytes: words };
            let longer = message.with(software).encode(&Seal::none());
            (to, longer.unwrap_or(bytes))
        }
        _ => (to, bytes),
    }
}

fn sealed_anew(bytes: Vec<u8>) -> Vec<u8> {
    let named = |name: &str| {
        Message::parse(&bytes)
            .ok()
            .map(|message| message.attributes.contains(&Attribute::Username(name.to_owned())))
    };
    let user = [("ann", 0), ("ben", 1)].into_iter().find(|(name, _)| named(name) == Some(true));
    let (Some((_, user)), Ok(message)) = (user, Message::parse(&bytes)) else { return bytes };
    message.encode(&Seal::none().integrity(&key(user))).unwrap_or(bytes)
}
