//! Classes as the ledger writes them.

use crate::account::hex;
use crate::class::Class;

/// The line of a class for the list `seen` of its cause.
#[must_use]
pub fn line(class: &Class, input: &[u8], is_text: bool) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let mut out = format!(
        "{{ parser = {}, kind = {}",
        quoted(&class.parser),
        quoted(&class.kind.to_string())
    );
    if !class.says.is_empty() {
        out += &format!(", says = {}", quoted(&class.says));
    }
    let text = std::str::from_utf8(input).ok().filter(|_| is_text);
    match text {
        Some(text) => out += &format!(", text = {}", one_line(text)),
        None => out += &format!(", hex = \"{}\"", hex(input)),
    }
    out + " }"
}

/// A basic string of TOML without line breaks.
fn one_line(text: &str) -> String {
    let mut out = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => out.extend(['\\', char]),
            '\r' => out += "\\r",
            '\n' => out += "\\n",
            '\t' => out += "\\t",
            ' '..='~' => out.push(char),
            // Whatever a reader or an editor might not show.
            _ => out += &format!("\\U{:08X}", u32::from(char)),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::class::Kind;
    use crate::ledger::Ledger;

    #[test]
    fn a_line_is_read_back_as_the_class_and_input_it_was_made_of() {
        let class = Class {
            parser: "other".to_owned(),
            kind: Kind::Reads("name"),
            cause: "cause".to_owned(),
            says: "a \"quoted\" # word".to_owned(),
        };
        for input in [&b"v=0\r\ns=\"\\\0\x7f\r\n"[..], b"\xff\x00"] {
            let line = line(&class, input, true);
            let text = format!(
                "[cause]\nclause = \"c\"\nruling = \"may\"\nwhy = \"w\"\nseen = [\n{line},\n]\n"
            );
            let ledger = Ledger::parse(&text).expect(&text);
            assert!(ledger.rules(&class), "{text}");
            let seen = &ledger.cause("cause").expect("there").seen[0];
            assert_eq!(seen.input().as_deref(), Some(input));
        }
    }
}
