//! From a scenario's network sections to the engine's network and to the oracle's.

mod boxes;
mod build;
mod elsewhere;
mod model;

pub use boxes::{firewall_params, link_params, nat_params};
pub use build::{Built, PeerPlace, ServerPlace, build, default_port};
pub use elsewhere::Elsewhere;
pub use model::{Prediction, predict};
