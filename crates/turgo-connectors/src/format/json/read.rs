//! Reading NDJSON records into columns.
//!
//! There are two ways. [`Object::read`] goes through a record once and appends each value where it
//! finds it; it gives up at the first thing out of the ordinary, and what it has appended is cut off
//! again. Then the record is read in order: [`Object::scan`] finds the text of each wanted value and
//! checks the whole line, and [`Object::append`] reads the values column by column; of a repeated
//! key only the last value is read.
//!
//! - J1. What the first way accepts, the second would accept with the same values; all records are
//!   rejected by the second, which thus decides alone what a record is and what is said of it.
//! - J2. Values of columns that are not projected are checked as JSON, and nothing else: whether a
//!   line is JSON does not depend on the projection.
//! - J3. With [`Rest::Skip`], a record whose wanted members all stand at its begin is taken without a look
//!   at the others: J1 and J2 hold of its begin alone. Which records are taken depends on
//!   nothing but their text.

use std::collections::HashMap;

use arrow::datatypes::{Field, Schema};
use turgo_engine::Result;
use turgo_engine::io::Decode;

use super::Rest;
use super::nested::column_of;
use super::path::{self, Step, Walked};
use super::plain;
use super::scan::{self, Cursor, Quoted, Syntax, unescaped};
use super::separators::{self, Next, Separators};
use crate::format::bytes::TextEnds;
use crate::format::column::{Column, Fault, Input, ReadColumn, Slot};
use crate::format::records::{ReadRecords, RecordDecoder, projected};

/// A decoder of the columns `projection` of `schema`.
pub(crate) fn decoder(
    schema: &Schema,
    projection: &[usize],
    rest: Rest,
) -> Result<Box<dyn Decode>> {
    let fields = projection.iter().map(|index| schema.field(*index));
    let records = JsonRecords { row: Object::new(fields)?, rest, ends: TextEnds::none() };
    Ok(Box::new(RecordDecoder::new(records, projected(schema, projection))))
}

struct JsonRecords {
    row: Object,
    rest: Rest,
    /// The ends of plain texts in the chunk, where enough texts are passed over to be worth it.
    ends: TextEnds,
}

impl ReadRecords for JsonRecords {
    fn begin(&mut self, _bytes: &[u8]) -> Result<usize> {
        if self.rest == Rest::Check {
            self.ends.begin();
        }
        Ok(0)
    }

    fn read_at(&mut self, bytes: &[u8], from: usize, row: usize) -> Option<usize> {
        if self.rest == Rest::Skip {
            return self.read_begin(bytes, from, row);
        }
        self.ends.prepare(bytes, from);
        let end = self.row.read::<true>(bytes, &self.ends, from, row)?;
        if bytes.get(end) == Some(&b'\n') {
            return Some(end + 1);
        }
        let mut cursor = Cursor::new(bytes, end);
        cursor.skip_space();
        match cursor.peek() {
            Some(b'\n') => Some(cursor.at() + 1),
            Some(_) => None,
            None => Some(cursor.at()),
        }
    }

    fn end(&self, bytes: &[u8], from: usize) -> Option<usize> {
        memchr::memchr(b'\n', &bytes[from..]).map(|length| from + length + 1)
    }

    fn is_blank(&self, record: &[u8]) -> bool {
        record.trim_ascii().is_empty()
    }

    fn read(&mut self, record: &str) -> Result<(), String> {
        self.row.scan(record).map_err(|error| described(record, &error))?;
        self.row.append(record).map_err(Fault::reason)
    }

    fn slots(&mut self) -> &mut [Slot] {
        &mut self.row.slots
    }
}

impl JsonRecords {
    /// As `read_at`, of a record of which nothing is read behind its last wanted member.
    fn read_begin(&mut self, bytes: &[u8], from: usize, row: usize) -> Option<usize> {
        let at = self.row.read::<false>(bytes, &self.ends, from, row)?;
        let end = memchr::memchr(b'\n', &bytes[at..]).map(|length| at + length);
        let record = bytes[from..end.unwrap_or(bytes.len())].trim_ascii_end();
        record.ends_with(b"}").then_some(end.map_or(bytes.len(), |end| end + 1))
    }
}

