//! STUN messages: what they are for, what they answer, whether they are signed.

use rtcspec_wire::stun::{AttributeType, Check, Class, Key, MessageType, Method, View};

use super::connections::{Checked, Connections};
use super::event::{Integrity, Purpose, Side, Stun, Transaction, Username};
use super::flows::Flow;
use super::frame::Frame;
use super::signalled::Signalled;
use super::transactions::{Pending, Transactions};

/// A message and what it belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read<'a> {
    pub(super) stun: Stun<'a>,
    ty: Option<MessageType>,
}

/// Reads a message; gives its flow to a connection, or says which end is a server.
pub(super) fn read<'a>(
    frame: &Frame,
    bytes: &'a [u8],
    flow: &mut Flow,
    transactions: &mut Transactions,
    connections: &mut Connections,
    signalled: &Signalled,
) -> Read<'a> {
    let view = View::new(bytes);
    let ty = view.message_type().filter(|_| view.check_header().is_ok());
    let username = ty.filter(|ty| ty.method == Method::BINDING).and_then(|_| username(&view));
    let mut purpose = purpose(ty, username.is_some());
    let source = flow.end(frame.inner.source);
    let mut transaction: Option<Transaction> = None;
    let mut pending: Option<&Pending> = None;
    match ty.map(|ty| ty.class) {
        Some(Class::Request) => {
            if let Some(Username { receiver, sender }) = username {
                let controlling = controlling(&view);
                let checked = Checked { receiver, sender, controlling };
                connections.checked(flow, source, &checked, frame.at, signalled);
            } else if matches!(purpose, Purpose::Gather | Purpose::Turn) {
                flow.server = Some(1 - source);
            }
            let pair = username.map(|name| (name.receiver, name.sender));
            transaction = transactions.request(frame, &view, purpose, pair);
        }
        Some(Class::SuccessResponse | Class::ErrorResponse) => {
            pending = transactions.answer(&view);
            transaction = pending.map(|pending| pending.transaction);
            purpose = pending.map_or(purpose, |pending| pending.purpose);
        }
        Some(Class::Indication) | None => {}
    }
    let asked = pending.and_then(|pending| pending.username.as_ref());
    // Some answers repeat USERNAME; what counts is the request's.
    let pair = match (asked, &username) {
        (Some([receiver, sender]), _) => Some((receiver.as_str(), sender.as_str())),
        (None, Some(name)) => Some((name.receiver, name.sender)),
        (None, None) => None,
    };
    let session = flow.connection.and_then(|id| connections.get(id)?.session);
    let integrity = integrity(&view, pair, session, signalled);
    let fingerprint = view.fingerprint();
    Read { stun: Stun { view, purpose, username, integrity, fingerprint, transaction }, ty }
}

impl Read<'_> {
    /// Whether it is an indication of this TURN method.
    pub(super) fn is_indication(&self, method: Method) -> bool {
        self.ty == Some(MessageType { class: Class::Indication, method })
    }
}

fn username<'a>(view: &View<'a>) -> Option<Username<'a>> {
    // RFC 8839 §5.4: a ufrag has at most 256 characters.
    let name = view.username().filter(|name| name.len() <= 2 * 256 + 1)?;
    let (receiver, sender) = name.split_once(':')?;
    Some(Username { receiver, sender })
}

fn purpose(ty: Option<MessageType>, has_username: bool) -> Purpose {
    let Some(ty) = ty else { return Purpose::Other };
    match (ty.method, ty.class) {
        (Method::BINDING, Class::Request) if has_username => Purpose::Check,
        (Method::BINDING, Class::Request) => Purpose::Gather,
        (Method::BINDING, Class::Indication) => Purpose::Keepalive,
        (
            Method::ALLOCATE
            | Method::REFRESH
            | Method::SEND
            | Method::DATA
            | Method::CREATE_PERMISSION
            | Method::CHANNEL_BIND
            | Method::CONNECT
            | Method::CONNECTION_BIND
            | Method::CONNECTION_ATTEMPT,
            _,
        ) => Purpose::Turn,
        _ => Purpose::Other,
    }
}

fn controlling(view: &View<'_>) -> Option<bool> {
    let controlling = view.has(AttributeType::ICE_CONTROLLING);
    let controlled = view.has(AttributeType::ICE_CONTROLLED);
    (controlling != controlled).then_some(controlling)
}

/// RFC 8445 §7.2.2, §7.3: request and answer are signed with the password of the request's
/// receiver.
fn integrity(
    view: &View<'_>,
    pair: Option<(&str, &str)>,
    session: Option<u32>,
    signalled: &Signalled,
) -> Integrity {
    let sha1 = view.has(AttributeType::MESSAGE_INTEGRITY);
    if !sha1 && !view.has(AttributeType::MESSAGE_INTEGRITY_SHA256) {
        return Integrity::Absent;
    }
    let verify = |key: &Key| {
        let check =
            if sha1 { view.verify_integrity(key) } else { view.verify_integrity_sha256(key) };
        check == Check::Valid
    };
    let Some((receiver, sender)) = pair else { return Integrity::Unknown };
    let Some(right) = signalled.credential(receiver, session) else { return Integrity::Unknown };
    if verify(&right.key) {
        return Integrity::Verified { key: Side::from(right.party) };
    }
    let wrong = signalled.credential(sender, session).filter(|wrong| verify(&wrong.key));
    Integrity::Bad { fits: wrong.map(|wrong| Side::from(wrong.party)) }
}
