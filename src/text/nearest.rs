//! The word that was probably meant.

/// The candidate that is fewest edits away from a word, if it is near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let most = (word.chars().count() / 2).max(2);
    let rated = candidates.into_iter().map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate));
    rated.filter(|(edits, _)| *edits <= most).min_by_key(|(edits, _)| *edits).map(|(_, candidate)| candidate)
}

/// The number of single-character edits between two words.
#[must_use]
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (at, from) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = at + 1;
        for (to, character) in b.iter().enumerate() {
            let replaced = corner + usize::from(*character != from);
            corner = row[to + 1];
            row[to + 1] = replaced.min(corner + 1).min(row[to] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits() {
        assert_eq!(distance("ec30", "ec301"), 1);
        assert_eq!(distance("driver-to-old", "driver-too-old"), 1);
        assert_eq!(distance("", "abc"), 3);
    }

    #[test]
    fn only_what_is_near_is_meant() {
        let keys = ["inputs", "python", "driver"];
        assert_eq!(nearest("input", keys), Some("inputs"));
        assert_eq!(nearest("Pyhton", keys), Some("python"));
        assert_eq!(nearest("colour", keys), None);
    }
}
