//! Random interleavings of more tasks than a model can have.

use turgo_machine::thread;

use crate::block::block_on;
use crate::broadcast::channel;
use crate::broadcast::error::RecvError;

#[test]
fn what_is_received_and_missed_is_all_that_was_sent() {
    ::shuttle::check_random(
        || {
            let (sender, receiver) = channel(2);
            let receives: Vec<_> = (0..2)
                .map(|_| {
                    let mut receiver = receiver.resubscribe();
                    thread::spawn(move || {
                        let mut count = 0;
                        loop {
                            match block_on(receiver.recv()) {
                                Ok(_) => count += 1,
                                Err(RecvError::Lagged(missed)) => count += missed,
                                Err(RecvError::Closed) => return count,
                            }
                        }
                    })
                })
                .collect();
            drop(receiver);
            let other = sender.clone();
            let sends = thread::spawn(move || (0..4).for_each(|it| _ = other.send(it).unwrap()));
            (0..4).for_each(|it| _ = sender.send(it).unwrap());
            drop(sender);
            sends.join().unwrap();
            receives.into_iter().for_each(|count| assert_eq!(count.join().unwrap(), 8));
        },
        1000,
    );
}
