//! The forest alone, on one thread and in models.

use super::*;

#[cfg(loom)]
mod models;
#[cfg(not(any(loom, shuttle)))]
mod unit;

/// Explores `model` with up to `preemptions` preemptions.
#[cfg(loom)]
pub(crate) fn explore(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

impl Seed {
    fn of(rights: Rights) -> Self {
        Self {
            rights,
            object: Object::ANY,
            deadline_ns: NEVER,
            has_caveats: false,
            has_limits: false,
        }
    }

    fn until(self, deadline_ns: u64) -> Self {
        Self { deadline_ns, ..self }
    }
}

impl Forest {
    fn mint(&self, seed: Seed) -> Handle {
        self.mint_in(0, seed)
    }

    fn mint_in(&self, shard: u8, seed: Seed) -> Handle {
        let place = Place::root(shard);
        let handle = self.reserve(place).unwrap();
        self.publish(handle, place, seed);
        handle
    }

    fn delegate(&self, parent: Handle, seed: Seed) -> Option<Handle> {
        self.effective(parent)?;
        let place = self.below(parent)?.ok()?;
        let handle = self.reserve(place).unwrap();
        self.publish(handle, place, seed);
        Some(handle)
    }

    fn revoke(&self, handle: Handle) -> bool {
        let mut dying = Dying::new(self);
        let won = dying.kill(handle);
        dying.bury(|_, _| ());
        won
    }

    fn allows(&self, handle: Handle, need: Rights) -> bool {
        self.effective(handle).is_some_and(|effective| effective.rights.contains(need))
    }
}
