//! The TURN server, request by request, with a scripted client.

mod client;
mod faults;
mod hostile;
mod refusals;
mod relaying;
mod streams;
