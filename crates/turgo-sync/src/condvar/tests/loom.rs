//! Models of notifications that meet waits which begin and end.

use std::sync::Arc;

use turgo_machine::thread;

use crate::block::block_on;
use crate::tests::probe::{model, poll_idle};
use crate::{Condvar, Mutex};

/// Who changes the condition under the mutex and notifies afterwards meets who waits.
#[test]
fn a_change_under_the_mutex_is_not_missed() {
    model(2, || {
        let shared = Arc::new((Mutex::new(false), Condvar::new()));
        let waits = thread::spawn({
            let shared = shared.clone();
            move || {
                let (mutex, condvar) = &*shared;
                let wait = async {
                    let guard = mutex.lock().await;
                    *condvar.wait_while(guard, |done| !*done).await
                };
                assert!(block_on(wait));
            }
        });
        block_on(async { *shared.0.lock().await = true });
        shared.1.notify_one();
        waits.join().unwrap();
    });
}

/// A notification meets a wait that is dropped, behind which another waits.
#[test]
fn a_notification_outlives_a_wait_that_is_dropped() {
    model(2, || {
        let shared: &'static (Mutex<()>, Condvar) =
            Box::leak(Box::new((Mutex::new(()), Condvar::new())));
        let wait = || {
            let mut wait = Box::pin(shared.1.wait(shared.0.try_lock().unwrap()));
            assert!(poll_idle(&mut wait).is_pending());
            wait
        };
        let (mut gives_up, mut next) = (wait(), wait());
        let drops = thread::spawn(move || {
            _ = poll_idle(&mut gives_up).is_pending();
            drop(gives_up);
        });
        shared.1.notify_one();
        shared.1.notify_one();
        drops.join().unwrap();
        assert!(poll_idle(&mut next).is_ready());
    });
}
