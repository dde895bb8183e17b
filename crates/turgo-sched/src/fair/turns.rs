//! A queue in which tenants take turns, and pay for the time that their tasks take. Pools and simulated machines have the same one.
//!
//! An interleaver says whose turn it is; a turn is worth [`TURN_NS`] of time. A step is paid with a turn when it begins and settled when it has ended: what it did not use comes
//! back, and the tenant goes on until its turn is used up; what it took more is paid with turns to come, which the tenant gives up. That is deficit round robin (Shreedhar,
//! Varghese, "Efficient fair queueing using deficit round robin", SIGCOMM 1995) with any order of turns in the place of a round, and debts in the place of a length that is known before.
//!
//! # How far a tenant is from its share
//!
//! Let `k` tenants have something queued all the time, `u` be a turn, `L` the longest step but at least `u`, `P` the workers that take from this queue, `p` a tenant's share of the
//! weights, a step shorter than a 64th of a turn be counted as one of that length, and `B` the bound of the interleaver for lags in turns. Then what a tenant should have of the time of all less what it had is at most
//!
//! ```text
//! u B + P L (1 + p (k - 2))
//! ```
//!
//! in either direction. Proof: with `n` turns given in all, `m` of them to this tenant and `T` its time, let `c = u m - T`. It grows only when the tenant is given a turn. That happens
//! when nothing is left of what it had been given, but for `u` each for steps that have begun and not ended, of which there are `P - 1` at most: so `c <= P u`. It shrinks only when a
//! step ends; the last of them that began did so when something was left, and `P` at most end from then on: so `c > -P L`. The sum of all times is `u n` less the sum of all `c`. So the
//! lag in time is `u (p n - m) + (1 - p) c - p (the c of all others)`. The first term is `u B` at most; the others are at most `(1 - p) P L` and, as there are `k - 1` others, `p (k - 1) P L`.
//!
//! Where a step takes more than a thousand turns, whoever owes the least for its weight may be next before it has paid all: the order is that of stride scheduling then.

use std::collections::VecDeque;

use turgo_machine::mutant;

use super::{
    BeattyPair, Chairman, Client, GoldenLottery, Hybrid, Interleave, Interleaving, LagMeter,
    Lottery, Side, Stride,
};
use crate::random::Random;

/// The time that a turn is worth, in nanoseconds.
pub const TURN_NS: u64 = 100_000;
/// The same, as a part of a balance.
const TURN: i64 = TURN_NS as i64;
/// The most steps of one turn: a step counts for this part of it at least, however short it was.
const STEPS_MAX: u64 = 64;
/// The most turns that are given without anybody's being able to begin a step.
const GRANTS_MAX: u32 = 1_024;

/// The tenant of this number, of so many; the first one if there is none.
pub(crate) fn present(tenant: u32, tenants: usize) -> u32 {
    if (tenant as usize) < tenants { tenant } else { 0 }
}

/// The queue. Every operation is O(tenants), but for turns that are given up, which are paid for once by the step that was too long.
#[derive(Debug)]
pub(crate) struct Turns {
    order: Taking,
    accounts: Vec<Account>,
    queued: usize,
    /// How many tasks have begun and not ended.
    running: usize,
    /// How many tenants take turns now.
    members: usize,
    meter: LagMeter,
}

/// Who says whose turn it is.
#[derive(Debug)]
enum Taking {
    /// Tenants, in the order in which their tasks came.
    Arrival(VecDeque<usize>),
    Fair(Box<dyn Interleave>),
    Pair(BeattyPair),
}

/// What is known of a tenant.
#[derive(Debug)]
struct Account {
    weight: u32,
    tasks: VecDeque<u32>,
    running: u32,
    /// What the interleaver calls it, while it takes turns (F7).
    client: Option<Client>,
    /// What is left of its turns; what it owes, if that is below 0.
    balance_ns: i64,
    /// Turns it was given while it had nothing queued and something ran: for that alone.
    banked_ns: i64,
    steps: u64,
    ran_ns: u64,
}

/// What a tenant has had of one queue.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Had {
    pub(crate) steps: u64,
    pub(crate) ran_ns: u64,
    pub(crate) queued: u64,
    /// Turns that it should have had less those it had, since it takes turns.
    pub(crate) lag: f64,
}

