//! The checked operators, as scalar functions over arrow's checked kernels.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Datum};
use arrow::compute::kernels::numeric;
use arrow::datatypes::{DataType, Decimal128Type, Decimal256Type, Field, FieldRef};
use arrow::error::ArrowError;
use datafusion_common::{DataFusionError, Result, ScalarValue};
use datafusion_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion_expr::{
    ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    Volatility,
};

/// An arithmetic operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Negate,
}

impl Operation {
    /// The operation of a binary operator, if it is one of these.
    pub(super) fn of(operator: Operator) -> Option<Self> {
        Some(match operator {
            Operator::Plus => Self::Add,
            Operator::Minus => Self::Subtract,
            Operator::Multiply => Self::Multiply,
            Operator::Divide => Self::Divide,
            Operator::Modulo => Self::Remainder,
            _ => return None,
        })
    }

    fn operator(self) -> Operator {
        match self {
            Self::Add => Operator::Plus,
            Self::Subtract | Self::Negate => Operator::Minus,
            Self::Multiply => Operator::Multiply,
            Self::Divide => Operator::Divide,
            Self::Remainder => Operator::Modulo,
        }
    }
}

/// One operation of a query, which knows how it was written.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Checked {
    operation: Operation,
    text: String,
    signature: Signature,
}

impl Checked {
    /// `operation`, written `text` in the query.
    pub(super) fn new(operation: Operation, text: String) -> Self {
        let arguments = if operation == Operation::Negate { 1 } else { 2 };
        Self { operation, text, signature: Signature::any(arguments, Volatility::Immutable) }
    }

    /// The operator it stands for; `-` also where there is one operand.
    pub(super) fn operator(&self) -> Operator {
        self.operation.operator()
    }

    /// How the query writes it.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Computes the operation if all its arguments are constants.
    pub(super) fn check_constant(&self, args: &[Expr]) -> Result<()> {
        let constants: Option<Vec<&ScalarValue>> =
            args.iter().map(|arg| arg.as_literal()).collect();
        let Some(constants) = constants else { return Ok(()) };
        let arrays: Vec<ArrayRef> =
            constants.into_iter().map(|value| value.to_array()).collect::<Result<_>>()?;
        let operands: Vec<&dyn Datum> = arrays.iter().map(|array| array as &dyn Datum).collect();
        self.compute(&operands).map(|_| ()).map_err(|error| self.explain(error, &arrays))
    }

    fn compute(&self, operands: &[&dyn Datum]) -> Result<ArrayRef, ArrowError> {
        let result = match (self.operation, operands) {
            (Operation::Add, [left, right]) => numeric::add(*left, *right),
            (Operation::Subtract, [left, right]) => numeric::sub(*left, *right),
            (Operation::Multiply, [left, right]) => numeric::mul(*left, *right),
            (Operation::Divide, [left, right]) => numeric::div(*left, *right),
            (Operation::Remainder, [left, right]) => numeric::rem(*left, *right),
            (Operation::Negate, [operand]) => numeric::neg(operand.get().0),
            _ => Err(ArrowError::InvalidArgumentError("wrong number of operands".into())),
        }?;
        in_precision(&result)?;
        Ok(result)
    }

    /// The error of the first row that has one. Only errors are worth this search.
    fn explain(&self, error: ArrowError, arrays: &[ArrayRef]) -> DataFusionError {
        let rows = arrays.iter().map(|array| array.len()).max().unwrap_or(0);
        for row in 0..rows {
            let values: Vec<ArrayRef> = arrays
                .iter()
                .map(|array| array.slice(if array.len() == 1 { 0 } else { row }, 1))
                .collect();
            let operands: Vec<&dyn Datum> =
                values.iter().map(|value| value as &dyn Datum).collect();
            if let Err(error) = self.compute(&operands) {
                return self.describe(&error, &values);
            }
        }
        DataFusionError::Execution(error.to_string())
    }

    fn describe(&self, error: &ArrowError, values: &[ArrayRef]) -> DataFusionError {
        let shown: Vec<String> = values
            .iter()
            .map(|value| {
                ScalarValue::try_from_array(value, 0).map_or_else(|_| "?".into(), |v| v.to_string())
            })
            .collect();
        let kind = match values.first() {
            Some(value) if value.data_type().is_decimal() => "decimal",
            _ => "integer",
        };
        let calculation = match shown.as_slice() {
            [operand] => format!("-({operand})"),
            [left, right] => format!("{left} {} {right}", self.operation.operator()),
            _ => String::new(),
        };
        let what = match error {
            ArrowError::DivideByZero => "division by zero".to_owned(),
            _ => format!("{kind} overflow"),
        };
        DataFusionError::Execution(format!("{what} in `{}`: {calculation}", self.text))
    }
}

/// arrow checks that a decimal fits its bits; this checks that it fits its digits.
fn in_precision(result: &ArrayRef) -> Result<(), ArrowError> {
    match result.data_type() {
        DataType::Decimal128(precision, _) => {
            result.as_primitive::<Decimal128Type>().validate_decimal_precision(*precision)
        }
        DataType::Decimal256(precision, _) => {
            result.as_primitive::<Decimal256Type>().validate_decimal_precision(*precision)
        }
        _ => Ok(()),
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        match self.operation {
            Operation::Add => "checked_add",
            Operation::Subtract => "checked_subtract",
            Operation::Multiply => "checked_multiply",
            Operation::Divide => "checked_divide",
            Operation::Remainder => "checked_remainder",
            Operation::Negate => "checked_negate",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn display_name(&self, args: &[Expr]) -> Result<String> {
        Ok(match args {
            [operand] => format!("(- {operand})"),
            [left, right] => format!("{left} {} {right}", self.operation.operator()),
            _ => self.text.clone(),
        })
    }

    /// The name DataFusion gives the operator, so that no column changes its name (X1).
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        Ok(match args {
            [operand] => format!("(- {})", operand.schema_name()),
            [left, right] => format!(
                "{} {} {}",
                left.schema_name(),
                self.operation.operator(),
                right.schema_name()
            ),
            _ => self.text.clone(),
        })
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match types {
            [left, right] => {
                BinaryTypeCoercer::new(left, &self.operation.operator(), right).get_result_type()
            }
            _ => Ok(types[0].clone()),
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|arg| arg.data_type().clone()).collect();
        let nullable = args.arg_fields.iter().any(|arg| arg.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        // A constant stays one value: arrow pairs it with every row of the other side.
        let arrays: Vec<ArrayRef> = args
            .args
            .iter()
            .map(|arg| match arg {
                ColumnarValue::Array(array) => Ok(Arc::clone(array)),
                ColumnarValue::Scalar(value) => value.to_array(),
            })
            .collect::<Result<_>>()?;
        let scalars: Vec<Option<arrow::array::Scalar<&ArrayRef>>> = args
            .args
            .iter()
            .zip(&arrays)
            .map(|(arg, array)| {
                matches!(arg, ColumnarValue::Scalar(_)).then(|| arrow::array::Scalar::new(array))
            })
            .collect();
        let operands: Vec<&dyn Datum> = scalars
            .iter()
            .zip(&arrays)
            .map(|(scalar, array)| match scalar {
                Some(scalar) if !constant => scalar as &dyn Datum,
                _ => array as &dyn Datum,
            })
            .collect();
        let result = self.compute(&operands).map_err(|error| self.explain(error, &arrays))?;
        if constant {
            return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&result, 0)?));
        }
        Ok(ColumnarValue::Array(result))
    }
}
