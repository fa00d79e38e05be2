//! Decimal numbers without the formatting machinery: descriptions and candidates are printed
//! thousands of times a second by a fuzzer.

use std::fmt::{self, Write};

/// The numbers 00 to 99.
const PAIRS: &str = "0001020304050607080910111213141516171819\
                     2021222324252627282930313233343536373839\
                     4041424344454647484950515253545556575859\
                     6061626364656667686970717273747576777879\
                     8081828384858687888990919293949596979899";

/// Writes a decimal number, two digits at a time.
pub(crate) fn number<W: Write + ?Sized>(out: &mut W, value: impl Into<u64>) -> fmt::Result {
    let value = value.into();
    let pair = 2 * (value % 100) as usize;
    let start = if value < 10 { pair + 1 } else { pair };
    if value >= 100 {
        number(out, value / 100)?;
    }
    out.write_str(PAIRS.get(start..pair + 2).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_print_like_the_standard_library() {
        let edges = [999, 1_000, 1_001, 65_535, u64::from(u32::MAX), u64::MAX];
        for value in (0..=110).chain(edges) {
            let mut out = String::new();
            number(&mut out, value).unwrap();
            assert_eq!(out, value.to_string());
        }
    }
}
