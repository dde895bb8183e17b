//! Random sequences of operations beside a plain model of what should be: one list, searched from the front.

#![cfg(not(any(loom, shuttle)))]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use turgo_capability::{
    Caveat, Config, Denied, Grant, GrantError, Handle, Object, Request, Rights, Table,
};
use turgo_machine::clock::VirtualTime;

#[derive(Debug, Clone)]
struct Wish {
    rights: u16,
    object: (u64, u32),
    lifetime: Option<u64>,
    user: Option<u64>,
    gas: Option<u64>,
}

#[derive(Debug, Clone)]
enum Step {
    Mint(u64, Wish),
    Delegate(usize, Wish),
    Attenuate(usize, u16),
    Revoke(usize),
    RevokeAs(usize, usize),
    RevokeAll(Vec<usize>),
    Spend {
        which: usize,
        lease: u64,
        spend: u64,
    },
    Advance(u64),
    Sweep,
    /// The table is restored from a snapshot, after a stop of so many nanoseconds.
    Restart(u64),
}

#[derive(Debug)]
struct Node {
    handle: Handle,
    parent: Option<usize>,
    rights: Rights,
    object: Object,
    deadline: u64,
    user: Option<u64>,
    /// A budget that is open.
    gas: Option<u64>,
    alive: bool,
}

/// What should be.
#[derive(Debug, Default)]
struct Model {
    nodes: Vec<Node>,
    now: u64,
    granted: u64,
    spent: u64,
    returned: u64,
}

impl Model {
    fn chain(&self, mut at: usize) -> Vec<usize> {
        let mut chain = vec![at];
        while let Some(parent) = self.nodes[at].parent {
            chain.push(parent);
            at = parent;
        }
        chain
    }

    fn is_valid(&self, at: usize) -> bool {
        let lives = |node: &Node| node.alive && node.deadline > self.now;
        self.chain(at).iter().all(|at| lives(&self.nodes[*at]))
    }

    fn effective(&self, at: usize) -> Rights {
        self.chain(at).iter().fold(Rights::ALL, |all, at| all & self.nodes[*at].rights)
    }

    /// Users that caveats from here up ask for.
    fn users(&self, at: usize) -> Vec<u64> {
        self.chain(at).iter().filter_map(|at| self.nodes[*at].user).collect()
    }

    fn budget(&self, at: usize) -> Option<usize> {
        self.chain(at).into_iter().find(|at| self.nodes[*at].gas.is_some())
    }

    fn sweep(&mut self) -> usize {
        let all = 0..self.nodes.len();
        let dead: Vec<usize> =
            all.filter(|at| self.nodes[*at].alive && !self.is_valid(*at)).collect();
        assert!(dead.iter().all(|at| self.kill(*at)));
        dead.len()
    }

    fn kill(&mut self, at: usize) -> bool {
        let was = std::mem::take(&mut self.nodes[at].alive);
        if let Some(left) = self.nodes[at].gas.take().filter(|_| was) {
            match self.budget(at) {
                Some(above) => *self.nodes[above].gas.as_mut().expect("a budget") += left,
                None => self.returned += left,
            }
        }
        was
    }
}

/// The table, and what should be in it.
struct World {
    table: Table,
    time: VirtualTime,
    /// What the wall clock shows, which goes on during a stop.
    wall: SystemTime,
    model: Model,
}

impl World {
    fn new() -> Self {
        let time = VirtualTime::new();
        let table = Table::new(Config { clock: time.clock(), shards: 5, ..Config::default() });
        Self { table, time, wall: UNIX_EPOCH + Duration::from_secs(9), model: Model::default() }
    }

    fn grant(&self, wish: &Wish) -> (Grant, Object, u64) {
        let object = Object::prefix(wish.object.0 << 59, wish.object.1);
        let deadline = wish.lifetime.map_or(u64::MAX, |lifetime| self.model.now + lifetime);
        let mut grant = Grant::new(Rights::from_bits(wish.rights)).object(object).until(deadline);
        if let Some(user) = wish.user {
            grant = grant.caveat(Caveat::User(user));
        }
        if let Some(gas) = wish.gas {
            grant = grant.gas(gas);
        }
        (grant, object, deadline)
    }

    fn add(&mut self, handle: Handle, parent: Option<usize>, wish: &Wish) {
        let (_, object, deadline) = self.grant(wish);
        assert!(self.model.nodes.iter().all(|node| node.handle != handle), "a handle made twice");
        self.model.nodes.push(Node {
            handle,
            parent,
            rights: Rights::from_bits(wish.rights),
            object,
            deadline,
            user: wish.user,
            gas: wish.gas,
            alive: true,
        });
    }

