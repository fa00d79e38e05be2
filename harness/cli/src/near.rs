//! What was meant by a name nobody knows.

use rtcspec_suite::scenario::nearest;

/// `; did you mean …?`, or nothing when no known name is near. A name may be given without its
/// folder.
pub(crate) fn hint(word: &str, known: &[&str]) -> String {
    let inner =
        |name: &str| name.split_once('/').map_or(String::new(), |(_, rest)| rest.to_owned());
    let whole = nearest(word, known.iter().copied());
    let found = whole.or_else(|| {
        let inners: Vec<String> = known.iter().map(|name| inner(name)).collect();
        let best = nearest(word, inners.iter().map(String::as_str))?;
        known.iter().copied().find(|name| inner(name) == best)
    });
    let containing = || known.iter().copied().find(|name| name.contains(word));
    match found.or_else(containing) {
        Some(name) => format!("; did you mean `{name}`?"),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn the_nearest_name_is_found_with_and_without_its_folder() {
        let known = ["nat/open-symmetric", "dc/unordered", "dc/protocol"];
        assert_eq!(hint("nat/open-symetric", &known), "; did you mean `nat/open-symmetric`?");
        assert_eq!(hint("unorderd", &known), "; did you mean `dc/unordered`?");
        assert_eq!(hint("proto", &known), "; did you mean `dc/protocol`?");
        assert_eq!(hint("zzz", &known), "");
    }
}
