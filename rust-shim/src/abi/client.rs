//! `codex_client`: one engine instance.

use codex_capi_engine::failure::Failure;
use codex_capi_engine::failure::Status;
use codex_capi_engine::options::Options;
use serde_json::Value;

use super::boundary;
use super::boundary::Handle;
use super::boundary::Use;
use super::boundary::bytes;
use super::boundary::out;
use super::boundary::text;
use super::boundary::timeout;
use super::buf::codex_buf;
use super::error::codex_error;
use crate::client::Client;

#[allow(non_camel_case_types, reason = "its name in C")]
pub type codex_client = Handle<Client>;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_client_open(
    config: *const u8,
    config_len: usize,
    client: *mut *mut codex_client,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: the header's rules for pointers are what each of these asks for. The same holds for every function of this file.
    unsafe {
        let client = out(client, std::ptr::null_mut(), "client");
        boundary::enter(error, || {
            let client = client?;
            let options = Options::parse(bytes(config, config_len, "config")?)?;
            *client = Handle::new(Client::open(options)?);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_client_call(
    client: *const codex_client,
    method: *const u8,
    method_len: usize,
    params: *const u8,
    params_len: usize,
    timeout_ms: i64,
    result: *mut *mut codex_buf,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: see codex_client_open.
    unsafe {
        let result = out(result, std::ptr::null_mut(), "result");
        Handle::enter(client, error, Use::Sound, |client| {
            let result = result?;
            let call = client.call(text(method, method_len, "the method")?, bytes(params, params_len, "params")?)?;
            *result = codex_buf::new(call.wait(timeout(timeout_ms))?.to_string().into_bytes());
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_client_submit(
    client: *const codex_client,
    method: *const u8,
    method_len: usize,
    params: *const u8,
    params_len: usize,
    ticket: *mut u64,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: see codex_client_open.
    unsafe {
        let ticket = out(ticket, 0, "ticket");
        Handle::enter(client, error, Use::Sound, |client| {
            let ticket = ticket?;
            *ticket = client.submit(text(method, method_len, "the method")?, bytes(params, params_len, "params")?)?;
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_client_poll(
    client: *const codex_client,
    max_events: u32,
    timeout_ms: i64,
    batch: *mut *mut codex_buf,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: see codex_client_open.
    unsafe {
        let batch = out(batch, std::ptr::null_mut(), "batch");
        Handle::enter(client, error, Use::Any, |client| {
            let batch = batch?;
            *batch = boundary::poll(&client.queues().own, max_events, timeout_ms)?;
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_client_poll_requests(
    client: *const codex_client,
    max_events: u32,
    timeout_ms: i64,
    batch: *mut *mut codex_buf,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: see codex_client_open.
    unsafe {
        let batch = out(batch, std::ptr::null_mut(), "batch");
        Handle::enter(client, error, Use::Any, |client| {
            let batch = batch?;
            *batch = boundary::poll(&client.queues().requests, max_events, timeout_ms)?;
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_client_accept_requests(client: *const codex_client, accept: i32, error: *mut *mut codex_error) -> i32 {
    // SAFETY: see codex_client_open.
    unsafe {
        Handle::enter(client, error, Use::Sound, |client| {
            client.engine.check_open()?;
            client.engine.requests().accept(accept != 0);
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_client_respond(
    client: *const codex_client,
    id: *const u8,
    id_len: usize,
    result: *const u8,
    result_len: usize,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: see codex_client_open.
    unsafe {
        Handle::enter(client, error, Use::Sound, |client| {
            let id = request_id(text(id, id_len, "id")?)?;
            let result: Value = serde_json::from_slice(bytes(result, result_len, "result")?)
                .map_err(|error| Failure::new(Status::InvalidJson, format!("the result is not JSON: {error}")))?;
            client.engine.respond(&id, Ok(result))
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_client_reject(
    client: *const codex_client,
    id: *const u8,
    id_len: usize,
    message: *const u8,
    message_len: usize,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: see codex_client_open.
    unsafe {
        Handle::enter(client, error, Use::Sound, |client| {
            let id = request_id(text(id, id_len, "id")?)?;
            client.engine.respond(&id, Err(text(message, message_len, "message")?))
        })
    }
}

fn request_id(json: &str) -> Result<String, Failure> {
    serde_json::from_str(json).map_err(|_| Failure::new(Status::InvalidJson, "the id is not the JSON text of a request's \"id\", a string"))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_client_doorbell(client: *const codex_client, fd: *mut i64, error: *mut *mut codex_error) -> i32 {
    // SAFETY: see codex_client_open.
    unsafe {
        let fd = out(fd, -1, "fd");
        Handle::enter(client, error, Use::Sound, |client| {
            let fd = fd?;
            client.engine.check_open()?;
            let descriptor = client.queues().ready.fd();
            *fd = descriptor.ok_or_else(|| Failure::new(Status::Unsupported, "this platform has no doorbell; poll with a timeout"))?.into();
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_client_ready(
    client: *const codex_client,
    ids: *mut u64,
    capacity: usize,
    count: *mut usize,
    error: *mut *mut codex_error,
) -> i32 {
    // SAFETY: see codex_client_open.
    unsafe {
        let count = out(count, 0, "count");
        Handle::enter(client, error, Use::Any, |client| {
            let count = count?;
            if ids.is_null() && capacity > 0 {
                return Err(boundary::null("ids"));
            }
            let mut ready = Vec::new();
            client.queues().ready.take(capacity, &mut ready);
            if !ready.is_empty() {
                std::ptr::copy_nonoverlapping(ready.as_ptr(), ids, ready.len());
            }
            *count = ready.len();
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_client_wake(client: *const codex_client, error: *mut *mut codex_error) -> i32 {
    // SAFETY: see codex_client_open.
    unsafe {
        Handle::enter(client, error, Use::Any, |client| {
            client.wake();
            Ok(())
        })
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_client_close(client: *const codex_client, timeout_ms: i64, error: *mut *mut codex_error) -> i32 {
    // SAFETY: see codex_client_open.
    unsafe { Handle::enter(client, error, Use::Any, |client| client.close(timeout(timeout_ms))) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn codex_client_free(client: *mut codex_client) {
    // SAFETY: see codex_client_open.
    unsafe { Handle::end(client, |client| client.abandon()) }
}
