/*
 * codex_capi.h: OpenAI Codex's engine inside the calling process.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * 1. What this is
 *
 *    A client (codex_client) is one instance of the engine: a codex home, its configuration and credentials, and any number of
 *    agent threads. Requests go down as a method name and JSON parameters: the methods of the engine's app-server protocol
 *    ("thread/start", "turn/start", "turn/interrupt", ...). Everything the engine says comes up as JSON through queues that
 *    the host reads when it likes. The library never calls into the host, except a codex_tool_callback that a C host registers.
 *
 *        codex_client_open -> codex_client_call("thread/start") -> codex_thread_open -> codex_client_call("turn/start")
 *          -> codex_thread_poll until a batch holds "turn/completed" -> codex_thread_free -> codex_client_close -> codex_client_free
 *
 * 2. Strings and buffers
 *
 *    All text is UTF-8, passed as pointer and length in bytes, without a terminating zero unless a function says so. A pointer may be
 *    NULL where its length is 0. Inputs are copied before the function returns. Outputs are codex_buf objects that the caller frees.
 *    Inputs above CODEX_MAX_INPUT bytes are refused with CODEX_STATUS_TOO_LARGE.
 *
 * 3. Status and errors
 *
 *    Functions that can fail return a CODEX_STATUS_* code, 0 being success. Their last parameter `codex_error **error` may be NULL; if it
 *    is not, *error is set to NULL on success and to an object that the caller frees on failure. Output parameters are NULL or 0, descriptors -1, on failure.
 *    Codes are permanent: a code keeps its number and meaning for ever, new ones are added at the end.
 *
 * 4. Threads
 *
 *    Every function may be called from any thread at any time, also at the same time on the same handle, with one exception: a _free
 *    function must be the last use of its handle. Several threads may poll one queue; each event goes to exactly one of them.
 *
 * 5. Queues
 *
 *    A client has three kinds of queue: one per opened thread (that thread's notifications), one of its own (notifications of threads that are
 *    not open, of no thread at all, and completions of codex_client_submit), and one of requests, which the engine wants answered
 *    (approvals, questions, tool calls; see codex_client_accept_requests). A batch is a JSON array of events:
 *
 *        notification  {"seq":7,"method":"item/completed","params":{...}}
 *        completion    {"seq":8,"method":"completion","params":{"ticket":3,"result":{...}}}   or "error":{"code","message","data"}
 *        request       {"seq":1,"id":"...","method":"item/commandExecution/requestApproval","params":{...}}
 *        tool call     {"seq":2,"id":"...","method":"host/tool/call","params":{"threadId","rootId","turnId","callId","namespace","tool","arguments","freeform"}}
 *        hook          {"seq":3,"id":"...","method":"host/hook","params":{"hook","input":{...}}}
 *                      (of "item/fileChange/requestApproval" the params have the fileChange item too, as "item"; of
 *                      "item/commandExecution/requestApproval" also "argv": what would be run, null where commands in
 *                      the sandbox could put another program in its place; and "amendmentSource": "engine" or "model")
 *        gap           {"seq":9,"method":"gap","params":{"dropped":12}}
 *
 *    "seq" counts the events of one queue from 1; a gap of n lost events uses up n numbers besides its own. Only text and output deltas are ever
 *    lost, and only when a queue holds more than the bytes it was opened with; the item that ends the deltas carries the whole text. Deltas of
 *    one item that wait unread are merged into one event. Everything else is kept until it is read or the queue is freed.
 *
 * 6. The doorbell
 *
 *    codex_client_doorbell gives a file descriptor for select, poll, epoll, kqueue or an event loop. It is readable from the moment that a queue
 *    of the client has something new until codex_client_ready is called, which tells which queues to poll. Never read, write or close it yourself.
 *
 * 7. Closing: the order that loses nothing
 *
 *    1. Stop sending: no new codex_client_call or codex_client_submit.
 *    2. codex_client_close: interrupts the running turns, lets the engine write its files, ends the queues. Polls return what is left, then
 *       CODEX_STATUS_CLOSED; requests that were not answered are denied.
 *    3. Poll the queues to their end, if their content matters.
 *    4. codex_thread_free for each thread, codex_client_free for the client. Any order, from any thread.
 *    Freeing a client without closing it stops it in the background and loses what was not read. The library is never unloaded: do not dlclose it.
 *
 * 8. fork
 *
 *    The engine's threads do not exist in a child made by fork(), or by clone() without CLONE_VM, also where a pid namespace gives the child its
 *    parent's process id. There, every function that takes a handle of the parent returns CODEX_STATUS_FORKED without doing anything, _free
 *    functions leak on purpose, and codex_client_open fails likewise if the parent had opened a client. Open clients after the fork, or start
 *    children with exec.
 *
 * 9. What the library does to the process
 *
 *    It starts threads named "codex-*" and reads the environment. It installs no signal handler, logger, panic hook or atexit handler; it writes nothing
 *    to standard output or error (but for Rust's report of a panic, a defect, to standard error), changes neither environment nor working directory, and exports only the functions below. It contacts the
 *    configured model provider and no other host unless the configuration asks for it.
 */
