//! The primitives for tasks on any thread.

use crate::access::Shared;
use crate::fairness::Fifo;
use crate::names::names;
use crate::{
    atomic_waker, barrier, condvar, event, latch, mutex, notify, once, rwlock, semaphore,
    waiter_queue,
};

names!(Shared);
