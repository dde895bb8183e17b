//! Locks that are taken in one order everywhere, so that no two tasks can wait for each other.
//!
//! Where the order is known when the program is written, ranks are types, and taking locks in the wrong order *does not compile*: [`Ranked`],
//! with tokens that say what is held, after the `lock_ordering` and `lock_sequence` libraries of Fuchsia. Where it is not, a
//! [`Level`] is a number, and a witness in the manner of FreeBSD's `WITNESS(4)` keeps a list of what each thread holds: [`Watched`].
//!
//! ```
//! use turgo_sync::Mutex;
//! use turgo_sync::ranked::{LockedAt, Ranked};
//!
//! turgo_sync::lock_order! { pub Catalog < Table < Page }
//!
//! static CATALOG: Ranked<Mutex<u32>, Catalog> = Ranked::new(Mutex::const_new(1));
//! static PAGE: Ranked<Mutex<u32>, Page> = Ranked::new(Mutex::const_new(2));
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
//! # runtime.block_on(async {
//! let mut held = LockedAt::nothing_held();
//! let (catalog, mut held) = CATALOG.lock(&mut held).await;
//! let (page, _held) = PAGE.lock(&mut held).await;
//! assert_eq!(*catalog + *page, 3);
//! # });
//! ```
//!
//! The other way round there is no such function:
//!
//! ```compile_fail,E0277
//! # use turgo_sync::Mutex;
//! # use turgo_sync::ranked::{LockedAt, Ranked};
//! turgo_sync::lock_order! { pub Catalog < Table < Page }
//! static CATALOG: Ranked<Mutex<u32>, Catalog> = Ranked::new(Mutex::const_new(1));
//! static PAGE: Ranked<Mutex<u32>, Page> = Ranked::new(Mutex::const_new(2));
//!
//! let mut held = LockedAt::nothing_held();
//! let (page, mut held) = PAGE.blocking_lock(&mut held);
//! let (catalog, _held) = CATALOG.blocking_lock(&mut held); // Catalog comes before Page.
//! ```
//!
//! Nor can what was known before the first lock be used for the second:
//!
//! ```compile_fail,E0499
//! # use turgo_sync::Mutex;
//! # use turgo_sync::ranked::{LockedAt, Ranked};
//! turgo_sync::lock_order! { pub Catalog < Table < Page }
//! static CATALOG: Ranked<Mutex<u32>, Catalog> = Ranked::new(Mutex::const_new(1));
//! static PAGE: Ranked<Mutex<u32>, Page> = Ranked::new(Mutex::const_new(2));
//!
//! let mut held = LockedAt::nothing_held();
//! let (page, _inner) = PAGE.blocking_lock(&mut held);
//! let (catalog, _inner) = CATALOG.blocking_lock(&mut held); // `held` is lent to the guard of the page.
//! drop(page);
//! ```
//!
//! # Invariants
//!
//! - **K1** A guard that is got with a token keeps that token borrowed, and comes with one of the lock's own rank. So whoever holds a lock has no
//!   token but those that know of it.
//! - **K2** What a thread holds of [`Watched`] locks is in its list, a lock that was only tried, too.
//! - **K3** A violation is reported before the lock is waited for; and whoever comes back from taking a lock has it.
//! - **K4** Locks of one level are taken in the order of their addresses. Those of no level, in any order.

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
mod pi;
mod token;
mod typed;
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
mod witness;

#[cfg(all(feature = "std", not(any(loom, shuttle))))]
pub use pi::{Inheritance, OwnerDied, PiMutex, PiMutexGuard, inheritance};
pub use token::{Both, LockAfter, LockedAt, Rank, Unlocked};
#[cfg(feature = "std")]
pub use typed::BlockingLock;
pub use typed::Ranked;
#[cfg(all(feature = "std", not(any(loom, shuttle))))]
pub use witness::{Held, Level, Violation, Watched, WatchedGuard, set_hook};