    fn delegate(&mut self, at: usize, wish: &Wish) {
        let (grant, object, _) = self.grant(wish);
        let parent = &self.model.nodes[at];
        let result = self.table.delegate(parent.handle, grant);
        let effective = self.model.effective(at);
        let budget = self.model.budget(at);
        let has = budget.and_then(|at| self.model.nodes[at].gas).unwrap_or(0);
        let expected = if !self.model.is_valid(at) {
            Err(GrantError::Denied(Denied::Dead))
        } else if !effective.contains(Rights::GRANT | Rights::from_bits(wish.rights)) {
            Err(GrantError::Denied(Denied::Rights))
        } else if !parent.object.covers(object) {
            Err(GrantError::Denied(Denied::Object))
        } else if wish.gas.is_some_and(|gas| gas > has || budget.is_none() || gas > 0 && has == 0) {
            Err(GrantError::Gas)
        } else {
            Ok(())
        };
        assert_eq!(result.map(|_| ()), expected);
        if let Ok(child) = result {
            if let (Some(gas), Some(budget)) = (wish.gas, budget) {
                *self.model.nodes[budget].gas.as_mut().expect("a budget") -= gas;
            }
            self.add(child, Some(at), wish);
        }
    }

    fn spend(&mut self, at: usize, lease: u64, spend: u64) {
        let result = self.table.lease(self.model.nodes[at].handle, lease);
        let budget = self.model.budget(at).filter(|_| self.model.is_valid(at));
        let has = budget.and_then(|at| self.model.nodes[at].gas).unwrap_or(0);
        let Ok(mut leased) = result else {
            assert!(has == 0, "a lease was refused");
            return;
        };
        assert_eq!(leased.left(), lease.min(has));
        let done = leased.spend(spend);
        assert_eq!(done, spend <= lease.min(has), "no more than was leased");
        let used = leased.end();
        assert_eq!(used, if done { spend } else { 0 });
        self.model.spent += used;
        if let Some(budget) = budget {
            *self.model.nodes[budget].gas.as_mut().expect("a budget") -= used;
        }
    }

    fn revoke_as(&mut self, actor: usize, at: usize) {
        let result =
            self.table.revoke_as(self.model.nodes[actor].handle, self.model.nodes[at].handle);
        // The way up ends at the first that has no slot any more, past which nobody has authority.
        let chain = self.model.chain(at);
        let reach = chain.iter().take_while(|at| self.model.nodes[**at].alive);
        let expected = if !self.model.is_valid(actor) {
            Err(Denied::Dead)
        } else if !self.model.effective(actor).contains(Rights::REVOKE) {
            Err(Denied::Rights)
        } else if !reach.into_iter().any(|at| *at == actor) {
            Err(Denied::Authority)
        } else {
            Ok(true)
        };
        assert_eq!(result, expected);
        if result.is_ok() {
            self.model.kill(at);
        }
    }

    fn restart(&mut self, away: u64) {
        let names: Vec<String> = (0..self.model.nodes.len()).map(|at| at.to_string()).collect();
        let handles = self.model.nodes.iter().map(|node| node.handle);
        let kept: Vec<(&str, Handle)> = names.iter().map(String::as_str).zip(handles).collect();
        let snapshot = self.table.snapshot(&kept, self.wall).expect("all are of this table");
        assert_eq!(snapshot.shards_moving(), 0);
        self.model.sweep();
        self.wall += Duration::from_nanos(away);
        self.model.now += away;
        // Another process has another clock.
        self.time = VirtualTime::new();
        let config = Config { clock: self.time.clock(), shards: 5, ..Config::default() };
        let restored = Table::restore(config, snapshot.as_bytes(), self.wall).expect("it is whole");
        self.table = restored.table;
        assert!(restored.kept.iter().eq(kept));
        assert_eq!(self.table.now_ns(), self.model.now);
    }

    fn step(&mut self, step: &Step) {
        let len = self.model.nodes.len();
        match step {
            Step::Mint(tenant, wish) => {
                let (grant, ..) = self.grant(wish);
                let handle = self.table.mint(*tenant, grant).expect("nothing is full");
                self.model.granted += wish.gas.unwrap_or(0);
                self.add(handle, None, wish);
            }
            _ if len == 0 => {}
            Step::Delegate(at, wish) => self.delegate(at % len, wish),
            Step::Attenuate(at, keep) => {
                let node = &mut self.model.nodes[at % len];
                let keep = Rights::from_bits(*keep);
                assert_eq!(self.table.attenuate(node.handle, keep), node.alive);
                node.rights = node.rights & keep;
            }
            Step::Revoke(at) => {
                let revoked = self.table.revoke(self.model.nodes[at % len].handle);
                assert_eq!(revoked, self.model.kill(at % len));
            }
            Step::RevokeAs(actor, at) => self.revoke_as(actor % len, at % len),
            Step::RevokeAll(all) => {
                let handles: Vec<Handle> =
                    all.iter().map(|at| self.model.nodes[at % len].handle).collect();
                let revoked = self.table.revoke_all(&handles);
                let killed = all.iter().filter(|at| self.model.kill(**at % len)).count();
                assert_eq!(revoked, killed);
            }
            Step::Spend { which, lease, spend } => self.spend(which % len, *lease, *spend),
            Step::Advance(ns) => {
                let step = Duration::from_nanos(*ns);
                self.time.advance(step);
                self.wall += step;
                self.model.now += ns;
                self.table.tick();
            }
            Step::Sweep => {
                let dead = self.model.sweep();
                assert_eq!(self.table.sweep(u32::MAX), dead);
            }
            Step::Restart(away) => self.restart(*away),
        }
    }

