//! Where a name stands in an index. The build that makes the index and the program that asks it share this file.

/// The hash of a name.
#[inline]
pub(crate) fn name_hash(name: &str) -> u64 {
    let mix = |hash: u64, word: u64| {
        let mixed = (hash ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ mixed >> 29
    };
    let (words, rest) = name.as_bytes().as_chunks::<8>();
    let hash = words.iter().fold(name.len() as u64, |hash, word| mix(hash, u64::from_le_bytes(*word)));
    let last = rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte));
    mix(hash, last)
}

/// The word of a filter with the bit of a hash.
#[inline]
pub(crate) fn word_of(hash: u64, words: usize) -> usize {
    usize::try_from(hash >> 48).map_or(0, |high| high % words)
}