fn described(record: &str, error: &Syntax) -> String {
    let character = record[..record.floor_char_boundary(error.at)].chars().count() + 1;
    format!("invalid JSON at character {character}: {}", error.what)
}

/// Objects in a row that are not on the path before it is given up for theirs. Of two kinds of objects
/// that alternate, the path remains that of one.
const MISSES_MAX: u32 = 8;

/// The members of an object that are wanted.
pub(super) struct Object {
    pub(super) slots: Vec<Slot>,
    separators: Separators,
    /// The separators of whole objects.
    path: Vec<Step>,
    /// How many objects in a row were not on that path.
    misses: u32,
    /// Where the value of each slot stands in the text scanned last.
    spans: Vec<Option<(usize, usize)>>,
}

impl Object {
    pub(super) fn new<'a>(fields: impl Iterator<Item = &'a Field>) -> Result<Self> {
        let slots = fields.map(slot).collect::<Result<Vec<_>>>()?;
        let keys = slots.iter().map(|slot| slot.name().to_owned());
        let members: HashMap<_, _> = keys.zip(0..).collect();
        let spans = vec![None; slots.len()];
        let (separators, path) = (Separators::new(members), Vec::new());
        // The first object shows the path.
        Ok(Self { slots, separators, path, misses: MISSES_MAX - 1, spans })
    }

    /// Reads the object at `at` in `text` into the slots, which hold `row` values each, and returns
    /// its end, or, where it is not read `WHOLE`, the end of its last wanted member; `None` where
    /// something stands in the way, and then some slots may have taken values and others not.
    pub(super) fn read<const WHOLE: bool>(
        &mut self,
        text: &[u8],
        ends: &TextEnds,
        at: usize,
        row: usize,
    ) -> Option<usize> {
        let wanted = self.slots.len();
        if !WHOLE && wanted == 0 {
            return (text.get(at) == Some(&b'{')).then_some(at + 1);
        }
        let mut found = 0;
        let walked = path::walk(&self.path, text, ends, at, |index, at, quoted| {
            found += 1;
            let end = read_value(&mut self.slots[index as usize], text, ends, at, quoted, row)?;
            Some((end, !WHOLE && found == wanted))
        });
        match walked? {
            Walked::To(end) if found == wanted => {
                self.misses = 0;
                Some(end)
            }
            Walked::To(end) => self.fill(row).then_some(end),
            Walked::Left { separator, at } => {
                self.read_on::<WHOLE>(text, ends, (separator, at), found, row)
            }
        }
    }

    /// Reads on behind the value that stands behind separator `before`, and ends at `at`; `found`
    /// wanted members stand before.
    #[cold]
    #[inline(never)]
    fn read_on<const WHOLE: bool>(
        &mut self,
        text: &[u8],
        ends: &TextEnds,
        (mut before, mut at): (u32, usize),
        mut found: usize,
        row: usize,
    ) -> Option<usize> {
        loop {
            let passed = match self.separators.predicted(before, text, at) {
                Some(passed) => passed,
                None => self.separators.find(before, text, at).ok()?,
            };
            (before, at) = (passed.separator, passed.end);
            at = match passed.next {
                Next::Wanted { index, quoted } => {
                    found += 1;
                    read_value(&mut self.slots[index as usize], text, ends, at, quoted, row)?
                }
                Next::Unwanted { quoted: true } => match plain::known_text_end(text, ends, at) {
                    Some(end) => end + 1,
                    None => plain::value_end(text, at - 1)?,
                },
                Next::Unwanted { quoted: false } => plain::value_end(text, at)?,
                Next::End => break,
            };
            if !WHOLE && found == self.slots.len() {
                break;
            }
        }
        self.learn::<WHOLE>();
        self.fill(row).then_some(at)
    }

    /// Takes another path after some objects in a row that were not on the one there is.
    fn learn<const WHOLE: bool>(&mut self) {
        self.misses += 1;
        if self.misses >= MISSES_MAX {
            self.misses = 0;
            let wanted = if WHOLE { usize::MAX } else { self.slots.len() };
            self.path = self.separators.path(wanted).unwrap_or_default();
        }
    }

    /// Whether members that are missing may be NULL.
    fn fill(&mut self, row: usize) -> bool {
        let mut missing = self.slots.iter_mut().filter(|slot| slot.len() == row);
        missing.all(|slot| slot.append(None).is_ok())
    }

    /// Finds the values of an object's members; `text` is the object and nothing else.
    pub(super) fn scan(&mut self, text: &str) -> Result<(), Syntax> {
        self.spans.fill(None);
        let mut cursor = Cursor::new(text.as_bytes(), 0);
        cursor.skip_space();
        let mut first = true;
        while let Some(key) = separators::scan(&mut cursor, first)? {
            let start = cursor.at();
            cursor.value(1)?;
            if let Some(slot) = self.separators.member(key) {
                self.spans[slot as usize] = Some((start, cursor.at()));
            }
            first = false;
        }
        cursor.end()
    }

    /// Reads the values found by [`Object::scan`]; every slot takes one, also after a fault.
    pub(super) fn append(&mut self, text: &str) -> Result<(), Fault> {
        let mut first = Ok(());
        for (slot, span) in self.slots.iter_mut().zip(&self.spans) {
            let result = match span {
                Some((start, end)) => append_value(slot, &text[*start..*end]),
                None => slot.append(None),
            };
            first = first.and(result);
        }
        first
    }
}

