//! What stands between the values of objects, predicted.
//!
//! Objects of one stream are written by one program: after a value there mostly stands the same text
//! as after that value in the object before, such as `,"price":` with whatever spaces. That text is
//! compared as a whole; only where it differs it is taken apart.
//!
//! - K1. A prediction is a text that was scanned before, so what is passed over is valid and means
//!   what it meant then.

use std::collections::HashMap;

use super::scan::{Cursor, Quoted, Syntax, unescaped};

/// Texts that are remembered, over all kinds of objects in a stream, and the length of one: keys may
/// be data, and then there is no end of them.
const KNOWN_MAX: usize = 1024;
const BYTES_MAX: usize = 256;

/// What follows a separator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// The value of a wanted member.
    Wanted(usize),
    /// The value of another member.
    Unwanted,
    /// Nothing: the object has ended.
    End,
}

/// The separators seen so far.
pub(crate) struct Separators {
    /// The wanted members by key.
    members: HashMap<String, usize>,
    /// By text. The first of an object has its brace, so that no text means two things.
    indices: HashMap<Vec<u8>, usize>,
    known: Vec<Separator>,
}

/// A separator, and the indices of those that followed it: the one of last time, and the one before.
struct Separator {
    text: Prediction,
    next: Next,
    followers: [usize; 2],
}

/// Where an object starts: before the first separator.
pub(crate) const START: usize = 0;

/// Any separator that is not remembered.
const OTHER: usize = 1;

impl Separators {
    /// No separators yet, of objects with these wanted members.
    pub(crate) fn new(members: HashMap<String, usize>) -> Self {
        let never =
            || Separator { text: Prediction::never(), next: Next::End, followers: [START; 2] };
        Self { members, indices: HashMap::new(), known: vec![never(), never()] }
    }

    /// The wanted member with this key.
    pub(crate) fn member(&self, key: Quoted<'_>) -> Option<usize> {
        self.members.get(unescaped(key).as_ref()).copied()
    }

    /// Passes over the separator after `before` and returns its index and what follows it.
    #[inline]
    pub(crate) fn pass(
        &mut self,
        before: usize,
        cursor: &mut Cursor<'_>,
    ) -> Result<(usize, Next), Syntax> {
        let [last, earlier] = self.known[before].followers;
        for index in [last, earlier] {
            let predicted = &self.known[index];
            if predicted.text.is_at(cursor.rest()) {
                let next = predicted.next;
                cursor.advance(predicted.text.len());
                if index != last {
                    self.known[before].followers = [index, last];
                }
                return Ok((index, next));
            }
        }
        self.scan(before, cursor)
    }

    fn scan(&mut self, before: usize, cursor: &mut Cursor<'_>) -> Result<(usize, Next), Syntax> {
        let start = cursor.at();
        let key = scan(cursor, before == START)?;
        let separator = cursor.since(start);
        let index = match self.indices.get(separator) {
            Some(index) => *index,
            None if self.known.len() < KNOWN_MAX && separator.len() <= BYTES_MAX => {
                let (text, next) = (Prediction::new(separator), self.next(key));
                self.known.push(Separator { text, next, followers: [START; 2] });
                self.indices.insert(separator.to_vec(), self.known.len() - 1);
                self.known.len() - 1
            }
            None => return Ok((OTHER, self.next(key))),
        };
        let last = self.known[before].followers[0];
        self.known[before].followers = [index, last];
        Ok((index, self.known[index].next))
    }

    fn next(&self, key: Option<Quoted<'_>>) -> Next {
        match key {
            None => Next::End,
            Some(key) => self.member(key).map_or(Next::Unwanted, Next::Wanted),
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
    text: Vec<u8>,
}

impl Prediction {
    const WORD: usize = size_of::<u128>();

    fn new(text: &[u8]) -> Self {
        let mut word = [0; Self::WORD];
        let mut mask = [0; Self::WORD];
        let length = text.len().min(Self::WORD);
        word[..length].copy_from_slice(&text[..length]);
        mask[..length].fill(0xff);
        let text = text.to_vec();
        Self { word: u128::from_le_bytes(word), mask: u128::from_le_bytes(mask), text }
    }

    /// One that is found nowhere.
    fn never() -> Self {
        Self { word: 1, mask: 0, text: vec![0] }
    }

    fn len(&self) -> usize {
        self.text.len()
    }

    #[inline]
    fn is_at(&self, rest: &[u8]) -> bool {
        match rest.first_chunk() {
            Some(block) if self.text.len() <= Self::WORD => {
                u128::from_le_bytes(*block) & self.mask == self.word
            }
            _ => rest.starts_with(&self.text),
        }
    }
}
