//! Random interleavings of more tasks than a model can have.

use turgo_machine::thread;

use crate::block::block_on;
use crate::watch::channel;

#[test]
fn many_watch_and_see_the_last() {
    ::shuttle::check_random(
        || {
            let (sender, receiver) = channel(0);
            let watches: Vec<_> = (0..3)
                .map(|_| {
                    let mut receiver = receiver.clone();
                    thread::spawn(move || {
                        let mut last = 0;
                        while block_on(receiver.changed()).is_ok() {
                            let now = *receiver.borrow_and_update();
                            assert!(now > last, "no value is seen twice");
                            last = now;
                        }
                        last
                    })
                })
                .collect();
            drop(receiver);
            let other = sender.clone();
            let sends =
                thread::spawn(move || (0..3).for_each(|_| other.send_modify(|it| *it += 1)));
            (0..3).for_each(|_| sender.send_modify(|it| *it += 1));
            drop(sender);
            sends.join().unwrap();
            watches.into_iter().for_each(|watch| assert_eq!(watch.join().unwrap(), 6));
        },
        2000,
    );
}
