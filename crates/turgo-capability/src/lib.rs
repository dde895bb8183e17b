//! Who may do what, how much, until when.
#![deny(unsafe_code)]
mod forest;
mod handle;
mod object;
mod rights;
mod slab;
mod state;
pub use handle::Handle;
pub use object::Object;
pub use rights::Rights;
