//! A token verified: ours, the same chain over HMAC-SHA256, and biscuit.

use std::hint::black_box;
use std::time::{Duration, SystemTime};

use biscuit_auth::builder::AuthorizerBuilder;
use biscuit_auth::macros::{biscuit, block};
use biscuit_auth::{AuthorizerLimits, Biscuit, KeyPair};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use turgo_capability::{Exchange, Grant, Keys, Object, Rights, Secret, Table, Terms, Token};

use bench_harness::{Case, Work};

pub(crate) fn tokens() -> Vec<Case> {
    vec![
        Case { name: "turgo, 1 block", make: ours::<1> },
        Case { name: "turgo, 3 blocks", make: ours::<3> },
        Case { name: "turgo, first time", make: first },
        Case { name: "BLAKE3 chain, 3 blocks", make: blake3_chain },
        Case { name: "HMAC-SHA256 chain, 3 blocks", make: hmac_chain },
        Case { name: "biscuit verify, 1 block", make: verified::<1> },
        Case { name: "biscuit verify, 3 blocks", make: verified::<3> },
        Case { name: "biscuit verify, authorize", make: authorized },
    ]
}

fn work(mut each: impl FnMut() -> bool + Send + 'static) -> Vec<Work> {
    vec![Box::new(move |operations| (0..operations).filter(|_| each()).count() as u64)]
}

fn hour() -> SystemTime {
    SystemTime::now() + Duration::from_secs(3_600)
}

struct House {
    table: Table,
    root: turgo_capability::Handle,
    door: Exchange,
}

fn house() -> House {
    let table = Table::default();
    let root = table.mint(7, Grant::new(Rights::ALL)).expect("an empty table");
    let secret = Secret::generate().expect("the system has random numbers");
    House { table, root, door: Exchange::new(Keys::new(1, &secret), 1 << 20) }
}

impl House {
    fn token(&self, blocks: usize) -> Token {
        let terms = Terms::new().rights(Rights::READ).object(Object::one(9)).until(hour());
        let token = self.door.issue(7, terms).expect("it has rights and an end");
        (1..blocks).fold(token, |token, _| {
            token.narrow(Terms::new().rights(Rights::READ)).expect("less than 16 blocks")
        })
    }

    fn enter(&self, text: &str, now: SystemTime) -> bool {
        let entered = self.door.exchange(&self.table, text, now, |_| Some(self.root));
        black_box(entered).is_ok()
    }
}

/// Read, verified, and found again.
fn ours<const BLOCKS: usize>(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 1);
    let house = house();
    let text = house.token(BLOCKS).text();
    let now = SystemTime::now();
    work(move || house.enter(black_box(text.expose()), now))
}

/// Issued, read, verified, exchanged and revoked, each of one block.
fn first(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 1);
    let mut house = house();
    let now = SystemTime::now();
    let mut turns = 0;
    work(move || {
        turns += 1;
        if turns % 10_000 == 0 {
            house = self::house();
        }
        let text = house.token(1).text();
        house.enter(text.expose(), now)
    })
}

/// As many bytes as a token's head and blocks have.
const BLOCKS: [&[u8]; 3] = [&[7; 48], &[1; 3], &[1; 3]];

fn blake3_chain(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 1);
    let tag = |key: [u8; 32]| {
        BLOCKS.iter().fold(key, |key, block| *blake3::keyed_hash(&key, block).as_bytes())
    };
    let right = blake3::Hash::from_bytes(tag([5; 32]));
    work(move || right == tag(black_box([5; 32])))
}

fn hmac_chain(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 1);
    let tag = |key: [u8; 32]| {
        BLOCKS.iter().fold(key, |key, block| {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length will do");
            mac.update(block);
            mac.finalize().into_bytes().into()
        })
    };
    let right = tag([5; 32]);
    work(move || {
        let mut mac = Hmac::<Sha256>::new_from_slice(&[5; 32]).expect("any length will do");
        mac.update(BLOCKS[0]);
        let tag = black_box(tag(black_box([5; 32])));
        black_box(&mac);
        tag == right
    })
}

fn issued(blocks: usize) -> (Vec<u8>, KeyPair) {
    let key = KeyPair::new();
    let token =
        biscuit!(r#"tenant(7); right("read", 9); check if time($t), $t < 2100-01-01T00:00:00Z;"#);
    let token = token.build(&key).expect("it is well-formed");
    let narrow = |token: Biscuit, _| {
        token.append(block!(r#"check if operation("read");"#)).expect("it can be narrowed")
    };
    let token = (1..blocks).fold(token, narrow);
    (token.to_vec().expect("it can be written"), key)
}

fn verified<const BLOCKS: usize>(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 1);
    let (bytes, key) = issued(BLOCKS);
    let public = key.public();
    work(move || black_box(Biscuit::from(black_box(&bytes), public)).is_ok())
}

/// With limits that a busy machine does not reach: the millisecond of the default refuses good tokens.
fn authorized(threads: usize) -> Vec<Work> {
    assert_eq!(threads, 1);
    let (bytes, key) = issued(3);
    let public = key.public();
    let limits = AuthorizerLimits {
        max_facts: 1_000,
        max_iterations: 100,
        max_time: Duration::from_secs(1),
    };
    work(move || {
        let token = Biscuit::from(black_box(&bytes), public).expect("it is genuine");
        let builder = AuthorizerBuilder::new()
            .time()
            .fact(r#"operation("read")"#)
            .and_then(|builder| builder.policy(r#"allow if right("read", 9)"#))
            .expect("they are well-formed");
        let mut authorizer = builder.set_limits(limits.clone()).build(&token).expect("it fits");
        black_box(authorizer.authorize()).is_ok()
    })
}
