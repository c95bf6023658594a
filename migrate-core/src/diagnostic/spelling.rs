//! A misspelt word → the one that was meant.

/// The candidate a person most likely meant by `word`, if any is near enough to be worth asking.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // No name is that long, and the distance takes memory by both lengths.
    if word.len() > 64 {
        return None;
    }
    let folded = word.to_lowercase();
    let allowed = (folded.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed && *distance < folded.chars().count())
        .min()
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_candidate_is_the_one_meant() {
        let candidates = ["phase", "settings", "no-transaction", "up", "1"];
        for (word, expected) in [
            ("phsae", Some("phase")),
            ("PHASE", Some("phase")),
            ("no_transaction", Some("no-transaction")),
            ("us", Some("up")),
            ("x", None),
            ("3", None),
            ("colour", None),
        ] {
            assert_eq!(nearest(word, candidates), expected, "{word}");
        }
    }
}
