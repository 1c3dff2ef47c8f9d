//! The pattern of every exported function: nothing unwinds into C, nothing of the parent's is touched in a forked child, outputs are set on every way out.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;

use codex_capi_engine::errors::Failure;
use codex_capi_engine::errors::Result;
use codex_capi_engine::errors::Status;

use super::errors::codex_error;
use crate::header;

/// Makes the functions that C calls out of safe ones. Of what C passes, each parameter's type says how it is checked and read (see [`super::convert`]);
/// the names are those of the header, and in its order.
///
/// ```text
/// fn codex_client_submit(&client: Sound<Client>, method[method_len]: &str, params[params_len]: &[u8]) -> Result<ticket: u64> { ... }
/// ```
///
/// A function that returns `Result` gives C a status and, last, an error. Before that come
/// * `&client: Sound<Client>`: a handle, and when it may be used (see [`super::handle::Access`]),
/// * or `@queue: Queue = log::queue();`: what the process has one of,
/// * `accept: bool`: what comes in one parameter of C, [`FromC`](super::convert::FromC),
/// * `method[method_len]: &str`: what comes in two, [`FromPair`](super::convert::FromPair),
/// * `-> Result<ticket: u64>`: an output parameter for what the body returns, [`IntoC`](super::convert::IntoC).
///
/// The others cannot fail: they read what is behind a pointer (`buf: Option<&codex_buf>`), or end it (`buf: Owned<codex_buf>`, where the body runs only
/// if there is something to end).
macro_rules! export {
    () => {};
    (
        fn $function:ident(
            $(&$handle:ident: $access:ident<$object:ty> $(,)?)?
            $(@$global:ident: $kind:ty = $of_process:expr;)?
            $($name:ident $([$second:ident])?: $type:ty),* $(,)?
        ) -> Result $(<$out:ident: $output:ty>)? $body:block
        $($rest:tt)*
    ) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $function(
            $($handle: *const $crate::abi::handle::Handle<$object>,)?
            $($name: export!(@first $type $(, $second)?) $(, $second: <$type as $crate::abi::convert::FromPair>::Second)?,)*
            $($out: *mut <$output as $crate::abi::convert::IntoC>::C,)?
            error: *mut *mut $crate::abi::errors::codex_error,
        ) -> i32 {
            fn body($($handle: &$object,)? $($global: &$kind,)? $($name: $type),*) -> codex_capi_engine::errors::Result<export!(@output $($output)?)> $body

            // SAFETY: the header's rules for pointers are what each of these asks for.
            unsafe {
                $(let $out = $crate::abi::convert::Out::<$output>::new($out);)?
                let outcome = export!(@enter $($handle, $access)?; {
                    $(let $out = $out.check(stringify!($out))?;)?
                    $(<$crate::abi::handle::$access as $crate::abi::handle::Access<$object>>::check($handle)?;)?
                    $(let $global: &$kind = $of_process?;)?
                    let given = body($($handle,)? $($global,)? $(export!(@read $type, $name $(, $second)?)),*)?;
                    export!(@give given $(, $out)?);
                    Ok(())
                });
                $crate::abi::export::report(outcome, error)
            }
        }
        export! { $($rest)* }
    };
    (fn $function:ident($($name:ident: Option<&$object:ty>)?) -> $output:ty $body:block $($rest:tt)*) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $function($($name: *const $object)?) -> $output {
            fn body($($name: Option<&$object>)?) -> $output $body

            // SAFETY: NULL or one of ours that was not freed, by the header.
            body($(unsafe { $name.as_ref() })?)
        }
        export! { $($rest)* }
    };
    (fn $function:ident($name:ident: Owned<$object:ty>) $body:block $($rest:tt)*) => {
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $function($name: *mut $object) {
            fn body($name: <$object as $crate::abi::handle::Owned>::Inside) $body

            // SAFETY: NULL or one of ours that was not freed and is not used again, by the header.
            if let Some($name) = unsafe { <$object as $crate::abi::handle::Owned>::reclaim($name) } {
                // There is nobody to tell.
                let _ = $crate::abi::export::guard(|| {
                    body($name);
                    Ok(())
                });
            }
        }
        export! { $($rest)* }
    };
    (@first $type:ty) => { <$type as $crate::abi::convert::FromC>::C };
    (@first $type:ty, $second:ident) => { <$type as $crate::abi::convert::FromPair>::First };
    (@output) => { () };
    (@output $output:ty) => { $output };
    (@enter $handle:ident, $access:ident; $body:block) => {
        $crate::abi::handle::Handle::enter::<$crate::abi::handle::$access>($handle, |$handle| $body)
    };
    (@enter ; $body:block) => { $crate::abi::export::guard(|| $body) };
    (@read $type:ty, $name:ident) => {
        <$type as $crate::abi::convert::FromC>::from_c($name)
    };
    (@read $type:ty, $name:ident, $second:ident) => {
        <$type as $crate::abi::convert::FromPair>::from_pair($name, $second, stringify!($name))?
    };
    (@give $given:ident) => { let () = $given; };
    (@give $given:ident, $out:ident) => { $out.set($given); };
}

pub(super) use export;

/// Runs `body`; a panic becomes a failure.
pub(super) fn guard(body: impl FnOnce() -> Result<()>) -> Result<()> {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| {
        Err(Failure::new(Status::Panic, format!("a defect in the library was caught (a panic): {}", panic_text(payload.as_ref()))))
    })
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("no message")
}

/// The status of an outcome; why it failed goes into `error`.
///
/// # Safety
/// `error` is NULL or writable.
pub(super) unsafe fn report(outcome: Result<()>, error: *mut *mut codex_error) -> i32 {
    let (status, object) = match outcome {
        Ok(()) => (Status::Ok, std::ptr::null_mut()),
        Err(failure) => (failure.status, if error.is_null() { std::ptr::null_mut() } else { codex_error::new(failure) }),
    };
    if !error.is_null() {
        // SAFETY: the caller's promise.
        unsafe { *error = object };
    }
    header::number(status)
}