    /// Every handle there ever was does what it should, and nothing else.
    fn compare(&self) {
        for (at, node) in self.model.nodes.iter().enumerate() {
            let (valid, effective) = (self.model.is_valid(at), self.model.effective(at));
            let users = self.model.users(at);
            let allowed = |need| valid && effective.contains(need);
            for need in [Rights::NONE, Rights::READ, Rights::READ | Rights::WRITE, effective] {
                let passes = self.table.check(node.handle, need).is_ok();
                assert_eq!(passes, allowed(need) && users.is_empty(), "{at} {need}");
                for user in [1, 2] {
                    let request = Request::new().user(user);
                    let passes = self.table.check_request(node.handle, need, &request).is_ok();
                    let expected = allowed(need) && users.iter().all(|asked| *asked == user);
                    assert_eq!(passes, expected, "{at} {need} by {user}");
                }
            }
            let seen = self.table.describe(node.handle);
            assert_eq!(seen.is_some(), valid);
            if let (Some(seen), Some(parent)) = (seen, node.parent) {
                assert_eq!(seen.effective, effective);
                assert!(self.model.effective(parent).contains(effective), "more than the parent");
                assert_eq!(seen.parent, Some(self.model.nodes[parent].handle));
                assert!(self.model.nodes[parent].object.covers(seen.object));
            }
        }
        let totals = self.table.gas_totals();
        assert!(totals.add_up(), "{totals:?}");
        let balances = self.model.nodes.iter().filter_map(|node| node.gas).sum::<u64>();
        let model = (self.model.granted, balances, 0, self.model.spent, self.model.returned);
        let table = (totals.granted, totals.balances, totals.lent, totals.spent, totals.returned);
        assert_eq!(table, model);
    }
}

fn wishes() -> impl Strategy<Value = Wish> {
    // Mostly GRANT and REVOKE, so that trees get deep.
    let rights =
        prop_oneof![Just(u16::MAX), any::<u16>().prop_map(|bits| bits | 0x300), any::<u16>()];
    let object = prop_oneof![3 => Just((0, 0)), 1 => (0..16u64, 0..6u32)];
    let lifetime = proptest::option::weighted(0.2, 0..50u64);
    let user = proptest::option::weighted(0.15, 1..3u64);
    let gas = proptest::option::weighted(0.4, 0..100u64);
    (rights, object, lifetime, user, gas).prop_map(|(rights, object, lifetime, user, gas)| Wish {
        rights,
        object,
        lifetime,
        user,
        gas,
    })
}

fn steps() -> impl Strategy<Value = Step> {
    let which = 0..1_000usize;
    prop_oneof![
        2 => (0..5u64, wishes()).prop_map(|(tenant, wish)| Step::Mint(tenant, wish)),
        8 => (which.clone(), wishes()).prop_map(|(at, wish)| Step::Delegate(at, wish)),
        1 => (which.clone(), any::<u16>()).prop_map(|(at, keep)| Step::Attenuate(at, keep | 0x300)),
        1 => which.clone().prop_map(Step::Revoke),
        1 => (which.clone(), which.clone()).prop_map(|(actor, at)| Step::RevokeAs(actor, at)),
        1 => proptest::collection::vec(which.clone(), 0..4).prop_map(Step::RevokeAll),
        3 => (which, 0..40u64, 0..40u64)
            .prop_map(|(which, lease, spend)| Step::Spend { which, lease, spend }),
        1 => (0..20u64).prop_map(Step::Advance),
        1 => Just(Step::Sweep),
        1 => (0..20u64).prop_map(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_table_does_what_the_model_does(steps in proptest::collection::vec(steps(), 1..30)) {
        let mut world = World::new();
        for (at, step) in steps.iter().enumerate() {
            world.step(step);
            // What a comparison checks is stamped by it: steps are to find stamps and no stamps.
            if at % 3 == 0 {
                world.compare();
            }
        }
        world.compare();
    }
}
