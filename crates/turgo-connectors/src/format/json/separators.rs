//! What stands between the values of objects, predicted.
//!
//! Objects of one stream are written by one program: after a value there mostly stands the same text
//! as after that value in the object before, such as `,"price":` with whatever spaces. That text is
//! compared as a whole; only where it differs it is taken apart. The quote that opens a string is
//! part of it, so that what kind of value follows is predicted with it.
//!
//! - K1. A prediction is a text that was scanned before, so what is passed over is valid and means
//!   what it meant then.

use std::collections::{HashMap, HashSet};

use super::path::Step;
use super::scan::{Cursor, Quoted, Syntax, unescaped};
use crate::format::bytes;

/// Texts that are remembered, over all kinds of objects in a stream, and the length of one: keys may
/// be data, and then there is no end of them.
const KNOWN_MAX: usize = 1024;
const BYTES_MAX: usize = 256;

/// What follows a separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The value of a wanted member; `quoted`: a string, whose opening quote has been passed.
    Wanted { index: u32, quoted: bool },
    /// The value of another member.
    Unwanted { quoted: bool },
    /// Nothing: the object has ended.
    End,
}

/// A separator that has been passed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passed {
    /// Which one it is.
    pub(crate) separator: u32,
    /// What follows it.
    pub(crate) next: Next,
    /// Where that stands.
    pub(crate) end: usize,
}

/// The separators seen so far.
pub(crate) struct Separators {
    /// The wanted members by key.
    members: HashMap<String, u32>,
    /// By text. The first of an object has its brace, so that no text means two things.
    indices: HashMap<Vec<u8>, u32>,
    known: Vec<Separator>,
}

/// A separator, and the indices of those that followed it: the one of last time, and the one before.
/// All that is looked at of one that stands where it is expected lies in one line of the cache.
#[repr(align(64))]
struct Separator {
    text: Prediction,
    next: Next,
    followers: [u32; 2],
}

/// Where an object starts: before the first separator.
pub(crate) const START: u32 = 0;

/// Any separator that is not remembered.
const OTHER: u32 = 1;

impl Separators {
    /// No separators yet, of objects with these wanted members.
    pub(crate) fn new(members: HashMap<String, u32>) -> Self {
        let never =
            || Separator { text: Prediction::never(), next: Next::End, followers: [START; 2] };
        Self { members, indices: HashMap::new(), known: vec![never(), never()] }
    }

    /// The wanted member with this key.
    pub(crate) fn member(&self, key: Quoted<'_>) -> Option<u32> {
        self.members.get(unescaped(key).as_ref()).copied()
    }

    /// The separator at `at` in `text`, where it is the one that followed `before` last time.
    #[inline(always)]
    pub(crate) fn predicted(&self, before: u32, text: &[u8], at: usize) -> Option<Passed> {
        let separator = self.known[before as usize].followers[0];
        let predicted = &self.known[separator as usize];
        let end = predicted.text.end(text, at)?;
        Some(Passed { separator, next: predicted.next, end })
    }

    /// The separator at `at` in `text`, which stands after `before`.
    ///
    /// # Errors
    /// Where there is none.
    #[cold]
    #[inline(never)]
    pub(crate) fn find(&mut self, before: u32, text: &[u8], at: usize) -> Result<Passed, Syntax> {
        let [last, earlier] = self.known[before as usize].followers;
        let stands = |index: u32| {
            let separator = &self.known[index as usize];
            Some((index, separator.next, separator.text.end_anywhere(text, at)?))
        };
        let (separator, next, end) = match stands(last).or_else(|| stands(earlier)) {
            Some(known) => known,
            None => {
                let mut cursor = Cursor::new(text, at);
                let key = scan(&mut cursor, before == START)?;
                let quoted = key.is_some() && cursor.peek() == Some(b'"');
                cursor.advance(usize::from(quoted));
                let next = self.next(key, quoted);
                (self.index(cursor.since(at), next), next, cursor.at())
            }
        };
        if separator != last && separator != OTHER {
            self.known[before as usize].followers = [separator, last];
        }
        Ok(Passed { separator, next, end })
    }

