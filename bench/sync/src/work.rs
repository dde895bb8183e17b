//! Pieces of work over one shared structure.

use std::sync::Arc;

use crate::measure::Work;

/// The same work for every thread.
pub(crate) fn shared<T: Send + Sync + 'static>(
    threads: usize,
    value: T,
    work: impl Fn(&T, u64) -> u64 + Copy + Send + 'static,
) -> Vec<Work> {
    let value = Arc::new(value);
    (0..threads)
        .map(|_| {
            let value = Arc::clone(&value);
            Box::new(move |operations| work(&value, operations)) as Work
        })
        .collect()
}