#ifndef CODEX_CAPI_H
#define CODEX_CAPI_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when a function or its meaning changes; additions keep it. */
#define CODEX_ABI_VERSION 1

/* Largest input accepted, in bytes (64 MiB). */
#define CODEX_MAX_INPUT 67108864

/* Success. */
#define CODEX_STATUS_OK 0
/* A pointer that must not be NULL is NULL, or an argument is out of its range. */
#define CODEX_STATUS_INVALID_ARGUMENT 1
/* Input is not UTF-8, not JSON, or not JSON of the expected shape. */
#define CODEX_STATUS_INVALID_JSON 2
/* The configuration is refused: unknown key, bad value, or a file of the codex home that cannot be read. */
#define CODEX_STATUS_INVALID_CONFIG 3
/* The engine has no method of this name. */
#define CODEX_STATUS_UNKNOWN_METHOD 4
/* Input above CODEX_MAX_INPUT. */
#define CODEX_STATUS_TOO_LARGE 5
/* The client or thread is closed. */
#define CODEX_STATUS_CLOSED 6
/* The handle was made before a fork(), in the parent. */
#define CODEX_STATUS_FORKED 7
/* The time given was not enough. What was asked for may still happen. */
#define CODEX_STATUS_TIMEOUT 8
/* A defect in the library or the engine was caught. Afterwards the queues of the client can be read, and it can be closed and freed; no more. */
#define CODEX_STATUS_PANIC 9
/* The engine refused the request; codex_error_detail holds its answer. */
#define CODEX_STATUS_ENGINE 10
/* Too many requests at once; try again. */
#define CODEX_STATUS_OVERLOADED 11
/* No open request, tool, interceptor or hook of that name. */
#define CODEX_STATUS_NOT_FOUND 12
/* A tool, interceptor or hook of that name, or a handle for that thread, is there already. */
#define CODEX_STATUS_ALREADY_EXISTS 13
/* The helper executable, or the sandbox that it needs, is missing or not usable. */
#define CODEX_STATUS_SANDBOX_UNAVAILABLE 14
/* The operating system refused something: a file, a thread, a descriptor. */
#define CODEX_STATUS_IO 15
/* Not available on this platform. */
#define CODEX_STATUS_UNSUPPORTED 16

/* Ids that codex_client_ready gives for the two queues of a client; threads have codex_thread_key. */
#define CODEX_QUEUE_CLIENT 0
#define CODEX_QUEUE_REQUESTS 1

/* One engine instance. */
typedef struct codex_client codex_client;
/* A request on its way. */
typedef struct codex_call codex_call;
/* One agent thread's queue. */
typedef struct codex_thread codex_thread;
/* Why a call failed. Immutable. */
typedef struct codex_error codex_error;
/* Bytes made by the library. Immutable. */
typedef struct codex_buf codex_buf;

/*
 * A tool of a C host. Called on a thread of the library's own, one call at a time per client. `id` is what codex_client_respond wants, `call`
 * the "params" of a tool call (see 5); both are valid during the call only. The answer may be given by codex_client_respond or
 * codex_client_reject, inside the callback or later from any thread. Return 0, or anything else to fail the call at once.
 */
typedef int32_t (*codex_tool_callback)(void *user_data, const char *id, size_t id_len, const char *call, size_t call_len);

/* ---- library ------------------------------------------------------------------------------------------------------------------ */

/*
 * The CODEX_ABI_VERSION that the library was built with. Compare it before anything else.
 * Ownership: nothing to free.  NULL: no pointers.  Threads: any.  Blocking: never.  Errors: none.
 */
