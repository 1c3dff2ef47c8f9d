//! The memory of a script's heap, counted in its thread's budget.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;

use rquickjs::allocator::Allocator;

use crate::budget::Budget;

/// Bytes that are taken from the budget at once, and kept for later.
const STEP: usize = 256 << 10;
/// What a script gets beyond the budget, in small pieces: room for the exception that tells it.
const OVERDRAFT: usize = 256 << 10;
const SMALL: usize = 4096;
/// From this much on, what a script has used is given back to the system.
const LARGE: usize = 16 << 20;

/// Why memory was refused, for whoever tells of the script's end.
pub(crate) type Refusal = Arc<Mutex<Option<String>>>;

/// The system's allocator, within a budget.
pub(crate) struct Counted {
    budget: Arc<Budget>,
    refusal: Refusal,
    used: usize,
    reserved: usize,
    overdraft: usize,
    large: bool,
}

impl Counted {
    /// Takes from `budget`, and says in `refusal` why it could not.
    pub(crate) fn new(budget: Arc<Budget>, refusal: Refusal) -> Self {
        Self { budget, refusal, used: 0, reserved: 0, overdraft: 0, large: false }
    }

    /// Makes sure that there is room for this much more.
    fn grant(&mut self, bytes: usize) -> bool {
        let Some(wanted) = self.used.checked_add(bytes).map(|used| used.saturating_sub(self.reserved)) else {
            return false;
        };
        if wanted == 0 {
            return true;
        }
        let step = wanted.max(STEP);
        let taken = match self.budget.reserve(step) {
            Ok(()) => Ok(step),
            Err(_) => self.budget.reserve(wanted).map(|()| wanted),
        };
        match taken {
            Ok(taken) => self.reserved += taken,
            Err(_) if bytes <= SMALL && self.overdraft + wanted <= OVERDRAFT => {
                self.budget.charge(wanted);
                self.overdraft += wanted;
                self.reserved += wanted;
            }
            Err(why) => {
                *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
                return false;
            }
        }
        true
    }

    fn took(&mut self, pointer: *mut libc::c_void) -> *mut u8 {
        if !pointer.is_null() {
            self.used += usable(pointer.cast());
            self.large |= self.used > LARGE;
        }
        pointer.cast()
    }

    fn gave(&mut self, bytes: usize) {
        self.used -= bytes;
        let spare = self.reserved.saturating_sub(self.used);
        if spare > 2 * STEP {
            self.budget.release(spare - STEP);
            self.reserved -= spare - STEP;
        }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.budget.release(self.reserved);
        #[cfg(target_env = "gnu")]
        if self.large {
            // Else what was freed stays with the process.
            // SAFETY: a number only.
            unsafe { libc::malloc_trim(0) };
        }
    }
}

fn usable(pointer: *mut u8) -> usize {
    // SAFETY: NULL, or what this allocator gave.
    #[cfg(target_os = "macos")]
    let size = unsafe { libc::malloc_size(pointer.cast()) };
    // SAFETY: as above.
    #[cfg(not(target_os = "macos"))]
    let size = unsafe { libc::malloc_usable_size(pointer.cast()) };
    size
}

// SAFETY: the memory is malloc's, which aligns for any type; its sizes are malloc's too.
unsafe impl Allocator for Counted {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        if !self.grant(size) {
            return std::ptr::null_mut();
        }
        // SAFETY: any size.
        let pointer = unsafe { libc::malloc(size) };
        self.took(pointer)
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        if !count.checked_mul(size).is_some_and(|bytes| self.grant(bytes)) {
            return std::ptr::null_mut();
        }
        // SAFETY: any size.
        let pointer = unsafe { libc::calloc(count, size) };
        self.took(pointer)
    }

    unsafe fn dealloc(&mut self, ptr: *mut u8) {
        self.gave(usable(ptr));
        // SAFETY: the caller has it from this allocator.
        unsafe { libc::free(ptr.cast()) };
    }

    unsafe fn realloc(&mut self, ptr: *mut u8, new_size: usize) -> *mut u8 {
        let before = usable(ptr);
        if !self.grant(new_size.saturating_sub(before)) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller has it from this allocator, or it is NULL.
        let pointer = unsafe { libc::realloc(ptr.cast(), new_size) };
        if pointer.is_null() {
            return std::ptr::null_mut();
        }
        let pointer = self.took(pointer);
        self.gave(before);
        pointer
    }

    unsafe fn usable_size(ptr: *mut u8) -> usize {
        usable(ptr)
    }
}
