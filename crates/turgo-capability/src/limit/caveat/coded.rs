//! Caveats as bytes: a kind, its numbers, and for lists how many parts follow.

use super::{Caveat, PARTS_MAX};
use crate::bytes::{Ended, Reader, Writer};
use crate::object::Object;

const USER: u8 = 0;
const WITHIN: u8 = 1;
const SINCE: u8 = 2;
const AT_MOST: u8 = 3;
const EQUALS: u8 = 4;
const ALL: u8 = 5;
const ANY: u8 = 6;
const NOT: u8 = 7;

/// The bytes are no caveat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadCaveat {
    Ended,
    /// More parts than a caveat may have, or fewer bytes than its lists say.
    TooLarge,
    /// A kind that there is not.
    Kind(u8),
    /// An object that names nothing.
    Object,
}

impl From<Ended> for BadCaveat {
    fn from(_: Ended) -> Self {
        Self::Ended
    }
}

impl Caveat {
    /// Appends it. It has no more than [`PARTS_MAX`] parts.
    pub(crate) fn write(&self, out: &mut Writer) {
        let mut list = |kind, parts: &[Self]| {
            out.u8(kind);
            out.u8(u8::try_from(parts.len()).expect("a caveat has 64 parts at most"));
            parts.iter().for_each(|part| part.write(out));
        };
        match self {
            Self::All(parts) => list(ALL, parts),
            Self::Any(parts) => list(ANY, parts),
            Self::Not(part) => {
                out.u8(NOT);
                part.write(out);
            }
            Self::User(user) => {
                out.u8(USER);
                out.u64(*user);
            }
            Self::Within(object) => {
                out.u8(WITHIN);
                out.u64(object.bits());
            }
            Self::Since(ns) => {
                out.u8(SINCE);
                out.u64(*ns);
            }
            Self::AtMost(name, most) => {
                out.u8(AT_MOST);
                out.u16(*name);
                out.u64(*most);
            }
            Self::Equals(name, value) => {
                out.u8(EQUALS);
                out.u16(*name);
                out.u64(*value);
            }
        }
    }

    /// Takes one from the front: of [`PARTS_MAX`] parts at most, which bounds the recursion, too.
    pub(crate) fn read(from: &mut Reader<'_>) -> Result<Self, BadCaveat> {
        let mut left = PARTS_MAX;
        Self::read_part(from, &mut left)
    }

    fn read_part(from: &mut Reader<'_>, left: &mut usize) -> Result<Self, BadCaveat> {
        *left = left.checked_sub(1).ok_or(BadCaveat::TooLarge)?;
        Ok(match from.u8()? {
            USER => Self::User(from.u64()?),
            WITHIN => Self::Within(Object::from_bits(from.u64()?).ok_or(BadCaveat::Object)?),
            SINCE => Self::Since(from.u64()?),
            AT_MOST => Self::AtMost(from.u16()?, from.u64()?),
            EQUALS => Self::Equals(from.u16()?, from.u64()?),
            ALL => Self::All(Self::read_list(from, left)?),
            ANY => Self::Any(Self::read_list(from, left)?),
            NOT => Self::Not(Box::new(Self::read_part(from, left)?)),
            kind => return Err(BadCaveat::Kind(kind)),
        })
    }

    fn read_list(from: &mut Reader<'_>, left: &mut usize) -> Result<Vec<Self>, BadCaveat> {
        let count = usize::from(from.u8()?);
        if count > *left {
            return Err(BadCaveat::TooLarge);
        }
        (0..count).map(|_| Self::read_part(from, left)).collect()
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Caveat, BadCaveat> {
        Caveat::read(&mut Reader::new(bytes))
    }

    #[test]
    fn what_was_written_is_read() {
        let parts = vec![
            Caveat::User(1),
            Caveat::Within(Object::prefix(5 << 59, 4)),
            Caveat::Since(3),
            Caveat::AtMost(7, 8),
            Caveat::Equals(9, u64::MAX),
            Caveat::Any(vec![]),
        ];
        let caveat = Caveat::Not(Box::new(Caveat::All(vec![Caveat::Any(parts), Caveat::User(2)])));
        let mut out = Writer::default();
        caveat.write(&mut out);
        assert_eq!(read(&out.bytes), Ok(caveat));
        for len in 0..out.bytes.len() {
            assert_eq!(read(&out.bytes[..len]), Err(BadCaveat::Ended), "{len} bytes");
        }
    }

    #[test]
    fn nothing_else_is_read() {
        assert_eq!(read(&[8]), Err(BadCaveat::Kind(8)));
        assert_eq!(read(&[WITHIN, 0, 0, 0, 0, 0, 0, 0, 0]), Err(BadCaveat::Object));
        assert_eq!(read(&[ALL, 64]), Err(BadCaveat::TooLarge));
        assert_eq!(read(&[NOT; 1_000_000]), Err(BadCaveat::TooLarge), "nor is the stack used up");
        let mut lists = vec![ALL, 63];
        lists.extend([ANY, 63].repeat(63));
        assert_eq!(read(&lists), Err(BadCaveat::TooLarge));
    }
}
