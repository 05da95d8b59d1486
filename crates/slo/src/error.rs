//! Why a text is no objective.

use std::fmt::Display;

use load_plan::document::PlanError;

/// What is wrong, after the place where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SloError(String);

pub(crate) type Result<T> = std::result::Result<T, SloError>;

impl SloError {
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl From<PlanError> for SloError {
    fn from(err: PlanError) -> Self {
        Self(err.to_string())
    }
}

/// Says where it stands.
pub(crate) trait At<T> {
    fn at(self, place: impl Display) -> Result<T>;
}

impl<T, E: Display> At<T> for std::result::Result<T, E> {
    fn at(self, place: impl Display) -> Result<T> {
        self.map_err(|err| SloError(format!("{place}: {err}")))
    }
}

/// Ends a function with an error, in the words that follow.
macro_rules! refuse {
    ($($words:tt)*) => { return Err($crate::SloError::new(format!($($words)*))) };
}
pub(crate) use refuse;