    /// The index of a separator, new or known.
    fn index(&mut self, separator: &[u8], next: Next) -> u32 {
        if let Some(index) = self.indices.get(separator) {
            return *index;
        }
        if self.known.len() == KNOWN_MAX || separator.len() > BYTES_MAX {
            return OTHER;
        }
        let text = Prediction::new(separator);
        // Fewer than `KNOWN_MAX`.
        let index = self.known.len() as u32;
        self.known.push(Separator { text, next, followers: [START; 2] });
        self.indices.insert(separator.to_vec(), index);
        index
    }

    /// The separators of an object, as each followed the one before last time, up to its end or the
    /// last of `wanted` members. `None` where they do not lead there, or to one member twice.
    pub(crate) fn path(&self, wanted: usize) -> Option<Vec<Step>> {
        let (mut steps, mut members) = (Vec::new(), HashSet::new());
        let (mut before, mut closing) = (START, false);
        while steps.len() < KNOWN_MAX {
            before = self.known[before as usize].followers[0];
            let separator = &self.known[before as usize];
            let next = match before {
                START => return None,
                _ => separator.next,
            };
            steps.push(Step::new(before, &separator.text.text, next, closing)?);
            closing = match next {
                Next::Wanted { index, .. } if !members.insert(index) => return None,
                Next::Wanted { .. } if members.len() == wanted => return Some(steps),
                Next::Wanted { quoted, .. } | Next::Unwanted { quoted } => quoted,
                Next::End => return Some(steps),
            };
        }
        None
    }

    fn next(&self, key: Option<Quoted<'_>>, quoted: bool) -> Next {
        match key.map(|key| self.member(key)) {
            None => Next::End,
            Some(None) => Next::Unwanted { quoted },
            Some(Some(index)) => Next::Wanted { index, quoted },
        }
    }
}

/// Passes over a separator, the `first` of an object or one after a value, and returns the key of
/// the member; `None` at the end of the object.
pub(crate) fn scan<'a>(cursor: &mut Cursor<'a>, first: bool) -> Result<Option<Quoted<'a>>, Syntax> {
    if first {
        cursor.expect(b'{', "expected `{`: a record is an object")?;
        cursor.skip_space();
        if cursor.peek() == Some(b'}') {
            cursor.advance(1);
            return Ok(None);
        }
    } else if !cursor.another(b'}', "expected `,` or `}`")? {
        return Ok(None);
    }
    let key = cursor.string()?;
    cursor.colon()?;
    Ok(Some(key))
}

/// A text to compare with; most are short, and compared as one word.
struct Prediction {
    word: u128,
    mask: u128,
    text: Box<[u8]>,
}

impl Prediction {
    const WORD: usize = size_of::<u128>();

    fn new(text: &[u8]) -> Self {
        let mut word = [0; Self::WORD];
        let mut mask = [0; Self::WORD];
        let length = text.len().min(Self::WORD);
        word[..length].copy_from_slice(&text[..length]);
        mask[..length].fill(0xff);
        let text = text.into();
        Self { word: u128::from_le_bytes(word), mask: u128::from_le_bytes(mask), text }
    }

    /// One that is found nowhere; the only one without a mask.
    fn never() -> Self {
        Self { word: 1, mask: 0, text: Box::new([0]) }
    }

    /// Where it ends if it stands at `at`.
    fn end_anywhere(&self, text: &[u8], at: usize) -> Option<usize> {
        let short = || text[at..].starts_with(&self.text).then_some(at + self.text.len());
        self.end(text, at).or_else(|| short().filter(|_| self.mask != 0))
    }

    /// As [`Prediction::end_anywhere`], but `None` within a word of the text's end.
    #[inline(always)]
    fn end(&self, text: &[u8], at: usize) -> Option<usize> {
        let block = bytes::block(text, at)?;
        if !bytes::is_masked(block, self.mask, self.word) {
            return None;
        }
        let end = at + self.text.len();
        (self.text.len() <= Self::WORD || text.get(at..end) == Some(&self.text)).then_some(end)
    }
}
