//! Network address and port translation in the words of RFC 4787.

mod core;
mod event;
mod filters;
mod icmp;
mod params;
mod ports;
pub mod presets;
mod tcp;
mod translate;
mod words;

pub(crate) use core::Core;
pub use event::{Change, Ended, Event};
pub(crate) use filters::{Contact, Filters, Memory};
pub use params::{
    Exhaustion, FilterScope, Filtering, Forward, Hairpin, Lifetimes, Limits, Mapping, OnFiltered,
    Params, Pooling, PortPolicy, Ports, Refresh, ReplyBinding, TcpBehavior, Translation,
    Unsolicited, V6,
};
pub(crate) use translate::{Answer, Outcome};
