//! What was missing of the model's answers in a turn: a person is told once of each thing.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::PoisonError;

#[derive(Default)]
pub(super) struct Told(Mutex<HashSet<String>>);

impl Told {
    /// Whether this is the first time.
    pub(super) fn first(&self, message: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(message.to_string())
    }
}
