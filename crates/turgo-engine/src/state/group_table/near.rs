//! Numbers of integers that lie near each other: a place for each value of a range, and no hashing.
//!
//! Ids that are handed out one after the other, days, codes: keys of a window often fill a short range.
//!
//! - N1. There are at most [`PLACES_PER_KEY`] places to a key, or [`PLACES_MIN`]: no more memory than a
//!   hash table takes. So a value may have no place, and its number is kept elsewhere.
//! - N2. Places are counted round the 64 bits, so each stands for one value, wherever the range lies.

/// Places for each key there is.
const PLACES_PER_KEY: usize = 8;

/// Places that a few keys may have.
const PLACES_MIN: usize = 1 << 10;

/// Places that the first key gets.
const PLACES_FIRST: usize = 64;

/// Stands where there is no number.
const NONE: u32 = u32::MAX;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Near {
    /// The value of the first place.
    first: i64,
    /// By place; their number is a power of two once there are any.
    numbers: Vec<u32>,
}

impl Near {
    /// The number noted for `value`.
    #[inline]
    pub(super) fn get(&self, value: i64) -> Option<u32> {
        let number = self.numbers.get(distance(self.first, value))?;
        Some(*number).filter(|number| *number != NONE)
    }

    /// Whether `value` has a place; the range is stretched to it where `keys` keys are enough for that.
    #[inline]
    pub(super) fn reach(&mut self, value: i64, keys: usize) -> bool {
        distance(self.first, value) < self.numbers.len() || self.stretch(value, keys)
    }

    /// Notes the number of a value that has a place.
    pub(super) fn note(&mut self, value: i64, number: u32) {
        self.numbers[distance(self.first, value)] = number;
    }

    fn stretch(&mut self, value: i64, keys: usize) -> bool {
        let limit = keys.saturating_mul(PLACES_PER_KEY).max(PLACES_MIN);
        if self.numbers.is_empty() {
            self.first = value.wrapping_sub(PLACES_FIRST as i64 / 2);
            self.numbers.resize(PLACES_FIRST, NONE);
            return true;
        }
        let (ahead, behind) = (distance(self.first, value), distance(value, self.first));
        // To the nearer end, at least twice as far as before.
        let wanted = usize::min(ahead.saturating_add(1), behind.saturating_add(self.numbers.len()));
        let Some(places) = wanted.checked_next_power_of_two().filter(|places| *places <= limit)
        else {
            return false;
        };
        let more = places - self.numbers.len();
        if ahead < places {
            self.numbers.resize(places, NONE);
        } else {
            self.first = self.first.wrapping_sub(more as i64);
            self.numbers.splice(0..0, std::iter::repeat_n(NONE, more));
        }
        true
    }

    /// Forgets all places and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.numbers.clear();
    }

    /// Memory held, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.numbers.capacity() * size_of::<u32>()
    }
}

/// How far `to` lies ahead of `from`, round the 64 bits.
#[inline]
fn distance(from: i64, to: i64) -> usize {
    to.wrapping_sub(from) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives each value a number if it finds a place, and looks them all up again.
    fn placed(values: &[i64], keys: usize) -> (Near, Vec<bool>) {
        let mut near = Near::default();
        let mut placed = Vec::new();
        for (number, value) in (0..).zip(values) {
            placed.push(near.reach(*value, keys));
            if placed[placed.len() - 1] {
                near.note(*value, number);
            }
        }
        for ((number, value), placed) in (0..).zip(values).zip(&placed) {
            assert_eq!(near.get(*value), placed.then_some(number), "{value}");
        }
        (near, placed)
    }

    #[test]
    fn the_range_stretches_both_ways_and_round_the_64_bits() {
        for start in [0, -3, 1 << 40, i64::MAX - 100, i64::MIN + 100] {
            let values: Vec<i64> = (0..400)
                .flat_map(|step| [step, -step - 1])
                .map(|at| start.wrapping_add(at))
                .collect();
            let (near, placed) = placed(&values, values.len());
            assert!(placed.iter().all(|placed| *placed));
            assert_eq!(near.get(start.wrapping_add(400)), None);
            assert_eq!(near.get(start.wrapping_sub(401)), None);
        }
    }

    #[test]
    fn there_are_no_more_places_than_keys_pay_for() {
        let (near, found) = placed(&[0, 900, -900, 8_000, -8_000, i64::MIN, 5], 0);
        assert_eq!(found, [true, true, false, false, false, false, true]);
        assert_eq!(near.numbers.len(), PLACES_MIN);
        let (near, found) = placed(&[0, 900, -900, 6_000, -8_000, i64::MIN, 5], 1_000);
        assert_eq!(found, [true, true, true, false, false, false, true]);
        assert!(near.numbers.len() <= 1_000 * PLACES_PER_KEY);
    }
}
