//! Random interleavings of more than a model can have.

use turgo_machine::thread;

use crate::block::block_on;
use crate::oneshot::channel;
use crate::tests::probe::poll_idle;

#[test]
fn a_chain_of_channels_passes_a_value_on() {
    ::shuttle::check_random(
        || {
            let (first, mut last) = channel();
            let threads: Vec<_> = (0..4)
                .map(|index| {
                    let (sender, receiver) = channel();
                    let before = std::mem::replace(&mut last, receiver);
                    thread::spawn(move || {
                        let mut before = Box::pin(before);
                        if index % 2 == 0
                            && let std::task::Poll::Ready(value) = poll_idle(&mut before)
                        {
                            return sender.send(value.map_or(0, |value: u8| value + 1)).is_ok();
                        }
                        sender.send(block_on(before).map_or(0, |value| value + 1)).is_ok()
                    })
                })
                .collect();
            assert!(first.send(1).is_ok());
            assert_eq!(block_on(last), Ok(5));
            assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
        },
        2000,
    );
}
