//! `date_bin` that says what it cannot compute.
//!
//! DataFusion's computes in nanoseconds whatever the unit of its argument, and gives NULL for a time
//! that those cannot hold: before 1677 or after 2262. Here such a time is an error.

use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{DataType, FieldRef};
use arrow::util::display::array_value_to_string;
use datafusion_common::{Result, exec_err};
use datafusion_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature,
};

/// DataFusion's function, with an error where it would give NULL for arguments that are not.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct DateBin {
    inner: Arc<ScalarUDF>,
}

impl DateBin {
    /// A function like `inner`, which is `date_bin`.
    pub(super) fn new(inner: Arc<ScalarUDF>) -> Self {
        Self { inner }
    }
}

impl ScalarUDFImpl for DateBin {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (given, rows) = (args.args.clone(), args.number_rows);
        let binned = self.inner.invoke_with_args(args)?;
        let nulls = match &binned {
            ColumnarValue::Scalar(value) if value.is_null() => 1,
            ColumnarValue::Scalar(_) => 0,
            ColumnarValue::Array(array) => array.null_count(),
        };
        if nulls == 0 {
            return Ok(binned);
        }
        let given = ColumnarValue::values_to_arrays(&given)?;
        let results = binned.to_array(rows)?;
        let known =
            |row: usize| given.iter().all(|array| array.len() <= row || array.is_valid(row));
        let lost = (0..results.len()).find(|row| results.is_null(*row) && known(*row));
        if let (Some(row), Some(times)) = (lost, given.get(1)) {
            let time = array_value_to_string(times, row.min(times.len() - 1))?;
            return exec_err!(
                "date_bin computes in nanoseconds, from 1677 to 2262, which cannot hold {time}"
            );
        }
        Ok(binned)
    }
}
