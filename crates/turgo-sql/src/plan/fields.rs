//! Fields of rows: names the ones there are where a query asks for another.
//!
//! DataFusion would say that a field was not found, and nothing more.

use arrow::datatypes::{DataType, Field};
use datafusion_common::{DFSchema, DataFusionError, Result, TableReference};
use datafusion_expr::expr::ScalarFunction;
use datafusion_expr::planner::{ExprPlanner, PlannerResult, RawFieldAccessExpr};
use datafusion_expr::{
    ColumnarValue, Expr, ExprSchemable, GetFieldAccess, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility,
};

use crate::diagnose::carry;
use crate::error::SqlError;
use crate::names::suggest;

/// Looks at every access to a field before DataFusion plans it.
#[derive(Debug)]
pub(crate) struct FieldNames;

impl ExprPlanner for FieldNames {
    /// `r.a.b`. The planner of DataFusion passes over errors here, so the error waits in a function
    /// that has no type.
    fn plan_compound_identifier(
        &self,
        field: &Field,
        _qualifier: Option<&TableReference>,
        nested_names: &[String],
    ) -> Result<PlannerResult<Vec<Expr>>> {
        let mut data_type = field.data_type();
        for name in nested_names {
            match step(data_type, name) {
                Ok(Some(inner)) => data_type = inner,
                Ok(None) => break,
                Err(error) => {
                    let missing = ScalarUDF::new_from_impl(Missing::new(error));
                    let call = ScalarFunction::new_udf(missing.into(), vec![]);
                    return Ok(PlannerResult::Planned(Expr::ScalarFunction(call)));
                }
            }
        }
        Ok(PlannerResult::Original(vec![]))
    }

    /// `r['a']`.
    fn plan_field_access(
        &self,
        access: RawFieldAccessExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawFieldAccessExpr>> {
        if let GetFieldAccess::NamedStructField { name } = &access.field_access
            && let Some(Some(name)) = name.try_as_str()
        {
            step(&access.expr.get_type(schema)?, name).map_err(carry)?;
        }
        Ok(PlannerResult::Original(access))
    }
}

/// The type of field `name`; `None` where `data_type` is no row.
fn step<'a>(data_type: &'a DataType, name: &str) -> Result<Option<&'a DataType>, SqlError> {
    let DataType::Struct(fields) = data_type else { return Ok(None) };
    if let Some((_, field)) = fields.find(name) {
        return Ok(Some(field.data_type()));
    }
    let error = SqlError::new(format!("there is no field `{name}` in the row"));
    let names = fields.iter().map(|field| field.name().as_str());
    Err(match suggest(name, names, "its fields are") {
        Some(help) => error.help(help),
        None => error,
    })
}

/// A field that is not there.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Missing {
    message: String,
    help: Option<String>,
    signature: Signature,
}

impl Missing {
    fn new(error: SqlError) -> Self {
        let signature = Signature::nullary(Volatility::Immutable);
        Self { message: error.message, help: error.help, signature }
    }

    fn error(&self) -> DataFusionError {
        let error = SqlError::new(&self.message);
        carry(match &self.help {
            Some(help) => error.help(help),
            None => error,
        })
    }
}

impl ScalarUDFImpl for Missing {
    fn name(&self) -> &'static str {
        "missing_field"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _types: &[DataType]) -> Result<DataType> {
        Err(self.error())
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(self.error())
    }
}