impl Turns {
    /// A queue of one of `nodes` nodes, for tenants with these weights.
    ///
    /// # Panics
    ///
    /// If a pair is asked for and there are not two tenants, or there is none at all. A weight of 0 panics where its tenant comes.
    pub(crate) fn new(
        interleaving: Interleaving,
        weights: &[u32],
        node: u32,
        nodes: u32,
        seed: u64,
    ) -> Self {
        assert!(!weights.is_empty(), "there is a tenant for what says nothing");
        let random = || Random::new(seed, u64::from(node) | 1 << 40);
        let order = match interleaving {
            Interleaving::InTurn => Taking::Arrival(VecDeque::new()),
            Interleaving::Lottery => Taking::Fair(Box::new(Lottery::new(random()))),
            Interleaving::Golden => Taking::Fair(Box::new(GoldenLottery::new())),
            Interleaving::Hybrid => Taking::Fair(Box::new(Hybrid::new(random()))),
            Interleaving::Stride => Taking::Fair(Box::new(Stride::new())),
            Interleaving::Tijdeman => Taking::Fair(Box::new(Chairman::new())),
            Interleaving::Beatty | Interleaving::BeattyPhases => {
                let &[first, second] = weights else { panic!("a pair is for two tenants") };
                let pair = BeattyPair::new(first, second);
                let is_phased = interleaving == Interleaving::BeattyPhases;
                Taking::Pair(if is_phased { pair.on_node(node, nodes) } else { pair })
            }
        };
        let accounts = weights.iter().map(|&weight| Account::new(weight)).collect();
        Self { order, accounts, queued: 0, running: 0, members: 0, meter: LagMeter::default() }
    }

    fn place(&self, tenant: u32) -> usize {
        present(tenant, self.accounts.len()) as usize
    }

    pub(crate) fn len(&self) -> usize {
        self.queued
    }

    /// Queues a task behind those of its tenant.
    pub(crate) fn push(&mut self, tenant: u32, task: u32) {
        let tenant = self.place(tenant);
        self.join(tenant);
        self.accounts[tenant].tasks.push_back(task);
        self.queued += 1;
        if let Taking::Arrival(arrivals) = &mut self.order {
            arrivals.push_back(tenant);
        }
    }

    /// The next task, and whose it is. It is to be [ended](Self::end).
    pub(crate) fn pop(&mut self) -> Option<(u32, u32)> {
        if self.queued == 0 {
            return None;
        }
        let tenant = self.next();
        let task = self.accounts[tenant].tasks.pop_front();
        self.queued -= 1;
        self.begin_at(tenant);
        task.map(|task| (crate::layout::small(tenant), task))
    }

    /// A task of a tenant begins without having waited for a turn: it pays for it all the same. It is to be [ended](Self::end).
    pub(crate) fn begin(&mut self, tenant: u32) {
        let tenant = self.place(tenant);
        self.join(tenant);
        self.begin_at(tenant);
    }

    fn begin_at(&mut self, tenant: usize) {
        let account = &mut self.accounts[tenant];
        account.balance_ns -= TURN;
        account.running += 1;
        self.running += 1;
    }

    /// A tenant's task has stopped, after so much time (F6).
    pub(crate) fn end(&mut self, tenant: u32, ran_ns: u64) {
        let tenant = self.place(tenant);
        let is_counted = !matches!(self.order, Taking::Arrival(_))
            && !mutant!("F6 a step is a turn, however long it takes");
        let account = &mut self.accounts[tenant];
        self.running -= 1;
        account.running -= 1;
        account.steps += 1;
        account.ran_ns += ran_ns;
        let cost_ns = if is_counted { ran_ns.max(TURN_NS / STEPS_MAX) } else { TURN_NS };
        let cost_ns = i64::try_from(cost_ns).unwrap_or(i64::MAX);
        let balance_ns = account.balance_ns.saturating_add(TURN - cost_ns);
        // What was banked pays what this took; of the rest no more is kept than the next one like this takes.
        let banked_ns = std::mem::take(&mut account.banked_ns);
        account.balance_ns = balance_ns.saturating_add(banked_ns).min(balance_ns.max(cost_ns));
        if self.members == 1 {
            // It took nothing from anybody.
            account.balance_ns = account.balance_ns.max(0);
        }
        if self.queued + self.running > 0 {
            self.leave_if_done(tenant);
        } else {
            // Nobody waits for what the others owe.
            (0..self.accounts.len()).for_each(|tenant| self.leave(tenant));
        }
    }