uint32_t codex_abi_version(void);

/*
 * What was built, as JSON text with a terminating zero: {"version","abi","engine","header","profile","target","rustc"}. "header" is the SHA-256 of
 * the codex_capi.h it was built from.
 * Ownership: static, never freed.  NULL: never NULL.  Threads: any.  Blocking: never.  Errors: none.
 */
const char *codex_build_info(void);

/* ---- log ---------------------------------------------------------------------------------------------------------------------- */

/*
 * Says what of the engine's log is kept for codex_log_poll, for all clients of the process. `filter` is a level ("off", "error", "warn", "info",
 * "debug", "trace") or TARGET=LEVEL, or several of these separated by commas; a target is the beginning of a module path ("codex_core::client"), the
 * longest that fits decides. Of modules that are not the engine's own only errors and warnings are kept unless they are named. At first "off".
 * Ownership: nothing to free.  NULL: only `error` may be, and `filter` where its length is 0.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, TOO_LARGE, FORKED, PANIC.
 */
int32_t codex_log_filter(const char *filter, size_t filter_len, codex_error **error);

/*
 * Takes up to `max_events` messages; see codex_client_poll. A message is {"seq","method":"log","params":{"time","level","target","message"}}, "time" in
 * seconds since 1970. Credentials that were given to a client, and what looks like one, are replaced by "[REDACTED_SECRET]". When 4 MiB wait unread, the newest
 * are lost and a "gap" says how many.
 * Ownership: *batch is the caller's, codex_buf_free.  NULL: only `error` may be.  Threads: any.  Blocking: up to timeout_ms.
 * Errors: INVALID_ARGUMENT, FORKED, PANIC.
 */
int32_t codex_log_poll(uint32_t max_events, int64_t timeout_ms, codex_buf **batch, codex_error **error);

/*
 * Makes every codex_log_poll that waits now return an empty batch.
 * Ownership: nothing to free.  NULL: `error` may be.  Threads: any.  Blocking: never.  Errors: FORKED, PANIC.
 */
int32_t codex_log_wake(codex_error **error);

/* ---- client ------------------------------------------------------------------------------------------------------------------- */

/*
 * Starts an engine. `config` is a JSON object; unknown keys are refused:
 *   "codex_home"      folder of sessions, config.toml and auth.json; made if missing, mode 0700. Default: the engine's own ($CODEX_HOME, ~/.codex).
 *   "helper"          absolute path of codex-linux-sandbox from the same build; required.
 *   "config"          object merged over config.toml, same keys.
 *   "isolated"        true: config.toml, managed configuration and execution policy files are not read. Default false.
 *   "ignore_user_config"  true: of these, config.toml alone is not read. Default false.
 *   "profile"         name of a profile: the settings of NAME.config.toml in the codex home go over those of config.toml.
 *   "models"          list of objects: models that the engine does not know. "slug" is the name; "like" names a known one that it is like; the rest are
 *                     fields of the engine's catalogue, such as "context_window" and "tool_mode". Default: none.
 *   "api_key"         credential for the model provider, kept in memory only.
 *   "openai_api_key_env"  true: without "api_key", $OPENAI_API_KEY is used if the configured provider is OpenAI's or asks for OpenAI's
 *                     credentials; else what auth.json in the codex home holds. Default false.
 *   "client_name", "client_version"   what the model provider is told. Default: codex_capi.
 *   "session_source"  recorded with each session: "exec" (default), "cli", "vscode", "app-server", or a name of the host's own.
 *   "program_folders"   absolute paths of files and folders that the host loads its code from: sandboxed commands can only read them, and no sandboxed
 *                     thread works in them. The library and the helper always are such. Default: none.
 *   "program_prefixes"  the same for folders in which threads may work too; what is in a folder in which one works then is not protected by this.
 *   "queue_bytes"     per queue, before deltas are dropped. Default 16 MiB, at least 64 KiB.
 *   "test_hooks"      true: the method "capi/panic" panics. Default false.
 * Ownership: *client is the caller's, codex_client_free.  NULL: only `error` may be.  Threads: any.  Blocking: file access, typically 20-200 ms.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, INVALID_CONFIG, TOO_LARGE, FORKED, SANDBOX_UNAVAILABLE, IO, PANIC.
 */
