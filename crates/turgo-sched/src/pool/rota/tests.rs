//! The queue of a node: its word, alone and as it meets with sleep.

use super::*;

fn rota() -> Rota {
    let tenancy = Tenancy { weights: [1, 2].into(), interleaving: Interleaving::Tijdeman };
    Rota::new(&tenancy, 0, 1, 7)
}

#[cfg(not(loom))]
#[test]
fn the_word_says_which_classes_have_something() {
    let rota = rota();
    assert!(rota.is_empty() && rota.pop(Class::Normal).is_none());
    rota.push(Class::Background, 1, 7);
    rota.push(Class::Normal, 0, 8);
    assert_eq!((rota.len(), rota.has(Class::High), rota.has(Class::Normal)), (2, false, true));
    assert_eq!(rota.pop(Class::Normal), Some((0, 8)));
    assert!(!rota.has(Class::Normal) && rota.has(Class::Background), "X1");
    assert_eq!(rota.pop(Class::Background), Some((1, 7)));
    assert!(rota.is_empty(), "X1");
}

#[cfg(loom)]
mod models {
    use loom::sync::Arc;
    use turgo_machine::thread;

    use super::*;
    use crate::layout::{Layout, WorkerId};
    use crate::sleep::{Pushed, Sleep};

    /// Whoever pushes sees the one that lies down, or that one finds the task: the word is written before the fence (X1).
    #[test]
    fn no_wakeup_is_lost() {
        let machine = turgo_machine::topology::Topology::simulate("1x2").expect("a machine");
        let layout = Layout::new(&machine, 2);
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(2);
        builder.check(move || {
            let (sleep, rota) = (Arc::new(Sleep::new(&layout)), Arc::new(rota()));
            let (others, place) = (Arc::clone(&sleep), Arc::clone(&rota));
            let finder = thread::spawn(move || {
                let me = WorkerId(0);
                // SAFETY: this is its thread.
                unsafe { others.introduce(me) };
                others.search(me);
                let mut found = place.pop(Class::Normal);
                while found.is_none() {
                    others.lie_down(me);
                    found = place.pop(Class::Normal);
                    if found.is_some() {
                        others.rise(me);
                    } else {
                        others.sleep(me);
                        found = place.pop(Class::Normal);
                    }
                }
                others.leave(me, || !place.is_empty());
                found
            });
            rota.push(Class::Normal, 1, 7);
            sleep.notify(NodeIndex(0), Pushed::Within);
            assert_eq!(finder.join().expect("a finder"), Some((1, 7)));
        });
    }
}
