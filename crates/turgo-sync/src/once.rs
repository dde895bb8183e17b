//! Cells that are set once: an [`OnceCell`] by whoever needs its value first, a [`SetOnce`] by somebody else. Names, signatures and results
//! are those of `tokio::sync`.
//!
//! Most programs name [`turgo_sync::OnceCell`](crate::OnceCell) and [`turgo_sync::SetOnce`](crate::SetOnce), or those of
//! [`turgo_sync::local`](crate::local) for the tasks of one thread. They are the types of these modules.

mod once_cell;
mod set_once;
#[cfg(test)]
mod tests;

pub use once_cell::{OnceCell, SetError};
pub use set_once::{SetOnce, SetOnceError};
