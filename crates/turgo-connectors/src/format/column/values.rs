//! Values of a column as they are gathered: memory that becomes an Arrow array without a copy.
//!
//! Unlike Arrow's builders these can be cut back, which is how a rejected row leaves no trace. Each
//! starts with the room that the batch before it needed.

use arrow::array::{
    ArrowPrimitiveType, BinaryArray, BooleanArray, BooleanBufferBuilder, NullBufferBuilder,
    PrimitiveArray, StringArray,
};
use arrow::buffer::{Buffer, OffsetBuffer};

/// Values of one width.
pub(crate) struct Primitives<T: ArrowPrimitiveType> {
    values: Vec<T::Native>,
    valid: NullBufferBuilder,
}

impl<T: ArrowPrimitiveType> Primitives<T> {
    /// No values.
    pub(crate) fn new() -> Self {
        Self { values: Vec::new(), valid: NullBufferBuilder::new(0) }
    }

    /// Appends a value.
    #[inline(always)]
    pub(crate) fn push(&mut self, value: T::Native) {
        self.values.push(value);
        self.valid.append_non_null();
    }

    /// Appends a value, `None` for NULL.
    pub(crate) fn push_option(&mut self, value: Option<T::Native>) {
        self.values.push(value.unwrap_or_default());
        self.valid.append(value.is_some());
    }

    /// The number of values, NULLs included.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Keeps the first `length` values.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
        self.valid.truncate(length);
    }

    /// The values as an array; none are left.
    pub(crate) fn finish(&mut self) -> PrimitiveArray<T> {
        let room = Vec::with_capacity(self.values.len());
        let values = std::mem::replace(&mut self.values, room);
        PrimitiveArray::new(values.into(), self.valid.finish())
    }
}

/// Truth values.
pub(crate) struct Booleans {
    values: BooleanBufferBuilder,
    valid: NullBufferBuilder,
}

impl Booleans {
    /// No values.
    pub(crate) fn new() -> Self {
        Self { values: BooleanBufferBuilder::new(0), valid: NullBufferBuilder::new(0) }
    }

    /// Appends a value, `None` for NULL.
    pub(crate) fn push_option(&mut self, value: Option<bool>) {
        self.values.append(value.unwrap_or_default());
        self.valid.append(value.is_some());
    }

    /// The number of values, NULLs included.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Keeps the first `length` values.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.values.truncate(length);
        self.valid.truncate(length);
    }

    /// The values as an array; none are left.
    pub(crate) fn finish(&mut self) -> BooleanArray {
        BooleanArray::new(self.values.finish(), self.valid.finish())
    }
}

/// Byte strings, one after the other. Of a batch, so that 32 bits hold their offsets: a chunk holds
/// at most a record of 64 MiB more than it aims at, and no value is longer than its text.
pub(crate) struct Bytes {
    values: Vec<u8>,
    offsets: Vec<i32>,
    valid: NullBufferBuilder,
}

impl Bytes {
    /// No values.
    pub(crate) fn new() -> Self {
        Self { values: Vec::new(), offsets: vec![0], valid: NullBufferBuilder::new(0) }
    }

    /// Appends a value.
    #[inline]
    pub(crate) fn push(&mut self, value: &[u8]) {
        self.values.extend_from_slice(value);
        self.offsets.push(self.end());
        self.valid.append_non_null();
    }

    /// Appends NULL.
    pub(crate) fn push_null(&mut self) {
        self.offsets.push(self.end());
        self.valid.append_null();
    }

    fn end(&self) -> i32 {
        i32::try_from(self.values.len()).expect("a chunk has fewer than 2^31 bytes")
    }

    /// The number of values, NULLs included.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Keeps the first `length` values.
    pub(crate) fn truncate(&mut self, length: usize) {
        if length < self.len() {
            self.offsets.truncate(length + 1);
            self.values.truncate(self.offsets[length] as usize);
            self.valid.truncate(length);
        }
    }

    /// The values as an array of `Binary`; none are left.
    pub(crate) fn finish_binary(&mut self) -> BinaryArray {
        let (offsets, values) = self.take();
        BinaryArray::new(offsets, values, self.valid.finish())
    }

    /// The values, all of which are UTF-8, as an array of `Utf8`; none are left.
    pub(crate) fn finish_text(&mut self) -> StringArray {
        let (offsets, values) = self.take();
        StringArray::new(offsets, values, self.valid.finish())
    }

    fn take(&mut self) -> (OffsetBuffer<i32>, Buffer) {
        let room = self.values.len();
        let values = std::mem::replace(&mut self.values, Vec::with_capacity(room + room / 8));
        let mut fresh = Vec::with_capacity(self.offsets.len());
        fresh.push(0);
        let offsets = std::mem::replace(&mut self.offsets, fresh);
        (OffsetBuffer::new(offsets.into()), values.into())
    }
}
