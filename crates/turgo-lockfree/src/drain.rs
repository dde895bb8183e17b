//! Emptying a structure whose items may panic when they are dropped.

/// Drops all that `next` gives. Where a drop panics the others are dropped while the panic passes on; a second panic ends the process.
pub(crate) fn drop_all<T, F: FnMut() -> Option<T>>(next: F) {
    struct Rest<T, F: FnMut() -> Option<T>>(F);

    impl<T, F: FnMut() -> Option<T>> Rest<T, F> {
        fn drop_each(&mut self) {
            while (self.0)().is_some() {}
        }
    }

    impl<T, F: FnMut() -> Option<T>> Drop for Rest<T, F> {
        fn drop(&mut self) {
            self.drop_each();
        }
    }

    Rest(next).drop_each();
}
