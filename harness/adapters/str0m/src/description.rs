//! Descriptions as text: str0m renders one only while it negotiates.

use str0m::Candidate;

/// A local description and the candidates found since str0m rendered it.
#[derive(Clone, Debug, Default)]
pub(crate) struct LocalDescription {
    /// What str0m wrote; empty while nothing is set.
    pub(crate) text: String,
}

impl LocalDescription {
    /// The text with the candidates it lacks, as str0m prints them, at the end of its first
    /// section, which is the only one with a transport (RFC 9143 §7.1.3).
    pub(crate) fn with_candidates<'a>(
        &self,
        candidates: impl Iterator<Item = &'a Candidate>,
    ) -> Option<String> {
        if self.text.is_empty() {
            return None;
        }
        let mut lines = String::new();
        for candidate in candidates {
            let line = format!("a={}\r\n", with_ufrag(candidate, self.ufrag()));
            if !self.text.contains(&line) {
                lines.push_str(&line);
            }
        }
        let mut text = self.text.clone();
        text.insert_str(end_of_first_section(&self.text), &lines);
        Some(text)
    }

    /// User fragment of the generation it describes.
    pub(crate) fn ufrag(&self) -> &str {
        ufrag(&self.text)
    }
}

/// First ICE user fragment of a description; empty if it has none.
pub(crate) fn ufrag(sdp: &str) -> &str {
    sdp.lines().find_map(|line| line.strip_prefix("a=ice-ufrag:")).unwrap_or_default()
}

/// The candidate as str0m prints it for the generation with this user fragment.
pub(crate) fn with_ufrag(candidate: &Candidate, ufrag: &str) -> String {
    let mut candidate = candidate.clone();
    candidate.set_ufrag(ufrag);
    candidate.to_sdp_string()
}

/// Whether a description has a data channel section.
pub(crate) fn has_application(sdp: &str) -> bool {
    sdp.lines().any(|line| line.starts_with("m=application "))
}

fn end_of_first_section(text: &str) -> usize {
    let Some(first) = text.find("m=") else { return text.len() };
    let rest = text.get(first + 2..).unwrap_or_default();
    rest.find("\nm=").map_or(text.len(), |next| first + 2 + next + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_go_to_the_end_of_the_first_section_once() {
        let text = "v=0\r\nm=application 9 X\r\na=ice-ufrag:abcd\r\nm=audio 9 Y\r\na=mid:1\r\n";
        let description = LocalDescription { text: text.to_owned() };
        let address = "10.0.0.1:5000".parse().expect("address");
        let candidate = Candidate::host(address, "udp").expect("candidate");
        let once = description.with_candidates([&candidate].into_iter()).expect("set");
        let (before, after) = once.split_once("m=audio").expect("second section");
        assert!(before.contains("10.0.0.1 5000 typ host ufrag abcd\r\n"));
        assert!(!after.contains("typ host"));
        let again = LocalDescription { text: once.clone() };
        assert_eq!(again.with_candidates([&candidate].into_iter()), Some(once));
    }

    #[test]
    fn nothing_set_is_no_description() {
        assert_eq!(LocalDescription::default().with_candidates([].into_iter()), None);
    }
}
