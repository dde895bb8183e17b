//! FIRST_VALUE and LAG: the oldest value of a frame.

use std::fmt::Debug;
use std::marker::PhantomData;
use std::num::NonZeroUsize;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, PrimitiveArray, downcast_primitive};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Field, FieldRef};

use super::{Fold, Frames, of};
use crate::error::{EngineError, Result};
use crate::state::columns::{only, primitive};
use crate::types::sql_type;

/// FIRST_VALUE of a column of type `argument` over `rows` rows.
pub(in crate::state) fn first(
    argument: &DataType,
    rows: Option<NonZeroUsize>,
) -> Result<Box<dyn Frames>> {
    make::<false>(argument, rows)
}

/// The value `rows - 1` rows back.
pub(in crate::state) fn lag(
    argument: &DataType,
    rows: Option<NonZeroUsize>,
) -> Result<Box<dyn Frames>> {
    make::<true>(argument, rows)
}

fn make<const WHOLE: bool>(
    argument: &DataType,
    rows: Option<NonZeroUsize>,
) -> Result<Box<dyn Frames>> {
    macro_rules! fixed {
        ($t:ty) => {
            Ok(of(
                First::<$t, WHOLE> { data_type: argument.clone(), rows, value: PhantomData },
                rows,
            ))
        };
    }
    downcast_primitive! {
        argument => (fixed),
        other => {
            let (name, other) = (if WHOLE { "lag" } else { "first_value" }, sql_type(other));
            let message = format!("{name}({other}) with OVER is not there yet");
            Err(EngineError::Unsupported(message))
        }
    }
}

/// The value of the first row; where `WHOLE`, only of a frame of `rows` rows.
#[derive(Debug)]
struct First<T: ArrowPrimitiveType, const WHOLE: bool> {
    data_type: DataType,
    rows: Option<NonZeroUsize>,
    value: PhantomData<T>,
}

/// The value of the first of some rows: `None` of no rows, `Some(None)` where it is NULL.
type Value<T> = Option<Option<<T as ArrowPrimitiveType>::Native>>;

impl<T: ArrowPrimitiveType + Debug + Send, const WHOLE: bool> Fold for First<T, WHOLE> {
    type State = Value<T>;
    type Result = T;

    fn empty(&self) -> Value<T> {
        None
    }

    fn join(&self, earlier: &Value<T>, later: &Value<T>) -> Result<Value<T>> {
        Ok(earlier.or(*later))
    }

    fn states<'a>(
        &self,
        args: &'a [ArrayRef],
        _filter: Option<&'a BooleanArray>,
    ) -> Result<impl Fn(usize) -> Value<T> + 'a> {
        let values = primitive::<T>(only(args)?)?;
        Ok(move |row| Some(values.is_valid(row).then(|| values.value(row))))
    }

    fn value(&self, state: &Value<T>, rows: usize) -> Result<Option<T::Native>> {
        let whole = self.rows.is_none_or(|wanted| wanted.get() == rows);
        Ok(if WHOLE && !whole { None } else { state.flatten() })
    }

    fn result(&self) -> DataType {
        self.data_type.clone()
    }

    fn state_fields(&self) -> Vec<FieldRef> {
        vec![
            Arc::new(Field::new("any", DataType::Boolean, false)),
            Arc::new(Field::new("value", self.data_type.clone(), true)),
        ]
    }

    fn columns(&self, states: Vec<Value<T>>) -> Vec<ArrayRef> {
        let any: BooleanArray = states.iter().map(|state| Some(state.is_some())).collect();
        let values: PrimitiveArray<T> = states.into_iter().map(Option::flatten).collect();
        vec![Arc::new(any), Arc::new(values.with_data_type(self.data_type.clone()))]
    }

    fn read_columns(&self, columns: &[ArrayRef]) -> Result<Vec<Value<T>>> {
        let [any, values] = columns else {
            return Err(EngineError::internal("two columns carry the first value"));
        };
        let (any, values) = (any.as_boolean().values(), primitive::<T>(values)?);
        Ok(any.iter().zip(values).map(|(any, value)| any.then_some(value)).collect())
    }
}
