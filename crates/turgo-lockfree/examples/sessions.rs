//! A table of sessions: looked up by every request, renewed by some, swept of what has expired.
//!
//! `cargo run --release -p turgo-lockfree --example sessions`
//!
//! Lookups take no lock and do not wait for whoever changes the table. Counters and a histogram that each thread has its own part of say
//! what happened, without threads contending for them.

use std::thread;
use std::time::Duration;

use turgo_lockfree::counter::{Counter, Histogram};
use turgo_lockfree::map::RcuHashMap;
use turgo_machine::clock::VirtualTime;

#[derive(Debug, Clone, Copy)]
struct Session {
    user: u64,
    /// Nanoseconds.
    expires: u64,
}

const SERVERS: u64 = 3;
const REQUESTS: u64 = 30_000;
/// Users that are there at a time; one leaves and another one comes every so many requests of a server.
const PRESENT: u64 = 50;
const STAY: u64 = 30;
const USERS: u64 = REQUESTS / STAY + PRESENT - 1;
/// Nanoseconds that a session lives without a request.
const LIFE: u64 = 2_000;

fn main() {
    let time = VirtualTime::new();
    let sessions: RcuHashMap<u64, Session> = RcuHashMap::new();
    let (found, begun, expired) = (Counter::new(), Counter::new(), Counter::new());
    let ages = Histogram::new();

    thread::scope(|scope| {
        let serve = |server| {
            let (sessions, time) = (&sessions, &time);
            let (found, begun, ages) = (&found, &begun, &ages);
            scope.spawn(move || {
                for request in 0..REQUESTS {
                    let user = request / STAY + (request * 7 + server * 13) % PRESENT;
                    let now = time.advance(Duration::from_nanos(1));
                    let known = sessions.read(&user, |session| {
                        assert_eq!(session.user, user, "a key leads to its own value");
                        session.expires
                    });
                    match known.filter(|expires| *expires > now) {
                        Some(expires) => {
                            found.increment();
                            ages.record(LIFE.saturating_sub(expires - now));
                        }
                        None => begun.increment(),
                    }
                    let renewed = |old: Option<&Session>| {
                        let expires = old.map_or(0, |old| old.expires).max(now + LIFE);
                        Session { user, expires }
                    };
                    sessions.upsert(user, renewed);
                }
            })
        };
        let servers: Vec<_> = (0..SERVERS).map(serve).collect();
        let (sessions, time, expired) = (&sessions, &time, &expired);
        let sweeper = scope.spawn(move || {
            while time.now_ns() < SERVERS * REQUESTS {
                (0..USERS).for_each(|user| sweep(sessions, user, time.now_ns(), expired));
                thread::yield_now();
            }
        });
        for thread in servers.into_iter().chain([sweeper]) {
            thread.join().expect("a server has panicked");
        }
    });

    assert_eq!(found.sum() + begun.sum(), SERVERS * REQUESTS, "every request was counted");
    assert!(begun.sum() >= USERS, "each user began a session");
    assert_eq!(ages.snapshot().count(), found.sum());
    let left =
        sessions.pin().iter().inspect(|(user, session)| assert_eq!(**user, session.user)).count();
    assert_eq!(left, sessions.len());
    println!(
        "{} requests found a session, {} began one; {} expired, {left} at the end; median age {} ns",
        found.sum(),
        begun.sum(),
        expired.sum(),
        ages.snapshot().quantile(0.5).unwrap_or(0),
    );
}

/// Removes a user's session if it has expired `now`. The table asks again when it removes: one renewed meanwhile stays.
fn sweep(sessions: &RcuHashMap<u64, Session>, user: u64, now: u64, expired: &Counter) {
    if sessions.remove_if(&user, |session| session.expires <= now) {
        expired.increment();
    }
}

#[cfg(not(any(loom, shuttle)))]
#[test]
fn requests_find_their_sessions() {
    main();
}
