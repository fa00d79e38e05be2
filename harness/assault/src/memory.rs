//! Resident memory of a process and its children, and whether it grows without end.

use std::fs;

/// Sessions before memory is looked at: code is compiled, caches fill.
pub(crate) const WARM_UP: usize = 8;
/// Sessions after that, at least, to judge by.
pub(crate) const LEAST: usize = 16;
/// Growth for each session, in KiB, from which on it is a leak.
pub(crate) const EACH: f64 = 256.0;

/// Fields of `/proc/PID/stat` after the name, which may hold anything (proc(5)).
fn stat(text: &str) -> Vec<&str> {
    text.rsplit_once(')').map_or_else(Vec::new, |(_, rest)| rest.split_whitespace().collect())
}

/// Resident memory of all processes of a group, in KiB.
pub(crate) fn resident(group: u32) -> u64 {
    let group = group.to_string();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let of_group = entries.filter(|entry| {
        let text = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        stat(&text).get(2) == Some(&group.as_str())
    });
    of_group
        .filter_map(|entry| {
            let status = fs::read_to_string(entry.path().join("status")).ok()?;
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        })
        .sum()
}

/// Whether a process is running rather than waiting.
pub(crate) fn is_busy(id: u32) -> bool {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    stat(&text).first() == Some(&"R")
}

/// KiB that memory grew for each session, if that is a leak: the median slope (Theil and Sen) of all
/// samples after the warm-up, and of their second half, is that steep.
pub(crate) fn leak(samples: &[u64]) -> Option<f64> {
    let warm = samples.get(WARM_UP..).filter(|warm| warm.len() >= LEAST)?;
    let (all, late) = (slope(warm), slope(&warm[warm.len() / 2..]));
    (all >= EACH && late >= EACH).then_some(late)
}

fn slope(samples: &[u64]) -> f64 {
    let mut slopes = Vec::new();
    for (at, from) in samples.iter().enumerate() {
        for (steps, to) in (1_u32..).zip(&samples[at + 1..]) {
            slopes.push((*to as f64 - *from as f64) / f64::from(steps));
        }
    }
    slopes.sort_by(f64::total_cmp);
    slopes.get(slopes.len() / 2).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_without_end_is_a_leak_and_a_cache_that_fills_is_none() {
        let steady: Vec<u64> = (0..40).map(|session| 30_000 + session * 300).collect();
        assert_eq!(leak(&steady), Some(300.0));
        let filling: Vec<u64> = (0..40).map(|session| 30_000 + session.min(18) * 900).collect();
        assert_eq!(leak(&filling), None);
        let once: Vec<u64> = (0..40).map(|session| if session < 20 { 1 } else { 90_000 }).collect();
        assert_eq!(leak(&once), None);
        assert_eq!(leak(&steady[..WARM_UP + LEAST - 1]), None);
    }

    #[test]
    fn this_process_has_memory() {
        let id = std::process::id();
        let text = fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
        let group = stat(&text)[2].parse().unwrap();
        assert!(resident(group) > 100);
    }
}
