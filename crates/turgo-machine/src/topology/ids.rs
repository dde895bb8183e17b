//! Numbers of processors and nodes, and sets of them in the kernel's notation: `0-3,8`.

use std::fmt;
use std::marker::PhantomData;

/// A logical processor, by the kernel's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CpuId(pub u32);

/// A memory node, by the kernel's number. Numbers may have gaps: 0, 8, 252.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

/// Something numbered by the kernel: [`CpuId`] or [`NodeId`].
pub trait Id: Copy + Ord + fmt::Debug + sealed::Sealed {
    /// One more than the largest number there can be.
    const LIMIT: u32;
    /// The number.
    fn number(self) -> u32;
    /// The thing of this number.
    fn numbered(number: u32) -> Self;
}

mod sealed {
    #[expect(unnameable_types, reason = "what closes `Id` to other crates")]
    pub trait Sealed {}
    impl Sealed for super::CpuId {}
    impl Sealed for super::NodeId {}
}

impl Id for CpuId {
    /// What Linux can be built for (`NR_CPUS`).
    const LIMIT: u32 = 8192;
    fn number(self) -> u32 {
        self.0
    }
    fn numbered(number: u32) -> Self {
        Self(number)
    }
}

impl Id for NodeId {
    /// What Linux can be built for (`MAX_NUMNODES`).
    const LIMIT: u32 = 1024;
    fn number(self) -> u32 {
        self.0
    }
    fn numbered(number: u32) -> Self {
        Self(number)
    }
}

impl fmt::Display for CpuId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A set of processors.
pub type CpuSet = IdSet<CpuId>;

/// A set of nodes.
pub type NodeSet = IdSet<NodeId>;

/// A set of numbered things, as bits. Prints as the kernel writes it: `0-3,8`.
///
/// ```
/// use turgo_machine::topology::{CpuId, CpuSet};
/// let set = CpuSet::parse("0-3,8").expect("a list");
/// assert!(set.contains(CpuId(2)) && !set.contains(CpuId(4)));
/// assert_eq!((set.len(), set.to_string().as_str()), (5, "0-3,8"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct IdSet<I> {
    /// Without zero words at the end, so that equal sets are equal.
    words: Vec<u64>,
    kind: PhantomData<I>,
}

impl<I: Id> IdSet<I> {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { words: Vec::new(), kind: PhantomData }
    }

    /// Reads the kernel's notation, with blanks around it; empty text is the empty set. `None` where it is something else, or names a
    /// number beyond [`Id::LIMIT`].
    #[must_use]
    pub fn parse(list: &str) -> Option<Self> {
        let mut set = Self::new();
        let list = list.trim();
        if list.is_empty() {
            return Some(set);
        }
        for range in list.split(',') {
            let (first, last) = range.split_once('-').unwrap_or((range, range));
            let (first, last) = (decimal(first)?, decimal(last)?);
            let is_beyond = last >= I::LIMIT && !crate::mutant!("T4 numbers beyond the limit");
            if first > last || is_beyond {
                return None;
            }
            set.extend((first..=last).map(I::numbered));
        }
        Some(set)
    }

    /// Puts `id` in; says whether it was not there.
    ///
    /// # Panics
    ///
    /// If the number is not below [`Id::LIMIT`].
    pub fn insert(&mut self, id: I) -> bool {
        assert!(id.number() < I::LIMIT, "{id:?} is beyond what the kernel numbers");
        let (word, bit) = place(id);
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        new
    }

    /// Whether `id` is in.
    #[must_use]
    pub fn contains(&self, id: I) -> bool {
        let (word, bit) = place(id);
        self.words.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }

    /// The smallest.
    #[must_use]
    pub fn first(&self) -> Option<I> {
        self.iter().next()
    }

    /// All, upwards.
    pub fn iter(&self) -> impl Iterator<Item = I> + '_ {
        self.words.iter().enumerate().flat_map(|(index, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(I::numbered(index as u32 * 64 + bit))
            })
        })
    }

    /// Those that are in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let words = self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect();
        Self::of_words(words)
    }

    /// The bits, the lowest number in the lowest bit of the first word: as system calls take them.
    #[must_use]
    pub fn words(&self) -> &[u64] {
        &self.words
    }

    /// The set of these bits; those from [`Id::LIMIT`] on are left out.
    #[must_use]
    pub fn of_words(mut words: Vec<u64>) -> Self {
        words.truncate(I::LIMIT as usize / 64);
        while words.last() == Some(&0) {
            words.pop();
        }
        Self { words, kind: PhantomData }
    }
}

/// The number in decimal digits and nothing else: `parse` of the standard library takes a sign, too.
pub(super) fn decimal(digits: &str) -> Option<u32> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn place<I: Id>(id: I) -> (usize, u64) {
    ((id.number() / 64) as usize, 1 << (id.number() % 64))
}

impl<I: Id> Default for IdSet<I> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I: Id> Extend<I> for IdSet<I> {
    fn extend<T: IntoIterator<Item = I>>(&mut self, ids: T) {
        for id in ids {
            self.insert(id);
        }
    }
}

impl<I: Id> FromIterator<I> for IdSet<I> {
    fn from_iter<T: IntoIterator<Item = I>>(ids: T) -> Self {
        let mut set = Self::new();
        set.extend(ids);
        set
    }
}

impl<I: Id> fmt::Display for IdSet<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ids = self.iter().map(Id::number).peekable();
        let mut comma = "";
        while let Some(first) = ids.next() {
            let mut last = first;
            while ids.next_if_eq(&(last + 1)).is_some() {
                last += 1;
            }
            write!(f, "{comma}{first}")?;
            if last > first {
                write!(f, "-{last}")?;
            }
            comma = ",";
        }
        Ok(())
    }
}

impl<I: Id> fmt::Debug for IdSet<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}
