//! The values that the cells of a session leave to each other with `store` and `load`, as JSON.

use std::collections::HashMap;
use std::sync::Arc;

use crate::limits;

/// All values of a session, by key.
pub(crate) type Values = HashMap<String, Arc<str>>;

/// The values as one cell sees them: those of the session when it began, and its own.
pub(crate) struct Stored {
    before: Arc<Values>,
    written: Values,
    bytes: usize,
}

impl Stored {
    /// The view of a cell that begins now.
    pub(crate) fn new(before: Arc<Values>) -> Self {
        let bytes = before.iter().map(size).sum();
        Self { before, written: Values::new(), bytes }
    }

    /// Keeps a value, or says that there are too many.
    pub(crate) fn set(&mut self, key: String, json: String) -> Result<(), String> {
        let old = self.written.get_key_value(&key).or_else(|| self.before.get_key_value(&key)).map_or(0, size);
        let bytes = self.bytes - old + key.len() + json.len();
        if bytes > limits::STORED {
            return Err(format!("Unable to store {key:?}. The stored values of a session may take {} MiB.", limits::STORED >> 20));
        }
        self.bytes = bytes;
        self.written.insert(key, json.into());
        Ok(())
    }

    /// The JSON of a value.
    pub(crate) fn get(&self, key: &str) -> Option<Arc<str>> {
        self.written.get(key).or_else(|| self.before.get(key)).cloned()
    }

    /// What the cell has stored.
    pub(crate) fn take_writes(&mut self) -> Values {
        std::mem::take(&mut self.written)
    }
}

fn size<K: AsRef<str>, V: AsRef<str>>((key, value): (K, V)) -> usize {
    key.as_ref().len() + value.as_ref().len()
}
