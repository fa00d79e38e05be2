//! Messages made anew from messages that were sent.

use std::net::SocketAddr;

use rtcspec_wire::stun::{AttributeType, Key, MessageType, Seal, TransactionId, View, Writer};

/// Attributes of a message without its protection.
pub(crate) type Attributes = Vec<(AttributeType, Vec<u8>)>;

/// How a message is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protect {
    Fully,
    WithoutFingerprint,
}

/// The message with other attributes, signed again.
pub(crate) fn rewrite(
    bytes: &[u8],
    key: &[u8],
    protect: Protect,
    edit: impl FnOnce(&mut Attributes),
) -> Vec<u8> {
    let id = View::new(bytes).transaction_id().unwrap();
    rewrite_as(bytes, id, key, protect, edit)
}

/// The same under another transaction id.
pub(crate) fn rewrite_as(
    bytes: &[u8],
    id: TransactionId,
    key: &[u8],
    protect: Protect,
    edit: impl FnOnce(&mut Attributes),
) -> Vec<u8> {
    let view = View::new(bytes);
    let sealed = |ty: AttributeType| {
        ty == AttributeType::MESSAGE_INTEGRITY || ty == AttributeType::FINGERPRINT
    };
    let mut attributes: Attributes = view
        .attributes()
        .filter(|found| !sealed(found.ty))
        .map(|found| (found.ty, found.value.to_vec()))
        .collect();
    edit(&mut attributes);
    write(view.message_type().unwrap(), id, &attributes, key, protect)
}

/// A message from its parts.
pub(crate) fn write(
    ty: MessageType,
    id: TransactionId,
    attributes: &Attributes,
    key: &[u8],
    protect: Protect,
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, ty, id);
    for (ty, value) in attributes {
        writer.bytes(*ty, value);
    }
    let key = Key::from_bytes(key);
    let seal = match (protect, key.as_bytes().is_empty()) {
        (_, true) => Seal::none(),
        (Protect::Fully, _) => Seal::none().integrity(&key).fingerprint(),
        (Protect::WithoutFingerprint, _) => Seal::none().integrity(&key),
    };
    writer.finish(&seal).unwrap();
    out
}

/// The value of XOR-PEER-ADDRESS and its like; IPv4 only.
pub(crate) fn xor_address(address: SocketAddr) -> Vec<u8> {
    let SocketAddr::V4(address) = address else { panic!("the fixtures use IPv4") };
    let mut value = vec![0, 1];
    value.extend((address.port() ^ 0x2112).to_be_bytes());
    value.extend((u32::from(*address.ip()) ^ 0x2112_a442).to_be_bytes());
    value
}

pub(crate) fn set(attributes: &mut Attributes, ty: AttributeType, value: &[u8]) {
    attributes.retain(|(known, _)| *known != ty);
    attributes.push((ty, value.to_vec()));
}