int32_t codex_client_open(const char *config, size_t config_len, codex_client **client, codex_error **error);

/*
 * Sends a request and waits for its result. `params` is a JSON value, or empty for a method without. `timeout_ms` < 0 waits for ever.
 * Ownership: *result (JSON) is the caller's, codex_buf_free.  NULL: only `error` may be.  Threads: any.  Blocking: until the engine answers; after
 * a TIMEOUT the answer is thrown away.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, UNKNOWN_METHOD, TOO_LARGE, CLOSED, FORKED, TIMEOUT, PANIC, ENGINE, OVERLOADED,
 * SANDBOX_UNAVAILABLE if a sandboxed thread is asked for and there is no sandbox.
 */
int32_t codex_client_call(codex_client *client, const char *method, size_t method_len, const char *params, size_t params_len,
                          int64_t timeout_ms, codex_buf **result, codex_error **error);

/*
 * The same in two steps, for hosts that have to look after other things while they wait: sends the request and returns at once.
 * Ownership: *call is the caller's, codex_call_free; it may outlive the client.  NULL: only `error` may be.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, UNKNOWN_METHOD, TOO_LARGE, CLOSED, FORKED, PANIC, SANDBOX_UNAVAILABLE.
 */
int32_t codex_call_start(codex_client *client, const char *method, size_t method_len, const char *params, size_t params_len,
                         codex_call **call, codex_error **error);

/*
 * Waits for the result of a call, which is given out once. After a TIMEOUT wait again.
 * Ownership: *result (JSON) is the caller's, codex_buf_free.  NULL: only `error` may be.  Threads: any.  Blocking: up to timeout_ms (< 0: for ever).
 * Errors: INVALID_ARGUMENT if the result was given out before, CLOSED, FORKED, TIMEOUT, PANIC, UNKNOWN_METHOD, ENGINE, OVERLOADED.
 */
int32_t codex_call_wait(codex_call *call, int64_t timeout_ms, codex_buf **result, codex_error **error);

/*
 * Ends the handle; a result that is still to come is thrown away.
 * Ownership: takes the handle.  NULL: allowed, does nothing.  Threads: any, as the handle's last use.  Blocking: never.  Errors: none.
 */
void codex_call_free(codex_call *call);

/*
 * Sends a request; its completion arrives on the client's queue with the number put into *ticket.
 * Ownership: nothing to free.  NULL: only `error` may be.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, UNKNOWN_METHOD, TOO_LARGE, CLOSED, FORKED, PANIC, SANDBOX_UNAVAILABLE.
 */
int32_t codex_client_submit(codex_client *client, const char *method, size_t method_len, const char *params, size_t params_len,
                            uint64_t *ticket, codex_error **error);

/*
 * Takes up to `max_events` events from the client's own queue. *batch is NULL when there was nothing within `timeout_ms` (0: do not wait, < 0: for
 * ever), or when codex_client_wake was called.
 * Ownership: *batch is the caller's, codex_buf_free.  NULL: only `error` may be.  Threads: any.  Blocking: up to timeout_ms.
 * Errors: INVALID_ARGUMENT, CLOSED once the queue is closed and empty, FORKED, PANIC.
 */
int32_t codex_client_poll(codex_client *client, uint32_t max_events, int64_t timeout_ms, codex_buf **batch, codex_error **error);

/*
 * The same for the queue of requests. Each request must be answered once, by codex_client_respond or codex_client_reject, from any thread.
 * A request that the engine no longer waits for is withdrawn by a "request/withdrawn" event, params {"id"}, on this queue.
 * Ownership: *batch is the caller's, codex_buf_free.  NULL: only `error` may be.  Threads: any.  Blocking: up to timeout_ms.
 * Errors: INVALID_ARGUMENT, CLOSED once the queue is closed and empty, FORKED, PANIC.
 */
int32_t codex_client_poll_requests(codex_client *client, uint32_t max_events, int64_t timeout_ms, codex_buf **batch, codex_error **error);

/*
 * Says whether the host answers requests. Until it does, and after `accept` = 0, the library denies them at once: approvals are declined,
 * questions and tool calls fail. Tools with a callback are served regardless.
 * Ownership: nothing to free.  NULL: only `error` may be.  Threads: any.  Blocking: never.  Errors: INVALID_ARGUMENT, CLOSED, FORKED, PANIC.
 */
