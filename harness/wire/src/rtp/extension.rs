//! Header extensions (RFC 3550 §5.3.1) and the elements of RFC 8285.

use super::error::RtpError;

/// What the sixteen bits "defined by profile" say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// 0xBEDE: elements with one-byte headers (RFC 8285 §4.2).
    OneByte,
    /// 0x100 and four bits: elements with two-byte headers (RFC 8285 §4.3).
    TwoByte {
        /// The four bits, of no defined meaning.
        appbits: u8,
    },
    /// Something else.
    Other(u16),
}

const ONE_BYTE: u16 = 0xbede;
const TWO_BYTE: u16 = 0x1000;
/// RFC 8285 §4.2: an id of the one-byte form that ends the processing.
const STOP: u8 = 15;

impl Form {
    /// The form a profile number means.
    #[must_use]
    #[inline]
    pub fn of(profile: u16) -> Self {
        match profile {
            ONE_BYTE => Self::OneByte,
            _ if profile & 0xfff0 == TWO_BYTE => Self::TwoByte { appbits: profile as u8 & 0x0f },
            _ => Self::Other(profile),
        }
    }

    /// The profile number.
    #[must_use]
    pub fn profile(self) -> u16 {
        match self {
            Self::OneByte => ONE_BYTE,
            Self::TwoByte { appbits } => TWO_BYTE | u16::from(appbits & 0x0f),
            Self::Other(profile) => profile,
        }
    }
}

/// A header extension over borrowed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionView<'a> {
    form: Form,
    data: &'a [u8],
}

impl<'a> ExtensionView<'a> {
    #[inline]
    pub(super) fn new(form: Form, data: &'a [u8]) -> Self {
        Self { form, data }
    }

    /// Its form.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// Its data, in whole words.
    #[must_use]
    pub fn data(&self) -> &'a [u8] {
        self.data
    }

    /// The elements, without padding; none of another form. Ends after an error.
    #[must_use]
    #[inline]
    pub fn elements(&self) -> Elements<'a> {
        Elements { form: self.form, rest: self.data }
    }

    /// The data of the first element with this id.
    #[must_use]
    pub fn element(&self, id: u8) -> Option<&'a [u8]> {
        self.elements().flatten().find(|element| element.id == id).map(|element| element.data)
    }
}

/// One element of a header extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// The id `extmap` gives it a meaning by.
    pub id: u8,
    /// Its data.
    pub data: &'a [u8],
}

/// Iterator of [`ExtensionView::elements`].
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    form: Form,
    rest: &'a [u8],
}

impl<'a> Iterator for Elements<'a> {
    type Item = Result<Element<'a>, RtpError>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = std::mem::take(&mut self.rest);
        let start = rest.iter().position(|byte| *byte != 0)?;
        let (id, length, rest) = match (self.form, rest.get(start..)?) {
            (Form::OneByte, [head, rest @ ..]) => {
                let (id, length) = (head >> 4, usize::from(head & 0x0f) + 1);
                // RFC 8285 §4.2: id 15, and id 0 with a length, end the processing.
                if id == STOP || id == 0 {
                    return None;
                }
                (id, length, rest)
            }
            (Form::TwoByte { .. }, [id, length, rest @ ..]) => (*id, usize::from(*length), rest),
            (Form::TwoByte { .. }, [id]) => return Some(Err(RtpError::Element(*id))),
            _ => return None,
        };
        let Some((data, rest)) = rest.split_at_checked(length) else {
            return Some(Err(RtpError::Element(id)));
        };
        self.rest = rest;
        Some(Ok(Element { id, data }))
    }
}

/// A valid header extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    form: Form,
    data: Vec<u8>,
}

/// RFC 3550 §5.3.1: the length counts words in sixteen bits.
const MAX_DATA: usize = 4 * u16::MAX as usize;

impl Extension {
    /// An extension without elements.
    #[must_use]
    pub fn new(form: Form) -> Self {
        Self { form, data: Vec::new() }
    }

    /// An extension of another profile: whole words.
    ///
    /// # Errors
    /// [`RtpError::ExtensionLength`].
    pub fn other(profile: u16, data: Vec<u8>) -> Result<Self, RtpError> {
        if data.len().is_multiple_of(4) && data.len() <= MAX_DATA {
            return Ok(Self { form: Form::of(profile), data });
        }
        Err(RtpError::ExtensionLength(data.len()))
    }

