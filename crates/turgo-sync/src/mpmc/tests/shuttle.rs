//! Random interleavings of more tasks than a model can have.

use turgo_machine::thread;

use crate::block::block_on;
use crate::mpmc::channel;
use crate::tests::probe::poll_idle;

/// Three senders, three receivers who give up now and then, little room.
#[test]
fn each_value_is_received_once() {
    ::shuttle::check_random(
        || {
            let (sender, receiver) = channel(2);
            let sends: Vec<_> = (0..3)
                .map(|index| {
                    let sender = sender.clone();
                    thread::spawn(move || {
                        for round in 0..6 {
                            block_on(sender.send(1_u64 << (index * 6 + round))).unwrap();
                        }
                    })
                })
                .collect();
            let receives: Vec<_> = (0..3)
                .map(|index| {
                    let receiver = receiver.clone();
                    thread::spawn(move || {
                        let mut sum = 0;
                        for round in 0.. {
                            let mut receive = Box::pin(receiver.recv());
                            if (round + index) % 3 == 0 {
                                if let std::task::Poll::Ready(Some(value)) = poll_idle(&mut receive)
                                {
                                    sum += value;
                                }
                                continue;
                            }
                            match block_on(receive) {
                                Some(value) => sum += value,
                                None => break,
                            }
                        }
                        sum
                    })
                })
                .collect();
            drop(sender);
            sends.into_iter().for_each(|thread| thread.join().unwrap());
            let sum: u64 = receives.into_iter().map(|thread| thread.join().unwrap()).sum();
            assert_eq!(sum, (1 << 18) - 1);
        },
        2000,
    );
}
