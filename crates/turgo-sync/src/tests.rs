//! What the tests of the primitives share.

pub(crate) mod probe;
