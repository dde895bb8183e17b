//! Tokens: what they are good for, and what is refused.

#![expect(clippy::unwrap_used, reason = "functions that tests share are tests, too")]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use turgo_machine::clock::VirtualTime;
use zeroize::ZeroizeOnDrop;

use super::keys::Key;
use super::*;
use crate::denied::{Denied, GrantError};
use crate::handle::Handle;
use crate::limit::{Caveat, Rate, Request};
use crate::object::Object;
use crate::pause::suspend_at;
use crate::rights::Rights;
use crate::table::{Config, Grant, Table};

const READ: Rights = Rights::READ;
const WRITE: Rights = Rights::WRITE;
const SECRET: [u8; 32] = [0xa7; 32];

/// The wall clock after so many seconds.
fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000 + seconds)
}

fn secret(byte: u8) -> Secret {
    Secret::take(&mut [byte; 32])
}

/// A tenant 7 with all rights over its objects, and a door.
struct House {
    table: Table,
    time: VirtualTime,
    root: Handle,
    door: Exchange,
}

impl House {
    fn new() -> Self {
        let time = VirtualTime::new();
        let table = Table::new(Config { clock: time.clock(), ..Config::default() });
        let mine = Grant::new(Rights::ALL).object(Object::prefix(7 << 47, 16)).gas(1_000);
        let root = table.mint(7, mine).unwrap();
        Self { table, time, root, door: Exchange::new(Keys::new(1, &secret(0xa7)), 100) }
    }

    fn token(&self, terms: Terms) -> Token {
        self.door.issue(7, terms.until(at(60))).unwrap()
    }

    fn show(&self, text: &str, now: u64) -> Result<Handle, TokenError> {
        let tenant = |tenant| (tenant == 7).then_some(self.root);
        self.door.exchange(&self.table, text, at(now), tenant)
    }

    fn enter(&self, token: &Token) -> Result<Handle, TokenError> {
        self.show(token.text().expose(), 0)
    }
}

#[test]
fn a_token_is_good_for_what_it_says() {
    let house = House::new();
    let stream = Object::one(7 << 47 | 3);
    let rate = Rate::per_second(2);
    let terms = Terms::new().rights(READ | WRITE).object(stream).gas(50).rate(rate);
    let token = house.token(terms.caveat(Caveat::User(4)));
    let handle = house.enter(&token).unwrap();
    let seen = house.table.describe(handle).unwrap();
    assert_eq!((seen.rights, seen.object, seen.parent), (READ | WRITE, stream, Some(house.root)));
    assert_eq!((seen.gas, seen.rate), (Some(50), Some(rate)));
    assert_eq!(seen.deadline_ns, Some(60_000_000_000));
    let by = |user| house.table.check_request(handle, READ, &Request::new().user(user));
    assert_eq!((by(4), by(5)), (Ok(()), Err(Denied::Caveat)));
    house.time.advance(Duration::from_secs(60));
    house.table.tick();
    assert_eq!(by(4), Err(Denied::Dead), "K4: by the table's time, too");
}

#[test]
fn whoever_holds_a_token_can_narrow_it_and_no_more() {
    let house = House::new();
    let token = house.token(Terms::new().rights(READ | WRITE).gas(100));
    let narrower = token.narrow(Terms::new().rights(READ | Rights::DROP).gas(30)).unwrap();
    let narrowest = narrower.narrow(Terms::new().rights(Rights::ALL).until(at(10))).unwrap();
    let last = house.enter(&narrowest).unwrap();
    let effective = |handle| house.table.effective_rights(handle);
    assert_eq!(effective(last), Some(READ), "K2: and without GRANT");
    let middle = house.enter(&narrower).unwrap();
    let first = house.enter(&token).unwrap();
    assert_eq!(house.table.ancestry(last), [last, middle, first, house.root], "K2");
    assert_eq!(house.table.gas(first), Some(70), "K5: a budget is handed down once");
    house.time.advance(Duration::from_secs(10));
    house.table.tick();
    assert_eq!((effective(last), effective(middle)), (None, Some(READ)), "K2: an earlier end");
    house.table.revoke(first);
    assert_eq!(house.enter(&narrower), Err(TokenError::Revoked), "K2: with the wider one");

    let wide = house.token(Terms::new().rights(READ).object(Object::one(7 << 47 | 3)));
    let elsewhere = wide.narrow(Terms::new().object(Object::one(7 << 47 | 4))).unwrap();
    let refused = TokenError::Grant(GrantError::Denied(Denied::Object));
    assert_eq!(house.enter(&elsewhere), Err(refused), "K2");
    let rich = house.token(Terms::new().rights(READ).gas(20));
    assert_eq!(
        house.enter(&rich.narrow(Terms::new().gas(21)).unwrap()),
        Err(TokenError::Grant(GrantError::Gas))
    );
    let grants = house.door.issue(8, Terms::new().rights(READ).until(at(9))).unwrap();
    assert_eq!(house.enter(&grants), Err(TokenError::UnknownTenant(8)));
}

