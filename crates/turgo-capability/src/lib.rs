//! Who may do what, how much, until when: one check, cheap enough for every batch, that a revocation ends at once.
//!
//! A [`Table`] holds capabilities: [`Rights`] over an [`Object`], perhaps until a deadline, under a [`Caveat`], at a [`Rate`], with a budget
//! of gas. A component holds [`Handle`]s. It may pass on less than it has; revoking a capability ends all that was passed on from it, however much that is,
//! in the time of one store. A [`Message`] carries capabilities from one component to another.
//!
//! ```
//! use turgo_capability::{Denied, Grant, Object, Rights, Table};
//!
//! let table = Table::default();
//! let tenant = Object::prefix(7 << 47, 16);
//! let stream = Object::one(7 << 47 | 12);
//!
//! let admin = table.mint(7, Grant::new(Rights::ALL).object(tenant))?;
//! let session = table.delegate(admin, Grant::new(Rights::READ | Rights::GRANT))?;
//! let query = table.delegate(session, Grant::new(Rights::READ).object(stream))?;
//!
//! assert!(table.check_on(query, Rights::READ, stream).is_ok());
//! assert_eq!(table.check(query, Rights::WRITE), Err(Denied::Rights));
//!
//! table.revoke(session);
//! assert_eq!(table.check(query, Rights::READ), Err(Denied::Dead), "no child survives");
//! # Ok::<(), turgo_capability::GrantError>(())
//! ```
//!
//! What it does not do: it knows no users and no passwords. Whoever calls [`Table::mint`] has decided that already, and so has whoever issues a [`Token`], the
//! form in which a capability leaves the process (feature `token`). A [`Snapshot`] carries a table over a restart.
//!
//! Each module numbers its invariants; that of the forest argues the theorem that nothing passes after a revoke returned. The tests of the crate show
//! for each invariant a wrong version that they find. `docs/book/capability.md` follows a service from its start to its restart. A handle means something in its own table only: a service has one.

#![deny(unsafe_code)]

mod audit;
mod bytes;
mod denied;
mod epoch;
mod forest;
mod handle;
mod limit;
mod message;
mod object;
mod pause;
mod rights;
mod slab;
mod state;
mod table;
#[cfg(feature = "token")]
mod token;

pub use audit::{AuditLog, Change, NoAudit, Record, Refused, RingLog};
pub use denied::{Denied, GrantError};
pub use handle::Handle;
pub use limit::{Bucket, Caveat, GasTotals, Lease, Rate, Request, Throttled};
pub use message::{Message, Opened, Unfit, Unopened};
pub use object::Object;
pub use rights::Rights;
pub use table::{Admission, Config, Description, Grant, Statistics, Table};
pub use table::{KeepError, Kept, Restored, Snapshot, SnapshotError, SnapshotFault};
#[cfg(feature = "token")]
pub use token::{Exchange, Keys, Secret, Terms, Token, TokenError, TokenText};

#[cfg(all(doctest, feature = "token"))]
#[doc = include_str!("../../../docs/book/capability.md")]
struct Book;
