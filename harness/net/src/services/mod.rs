//! STUN and TURN servers as state machines on a host.
//!
//! Both are [`Application`](crate::host::Application)s: install them on a host of a
//! [`World`](crate::world::World). They draw from a seed, take time as an argument and misbehave
//! only as their configuration says ([`turn::Fault`], [`stun::Config::silent`]).
//!
//! ```
//! use rtcspec_net::Ns;
//! use rtcspec_net::host::{Application, Receive, Transmit};
//! use rtcspec_net::services::turn::{Config, Server};
//! use rtcspec_wire::stun::{ErrorCode, Message, Method, Seal, TransactionId, View};
//!
//! let address = "192.0.2.1:3478".parse().unwrap();
//! let config = Config::new(address, "example.org").user("alice", "secret");
//! let mut server = Server::new(config, 1);
//!
//! let request = Message::request(Method::ALLOCATE, TransactionId([1; 12]));
//! let data = request.encode(&Seal::none())?;
//! let remote = "198.51.100.7:5000".parse().unwrap();
//! server.receive(Ns::ZERO, Receive::Udp { local: address, remote, data });
//! let datagram = |sent| match sent {
//!     Transmit::Udp { data, .. } => Some(data),
//!     _ => None,
//! };
//! let data = std::iter::from_fn(|| server.transmit()).find_map(datagram).expect("an answer");
//! let code = View::new(&data).error_code().map(|error| error.code());
//! assert_eq!(code, Some(ErrorCode::UNAUTHENTICATED));
//! # Ok::<(), rtcspec_wire::stun::EncodeError>(())
//! ```

mod draws;
pub mod stun;
pub mod turn;
