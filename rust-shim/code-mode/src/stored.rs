//! The values that the cells of a session leave to each other with `store` and `load`, as JSON.

use std::collections::HashMap;
use std::sync::Arc;

use crate::budget::Budget;
use crate::budget::Room;
use crate::limits;

/// All values of a session, by key.
pub(crate) type Values = HashMap<String, Arc<Kept>>;

/// The JSON of a value. It counts in its thread's budget for as long as anybody has it.
pub(crate) struct Kept {
    pub(crate) json: String,
    _room: Room,
}

/// The values as one cell sees them: those of the session when it began, and its own.
pub(crate) struct Stored {
    before: Arc<Values>,
    written: Values,
    bytes: usize,
    budget: Arc<Budget>,
}

impl Stored {
    /// The view of a cell that begins now.
    pub(crate) fn new(before: Arc<Values>, budget: Arc<Budget>) -> Self {
        let bytes = before.iter().map(size).sum();
        Self { before, written: Values::new(), bytes, budget }
    }

    /// Keeps a value, or says that there are too many.
    pub(crate) fn set(&mut self, key: String, json: String) -> Result<(), String> {
        let old = self.written.get_key_value(&key).or_else(|| self.before.get_key_value(&key)).map_or(0, size);
        let bytes = self.bytes - old + key.len() + json.len();
        if bytes > limits::STORED {
            return Err(format!("Unable to store {key:?}. The stored values of a session may take {} MiB.", limits::STORED >> 20));
        }
        let room = self.budget.room(key.len() + json.len()).map_err(|why| format!("Unable to store {key:?}: {why}"))?;
        self.bytes = bytes;
        self.written.insert(key, Arc::new(Kept { json, _room: room }));
        Ok(())
    }

    /// The JSON of a value.
    pub(crate) fn get(&self, key: &str) -> Option<Arc<Kept>> {
        self.written.get(key).or_else(|| self.before.get(key)).cloned()
    }

    /// What the cell has stored.
    pub(crate) fn take_writes(&mut self) -> Values {
        std::mem::take(&mut self.written)
    }
}

fn size((key, value): (&String, &Arc<Kept>)) -> usize {
    key.len() + value.json.len()
}
