//! A table as plain data, and as bytes.

use turgo_machine::mutant;

use super::{SnapshotError, SnapshotFault};
use crate::bytes::{Reader, Writer};
use crate::epoch::Epoch;
use crate::handle::Handle;
use crate::limit::{Caveat, Rate};
use crate::object::Object;
use crate::state::{SHARDS_MAX, Word};

const MAGIC: &[u8; 8] = b"TURGOCAP";
pub(super) const VERSION: u32 = 2;
/// Magic, version, length.
const HEAD: usize = 20;
const CHECKSUM: usize = blake3::OUT_LEN;
/// Times are below: 146 years, so that no sum of two overflows.
const TIME_MAX: u64 = 1 << 62;
/// Counts are below, so that no sum of theirs overflows.
const COUNT_MAX: u64 = 1 << 60;

const CAVEAT: u8 = 1;
const GAS: u8 = 2;
const RATE: u8 = 4;

/// All that is kept of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) unix_ns: u64,
    pub(super) time_ns: u64,
    /// Of each shard.
    pub(super) epochs: Vec<u64>,
    /// Minted, delegated, attenuated, revoked, unrecorded.
    pub(super) counts: [u64; 5],
    pub(super) granted: u64,
    pub(super) returned: u64,
    /// In the order in which they were first reserved.
    pub(super) slots: Vec<Seen>,
    pub(super) kept: Vec<(String, Handle)>,
}

/// A slot, and its occupant if it has one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) word: Word,
    pub(super) occupant: Option<Occupant>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Occupant {
    pub(super) parent: Option<Handle>,
    pub(super) object: Object,
    pub(super) deadline_ns: u64,
    pub(super) limits: LimitsSeen,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct LimitsSeen {
    pub(super) caveat: Option<Caveat>,
    pub(super) gas: Option<u64>,
    /// And when its bucket is full.
    pub(super) rate: Option<(Rate, u64)>,
}

impl Image {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.bytes.extend(MAGIC);
        out.u32(VERSION);
        out.u64(0);
        out.u64(self.unix_ns);
        out.u64(self.time_ns);
        out.u8(u8::try_from(self.epochs.len()).expect("128 shards at most"));
        self.epochs.iter().chain(&self.counts).for_each(|number| out.u64(*number));
        out.u64(self.granted);
        out.u64(self.returned);
        out.u32(u32::try_from(self.slots.len()).expect("slots are counted in 32 bits"));
        self.slots.iter().for_each(|slot| slot.write(&mut out));
        out.u32(u32::try_from(self.kept.len()).expect("looked at before"));
        for (name, handle) in &self.kept {
            out.u16(u16::try_from(name.len()).expect("looked at before"));
            out.bytes.extend(name.as_bytes());
            out.u64(handle.bits());
        }
        let mut bytes = out.bytes;
        let len = (bytes.len() - HEAD) as u64;
        bytes[HEAD - 8..HEAD].copy_from_slice(&len.to_le_bytes());
        let checksum = blake3::hash(&bytes);
        bytes.extend(checksum.as_bytes());
        bytes
    }

    /// What [`write`](Self::write) wrote; anything else is refused (P5).
    pub(super) fn read(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let body = checked(bytes)?;
        let mut from = Reader::new(&body[HEAD..]);
        Self::read_body(&mut from).map_err(|fault| SnapshotError::new(HEAD + from.at(), fault))
    }

    fn read_body(from: &mut Reader<'_>) -> Result<Self, SnapshotFault> {
        let (unix_ns, time_ns) = (from.u64()?, from.u64()?);
        if time_ns >= TIME_MAX {
            return Err(SnapshotFault::Nonsense("its time is more than 146 years"));
        }
        let shards = usize::from(from.u8()?);
        if !(1..=SHARDS_MAX).contains(&shards) {
            return Err(SnapshotFault::Nonsense("the number of shards is none that there can be"));
        }
        let epochs = (0..shards).map(|_| from.u64()).collect::<Result<Vec<_>, _>>()?;
        if epochs.iter().any(|epoch| *epoch > Epoch::COUNT_MAX) {
            return Err(SnapshotFault::Nonsense("an epoch is beyond what is ever reached"));
        }
        let mut counts = [0; 5];
        for count in &mut counts {
            *count = from.u64()?;
            if *count >= COUNT_MAX {
                return Err(SnapshotFault::Nonsense("a count is beyond what is ever reached"));
            }
        }
        let (granted, returned) = (from.u64()?, from.u64()?);
        let count = counted(from, 8)?;
        let mut slots = Vec::with_capacity(count);
        for _ in 0..count {
            slots.push(Seen::read(from, shards)?);
        }
        let count = counted(from, 10)?;
        let mut kept = Vec::with_capacity(count);
        for _ in 0..count {
            let len = from.u16()?;
            let name = str::from_utf8(from.take(len.into())?);
            let name = name.map_err(|_| SnapshotFault::Nonsense("a name is not UTF-8"))?;
            let handle = Handle::from_bits(from.u64()?)
                .ok_or(SnapshotFault::Nonsense("a name has no handle"))?;
            kept.push((name.to_owned(), handle));
        }
        if from.left() > 0 {
            return Err(SnapshotFault::Nonsense("more follows than it says"));
        }
        Ok(Self { unix_ns, time_ns, epochs, counts, granted, returned, slots, kept })
    }
}

