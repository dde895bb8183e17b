//! The functions a query may call: DataFusion's scalar, nested and aggregate functions, those that
//! are only there with OVER, and the markers that stand for windows.

mod date_bin;

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion_common::{Result, internal_err, plan_err};
use datafusion_expr::planner::ExprPlanner;
use datafusion_expr::{
    AggregateUDF, ColumnarValue, HigherOrderUDF, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
    ScalarUDFImpl, Signature, Volatility, WindowUDF,
};
use turgo_engine::types::sql_type;

use self::date_bin::DateBin;
use crate::plan::FieldNames;
use crate::plan::window::MILLIS;
use crate::statement::marker;

/// All functions, by every name they answer to.
#[derive(Debug)]
pub(crate) struct Functions {
    pub(crate) scalar: BTreeMap<String, Arc<ScalarUDF>>,
    pub(crate) higher_order: BTreeMap<String, Arc<HigherOrderUDF>>,
    pub(crate) aggregate: BTreeMap<String, Arc<AggregateUDF>>,
    /// Those with OVER that are no aggregates.
    pub(crate) window: BTreeMap<String, Arc<WindowUDF>>,
    pub(crate) planners: Vec<Arc<dyn ExprPlanner>>,
}

impl Functions {
    /// The functions of every session.
    pub(crate) fn new() -> Self {
        let mut functions = Self {
            scalar: BTreeMap::new(),
            higher_order: BTreeMap::new(),
            aggregate: BTreeMap::new(),
            window: BTreeMap::new(),
            planners: vec![
                Arc::new(FieldNames),
                Arc::new(datafusion_functions::core::planner::CoreFunctionPlanner::default()),
                Arc::new(datafusion_functions_nested::planner::NestedFunctionPlanner),
                Arc::new(datafusion_functions_nested::planner::FieldAccessPlanner),
                Arc::new(datafusion_functions::datetime::planner::DatetimeFunctionPlanner),
                Arc::new(datafusion_functions::unicode::planner::UnicodeFunctionPlanner),
                Arc::new(datafusion_functions_aggregate::planner::AggregateFunctionPlanner),
                Arc::new(datafusion_functions_window::planner::WindowFunctionPlanner),
            ],
        };
        let nested = datafusion_functions_nested::all_default_nested_functions();
        let markers = [marker::START, marker::END, marker::TIME]
            .map(|name| Arc::new(ScalarUDF::new_from_impl(WindowMarker::new(name))));
        for function in
            datafusion_functions::all_default_functions().into_iter().chain(nested).chain(markers)
        {
            let function = match function.name() {
                "date_bin" => Arc::new(ScalarUDF::new_from_impl(DateBin::new(function))),
                _ => function,
            };
            for name in std::iter::once(function.name()).chain(names(function.aliases())) {
                functions.scalar.insert(name.to_owned(), Arc::clone(&function));
            }
        }
        for function in datafusion_functions_nested::all_default_higher_order_functions() {
            for name in std::iter::once(function.name()).chain(names(function.aliases())) {
                functions.higher_order.insert(name.to_owned(), Arc::clone(&function));
            }
        }
        for function in datafusion_functions_aggregate::all_default_aggregate_functions() {
            for name in std::iter::once(function.name()).chain(names(function.aliases())) {
                functions.aggregate.insert(name.to_owned(), Arc::clone(&function));
            }
        }
        for function in [
            datafusion_functions_window::row_number::row_number_udwf(),
            datafusion_functions_window::lead_lag::lag_udwf(),
            datafusion_functions_window::nth_value::first_value_udwf(),
            datafusion_functions_window::nth_value::last_value_udwf(),
        ] {
            functions.window.insert(function.name().to_owned(), function);
        }
        functions
    }

    /// The names a user may write, sorted, without the markers.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut all: Vec<&str> = (self.scalar.keys())
            .chain(self.higher_order.keys())
            .chain(self.aggregate.keys())
            .chain(self.window.keys())
            .map(String::as_str)
            .filter(|name| !is_marker(name))
            .collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Whether a call of `name` can be planned.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.scalar.contains_key(name)
            || self.higher_order.contains_key(name)
            || self.aggregate.contains_key(name)
    }
}

fn names(aliases: &[String]) -> impl Iterator<Item = &str> {
    aliases.iter().map(String::as_str)
}

/// Whether `name` is one of the functions that stand for windows.
pub(crate) fn is_marker(name: &str) -> bool {
    [marker::START, marker::END, marker::TIME].contains(&name)
}

/// A function that stands for a window between the front end and the plan. Volatile, so that
/// nothing folds or moves it; it has the type of its time column, or that of its milliseconds.
#[derive(Debug, PartialEq, Eq, Hash)]
struct WindowMarker {
    name: &'static str,
    signature: Signature,
}

impl WindowMarker {
    fn new(name: &'static str) -> Self {
        // The front end alone writes them; it knows how many arguments there are.
        Self { name, signature: Signature::variadic_any(Volatility::Volatile) }
    }
}

impl ScalarUDFImpl for WindowMarker {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        match &types[0] {
            time @ DataType::Timestamp(..) => Ok(time.clone()),
            DataType::Int64 => Ok(MILLIS),
            other => {
                let other = sql_type(other);
                plan_err!("a window needs a time column of type TIMESTAMP, not {other}")
            }
        }
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let data_type = self.return_type(&[args.arg_fields[0].data_type().clone()])?;
        Ok(Arc::new(Field::new(self.name, data_type, false)))
    }

    fn invoke_with_args(&self, _args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("{} stands for a window and has no value", self.name)
    }
}
