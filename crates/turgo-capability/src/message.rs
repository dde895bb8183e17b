//! Messages between components that carry capabilities.
//!
//! The body is a value, moved and never shared. What a message carries lies beside it: capabilities delegated for the receiver, which
//! nobody can write into a body as a number.
//!
//! - **M1** Whoever sends has SEND over the object that the message is for; whoever opens it has READ over that. A message that
//!   went astray opens for nobody else.
//! - **M2** What is carried was delegated by the sender when it was attached, and so is no more than the sender has.
//! - **M3** A message is opened once, by moving it; then everything carried is looked at once, and is as many and has the rights that the receiver
//!   asked for, or the message comes back unopened.
//! - **M4** What an unopened message carries is revoked when it is dropped: nobody else knows of it.

use core::fmt;
use core::mem;

use turgo_machine::mutant;

use crate::audit::{AuditLog, NoAudit};
use crate::denied::{Denied, GrantError};
use crate::handle::Handle;
use crate::object::Object;
use crate::rights::Rights;
use crate::table::{Grant, Table};

/// A value on its way to whoever may read an object, with capabilities for them.
///
/// ```
/// use turgo_capability::{Grant, Object, Rights, Table};
/// let (table, worker) = (Table::default(), Object::one(1));
/// let planner = table.mint(0, Grant::new(Rights::ALL))?;
/// let inbox = table.mint(0, Grant::new(Rights::READ).object(worker))?;
///
/// let source = Grant::new(Rights::READ).object(Object::one(7));
/// let message = table.message(planner, worker, "count its rows")?.carrying(source)?;
///
/// let opened = message.open(inbox, [Rights::READ]).expect("it is for this worker");
/// assert_eq!(opened.body, "count its rows");
/// let [source] = opened.carried;
/// assert!(table.check_on(source, Rights::READ, Object::one(7)).is_ok());
/// # Ok::<(), turgo_capability::GrantError>(())
/// ```
#[must_use = "dropping a message revokes what it carries"]
pub struct Message<'t, B, L: AuditLog = NoAudit> {
    body: B,
    envelope: Envelope<'t, L>,
}

/// All but the body, so that the body can be moved out.
struct Envelope<'t, L: AuditLog> {
    table: &'t Table<L>,
    sender: Handle,
    to: Object,
    carried: Vec<Handle>,
}

/// What was in a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened<B, const N: usize> {
    /// The value.
    pub body: B,
    /// Capabilities, as many and with the rights that were asked for, in the order in which they were attached. The sender can revoke them.
    pub carried: [Handle; N],
}

/// A message that was not opened, and why.
#[derive(Debug)]
pub struct Unopened<'t, B, L: AuditLog = NoAudit> {
    /// The message as it was.
    pub message: Message<'t, B, L>,
    /// Why.
    pub reason: Unfit,
}

/// Why a message was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    /// The receiver may not read what the message is for.
    Receiver(Denied),
    /// It carries as many capabilities, and not as many as were asked for.
    Carries(usize),
    /// The capability with this number, from 0, is dead or lacks a right.
    Lacks(usize),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Receiver(denied) => write!(f, "not for this receiver: {denied}"),
            Self::Carries(count) => {
                write!(f, "{count} capabilities, which is not what was asked for")
            }
            Self::Lacks(number) => write!(f, "capability {number} does not do"),
        }
    }
}

impl core::error::Error for Unfit {}

impl<L: AuditLog> Table<L> {
    /// A message by `sender` for whoever may read `to` (M1).
    ///
    /// # Errors
    ///
    /// Where the sender lacks SEND or is for something else.
    pub fn message<B>(
        &self,
        sender: Handle,
        to: Object,
        body: B,
    ) -> Result<Message<'_, B, L>, Denied> {
        self.check_on(sender, Rights::SEND, to)?;
        let envelope = Envelope { table: self, sender, to, carried: Vec::new() };
        Ok(Message { body, envelope })
    }
}

impl<'t, B, L: AuditLog> Message<'t, B, L> {
    /// Attaches a capability, delegated from the sender's (M2).
    ///
    /// # Errors
    ///
    /// As for [`Table::delegate`]; the message is gone then, and what it carried is revoked.
    pub fn carrying(mut self, grant: Grant) -> Result<Self, GrantError> {
        let Envelope { table, sender, .. } = self.envelope;
        let carried = if mutant!("M2 what is carried comes from nowhere") {
            table.mint(0, grant)?
        } else {
            table.delegate(sender, grant)?
        };
        self.envelope.carried.push(carried);
        Ok(self)
    }

    /// Whom it is for.
    pub fn to(&self) -> Object {
        self.envelope.to
    }

