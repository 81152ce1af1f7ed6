//! Three-valued logic: what is not known is neither true nor false.

use std::ops::Not;

/// The outcome of a comparison between things that may be known in part only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Truth {
    /// False, whatever the unknown parts are.
    Violated,
    /// Depends on something that is not known.
    Undecided,
    /// True, whatever the unknown parts are.
    Holds,
}

impl Truth {
    /// Whether it is certainly true.
    #[must_use]
    pub fn holds(self) -> bool {
        self == Truth::Holds
    }

    /// Whether it is certainly false.
    #[must_use]
    pub fn violated(self) -> bool {
        self == Truth::Violated
    }

    /// Whether it depends on something unknown.
    #[must_use]
    pub fn undecided(self) -> bool {
        self == Truth::Undecided
    }

    /// Both: the worse of the two.
    #[must_use]
    pub fn and(self, other: Truth) -> Truth {
        self.min(other)
    }

    /// Either: the better of the two.
    #[must_use]
    pub fn or(self, other: Truth) -> Truth {
        self.max(other)
    }
}

impl Not for Truth {
    type Output = Truth;

    fn not(self) -> Truth {
        match self {
            Truth::Holds => Truth::Violated,
            Truth::Undecided => Truth::Undecided,
            Truth::Violated => Truth::Holds,
        }
    }
}

impl From<bool> for Truth {
    fn from(value: bool) -> Self {
        if value { Truth::Holds } else { Truth::Violated }
    }
}

#[cfg(test)]
mod tests {
    use super::Truth::{Holds, Undecided, Violated};

    #[test]
    fn the_unknown_yields_only_where_the_known_decides() {
        assert_eq!(Undecided.and(Violated), Violated);
        assert_eq!(Undecided.and(Holds), Undecided);
        assert_eq!(Undecided.or(Holds), Holds);
        assert_eq!(Undecided.or(Violated), Undecided);
        assert_eq!(!Undecided, Undecided);
    }
}