/// All but the checksum, if the bytes are those that were written.
fn checked(bytes: &[u8]) -> Result<&[u8], SnapshotError> {
    let mut from = Reader::new(bytes);
    let fault = |from: &Reader<'_>, fault| SnapshotError::new(from.at(), fault);
    if from.array::<8>() != Ok(*MAGIC) {
        return Err(SnapshotError::new(0, SnapshotFault::NotASnapshot));
    }
    match from.u32() {
        Ok(VERSION) => {}
        Ok(other) => return Err(SnapshotError::new(8, SnapshotFault::Version(other))),
        Err(ended) => return Err(fault(&from, ended.into())),
    }
    let len = from.u64().map_err(|ended| fault(&from, ended.into()))?;
    let found = bytes.len() as u64;
    let expected = len.saturating_add((HEAD + CHECKSUM) as u64);
    if expected != found {
        return Err(SnapshotError::new(12, SnapshotFault::Length { expected, found }));
    }
    let (body, checksum) = bytes.split_at(bytes.len() - CHECKSUM);
    let whole = blake3::hash(body).as_bytes() == checksum;
    if !whole && !mutant!("P5 the checksum is not looked at") {
        return Err(SnapshotError::new(body.len(), SnapshotFault::Checksum));
    }
    Ok(body)
}

/// A number of things of at least `size` bytes each, no more than there can be.
fn counted(from: &mut Reader<'_>, size: usize) -> Result<usize, SnapshotFault> {
    let count = from.u32()? as usize;
    if count > from.left() / size {
        return Err(SnapshotFault::Nonsense("a count is beyond what follows"));
    }
    Ok(count)
}

impl Seen {
    pub(super) fn vacant(word: Word) -> Self {
        debug_assert!(!word.is_alive());
        Self { word, occupant: None }
    }

    fn write(&self, out: &mut Writer) {
        debug_assert_eq!(self.word.is_alive(), self.occupant.is_some());
        out.u64(self.word.bits());
        let Some(occupant) = &self.occupant else { return };
        out.u64(occupant.parent.map_or(0, Handle::bits));
        out.u64(occupant.object.bits());
        out.u64(occupant.deadline_ns);
        if self.word.has_caveats() || self.word.has_limits() {
            occupant.limits.write(out);
        }
    }

    fn read(from: &mut Reader<'_>, shards: usize) -> Result<Self, SnapshotFault> {
        let word = Word::from_bits(from.u64()?, shards)
            .ok_or(SnapshotFault::Nonsense("a slot is in no state that there is"))?;
        if !word.is_alive() {
            return Ok(Self::vacant(word));
        }
        let parent = match from.u64()? {
            0 => None,
            bits => Some(
                Handle::from_bits(bits).ok_or(SnapshotFault::Nonsense("a parent is no handle"))?,
            ),
        };
        let object = Object::from_bits(from.u64()?)
            .ok_or(SnapshotFault::Nonsense("a capability is for no object"))?;
        let deadline_ns = from.u64()?;
        let limits = if word.has_caveats() || word.has_limits() {
            LimitsSeen::read(from)?
        } else {
            LimitsSeen::default()
        };
        let limited = limits.gas.is_some() || limits.rate.is_some();
        if word.has_caveats() != limits.caveat.is_some() || word.has_limits() != limited {
            return Err(SnapshotFault::Nonsense("the limits are not those of the capability"));
        }
        let occupant = Some(Occupant { parent, object, deadline_ns, limits });
        Ok(Self { word, occupant })
    }
}

impl LimitsSeen {
    fn write(&self, out: &mut Writer) {
        let mark = |there: bool, mark| if there { mark } else { 0 };
        let marks = mark(self.caveat.is_some(), CAVEAT)
            | mark(self.gas.is_some(), GAS)
            | mark(self.rate.is_some(), RATE);
        out.u8(marks);
        if let Some(caveat) = &self.caveat {
            caveat.write(out);
        }
        if let Some(gas) = self.gas {
            out.u64(gas);
        }
        if let Some((rate, full_at)) = self.rate {
            let (interval_ns, burst) = rate.parts();
            [interval_ns, burst, full_at].into_iter().for_each(|number| out.u64(number));
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, SnapshotFault> {
        let marks = from.u8()?;
        if marks & !(CAVEAT | GAS | RATE) != 0 {
            return Err(SnapshotFault::Nonsense("a limit is of no kind that there is"));
        }
        let caveat = (marks & CAVEAT != 0).then(|| Caveat::read(from)).transpose()?;
        let gas = (marks & GAS != 0).then(|| from.u64()).transpose()?;
        let rate = if marks & RATE != 0 {
            let rate = Rate::checked(from.u64()?, from.u64()?)
                .ok_or(SnapshotFault::Nonsense("a rate is none that there can be"))?;
            Some((rate, from.u64()?))
        } else {
            None
        };
        Ok(Self { caveat, gas, rate })
    }
}
