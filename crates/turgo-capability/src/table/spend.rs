//! Spending: rates and gas.

#[cfg(loom)]
use loom::sync::Arc;
#[cfg(not(loom))]
use std::sync::Arc;

use turgo_machine::mutant;

use super::{Limits, Table};
use crate::audit::AuditLog;
use crate::denied::{Denied, GrantError};
use crate::handle::Handle;
use crate::limit::{Account, Bucket, GasTotals, Lease};
use crate::pause::point;

impl<L: AuditLog> Table<L> {
    /// Takes tokens at the rate of the capability and all rates above it. What a token stands for is the service's business. Lock-free.
    ///
    /// # Errors
    ///
    /// [`Denied::Dead`], or [`Denied::Rate`] where one of the rates is exceeded; then nothing was taken.
    pub fn take(&self, handle: Handle, tokens: u64) -> Result<(), Denied> {
        self.forest.effective(handle).ok_or(Denied::Dead)?;
        match self.nearest_bucket(handle)? {
            Some(bucket) => bucket.take(tokens, self.now_ns()).map_err(Denied::Rate),
            None => Ok(()),
        }
    }

    /// Leases gas from the nearest budget, the capability's own or one above: as much as there is of `amount`. Lock-free.
    ///
    /// # Errors
    ///
    /// [`Denied::Dead`], or [`Denied::Gas`] where there is no budget or nothing in it.
    pub fn lease(&self, handle: Handle, amount: u64) -> Result<Lease<'_>, Denied> {
        self.forest.effective(handle).ok_or(Denied::Dead)?;
        let account = self.nearest_account(handle)?.ok_or(Denied::Gas)?;
        self.treasury.lease(account, amount).ok_or(Denied::Gas)
    }

    /// What is in the nearest budget, the capability's own or one above.
    pub fn gas(&self, handle: Handle) -> Option<u64> {
        self.forest.effective(handle)?;
        self.nearest_account(handle).ok()?.map(|account| account.balance())
    }

    /// Where all gas is: a walk over all budgets, which adds up while nobody changes them.
    pub fn gas_totals(&self) -> GasTotals {
        let limits = self.limits.pin();
        let accounts = limits.iter().filter_map(|(_, limits)| limits.account.as_ref());
        self.treasury.totals(accounts.map(|account| account.balance()).sum())
    }

    /// An account with gas from the nearest one from `parent` up.
    pub(super) fn hand_down(
        &self,
        parent: Handle,
        amount: u64,
    ) -> Result<Arc<Account>, GrantError> {
        let above = self.nearest_account(parent)?.ok_or(GrantError::Gas)?;
        above.withdraw(amount, false).ok_or(GrantError::Gas)?;
        Ok(Account::new(amount, Some(above)))
    }

    pub(super) fn nearest_account(&self, handle: Handle) -> Result<Option<Arc<Account>>, Denied> {
        self.nearest(handle, |limits| limits.account.clone())
    }

    pub(super) fn nearest_bucket(&self, handle: Handle) -> Result<Option<Arc<Bucket>>, Denied> {
        self.nearest(handle, |limits| limits.bucket.clone())
    }

    /// The first that has it, from the capability up to the root. Where somebody on the way is revoked meanwhile the capability is dead, and what lies further up
    /// is none of its (T1).
    fn nearest<T>(
        &self,
        handle: Handle,
        of: impl Fn(&Limits) -> Option<T>,
    ) -> Result<Option<T>, Denied> {
        let mut at_root = false;
        for ancestor in self.forest.ancestry(handle) {
            at_root = ancestor.parent.is_none();
            if !ancestor.word.has_limits() {
                continue;
            }
            point("limits");
            match self.limits.read(&ancestor.handle, |limits| of(limits)) {
                Some(Some(found)) => return Ok(Some(found)),
                None if !mutant!("T1 what is above the dead is there for all") => {
                    return Err(Denied::Dead);
                }
                Some(None) | None => {}
            }
        }
        if at_root { Ok(None) } else { Err(Denied::Dead) }
    }
}
