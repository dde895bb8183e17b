//! How much and under which conditions: caveats, rates, gas. Deadlines are the forest's (F7).

mod caveat;
mod gas;
mod rate;

pub(crate) use caveat::BadCaveat;
pub use caveat::{Caveat, Request};
pub(crate) use gas::{Account, Treasury};
pub use gas::{GasTotals, Lease};
pub use rate::{Bucket, Rate, Throttled};
