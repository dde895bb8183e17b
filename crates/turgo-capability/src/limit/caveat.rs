//! Under which conditions: formulas over what a request says of itself.
//!
//! - **V1** Caveats only take away: what a capability may do is what its rights *and* its caveats *and* all its ancestors allow. There is
//!   no way from a formula to a right.
//! - **V2** What a request does not say is unknown, and unknown denies, also below a negation: leaving something out must not help.

use turgo_machine::mutant;

use crate::object::Object;

mod coded;

pub(crate) use coded::BadCaveat;

/// What a request says of itself, for caveats to ask. The service fills it in, never the one who asks.
///
/// ```
/// use turgo_capability::{Caveat, Request};
/// let office_hours = Caveat::All(vec![
///     Caveat::Since(9),
///     Caveat::Not(Box::new(Caveat::Since(17))),
/// ]);
/// assert!(office_hours.holds(&Request::new().at(12)));
/// assert!(!office_hours.holds(&Request::new().at(20)));
/// assert!(!office_hours.holds(&Request::new()), "nobody knows what time it is");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    user: Option<u64>,
    object: Option<Object>,
    at_ns: Option<u64>,
    numbers: Vec<(u16, u64)>,
}

impl Request {
    /// Says nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// By this user.
    #[must_use]
    pub fn user(self, user: u64) -> Self {
        Self { user: Some(user), ..self }
    }

    /// For this object, which the capability's own has to cover, too.
    #[must_use]
    pub fn object(self, object: Object) -> Self {
        Self { object: Some(object), ..self }
    }

    /// At this time in nanoseconds. A table fills in its clock's where it is left out.
    #[must_use]
    pub fn at(self, at_ns: u64) -> Self {
        Self { at_ns: Some(at_ns), ..self }
    }

    /// With this value of a number that the service keeps under a name of its own: rows read so far, bytes of the batch, open queries.
    /// The last value of a name counts.
    #[must_use]
    pub fn number(mut self, name: u16, value: u64) -> Self {
        self.numbers.push((name, value));
        self
    }

    pub(crate) fn named_object(&self) -> Option<Object> {
        self.object
    }

    pub(crate) fn time(&self) -> Option<u64> {
        self.at_ns
    }

    fn value(&self, name: u16) -> Option<u64> {
        self.numbers.iter().rev().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }
}

/// A condition on requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caveat {
    /// By this user.
    User(u64),
    /// For this object or one below it.
    Within(Object),
    /// At this time in nanoseconds or later.
    Since(u64),
    /// The number of this name is this or less.
    AtMost(u16, u64),
    /// The number of this name is this.
    Equals(u16, u64),
    /// All of these. An empty list holds.
    All(Vec<Caveat>),
    /// One of these. An empty list does not hold.
    Any(Vec<Caveat>),
    /// Not this.
    Not(Box<Caveat>),
}

/// Parts of a caveat, itself included.
pub(crate) const PARTS_MAX: usize = 64;

impl Caveat {
    /// Whether it is known to hold (V2).
    #[must_use]
    pub fn holds(&self, request: &Request) -> bool {
        self.known(request) == Some(true)
    }

    /// Whether it holds, in Kleene's logic of three values: `None` where that depends on what the request does not say.
    fn known(&self, request: &Request) -> Option<bool> {
        match self {
            Self::User(user) => Some(request.user? == *user),
            Self::Within(object) => Some(object.covers(request.object?)),
            Self::Since(ns) => Some(request.at_ns? >= *ns),
            Self::AtMost(name, most) => Some(request.value(*name)? <= *most),
            Self::Equals(name, value) => Some(request.value(*name)? == *value),
            Self::All(parts) => part_that_is(false, parts, request),
            Self::Any(parts) => part_that_is(true, parts, request),
            Self::Not(part) if mutant!("V2 unknown is false") => {
                Some(!part.known(request).unwrap_or(false))
            }
            Self::Not(part) => part.known(request).map(|known| !known),
        }
    }

    /// Whether it has no more than [`PARTS_MAX`] parts, which bounds what a check costs and how deep it nests.
    pub(crate) fn is_small(&self) -> bool {
        let mut parts = vec![self];
        let mut count = 0;
        while let Some(part) = parts.pop() {
            count += 1;
            if count > PARTS_MAX {
                return false;
            }
            match part {
                Self::All(inner) | Self::Any(inner) => parts.extend(inner),
                Self::Not(inner) => parts.push(inner),
                _ => {}
            }
        }
        true
    }
}

/// `decisive` if one part is that, its opposite if all are known to be the opposite.
fn part_that_is(decisive: bool, parts: &[Caveat], request: &Request) -> Option<bool> {
    let mut all_known = true;
    for part in parts {
        match part.known(request) {
            Some(value) if value == decisive => return Some(decisive),
            Some(_) => {}
            None => all_known = false,
        }
    }
    all_known.then_some(!decisive)
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    fn not(caveat: Caveat) -> Caveat {
        Caveat::Not(Box::new(caveat))
    }

    #[test]
    fn what_is_not_said_denies() {
        let silent = Request::new();
        for caveat in [
            Caveat::User(1),
            Caveat::Within(Object::ANY),
            Caveat::Since(0),
            Caveat::AtMost(3, u64::MAX),
            Caveat::Equals(3, 0),
        ] {
            assert!(!caveat.holds(&silent), "V2: {caveat:?}");
            assert!(!not(caveat.clone()).holds(&silent), "V2: not {caveat:?}");
            assert!(!not(not(caveat.clone())).holds(&silent), "V2");
            assert!(!Caveat::Any(vec![caveat.clone(), not(caveat)]).holds(&silent), "V2");
        }
        assert!(Caveat::Any(vec![Caveat::User(1), Caveat::Since(4)]).holds(&silent.at(4)));
    }

    #[test]
    fn formulas_mean_what_they_say() {
        let request = Request::new().user(7).number(1, 10).number(1, 20).object(Object::one(5));
        let (yes, no) = (Caveat::User(7), Caveat::User(8));
        assert!(Caveat::AtMost(1, 20).holds(&request), "the last value counts");
        assert!(!Caveat::AtMost(1, 19).holds(&request));
        assert!(Caveat::Equals(1, 20).holds(&request));
        assert!(Caveat::Within(Object::prefix(0, 8)).holds(&request));
        for (parts, all, any) in [
            (vec![], true, false),
            (vec![yes.clone()], true, true),
            (vec![yes, no.clone()], false, true),
            (vec![no], false, false),
        ] {
            assert_eq!(Caveat::All(parts.clone()).holds(&request), all);
            assert_eq!(Caveat::Any(parts.clone()).holds(&request), any);
            assert_eq!(not(Caveat::Any(parts)).holds(&request), !any);
        }
    }

    #[test]
    fn formulas_have_a_size() {
        let list = |len| Caveat::All(vec![Caveat::User(1); len]);
        assert!(list(PARTS_MAX - 1).is_small());
        assert!(!list(PARTS_MAX).is_small());
        let deep = (0..PARTS_MAX).fold(Caveat::User(1), |inner, _| not(inner));
        assert!(!deep.is_small());
    }
}
