//! Hashing of names: a large model has some hundred thousand of them, mostly short.
//!
//! Eight bytes are mixed at a time, by a multiplication whose halves are folded. The key is drawn anew for every walk, so
//! that a file cannot be made to hold names that collide.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Begins hashes with a key of its own.
#[derive(Debug, Clone)]
pub(super) struct Keyed {
    start: u64,
    factor: u64,
}

impl Default for Keyed {
    fn default() -> Self {
        let random = RandomState::new();
        // An odd factor loses nothing.
        Keyed { start: random.hash_one(0_u8), factor: random.hash_one(1_u8) | 1 }
    }
}

impl BuildHasher for Keyed {
    type Hasher = NameHasher;

    fn build_hasher(&self) -> NameHasher {
        NameHasher { state: self.start, factor: self.factor }
    }
}

/// A hash on its way.
#[derive(Debug)]
pub(super) struct NameHasher {
    state: u64,
    factor: u64,
}

impl Hasher for NameHasher {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        // What is left is taken from both its ends, which may overlap: the length is written, too.
        if let (Some(first), Some(last)) = (rest.first_chunk::<4>(), rest.last_chunk::<4>()) {
            self.write_u64(u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)));
        } else if let [first, .., last] = rest {
            let middle = rest[rest.len() / 2];
            self.write_u64(u64::from(*first) << 16 | u64::from(middle) << 8 | u64::from(*last));
        } else if let [only] = rest {
            self.write_u64(u64::from(*only));
        }
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        let wide = u128::from(self.state ^ word) * u128::from(self.factor);
        // The upper half into the lower one; the start keeps a word that cancels the state from ending all mixing.
        self.state = folded(wide) ^ self.factor.rotate_left(32);
    }

    #[inline]
    fn write_usize(&mut self, length: usize) {
        self.write_u64(length as u64);
    }

    #[inline]
    fn finish(&self) -> u64 {
        let wide = u128::from(self.state) * u128::from(self.factor);
        folded(wide)
    }
}

/// Both halves of a product in one.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "each half is taken by itself")]
fn folded(wide: u128) -> u64 {
    wide as u64 ^ (wide >> 64) as u64
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_that_are_alike_are_spread() {
        let keyed = Keyed::default();
        let hashes: Vec<u64> =
            (0..100_000).map(|at| keyed.hash_one(format!("/layer/{at}/Add_output_0").as_bytes())).collect();
        assert_eq!(hashes.iter().collect::<HashSet<_>>().len(), hashes.len());
        // Both ends are used by a table, and no bucket may take much more than its share of 100,000 / 1,024.
        for bucket in [|hash: u64| hash % 1_024, |hash: u64| hash >> 54] {
            let mut counts = [0; 1_024];
            for hash in &hashes {
                counts[usize::try_from(bucket(*hash)).unwrap()] += 1;
            }
            assert!(counts.iter().all(|count| (30..250).contains(count)), "{counts:?}");
        }
    }
}
