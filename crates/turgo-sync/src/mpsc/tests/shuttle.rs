//! Random interleavings of more tasks than a model can have.

use turgo_machine::thread;

use crate::block::block_on;
use crate::mpsc::channel;
use crate::tests::probe::poll_idle;

/// Four senders with little room, some of whom give up now and then; the receiver closes in the middle or takes all.
#[test]
fn what_is_accepted_is_received() {
    ::shuttle::check_random(|| run(false), 2000);
    ::shuttle::check_random(|| run(true), 2000);
}

fn run(closes: bool) {
    let (sender, mut receiver) = channel(2);
    let threads: Vec<_> = (0..4_u64)
        .map(|index| {
            let sender = sender.clone();
            thread::spawn(move || {
                let mut accepted = 0;
                for round in 0..6 {
                    if (index + round) % 3 == 0 {
                        _ = poll_idle(&mut Box::pin(sender.reserve()));
                    } else if block_on(sender.send(index << 8 | round)).is_ok() {
                        accepted += 1;
                    }
                }
                accepted
            })
        })
        .collect();
    drop(sender);
    let mut received = 0;
    let mut last = [None; 4];
    while let Some(value) = block_on(receiver.recv()) {
        let (index, round) = ((value >> 8) as usize, value & 0xff);
        assert!(last[index].replace(round) < Some(round), "each sender's in order");
        received += 1;
        if closes && received == 5 {
            receiver.close();
        }
    }
    let accepted: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(accepted, received);
    assert_eq!(receiver.capacity(), 2);
}
