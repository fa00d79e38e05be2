//! As much of regular expressions as the schemas use: characters, classes, groups of alternatives, and
//! how often each may come.

use std::collections::BTreeSet;

/// Places in a text.
type Places = BTreeSet<usize>;

/// Whether a whole text matches; patterns begin with `^` and end with `$`.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let inner = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$'));
    let pattern: Vec<char> = inner.expect("a pattern is of a whole text").chars().collect();
    let text: Vec<char> = text.chars().collect();
    read(&pattern, &text, &Places::from([0])).contains(&text.len())
}

/// Where one is in a text after one of the alternatives, coming from any of these places.
fn read(pattern: &[char], text: &[char], from: &Places) -> Places {
    let mut depth = 0;
    let choices = pattern.split(|c| {
        depth += i32::from(*c == '(') - i32::from(*c == ')');
        *c == '|' && depth == 0
    });
    choices.flat_map(|choice| sequence(choice, text, from.clone())).collect()
}

fn sequence(mut pattern: &[char], text: &[char], mut at: Places) -> Places {
    while !pattern.is_empty() {
        let (atom, rest) = pattern.split_at(length(pattern));
        let (least, most, used) = times(rest);
        at = repeated(atom, (least, most), text, at);
        pattern = &rest[used..];
    }
    at
}

fn repeated(atom: &[char], times: (usize, usize), text: &[char], mut at: Places) -> Places {
    let (least, most) = times;
    let mut all = if least == 0 { at.clone() } else { Places::new() };
    for count in 1..=most {
        at = once(atom, text, &at);
        if at.is_empty() {
            break;
        }
        if count >= least {
            all.extend(&at);
        }
    }
    all
}

fn once(atom: &[char], text: &[char], from: &Places) -> Places {
    let fits = |c: char| match atom {
        ['[', class @ .., ']'] => is_of(class, c),
        ['\\', plain] | [plain] => *plain == c,
        _ => panic!("`{}` is more than is known here", atom.iter().collect::<String>()),
    };
    match atom {
        ['(', group @ .., ')'] => read(group, text, from),
        _ => from
            .iter()
            .filter(|at| text.get(**at).is_some_and(|c| fits(*c)))
            .map(|at| at + 1)
            .collect(),
    }
}

fn is_of(class: &[char], c: char) -> bool {
    match class {
        [first, '-', last, rest @ ..] => (*first..=*last).contains(&c) || is_of(rest, c),
        [one, rest @ ..] => *one == c || is_of(rest, c),
        [] => false,
    }
}

/// How many characters the first thing of a pattern has.
fn length(pattern: &[char]) -> usize {
    let mut depth = 0;
    let closed = |c: &char| {
        depth += i32::from(*c == '(') - i32::from(*c == ')');
        depth == 0
    };
    let end = match pattern[0] {
        '\\' => Some(1),
        '[' => pattern.iter().position(|c| *c == ']'),
        '(' => pattern.iter().position(closed),
        _ => Some(0),
    };
    end.expect("what is opened is closed") + 1
}

/// How often it may come, at least and at most, and with how many characters that is said.
fn times(rest: &[char]) -> (usize, usize, usize) {
    match rest {
        ['*', ..] => (0, usize::MAX, 1),
        ['+', ..] => (1, usize::MAX, 1),
        ['?', ..] => (0, 1, 1),
        ['{', number, '}', ..] => {
            let times = number.to_digit(10).expect("a number") as usize;
            (times, times, 3)
        }
        _ => (1, 1, 0),
    }
}

#[test]
fn patterns_of_quantities_are_read() {
    let time = r"^[0-9]+(\.[0-9]+)?(us|ms|s|min|h)$";
    for (text, right) in
        [("20ms", true), ("1.5s", true), ("2min", true), ("20", false), ("1.s", false), ("", false)]
    {
        assert_eq!(matches(time, text), right, "{text}");
    }
    for (text, right) in [("", true), ("00 ff7F", true), ("0", false), ("0g", false)] {
        assert_eq!(matches("^([0-9a-fA-F]{2} *)*$", text), right, "{text}");
    }
}
