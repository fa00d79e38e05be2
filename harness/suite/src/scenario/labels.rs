//! Which channels a scenario opens, by their labels.

use toml::Spanned;

use super::file::File;

/// Channels of one label; of several each has a number behind it, from 0 on.
struct Opened<'f> {
    label: &'f str,
    count: u32,
}

/// Whether somebody opens a channel of this label; a hostile peer may open any.
pub(super) fn is_opened(file: &File, label: &str) -> bool {
    file.hostile().is_some() || opened(file).any(|opened| opened.is(label))
}

/// The same of a label that may end in `*`.
pub(super) fn is_opened_like(file: &File, label: &str) -> bool {
    match label.strip_suffix('*') {
        None => is_opened(file, label),
        Some(head) => file.hostile().is_some() || opened(file).any(|opened| opened.begins(head)),
    }
}

/// The labels, for a hint.
pub(super) fn known(file: &File) -> Vec<String> {
    opened(file).map(|opened| opened.word()).collect()
}

fn opened(file: &File) -> impl Iterator<Item = Opened<'_>> {
    let one = |label| Opened { label, count: 1 };
    // The offer that passes for an answer has a channel in it too.
    let other = file.signalling.third_party.then_some("other");
    let steps = file.steps.iter().map(Spanned::get_ref);
    let of_steps = steps.flat_map(move |step| {
        let stream = step.stream.iter().map(move |stream| one(&stream.name));
        let channels = step.channel.iter();
        stream.chain(channels.map(|made| Opened { label: &made.label, count: made.count }))
    });
    [one(&file.main.label)].into_iter().chain(other.map(one)).chain(of_steps)
}

impl Opened<'_> {
    fn is(&self, label: &str) -> bool {
        if self.count == 1 {
            return label == self.label;
        }
        let number = label.strip_prefix(self.label).and_then(|rest| rest.strip_prefix('-'));
        number.is_some_and(|number| self.has(number))
    }

    fn has(&self, number: &str) -> bool {
        number.parse::<u32>().is_ok_and(|number| number < self.count)
    }

    fn begins(&self, head: &str) -> bool {
        if self.count == 1 {
            return self.label.starts_with(head);
        }
        let stem = format!("{}-", self.label);
        stem.starts_with(head) || head.strip_prefix(&stem).is_some_and(|rest| self.has(rest))
    }

    fn word(&self) -> String {
        if self.count == 1 { self.label.to_owned() } else { format!("{}-0", self.label) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_of_one_step_are_numbered() {
        let many = Opened { label: "c", count: 12 };
        for (label, is) in [("c-0", true), ("c-11", true), ("c-12", false), ("c", false)] {
            assert_eq!(many.is(label), is, "{label}");
        }
        for (head, begins) in [("", true), ("c-", true), ("c-1", true), ("c-12", false)] {
            assert_eq!(many.begins(head), begins, "{head}");
        }
        let one = Opened { label: "main", count: 1 };
        assert!(one.is("main") && one.begins("ma") && !one.is("main-0"));
    }
}
