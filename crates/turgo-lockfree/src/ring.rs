//! Bounded rings between threads whose number is known: one producer and one consumer.
//!
//! A ring for any number of producers and consumers is [`ArrayQueue`](crate::queue::ArrayQueue).

pub mod spsc;
