//! The check of a NOT NULL column that is written: a NULL is an error that names the column.

use arrow::array::Array;
use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, exec_err};
use datafusion_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use std::sync::Arc;

/// `value` as it is, or an error where it is NULL; `column` is what the error names.
pub(super) fn not_null(value: Expr, column: String) -> Expr {
    let signature = Signature::any(1, Volatility::Volatile);
    ScalarUDF::new_from_impl(NotNull { column, signature }).call(vec![value])
}

/// Volatile, so that no rule evaluates it where there may be no row, or drops it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct NotNull {
    column: String,
    signature: Signature,
}

impl ScalarUDFImpl for NotNull {
    fn name(&self) -> &str {
        "not_null"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types[0].clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        Ok(Arc::new(Field::new(self.name(), args.arg_fields[0].data_type().clone(), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let value = args.args.into_iter().next();
        let Some(value) = value else { return exec_err!("not_null has one argument") };
        let null = match &value {
            ColumnarValue::Array(array) => array.logical_null_count() > 0,
            ColumnarValue::Scalar(value) => value.is_null() && args.number_rows > 0,
        };
        if null {
            return exec_err!("{} is NOT NULL, and this row has NULL for it", self.column);
        }
        Ok(value)
    }
}
