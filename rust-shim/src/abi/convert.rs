//! What comes from C and what goes there, by type.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use codex_capi_engine::errors::Failure;
use codex_capi_engine::errors::Result;
use codex_capi_engine::errors::Status;
use serde_json::Value;

use super::buf::codex_buf;
use super::handle::Handle;
use crate::call::Call;
use crate::client::Client;
use crate::header::CODEX_MAX_INPUT;
use crate::thread::Thread;

/// What comes in one parameter.
pub(super) trait FromC {
    /// What C passes.
    type C;

    fn from_c(value: Self::C) -> Self;
}

/// What comes in two parameters.
pub(super) trait FromPair: Sized {
    /// What C passes first, a pointer.
    type First;
    /// What belongs to it.
    type Second;

    /// Checks and reads the parameters, of which the first is `name`.
    ///
    /// # Safety
    /// Both are what the header asks for: a pointer may be read, or written, for as many elements as it says, or is NULL.
    unsafe fn from_pair(first: Self::First, second: Self::Second, name: &str) -> Result<Self>;
}

/// What goes into an output parameter.
pub(super) trait IntoC {
    /// What C gets.
    type C;
    /// What it gets when the function fails.
    const NOTHING: Self::C;

    fn into_c(self) -> Self::C;
}

pub(super) fn null(name: &str) -> Failure {
    Failure::new(Status::InvalidArgument, format!("{name} is NULL"))
}

impl FromC for u32 {
    type C = Self;

    fn from_c(value: Self) -> Self {
        value
    }
}

impl FromC for bool {
    type C = i32;

    fn from_c(value: i32) -> Self {
        value != 0
    }
}

/// A time in milliseconds; negative is for ever.
impl FromC for Option<Duration> {
    type C = i64;

    fn from_c(value: i64) -> Self {
        u64::try_from(value).ok().map(Duration::from_millis)
    }
}

impl FromPair for &[u8] {
    type First = *const u8;
    type Second = usize;

    unsafe fn from_pair(pointer: *const u8, len: usize, name: &str) -> Result<Self> {
        if len == 0 {
            return Ok(&[]);
        }
        if pointer.is_null() {
            return Err(null(name));
        }
        if len > CODEX_MAX_INPUT {
            return Err(Failure::new(Status::TooLarge, format!("{name} has {len} bytes; at most {CODEX_MAX_INPUT} are accepted")));
        }
        // SAFETY: the caller's promise.
        Ok(unsafe { std::slice::from_raw_parts(pointer, len) })
    }
}

impl FromPair for &str {
    type First = *const u8;
    type Second = usize;

    unsafe fn from_pair(pointer: *const u8, len: usize, name: &str) -> Result<Self> {
        // SAFETY: the caller's promise.
        let bytes = unsafe { <&[u8]>::from_pair(pointer, len, name) }?;
        std::str::from_utf8(bytes).map_err(|error| Failure::new(Status::InvalidJson, format!("{name} is not UTF-8: {error}")))
    }
}

/// What is read from text.
pub(super) trait Parsed: Sized {
    fn parse(text: &[u8], name: &str) -> Result<Self>;
}

impl<T: Parsed> FromPair for T {
    type First = *const u8;
    type Second = usize;

    unsafe fn from_pair(pointer: *const u8, len: usize, name: &str) -> Result<Self> {
        // SAFETY: the caller's promise.
        Self::parse(unsafe { <&[u8]>::from_pair(pointer, len, name) }?, name)
    }
}

/// JSON text.
impl Parsed for Value {
    fn parse(text: &[u8], name: &str) -> Result<Self> {
        serde_json::from_slice(text).map_err(|error| Failure::new(Status::InvalidJson, format!("{name} is not JSON: {error}")))
    }
}

/// An array of the caller's to be filled.
pub(super) struct Room<'a, T> {
    pointer: *mut T,
    capacity: usize,
    of_caller: PhantomData<&'a mut T>,
}

impl<T: Copy> Room<'_, T> {
    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Writes as many values as there is room for; says how many.
    pub(super) fn fill(self, values: &[T]) -> usize {
        let count = values.len().min(self.capacity);
        if count > 0 {
            // SAFETY: `from_pair` was promised that there is room.
            unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), self.pointer, count) };
        }
        count
    }
}

impl<T: Copy> FromPair for Room<'_, T> {
    type First = *mut T;
    type Second = usize;

    unsafe fn from_pair(pointer: *mut T, capacity: usize, name: &str) -> Result<Self> {
        if pointer.is_null() && capacity > 0 {
            return Err(null(name));
        }
        Ok(Self { pointer, capacity, of_caller: PhantomData })
    }
}

/// An output parameter, set to nothing until the function has something. Made first of all, so that every failure leaves it so.
pub(super) struct Out<'a, T: IntoC>(Option<&'a mut T::C>);

impl<'a, T: IntoC> Out<'a, T> {
    /// # Safety
    /// `pointer` is NULL or writable.
    pub(super) unsafe fn new(pointer: *mut T::C) -> Self {
        if pointer.is_null() {
            return Self(None);
        }
        // SAFETY: the caller's promise; it may hold anything, so it is not read or dropped.
        unsafe { pointer.write(T::NOTHING) };
        // SAFETY: as above.
        Self(Some(unsafe { &mut *pointer }))
    }

    /// Fails if the caller gave none.
    pub(super) fn check(self, name: &str) -> Result<Place<'a, T>> {
        self.0.map(Place).ok_or_else(|| null(name))
    }
}

/// Where an output goes.
pub(super) struct Place<'a, T: IntoC>(&'a mut T::C);

impl<T: IntoC> Place<'_, T> {
    pub(super) fn set(self, value: T) {
        *self.0 = value.into_c();
    }
}

impl IntoC for u64 {
    type C = Self;
    const NOTHING: Self = 0;

    fn into_c(self) -> Self {
        self
    }
}

impl IntoC for usize {
    type C = Self;
    const NOTHING: Self = 0;

    fn into_c(self) -> Self {
        self
    }
}

/// A file descriptor, which is 64 bits wide where Windows would have a handle.
pub(super) struct Descriptor(pub(super) i64);

impl IntoC for Descriptor {
    type C = i64;
    const NOTHING: i64 = -1;

    fn into_c(self) -> i64 {
        self.0
    }
}

/// Bytes, or none.
impl IntoC for Option<Vec<u8>> {
    type C = *mut codex_buf;
    const NOTHING: *mut codex_buf = std::ptr::null_mut();

    fn into_c(self) -> *mut codex_buf {
        self.map_or(Self::NOTHING, codex_buf::new)
    }
}

/// JSON text.
impl IntoC for Value {
    type C = *mut codex_buf;
    const NOTHING: *mut codex_buf = std::ptr::null_mut();

    fn into_c(self) -> *mut codex_buf {
        codex_buf::new(self.to_string().into_bytes())
    }
}

/// What C gets a handle of.
pub(super) trait Object: Send + Sync {}

impl Object for Client {}
impl Object for Thread {}
impl Object for Arc<Call> {}

impl<T: Object> IntoC for T {
    type C = *mut Handle<T>;
    const NOTHING: *mut Handle<T> = std::ptr::null_mut();

    fn into_c(self) -> *mut Handle<T> {
        Handle::new(self)
    }
}