int32_t codex_client_accept_requests(codex_client *client, int32_t accept, codex_error **error);

/*
 * Answers a request. `id` is the JSON text of its "id", `result` the JSON that the method asks for. For "host/tool/call":
 * {"content":[{"type":"inputText","text":...} | {"type":"inputImage","imageUrl":...}],"success":true}. For "host/tool/intercept" and "host/tool/result":
 * {"action":"pass"}, {"action":"reply",...as for a call...} or {"action":"call","arguments":...}, which runs the built-in tool (with the model's
 * arguments if none are given) and asks again with a "host/tool/result" that holds its "content" and "success".
 * Ownership: nothing to free.  NULL: only `error` may be.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, TOO_LARGE, CLOSED, FORKED, NOT_FOUND if there is no such open request, PANIC.
 */
int32_t codex_client_respond(codex_client *client, const char *id, size_t id_len, const char *result, size_t result_len,
                             codex_error **error);

/*
 * Refuses a request: an approval is declined, a tool call fails with `message`, another request gets an error with `message`.
 * Ownership: nothing to free.  NULL: only `error` may be.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, TOO_LARGE, CLOSED, FORKED, NOT_FOUND, PANIC.
 */
int32_t codex_client_reject(codex_client *client, const char *id, size_t id_len, const char *message, size_t message_len,
                            codex_error **error);

/*
 * The client's doorbell (see 6).
 * Ownership: the library's; closed by codex_client_free.  NULL: only `error` may be.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, CLOSED, FORKED, IO, UNSUPPORTED, PANIC.
 */
int32_t codex_client_doorbell(codex_client *client, int64_t *fd, codex_error **error);

/*
 * Silences the doorbell and writes the ids of up to `capacity` queues with something new to `ids`, their number to *count: CODEX_QUEUE_CLIENT,
 * CODEX_QUEUE_REQUESTS or a codex_thread_key. Then poll each of them once; a queue that still holds something is reported again. With more
 * ready queues than `capacity` the doorbell rings again at once. Empty polls are possible.
 * Ownership: nothing to free.  NULL: only `error` may be, and `ids` where capacity is 0.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, FORKED, PANIC.
 */
int32_t codex_client_ready(codex_client *client, uint64_t *ids, size_t capacity, size_t *count, codex_error **error);

/*
 * Makes every poll that waits now, on any queue of this client, return an empty batch.
 * Ownership: nothing to free.  NULL: only `error` may be.  Threads: any.  Blocking: never.  Errors: INVALID_ARGUMENT, FORKED, PANIC.
 */
int32_t codex_client_wake(codex_client *client, codex_error **error);

/*
 * Stops the engine in order (see 7) and waits for it, up to `timeout_ms` (< 0: for ever). After a TIMEOUT the engine is stopped hard. A second call
 * returns CODEX_STATUS_CLOSED.
 * Ownership: the handle stays valid, codex_client_free.  NULL: only `error` may be.  Threads: any.  Blocking: up to timeout_ms.
 * Errors: INVALID_ARGUMENT, CLOSED, FORKED, TIMEOUT, PANIC.
 */
int32_t codex_client_close(codex_client *client, int64_t timeout_ms, codex_error **error);

/*
 * Ends the handle. An open client is closed in the background.
 * Ownership: takes the handle.  NULL: allowed, does nothing.  Threads: any, as the handle's last use.  Blocking: never.  Errors: none.
 */
void codex_client_free(codex_client *client);

/* ---- thread ------------------------------------------------------------------------------------------------------------------- */

/*
 * Makes a queue for the thread `thread_id` (from the result of thread/start, thread/resume or thread/fork); from now on its notifications
 * arrive there. The engine's thread itself is not changed, nor by freeing the handle.
 * Ownership: *thread is the caller's, codex_thread_free; it may outlive the client.  NULL: only `error` may be.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, TOO_LARGE, CLOSED, FORKED, ALREADY_EXISTS, PANIC.
 */
int32_t codex_thread_open(codex_client *client, const char *thread_id, size_t thread_id_len, codex_thread **thread, codex_error **error);

/*
 * The id of this thread's queue in codex_client_ready: above CODEX_QUEUE_REQUESTS, never used twice by a client.
 * Ownership: nothing to free.  NULL: returns 0.  Threads: any.  Blocking: never.  Errors: none.
 */
