//! Planted mistakes: each numbered invariant of a concurrent module has a wrong version of the code that keeps it, and a test that
//! must find that version.
//!
//! `mutant!("name")` is `false` in every build but one with `--cfg mutants`, where it is `true` for the name in the environment
//! variable `TURGO_MUTANT`: one build serves all mutants. `cargo xtask mutants` runs them.

/// Whether the wrong version of this name was asked for; a constant `false` without `--cfg mutants`.
///
/// ```
/// use turgo_machine::mutant;
/// assert!(!mutant!("an example"));
/// ```
#[macro_export]
macro_rules! mutant {
    ($name:literal) => {
        $crate::mutant::selected($name)
    };
}

/// What [`mutant!`](crate::mutant!) expands to.
#[cfg(not(mutants))]
#[inline(always)]
#[must_use]
pub const fn selected(_name: &str) -> bool {
    false
}

/// What [`mutant!`](crate::mutant!) expands to.
#[cfg(mutants)]
#[must_use]
pub fn selected(name: &str) -> bool {
    // LOCK: only in builds with planted mistakes; taken once.
    static CHOSEN: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    CHOSEN.get_or_init(|| std::env::var("TURGO_MUTANT").ok()).as_deref() == Some(name)
}
