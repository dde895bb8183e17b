//! The table of capabilities: what a service holds.
//!
//! The table joins the forest (who may do what, until when) with limits (how much, how often, under which conditions), the log, and the
//! waiting for admitted work. Whoever has a reference to the table is its owner and may mint and revoke anything; a component that should only
//! use what it was given gets handles, and calls that name an *actor* hold it to the actor's rights.
//!
//! # Invariants
//!
//! - **T1** A child has no right, no object and no gas that its parent has not: it is refused otherwise, and would not pass a check anyhow (F1).
//! - **T2** Limits are known before their capability is published and forgotten after it was killed and the epoch bumped.
//! - **T3** A capability that has caveats, or below one that has, passes no check that does not ask them.
//! - **T4** Admitted work is inside of a read section that began before its check. So `revoke_sync`, which revokes and then
//!   waits for a grace period, returns when no work admitted by what it revoked goes on. Work is waited for with RCU and not
//!   with a counter per shard, as entering a section writes nothing that other threads write; the price is that it waits for other tenants' work, too.
//! - **T5** An actor's authority is checked: to delegate it needs GRANT, to attenuate or revoke something else REVOKE and to be an ancestor of it.
//! - **T6** A record is appended before its change can be seen by anybody.
//! - **T7** A grant whose record is refused is not made; a revocation is.

use core::fmt;
#[cfg(loom)]
use loom::sync::Arc;
#[cfg(not(loom))]
use std::sync::Arc;

use turgo_lockfree::counter::Counter;
use turgo_lockfree::map::RcuHashMap;
use turgo_lockfree::rcu::{Domain, InReadSection};
use turgo_machine::clock::Clock;
use turgo_machine::mutant;

use crate::audit::{AuditLog, Change, NoAudit, Record};
use crate::denied::{Denied, GrantError};
use crate::forest::{Dying, Forest, NEVER, Place, Seed, TooDeep};
use crate::handle::Handle;
use crate::limit::{Account, Bucket, Caveat, Rate, Treasury};
use crate::object::Object;
use crate::pause::point;
use crate::rights::Rights;
use crate::slab::SlabFull;
use crate::state::SHARDS_MAX;

mod admission;
mod check;
mod inspect;
mod snapshot;
mod spend;
#[cfg(test)]
mod tests;

pub use admission::Admission;
pub use inspect::{Description, Statistics};
pub use snapshot::{KeepError, Kept, Restored, Snapshot, SnapshotError, SnapshotFault};

/// How large a table is, and whose time it keeps.
#[derive(Debug, Clone)]
pub struct Config {
    /// Capabilities at a time, at most; 134 million where it is more.
    pub capabilities_max: u32,
    /// Parts with epochs of their own, from 1 to 128: revocations of a tenant cost no tenant of another shard anything. A slot stays with the
    /// shard that first used it, so where tenants are many and `capabilities_max` is tight, take few.
    pub shards: usize,
    /// For deadlines, rates and records.
    pub clock: Clock,
}

impl Default for Config {
    /// As many as there can be, 128 shards, the system's clock.
    fn default() -> Self {
        Self { capabilities_max: u32::MAX, shards: SHARDS_MAX, clock: Clock::real() }
    }
}

/// What is to be granted. Everything but the rights has a default: the parent's object, no deadline, no caveat, no gas, no rate of its own.
#[derive(Debug, Clone)]
#[must_use]
pub struct Grant {
    rights: Rights,
    object: Option<Object>,
    deadline_ns: u64,
    caveat: Option<Caveat>,
    gas: Option<u64>,
    rate: Option<Rate>,
}

impl Grant {
    /// These rights.
    pub fn new(rights: Rights) -> Self {
        Self { rights, object: None, deadline_ns: NEVER, caveat: None, gas: None, rate: None }
    }

    /// For this object, or all below a prefix. A mint without it is for any object.
    pub fn object(self, object: Object) -> Self {
        Self { object: Some(object), ..self }
    }

    /// Until this time of the table in nanoseconds, see [`Table::now_ns`]; it ends with the first [`Table::tick`] then or later.
    pub fn until(self, deadline_ns: u64) -> Self {
        Self { deadline_ns, ..self }
    }

