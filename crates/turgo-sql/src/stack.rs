//! Room for recursion: plans are trees, and DataFusion walks them by calling itself.

use crate::error::{Result, SqlError};

/// Stack for planning one statement. The parser bounds how long and how deep an expression is;
/// a debug build of DataFusion takes up to 100 KiB a level. Pages that are not touched cost nothing.
const STACK_BYTES: usize = 256 << 20;

/// Runs `plan` on a stack that is large enough for it.
///
/// # Errors
/// Those of `plan`, and when no thread can be started.
pub(crate) fn with_room<T: Send>(plan: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let planner = std::thread::Builder::new()
            .name("turgo-plan".into())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, plan)
            .map_err(|error| SqlError::new(format!("cannot start a thread to plan: {error}")))?;
        planner.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
