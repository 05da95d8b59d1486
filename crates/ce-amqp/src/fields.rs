//! The types that methods and properties are made of.

use std::borrow::Cow;

/// Text of at most 255 bytes, as AMQP has it for names, keys and ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortText<'a>(Cow<'a, str>);

impl<'a> ShortText<'a> {
    /// The longest that it may be.
    pub const LIMIT_BYTES: usize = 255;

    /// `None` if the text is longer than that.
    pub fn new(text: impl Into<Cow<'a, str>>) -> Option<Self> {
        let text = text.into();
        (text.len() <= Self::LIMIT_BYTES).then_some(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same for as long as one likes.
    pub fn into_owned(self) -> ShortText<'static> {
        ShortText(self.0.into_owned().into())
    }

    pub(crate) fn put(&self, to: &mut Vec<u8>) {
        put_short(to, &self.0);
    }
}

/// Text with its length in one byte; what is longer is cut.
pub(crate) fn put_short(to: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    to.push(length);
    to.extend(&text.as_bytes()[..length.into()]);
}

/// Bytes with their length in four.
pub(crate) fn put_long(to: &mut Vec<u8>, bytes: &[u8]) {
    put_length(to, bytes.len());
    to.extend(bytes);
}

pub(crate) fn put_length(to: &mut Vec<u8>, length: usize) {
    to.extend(u32::try_from(length).expect("we send nothing of that size").to_be_bytes());
}

/// Writes what comes after its own length.
pub(crate) fn put_with_length(to: &mut Vec<u8>, content: impl FnOnce(&mut Vec<u8>)) {
    let at = to.len();
    to.extend([0; 4]);
    content(to);
    let length = to.len() - at - 4;
    let length = u32::try_from(length).expect("we send nothing of that size");
    to[at..at + 4].copy_from_slice(&length.to_be_bytes());
}

/// Reads fields one after the other; `None` is the end.
pub(crate) struct Fields<'a>(pub(crate) &'a [u8]);

impl<'a> Fields<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    pub(crate) fn u8(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    pub(crate) fn short_text(&mut self) -> Option<String> {
        let length = self.u8()?;
        Some(String::from_utf8_lossy(self.take(length.into())?).into_owned())
    }

    pub(crate) fn long_bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.u32()?;
        self.take(usize::try_from(length).ok()?)
    }
}