    /// Only where this holds.
    pub fn caveat(self, caveat: Caveat) -> Self {
        Self { caveat: Some(caveat), ..self }
    }

    /// With a budget of its own, taken from the nearest one above. Without, it spends from that one. All that a table mints is less than 2^63.
    pub fn gas(self, amount: u64) -> Self {
        Self { gas: Some(amount), ..self }
    }

    /// With a rate of its own, besides those above.
    pub fn rate(self, rate: Rate) -> Self {
        Self { rate: Some(rate), ..self }
    }
}

/// What few capabilities have.
#[derive(Debug, Default)]
struct Limits {
    caveat: Option<Caveat>,
    account: Option<Arc<Account>>,
    bucket: Option<Arc<Bucket>>,
}

/// Capabilities, with lock-free lookup, delegation and revocation; only [`revoke_sync`](Self::revoke_sync) waits.
///
/// A check is wait-free and costs a few nanoseconds, at any depth. See the crate's documentation for an example.
pub struct Table<L: AuditLog = NoAudit> {
    forest: Forest,
    limits: RcuHashMap<Handle, Arc<Limits>>,
    treasury: Treasury,
    /// What admitted work is waited for with.
    domain: Domain,
    clock: Clock,
    /// Nanoseconds by which its time is ahead of the clock's, wrapping: a restored table goes on where it was.
    ahead_ns: u64,
    log: L,
    counts: Counts,
}

/// What happened so far.
#[derive(Debug, Default)]
struct Counts {
    minted: Counter,
    delegated: Counter,
    attenuated: Counter,
    revoked: Counter,
    swept: Counter,
    unrecorded: Counter,
}

impl Counts {
    /// All but what was swept.
    fn numbers(&self) -> [u64; 5] {
        [&self.minted, &self.delegated, &self.attenuated, &self.revoked, &self.unrecorded]
            .map(Counter::sum)
    }

    /// Of a table with so many capabilities; what the others leave was swept.
    fn of(numbers: [u64; 5], present: u64) -> Self {
        let [minted, delegated, attenuated, revoked, unrecorded] = numbers;
        // The numbers were read while others counted.
        let delegated = delegated.max((revoked + present).saturating_sub(minted));
        let swept = minted + delegated - revoked - present;
        let counts = Self::default();
        counts.minted.add(minted);
        counts.delegated.add(delegated);
        counts.attenuated.add(attenuated);
        counts.revoked.add(revoked);
        counts.swept.add(swept);
        counts.unrecorded.add(unrecorded);
        counts
    }
}

impl Table {
    /// An empty table that keeps no log.
    ///
    /// # Panics
    ///
    /// If `shards` is not from 1 to 128.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self::with_audit(config, NoAudit)
    }
}

impl Default for Table {
    fn default() -> Self {
        Self::new(Config::default())
    }
}

impl<L: AuditLog> Table<L> {
    /// An empty table.
    ///
    /// # Panics
    ///
    /// If `shards` is not from 1 to 128.
    #[must_use]
    pub fn with_audit(config: Config, log: L) -> Self {
        Self {
            forest: Forest::new(config.capabilities_max, config.shards, 1),
            limits: RcuHashMap::new(),
            treasury: Treasury::new(),
            domain: Domain::new(),
            clock: config.clock,
            ahead_ns: 0,
            log,
            counts: Counts::default(),
        }
    }

    /// The log.
    pub fn log(&self) -> &L {
        &self.log
    }

    /// What time it is for deadlines, rates and records: nanoseconds of the clock it was made with. In a restored table they go on from
    /// where the snapshot was taken.
    pub fn now_ns(&self) -> u64 {
        self.clock.now_ns().wrapping_add(self.ahead_ns)
    }