uint64_t codex_thread_key(const codex_thread *thread);

/*
 * Takes up to `max_events` events of this thread; see codex_client_poll.
 * Ownership: *batch is the caller's, codex_buf_free.  NULL: only `error` may be.  Threads: any.  Blocking: up to timeout_ms.
 * Errors: INVALID_ARGUMENT, CLOSED once the queue is closed and empty, FORKED, PANIC.
 */
int32_t codex_thread_poll(codex_thread *thread, uint32_t max_events, int64_t timeout_ms, codex_buf **batch, codex_error **error);

/*
 * Makes every poll of this thread that waits now return an empty batch.
 * Ownership: nothing to free.  NULL: only `error` may be.  Threads: any.  Blocking: never.  Errors: INVALID_ARGUMENT, FORKED, PANIC.
 */
int32_t codex_thread_wake(codex_thread *thread, codex_error **error);

/*
 * Ends the queue: later notifications of the thread go to the client's queue, polls return what is left and then CODEX_STATUS_CLOSED.
 * Ownership: the handle stays valid, codex_thread_free.  NULL: only `error` may be.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, CLOSED, FORKED, PANIC.
 */
int32_t codex_thread_close(codex_thread *thread, codex_error **error);

/*
 * Ends the handle and what was not read.
 * Ownership: takes the handle.  NULL: allowed, does nothing.  Threads: any, as the handle's last use.  Blocking: never.  Errors: none.
 */
void codex_thread_free(codex_thread *thread);

/* ---- tools of the host -------------------------------------------------------------------------------------------------------- */

/*
 * Offers a tool to the model, on every thread of the client or on one. `spec` is a JSON object; unknown keys are refused:
 *   "name"          ^[a-zA-Z0-9_-]{1,64}$; a built-in of that name is replaced by this tool's handler.
 *   "description"   for the model.
 *   "parameters"    JSON schema of the arguments, an object schema. Default: no parameters.
 *   "strict"        the model provider enforces the schema. Default false.
 *   "parallel"      may run beside other calls of the same turn. Default false.
 *   "defer_loading" the model sees it only once it has searched for it, where the model can. Default false.
 *   "namespace"     group that the name belongs to. Default none.
 *   "thread_id"     only this thread and its sub-agents have it. Default: all threads.
 * With a callback, calls go there; with NULL they arrive as "host/tool/call" requests. Takes effect with the next request to the model.
 * Ownership: user_data stays the caller's and must live until codex_tool_unregister or codex_client_close returned.
 *   After a TIMEOUT of codex_client_close, until the callback that still ran returned.
 * NULL: `callback`, `user_data` and `error` may be.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, TOO_LARGE, CLOSED, FORKED, ALREADY_EXISTS, PANIC.
 */
int32_t codex_tool_register(codex_client *client, const char *spec, size_t spec_len, codex_tool_callback callback, void *user_data,
                            codex_error **error);

/*
 * Takes a tool back. `tool` is {"name","namespace"?,"thread_id"?} as registered; a call that still comes fails.
 * Ownership: user_data is no longer used afterwards.  NULL: only `error` may be.  Threads: any.
 * Blocking: until a running callback of this client returned, except inside one.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, TOO_LARGE, CLOSED, FORKED, NOT_FOUND, PANIC.
 */
int32_t codex_tool_unregister(codex_client *client, const char *tool, size_t tool_len, codex_error **error);

/*
 * Lets the host see, change, refuse or answer calls of the engine's own tools: they arrive as "host/tool/intercept" requests before the tool runs.
 * `pattern` is a tool's name, or a prefix and '*'; a namespaced tool (MCP: server) is "namespace::name". Sandbox and approvals stay in force below.
 * Ownership: nothing to free.  NULL: only `error` may be.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, TOO_LARGE, CLOSED, FORKED, ALREADY_EXISTS, PANIC.
 */
int32_t codex_interceptor_register(codex_client *client, const char *pattern, size_t pattern_len, codex_error **error);

/*
 * Takes an interceptor back; calls that are with the host already stay there.
 * Ownership: nothing to free.  NULL: only `error` may be.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, TOO_LARGE, CLOSED, FORKED, NOT_FOUND, PANIC.
 */
