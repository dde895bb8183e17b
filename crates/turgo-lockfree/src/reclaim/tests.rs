//! What every domain must do, tried on a stack of canaries.

mod canary;
mod stack;
mod stress;
