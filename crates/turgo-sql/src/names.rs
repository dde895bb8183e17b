//! Names people misspell, and the ones they may have meant.

/// The candidate nearest to `word`, where one is near enough to be what was meant: at most one
/// edit in three letters.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    let edits_max = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(edits, _)| *edits <= edits_max)
        .min()
        .map(|(_, candidate)| candidate)
}

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
