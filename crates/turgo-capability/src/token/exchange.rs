//! The door: tokens for handles.

use core::fmt;
use std::collections::HashMap;
// LOCK: taken once a session, where a token comes in, and by snapshots, never by a check; what a token was exchanged for has to be looked up and made as one.
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use turgo_machine::mutant;

use super::chain::{Token, Verified};
use super::error::TokenError;
use super::keys::{Keys, Secret};
use super::terms::Terms;
use crate::audit::AuditLog;
use crate::denied::GrantError;
use crate::handle::Handle;
use crate::table::{KeepError, Kept, Snapshot, Table};

/// Names of snapshots under which blocks are remembered: this, then name, end and key in hexadecimal digits.
const PREFIX: &str = "turgo.token/";

/// Issues tokens and exchanges them for handles. It remembers every block that it has seen until that ends (K5). Blocking: one lock,
/// for some hundred nanoseconds each time, and for as long as a snapshot takes.
pub struct Exchange {
    // LOCK: as above.
    state: Mutex<State>,
    blocks_max: usize,
}

struct State {
    keys: Keys,
    seen: HashMap<[u8; 16], Seen>,
    /// Seconds since 1970: what ended until then may have been forgotten.
    forgotten_s: u64,
}

/// What a block was exchanged for.
#[derive(Clone, Copy)]
struct Seen {
    handle: Handle,
    key: u32,
    /// Seconds since 1970: when its token ends, so that it can be forgotten.
    until_s: u64,
}

impl Exchange {
    /// With these keys, for so many blocks of tokens at a time.
    #[must_use]
    pub fn new(keys: Keys, blocks_max: usize) -> Self {
        // LOCK: as above.
        Self { state: Mutex::new(State { keys, seen: HashMap::new(), forgotten_s: 0 }), blocks_max }
    }

    /// [`new`](Self::new), with what [`snapshot`](Self::snapshot) kept: what was exchanged before is not exchanged again, and what was
    /// revoked stays so.
    #[must_use]
    pub fn restored(keys: Keys, blocks_max: usize, kept: &Kept) -> Self {
        let exchange = Self::new(keys, blocks_max);
        let seen = kept.iter().filter_map(|(name, handle)| remembered(name, handle));
        exchange.state().seen.extend(seen);
        exchange
    }

