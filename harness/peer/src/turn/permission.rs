//! Which peers may send through an allocation (RFC 8656 §9).

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// RFC 8656 §9: a permission lasts 300 seconds; it is renewed a minute before.
const REFRESH_AFTER: Duration = Duration::from_secs(240);

/// What is known of the permission for one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PermissionState {
    /// Asked for, not answered.
    Requested,
    /// Installed.
    Granted,
    /// Refused by the server with this code; 0 if it never answered.
    Refused(u16),
}

#[derive(Clone, Copy, Debug)]
struct Permission {
    state: PermissionState,
    refresh_at: Option<Duration>,
}

/// All permissions of one allocation.
#[derive(Clone, Debug, Default)]
pub(super) struct Permissions {
    by_ip: BTreeMap<IpAddr, Permission>,
}

impl Permissions {
    /// Notes that `ip` is wanted; true if a request for it has to be made: the first, or another
    /// after one that was not answered.
    pub(super) fn want(&mut self, ip: IpAddr) -> bool {
        let requested = Permission { state: PermissionState::Requested, refresh_at: None };
        if self.state(ip).is_some_and(|state| state != PermissionState::Refused(0)) {
            return false;
        }
        self.by_ip.insert(ip, requested);
        true
    }

    pub(super) fn state(&self, ip: IpAddr) -> Option<PermissionState> {
        self.by_ip.get(&ip).map(|permission| permission.state)
    }

    pub(super) fn granted(&mut self, ip: IpAddr, now: Duration) {
        let refresh_at = Some(now + REFRESH_AFTER);
        self.by_ip.insert(ip, Permission { state: PermissionState::Granted, refresh_at });
    }

    pub(super) fn refused(&mut self, ip: IpAddr, code: u16) {
        let state = PermissionState::Refused(code);
        self.by_ip.insert(ip, Permission { state, refresh_at: None });
    }

    /// Forgets all but these.
    pub(super) fn retain(&mut self, keep: &[IpAddr]) {
        self.by_ip.retain(|ip, _| keep.contains(ip));
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        self.by_ip.clear();
    }

    pub(super) fn wake(&self) -> Option<Duration> {
        self.by_ip.values().filter_map(|permission| permission.refresh_at).min()
    }

    /// Those to be renewed now; each is named once.
    pub(super) fn due(&mut self, now: Duration) -> Vec<IpAddr> {
        let mut due = Vec::new();
        for (ip, permission) in &mut self.by_ip {
            if permission.refresh_at.is_some_and(|at| at <= now) {
                permission.refresh_at = None;
                due.push(*ip);
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    #[test]
    fn permission_is_renewed_before_its_300_seconds_are_over() {
        // RFC 8656 §9.
        let mut permissions = Permissions::default();
        assert!(permissions.want(IP));
        assert!(!permissions.want(IP));
        permissions.granted(IP, Duration::from_secs(10));
        let wake = permissions.wake().unwrap();
        assert!(wake < Duration::from_secs(310));
        assert_eq!(permissions.due(wake), [IP]);
        assert!(permissions.due(wake).is_empty());
        assert_eq!(permissions.state(IP), Some(PermissionState::Granted));
    }

    #[test]
    fn permission_is_asked_for_again_after_silence_and_not_after_a_refusal() {
        let mut permissions = Permissions::default();
        assert!(permissions.want(IP));
        permissions.refused(IP, 0);
        assert!(permissions.want(IP));
        permissions.refused(IP, 403);
        assert!(!permissions.want(IP));
    }
}
