//! A lock-free stack of `Arc`s that is emptied all at once and can be closed.
//!
//! Nobody ever takes a single node off, so the usual danger of such stacks (a head that was freed and reused between a load and
//! the exchange) does not arise: a pusher compares the head but never looks behind it.

use std::{mem, ptr};

use crate::sync::{Arc, AtomicPtr, Ordering};

/// What can be stacked: it carries the link to its neighbour, which belongs to the stack or [`Chain`] that the node is in.
pub(crate) trait Linked: Sized + Send + Sync {
    /// Where the neighbour's address is kept; null in a node that was never stacked.
    fn link(&self) -> &AtomicPtr<Self>;
}

/// The stack. Every node in it is held by one reference of the stack's own.
#[derive(Debug)]
pub(crate) struct Stack<T: Linked> {
    /// The newest node, null, or [`closed`].
    head: AtomicPtr<T>,
}

/// The head of a closed stack: an address that no node can have.
const fn closed<T>() -> *mut T {
    ptr::without_provenance_mut(1)
}

impl<T: Linked> Stack<T> {
    pub(crate) fn new() -> Self {
        const { assert!(mem::align_of::<T>() > 1, "a node could have the address that means closed") };
        Self { head: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Puts `node`, which must be in no stack, on top; gives it back if the stack is closed.
    pub(crate) fn push(&self, node: Arc<T>) -> Result<(), Arc<T>> {
        let raw = Arc::into_raw(node).cast_mut();
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            if head == closed() {
                // SAFETY: `raw` came from `into_raw` above and was not published, so its reference is still ours.
                return Err(unsafe { Arc::from_raw(raw.cast_const()) });
            }
            // SAFETY: as above, so the node is alive.
            unsafe { (*raw).link() }.store(head, Ordering::Relaxed);
            match self.head.compare_exchange_weak(head, raw, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => head = now,
            }
        }
    }

    /// Whether `node` is the newest one. As the caller keeps the node alive, no other can have its address.
    pub(crate) fn is_top(&self, node: &Arc<T>) -> bool {
        ptr::eq(self.head.load(Ordering::Relaxed), Arc::as_ptr(node))
    }

    /// Whether there is nothing to take; true of a closed stack.
    pub(crate) fn is_empty(&self) -> bool {
        let head = self.head.load(Ordering::Relaxed);
        head.is_null() || head == closed()
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.head.load(Ordering::Relaxed) == closed()
    }

    /// Takes all nodes. The caller sees to it that `take` and `close` do not run at the same time.
    pub(crate) fn take(&self) -> Chain<T> {
        if self.is_empty() {
            return Chain::default();
        }
        Chain::oldest_first(self.head.swap(ptr::null_mut(), Ordering::Acquire))
    }

    /// Refuses every later push and takes all nodes; closing again takes nothing.
    pub(crate) fn close(&self) -> Chain<T> {
        let head = self.head.swap(closed(), Ordering::AcqRel);
        Chain::oldest_first(if head == closed() { ptr::null_mut() } else { head })
    }
}

impl<T: Linked> Drop for Stack<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// Nodes taken off a stack, oldest first; holds one reference to each.
#[derive(Debug)]
pub(crate) struct Chain<T: Linked> {
    oldest: *mut T,
}

// SAFETY: a chain is a list of `Arc<T>`s, and `Linked` demands of `T` what makes those `Send`.
unsafe impl<T: Linked> Send for Chain<T> {}

impl<T: Linked> Chain<T> {
    /// Turns round the list that starts at `newest`, whose references become the chain's.
    fn oldest_first(newest: *mut T) -> Self {
        let (mut oldest, mut node) = (ptr::null_mut(), newest);
        while !node.is_null() {
            // SAFETY: the list is ours since it was swapped out of the head, with one reference to each node.
            let link = unsafe { (*node).link() };
            let older = link.load(Ordering::Relaxed);
            link.store(oldest, Ordering::Relaxed);
            oldest = mem::replace(&mut node, older);
        }
        Self { oldest }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.oldest.is_null()
    }
}

impl<T: Linked> Default for Chain<T> {
    fn default() -> Self {
        Self { oldest: ptr::null_mut() }
    }
}

impl<T: Linked> Iterator for Chain<T> {
    type Item = Arc<T>;

    fn next(&mut self) -> Option<Arc<T>> {
        if self.oldest.is_null() {
            return None;
        }
        // SAFETY: the chain holds a reference to its nodes, made by `into_raw`; it forgets this one in the next line.
        let node = unsafe { Arc::from_raw(self.oldest.cast_const()) };
        self.oldest = node.link().load(Ordering::Relaxed);
        Some(node)
    }
}

impl<T: Linked> Drop for Chain<T> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}
