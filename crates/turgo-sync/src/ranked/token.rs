//! Ranks, the order between them, and the tokens that say what is held.

use core::fmt;
use core::marker::PhantomData;

/// A place in the order of locks. Made by [`lock_order!`](crate::lock_order!).
pub trait Rank: 'static {
    /// What messages call it.
    const NAME: &'static str;
}

/// A lock of this rank may be waited for by whoever holds locks of `Held`.
///
/// [`lock_order!`](crate::lock_order!) writes it for all pairs of a line. For an order that is not a line write the rest by hand; all pairs that are meant, not
/// only neighbours.
#[diagnostic::on_unimplemented(
    message = "a lock of rank `{Self}` must not be waited for while `{Held}` is held",
    label = "the order of locks says otherwise"
)]
pub trait LockAfter<Held> {}

/// Nothing is held.
#[derive(Debug)]
pub enum Unlocked {}

/// Locks of both are held, because the second was only tried and so need not come after the first.
#[derive(Debug)]
pub struct Both<A, B>(PhantomData<fn() -> (A, B)>);

impl<R: Rank> LockAfter<Unlocked> for R {}
impl<R: LockAfter<A> + LockAfter<B>, A, B> LockAfter<Both<A, B>> for R {}

/// Proof of what is held: the innermost lock is of rank `R`. It costs nothing at run time.
///
/// A task or thread makes one of them where it begins and holds nothing, and passes it down to whatever takes locks.
#[must_use = "without it no other lock can be taken"]
pub struct LockedAt<'a, R> {
    /// K1: the token it was got with.
    outer: PhantomData<&'a mut ()>,
    rank: PhantomData<fn() -> R>,
}

impl LockedAt<'static, Unlocked> {
    /// For the beginning of a task or thread.
    ///
    /// Made in the middle, while locks are held, it says what is not true, and the order is no longer checked.
    pub const fn nothing_held() -> Self {
        Self { outer: PhantomData, rank: PhantomData }
    }
}

impl<'a, R> LockedAt<'a, R> {
    /// For who has just taken a lock of this rank with `_outer`.
    pub(super) fn inside<H>(_outer: &'a mut LockedAt<'_, H>) -> Self {
        Self { outer: PhantomData, rank: PhantomData }
    }
}

impl<R> fmt::Debug for LockedAt<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LockedAt").field(&core::any::type_name::<R>()).finish()
    }
}

/// Declares ranks in the order in which their locks may be taken, the outermost first.
///
/// ```
/// use turgo_sync::ranked::LockAfter;
///
/// turgo_sync::lock_order! {
///     /// Ranks of the storage.
///     pub Catalog < Table < Page
/// }
///
/// fn may_be_taken_inside<Outer, Inner: LockAfter<Outer>>() {}
/// may_be_taken_inside::<Catalog, Page>();
/// ```
#[macro_export]
macro_rules! lock_order {
    ($(#[$attribute:meta])* $visibility:vis $first:ident $(< $rest:ident)*) => {
        $crate::lock_order!(@types [$(#[$attribute])*] [$visibility] $first $($rest)*);
        $crate::lock_order!(@pairs $first $($rest)*);
    };
    (@types [$($attribute:tt)*] [$visibility:vis]) => {};
    (@types [$($attribute:tt)*] [$visibility:vis] $rank:ident $($rest:ident)*) => {
        $($attribute)*
        #[derive(Debug)]
        $visibility enum $rank {}

        impl $crate::ranked::Rank for $rank {
            const NAME: &'static str = ::core::stringify!($rank);
        }

        $crate::lock_order!(@types [$($attribute)*] [$visibility] $($rest)*);
    };
    (@pairs) => {};
    (@pairs $outer:ident $($inner:ident)*) => {
        $(impl $crate::ranked::LockAfter<$outer> for $inner {})*
        $crate::lock_order!(@pairs $($inner)*);
    };
}
