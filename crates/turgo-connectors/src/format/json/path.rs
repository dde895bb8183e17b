//! The separators of a whole object, predicted at once.
//!
//! Most objects have the members of the object before, in its order. So the separators of one are kept in
//! a row, and the next is walked through along them, as far as it goes. Each begins with the closing quote
//! of a string before it: where it stands, that quote need not be looked at by itself.
//!
//! - P1. Each step is a separator that was scanned before (K1), behind a value of the same kind as that of
//!   the step before. Which steps there are changes no answer, only how soon it is found.
//! - P2. A value that nobody wants is passed over only where it is plain and the next step stands right
//!   behind it; any other is scanned.

use super::plain;
use super::separators::{Next, START};
use crate::format::bytes::{self, Blocks, TextEnds};

/// The longest separator that can be a step.
pub(crate) const BYTES_MAX: usize = 2 * WORD;
const WORD: usize = size_of::<u128>();

/// A separator where it is expected; it takes one line of the cache.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Step {
    /// Its first bytes, zeros behind its end, and the bits of them that count.
    head: u128,
    mask: u128,
    /// Its last bytes, where it is longer than a word.
    tail: u128,
    length: u32,
    /// Which one it is.
    separator: u32,
    next: Next,
}

impl Step {
    /// Separator number `separator`, of that `text`; `closing` where it stands behind a string. `None`
    /// where it is too long.
    pub(crate) fn new(separator: u32, text: &[u8], next: Next, closing: bool) -> Option<Self> {
        let quote: &[u8] = if closing { b"\"" } else { b"" };
        let text = [quote, text].concat();
        let length = text.len();
        if length > BYTES_MAX {
            return None;
        }
        let word = |bytes: &[u8]| {
            let mut word = [0; WORD];
            word[..bytes.len()].copy_from_slice(bytes);
            u128::from_le_bytes(word)
        };
        let short = length.min(WORD);
        let tail = text.last_chunk().map_or(0, |tail| u128::from_le_bytes(*tail));
        let (head, mask) = (word(&text[..short]), word(&[0xff; WORD][..short]));
        Some(Self { head, mask, tail, length: length as u32, separator, next })
    }

    /// Whether it stands at `at`. Not within a word of the end of `text`: nobody looks there.
    #[inline(always)]
    fn stands(&self, text: Blocks<'_, WORD>, at: usize) -> bool {
        let Some(block) = text.get(at) else { return false };
        let length = self.length as usize;
        let tail = || text.get(at + length - WORD) == Some(&self.tail.to_le_bytes());
        bytes::is_masked(block, self.mask, self.head) && (length <= WORD || tail())
    }

    /// Whether a string stands behind it, whose opening quote is its last byte.
    fn opens(&self) -> bool {
        matches!(self.next, Next::Wanted { quoted: true, .. } | Next::Unwanted { quoted: true })
    }
}

/// How far an object has been walked through.
#[derive(Debug)]
pub(crate) enum Walked {
    /// To its end, or to the end of the last value that was asked for.
    To(usize),
    /// Behind the value that `separator` stands before.
    Left { separator: u32, at: usize },
}

/// Walks through the object at `at` along `steps`. `read` reads wanted values: it takes their member, their
/// place, and whether they are strings, whose opening quote has been passed; it returns their
/// end, and whether that is far enough. `None`: it read none, or no value stands where one must.
#[inline(always)]
pub(crate) fn walk(
    steps: &[Step],
    text: &[u8],
    ends: &TextEnds,
    at: usize,
    mut read: impl FnMut(u32, usize, bool) -> Option<(usize, bool)>,
) -> Option<Walked> {
    let (blocks, ends) = (Blocks::new(text), ends.known());
    let mut place = Place { before: None, value: at, at };
    for step in steps {
        if !step.stands(blocks, place.at) {
            match place.turn(step, blocks)? {
                Ok(at) => place.at = at,
                Err(walked) => return Some(walked),
            }
        }
        let value = place.at + step.length as usize;
        let at = match step.next {
            Next::Unwanted { quoted: true } => bytes::text_end(text, ends, value),
            Next::Unwanted { quoted: false } => plain::number_end(blocks, value),
            Next::Wanted { index, quoted } => match read(index, value, quoted)? {
                (end, true) => return Some(Walked::To(end)),
                (end, false) => end - usize::from(quoted),
            },
            Next::End => return Some(Walked::To(value)),
        };
        place = Place { before: Some(step), value, at };
    }
    place.leave(text)
}

/// A place between a value and the separator behind it.
struct Place<'a> {
    /// The separator before the value; none at the begin of the object.
    before: Option<&'a Step>,
    /// The value, behind its opening quote if it is a string.
    value: usize,
    /// Where it ends if it is plain: at its closing quote if it is a string.
    at: usize,
}

