//! Printing without the formatting machinery: a description is printed thousands of times a
//! second by a fuzzer.

use std::fmt::{self, Write};

pub(super) use crate::decimal::number;

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
