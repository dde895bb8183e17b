//! Tokens and the trees they are in.

use alloc::vec::Vec;

use turgo_machine::atomic::Ordering;
use turgo_machine::mutant;

use crate::access::{Access, Word};
use crate::brief::{Mutex, lock};
use crate::signals::Signals;

/// What the handles of a token have in common.
pub(super) struct Token<A: Access> {
    /// Not 0 once it is cancelled.
    cancelled: A::Word,
    handles: A::Word,
    pub(super) waiters: Signals<A>,
    /// The tree it was made in, and its place there, which is another's once it is out of the tree (T1).
    home: Option<Home<A>>,
}

/// A tree, and a place in it.
type Home<A> = (<A as Access>::Handle<Mutex<Tree<A>, A>>, usize);

/// Tokens by their places; the shape is in numbers, so that neither keeps the other alive.
pub(super) struct Tree<A: Access> {
    places: Vec<Place<A>>,
    /// The first place that is free.
    free: Option<usize>,
}

/// A place in a tree.
struct Place<A: Access> {
    /// Nothing if the place is free.
    token: Option<A::Handle<Token<A>>>,
    parent: Option<usize>,
    first_child: Option<usize>,
    previous: Option<usize>,
    /// The next child of the parent, the next of those who are being taken out, or the next place that is free.
    next: Option<usize>,
}

impl<A: Access> Token<A> {
    pub(super) fn new_root() -> A::Handle<Self> {
        let tree: Mutex<Tree<A>, A> = Mutex::with_fairness(Tree { places: Vec::new(), free: None });
        let tree = A::handle(tree);
        let mut held = lock(&tree);
        let (token, _) = held.add(&tree, None);
        drop(held);
        token
    }

    fn new(cancelled: bool, home: Option<Home<A>>) -> A::Handle<Self> {
        A::handle(Self {
            cancelled: A::Word::new(u64::from(cancelled)),
            handles: A::Word::new(1),
            waiters: Signals::new(),
            home,
        })
    }

    pub(super) fn new_child(&self) -> A::Handle<Self> {
        if let Some((tree, parent)) = &self.home {
            let mut held = lock(tree);
            // T2: asked while the tree is held.
            if !self.is_cancelled() {
                return held.add(tree, Some(*parent)).0;
            }
        }
        Self::new(true, None)
    }

    pub(super) fn is_cancelled(&self) -> bool {
        // Acquire: what was done before it was cancelled, from the Release in `take_out`.
        self.cancelled.load(Ordering::Acquire) != 0
    }

    pub(super) fn cancel(&self) {
        if self.is_cancelled() {
            return;
        }
        let Some((tree, place)) = &self.home else { return };
        let mut held = lock(tree);
        // Another may have been quicker.
        if self.is_cancelled() {
            return;
        }
        let taken = held.take_out(*place);
        drop(held);
        // T4: a place is free once its token is told.
        let mut rest = Rest { tree, taken };
        while let Some(token) = rest.next() {
            if mutant!("T4 a panic leaves the others") {
                let taken = rest.taken.take();
                token.waiters.notify_all();
                rest.taken = taken;
            } else {
                token.waiters.notify_all();
            }
        }
    }

    pub(super) fn add_handle(&self) {
        // Relaxed: the caller has one, so there is one.
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remove_handle(&self) {
        // AcqRel: the last comes after all others.
        if self.handles.fetch_sub(1, Ordering::AcqRel) != 1 {
            return;
        }
        let Some((tree, place)) = &self.home else { return };
        let mut held = lock(tree);
        // T1: out of the tree then.
        if self.is_cancelled() || mutant!("T1 left in the tree") {
            return;
        }
        let token = held.remove(*place);
        drop(held);
        drop(token);
    }

    /// How many tokens are in its tree, and how many places there are.
    #[cfg(all(test, not(any(loom, shuttle))))]
    pub(super) fn in_tree(&self) -> (usize, usize) {
        let Some((tree, _)) = &self.home else { return (0, 0) };
        let held = lock(tree);
        (held.places.iter().filter(|place| place.token.is_some()).count(), held.places.len())
    }
}

/// Those who were taken out of a tree and not told. They are when this is dropped, also by a waker that panics.
struct Rest<'a, A: Access> {
    tree: &'a Mutex<Tree<A>, A>,
    taken: Option<usize>,
}