    /// A capability that is nobody's child, in the shard of this tenant. Lock-free.
    ///
    /// # Errors
    ///
    /// Where the table is full, the caveat too large, all gas together too much, or the log refuses.
    pub fn mint(&self, tenant: u64, grant: Grant) -> Result<Handle, GrantError> {
        let shards = self.forest.shards_len() as u64;
        let shard = u8::try_from(tenant % shards).expect("128 shards at most");
        let gas = grant.gas.unwrap_or_default();
        if !self.treasury.grant(gas) {
            return Err(GrantError::Gas);
        }
        let object = grant.object.unwrap_or(Object::ANY);
        let account = grant.gas.map(|amount| Account::new(amount, None));
        let bucket = grant.rate.map(Bucket::root);
        let limits = Limits { caveat: grant.caveat, account, bucket };
        let seed = seed(grant.rights, object, grant.deadline_ns, &limits);
        let minted = self.settle(Place::root(shard), seed, limits, None)?;
        self.counts.minted.increment();
        Ok(minted)
    }

    /// A child of `parent`, on the authority of the parent, which needs GRANT and all that it grants. Lock-free.
    ///
    /// Where the parent is revoked meanwhile the child is dead on arrival.
    ///
    /// # Errors
    ///
    /// Where the parent is dead or lacks something, its tree has 64 levels, the table is full, the caveat too large, or the log refuses.
    pub fn delegate(&self, parent: Handle, grant: Grant) -> Result<Handle, GrantError> {
        let effective = self.forest.effective(parent).ok_or(Denied::Dead)?;
        if !effective.rights.contains(Rights::GRANT) {
            return Err(Denied::Rights.into());
        }
        if !effective.rights.contains(grant.rights) && !mutant!("T1 more than the parent has") {
            return Err(Denied::Rights.into());
        }
        self.grow(parent, grant)
    }

    /// A child of `parent` with as much of the rights as the parent has, also where it lacks GRANT: whoever holds a token may narrow it.
    #[cfg(feature = "token")]
    pub(crate) fn narrow_to(&self, parent: Handle, mut grant: Grant) -> Result<Handle, GrantError> {
        let effective = self.forest.effective(parent).ok_or(Denied::Dead)?;
        grant.rights = effective.rights.narrowed(grant.rights);
        self.grow(parent, grant)
    }

    /// A child of `parent`, whose rights were looked at.
    fn grow(&self, parent: Handle, grant: Grant) -> Result<Handle, GrantError> {
        let own = self.forest.object(parent).ok_or(Denied::Dead)?;
        let object = grant.object.unwrap_or(own);
        if !own.covers(object) {
            return Err(Denied::Object.into());
        }
        let place = self.forest.below(parent).ok_or(Denied::Dead)?;
        let place = place.map_err(|TooDeep| GrantError::TooDeep)?;
        let bucket = match grant.rate {
            Some(rate) => Some(match self.nearest_bucket(parent)? {
                Some(above) => Bucket::below(&above, rate),
                None => Bucket::root(rate),
            }),
            None => None,
        };
        // Last: from here on `settle` undoes what was handed down.
        let account = match grant.gas {
            Some(amount) => Some(self.hand_down(parent, amount)?),
            None => None,
        };
        let limits = Limits { caveat: grant.caveat, account, bucket };
        let seed = seed(grant.rights, object, grant.deadline_ns, &limits);
        let child = self.settle(place, seed, limits, Some(parent))?;
        self.counts.delegated.increment();
        Ok(child)
    }

    /// Makes a capability: its limits are known first, then its record is written, then it is published (T2, T6).
    fn settle(
        &self,
        place: Place,
        seed: Seed,
        limits: Limits,
        actor: Option<Handle>,
    ) -> Result<Handle, GrantError> {
        let account = limits.account.clone();
        let mut unmade = Unmade { table: self, place, account, reserved: None, limited: false };
        if limits.caveat.as_ref().is_some_and(|caveat| !caveat.is_small()) {
            return Err(GrantError::CaveatTooLarge);
        }
        let change = if actor.is_some() { Change::Delegate } else { Change::Mint };
        let handle = self.forest.reserve(place).map_err(|SlabFull| GrantError::Full)?;
        unmade.reserved = Some(handle);
        if seed.has_caveats || seed.has_limits {
            self.limits.insert(handle, Arc::new(limits));
            unmade.limited = true;
        }
        let record = || self.record(change, actor, handle, seed.rights, seed.object, place.shard());
        let late = mutant!("T6 the record comes after the change");
        if !late && L::ENABLED && self.log.append(&record()).is_err() {
            self.counts.unrecorded.increment();
            if !mutant!("T7 a grant without its record") {
                return Err(GrantError::Unrecorded);
            }
        }
        point("delegate");
        self.forest.publish(handle, place, seed);
        unmade.made();
        if late && L::ENABLED {
            let _ = self.log.append(&record());
        }
        Ok(handle)
    }

