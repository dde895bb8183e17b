//! The full product of operator, emission, type, NULL and late rows.
//!
//! `matrix/generate.py` writes these files and computes what they expect; it is run by hand.
//! `matrix/tables.slt` is included by the others: the rows and their tables.

files! {
    "matrix/", [&[1, 3]];
    avg,
    case,
    count,
    count_distinct,
    cte,
    distinct_fractions,
    distinct_integers,
    distinct_times,
    distinct_values,
    event_time_hop,
    event_time_tumble,
    filter_fractions,
    filter_integers,
    filter_times,
    filter_values,
    group_by_fractions,
    group_by_integers,
    group_by_times,
    group_by_values,
    having_fractions,
    having_integers,
    having_times,
    having_values,
    hop,
    hop_grouping,
    max,
    min,
    projection,
    subquery,
    sum,
    tables,
    tumble,
    tumble_grouping,
    union_all,
    union_all_windows,
}