/// Reads the value at `at`, `quoted`: a string behind its opening quote, as value `row` of `slot`
/// and returns its end; `None` where it does not fit, or the slot has one already.
#[inline(always)]
fn read_value(
    slot: &mut Slot,
    text: &[u8],
    ends: &TextEnds,
    at: usize,
    quoted: bool,
    row: usize,
) -> Option<usize> {
    match &mut slot.column {
        Column::Long(longs) if longs.len() == row => match quoted {
            false => {
                if let Some((value, end)) = plain::integer(text, at) {
                    longs.push(value);
                    return Some(end);
                }
            }
            true => {
                if let Some(end) = plain::known_text_end(text, ends, at)
                    && longs.push_text(&text[at..end])
                {
                    return Some(end + 1);
                }
            }
        },
        Column::Text(texts) if texts.len() == row => {
            if quoted && let Some(end) = plain::known_text_end(text, ends, at) {
                texts.push(&text[at..end]);
                return Some(end + 1);
            }
        }
        _ => {}
    }
    read_any(slot, text, at - usize::from(quoted), row)
}

/// As [`read_value`], of any kind of value; `at` is where it starts.
fn read_any(slot: &mut Slot, text: &[u8], at: usize, row: usize) -> Option<usize> {
    if slot.len() != row {
        return None;
    }
    let mut cursor = Cursor::new(text, at);
    match &mut slot.column {
        Column::Text(texts) if cursor.peek() == Some(b'"') => {
            texts.push(unescaped(cursor.string().ok()?).as_bytes());
        }
        _ => append_value(slot, scan::text(cursor.value(1).ok()?)).ok()?,
    }
    Some(cursor.at())
}

/// Appends a value, given as its valid JSON text.
pub(super) fn append_value(slot: &mut Slot, text: &str) -> Result<(), Fault> {
    match text.as_bytes()[0] {
        b'"' => {
            let raw = &text.as_bytes()[1..text.len() - 1];
            let escaped = memchr::memchr(b'\\', raw).is_some();
            slot.append(Some(Input::Text(&unescaped(Quoted { raw, escaped }))))
        }
        b'n' => slot.append(None),
        b't' => slot.append(Some(Input::Bool(true))),
        b'f' => slot.append(Some(Input::Bool(false))),
        b'{' | b'[' => slot.append(Some(Input::Nested(text))),
        _ => slot.append(Some(Input::Number(text))),
    }
}

/// The slot of a column or of something inside one.
pub(super) fn slot(field: &Field) -> Result<Slot> {
    Ok(Slot::new(field, column_of(field)?))
}
