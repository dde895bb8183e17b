//! Random interleavings of more tasks than a model can have.

use turgo_machine::thread;

use crate::CancellationToken;
use crate::block::block_on;

#[test]
fn all_below_are_cancelled_whatever_happens_meanwhile() {
    ::shuttle::check_random(
        || {
            let root = CancellationToken::new();
            let threads: Vec<_> = (0..3)
                .map(|index| {
                    let root = root.clone();
                    thread::spawn(move || {
                        let parent = root.child_token();
                        drop(root);
                        let child = parent.child_token();
                        let sibling = parent.child_token();
                        drop(parent);
                        if index == 0 {
                            sibling.cancel();
                        }
                        drop(sibling);
                        block_on(child.cancelled());
                    })
                })
                .collect();
            root.cancel();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        },
        2000,
    );
}