    /// What each tenant has had, by number.
    pub(crate) fn had(&self) -> impl Iterator<Item = Had> {
        self.accounts.iter().zip(0..).map(|(account, tenant)| Had {
            steps: account.steps,
            ran_ns: account.ran_ns,
            queued: account.tasks.len() as u64,
            lag: self.meter.lag(Client(tenant)).unwrap_or(0.0),
        })
    }

    /// Whose task comes next; something is queued.
    fn next(&mut self) -> usize {
        if let Taking::Arrival(arrivals) = &mut self.order {
            let tenant = arrivals.pop_front().expect("a tenant for each task that is queued");
            self.meter.note(Client(tenant as u64));
            return tenant;
        }
        for _ in 0..GRANTS_MAX {
            if let Some(tenant) = self.in_credit() {
                return tenant;
            }
            self.grant();
        }
        self.least_indebted()
    }

    /// Of those who wait and have something left of a turn, who has the most.
    fn in_credit(&self) -> Option<usize> {
        let waits = |account: &Account| !account.tasks.is_empty() && account.balance_ns > 0;
        let tenants = self.accounts.iter().enumerate().filter(|(_, account)| waits(account));
        tenants.max_by_key(|(_, account)| account.balance_ns).map(|(tenant, _)| tenant)
    }

    /// Of those who wait, who owes the least for its weight.
    fn least_indebted(&self) -> usize {
        let tenants = self.accounts.iter().enumerate();
        let waiting = tenants.filter(|(_, account)| !account.tasks.is_empty());
        let owes = |account: &Account, other: &Account| {
            -i128::from(account.balance_ns) * i128::from(other.weight)
        };
        let least = waiting.min_by(|(_, a), (_, b)| owes(a, b).cmp(&owes(b, a)));
        least.map_or(0, |(tenant, _)| tenant)
    }

    /// Gives a turn to whose turn it is, who may be unable to use it now.
    fn grant(&mut self) {
        let tenant = self.pick();
        self.meter.note(Client(tenant as u64));
        let is_alone = self.members == 1;
        let account = &mut self.accounts[tenant];
        if is_alone {
            account.balance_ns = TURN;
        } else if account.tasks.is_empty() && account.running > 0 {
            account.banked_ns += TURN;
        } else {
            account.balance_ns += TURN;
            self.leave_if_done(tenant);
        }
    }

    /// Whose turn it is.
    fn pick(&mut self) -> usize {
        let accounts = &self.accounts;
        let of = |client: Client| accounts.iter().position(|one| one.client == Some(client));
        let picked = match &mut self.order {
            Taking::Fair(turns) => turns.pick().and_then(of),
            // A turn is for those who want one: while there is one, nobody counts.
            Taking::Pair(pair) if accounts.iter().all(|account| account.client.is_some()) => {
                Some(usize::from(pair.pick() == Side::Second))
            }
            _ => accounts.iter().position(|account| account.client.is_some()),
        };
        picked.expect("whoever has something queued takes turns (F7)")
    }

    /// From now on it takes turns, if it does not yet (F4).
    fn join(&mut self, tenant: usize) {
        let account = &mut self.accounts[tenant];
        if account.client.is_some() {
            return;
        }
        let client = match &mut self.order {
            Taking::Fair(turns) => turns.add(account.weight),
            _ => Client(tenant as u64),
        };
        account.client = Some(client);
        self.members += 1;
        self.meter.add(Client(tenant as u64), account.weight);
    }

    /// It takes no turns any more if it has nothing queued, nothing runs, and it owes nothing (F7). What it has left is gone (F4).
    fn leave_if_done(&mut self, tenant: usize) {
        let account = &mut self.accounts[tenant];
        let is_busy = account.running > 0 || account.balance_ns < 0;
        if !account.tasks.is_empty() || is_busy && !mutant!("F7 whoever goes away owes nothing") {
            return;
        }
        self.leave(tenant);
    }

    fn leave(&mut self, tenant: usize) {
        let account = &mut self.accounts[tenant];
        account.balance_ns = 0;
        let Some(client) = account.client.take() else { return };
        if let Taking::Fair(turns) = &mut self.order {
            turns.remove(client);
        }
        self.members -= 1;
        self.meter.remove(Client(tenant as u64));
    }
}

impl Account {
    fn new(weight: u32) -> Self {
        Self {
            weight,
            tasks: VecDeque::new(),
            running: 0,
            client: None,
            balance_ns: 0,
            banked_ns: 0,
            steps: 0,
            ran_ns: 0,
        }
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
pub(super) mod tests;
