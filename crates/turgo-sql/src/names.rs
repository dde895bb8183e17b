//! Names people misspell, and the ones they may have meant.

use turgo_engine::types::identifier;

pub(crate) use crate::parse::nearest;

/// ``did you mean `price`?`` where a candidate is near, otherwise `otherwise` followed by all of
/// them; `None` where there are none.
pub(crate) fn suggest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
    otherwise: &str,
) -> Option<String> {
    if let Some(near) = nearest(word, candidates.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let all: Vec<_> = candidates.into_iter().map(|name| format!("`{name}`")).collect();
    (!all.is_empty()).then(|| format!("{otherwise} {}", all.join(", ")))
}

/// As [`suggest`], for a missing column: the one that differs in nothing but case is not misspelt.
pub(crate) fn suggest_column<'a>(
    word: &str,
    columns: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    let folded = columns
        .clone()
        .into_iter()
        .find(|column| *column != word && column.eq_ignore_ascii_case(word));
    match folded {
        Some(column) => Some(format!(
            "names without quotes are folded to lower case: write {}",
            identifier(column)
        )),
        None => suggest(word, columns, "the columns are"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_suggested_and_far_ones_are_listed() {
        let names = ["price", "channel", "bidder"];
        assert_eq!(suggest("pirce", names, "columns:").unwrap(), "did you mean `price`?");
        assert_eq!(
            suggest("xyz", names, "columns:").unwrap(),
            "columns: `price`, `channel`, `bidder`"
        );
        assert_eq!(suggest("xyz", [], "columns:"), None);
    }
}
