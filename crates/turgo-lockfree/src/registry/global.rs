//! A domain that the whole process has, and the way of a thread to its record in it: one load.

/// `GLOBAL`, the domain that `$new` makes; `record()`, the calling thread's record in it; and `DOMAINS`, the thread's records in all
/// other domains of that kind.
macro_rules! global_domain {
    ($inner:ty, $payload:ty, $new:expr) => {
        #[cfg(not(any(loom, shuttle)))]
        static GLOBAL: $inner = $new;

        #[cfg(loom)]
        loom::lazy_static! {
            static ref GLOBAL: $inner = $new;
        }

        #[cfg(all(shuttle, not(loom)))]
        shuttle::lazy_static! {
            static ref GLOBAL: $inner = $new;
        }

        #[cfg(all(feature = "std", not(any(loom, shuttle))))]
        turgo_machine::thread::thread_local! {
            /// The calling thread's record: no destructor, so no check whether it ran.
            static HOT: core::cell::Cell<*const $crate::registry::Record<$payload>> =
                const { core::cell::Cell::new(core::ptr::null()) };
        }

        #[cfg(any(loom, shuttle))]
        turgo_machine::thread::thread_local! {
            static HOT: core::cell::Cell<*const $crate::registry::Record<$payload>> =
                core::cell::Cell::new(core::ptr::null());
        }

        #[cfg(any(feature = "std", loom, shuttle))]
        turgo_machine::thread::thread_local! {
            static EXIT: $crate::registry::Exit<$inner> = $crate::registry::Exit::new(|| {
                let _ = HOT.try_with(|hot| hot.set(core::ptr::null()));
            });
        }

        #[cfg(all(feature = "std", not(any(loom, shuttle))))]
        turgo_machine::thread::thread_local! {
            pub(super) static DOMAINS: $crate::registry::LocalTable<$inner> =
                const { $crate::registry::LocalTable::new() };
        }

        #[cfg(any(loom, shuttle))]
        turgo_machine::thread::thread_local! {
            pub(super) static DOMAINS: $crate::registry::LocalTable<$inner> =
                $crate::registry::LocalTable::new();
        }

        /// The calling thread's record, unless it is ending.
        #[cfg(any(feature = "std", loom, shuttle))]
        #[inline(always)]
        fn record() -> Option<&'static $crate::registry::Record<$payload>> {
            let hot = HOT.with(core::cell::Cell::get);
            // SAFETY: G1, the domain is never dropped; `HOT` is set to a record of it or null.
            unsafe { hot.as_ref() }.or_else(join)
        }

        #[cfg(not(any(feature = "std", loom, shuttle)))]
        fn record() -> Option<&'static $crate::registry::Record<$payload>> {
            None
        }

        #[cfg(any(feature = "std", loom, shuttle))]
        #[cold]
        fn join() -> Option<&'static $crate::registry::Record<$payload>> {
            let record = EXIT.try_with(|exit| exit.join(&GLOBAL)).ok()?;
            HOT.with(|hot| hot.set(record));
            Some(record)
        }
    };
}

pub(crate) use global_domain;
