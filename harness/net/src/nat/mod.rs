//! Network address and port translation in the words of RFC 4787.

mod params;
pub mod presets;

pub use params::{
    Exhaustion, FilterScope, Filtering, Forward, Hairpin, Lifetimes, Limits, Mapping, OnFiltered,
    Params, Pooling, PortPolicy, Ports, Refresh, ReplyBinding, TcpBehavior, Translation,
    Unsolicited, V6,
};
