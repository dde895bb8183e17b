//! Stride scheduling.

use turgo_machine::mutant;

use super::{Client, Interleave, Roster};

/// A pass of a client with weight 1, in units of virtual time.
const ONE: u128 = 1 << 64;

/// Whoever would be first to have had its next turn, if all had theirs at once (Waldspurger, Weihl, "Stride scheduling", MIT 1995).
///
/// A client's `c`-th turn is due at virtual time `c / weight`, and the earliest is taken. Among `n` picks no more than `n` are due, so all that are due have
/// been made: no client is behind by 1 or more (F2). As all lags sum up to zero, none is ahead by `k - 1` or more. Both hold for true fractions; these are of 64 bits
/// behind the point, which is a turn in 2^32 picks.
#[derive(Debug, Clone, Default)]
pub struct Stride {
    /// With the virtual time at which each has its next turn.
    roster: Roster<u128>,
    /// Virtual time: a pick takes `1 / total weight`.
    now: u128,
}

impl Stride {
    /// Nobody yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Interleave for Stride {
    fn add(&mut self, weight: u32) -> Client {
        let joins = if mutant!("F4 a joiner makes up for the past") { 0 } else { self.now };
        // A weight of 0 is refused by the roster.
        self.roster.add(weight, joins + ONE / u128::from(weight.max(1)))
    }

    fn remove(&mut self, client: Client) -> bool {
        self.roster.remove(client).is_some()
    }

    fn pick(&mut self) -> Option<Client> {
        let members = self.roster.members.iter_mut();
        let member = members.min_by_key(|member| member.state)?;
        self.now += ONE / u128::from(self.roster.total);
        let stride = if mutant!("F2 a stride that does not know the weight") {
            ONE
        } else {
            ONE / u128::from(member.weight)
        };
        member.state += stride;
        Some(member.client)
    }

    fn clients(&self) -> Vec<(Client, u32)> {
        self.roster.clients()
    }

    fn lag_max(&self, _picks: u64) -> Option<f64> {
        Some((self.roster.members.len() as f64 - 1.0).max(1.0))
    }

    fn gap_max(&self, share: f64) -> Option<u64> {
        Some(1 + (self.roster.members.len() as f64 / share).floor() as u64)
    }
}
