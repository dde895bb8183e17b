//! Who is next: clients with weights take turns on one resource.
//!
//! After `n` picks a client with the share `p` of all weights should have had `n p` of them. What is missing is its *lag*; the interleavers differ in how
//! large it can become, which is stated as a theorem, tested over random weights, and measured by a [`LagMeter`]. `k` is the number of clients.
//!
//! | interleaver | lag, at most | picks from one to the next, at most | a pick costs |
//! |---|---|---|---|
//! | [`Chairman`] | `1 - 1/(2k-2)`, and no interleaver does better for all weights | `1 + 2/p` | O(k) |
//! | [`Stride`] | behind less than 1, ahead less than `k - 1` | `1 + k/p` | O(k) |
//! | [`BeattyPair`] | `1/2` in the middle phase, less than 1 in any; two clients only | `1/p` rounded up | O(1) |
//! | [`GoldenLottery`] | `3 + 3.53 ln n` | the Fibonacci number after next of `1/p` | O(k) |
//! | [`Hybrid`] | none: four of five picks are random | five times that of the golden lottery | O(k) |
//! | [`Lottery`] | none: the standard deviation is `sqrt(n p (1-p))` | none | O(k) |
//!
//! A scan over the few dozen clients that share a machine is faster than a tree; no structure here is meant for thousands.
//!
//! An [`Interleaving`] names one of them for the tenants of a [pool](crate::pool::Builder::tenants) or of a simulated machine; there a turn is worth [`TURN_NS`] of time.
//!
//! Clients come and go while picks are made. The bounds of the table are for the time between changes; what holds across them is F4. A client that has nothing to
//! do should leave and come back, or its turns are lost.
//!
//! What is *not* here: the n-th client taken as `floor(n phi) mod k`, whose gaps grow to hundreds of picks; and Beatty sequences for three clients or more, since no three of
//! them that are of one kind share out the numbers (Uspensky 1927): [`Chairman`] is what generalises the pair.
//!
//! # Invariants
//!
//! - **F1** Tijdeman's bound: no lag of [`Chairman`] is ever beyond `1 - 1/(2k-2)` in either direction while clients stay the same.
//! - **F2** [`Stride`] is never behind by 1 or more.
//! - **F3** A client of [`GoldenLottery`] waits at most the bound of the three-gap theorem.
//! - **F4** Whoever joins starts without lag: it neither makes up for a time in which it was not there nor pays for one. Whoever leaves makes no one's
//!   lag larger: the lags of those that stay shrink until they sum up to nothing again.
//! - **F5** [`BeattyPair`] shares out the numbers between its two clients, and no lag reaches 1 in any phase.
//! - **F6** Where tenants take turns, a step costs what it took: of a shorter one the rest of the turn is left to its tenant, a longer one is paid with turns to come.
//! - **F7** A tenant takes turns while it has something queued, something runs, or it owes to others that have something to do: so its lag does not begin anew with each step, and nobody gets rid of a debt by
//!   going away. Whoever has left takes no turn along.

mod chairman;
mod interleaving;
mod lottery;
mod meter;
mod pair;
mod stride;
mod turns;

pub use chairman::Chairman;
pub use interleaving::Interleaving;
pub use lottery::{GoldenLottery, Hybrid, Lottery};
pub use meter::LagMeter;
pub use pair::{BeattyPair, Side};
pub use stride::Stride;
pub use turns::TURN_NS;

pub(crate) use turns::{Had, Turns, present};

#[cfg(all(test, not(any(loom, shuttle))))]
pub(crate) use turns::tests::{bound, lag_max};

/// A client of an interleaver, unique among all that it ever had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Client(pub u64);

/// Clients with weights that take turns. See the [module](self) for what each implementation promises.
pub trait Interleave: std::fmt::Debug + Send {
    /// A new client, without lag (F4).
    ///
    /// # Panics
    ///
    /// If the weight is 0, or there are [`CLIENTS_MAX`] clients already.
    fn add(&mut self, weight: u32) -> Client;

    /// The client leaves; whether it was there. O(k).
    fn remove(&mut self, client: Client) -> bool;

    /// Whose turn it is; `None` if there is nobody.
    fn pick(&mut self) -> Option<Client>;

    /// The clients and their weights.
    fn clients(&self) -> Vec<(Client, u32)>;

    /// The largest lag in either direction among `picks` picks without a change of clients; `None` if there is no bound.
    fn lag_max(&self, picks: u64) -> Option<f64>;

    /// The largest distance from a pick of a client with this share to its next without a change of clients; `None` if there is no bound.
    fn gap_max(&self, share: f64) -> Option<u64>;
}

/// The most clients that an interleaver takes: with weights of 32 bits all sums fit 64 bits then.
pub const CLIENTS_MAX: usize = 1 << 12;

/// Clients, weights, and what an interleaver keeps for each.
#[derive(Debug, Clone, Default)]
struct Roster<T> {
    members: Vec<Member<T>>,
    /// The sum of the weights.
    total: u64,
    next: u64,
}

#[derive(Debug, Clone)]
struct Member<T> {
    client: Client,
    weight: u32,
    state: T,
}

impl<T> Roster<T> {
    fn add(&mut self, weight: u32, state: T) -> Client {
        assert!(weight > 0, "a client without weight would never have its turn");
        assert!(self.members.len() < CLIENTS_MAX, "at most {CLIENTS_MAX} clients");
        let client = Client(self.next);
        self.next += 1;
        self.total += u64::from(weight);
        self.members.push(Member { client, weight, state });
        client
    }

    fn remove(&mut self, client: Client) -> Option<Member<T>> {
        let at = self.members.iter().position(|member| member.client == client)?;
        // Order decides ties, so it stays.
        let member = self.members.remove(at);
        self.total -= u64::from(member.weight);
        Some(member)
    }

    fn clients(&self) -> Vec<(Client, u32)> {
        self.members.iter().map(|member| (member.client, member.weight)).collect()
    }

    /// The client that holds a ticket; tickets are numbered from 0 to the total.
    fn holder(&self, mut ticket: u64) -> Option<Client> {
        let holder = self.members.iter().find(|member| {
            let weight = u64::from(member.weight);
            let is_holder = ticket < weight;
            ticket = ticket.saturating_sub(weight);
            is_holder
        });
        holder.map(|member| member.client)
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests;
