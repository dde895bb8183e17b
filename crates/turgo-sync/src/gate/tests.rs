//! Tests of the gate by itself. What stands on it has its own.

mod loom;
