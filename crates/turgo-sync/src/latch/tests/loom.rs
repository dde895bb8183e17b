//! Models of the last that comes.

use std::sync::Arc;

use turgo_machine::cell::UnsafeCell;
use turgo_machine::thread;

use crate::block::block_on;
use crate::tests::probe::model;
use crate::{Latch, WaitGroup};

struct Checked(UnsafeCell<usize>);
// SAFETY: the models check it.
unsafe impl Sync for Checked {}
// SAFETY: the models check it.
unsafe impl Send for Checked {}

/// What all who came did before is seen by who waited.
#[test]
fn who_waits_comes_after_all() {
    model(2, || {
        let shared = Arc::new((Latch::new(2), [(); 2].map(|()| Checked(UnsafeCell::new(0)))));
        let waits = thread::spawn({
            let shared = shared.clone();
            move || {
                block_on(shared.0.wait());
                for cell in &shared.1 {
                    // SAFETY: checked by the model.
                    cell.0.with(|cell| assert_eq!(unsafe { *cell }, 1));
                }
            }
        });
        let comes = |index: usize| {
            let shared = shared.clone();
            move || {
                // SAFETY: checked by the model.
                shared.1[index].0.with_mut(|cell| unsafe { *cell = 1 });
                shared.0.count_down();
            }
        };
        let other = thread::spawn(comes(0));
        comes(1)();
        other.join().unwrap();
        waits.join().unwrap();
    });
}

/// Who waits for the first work is let go though more is added at once.
#[test]
fn more_work_keeps_nobody_who_waited() {
    model(3, || {
        let group = Arc::new(WaitGroup::new());
        group.add(1);
        let mut waits = Box::pin({
            let group = group.clone();
            async move { group.wait().await }
        });
        assert!(crate::tests::probe::poll_idle(&mut waits).is_pending());
        let waits = thread::spawn(move || block_on(waits));
        group.done();
        group.add(1);
        waits.join().unwrap();
    });
}