    /// Adds an element.
    ///
    /// # Errors
    /// [`RtpError::UnfitElement`] if the form cannot carry it, [`RtpError::ExtensionLength`] if
    /// the extension is full.
    pub fn push(&mut self, id: u8, data: &[u8]) -> Result<(), RtpError> {
        let length = data.len();
        let unfit = RtpError::UnfitElement { id, length };
        let short = u8::try_from(length).map_err(|_| unfit)?;
        let fits = match self.form {
            Form::OneByte => (1..STOP).contains(&id) && (1..=16).contains(&length),
            Form::TwoByte { .. } => id > 0,
            Form::Other(_) => false,
        };
        if !fits {
            return Err(unfit);
        }
        if self.data.len() + 2 + length > MAX_DATA {
            return Err(RtpError::ExtensionLength(self.data.len() + 2 + length));
        }
        match self.form {
            Form::OneByte => self.data.push(id << 4 | (short - 1)),
            _ => self.data.extend([id, short]),
        }
        self.data.extend_from_slice(data);
        Ok(())
    }

    /// The elements.
    #[must_use]
    pub fn view(&self) -> ExtensionView<'_> {
        ExtensionView::new(self.form, &self.data)
    }

    /// Writes header and data, filled up to whole words.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let words = self.data.len().div_ceil(4);
        out.extend(self.form.profile().to_be_bytes());
        out.extend(u16::try_from(words).unwrap_or(u16::MAX).to_be_bytes());
        out.extend_from_slice(&self.data);
        out.resize(out.len() + 4 * words - self.data.len(), 0);
    }
}

impl TryFrom<ExtensionView<'_>> for Extension {
    type Error = RtpError;

    /// Takes the elements over; padding between them is not kept.
    fn try_from(view: ExtensionView<'_>) -> Result<Self, RtpError> {
        if let Form::Other(profile) = view.form {
            return Self::other(profile, view.data.to_vec());
        }
        let mut extension = Self::new(view.form);
        for element in view.elements() {
            let element = element?;
            extension.push(element.id, element.data)?;
        }
        Ok(extension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(form: Form, data: &[u8]) -> Vec<Result<(u8, &[u8]), RtpError>> {
        let view = ExtensionView::new(form, data);
        view.elements().map(|found| found.map(|element| (element.id, element.data))).collect()
    }

    const TWO: Form = Form::TwoByte { appbits: 0 };

    // RFC 8285 §4.2, §4.3: the figures.
    #[test]
    fn figures_of_rfc_8285() {
        let one = b"\x10a\x21bb\x00\x00\x33cccc";
        assert_eq!(
            elements(Form::OneByte, one),
            [Ok((1, &b"a"[..])), Ok((2, b"bb")), Ok((3, b"cccc"))]
        );
        let two = b"\x01\x00\x02\x01b\x00\x03\x04cccc";
        assert_eq!(elements(TWO, two), [Ok((1, &b""[..])), Ok((2, b"b")), Ok((3, b"cccc"))]);
    }

    #[test]
    fn ids_15_and_0_with_a_length_end_the_one_byte_form() {
        assert_eq!(elements(Form::OneByte, b"\x10a\xf0x\x10b"), [Ok((1, &b"a"[..]))]);
        assert_eq!(elements(Form::OneByte, b"\x10a\x01xx\x10b"), [Ok((1, &b"a"[..]))]);
        assert_eq!(elements(TWO, b"\x0f\x01x\x00"), [Ok((15, &b"x"[..]))]);
    }

    #[test]
    fn elements_beyond_the_extension_are_an_error_and_the_last() {
        assert_eq!(
            elements(Form::OneByte, b"\x10a\x23bb"),
            [Ok((1, &b"a"[..])), Err(RtpError::Element(2))]
        );
        assert_eq!(elements(TWO, b"\x00\x00\x00\x07"), [Err(RtpError::Element(7))]);
        assert_eq!(elements(TWO, b"\x07\x02a\x00"), [Ok((7, &b"a\x00"[..]))]);
        assert_eq!(elements(Form::Other(0), b"\x10a\x00\x00"), []);
    }

    #[test]
    fn elements_that_do_not_fit_their_form_are_refused() {
        let mut one = Extension::new(Form::OneByte);
        for (id, length) in [(0, 1), (15, 1), (16, 1), (1, 0), (1, 17), (1, 256)] {
            let unfit = RtpError::UnfitElement { id, length };
            assert_eq!(one.push(id, &vec![0; length]), Err(unfit));
        }
        let mut two = Extension::new(TWO);
        assert_eq!(two.push(255, &[7; 255]), Ok(()));
        assert!(two.push(0, b"").is_err());
        assert!(Extension::other(0x1234, vec![0; 3]).is_err());
    }
}
