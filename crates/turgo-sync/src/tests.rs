//! What the tests of the primitives share.

#[cfg(not(any(loom, shuttle)))]
mod local;
pub(crate) mod probe;

/// Runs a test with and without atomics.
#[cfg(not(any(loom, shuttle)))]
macro_rules! both {
    ($($name:ident),* $(,)?) => { $(
        mod $name {
            #[test]
            fn shared() {
                super::$name::<crate::access::Shared>();
            }

            #[test]
            fn local() {
                super::$name::<crate::access::Local>();
            }
        }
    )* };
}

#[cfg(not(any(loom, shuttle)))]
pub(crate) use both;