    /// Opens it: checks the receiver (M1), and what is carried against what is needed of each (M3). Caveats are asked where the capabilities are used.
    ///
    /// # Errors
    ///
    /// The message and why it was not opened.
    pub fn open<const N: usize>(
        mut self,
        receiver: Handle,
        needs: [Rights; N],
    ) -> Result<Opened<B, N>, Unopened<'t, B, L>> {
        if let Err(reason) = self.envelope.fits(receiver, &needs) {
            return Err(Unopened { message: self, reason });
        }
        let carried = mem::take(&mut self.envelope.carried);
        let carried = carried.try_into().expect("as many as there are needs, which was looked at");
        Ok(Opened { body: self.body, carried })
    }
}

impl<L: AuditLog> Envelope<'_, L> {
    fn fits(&self, receiver: Handle, needs: &[Rights]) -> Result<(), Unfit> {
        if !mutant!("M1 anybody may open") {
            self.table.check_on(receiver, Rights::READ, self.to).map_err(Unfit::Receiver)?;
        }
        if self.carried.len() != needs.len() {
            return Err(Unfit::Carries(self.carried.len()));
        }
        let does = |(handle, need): (&Handle, &Rights)| {
            mutant!("M3 what is carried is not looked at")
                || self.table.effective_rights(*handle).is_some_and(|all| all.contains(*need))
        };
        match self.carried.iter().zip(needs).position(|one| !does(one)) {
            Some(number) => Err(Unfit::Lacks(number)),
            None => Ok(()),
        }
    }
}

impl<L: AuditLog> Drop for Envelope<'_, L> {
    fn drop(&mut self) {
        if !self.carried.is_empty() && !mutant!("M4 a lost message leaves capabilities behind") {
            self.table.revoke_all(&self.carried);
        }
    }
}

impl<B: fmt::Debug, L: AuditLog> fmt::Debug for Message<'_, B, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("body", &self.body)
            .field("to", &self.envelope.to)
            .field("carried", &self.envelope.carried)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use super::*;

    const INBOX: Object = Object::one(1);

    fn table() -> (Table, Handle, Handle) {
        let table = Table::default();
        let sender = table.mint(0, Grant::new(Rights::ALL)).expect("an empty table");
        let inbox = table.mint(0, Grant::new(Rights::READ).object(INBOX)).expect("there is room");
        (table, sender, inbox)
    }

    #[test]
    fn a_message_opens_for_its_receiver_only() {
        let (table, sender, inbox) = table();
        let other = table.mint(0, Grant::new(Rights::ALL).object(Object::one(2))).unwrap();
        assert!(table.message(inbox, INBOX, ()).is_err(), "M1: without SEND");
        assert!(table.message(other, INBOX, ()).is_err(), "M1: for something else");
        let message = table.message(sender, INBOX, 5).unwrap();
        assert_eq!(message.to(), INBOX);
        let astray = message.open(other, []).unwrap_err();
        assert_eq!(astray.reason, Unfit::Receiver(Denied::Object), "M1");
        assert_eq!(astray.message.open(inbox, []).unwrap(), Opened { body: 5, carried: [] });
    }

    #[test]
    fn what_is_carried_is_what_was_asked_for() {
        let (table, sender, inbox) = table();
        let read = || Grant::new(Rights::READ);
        let message = table.message(sender, INBOX, "both").unwrap();
        let message = message.carrying(read()).unwrap().carrying(read()).unwrap();
        let few = message.open(inbox, [Rights::READ]).unwrap_err();
        assert_eq!(few.reason, Unfit::Carries(2), "M3");
        let weak = few.message.open(inbox, [Rights::READ, Rights::WRITE]).unwrap_err();
        assert_eq!(weak.reason, Unfit::Lacks(1), "M3");
        let opened = weak.message.open(inbox, [Rights::READ; 2]).unwrap();
        assert!(opened.carried.iter().all(|one| table.check(*one, Rights::READ).is_ok()));
        assert!(opened.carried.iter().all(|one| table.dominates(sender, *one)), "M2");

        let late = table.message(sender, INBOX, "too late").unwrap().carrying(read()).unwrap();
        table.revoke(sender);
        let late = late.open(inbox, [Rights::READ]).unwrap_err();
        assert_eq!(late.reason, Unfit::Lacks(0), "M3: revoked on the way");
    }

    #[test]
    fn what_a_lost_message_carried_is_revoked() {
        let (table, sender, _) = table();
        let message = table.message(sender, INBOX, "lost").unwrap();
        let message = message.carrying(Grant::new(Rights::ALL)).unwrap();
        assert_eq!(table.handles().count(), 3);
        drop(message);
        assert_eq!(table.handles().count(), 2, "M4");
        let weak = table.delegate(sender, Grant::new(Rights::SEND | Rights::GRANT)).unwrap();
        let message = table.message(weak, INBOX, "more than it has").unwrap();
        let message = message.carrying(Grant::new(Rights::SEND)).unwrap();
        assert!(message.carrying(Grant::new(Rights::READ)).is_err(), "M2");
        assert_eq!(table.handles().count(), 3, "M4");
    }
}
