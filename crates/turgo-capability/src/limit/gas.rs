//! How much in all: budgets that are handed down, leased and given back.
//!
//! A mint grants gas. A delegation moves some of it from the nearest account above to the child's own. A worker leases a piece, spends it without
//! touching shared memory, and gives back what is left. A revocation closes the account and returns its balance to the nearest account above that is open.
//!
//! - **E1** Amounts are unsigned, and nothing is taken that is not there: a withdrawal is a compare-exchange from a balance that holds it.
//! - **E2** A closed account stays closed and takes nothing in: closing and the balance are one word. What comes too late goes further up.
//! - **E3** What is left of a lease, and the balance of a closed account, is given back exactly once.
//! - **E4** All that was ever granted fits 63 bits, so no sum of it overflows.
//!
//! **Conservation law.** `granted = balances + lent + spent + returned`, whenever no operation is under way: every step moves an amount from one term to
//! another. `returned` is what found no open account on its way up.

#[cfg(loom)]
use loom::sync::Arc;
#[cfg(not(loom))]
use std::sync::Arc;

use core::fmt;
use core::mem;

use turgo_machine::CachePadded;
use turgo_machine::atomic::{AtomicU64, Ordering};
use turgo_machine::mutant;

const CLOSED: u64 = 1 << 63;

/// A budget. All operations are lock-free.
#[derive(Debug)]
pub(crate) struct Account {
    /// The balance, or `CLOSED`.
    word: CachePadded<AtomicU64>,
    parent: Option<Arc<Account>>,
}

impl Account {
    pub(crate) fn new(balance: u64, parent: Option<Arc<Self>>) -> Arc<Self> {
        debug_assert!(balance < CLOSED, "E4");
        Arc::new(Self { word: CachePadded::new(AtomicU64::new(balance)), parent })
    }

    pub(crate) fn balance(&self) -> u64 {
        // Relaxed: an amount stands for itself.
        match self.word.load(Ordering::Relaxed) {
            CLOSED => 0,
            balance => balance,
        }
    }

    /// Takes `amount` out, or what there is if `at_most`. How much it was; nothing where the account is closed or holds too little.
    pub(crate) fn withdraw(&self, amount: u64, at_most: bool) -> Option<u64> {
        // Relaxed: an amount stands for itself, here and below.
        let mut now = self.word.load(Ordering::Relaxed);
        loop {
            if now == CLOSED {
                return None;
            }
            let taken = if at_most { amount.min(now) } else { amount };
            if (taken > now && !mutant!("E1 a balance goes below zero")) || taken == 0 && amount > 0
            {
                return None;
            }
            let next = now.wrapping_sub(taken) & !CLOSED;
            // Relaxed: as above.
            let done =
                self.word.compare_exchange_weak(now, next, Ordering::Relaxed, Ordering::Relaxed);
            match done {
                Ok(_) => return Some(taken),
                Err(moved) => now = moved,
            }
        }
    }

    /// Puts `amount` in, unless the account is closed.
    fn deposit(&self, amount: u64) -> bool {
        // Relaxed: an amount stands for itself, here and below.
        let mut now = self.word.load(Ordering::Relaxed);
        loop {
            if now == CLOSED {
                return false;
            }
            // Relaxed: as above.
            let done = self.word.compare_exchange_weak(
                now,
                now + amount,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match done {
                Ok(_) => return true,
                Err(moved) => now = moved,
            }
        }
    }

    /// Closes an account that nobody was given: what it holds goes back up, or was never granted.
    pub(crate) fn undo(&self, treasury: &Treasury) {
        // Relaxed: an amount stands for itself.
        let was = self.word.swap(CLOSED, Ordering::Relaxed);
        match &self.parent {
            Some(parent) => treasury.give_back(Some(parent), was),
            // Relaxed: as above.
            None => _ = treasury.granted.fetch_sub(was, Ordering::Relaxed),
        }
    }

    /// Closes the account, and returns the balance to the nearest open one above.
    pub(crate) fn close(&self, treasury: &Treasury) {
        let was = if mutant!("E2 closing is two steps") {
            // Relaxed: planted.
            let was = self.word.load(Ordering::Relaxed);
            // Relaxed: planted.
            self.word.store(CLOSED, Ordering::Relaxed);
            was
        } else {
            // Relaxed: an amount stands for itself; the swap gives it to one caller (E3).
            self.word.swap(CLOSED, Ordering::Relaxed)
        };
        if was != CLOSED {
            treasury.give_back(self.parent.as_deref(), was);
        }
    }
}

/// What was granted, and what became of it.
#[derive(Debug)]
pub(crate) struct Treasury {
    granted: AtomicU64,
    lent: AtomicU64,
    spent: AtomicU64,
    returned: AtomicU64,
}

impl Treasury {
    pub(crate) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self { granted: zero(), lent: zero(), spent: zero(), returned: zero() }
    }

