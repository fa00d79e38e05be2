//! STUN and TURN servers of a scenario, as applications on their hosts.

use rtcspec_net::world::World;

use crate::scenario::File;
use crate::topology::ServerPlace;

/// Puts a server's service on its host.
pub(super) fn install(
    _world: &mut World,
    _file: &File,
    _name: &str,
    _place: &ServerPlace,
    _seed: u64,
) -> Result<(), String> {
    Ok(())
}