#[test]
fn a_token_is_exchanged_for_one_capability() {
    let house = House::new();
    let token = house.token(Terms::new().rights(READ).gas(600));
    let handle = house.enter(&token).unwrap();
    assert_eq!(house.enter(&token), Ok(handle), "K5");
    assert_eq!(house.table.gas(house.root), Some(400), "K5");
    house.table.revoke(handle);
    assert_eq!(house.enter(&token), Err(TokenError::Revoked), "K5");
    assert_eq!(house.table.gas(house.root), Some(1_000));
    let other = house.token(Terms::new().rights(READ).gas(600));
    assert!(house.enter(&other).is_ok(), "another one of the same terms is another one");
}

#[test]
fn a_token_ends() {
    let house = House::new();
    let token = house.token(Terms::new().rights(READ));
    let text = token.text();
    let shorter = token.narrow(Terms::new().until(at(5))).unwrap().text();
    assert!(house.show(text.expose(), 59).is_ok());
    assert_eq!(house.show(text.expose(), 60), Err(TokenError::Expired), "K4: replayed");
    assert_eq!(house.show(shorter.expose(), 5), Err(TokenError::Expired), "K4");
    let endless = house.door.issue(7, Terms::new().rights(READ)).unwrap_err();
    assert!(matches!(endless, TokenError::Terms(_)), "K4");
    assert!(house.door.issue(7, Terms::new().until(at(9))).is_err(), "no rights");
    let timed = Terms::new().caveat(Caveat::Not(Box::new(Caveat::Since(9))));
    assert!(matches!(token.narrow(timed), Err(TokenError::Terms(_))));
}

#[test]
fn a_token_with_another_byte_is_refused() {
    let house = House::new();
    let token = house.token(Terms::new().rights(READ));
    let token = token.narrow(Terms::new().caveat(Caveat::User(3))).unwrap();
    let text = token.text();
    let bytes = base64_decode(text.expose());
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut bytes = bytes.clone();
            bytes[at] ^= flip;
            let refused = house.show(&base64_encode(&bytes), 0).unwrap_err();
            let expected = matches!(
                refused,
                TokenError::Forged
                    | TokenError::Malformed
                    | TokenError::TooLong
                    | TokenError::UnknownKey(_)
            );
            assert!(expected, "K1: byte {at}: {refused:?}");
        }
    }
    for at in 0..text.expose().len() {
        for letter in ['A', 'b', '9', '-', '=', ' ', '\n', '\0', 'é'] {
            let changed: String = text
                .expose()
                .char_indices()
                .map(|(index, is)| if index == at { letter } else { is })
                .collect();
            if changed != text.expose() {
                assert!(house.show(&changed, 0).is_err(), "K1: character {at}");
            }
        }
        assert!(house.show(&text.expose()[..at], 0).is_err(), "K1: {at} characters");
    }
    assert!(house.show(&format!("{}A", text.expose()), 0).is_err());
    assert!(house.show(text.expose(), 0).is_ok());
}

#[test]
fn no_block_comes_off() {
    let house = House::new();
    let token = house.token(Terms::new().rights(READ | WRITE));
    let narrower = token.narrow(Terms::new().rights(READ)).unwrap();
    let mut bytes = base64_decode(narrower.text().expose());
    // Back to one block, with the tag of two.
    let (len, tag) = (bytes.len(), 32);
    let block = 2 + 3;
    bytes.drain(len - tag - block..len - tag);
    bytes[29] = 1;
    assert_eq!(house.show(&base64_encode(&bytes), 0), Err(TokenError::Forged), "K1");
}