    /// A treasury as a snapshot has it, with nothing lent; nothing where the terms do not fit (E4), or there is more than was granted.
    pub(crate) fn restored(granted: u64, balances: u64, returned: u64) -> Option<Self> {
        let kept = balances.checked_add(returned)?;
        let spent = granted.checked_sub(kept).filter(|_| granted < CLOSED)?;
        let [granted, lent, spent, returned] = [granted, 0, spent, returned].map(AtomicU64::new);
        Some(Self { granted, lent, spent, returned })
    }

    /// Grants an amount, if all grants together still fit (E4).
    pub(crate) fn grant(&self, amount: u64) -> bool {
        // Relaxed: an amount stands for itself, here and in all of this.
        let mut now = self.granted.load(Ordering::Relaxed);
        loop {
            let fits = |sum: &u64| *sum < CLOSED || mutant!("E4 grants overflow");
            let Some(next) = now.checked_add(amount).filter(fits) else {
                return false;
            };
            // Relaxed: as above.
            let done =
                self.granted.compare_exchange_weak(now, next, Ordering::Relaxed, Ordering::Relaxed);
            match done {
                Ok(_) => return true,
                Err(moved) => now = moved,
            }
        }
    }

    /// Leases from an account.
    pub(crate) fn lease(&self, account: Arc<Account>, amount: u64) -> Option<Lease<'_>> {
        let left = account.withdraw(amount, true)?;
        // Relaxed: as in `grant`.
        self.lent.fetch_add(left, Ordering::Relaxed);
        Some(Lease { treasury: self, account, left, used: 0 })
    }

    /// Puts an amount into the nearest open account from here up.
    pub(crate) fn give_back(&self, mut account: Option<&Account>, amount: u64) {
        while let Some(here) = account {
            if here.deposit(amount) {
                return;
            }
            account = here.parent.as_deref();
        }
        // Relaxed: as in `grant`.
        self.returned.fetch_add(amount, Ordering::Relaxed);
    }

    pub(crate) fn totals(&self, balances: u64) -> GasTotals {
        // Relaxed: as in `grant`.
        let read = |total: &AtomicU64| total.load(Ordering::Relaxed);
        GasTotals {
            granted: read(&self.granted),
            balances,
            lent: read(&self.lent),
            spent: read(&self.spent),
            returned: read(&self.returned),
        }
    }
}

/// Where all gas is. While operations are under way, the terms are read one after the other and need not add up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasTotals {
    /// Granted by mints.
    pub granted: u64,
    /// In accounts.
    pub balances: u64,
    /// In leases, spent or not.
    pub lent: u64,
    /// Spent from leases that have ended.
    pub spent: u64,
    /// Of revoked trees, with no open account above.
    pub returned: u64,
}

impl GasTotals {
    /// Whether the conservation law holds.
    #[must_use]
    pub fn add_up(&self) -> bool {
        self.granted == self.balances + self.lent + self.spent + self.returned
    }
}

/// Gas to spend without asking: a piece of an account, for one worker. What is left when it is dropped goes back, once (E3).
///
/// A revocation does not reach what was leased before it: it is spent, or comes back to an account above. So an
/// account is overdrawn by nothing, and a revoked worker goes on for one lease at most; lease no more than a batch needs.
pub struct Lease<'t> {
    treasury: &'t Treasury,
    account: Arc<Account>,
    left: u64,
    used: u64,
}

impl Lease<'_> {
    /// What is left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Spends some of it. Whether there was enough; otherwise nothing is spent. Wait-free, and nothing shared is touched.
    #[must_use]
    pub fn spend(&mut self, amount: u64) -> bool {
        let enough = amount <= self.left;
        if enough {
            self.left -= amount;
            self.used += amount;
        }
        enough
    }

    fn settle(&mut self) {
        let (left, used) = (self.left, mem::take(&mut self.used));
        if !mutant!("E3 a lease is given back twice") {
            self.left = 0;
        }
        // Relaxed: an amount stands for itself.
        self.treasury.spent.fetch_add(used, Ordering::Relaxed);
        self.treasury.give_back(Some(&self.account), left);
        // Relaxed: as above.
        self.treasury.lent.fetch_sub(left + used, Ordering::Relaxed);
    }

    /// Ends it, and says how much was spent from it.
    pub fn end(mut self) -> u64 {
        let used = self.used;
        self.settle();
        used
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if self.left + self.used > 0 {
            self.settle();
        }
    }
}

impl fmt::Debug for Lease<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("left", &self.left).field("used", &self.used).finish()
    }
}

#[cfg(test)]
mod tests;