impl<A: Access> Rest<'_, A> {
    fn next(&mut self) -> Option<A::Handle<Token<A>>> {
        let place = self.taken?;
        let (token, next) = lock(self.tree).release(place);
        self.taken = next;
        Some(token)
    }
}

impl<A: Access> Drop for Rest<'_, A> {
    fn drop(&mut self) {
        while let Some(token) = self.next() {
            token.waiters.notify_all();
        }
    }
}

impl<A: Access> Tree<A> {
    /// A new token below `parent`.
    fn add(
        &mut self,
        tree: &A::Handle<Mutex<Self, A>>,
        parent: Option<usize>,
    ) -> (A::Handle<Token<A>>, usize) {
        let here = match self.free {
            Some(here) => {
                self.free = self.places[here].next;
                here
            }
            None => {
                self.places.push(Place {
                    token: None,
                    parent: None,
                    first_child: None,
                    previous: None,
                    next: None,
                });
                self.places.len() - 1
            }
        };
        let token = Token::<A>::new(false, Some((tree.clone(), here)));
        self.places[here] = Place {
            token: Some(token.clone()),
            parent: None,
            first_child: None,
            previous: None,
            next: None,
        };
        self.hang(here, parent);
        (token, here)
    }

    /// Puts a place below `parent`, before its other children.
    fn hang(&mut self, here: usize, parent: Option<usize>) {
        let next = parent.and_then(|parent| self.places[parent].first_child.replace(here));
        if let Some(next) = next {
            self.places[next].previous = Some(here);
        }
        let place = &mut self.places[here];
        (place.parent, place.previous, place.next) = (parent, None, next);
    }

    /// Takes a place from below its parent.
    fn unhang(&mut self, here: usize) {
        let Place { parent, previous, next, .. } = self.places[here];
        match (previous, parent) {
            (Some(previous), _) => self.places[previous].next = next,
            (None, Some(parent)) => self.places[parent].first_child = next,
            (None, None) => {}
        }
        if let Some(next) = next {
            self.places[next].previous = previous;
        }
    }

    /// Takes a token without handles out: its children are its parent's then (T1).
    fn remove(&mut self, here: usize) -> Option<A::Handle<Token<A>>> {
        self.unhang(here);
        let parent = self.places[here].parent;
        let mut child = self.places[here].first_child.take();
        while let Some(place) = child {
            child = self.places[place].next;
            self.hang(place, parent);
        }
        self.free_place(here)
    }

    /// Cancels a token and all below it, and takes them out (T2). They hang together by `next`; answers the first.
    fn take_out(&mut self, root: usize) -> Option<usize> {
        self.unhang(root);
        self.places[root].next = None;
        let mut last = root;
        let mut next = Some(root);
        while let Some(here) = next {
            // Release: what was done before is visible to who finds it cancelled.
            if let Some(token) = &self.places[here].token {
                token.cancelled.store(1, Ordering::Release);
            }
            // The children go to the end of the line, with their own order.
            if let Some(child) = self.places[here].first_child.take()
                && !mutant!("T2 children are left out")
            {
                self.places[last].next = Some(child);
                last = child;
                while let Some(sibling) = self.places[last].next {
                    last = sibling;
                }
            }
            next = self.places[here].next;
        }
        Some(root)
    }

    /// A token that was taken out, whose place is free now, and the place of the next one.
    fn release(&mut self, here: usize) -> (A::Handle<Token<A>>, Option<usize>) {
        let next = self.places[here].next;
        let token = self.free_place(here).expect("taken out once, with its token");
        (token, next)
    }

    fn free_place(&mut self, here: usize) -> Option<A::Handle<Token<A>>> {
        let place = &mut self.places[here];
        let token = place.token.take();
        place.next = self.free.replace(here);
        token
    }
}
