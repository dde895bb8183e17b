//! A read section, and what it leaves to be retired behind it.

use turgo_machine::mutant;

use super::list::Unlinked;
use crate::reclaim::Reclaim;

/// Ends its read section when it is dropped, and only then retires what was unlinked in it (M6).
pub(super) struct Session<'m, R: Reclaim + 'm> {
    reclaim: &'m R,
    /// Taken when the session ends.
    guard: Option<R::Guard<'m>>,
    pub(super) unlinked: Unlinked,
}

impl<'m, R: Reclaim> Session<'m, R> {
    #[inline]
    pub(super) fn new(reclaim: &'m R) -> Self {
        Self { reclaim, guard: Some(reclaim.enter()), unlinked: Unlinked::default() }
    }

    #[inline(always)]
    pub(super) fn guard(&self) -> &R::Guard<'m> {
        self.guard.as_ref().expect("it is taken when the session ends")
    }
}

impl<'m, R: Reclaim + 'm> Drop for Session<'m, R> {
    #[inline]
    fn drop(&mut self) {
        if !mutant!("M6 retired in the section") {
            self.guard = None;
        }
        while let Some(entry) = self.unlinked.pop() {
            // SAFETY: M2, this session unlinked it, so nobody finds it any more and nobody else retires it. Keys and values are `Send` and
            // `'static` by the map's bounds.
            unsafe { self.reclaim.retire_raw(entry) };
        }
    }
}
