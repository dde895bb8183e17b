//! What a block of a token says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use turgo_machine::mutant;

use super::error::TokenError;
use crate::bytes::{Reader, Writer};
use crate::limit::{Caveat, Rate};
use crate::object::Object;
use crate::rights::Rights;
use crate::table::Grant;

/// Bytes of a block, at most.
pub(super) const BLOCK_MAX: usize = 1024;

const RIGHTS: u8 = 1;
const OBJECT: u8 = 2;
const UNTIL: u8 = 4;
const CAVEAT: u8 = 8;
const GAS: u8 = 16;
const RATE: u8 = 32;
const ALL: u8 = 63;

/// What a token is good for, or is narrowed to. What is left out stays as it is.
///
/// Objects have to lie within what the token is for: a table refuses others. Caveats about time ([`Caveat::Since`]) are in the time of a table and not
/// in tokens; say [`until`](Self::until).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct Terms {
    pub(super) rights: Option<Rights>,
    object: Option<Object>,
    /// Seconds since 1970.
    pub(super) until_s: Option<u64>,
    pub(super) caveat: Option<Caveat>,
    gas: Option<u64>,
    rate: Option<Rate>,
}

impl Terms {
    /// Everything stays as it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// No rights but these.
    pub fn rights(self, rights: Rights) -> Self {
        Self { rights: Some(rights), ..self }
    }

    /// For this object, or all below a prefix.
    pub fn object(self, object: Object) -> Self {
        Self { object: Some(object), ..self }
    }

    /// Until this time of the wall clock, in whole seconds.
    pub fn until(self, at: SystemTime) -> Self {
        Self { until_s: Some(seconds(at)), ..self }
    }

    /// Only where this holds.
    pub fn caveat(self, caveat: Caveat) -> Self {
        Self { caveat: Some(caveat), ..self }
    }

    /// With a budget of its own, out of what is above.
    pub fn gas(self, amount: u64) -> Self {
        Self { gas: Some(amount), ..self }
    }

    /// With a rate of its own, besides those above.
    pub fn rate(self, rate: Rate) -> Self {
        Self { rate: Some(rate), ..self }
    }

    pub(super) fn write(&self) -> Result<Vec<u8>, TokenError> {
        let mark = |there: bool, mark| if there { mark } else { 0 };
        let marks = mark(self.rights.is_some(), RIGHTS)
            | mark(self.object.is_some(), OBJECT)
            | mark(self.until_s.is_some(), UNTIL)
            | mark(self.caveat.is_some(), CAVEAT)
            | mark(self.gas.is_some(), GAS)
            | mark(self.rate.is_some(), RATE);
        let mut out = Writer::default();
        out.u8(marks);
        if let Some(rights) = self.rights {
            out.u16(rights.bits());
        }
        if let Some(object) = self.object {
            out.u64(object.bits());
        }
        if let Some(until_s) = self.until_s {
            out.u64(until_s);
        }
        if let Some(caveat) = &self.caveat {
            if !caveat.is_small() {
                return Err(TokenError::Terms("a caveat has 64 parts at most"));
            }
            is_timeless(caveat)?;
            caveat.write(&mut out);
        }
        if let Some(gas) = self.gas {
            out.u64(gas);
        }
        if let Some((interval_ns, burst)) = self.rate.map(Rate::parts) {
            out.u64(interval_ns);
            out.u64(burst);
        }
        if out.bytes.len() > BLOCK_MAX { Err(TokenError::TooLong) } else { Ok(out.bytes) }
    }

    /// What a block whose tag is right says.
    pub(super) fn read(block: &[u8]) -> Result<Self, TokenError> {
        let mut from = Reader::new(block);
        let marks = from.u8()?;
        let has = |mark| marks & mark != 0;
        let rights = has(RIGHTS).then(|| from.u16()).transpose()?.map(Rights::from_bits);
        let object = has(OBJECT).then(|| from.u64()).transpose()?;
        let object = object.map(|bits| Object::from_bits(bits).ok_or(TokenError::Malformed));
        let until_s = has(UNTIL).then(|| from.u64()).transpose()?;
        let caveat = has(CAVEAT).then(|| Caveat::read(&mut from)).transpose()?;
        let gas = has(GAS).then(|| from.u64()).transpose()?;
        let rate = if has(RATE) {
            Some(Rate::checked(from.u64()?, from.u64()?).ok_or(TokenError::Malformed)?)
        } else {
            None
        };
        if let Some(caveat) = &caveat {
            is_timeless(caveat)?;
        }
        if marks & !ALL != 0 || from.left() > 0 {
            return Err(TokenError::Malformed);
        }
        Ok(Self { rights, object: object.transpose()?, until_s, caveat, gas, rate })
    }

    /// Whether its time has come.
    pub(super) fn is_over(&self, now: SystemTime) -> bool {
        let over = self.until_s.is_some_and(|until_s| until_s <= seconds(now));
        over && !mutant!("K4 the end is not looked at")
    }

    /// What a table is asked for, where it is `table_ns` while the wall clock shows `now`.
    pub(super) fn grant(self, table_ns: u64, now: SystemTime) -> Grant {
        let mut grant = Grant::new(self.rights.unwrap_or(Rights::ALL));
        if let Some(object) = self.object {
            grant = grant.object(object);
        }
        if let Some(until_s) = self.until_s {
            let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
            let left = Duration::from_secs(until_s).saturating_sub(now);
            let left_ns = u64::try_from(left.as_nanos()).unwrap_or(u64::MAX);
            grant = grant.until(table_ns.saturating_add(left_ns));
        }
        if let Some(caveat) = self.caveat {
            grant = grant.caveat(caveat);
        }
        if let Some(gas) = self.gas {
            grant = grant.gas(gas);
        }
        if let Some(rate) = self.rate {
            grant = grant.rate(rate);
        }
        grant
    }
}

/// Whole seconds since 1970; 0 before.
fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Tables have times of their own.
fn is_timeless(caveat: &Caveat) -> Result<(), TokenError> {
    match caveat {
        Caveat::Since(_) => Err(TokenError::Terms(
            "a token has no caveat of time, which is a table's: say until when it is good",
        )),
        Caveat::All(parts) | Caveat::Any(parts) => parts.iter().try_for_each(is_timeless),
        Caveat::Not(part) => is_timeless(part),
        Caveat::User(_) | Caveat::Within(_) | Caveat::AtMost(..) | Caveat::Equals(..) => Ok(()),
    }
}