    /// Leaves a capability, and so all below it, no rights but `keep`. Whether it was alive. Once this returns, in either case, the others
    /// are gone. Lock-free.
    pub fn attenuate(&self, handle: Handle, keep: Rights) -> bool {
        self.attenuate_by(None, handle, keep)
    }

    /// [`attenuate`](Self::attenuate) on the authority of `actor`.
    ///
    /// # Errors
    ///
    /// Where the actor is dead, lacks REVOKE, or is not an ancestor of `handle`, nor it itself (T5); also where `handle` is dead already, as
    /// nobody knows any more whose it was.
    pub fn attenuate_as(
        &self,
        actor: Handle,
        handle: Handle,
        keep: Rights,
    ) -> Result<bool, Denied> {
        self.authorize(actor, handle)?;
        Ok(self.attenuate_by(Some(actor), handle, keep))
    }

    fn attenuate_by(&self, actor: Option<Handle>, handle: Handle, keep: Rights) -> bool {
        self.announce(Change::Attenuate, actor, handle, keep);
        let narrowed = self.forest.narrow(handle, keep);
        if narrowed {
            self.counts.attenuated.increment();
        }
        narrowed
    }

    /// Ends a capability and all below it, in the time of one. Whether this call did it. Once this returns, in either case, none of them
    /// passes a check. Lock-free.
    ///
    /// Its gas goes back to the nearest budget above. Slots and budgets of those below are taken back by [`sweep`](Self::sweep).
    pub fn revoke(&self, handle: Handle) -> bool {
        self.revoke_by(None, &[handle]) == 1
    }

    /// [`revoke`](Self::revoke) on the authority of `actor`.
    ///
    /// # Errors
    ///
    /// Where the actor is dead, lacks REVOKE, or is not an ancestor of `handle`, nor it itself (T5); also where `handle` is dead already, as
    /// nobody knows any more whose it was.
    pub fn revoke_as(&self, actor: Handle, handle: Handle) -> Result<bool, Denied> {
        self.authorize(actor, handle)?;
        Ok(self.revoke_by(Some(actor), &[handle]) == 1)
    }

    /// Revokes many at the cost of one bump per shard. How many of them this call ended.
    pub fn revoke_all(&self, handles: &[Handle]) -> usize {
        self.revoke_by(None, handles)
    }

    /// [`revoke`](Self::revoke), and then waits until all work has ended that was [admitted](Self::admit) before. Blocking.
    ///
    /// # Errors
    ///
    /// [`InReadSection`] where this thread itself holds an admission, which it would wait for. The revocation has taken effect all the same.
    pub fn revoke_sync(&self, handle: Handle) -> Result<bool, InReadSection> {
        let revoked = self.revoke(handle);
        if !mutant!("T4 admitted work is not waited for") {
            self.domain.try_synchronize()?;
        }
        Ok(revoked)
    }

    fn revoke_by(&self, actor: Option<Handle>, handles: &[Handle]) -> usize {
        // All records first: where the log panics, nothing has been killed whose gas would have to go back.
        for handle in handles {
            self.announce(Change::Revoke, actor, *handle, Rights::NONE);
        }
        let mut dying = Dying::new(&self.forest);
        for handle in handles {
            dying.kill(*handle);
        }
        let revoked = self.bury(dying);
        self.counts.revoked.add(revoked as u64);
        revoked
    }

    /// Takes back slots and budgets of what is dead by ancestry or past its deadline: looks at up to `slots_max` slots, going on where
    /// the last call stopped. How many it took back. Lock-free. Call it from time to time; checks do not depend on it.
    pub fn sweep(&self, slots_max: u32) -> usize {
        let swept = self.bury(self.forest.sweep(slots_max));
        self.counts.swept.add(swept as u64);
        swept
    }

