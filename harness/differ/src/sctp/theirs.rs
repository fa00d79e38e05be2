//! SCTP as other crates read it. Neither has a public parser; both are reached all the same.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::Once;

use bytes::Bytes;
use rtcspec_control::wall;
use rtcspec_wire::sctp::{Checksum, PacketView, set_checksum};
use sctp_proto::{
    Association, AssociationHandle, ClientConfig, DatagramEvent, Endpoint, EndpointConfig,
    TransportConfig, generate_snap_token,
};

use crate::account::{Account, Fields};
use crate::parser::Parser;

pub(super) const ALL: &[Parser] = &[
    Parser { name: "rtc-sctp", tells: super::FIELDS, read: rtc_sctp },
    Parser { name: "sctp-proto", tells: &[], read: sctp_proto },
];

/// Its values are private: what it read is what it writes of it, read by us.
fn rtc_sctp(input: &[u8]) -> Account<'_> {
    use rtc_sctp::fuzzing::{packet_marshal, packet_unmarshal};
    if let Err(error) = packet_unmarshal(input) {
        return Account::refused(error);
    }
    match packet_marshal(input) {
        Ok(written) => Account::Read(match PacketView::new(&written) {
            Ok(view) => super::ours::fields(&view).into_owned(),
            Err(_) => Fields::new(),
        }),
        Err(_) => Account::Read(Fields::new()),
    }
}

thread_local! {
    /// What sctp-proto said of the packet that it is reading, if it refused it.
    static SAID: RefCell<Option<String>> = const { RefCell::new(None) };
    /// An association whose state no packet has changed yet.
    static FRESH: RefCell<Option<Peer>> = const { RefCell::new(None) };
}

/// sctp-proto tells nobody but the log that it could not read a packet.
struct Ear;

impl log::Log for Ear {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.target().starts_with("sctp_proto")
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) && record.level() == log::Level::Warn {
            let words = record.args().to_string();
            if let Some((_, why)) = words.split_once("unable to parse SCTP packet ") {
                SAID.set(Some(why.to_owned()));
            }
        }
    }

    fn flush(&self) {}
}

struct Peer {
    endpoint: Endpoint,
    association: Association,
    handle: AssociationHandle,
    tag: [u8; 4],
}

impl Peer {
    /// An association that was made out of band (draft-hancke-tsvwg-snap): established at once.
    fn new() -> Option<Self> {
        static LISTEN: Once = Once::new();
        LISTEN.call_once(|| {
            // Whoever came first keeps the log; then all packets seem to be read, and tests fail.
            if log::set_logger(&Ear).is_ok() {
                log::set_max_level(log::LevelFilter::Warn);
            }
        });
        let config = TransportConfig::default();
        let (local, remote) = (token(&config, 1)?, token(&config, 2)?);
        let tag = local.get(4..8)?.try_into().ok()?;
        let mut endpoint = Endpoint::new(Arc::new(EndpointConfig::default()), None);
        let client = ClientConfig::new().with_snap(local, remote);
        let address = ([127, 0, 0, 1], 5000).into();
        let (handle, association) = endpoint.connect(client, address).ok()?;
        Some(Self { endpoint, association, handle, tag })
    }
}

/// An INIT chunk whose tag and first TSN are not left to chance.
fn token(config: &TransportConfig, number: u8) -> Option<Bytes> {
    let mut token = generate_snap_token(config).ok()?.to_vec();
    token.get_mut(4..8)?.fill(number);
    token.get_mut(16..20)?.fill(number);
    Some(token.into())
}

/// Sends it the packet, with the tag of the association it is for.
fn sctp_proto(input: &[u8]) -> Account<'_> {
    let Ok(view) = PacketView::new(input) else {
        return Account::refused("less than a header");
    };
    if !view.checksum_state().is_correct() {
        // The tag cannot be changed without making the checksum right.
        return Account::refused("checksum mismatch");
    }
    let Some(mut peer) = FRESH.take().or_else(Peer::new) else {
        return Account::refused("no association");
    };
    let mut packet = input.to_vec();
    packet[4..8].copy_from_slice(&peer.tag);
    set_checksum(&mut packet, Checksum::Crc32c);
    SAID.set(None);
    let from = ([127, 0, 0, 1], 5000).into();
    let event = peer.endpoint.handle(wall::now(), from, None, None, Bytes::from(packet));
    let Some((handle, DatagramEvent::AssociationEvent(event))) = event else {
        FRESH.set(Some(peer));
        return Account::refused("malformed header");
    };
    debug_assert_eq!(handle, peer.handle);
    peer.association.handle_event(event);
    match SAID.take() {
        Some(why) => {
            // Nothing was done with it.
            FRESH.set(Some(peer));
            Account::refused(why)
        }
        None => Account::Read(Fields::new()),
    }
}