int32_t codex_interceptor_unregister(codex_client *client, const char *pattern, size_t pattern_len, codex_error **error);

/*
 * Has the host asked at one of the engine's hook points: a "host/hook" request comes, and the engine waits for the answer. `spec` is a JSON object;
 * unknown keys are refused:
 *   "id"         the host's name for it, which the requests carry.
 *   "event"      "PreToolUse", "PermissionRequest", "PostToolUse", "PreCompact", "PostCompact", "SessionStart", "SessionEnd", "UserPromptSubmit",
 *                "SubagentStart", "SubagentStop" or "Stop".
 *   "matcher"    regular expression for the tool's name, the session's source or the compaction's trigger; not for "UserPromptSubmit" and "Stop".
 *                Default: all.
 *   "timeout_ms" default 600000; at most 3000 for "SessionEnd".
 * "input" is what the engine's hooks that are commands read from standard input, and the answer is what they write to standard output: null or {} to go
 * on, {"decision":"block","reason":"..."} and the like. A hook that is rejected, answers with what is not of its event's form, or takes too long blocks at
 * "PreToolUse", "PermissionRequest" and "UserPromptSubmit", stops at "PreCompact", and is reported as failed elsewhere.
 * Ownership: nothing to free.  NULL: only `error` may be.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, TOO_LARGE, CLOSED, FORKED, ALREADY_EXISTS, PANIC.
 */
int32_t codex_hook_register(codex_client *client, const char *spec, size_t spec_len, codex_error **error);

/*
 * Takes a hook back, by its id; what is with the host already stays there.
 * Ownership: nothing to free.  NULL: only `error` may be.  Threads: any.  Blocking: never.
 * Errors: INVALID_ARGUMENT, INVALID_JSON, TOO_LARGE, CLOSED, FORKED, NOT_FOUND, PANIC.
 */
int32_t codex_hook_unregister(codex_client *client, const char *id, size_t id_len, codex_error **error);

/* ---- buffers and errors ------------------------------------------------------------------------------------------------------- */

/*
 * The bytes of a buffer, valid until it is freed; not zero-terminated.
 * Ownership: the buffer's.  NULL: returns NULL.  Threads: any.  Blocking: never.  Errors: none.
 */
const char *codex_buf_data(const codex_buf *buf);

/*
 * The number of bytes of a buffer.
 * Ownership: nothing to free.  NULL: returns 0.  Threads: any.  Blocking: never.  Errors: none.
 */
size_t codex_buf_len(const codex_buf *buf);

/*
 * Ownership: takes the buffer.  NULL: allowed, does nothing.  Threads: any, as the buffer's last use.  Blocking: never.  Errors: none.
 */
void codex_buf_free(codex_buf *buf);

/*
 * The CODEX_STATUS_* of an error.
 * Ownership: nothing to free.  NULL: returns CODEX_STATUS_OK.  Threads: any.  Blocking: never.  Errors: none.
 */
int32_t codex_error_code(const codex_error *error);

/*
 * The name of its code, for example "CODEX_STATUS_TIMEOUT", with a terminating zero.
 * Ownership: static, never freed.  NULL: returns "CODEX_STATUS_OK".  Threads: any.  Blocking: never.  Errors: none.
 */
const char *codex_error_name(const codex_error *error);

/*
 * What went wrong and what to do about it, for a person, with a terminating zero. Holds no credentials.
 * Ownership: the error's.  NULL: returns "".  Threads: any.  Blocking: never.  Errors: none.
 */
const char *codex_error_message(const codex_error *error);

/*
 * More for a program, as JSON text with a terminating zero; "null" where there is none. For ENGINE: {"code","data"} of the engine's answer.
 * Ownership: the error's.  NULL: returns "null".  Threads: any.  Blocking: never.  Errors: none.
 */
const char *codex_error_detail(const codex_error *error);

/*
 * 1 if the same call may succeed later without a change, else 0.
 * Ownership: nothing to free.  NULL: returns 0.  Threads: any.  Blocking: never.  Errors: none.
 */
int32_t codex_error_retriable(const codex_error *error);

/*
 * Ownership: takes the error.  NULL: allowed, does nothing.  Threads: any, as the error's last use.  Blocking: never.  Errors: none.
 */
void codex_error_free(codex_error *error);

#ifdef __cplusplus
}
#endif

#endif