    /// Reads the clock and ends what is past its deadline. How many shards had something to end. Once it returns, nothing passes whose
    /// deadline had come when it was called. Lock-free; some hundred nanoseconds where nothing ends.
    ///
    /// Checks do not read the clock, so a deadline takes effect with the first tick then or later: call it as often as deadlines are
    /// exact, for instance once in a scheduler's round.
    pub fn tick(&self) -> usize {
        self.forest.tick(self.now_ns())
    }

    /// Lets the dead be forgotten (T2).
    fn bury(&self, dying: Dying<'_>) -> usize {
        dying.bury(|handle, word| {
            if word.has_caveats() || word.has_limits() {
                let limits = self.limits_of(handle);
                if let Some(account) = limits.as_ref().and_then(|limits| limits.account.as_ref())
                    && !mutant!("T2 the budget of the dead is forgotten")
                {
                    account.close(&self.treasury);
                }
                self.limits.remove(&handle);
            }
        })
    }

    /// Whether `actor` may take away from `handle` (T5).
    fn authorize(&self, actor: Handle, handle: Handle) -> Result<(), Denied> {
        let effective = self.forest.effective(actor).ok_or(Denied::Dead)?;
        if !effective.rights.contains(Rights::REVOKE) {
            return Err(Denied::Rights);
        }
        let above = mutant!("T5 anybody may revoke") || self.is_above(actor, handle);
        if above { Ok(()) } else { Err(Denied::Authority) }
    }

    fn is_above(&self, upper: Handle, lower: Handle) -> bool {
        self.forest.ancestry(lower).any(|ancestor| ancestor.handle == upper)
    }

    /// Records what is going to happen to a capability that is there (T6); it happens also where the log refuses (T7).
    fn announce(&self, change: Change, actor: Option<Handle>, handle: Handle, keep: Rights) {
        if !L::ENABLED {
            return;
        }
        let Some(now) = self.forest.look(handle) else { return };
        let rights = now.word.rights() & keep;
        let record = self.record(change, actor, handle, rights, now.object, now.word.shard());
        if self.log.append(&record).is_err() {
            self.counts.unrecorded.increment();
        }
    }

    fn record(
        &self,
        change: Change,
        actor: Option<Handle>,
        subject: Handle,
        rights: Rights,
        object: Object,
        shard: usize,
    ) -> Record {
        let epoch = self.forest.epoch(shard).count();
        Record { time_ns: self.now_ns(), change, actor, subject, rights, object, epoch }
    }

    /// The limits of one capability itself.
    fn limits_of(&self, handle: Handle) -> Option<Arc<Limits>> {
        self.limits.get(&handle)
    }
}

/// A capability that is being made. Dropped before it was, also by a log that panics, it leaves nothing behind: slot, limits and gas go back.
struct Unmade<'t, L: AuditLog> {
    table: &'t Table<L>,
    place: Place,
    account: Option<Arc<Account>>,
    reserved: Option<Handle>,
    limited: bool,
}

impl<L: AuditLog> Unmade<'_, L> {
    /// It was made.
    fn made(mut self) {
        self.account = None;
        self.reserved = None;
    }
}

impl<L: AuditLog> Drop for Unmade<'_, L> {
    fn drop(&mut self) {
        if let Some(account) = &self.account {
            account.undo(&self.table.treasury);
        }
        if let Some(handle) = self.reserved {
            if self.limited {
                self.table.limits.remove(&handle);
            }
            self.table.forest.give_up(handle, self.place);
        }
    }
}

/// A seed with the marks of its limits.
fn seed(rights: Rights, object: Object, deadline_ns: u64, limits: &Limits) -> Seed {
    Seed {
        rights,
        object,
        deadline_ns,
        has_caveats: limits.caveat.is_some(),
        has_limits: limits.account.is_some() || limits.bucket.is_some(),
    }
}

impl<L: AuditLog> fmt::Debug for Table<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("statistics", &self.statistics()).finish_non_exhaustive()
    }
}
