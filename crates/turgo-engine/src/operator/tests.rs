//! Windows and aggregates, driven without a runtime, against a model that keeps every row.

mod aggregates;
mod assign_windows;
mod changes;
mod distinct;
mod drive;
mod held;
mod late;
mod model;
mod over;
mod restore;
mod sessions;
