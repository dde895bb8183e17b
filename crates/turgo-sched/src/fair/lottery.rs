//! Lotteries: a ticket is drawn, and whoever holds it is next.

use turgo_machine::mutant;

use super::{Client, Interleave, Roster};
use crate::random::Random;

/// Tickets drawn at random (Waldspurger, Weihl, "Lottery scheduling", OSDI 1994): fair in the long run only. Here as a baseline.
#[derive(Debug, Clone)]
pub struct Lottery {
    roster: Roster<()>,
    random: Random,
}

impl Lottery {
    /// Nobody yet; draws follow from the random numbers.
    #[must_use]
    pub fn new(random: Random) -> Self {
        Self { roster: Roster { members: Vec::new(), total: 0, next: 0 }, random }
    }
}

impl Interleave for Lottery {
    fn add(&mut self, weight: u32) -> Client {
        self.roster.add(weight, ())
    }

    fn remove(&mut self, client: Client) -> bool {
        self.roster.remove(client).is_some()
    }

    fn pick(&mut self) -> Option<Client> {
        self.roster.holder(part(self.random.next_u64(), self.roster.total))
    }

    fn clients(&self) -> Vec<(Client, u32)> {
        self.roster.clients()
    }

    fn lag_max(&self, _picks: u64) -> Option<f64> {
        None
    }

    fn gap_max(&self, _share: f64) -> Option<u64> {
        None
    }
}

/// The golden ratio less one.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// The same as a part of 2^64.
const GOLDEN_64: u64 = 0x9e37_79b9_7f4a_7c15;

/// Tickets drawn at the fractional parts of multiples of the golden ratio: no random numbers, and nearly as fair as [`Chairman`](super::Chairman) in practice.
///
/// The sequence fills the circle as evenly as a multiple of one number can. Its discrepancy is that of a number whose partial quotients are all 1: at most
/// `3 + (1/ln phi + 1/ln 2) ln n` of `n` picks are missing or too many (Kuipers, Niederreiter, "Uniform distribution of sequences", 1974, theorem 2.3.4).
/// Tickets of a client lie side by side; the way back to an interval of length `p` takes at most `F(j)` steps, where `phi^-(j-2)` is the first power that is no longer than
/// the interval (three-gap theorem, Sós 1958; F3): 89 for one of 55 equals.
#[derive(Debug, Clone, Default)]
pub struct GoldenLottery {
    roster: Roster<()>,
    /// Where on the circle the last ticket was.
    at: u64,
}

impl GoldenLottery {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Interleave for GoldenLottery {
    fn add(&mut self, weight: u32) -> Client {
        self.roster.add(weight, ())
    }

    fn remove(&mut self, client: Client) -> bool {
        self.roster.remove(client).is_some()
    }

    fn pick(&mut self) -> Option<Client> {
        self.at = self.at.wrapping_add(GOLDEN_64);
        if mutant!("F3 a position instead of a ticket") {
            // The older form: floor(n phi) mod k, which does not know weights either.
            let turn = self.at.wrapping_mul(GOLDEN_64.wrapping_mul(GOLDEN_64)) >> 7;
            return self.roster.holder(turn % self.roster.total.max(1));
        }
        self.roster.holder(part(self.at, self.roster.total))
    }

    fn clients(&self) -> Vec<(Client, u32)> {
        self.roster.clients()
    }

    fn lag_max(&self, picks: u64) -> Option<f64> {
        Some(3.0 + 3.53 * (picks.max(1) as f64).ln())
    }

    fn gap_max(&self, share: f64) -> Option<u64> {
        let (mut length, mut gap, mut next) = (1.0, 1, 2);
        // A tolerance for shares that are a power but for rounding: the longer bound holds as well.
        while length > share * (1.0 - 1e-12) {
            length *= GOLDEN;
            (gap, next) = (next, gap + next);
        }
        Some(gap)
    }
}

/// The older mix: four of five picks by lottery, the fifth by the golden sequence.
///
/// The fifth is every fifth, not one in five by chance as it once was: so no client waits longer than five times as long as with the golden sequence alone.
#[derive(Debug, Clone)]
pub struct Hybrid {
    golden: GoldenLottery,
    random: Random,
    picks: u32,
}

impl Hybrid {
    /// Nobody yet; draws follow from the random numbers.
    #[must_use]
    pub fn new(random: Random) -> Self {
        Self { golden: GoldenLottery::new(), random, picks: 0 }
    }
}

impl Interleave for Hybrid {
    fn add(&mut self, weight: u32) -> Client {
        self.golden.add(weight)
    }

    fn remove(&mut self, client: Client) -> bool {
        self.golden.remove(client)
    }

    fn pick(&mut self) -> Option<Client> {
        self.picks = (self.picks + 1) % 5;
        if self.picks == 0 {
            return self.golden.pick();
        }
        let roster = &self.golden.roster;
        roster.holder(part(self.random.next_u64(), roster.total))
    }

    fn clients(&self) -> Vec<(Client, u32)> {
        self.golden.clients()
    }

    fn lag_max(&self, _picks: u64) -> Option<f64> {
        None
    }

    fn gap_max(&self, share: f64) -> Option<u64> {
        Some(5 * self.golden.gap_max(share)?)
    }
}

/// The ticket at a place on the circle of 2^64.
fn part(at: u64, total: u64) -> u64 {
    ((u128::from(at) * u128::from(total)) >> 64) as u64
}
