//! Asking whether a capability does.

use super::Table;
use crate::audit::AuditLog;
use crate::denied::Denied;
use crate::epoch::Effective;
use crate::handle::Handle;
use crate::limit::Request;
use crate::object::Object;
use crate::rights::Rights;

/// How far ahead of the check a slot's line is asked for.
const AHEAD: usize = 12;

impl<L: AuditLog> Table<L> {
    /// Whether a capability is valid and has all of `need`. Wait-free: a few loads and two compares where it was checked since the last revocation
    /// in its shard, a walk to the root otherwise.
    ///
    /// # Errors
    ///
    /// Why not. [`Denied::Caveat`] where it has caveats, which only [`check_request`](Self::check_request) can ask.
    #[inline]
    pub fn check(&self, handle: Handle, need: Rights) -> Result<(), Denied> {
        if self.forest.vouches(handle, need) {
            return Ok(());
        }
        self.check_slow(handle, need)
    }

    /// What there is no stamp for, and what is denied.
    #[cold]
    fn check_slow(&self, handle: Handle, need: Rights) -> Result<(), Denied> {
        let effective = self.forest.effective(handle).ok_or(Denied::Dead)?;
        Self::permit(effective, need)
    }

    fn permit(effective: Effective, need: Rights) -> Result<(), Denied> {
        if !effective.rights.contains(need) {
            return Err(Denied::Rights);
        }
        if effective.caveats && !turgo_machine::mutant!("T3 caveats are not asked") {
            return Err(Denied::Caveat);
        }
        Ok(())
    }

    /// [`check`](Self::check), and whether it is for this object.
    ///
    /// # Errors
    ///
    /// Why not.
    #[inline]
    pub fn check_on(&self, handle: Handle, need: Rights, object: Object) -> Result<(), Denied> {
        self.check(handle, need)?;
        let own = self.forest.object(handle).ok_or(Denied::Dead)?;
        if own.covers(object) { Ok(()) } else { Err(Denied::Object) }
    }

    /// [`check`](Self::check) with the caveats of the capability and of all its ancestors, and with the object if the request names one.
    /// The table's clock says what time it is, unless the request does. Wait-free but for the lookup of caveats.
    ///
    /// # Errors
    ///
    /// Why not.
    pub fn check_request(
        &self,
        handle: Handle,
        need: Rights,
        request: &Request,
    ) -> Result<(), Denied> {
        let effective = self.forest.effective(handle).ok_or(Denied::Dead)?;
        if !effective.rights.contains(need) {
            return Err(Denied::Rights);
        }
        if let Some(object) = request.named_object()
            && !self.forest.object(handle).ok_or(Denied::Dead)?.covers(object)
        {
            return Err(Denied::Object);
        }
        if !effective.caveats {
            return Ok(());
        }
        let timed;
        let request = match request.time() {
            Some(_) => request,
            None => {
                timed = request.clone().at(self.now_ns());
                &timed
            }
        };
        let mut at_root = false;
        for ancestor in self.forest.ancestry(handle) {
            at_root = ancestor.parent.is_none();
            if !ancestor.word.has_caveats() {
                continue;
            }
            let limits = self.limits_of(ancestor.handle).ok_or(Denied::Dead)?;
            if !limits.caveat.as_ref().is_some_and(|caveat| caveat.holds(request)) {
                return Err(Denied::Caveat);
            }
            if turgo_machine::mutant!("V1 caveats of ancestors are forgotten") {
                return Ok(());
            }
        }
        // The walk ends early where somebody died meanwhile.
        if at_root { Ok(()) } else { Err(Denied::Dead) }
    }

    /// [`check`](Self::check) for a column of capabilities, each answer in its place in `allowed`. How many passed. Nothing passes that was revoked before the
    /// call. The lines of those to come are asked for ahead, so that a column that is spread over a large table does not wait for each.
    ///
    /// # Panics
    ///
    /// If `allowed` is not as long as `handles`.
    pub fn check_batch(&self, handles: &[Handle], need: Rights, allowed: &mut [bool]) -> usize {
        assert_eq!(handles.len(), allowed.len(), "an answer for each");
        let mut passed = 0;
        for (at, (handle, allowed)) in handles.iter().zip(allowed).enumerate() {
            if let Some(ahead) = handles.get(at + AHEAD) {
                self.forest.slab().prefetch(*ahead);
            }
            *allowed = self.check(*handle, need).is_ok();
            passed += usize::from(*allowed);
        }
        passed
    }
}
