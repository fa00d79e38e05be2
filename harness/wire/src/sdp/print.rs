//! Printing without the formatting machinery: a description is printed thousands of times a
//! second by a fuzzer.

use std::fmt::{self, Write};

/// A value with one textual form.
pub(super) trait Print {
    fn print<W: Write + ?Sized>(&self, out: &mut W) -> fmt::Result;
}

/// Implements `Display` by [`Print`].
macro_rules! display {
    ($($name:ty),+ $(,)?) => {$(
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                $crate::sdp::print::Print::print(self, f)
            }
        }
    )+};
}
pub(super) use display;

/// Writes a decimal number.
pub(super) fn number<W: Write + ?Sized>(out: &mut W, value: impl Into<u64>) -> fmt::Result {
    let mut value = value.into();
    let mut digits = [0u8; 20];
    let mut start = digits.len();
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (value % 10) as u8;
        value /= 10;
        start -= 1;
        if value == 0 {
            break;
        }
    }
    let text = digits.get(start..).and_then(|found| std::str::from_utf8(found).ok());
    out.write_str(text.expect("invariant: decimal digits are ASCII"))
}

/// Writes the elements with `separator` between them.
pub(super) fn list<W: Write + ?Sized, T: Print>(
    out: &mut W,
    separator: &str,
    items: &[T],
) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.write_str(separator)?;
        }
        item.print(out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_print_like_the_standard_library() {
        for value in [0, 1, 9, 10, 99, 100, 65_535, u64::from(u32::MAX), u64::MAX] {
            let mut out = String::new();
            number(&mut out, value).unwrap();
            assert_eq!(out, value.to_string());
        }
    }
}
