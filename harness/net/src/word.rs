/// A word that names no value of a parameter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read {parameter} {word:?}: expected one of {expected}")]
pub struct UnknownWord {
    /// The parameter.
    pub parameter: &'static str,
    /// The word that was given.
    pub word: String,
    /// The words there are, separated by commas.
    pub expected: &'static str,
}

/// Gives an enum of unit variants its words: `Display`, `FromStr`, `ALL` and `word()`.
///
/// The first word is the one printed; any further ones are read as well.
macro_rules! words {
    ($type:ident, $parameter:literal, { $($variant:ident = $word:literal $(| $short:literal)*),+ $(,)? }) => {
        impl $type {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word scenario files use.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.word())
            }
        }

        impl std::str::FromStr for $type {
            type Err = crate::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word $(| $short)* => Ok(Self::$variant),)+
                    _ => Err(crate::UnknownWord {
                        parameter: $parameter,
                        word: word.into(),
                        expected: concat!($($word, ", "),+),
                    }),
                }
            }
        }
    };
}
pub(crate) use words;
