//! Settings that are read by every request and replaced now and then, as a whole.
//!
//! `cargo run --release -p turgo-lockfree --example settings`
//!
//! A reader costs two plain stores and a load, takes no lock, and never sees half of a change. The old settings are freed when
//! the last reader that may have seen them is done.

use std::thread;

use turgo_lockfree::RcuCell;

/// What belongs together: a reader must never see the limit of one version and the name of another.
#[derive(Debug, PartialEq)]
struct Settings {
    version: u64,
    limit: u64,
    name: String,
}

impl Settings {
    fn of(version: u64) -> Self {
        Self { version, limit: version * 100, name: format!("settings {version}") }
    }
}

const VERSIONS: u64 = 200;
const READERS: usize = 3;

fn main() {
    let settings = RcuCell::new(Settings::of(0));
    let readings: u64 = thread::scope(|scope| {
        let reader = || {
            let (mut readings, mut newest) = (0_u64, 0);
            while newest < VERSIONS {
                newest = settings.read(|now| {
                    assert_eq!(*now, Settings::of(now.version), "a reader sees one whole version");
                    assert!(now.version >= newest, "and never an older one than before");
                    now.version
                });
                readings += 1;
            }
            readings
        };
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(reader)).collect();
        for version in 1..=VERSIONS {
            // What `swap` returns is the old version, still readable until it is dropped.
            let before = settings.swap(Settings::of(version));
            assert_eq!(before.version, version - 1);
            thread::yield_now();
        }
        readers.into_iter().map(|reader| reader.join().expect("a reader does not panic")).sum()
    });
    println!("{READERS} readers saw {VERSIONS} versions in {readings} readings, none of them torn");
}

#[cfg(not(any(loom, shuttle)))]
#[test]
fn settings_are_never_torn() {
    main();
}
