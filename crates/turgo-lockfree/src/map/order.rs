//! Where an entry or a slot stands in the one list: hashes with their bits reversed.
//!
//! With 2^n buckets the lowest n bits of a hash name its bucket. Reversed they are the highest, so the entries of a bucket lie
//! together, and when the number of buckets doubles each bucket falls into two halves where it is.

/// A position in the list. Slots are even, entries are odd: a slot stands before all entries of its bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Order(u64);

impl Order {
    /// Of an entry. The highest bit of a hash is lost: two hashes may share an order, keys decide.
    #[inline(always)]
    pub(super) const fn of_entry(hash: u64) -> Self {
        Self(hash.reverse_bits() | 1)
    }

    /// Before all entries, and behind them.
    pub(super) const FIRST: Self = Self(0);
    pub(super) const LAST: Self = Self(u64::MAX);

    /// A hash of this order; all of them name the same bucket.
    pub(super) const fn hash(self) -> u64 {
        self.0.reverse_bits()
    }

    /// Of the slot of a bucket, which is below 2^62: two bits are free for [`super::table::Slot`].
    pub(super) const fn of_slot(bucket: usize) -> Self {
        Self((bucket as u64).reverse_bits())
    }

    pub(super) const fn word(self) -> u64 {
        self.0
    }

    pub(super) const fn from_word(word: u64) -> Self {
        Self(word)
    }
}

/// The bucket whose entries `bucket` takes a half of when it is first used; `bucket` is not 0.
pub(super) const fn parent(bucket: usize) -> usize {
    bucket & !(1 << (usize::BITS - 1 - bucket.leading_zeros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_stands_before_its_entries_and_behind_those_of_its_parent() {
        // Four buckets: 0, 2, 1, 3 in the order of the list.
        let slots = [0, 2, 1, 3].map(Order::of_slot);
        assert!(slots.is_sorted());
        for hash in 0..64 {
            let bucket = hash as usize % 4;
            let order = Order::of_entry(hash);
            assert!(Order::of_slot(bucket) < order, "{hash}");
            assert_eq!(order.hash() as usize % 4, bucket);
            for other in slots.iter().filter(|slot| **slot > Order::of_slot(bucket)) {
                assert!(order < *other, "{hash}");
            }
        }
    }

    #[test]
    fn a_parent_is_the_bucket_without_its_highest_bit() {
        assert_eq!([1, 2, 3, 6, 7, 12].map(parent), [0, 0, 1, 2, 3, 4]);
    }
}
