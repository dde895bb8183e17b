//! Work that a revocation can wait for.

use core::fmt;
use core::marker::PhantomData;

use turgo_lockfree::rcu::{Domain, Guard};
use turgo_machine::mutant;

use super::Table;
use crate::audit::AuditLog;
use crate::denied::Denied;
use crate::handle::Handle;
use crate::rights::Rights;

/// That work was admitted, and goes on until this is dropped. It belongs to the thread that asked. While it is there, [`Table::revoke_sync`] waits.
#[must_use = "work is admitted for as long as this lives"]
pub struct Admission<'t> {
    handle: Handle,
    _section: Guard<'t, Domain>,
    /// The section belongs to this thread.
    _local: PhantomData<*mut ()>,
}

impl Admission<'_> {
    /// On whose behalf the work is done.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle
    }
}

impl fmt::Debug for Admission<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Admission").field(&self.handle).finish()
    }
}

impl<L: AuditLog> Table<L> {
    /// Admits a piece of work, such as a batch, if the capability has all of `need`: [`check`](Self::check), in a read section
    /// that lasts as long as the admission (T4). Wait-free after a thread's first call.
    ///
    /// Keep it short: a thread that stops within holds up every `revoke_sync` of the table.
    ///
    /// # Errors
    ///
    /// Why not.
    #[inline]
    pub fn admit(&self, handle: Handle, need: Rights) -> Result<Admission<'_>, Denied> {
        if mutant!("T4 the check comes before the section") {
            self.check(handle, need)?;
            let section = self.domain.read_lock();
            return Ok(Admission { handle, _section: section, _local: PhantomData });
        }
        let section = self.domain.read_lock();
        self.check(handle, need)?;
        Ok(Admission { handle, _section: section, _local: PhantomData })
    }
}
