//! What went to and fro: a line each, with the time since the case began.

use std::cell::RefCell;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Instant;

use rtcspec_control::wall;
use rtcspec_wire::demux::Protocol;
use rtcspec_wire::stun::{AttributeType, Class, View};
use rtcspec_wire::turn::ChannelDataView;

/// Shared by all that a case opens.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    begin: Instant,
    lines: Rc<RefCell<Vec<String>>>,
}

impl Log {
    pub(crate) fn new() -> Self {
        Self { begin: wall::now(), lines: Rc::default() }
    }

    /// A line, `who` before it.
    pub(crate) fn say(&self, who: &str, what: &str) {
        let seconds = self.begin.elapsed().as_secs_f64();
        self.lines.borrow_mut().push(format!("{seconds:7.3}  {who:>8}  {what}"));
    }

    pub(crate) fn len(&self) -> usize {
        self.lines.borrow().len()
    }

    /// The lines from one on.
    pub(crate) fn since(&self, first: usize) -> Vec<String> {
        self.lines.borrow().get(first..).unwrap_or_default().to_vec()
    }
}

/// What a packet is, in a line.
pub(crate) fn described(bytes: &[u8]) -> String {
    let size = bytes.len();
    match Protocol::of(bytes) {
        Protocol::Stun => stun(&View::new(bytes)).unwrap_or_else(|| format!("{size} bytes")),
        Protocol::TurnChannel => {
            let view = ChannelDataView::new(bytes);
            let number = view.number().unwrap_or_default();
            format!("ChannelData 0x{number:04x}, {} bytes in {size}", view.data().len())
        }
        _ => format!("{size} bytes"),
    }
}

fn stun(view: &View<'_>) -> Option<String> {
    let ty = view.message_type()?;
    let method =
        ty.method.name().map_or_else(|| format!("{:#05x}", ty.method.number()), Into::into);
    let class = match ty.class {
        Class::Request => "request",
        Class::Indication => "indication",
        Class::SuccessResponse => "success",
        Class::ErrorResponse => "error",
    };
    let mut text = format!("{method} {class}");
    if let Some(error) = view.error_code() {
        let reason = String::from_utf8_lossy(error.reason);
        let _ = write!(text, " {} `{}`", error.code(), reason.trim().escape_debug());
    }
    for (name, address) in [
        ("peer", view.xor_peer_address()),
        ("relayed", view.xor_relayed_address()),
        ("mapped", view.xor_mapped_address()),
    ] {
        if let Some(address) = address {
            let _ = write!(text, " {name}={address}");
        }
    }
    if let Some(lifetime) = view.lifetime() {
        let _ = write!(text, " lifetime={lifetime}");
    }
    let shown = [
        AttributeType::ERROR_CODE,
        AttributeType::XOR_PEER_ADDRESS,
        AttributeType::XOR_RELAYED_ADDRESS,
        AttributeType::XOR_MAPPED_ADDRESS,
        AttributeType::LIFETIME,
    ];
    let others: Vec<String> = view
        .attributes()
        .filter(|attribute| !shown.contains(&attribute.ty))
        .map(|attribute| attribute.ty.to_string())
        .collect();
    let _ = write!(text, " [{}] {} bytes", others.join(" "), view.as_bytes().len());
    Some(text)
}
