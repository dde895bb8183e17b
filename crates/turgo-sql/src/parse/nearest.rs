//! The name the user may have meant.

/// The candidate that `word` is most likely a misspelling of, if any is close enough: one slip of
/// the fingers (a letter changed, added, dropped or swapped) in every three letters of the name.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|name| (strsim::osa_distance(&word, &name.to_lowercase()), name))
        .filter(|(distance, name)| {
            let letters = name.chars().count();
            *distance <= (letters / 3).clamp(1, 3) && *distance < letters
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