#[test]
fn limits_of_tokens() {
    let house = House::new();
    let mut token = house.token(Terms::new().rights(READ));
    for _ in 1..16 {
        token = token.narrow(Terms::new()).unwrap();
    }
    assert!(house.enter(&token).is_ok());
    assert_eq!(token.narrow(Terms::new()).unwrap_err(), TokenError::TooDeep, "K3");
    let large = || Terms::new().caveat(Caveat::All(vec![Caveat::Equals(1, 2); 63]));
    let mut token = house.token(Terms::new().rights(READ));
    let refused = loop {
        match token.narrow(large()) {
            Ok(narrower) => token = narrower,
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, TokenError::TooLong, "K3");
    assert!(token.text().expose().len() <= 4096 && Token::parse(token.text().expose()).is_ok());
    assert_eq!(Token::parse(&"A".repeat(4097)).unwrap_err(), TokenError::TooLong, "K3");
    let parts = Terms::new().caveat(Caveat::All(vec![Caveat::User(1); 64]));
    assert!(matches!(token.narrow(parts), Err(TokenError::Terms(_))));
    let mut long = base64_decode(house.token(Terms::new().rights(READ)).text().expose());
    long[30..32].copy_from_slice(&1025_u16.to_le_bytes());
    long.resize(2_000, 0);
    assert_eq!(Token::parse(&base64_encode(&long)).unwrap_err(), TokenError::TooLong, "K3");
}

#[test]
fn what_a_right_tag_covers_is_looked_at_all_the_same() {
    let house = House::new();
    let key = keys_of(&secret(0xa7));
    let good = base64_decode(house.token(Terms::new().rights(READ)).text().expose());
    let forge = |block: &[u8]| {
        let mut signed = good[..29].to_vec();
        let head = signed.clone();
        signed.extend(block);
        let tag = key.tag(&signed);
        let mut bytes = head;
        bytes.push(1);
        bytes.extend((block.len() as u16).to_le_bytes());
        bytes.extend(block);
        bytes.extend(tag.as_bytes());
        house.show(&base64_encode(&bytes), 0)
    };
    let block = Terms::new().rights(READ).until(at(9)).write().unwrap();
    assert!(forge(&block).is_ok());
    for len in 0..block.len() {
        assert_eq!(forge(&block[..len]), Err(TokenError::Malformed), "{len}");
    }
    let with = |marks: u8, more: &[u8]| [&[marks | block[0]], &block[1..], more].concat();
    assert_eq!(forge(&with(0, &[0])), Err(TokenError::Malformed), "more than it says");
    assert_eq!(forge(&with(64, &[])), Err(TokenError::Malformed), "an unknown mark");
    assert_eq!(forge(&with(32, &[0; 16])), Err(TokenError::Malformed), "a rate of nothing");
    assert_eq!(forge(&with(8, &[7; 500])), Err(TokenError::Malformed), "a caveat without end");
    let timed = forge(&with(8, &[2, 0, 0, 0, 0, 0, 0, 0, 0]));
    assert!(matches!(timed, Err(TokenError::Terms(_))));
}

#[test]
fn keys_are_replaced() {
    let house = House::new();
    let old = house.token(Terms::new().rights(READ));
    let older = house.enter(&old).unwrap();
    house.door.rotate(2, &secret(9)).unwrap();
    assert_eq!(house.door.rotate(2, &secret(9)), Err(TokenError::KnownKey(2)));
    let new = house.token(Terms::new().rights(READ));
    assert_eq!((old.key(), new.key()), (1, 2));
    let newer = house.enter(&new).unwrap();
    assert_eq!(house.enter(&old), Ok(older), "the older key is good still");
    assert_eq!(house.door.retire(&house.table, 2), 0, "the newest stays");
    assert_eq!(house.door.retire(&house.table, 1), 1);
    assert!(house.table.check(older, READ).is_err() && house.table.check(newer, READ).is_ok());
    assert_eq!(house.enter(&old), Err(TokenError::UnknownKey(1)));
    let stranger = Exchange::new(Keys::new(2, &secret(8)), 9);
    let forged = stranger.issue(7, Terms::new().rights(Rights::ALL).until(at(9))).unwrap();
    assert_eq!(house.enter(&forged), Err(TokenError::Forged), "the right number, another key");
}

#[test]
fn a_door_remembers_so_many_and_over_a_restart() {
    let mut house = House::new();
    house.door = Exchange::new(Keys::new(1, &secret(0xa7)), 3);
    let tokens: Vec<Token> = (0..4).map(|_| house.token(Terms::new().rights(READ))).collect();
    let handles: Vec<Handle> = tokens[..3].iter().map(|one| house.enter(one).unwrap()).collect();
    let present = house.table.handles().count();
    assert_eq!(house.enter(&tokens[3]), Err(TokenError::Full));
    assert_eq!(house.table.handles().count(), present, "nothing is left of it");
    house.table.revoke(handles[0]);

    let snapshot = house.door.snapshot(&house.table, &[("root", house.root)], at(0)).unwrap();
    let restored = Table::restore(Config::default(), snapshot.as_bytes(), at(0)).unwrap();
    assert_eq!(restored.kept.iter().next(), Some(("root", house.root)));
    house.door = Exchange::restored(Keys::new(1, &secret(0xa7)), 3, &restored.kept);
    house.table = restored.table;
    assert_eq!(house.enter(&tokens[0]), Err(TokenError::Revoked), "K5: also after a restart");
    assert_eq!(house.enter(&tokens[1]), Ok(handles[1]), "K5");
    assert_eq!(house.enter(&tokens[3]), Err(TokenError::Full));
    let late = house.door.issue(7, Terms::new().rights(READ).until(at(90))).unwrap();
    assert!(house.show(late.text().expose(), 61).is_ok(), "what has ended is forgotten");
}

#[test]
fn what_was_forgotten_is_not_exchanged_anew() {
    let mut house = House::new();
    house.door = Exchange::new(Keys::new(1, &secret(0xa7)), 2);
    let [token, other] = [0; 2].map(|_| house.token(Terms::new().rights(READ)));
    let handle = house.enter(&token).unwrap();
    house.enter(&other).unwrap();
    house.table.revoke(handle);
    let late = house.door.issue(7, Terms::new().rights(READ).until(at(90))).unwrap();
    assert!(house.show(late.text().expose(), 61).is_ok(), "the others have ended");
    assert_eq!(
        house.show(token.text().expose(), 30),
        Err(TokenError::Expired),
        "K5: a clock set back"
    );
}

#[test]
fn nobody_is_let_in_while_a_snapshot_is_taken() {
    let house = House::new();
    let text = house.token(Terms::new().rights(READ)).text();
    std::thread::scope(|scope| {
        let mut late = None;
        let take = || house.door.snapshot(&house.table, &[], at(0)).unwrap();
        let snapshot = suspend_at("snapshot swept", take, || {
            let enters = scope.spawn(|| house.show(text.expose(), 0));
            for _ in 0..100 {
                assert!(!enters.is_finished(), "K5: and nobody would remember it");
                std::thread::sleep(Duration::from_millis(2));
            }
            late = Some(enters);
        });
        assert!(late.unwrap().join().unwrap().is_ok(), "behind the snapshot");
        let restored = Table::restore(Config::default(), snapshot.as_bytes(), at(0)).unwrap();
        assert_eq!(restored.table.handles().count(), 1, "the root");
    });
}

#[test]
fn keys_stay_where_they_are() {
    let mut keys = Keys::new(1, &secret(1));
    let place = |keys: &Keys, number| std::ptr::from_ref(keys.find(number).unwrap());
    keys.rotate(2, &secret(2)).unwrap();
    let second = place(&keys, 2);
    for number in 3..40 {
        keys.rotate(number, &secret(3)).unwrap();
    }
    assert!(keys.retire(1));
    assert_eq!(place(&keys, 2), second, "K6: no copy is left where one was before");
}

#[test]
fn threads_that_show_one_token_get_one_capability() {
    let house = House::new();
    for _ in 0..50 {
        let token = house.token(Terms::new().rights(READ).gas(900));
        let token = token.narrow(Terms::new().gas(300)).unwrap();
        let shown: Vec<_> = std::thread::scope(|scope| {
            let show = || scope.spawn(|| house.enter(&token));
            let threads: Vec<_> = (0..3).map(|_| show()).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let made: Vec<Handle> = shown.iter().filter_map(|one| one.ok()).collect();
        assert!(made.iter().all(|one| *one == made[0]) && !made.is_empty(), "K5: {shown:?}");
        let above = house.table.ancestry(made[0])[1];
        assert!(house.table.revoke(above));
        house.table.sweep(u32::MAX);
        assert_eq!(house.table.gas(house.root), Some(1_000), "K5");
    }
}

#[test]
fn nothing_shows_a_secret() {
    fn is_wiped<T: ZeroizeOnDrop>() {}
    is_wiped::<Secret>();
    is_wiped::<Key>();
    is_wiped::<Token>();
    is_wiped::<TokenText>();
    let mut source = SECRET;
    let mine = Secret::take(&mut source);
    assert_eq!(source, [0; 32], "K6: where it was is wiped");
    let house = House::new();
    let token = house.token(Terms::new().rights(READ));
    let text = token.text();
    house.enter(&token).unwrap();
    let keys = Keys::new(1, &mine);
    let mut shown = format!("{mine:?} {keys:?} {token:?} {text:?} {:?} {:#?}", house.door, token);
    shown += &format!("{:?} {}", house.show("nonsense", 0), house.show("no", 0).unwrap_err());
    let tag = &base64_decode(text.expose())[59..];
    for secret in [&SECRET[..], tag] {
        let hexadecimal: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
        let list = format!("{:?}", &secret[..4]);
        for form in [&hexadecimal[..8], &list[1..list.len() - 1], &base64_encode(secret)[..8]] {
            assert!(!shown.contains(form), "K6: {shown}");
        }
    }
    assert!(!shown.contains(text.expose()), "K6: {shown}");
    let snapshot = house.door.snapshot(&house.table, &[], at(0)).unwrap();
    let restored = Table::restore(Config::default(), snapshot.as_bytes(), at(0)).unwrap();
    let (name, _) = restored.kept.iter().next().unwrap();
    let hexadecimal: String = tag.iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(!name.contains(&hexadecimal[..16]), "K6: names say nothing of tags");
    assert_ne!(
        Secret::generate().unwrap().key_for_tests(),
        Secret::generate().unwrap().key_for_tests()
    );
}

fn keys_of(secret: &Secret) -> Key {
    Keys::new(1, secret).newest().1.clone()
}

impl Secret {
    fn key_for_tests(&self) -> [u8; 32] {
        *keys_of(self).as_bytes()
    }
}

fn base64_decode(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap()
}

fn base64_encode(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn terms() -> impl Strategy<Value = Terms> {
    let rights = proptest::option::of(any::<u16>());
    let object = proptest::option::weighted(0.3, 0..3_u64);
    let until = proptest::option::weighted(0.3, 1..60_u64);
    let user = proptest::option::weighted(0.3, 0..3_u64);
    let gas = proptest::option::weighted(0.3, 0..300_u64);
    (rights, object, until, user, gas).prop_map(|(rights, object, until, user, gas)| {
        let mut terms = Terms::new();
        terms.rights = rights.map(Rights::from_bits);
        if let Some(object) = object {
            terms = terms.object(Object::one(7 << 47 | object));
        }
        if let Some(until) = until {
            terms = terms.until(at(until));
        }
        if let Some(user) = user {
            terms = terms.caveat(Caveat::User(user));
        }
        if let Some(gas) = gas {
            terms = terms.gas(gas);
        }
        terms
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_chain_is_the_meet_of_its_blocks(rights in any::<u16>(), chain in prop::collection::vec(terms(), 0..6)) {
        let house = House::new();
        let mut token = house.token(Terms::new().rights(Rights::from_bits(rights)).gas(500));
        let (mut meet, mut until) = (Rights::from_bits(rights), 60);
        let mut users = Vec::new();
        for terms in &chain {
            token = token.narrow(terms.clone()).unwrap();
            meet = meet & terms.rights.unwrap_or(Rights::ALL);
            until = until.min(terms.until_s.unwrap_or(u64::MAX).saturating_sub(1_000_000));
            let asks = terms.caveat.as_ref();
            let refuses = |user: &u64| asks.is_some_and(|asks| !asks.holds(&Request::new().user(*user)));
            users.extend((0..3).filter(refuses));
        }
        let again = Token::parse(token.text().expose()).unwrap();
        let (again, text) = (again.text(), token.text());
        prop_assert_eq!(again.expose(), text.expose());
        let Ok(handle) = house.enter(&token) else {
            // Objects that do not lie within each other, or more gas than there is.
            return Ok(());
        };
        prop_assert_eq!(house.table.effective_rights(handle), Some(meet));
        for user in 0..3 {
            let passes = house.table.check_request(handle, meet, &Request::new().user(user)).is_ok();
            prop_assert_eq!(passes, !users.contains(&user));
        }
        house.time.advance(Duration::from_secs(until) - Duration::from_nanos(1));
        house.table.tick();
        prop_assert!(house.table.effective_rights(handle).is_some());
        house.time.advance(Duration::from_nanos(1));
        house.table.tick();
        prop_assert!(house.table.effective_rights(handle).is_none());
        prop_assert!(house.table.gas_totals().add_up());
    }

    #[test]
    fn no_text_is_a_token(bytes in prop::collection::vec(any::<u8>(), 0..200), head in any::<bool>()) {
        let house = House::new();
        let mut text = base64_encode(&bytes);
        if head {
            let good = house.token(Terms::new().rights(READ)).text();
            let from = bytes.len() % good.expose().len();
            text = format!("{}{text}", &good.expose()[..from]);
        }
        prop_assert!(house.show(&text, 0).is_err());
        prop_assert!(house.show(&String::from_utf8_lossy(&bytes), 0).is_err());
        prop_assert_eq!(house.table.handles().count(), 1);
    }
}