impl Place<'_> {
    /// Where `step` stands, if behind all of the value; else the path is left.
    #[cold]
    #[inline(never)]
    fn turn(&self, step: &Step, text: Blocks<'_, WORD>) -> Option<Result<usize, Walked>> {
        let Some(before) = self.before else { return self.leave(text.all()).map(Err) };
        let closing = usize::from(before.opens());
        let end = plain::value_end(text.all(), self.value - closing)?;
        let stands = step.stands(text, end - closing);
        let left = Walked::Left { separator: before.separator, at: end };
        Some(if stands { Ok(end - closing) } else { Err(left) })
    }

    /// The path is left here.
    #[cold]
    #[inline(never)]
    fn leave(&self, text: &[u8]) -> Option<Walked> {
        Some(match self.before {
            None => Walked::Left { separator: START, at: self.value },
            Some(before) => {
                let at = plain::value_end(text, self.value - usize::from(before.opens()))?;
                Walked::Left { separator: before.separator, at }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::format::json::separators::Separators;

    /// The steps of `object`, of which `b` is wanted.
    fn steps(object: &str) -> Vec<Step> {
        let mut separators = Separators::new(HashMap::from([("b".to_owned(), 7)]));
        let (text, mut before, mut at) = (object.as_bytes(), START, 0);
        loop {
            let passed = separators.find(before, text, at).unwrap();
            (before, at) = (passed.separator, passed.end);
            at = match passed.next {
                Next::Wanted { quoted, .. } | Next::Unwanted { quoted } => {
                    plain::value_end(text, at - usize::from(quoted)).unwrap()
                }
                Next::End => return separators.path(usize::MAX).unwrap(),
            };
        }
    }

    /// Where a walk ends; or behind how many steps, and where, it leaves them.
    type End = Option<Result<usize, (usize, usize)>>;

    /// The walk along `steps`, and the wanted values it comes by.
    fn walked(steps: &[Step], object: &str) -> (End, Vec<String>) {
        let text = format!("{object}{}", "\n".repeat(WORD));
        let mut ends = TextEnds::none();
        ends.begin();
        ends.prepare(text.as_bytes(), 0);
        let mut values = Vec::new();
        let walked = walk(steps, text.as_bytes(), &ends, 0, |index, at, quoted| {
            assert_eq!(index, 7);
            let end = plain::value_end(text.as_bytes(), at - usize::from(quoted))?;
            values.push(text[at..end].to_owned());
            Some((end, false))
        });
        let walked = walked.map(|walked| match walked {
            Walked::To(end) => Ok(end),
            Walked::Left { separator, at } => {
                let taken = steps.iter().position(|step| step.separator == separator);
                Err((taken.map_or(0, |step| step + 1), at))
            }
        });
        (walked, values)
    }

    #[test]
    fn objects_of_one_form_are_walked_through_to_their_end() {
        let steps = steps(r#"{"a":1,"b":"x","a long key of 20":"y","c":2}"#);
        for (object, value) in [
            (r#"{"a":1,"b":"x","a long key of 20":"y","c":2}"#, r#"x""#),
            (r#"{"a":12345678901234567890,"b":"","a long key of 20":"","c":0}"#, r#"""#),
            (r#"{"a":"1","b":"x","a long key of 20":"y","c":"\""}"#, r#"x""#),
            (r#"{"a":-1.5e3,"b":"\\\"","a long key of 20":"\\","c":null}"#, r#"\\\"""#),
            (r#"{"a":[{}],"b":"é","a long key of 20":"\u00e9\"","c":{"c":"}"}}"#, r#"é""#),
        ] {
            let expected = (Some(Ok(object.len())), vec![value.to_owned()]);
            assert_eq!(walked(&steps, object), expected, "{object}");
        }
    }

    #[test]
    fn another_separator_is_left_to_the_scanner() {
        let steps = steps(r#"{"a":1,"b":2,"a long key of 20":"y","c":2}"#);
        for (object, left) in [
            (r#"{"d":1}"#, (0, 0)),
            (r#"{"a":1, "b":2}"#, (1, 6)),
            (r#"{"a":1.5}"#, (1, 8)),
            (r#"{"a":1,"b":2,"a long key of 21":"y","c":2}"#, (2, 12)),
            (r#"{"a":1,"b":2,"a lonk key of 20":"y","c":2}"#, (2, 12)),
            (r#"{"a":1,"b":2,"a long key of 20":"y" ,"c":2}"#, (3, 35)),
            (r#"{"a":1,"b":2,"a long key of 20":2,"c":2}"#, (2, 12)),
        ] {
            assert_eq!(walked(&steps, object).0, Some(Err(left)), "{object}");
        }
    }

    #[test]
    fn what_is_no_value_is_no_value_on_a_path_either() {
        let steps = steps(r#"{"a":1,"b":2,"c":"y"}"#);
        for object in [
            r#"{"a":,"b":2,"c":"y"}"#,
            r#"{"a":01,"b":2,"c":"y"}"#,
            r#"{"a":-,"b":2,"c":"y"}"#,
            r#"{"a":1,"b":,"c":"y"}"#,
            r#"{"a":1,"b":2,"c":"y\q"}"#,
            "{\"a\":1,\"b\":2,\"c\":\"y\t\"}",
            r#"{"a":1,"b":2,"c":"y"#,
        ] {
            let (walked, _) = walked(&steps, object);
            assert!(!matches!(walked, Some(Ok(_))), "{object}: {walked:?}");
        }
    }
}