    /// [`Table::snapshot`], with what this door remembers behind what is `kept`. Blocking: nobody is let in meanwhile, as what is exchanged and
    /// revoked between the memory and the snapshot could be exchanged anew after a restart (K5).
    ///
    /// # Errors
    ///
    /// As for [`Table::snapshot`].
    pub fn snapshot<L: AuditLog>(
        &self,
        table: &Table<L>,
        kept: &[(&str, Handle)],
        at: SystemTime,
    ) -> Result<Snapshot, KeepError> {
        let state = self.state();
        let remembered = state.names();
        let _closed = (!mutant!("K5 the door stays open")).then_some(state);
        let names = remembered.iter().map(|(name, handle)| (&name[..], *handle));
        let kept: Vec<_> = kept.iter().copied().chain(names).collect();
        table.snapshot(&kept, at)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic of a caller's function leaves it whole: every change of it is one insertion or removal.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A token for this tenant. Terms have to say rights and an end.
    ///
    /// # Errors
    ///
    /// Where they do not, or are too long, or the system has no random numbers.
    pub fn issue(&self, tenant: u64, terms: Terms) -> Result<Token, TokenError> {
        Token::issue(&self.state().keys, tenant, &terms)
    }

    /// Issues with another key from now on; see [`Keys::rotate`].
    ///
    /// # Errors
    ///
    /// [`TokenError::KnownKey`].
    pub fn rotate(&self, number: u32, secret: &Secret) -> Result<(), TokenError> {
        self.state().keys.rotate(number, secret)
    }

    /// Forgets a key, and revokes all that its tokens were exchanged for. How many there were. The newest key is not forgotten.
    pub fn retire<L: AuditLog>(&self, table: &Table<L>, number: u32) -> usize {
        let mut state = self.state();
        if !state.keys.retire(number) {
            return 0;
        }
        let of_key = state.seen.values().filter(|seen| seen.key == number);
        let handles: Vec<Handle> = of_key.map(|seen| seen.handle).collect();
        state.seen.retain(|_, seen| seen.key != number);
        drop(state);
        table.revoke_all(&handles)
    }

    /// Verifies a token and exchanges it for a capability: the same one however often it is shown (K5). `now` is the time of the wall clock.
    ///
    /// `tenant` says which capability answers for a tenant; it has to have GRANT and what the token says. Each block becomes a capability
    /// below the one before, so that revoking what an earlier token was exchanged for ends all that was made of it.
    ///
    /// # Errors
    ///
    /// Why not; the token is in no error.
    pub fn exchange<L: AuditLog>(
        &self,
        table: &Table<L>,
        text: &str,
        now: SystemTime,
        tenant: impl FnOnce(u64) -> Option<Handle>,
    ) -> Result<Handle, TokenError> {
        let token = Token::parse(text)?;
        let verified = token.verify(&self.state().keys, now)?;
        let Verified { key, tenant: number, blocks } = verified;
        let root = tenant(number).ok_or(TokenError::UnknownTenant(number))?;
        let mut above = None;
        let mut until_s = u64::MAX;
        for (name, terms) in blocks {
            until_s = until_s.min(terms.until_s.unwrap_or(u64::MAX));
            let handle = match self.find(&name) {
                Some(handle) => handle,
                None => {
                    let grant = terms.grant(table.now_ns(), now);
                    let beside = mutant!("K2 a block stands beside the one before");
                    let made = match above.filter(|_| !beside) {
                        None => table.delegate(root, grant),
                        Some(above) => table.narrow_to(above, grant),
                    };
                    self.settle(table, name, made, Seen { handle: root, key, until_s }, now)?
                }
            };
            if table.effective_rights(handle).is_none() {
                return Err(TokenError::Revoked);
            }
            above = Some(handle);
        }
        Ok(above.expect("a token has a block"))
    }

    fn find(&self, name: &[u8; 16]) -> Option<Handle> {
        let known = self.state().seen.get(name).map(|seen| seen.handle);
        known.filter(|_| !mutant!("K5 a token is exchanged anew"))
    }

    /// Remembers what was made of a block, outside of the lock; unless somebody else was faster, whose it is then.
    fn settle<L: AuditLog>(
        &self,
        table: &Table<L>,
        name: [u8; 16],
        made: Result<Handle, GrantError>,
        seen: Seen,
        now: SystemTime,
    ) -> Result<Handle, TokenError> {
        let settled = self.state().settle(name, made, seen, self.blocks_max, now);
        if let Ok(made) = made
            && settled != Ok(made)
        {
            table.revoke(made);
        }
        settled
    }
}

impl State {
    /// What is remembered, under names of snapshots.
    fn names(&self) -> Vec<(String, Handle)> {
        let name = |(name, seen): (&[u8; 16], &Seen)| {
            let name = u128::from_be_bytes(*name);
            let Seen { handle, key, until_s } = seen;
            (format!("{PREFIX}{name:032x}{until_s:016x}{key:08x}"), *handle)
        };
        self.seen.iter().map(name).collect()
    }

    fn settle(
        &mut self,
        name: [u8; 16],
        made: Result<Handle, GrantError>,
        seen: Seen,
        blocks_max: usize,
        now: SystemTime,
    ) -> Result<Handle, TokenError> {
        if let Some(seen) = self.seen.get(&name)
            && !mutant!("K5 a token is exchanged anew")
        {
            return Ok(seen.handle);
        }
        let handle = made?;
        if self.keys.find(seen.key).is_none() {
            return Err(TokenError::UnknownKey(seen.key));
        }
        self.make_room(blocks_max, now)?;
        // A wall clock that was set back does not bring back what was revoked and then forgotten (K5).
        if seen.until_s <= self.forgotten_s && !mutant!("K5 clocks are not set back") {
            return Err(TokenError::Expired);
        }
        self.seen.insert(name, Seen { handle, ..seen });
        Ok(handle)
    }

    /// Forgets what has ended, where there is no room for another one.
    fn make_room(&mut self, blocks_max: usize, now: SystemTime) -> Result<(), TokenError> {
        if self.seen.len() < blocks_max {
            return Ok(());
        }
        let now_s = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        self.forgotten_s = self.forgotten_s.max(now_s);
        self.seen.retain(|_, seen| seen.until_s > now_s);
        if self.seen.len() < blocks_max { Ok(()) } else { Err(TokenError::Full) }
    }
}

/// What a name of [`State::names`] says.
fn remembered(name: &str, handle: Handle) -> Option<([u8; 16], Seen)> {
    let digits = name.strip_prefix(PREFIX)?;
    let part = |from, to| digits.get(from..to);
    let id = u128::from_str_radix(part(0, 32)?, 16).ok()?;
    let until_s = u64::from_str_radix(part(32, 48)?, 16).ok()?;
    let key = u32::from_str_radix(part(48, 56)?, 16).ok()?;
    (digits.len() == 56).then_some((id.to_be_bytes(), Seen { handle, key, until_s }))
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Exchange")
            .field("keys", &state.keys)
            .field("blocks", &state.seen.len())
            .finish_non_exhaustive()
    }
}
