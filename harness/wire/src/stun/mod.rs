//! STUN messages: RFC 8489, the attributes of RFC 8445 (ICE), RFC 8656 (TURN) and RFC 5780
//! (behaviour discovery).
//!
//! ```text
//!  0                   1                   2                   3
//!  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//! |0 0|     message type          |         message length        |
//! |                      magic cookie 0x2112a442                  |
//! |                  transaction id (96 bits)                     |
//! |         attribute type        |         value length          |
//! |                 value, padded to four bytes ...               |
//! ```
//!
//! Three types, by what the reader needs:
//! - [`View`]: any bytes, no allocation, names each defect ([`View::defects`]);
//! - [`Message`]: a valid message, owned, with typed [`Attribute`]s;
//! - [`Writer`]: builds a message in place, without an intermediate value.
//!
//! ```
//! use rtcspec_wire::stun::{Attribute, Key, Message, Method, Seal, TransactionId, View, Check};
//!
//! let key = Key::short_term("VOkJxbRl1RmTxUk/WvJxBt");
//! let request = Message::request(Method::BINDING, TransactionId([7; 12]))
//!     .with(Attribute::Username("evtj:h6vY".into()))
//!     .with(Attribute::Priority(0x6e00_01ff));
//! let bytes = request.encode(&Seal::none().integrity(&key).fingerprint())?;
//!
//! let view = View::new(&bytes);
//! view.check()?;
//! assert_eq!(view.username(), Some("evtj:h6vY"));
//! assert_eq!(view.verify_integrity(&key), Check::Valid);
//! assert_eq!(Message::parse(&bytes)?, request);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod attribute;
mod attribute_type;
mod decode;
mod error_code;
mod header;
mod key;
mod message;
mod protection;
mod repair;
mod view;
mod writer;

pub use attribute::{AddressFamily, Attribute, Icmp, PasswordAlgorithm, REQUESTED_TRANSPORT_UDP};
pub use attribute_type::AttributeType;
pub use decode::AttributeError;
pub use error_code::{ErrorCode, ErrorCodeView};
pub use header::{Class, MAGIC_COOKIE, MessageType, Method, TransactionId};
pub use key::Key;
pub use message::{Message, ParseError};
pub use protection::{Check, Fingerprint};
pub use repair::{repair, repair_length};
pub use view::{AttributeView, Attributes, Defects, Malformed, Standing, View};
pub use writer::{EncodeError, Seal, Writer};
