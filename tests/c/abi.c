/*
 * abi.c: what csrc/codex_capi.h promises, held against the library, one case per process:
 *
 *     abi CASE SCRATCH HELPER PROVIDER     runs a case; PROVIDER is the "config" of a client, with the scripted model of test_abi.py
 *     abi --list                           names the cases
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#define TEXT(text) text, strlen(text)
#define PATIENCE_MS 20000
/* A time-out that is no excuse for anything. */
#define AGES INT64_MAX

static const char *scratch;
static const char *helper;
static const char *provider;

/* ---- time --------------------------------------------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void sleep_ms(int64_t ms)
{
    struct timespec time;
    time.tv_sec = (time_t)(ms / 1000);
    time.tv_nsec = (long)(ms % 1000) * 1000000;
    nanosleep(&time, NULL);
}

/* ---- a client with a thread --------------------------------------------------------------------------------------------------- */

enum queue { OWN, REQUESTS, THREAD };

typedef struct session {
    codex_client *client;
    codex_thread *thread;
    char thread_id[64];
    char turn_id[64];
    /* Per queue: the latest event, and the number that the next one has to have. */
    char *event[3];
    uint64_t next[3];
    int gaps;
} session;

/* The options of a client; `extra` are more members, each with a comma before it. Valid until the next call. */
static const char *options(const char *home, const char *extra)
{
    static char text[8192];
    snprintf(text, sizeof text, "{\"codex_home\":\"%s/%s\",\"helper\":\"%s\",\"isolated\":true,\"config\":%s%s}", scratch, home, helper, provider,
             extra);
    return text;
}

/* Copies the string member `key` of `json`, as escaped as it is, to `out`. */
static void copy_string(const char *json, const char *key, char *out, size_t size)
{
    char needle[64];
    const char *start;
    size_t len;
    snprintf(needle, sizeof needle, "\"%s\":\"", key);
    start = strstr(json, needle);
    CHECK(start != NULL);
    start += strlen(needle);
    len = strcspn(start, "\"");
    CHECK(len < size);
    memcpy(out, start, len);
    out[len] = '\0';
}

/* A buffer's text with a terminating zero, freed by the caller; frees the buffer. */
static char *take(codex_buf *buf)
{
    size_t len = codex_buf_len(buf);
    char *text = (char *)malloc(len + 1);
    CHECK(buf != NULL && text != NULL);
    memcpy(text, codex_buf_data(buf), len);
    text[len] = '\0';
    codex_buf_free(buf);
    return text;
}

/* The result of a request that has to succeed, freed by the caller. */
static char *request(codex_client *client, const char *method, const char *params)
{
    codex_buf *result;
    OK(codex_client_call, client, TEXT(method), TEXT(params), PATIENCE_MS, &result);
    return take(result);
}

static void open_session(session *s, const char *extra)
{
    const char *config = options("home", extra);
    memset(s, 0, sizeof *s);
    OK(codex_client_open, TEXT(config), &s->client);
    CHECK(s->client != NULL);
}

/* Starts a thread with these parameters beside "cwd", and opens its queue. */
static void start_thread(session *s, const char *params)
{
    char text[2048];
    char *result;
    snprintf(text, sizeof text, "{\"cwd\":\"%s\",\"approvalPolicy\":\"never\"%s}", scratch, params);
    result = request(s->client, "thread/start", text);
    copy_string(strstr(result, "\"thread\":{"), "id", s->thread_id, sizeof s->thread_id);
    free(result);
    OK(codex_thread_open, s->client, TEXT(s->thread_id), &s->thread);
    CHECK(codex_thread_key(s->thread) > CODEX_QUEUE_REQUESTS);
}

/* Most cases are not about the sandbox. */
#define UNSANDBOXED ",\"sandbox\":\"danger-full-access\""

static void start_turn(session *s)
{
    char params[256];
    char *result;
    snprintf(params, sizeof params, "{\"threadId\":\"%s\",\"input\":[{\"type\":\"text\",\"text\":\"go\"}]}", s->thread_id);
    result = request(s->client, "turn/start", params);
    copy_string(strstr(result, "\"turn\":{"), "id", s->turn_id, sizeof s->turn_id);
    free(result);
}

static int32_t poll_queue(session *s, enum queue queue, int64_t timeout_ms, codex_buf **batch, codex_error **error)
{
    switch (queue) {
    case OWN:
        return codex_client_poll(s->client, 1, timeout_ms, batch, error);
    case REQUESTS:
        return codex_client_poll_requests(s->client, 1, timeout_ms, batch, error);
    default:
        return codex_thread_poll(s->thread, 1, timeout_ms, batch, error);
    }
}

/* The next event of a queue, valid until the next call for it; NULL if there is none in time or the queue has ended. */
static const char *next_event(session *s, enum queue queue, int64_t timeout_ms)
{
    codex_buf *batch;
    codex_error *error;
    int32_t status = poll_queue(s, queue, timeout_ms, &batch, &error);
    char **event = &s->event[queue];
    free(*event);
    *event = NULL;
    if (status != CODEX_STATUS_OK) {
        CHECK(status == CODEX_STATUS_CLOSED);
        codex_error_free(error);
        return NULL;
    }
    if (batch != NULL) {
        uint64_t seq = 0;
        const char *gap;
        *event = take(batch);
        CHECK(sscanf(*event, "[{\"seq\":%lu,", (unsigned long *)&seq) == 1);
        CHECK(seq == ++s->next[queue]);
        gap = strstr(*event, "\"method\":\"gap\"");
        if (gap != NULL) {
            unsigned long dropped = 0;
            CHECK(sscanf(strstr(gap, "\"dropped\":"), "\"dropped\":%lu", &dropped) == 1 && dropped > 0);
            s->next[queue] += dropped;
            s->gaps++;
        }
    }
    return *event;
}

/* Reads until an event holds `needle`. */
static const char *wait_event(session *s, enum queue queue, const char *needle)
{
    int64_t deadline = now_ms() + PATIENCE_MS;
    for (;;) {
        const char *event = next_event(s, queue, 1000);
        if (event != NULL && strstr(event, needle) != NULL) {
            return event;
        }
        if (now_ms() > deadline) {
            fprintf(stderr, "waited in vain for %s\n", needle);
            _exit(1);
        }
    }
}

#define TURN_COMPLETED "\"method\":\"turn/completed\""

/* Waits for a request of this method; its id goes to `id` as codex_client_respond wants it. */
static const char *wait_request(session *s, const char *method, char id[64])
{
    char name[60];
    char needle[96];
    const char *event;
    snprintf(needle, sizeof needle, "\"method\":\"%s\"", method);
    event = wait_event(s, REQUESTS, needle);
    copy_string(event, "id", name, sizeof name);
    snprintf(id, 64, "\"%s\"", name);
    return event;
}

static void answer(session *s, const char *method, const char *result)
{
    char id[64];
    wait_request(s, method, id);
    OK(codex_client_respond, s->client, TEXT(id), TEXT(result));
    /* Once. */
    FAILS(CODEX_STATUS_NOT_FOUND, codex_client_respond, s->client, TEXT(id), TEXT(result));
}

/* Frees what a session holds; the client may be closed, or gone. */
static void free_session(session *s)
{
    int queue;
    codex_thread_free(s->thread);
    codex_client_free(s->client);
    for (queue = 0; queue < 3; queue++) {
        free(s->event[queue]);
    }
}

/* The order of chapter 7. */
static void end_session(session *s)
{
    OK(codex_client_close, s->client, PATIENCE_MS);
    while (s->thread != NULL && next_event(s, THREAD, 0) != NULL) {
    }
    free_session(s);
}

static int exists(const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", scratch, name);
    return access(path, F_OK) == 0;
}

/* ---- the table of functions --------------------------------------------------------------------------------------------------- */

typedef struct arguments {
    codex_client *client;
    codex_thread *thread;
    codex_call *call;
    const char *in[2];
    size_t len[2];
    void *out;
    codex_error **error;
} arguments;

typedef enum output { NOTHING, OBJECT, NUMBER, SIZE, DESCRIPTOR } output;
typedef enum kind { NO_HANDLE, CLIENT, THREAD_HANDLE, CALL } kind;

typedef struct function {
    const char *name;
    int32_t (*run)(const arguments *);
    kind handle;
    int inputs;
    /* Inputs that pass the checks of every function. */
    const char *good[2];
    output out;
    /* What it answers on a closed client whose queues are read, and after a panic. */
    int32_t closed;
    int32_t panicked;
} function;

static int32_t run_open(const arguments *a)
{
    return codex_client_open(a->in[0], a->len[0], (codex_client **)a->out, a->error);
}

static int32_t run_call(const arguments *a)
{
    return codex_client_call(a->client, a->in[0], a->len[0], a->in[1], a->len[1], PATIENCE_MS, (codex_buf **)a->out, a->error);
}

static int32_t run_call_start(const arguments *a)
{
    return codex_call_start(a->client, a->in[0], a->len[0], a->in[1], a->len[1], (codex_call **)a->out, a->error);
}

static int32_t run_call_wait(const arguments *a)
{
    return codex_call_wait(a->call, 0, (codex_buf **)a->out, a->error);
}

static int32_t run_submit(const arguments *a)
{
    return codex_client_submit(a->client, a->in[0], a->len[0], a->in[1], a->len[1], (uint64_t *)a->out, a->error);
}

static int32_t run_poll(const arguments *a)
{
    return codex_client_poll(a->client, 1, 0, (codex_buf **)a->out, a->error);
}

static int32_t run_poll_requests(const arguments *a)
{
    return codex_client_poll_requests(a->client, 1, 0, (codex_buf **)a->out, a->error);
}

static int32_t run_accept(const arguments *a)
{
    return codex_client_accept_requests(a->client, 1, a->error);
}

static int32_t run_respond(const arguments *a)
{
    return codex_client_respond(a->client, a->in[0], a->len[0], a->in[1], a->len[1], a->error);
}

static int32_t run_reject(const arguments *a)
{
    return codex_client_reject(a->client, a->in[0], a->len[0], a->in[1], a->len[1], a->error);
}

static int32_t run_doorbell(const arguments *a)
{
    return codex_client_doorbell(a->client, (int64_t *)a->out, a->error);
}

static int32_t run_ready(const arguments *a)
{
    uint64_t ids[4];
    return codex_client_ready(a->client, ids, 4, (size_t *)a->out, a->error);
}

static int32_t run_wake(const arguments *a)
{
    return codex_client_wake(a->client, a->error);
}

static int32_t run_close(const arguments *a)
{
    return codex_client_close(a->client, PATIENCE_MS, a->error);
}

static int32_t run_thread_open(const arguments *a)
{
    return codex_thread_open(a->client, a->in[0], a->len[0], (codex_thread **)a->out, a->error);
}

static int32_t run_thread_poll(const arguments *a)
{
    return codex_thread_poll(a->thread, 1, 0, (codex_buf **)a->out, a->error);
}

static int32_t run_thread_wake(const arguments *a)
{
    return codex_thread_wake(a->thread, a->error);
}

static int32_t run_thread_close(const arguments *a)
{
    return codex_thread_close(a->thread, a->error);
}

static int32_t run_tool_register(const arguments *a)
{
    return codex_tool_register(a->client, a->in[0], a->len[0], NULL, NULL, a->error);
}

static int32_t run_tool_unregister(const arguments *a)
{
    return codex_tool_unregister(a->client, a->in[0], a->len[0], a->error);
}

static int32_t run_interceptor_register(const arguments *a)
{
    return codex_interceptor_register(a->client, a->in[0], a->len[0], a->error);
}

static int32_t run_interceptor_unregister(const arguments *a)
{
    return codex_interceptor_unregister(a->client, a->in[0], a->len[0], a->error);
}

static int32_t run_hook_register(const arguments *a)
{
    return codex_hook_register(a->client, a->in[0], a->len[0], a->error);
}

static int32_t run_hook_unregister(const arguments *a)
{
    return codex_hook_unregister(a->client, a->in[0], a->len[0], a->error);
}

static int32_t run_log_filter(const arguments *a)
{
    return codex_log_filter(a->in[0], a->len[0], a->error);
}

static int32_t run_log_poll(const arguments *a)
{
    return codex_log_poll(1, 0, (codex_buf **)a->out, a->error);
}

static int32_t run_log_wake(const arguments *a)
{
    return codex_log_wake(a->error);
}

#define LOOKUP "{\"name\":\"lookup\",\"description\":\"Looks something up.\"}"
#define HOOK "{\"id\":\"h\",\"event\":\"Stop\"}"
#define LIST "thread/loaded/list"

/* Every function with a status. codex_client_close is last: what runs the table may end the client with it. */
static const function FUNCTIONS[] = {
    {"codex_log_filter", run_log_filter, NO_HANDLE, 1, {"off", NULL}, NOTHING, -1, -1},
    {"codex_log_poll", run_log_poll, NO_HANDLE, 0, {NULL, NULL}, OBJECT, -1, -1},
    {"codex_log_wake", run_log_wake, NO_HANDLE, 0, {NULL, NULL}, NOTHING, -1, -1},
    {"codex_client_open", run_open, NO_HANDLE, 1, {"{}", NULL}, OBJECT, -1, -1},
    {"codex_client_call", run_call, CLIENT, 2, {LIST, "{}"}, OBJECT, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_call_start", run_call_start, CLIENT, 2, {LIST, "{}"}, OBJECT, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_call_wait", run_call_wait, CALL, 0, {NULL, NULL}, OBJECT, -1, -1},
    {"codex_client_submit", run_submit, CLIENT, 2, {LIST, "{}"}, NUMBER, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_client_poll", run_poll, CLIENT, 0, {NULL, NULL}, OBJECT, CODEX_STATUS_CLOSED, CODEX_STATUS_OK},
    {"codex_client_poll_requests", run_poll_requests, CLIENT, 0, {NULL, NULL}, OBJECT, CODEX_STATUS_CLOSED, CODEX_STATUS_OK},
    {"codex_client_accept_requests", run_accept, CLIENT, 0, {NULL, NULL}, NOTHING, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_client_respond", run_respond, CLIENT, 2, {"\"host-1\"", "{}"}, NOTHING, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_client_reject", run_reject, CLIENT, 2, {"\"host-1\"", "no"}, NOTHING, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_client_doorbell", run_doorbell, CLIENT, 0, {NULL, NULL}, DESCRIPTOR, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_client_ready", run_ready, CLIENT, 0, {NULL, NULL}, SIZE, CODEX_STATUS_OK, CODEX_STATUS_OK},
    {"codex_client_wake", run_wake, CLIENT, 0, {NULL, NULL}, NOTHING, CODEX_STATUS_OK, CODEX_STATUS_OK},
    {"codex_thread_open", run_thread_open, CLIENT, 1, {"thread", NULL}, OBJECT, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_thread_poll", run_thread_poll, THREAD_HANDLE, 0, {NULL, NULL}, OBJECT, CODEX_STATUS_CLOSED, CODEX_STATUS_OK},
    {"codex_thread_wake", run_thread_wake, THREAD_HANDLE, 0, {NULL, NULL}, NOTHING, CODEX_STATUS_OK, CODEX_STATUS_OK},
    {"codex_thread_close", run_thread_close, THREAD_HANDLE, 0, {NULL, NULL}, NOTHING, CODEX_STATUS_CLOSED, -1},
    {"codex_tool_register", run_tool_register, CLIENT, 1, {LOOKUP, NULL}, NOTHING, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_tool_unregister", run_tool_unregister, CLIENT, 1, {"{\"name\":\"lookup\"}", NULL}, NOTHING, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_interceptor_register", run_interceptor_register, CLIENT, 1, {"*", NULL}, NOTHING, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_interceptor_unregister", run_interceptor_unregister, CLIENT, 1, {"*", NULL}, NOTHING, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_hook_register", run_hook_register, CLIENT, 1, {HOOK, NULL}, NOTHING, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_hook_unregister", run_hook_unregister, CLIENT, 1, {"h", NULL}, NOTHING, CODEX_STATUS_CLOSED, CODEX_STATUS_PANIC},
    {"codex_client_close", run_close, CLIENT, 0, {NULL, NULL}, NOTHING, CODEX_STATUS_CLOSED, -1},
};
#define FUNCTION_COUNT (sizeof FUNCTIONS / sizeof *FUNCTIONS)

/* Room for any output. */
typedef union slot {
    void *object;
    uint64_t number;
    size_t size;
    int64_t descriptor;
} slot;

/* Good arguments for a function. */
static arguments good(const function *f, const session *s, codex_call *call)
{
    arguments a;
    int i;
    a.client = s->client;
    a.thread = s->thread;
    a.call = call;
    for (i = 0; i < 2; i++) {
        a.in[i] = f->good[i];
        a.len[i] = f->good[i] == NULL ? 0 : strlen(f->good[i]);
    }
    a.out = NULL;
    a.error = NULL;
    return a;
}

/* Runs a function that has to answer `wanted`, with and without an error parameter; a failure has to clear its output. */
static void expect(const function *f, int32_t wanted, const arguments *given, int no_output, int line)
{
    arguments a = *given;
    slot out[2];
    int32_t status[2];
    int i;
    memset(out, POISON, sizeof out);
    for (i = 0; i < 2; i++) {
        a.out = f->out == NOTHING || no_output ? NULL : &out[i];
        a.error = i == 0 ? NULL : check_poisoned_error();
        status[i] = f->run(&a);
        if (!no_output && status[i] != CODEX_STATUS_OK) {
            CHECK(f->out != OBJECT || out[i].object == NULL);
            CHECK(f->out != NUMBER || out[i].number == 0);
            CHECK(f->out != SIZE || out[i].size == 0);
            CHECK(f->out != DESCRIPTOR || out[i].descriptor == -1);
        }
        /* The functions of which success is wanted give batches. */
        if (status[i] == CODEX_STATUS_OK && f->out == OBJECT) {
            codex_buf_free((codex_buf *)out[i].object);
        }
    }
    if (wanted == CODEX_STATUS_OK) {
        CHECK(status[0] == CODEX_STATUS_OK);
        check_ok(__FILE__, line, f->name, status[1]);
    } else {
        check_fails(__FILE__, line, f->name, wanted, status[0], status[1]);
    }
}

#define EXPECT(f, wanted, given) expect(f, wanted, given, 0, __LINE__)

/* A request that takes long, without a sandbox and without a model. */
static const char *slow_command(int tenths)
{
    static char params[256];
    snprintf(params, sizeof params, "{\"command\":[\"/bin/sleep\",\"%d.%d\"],\"cwd\":\"/\",\"sandboxPolicy\":{\"type\":\"dangerFullAccess\"}}", tenths / 10,
             tenths % 10);
    return params;
}

/* ---- cases: the library ------------------------------------------------------------------------------------------------------- */

static void case_accessors_of_null(void)
{
    codex_buf_free(NULL);
    codex_error_free(NULL);
    codex_call_free(NULL);
    codex_thread_free(NULL);
    codex_client_free(NULL);
    CHECK(codex_buf_data(NULL) == NULL);
    CHECK(codex_buf_len(NULL) == 0);
    CHECK(codex_error_code(NULL) == CODEX_STATUS_OK);
    CHECK(strcmp(codex_error_name(NULL), "CODEX_STATUS_OK") == 0);
    CHECK(strcmp(codex_error_message(NULL), "") == 0);
    CHECK(strcmp(codex_error_detail(NULL), "null") == 0);
    CHECK(codex_error_retriable(NULL) == 0);
    CHECK(codex_thread_key(NULL) == 0);
    CHECK(codex_abi_version() == CODEX_ABI_VERSION);
    CHECK(codex_build_info() != NULL && codex_build_info() == codex_build_info());
}

/* ---- cases: arguments ----------------------------------------------------------------------------------------------------------- */

static void case_log(void)
{
    session s;
    codex_buf *batch;
    const char *data;
    FAILS(CODEX_STATUS_INVALID_ARGUMENT, codex_log_filter, TEXT("loud"));
    FAILS(CODEX_STATUS_INVALID_ARGUMENT, codex_log_poll, 0, 0, &batch);
    OK(codex_log_poll, 1, 0, &batch);
    CHECK(batch == NULL);
    OK(codex_log_filter, TEXT("warn,codex_app_server=debug"));
    open_session(&s, "");
    OK(codex_log_poll, 1, PATIENCE_MS, &batch);
    CHECK(batch != NULL);
    data = codex_buf_data(batch);
    CHECK(strncmp(data, "[{\"seq\":1,\"method\":\"log\",\"params\":{", 35) == 0);
    codex_buf_free(batch);
    OK(codex_log_filter, NULL, 0);
    end_session(&s);
}

static void case_null_arguments(void)
{
    session s;
    codex_call *call;
    size_t i;
    int input;
    open_session(&s, "");
    start_thread(&s, UNSANDBOXED);
    OK(codex_call_start, s.client, TEXT(LIST), TEXT("{}"), &call);
    for (i = 0; i < FUNCTION_COUNT; i++) {
        const function *f = &FUNCTIONS[i];
        arguments a = good(f, &s, call);
        if (f->handle != NO_HANDLE) {
            a.client = NULL;
            a.thread = NULL;
            a.call = NULL;
            EXPECT(f, CODEX_STATUS_INVALID_ARGUMENT, &a);
        }
        if (f->out != NOTHING) {
            a = good(f, &s, call);
            expect(f, CODEX_STATUS_INVALID_ARGUMENT, &a, 1, __LINE__);
        }
        for (input = 0; input < f->inputs; input++) {
            a = good(f, &s, call);
            a.in[input] = NULL;
            EXPECT(f, CODEX_STATUS_INVALID_ARGUMENT, &a);
        }
    }
    /* Ranges. */
    {
        codex_buf *batch;
        size_t count;
        FAILS(CODEX_STATUS_INVALID_ARGUMENT, codex_client_poll, s.client, 0, 0, &batch);
        FAILS(CODEX_STATUS_INVALID_ARGUMENT, codex_client_poll_requests, s.client, 0, 0, &batch);
        FAILS(CODEX_STATUS_INVALID_ARGUMENT, codex_thread_poll, s.thread, 0, 0, &batch);
        FAILS(CODEX_STATUS_INVALID_ARGUMENT, codex_client_ready, s.client, NULL, 1, &count);
        OK(codex_client_ready, s.client, NULL, 0, &count);
        CHECK(count == 0);
    }
    {
        codex_thread *thread;
        FAILS(CODEX_STATUS_INVALID_ARGUMENT, codex_thread_open, s.client, NULL, 0, &thread);
    }
    codex_call_free(call);
    end_session(&s);
}

static void case_inputs_too_large_or_not_text(void)
{
    static const char byte = '{';
    session s;
    size_t i;
    int input;
    char *zeros;
    codex_buf *result;
    open_session(&s, "");
    for (i = 0; i < FUNCTION_COUNT; i++) {
        const function *f = &FUNCTIONS[i];
        for (input = 0; input < f->inputs; input++) {
            arguments a = good(f, &s, NULL);
            /* One byte is there: the library has to look at the length first. */
            a.in[input] = &byte;
            a.len[input] = CODEX_MAX_INPUT + 1;
            EXPECT(f, CODEX_STATUS_TOO_LARGE, &a);
            a.len[input] = SIZE_MAX;
            EXPECT(f, CODEX_STATUS_TOO_LARGE, &a);
            a.in[input] = "\xff\xfe";
            a.len[input] = 2;
            EXPECT(f, CODEX_STATUS_INVALID_JSON, &a);
        }
    }
    /* The limit itself is allowed: what is wrong with this is that it is no JSON. Pages that nobody writes to cost no memory. */
    zeros = (char *)mmap(NULL, CODEX_MAX_INPUT, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    CHECK(zeros != MAP_FAILED);
    FAILS(CODEX_STATUS_INVALID_JSON, codex_client_call, s.client, TEXT(LIST), zeros, CODEX_MAX_INPUT, 0, &result);
    munmap(zeros, CODEX_MAX_INPUT);
    end_session(&s);
}

static void case_options_refused(void)
{
    static const struct {
        const char *options;
        int32_t status;
    } REFUSED[] = {
        {"", CODEX_STATUS_INVALID_JSON},
        {"{", CODEX_STATUS_INVALID_JSON},
        {"[]", CODEX_STATUS_INVALID_JSON},
        {"\"{}\"", CODEX_STATUS_INVALID_JSON},
        {"{}", CODEX_STATUS_INVALID_CONFIG},
        {"{\"helper\":7}", CODEX_STATUS_INVALID_CONFIG},
        {"{\"helper\":\"HELPER\",\"no_such_key\":1}", CODEX_STATUS_INVALID_CONFIG},
        {"{\"helper\":\"HELPER\",\"queue_bytes\":65535}", CODEX_STATUS_INVALID_CONFIG},
        {"{\"helper\":\"HELPER\",\"queue_bytes\":-1}", CODEX_STATUS_INVALID_CONFIG},
        {"{\"helper\":\"HELPER\",\"api_key\":\"\"}", CODEX_STATUS_INVALID_CONFIG},
        {"{\"helper\":\"HELPER\",\"isolated\":\"sk-secret\"}", CODEX_STATUS_INVALID_CONFIG},
        {"{\"helper\":\"HELPER\",\"config\":{\"model\":{\"a\":1}}}", CODEX_STATUS_INVALID_CONFIG},
        {"{\"helper\":\"HELPER\",\"config\":{\"sandbox_mode\":\"sk-secret\"}}", CODEX_STATUS_INVALID_CONFIG},
        {"{\"helper\":\"HELPER\",\"config\":{\"model_context_window\":18446744073709551615}}", CODEX_STATUS_INVALID_CONFIG},
        /* A codex home below a file. */
        {"{\"helper\":\"HELPER\",\"codex_home\":\"HELPER/home\"}", CODEX_STATUS_IO},
        /* A helper that is missing, not executable, not a file, not a whole path, or named otherwise. */
        {"{\"helper\":\"/nonexistent/codex-linux-sandbox\"}", CODEX_STATUS_SANDBOX_UNAVAILABLE},
        {"{\"helper\":\"SCRATCH/plain/codex-linux-sandbox\"}", CODEX_STATUS_SANDBOX_UNAVAILABLE},
        {"{\"helper\":\"SCRATCH/folder/codex-linux-sandbox\"}", CODEX_STATUS_SANDBOX_UNAVAILABLE},
        {"{\"helper\":\"codex-linux-sandbox\"}", CODEX_STATUS_SANDBOX_UNAVAILABLE},
        {"{\"helper\":\"/bin/sh\"}", CODEX_STATUS_SANDBOX_UNAVAILABLE},
        {"{\"helper\":\"\"}", CODEX_STATUS_SANDBOX_UNAVAILABLE},
    };
    char path[1024];
    codex_client *client;
    size_t i;
    int file;
    snprintf(path, sizeof path, "%s/plain", scratch);
    CHECK(mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/plain/codex-linux-sandbox", scratch);
    file = open(path, O_CREAT | O_WRONLY, 0600);
    CHECK(file >= 0 && close(file) == 0);
    snprintf(path, sizeof path, "%s/folder", scratch);
    CHECK(mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/folder/codex-linux-sandbox", scratch);
    CHECK(mkdir(path, 0700) == 0);
    for (i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        char text[4096] = "";
        const char *in = REFUSED[i].options;
        const char *message;
        while (*in != '\0') {
            size_t len = strlen(text);
            if (strncmp(in, "HELPER", 6) == 0 || strncmp(in, "SCRATCH", 7) == 0) {
                snprintf(text + len, sizeof text - len, "%s", *in == 'H' ? helper : scratch);
                in += *in == 'H' ? 6 : 7;
            } else {
                text[len] = *in++;
                text[len + 1] = '\0';
            }
        }
        memset(&client, POISON, sizeof client);
        message = FAILS(REFUSED[i].status, codex_client_open, TEXT(text), &client);
        CHECK(client == NULL);
        CHECK(strstr(message, "queue_bytes") != NULL || strstr(text, "queue_bytes\":6") == NULL);
        CHECK(strstr(message, "no_such_key") != NULL || strstr(text, "no_such_key") == NULL);
        /* The one of the engine's own names what it refuses, a setting; credentials are none of its business. */
        CHECK(strstr(message, "sk-secret") == NULL || strstr(text, "sandbox_mode") != NULL);
    }
}

/* With "isolated" the file would not be read. */
static void case_config_file_refused(void)
{
    char text[2048];
    char path[1024];
    codex_client *client;
    FILE *file;
    const char *message;
    snprintf(path, sizeof path, "%s/home", scratch);
    CHECK(mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/home/config.toml", scratch);
    file = fopen(path, "w");
    CHECK(file != NULL && fputs("model = ", file) >= 0 && fclose(file) == 0);
    snprintf(text, sizeof text, "{\"codex_home\":\"%s/home\",\"helper\":\"%s\"}", scratch, helper);
    message = FAILS(CODEX_STATUS_INVALID_CONFIG, codex_client_open, TEXT(text), &client);
    CHECK(strstr(message, path) != NULL);
    {
        session s;
        open_session(&s, "");
        end_session(&s);
    }
}

static void case_requests_refused(void)
{
    static const struct {
        const char *method;
        const char *params;
        int32_t status;
    } REFUSED[] = {
        {"no/such/method", "{}", CODEX_STATUS_UNKNOWN_METHOD},
        {"", "", CODEX_STATUS_UNKNOWN_METHOD},
        {"capi/panic", "{}", CODEX_STATUS_UNKNOWN_METHOD}, /* "test_hooks" is off. */
        {"thread/start", "{", CODEX_STATUS_INVALID_JSON},
        {"thread/start", "{} {}", CODEX_STATUS_INVALID_JSON},
        {"thread/start", "7", CODEX_STATUS_INVALID_JSON},
        {"turn/start", "{\"threadId\":7}", CODEX_STATUS_INVALID_JSON},
        {"turn/start", "", CODEX_STATUS_INVALID_JSON},
    };
    static const char NO_THREAD[] = "{\"threadId\":\"01999999-9999-7999-8999-999999999999\"}";
    session s;
    codex_buf *result;
    codex_call *call;
    uint64_t ticket;
    size_t i;
    open_session(&s, "");
    for (i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        FAILS(REFUSED[i].status, codex_client_call, s.client, TEXT(REFUSED[i].method), TEXT(REFUSED[i].params), AGES, &result);
        FAILS(REFUSED[i].status, codex_call_start, s.client, TEXT(REFUSED[i].method), TEXT(REFUSED[i].params), &call);
        FAILS(REFUSED[i].status, codex_client_submit, s.client, TEXT(REFUSED[i].method), TEXT(REFUSED[i].params), &ticket);
    }
    /* What the engine refuses comes with its answer. */
    FAILS(CODEX_STATUS_ENGINE, codex_client_call, s.client, TEXT("thread/resume"), TEXT(NO_THREAD), AGES, &result);
    {
        codex_buf *first;
        OK(codex_call_start, s.client, TEXT("thread/resume"), TEXT(NO_THREAD), &call);
        CHECK(codex_call_wait(call, -1, &first, check_poisoned_error()) == CODEX_STATUS_ENGINE);
        CHECK(first == NULL && strstr(codex_error_detail(check_error), "\"code\":-32600") != NULL);
        printf("saw codex_call_wait CODEX_STATUS_ENGINE\n");
        codex_error_free(check_error);
        codex_call_free(call);
    }
    OK(codex_client_submit, s.client, TEXT("thread/resume"), TEXT(NO_THREAD), &ticket);
    {
        const char *event = wait_event(&s, OWN, "\"method\":\"completion\"");
        CHECK(strstr(event, "\"error\":{") != NULL && strstr(event, "\"result\"") == NULL);
    }
    OK(codex_client_submit, s.client, TEXT(LIST), TEXT("{}"), &ticket);
    {
        char needle[64];
        const char *event = wait_event(&s, OWN, "\"method\":\"completion\"");
        snprintf(needle, sizeof needle, "\"ticket\":%lu", (unsigned long)ticket);
        CHECK(strstr(event, needle) != NULL && strstr(event, "\"result\":{") != NULL);
    }
    end_session(&s);
}

static void case_answers_refused(void)
{
    session s;
    open_session(&s, "");
    FAILS(CODEX_STATUS_NOT_FOUND, codex_client_respond, s.client, TEXT("\"host-99\""), TEXT("{}"));
    FAILS(CODEX_STATUS_NOT_FOUND, codex_client_reject, s.client, TEXT("\"host-99\""), TEXT(""));
    FAILS(CODEX_STATUS_INVALID_JSON, codex_client_respond, s.client, TEXT("host-99"), TEXT("{}"));
    FAILS(CODEX_STATUS_INVALID_JSON, codex_client_respond, s.client, TEXT("7"), TEXT("{}"));
    FAILS(CODEX_STATUS_INVALID_JSON, codex_client_respond, s.client, TEXT(""), TEXT("{}"));
    FAILS(CODEX_STATUS_INVALID_JSON, codex_client_respond, s.client, TEXT("\"host-99\""), TEXT("{"));
    FAILS(CODEX_STATUS_INVALID_JSON, codex_client_reject, s.client, TEXT("host-99"), TEXT("no"));
    end_session(&s);
}

static void case_tools_refused(void)
{
    static const struct {
        const char *spec;
        int32_t status;
    } REFUSED[] = {
        {"", CODEX_STATUS_INVALID_JSON},
        {"{\"name\":\"a\"}", CODEX_STATUS_INVALID_JSON},
        {"{\"name\":\"a\",\"description\":\"\",\"no_such_key\":1}", CODEX_STATUS_INVALID_JSON},
        {"{\"name\":\"a\",\"description\":\"\",\"parameters\":{\"type\":\"array\"}}", CODEX_STATUS_INVALID_JSON},
        {"{\"name\":\"\",\"description\":\"\"}", CODEX_STATUS_INVALID_ARGUMENT},
        {"{\"name\":\"a b\",\"description\":\"\"}", CODEX_STATUS_INVALID_ARGUMENT},
        {"{\"name\":\"a\",\"namespace\":\"b.c\",\"description\":\"\"}", CODEX_STATUS_INVALID_ARGUMENT},
        {"{\"name\":\"a\",\"thread_id\":\"b\",\"description\":\"\"}", CODEX_STATUS_INVALID_ARGUMENT},
        {"{\"name\":\"a1234567890123456789012345678901234567890123456789012345678901234\",\"description\":\"\"}", CODEX_STATUS_INVALID_ARGUMENT},
    };
    static const char *const PATTERNS[] = {"", "a*b", "a**", "**"};
    session s;
    size_t i;
    open_session(&s, "");
    for (i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++) {
        FAILS(REFUSED[i].status, codex_tool_register, s.client, TEXT(REFUSED[i].spec), NULL, NULL);
    }
    FAILS(CODEX_STATUS_NOT_FOUND, codex_tool_unregister, s.client, TEXT("{\"name\":\"lookup\"}"));
    OK(codex_tool_register, s.client, TEXT(LOOKUP), NULL, NULL);
    FAILS(CODEX_STATUS_ALREADY_EXISTS, codex_tool_register, s.client, TEXT(LOOKUP), NULL, NULL);
    /* Another name space or another thread is another tool. */
    FAILS(CODEX_STATUS_NOT_FOUND, codex_tool_unregister, s.client, TEXT("{\"name\":\"lookup\",\"namespace\":\"n\"}"));
    FAILS(CODEX_STATUS_INVALID_ARGUMENT, codex_tool_unregister, s.client, TEXT("{\"name\":\"lookup\",\"thread_id\":\"t\"}"));
    OK(codex_tool_register, s.client, TEXT("{\"name\":\"lookup\",\"namespace\":\"n\",\"description\":\"\"}"), NULL, NULL);
    OK(codex_tool_unregister, s.client, TEXT("{\"name\":\"lookup\",\"namespace\":\"n\"}"));
    OK(codex_tool_unregister, s.client, TEXT("{\"name\":\"lookup\"}"));
    OK(codex_tool_register, s.client, TEXT(LOOKUP), NULL, NULL);
    for (i = 0; i < sizeof PATTERNS / sizeof *PATTERNS; i++) {
        FAILS(CODEX_STATUS_INVALID_ARGUMENT, codex_interceptor_register, s.client, TEXT(PATTERNS[i]));
    }
    FAILS(CODEX_STATUS_NOT_FOUND, codex_interceptor_unregister, s.client, TEXT("exec*"));
    OK(codex_interceptor_register, s.client, TEXT("exec*"));
    FAILS(CODEX_STATUS_ALREADY_EXISTS, codex_interceptor_register, s.client, TEXT("exec*"));
    OK(codex_interceptor_unregister, s.client, TEXT("exec*"));
    OK(codex_interceptor_register, s.client, TEXT("exec*"));
    FAILS(CODEX_STATUS_INVALID_ARGUMENT, codex_hook_register, s.client, TEXT("{\"id\":\"h\",\"event\":\"Nothing\"}"));
    FAILS(CODEX_STATUS_INVALID_ARGUMENT, codex_hook_register, s.client, TEXT("{\"id\":\"h\",\"event\":\"Stop\",\"matcher\":\"x\"}"));
    FAILS(CODEX_STATUS_INVALID_JSON, codex_hook_register, s.client, TEXT("{\"id\":\"h\"}"));
    FAILS(CODEX_STATUS_NOT_FOUND, codex_hook_unregister, s.client, TEXT("h"));
    OK(codex_hook_register, s.client, TEXT(HOOK));
    FAILS(CODEX_STATUS_ALREADY_EXISTS, codex_hook_register, s.client, TEXT(HOOK));
    OK(codex_hook_unregister, s.client, TEXT("h"));
    end_session(&s);
}

static void case_thread_opened_twice(void)
{
    session s;
    codex_thread *other;
    uint64_t key;
    open_session(&s, "");
    start_thread(&s, UNSANDBOXED);
    key = codex_thread_key(s.thread);
    FAILS(CODEX_STATUS_ALREADY_EXISTS, codex_thread_open, s.client, TEXT(s.thread_id), &other);
    OK(codex_thread_close, s.thread);
    FAILS(CODEX_STATUS_CLOSED, codex_thread_close, s.thread);
    while (next_event(&s, THREAD, AGES) != NULL) {
    }
    {
        codex_buf *batch;
        FAILS(CODEX_STATUS_CLOSED, codex_thread_poll, s.thread, 1, AGES, &batch);
    }
    OK(codex_thread_open, s.client, TEXT(s.thread_id), &other);
    CHECK(codex_thread_key(other) > key);
    /* Freeing the closed handle leaves the new one alone. */
    codex_thread_free(s.thread);
    FAILS(CODEX_STATUS_ALREADY_EXISTS, codex_thread_open, s.client, TEXT(s.thread_id), &s.thread);
    s.thread = other;
    s.next[THREAD] = 0;
    start_turn(&s);
    wait_event(&s, THREAD, TURN_COMPLETED);
    /* Freeing closes. */
    codex_thread_free(s.thread);
    OK(codex_thread_open, s.client, TEXT(s.thread_id), &s.thread);
    s.next[THREAD] = 0;
    end_session(&s);
}

/* ---- cases: the ends of a client ------------------------------------------------------------------------------------------------ */

static void case_closed(void)
{
    session s;
    codex_call *call;
    codex_buf *result;
    size_t i;
    open_session(&s, "");
    start_thread(&s, UNSANDBOXED);
    OK(codex_call_start, s.client, TEXT("command/exec"), TEXT(slow_command(300)), &call);
    OK(codex_client_close, s.client, AGES);
    /* A request that was on its way is answered. */
    CHECK(codex_call_wait(call, PATIENCE_MS, &result, check_poisoned_error()) == CODEX_STATUS_CLOSED);
    printf("saw codex_call_wait CODEX_STATUS_CLOSED\n");
    codex_error_free(check_error);
    codex_call_free(call);
    while (next_event(&s, THREAD, AGES) != NULL || next_event(&s, OWN, AGES) != NULL || next_event(&s, REQUESTS, AGES) != NULL) {
    }
    for (i = 0; i < FUNCTION_COUNT; i++) {
        if (FUNCTIONS[i].closed >= 0) {
            arguments a = good(&FUNCTIONS[i], &s, NULL);
            EXPECT(&FUNCTIONS[i], FUNCTIONS[i].closed, &a);
        }
    }
    free_session(&s);
}

static void case_panicked(void)
{
    session s;
    codex_buf *result;
    size_t i;
    open_session(&s, ",\"test_hooks\":true");
    start_thread(&s, UNSANDBOXED);
    FAILS(CODEX_STATUS_PANIC, codex_client_call, s.client, TEXT("capi/panic"), TEXT("{}"), AGES, &result);
    for (i = 0; i < FUNCTION_COUNT; i++) {
        if (FUNCTIONS[i].panicked >= 0) {
            arguments a = good(&FUNCTIONS[i], &s, NULL);
            EXPECT(&FUNCTIONS[i], FUNCTIONS[i].panicked, &a);
        }
    }
    end_session(&s);
    /* Other clients are not concerned. */
    open_session(&s, "");
    end_session(&s);
}

/* In the child of a fork, nothing of the parent's works and nothing hangs. */
static void in_child(session *s, codex_call *call, codex_buf *buf, codex_error *error)
{
    size_t i;
    codex_client *client;
    const char *config = options("child", "");
    alarm(30);
    for (i = 0; i < FUNCTION_COUNT; i++) {
        arguments a = good(&FUNCTIONS[i], s, call);
        if (FUNCTIONS[i].handle != NO_HANDLE || strncmp(FUNCTIONS[i].name, "codex_log", 9) == 0) {
            EXPECT(&FUNCTIONS[i], CODEX_STATUS_FORKED, &a);
        }
    }
    memset(&client, POISON, sizeof client);
    FAILS(CODEX_STATUS_FORKED, codex_client_open, TEXT(config), &client);
    CHECK(client == NULL);
    CHECK(codex_thread_key(s->thread) > CODEX_QUEUE_REQUESTS);
    CHECK(codex_abi_version() == CODEX_ABI_VERSION);
    /* Plain memory works on. */
    CHECK(codex_buf_len(buf) > 0 && codex_buf_data(buf)[0] == '{');
    CHECK(codex_error_code(error) == CODEX_STATUS_INVALID_ARGUMENT);
    codex_buf_free(buf);
    codex_error_free(error);
    codex_call_free(call);
    codex_thread_free(s->thread);
    codex_client_free(s->client);
}

static void wait_child(pid_t child)
{
    int status;
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* What one thread does to fork: the others are not concerned by what else it changes for its own children. */
typedef struct {
    session *s;
    codex_call *call;
    codex_buf *buf;
    codex_error *error;
    int in_namespace;
} forking;

static void *fork_child(void *pointer)
{
    forking *f = (forking *)pointer;
    pid_t parent = getpid(), child;
    if (f->in_namespace) {
        CHECK(parent == 1);
        CHECK(unshare(CLONE_NEWPID) == 0);
    }
    child = fork();
    if (child == 0) {
        CHECK((getpid() == parent) == f->in_namespace);
        in_child(f->s, f->call, f->buf, f->error);
        _exit(0);
    }
    wait_child(child);
    return NULL;
}

static void fork_session(int in_namespace)
{
    session s;
    codex_call *call;
    codex_buf *buf;
    codex_error *error;
    pthread_t thread;
    forking f;
    open_session(&s, "");
    start_thread(&s, UNSANDBOXED);
    OK(codex_call_start, s.client, TEXT("command/exec"), TEXT(slow_command(1)), &call);
    OK(codex_client_call, s.client, TEXT(LIST), TEXT("{}"), AGES, &buf);
    CHECK(codex_client_accept_requests(NULL, 1, &error) == CODEX_STATUS_INVALID_ARGUMENT);
    OK(codex_log_filter, TEXT("off"));
    f.s = &s;
    f.call = call;
    f.buf = buf;
    f.error = error;
    f.in_namespace = in_namespace;
    CHECK(pthread_create(&thread, NULL, fork_child, &f) == 0);
    CHECK(pthread_join(thread, NULL) == 0);
    codex_buf_free(buf);
    codex_error_free(error);
    /* The parent goes on. */
    OK(codex_call_wait, call, AGES, &buf);
    codex_buf_free(buf);
    codex_call_free(call);
    end_session(&s);
}

static void case_forked(void)
{
    fork_session(0);
}

/* The test runs it as the first process of a pid namespace; the child is the first one of another, so both have the id 1. */
static void case_forked_with_the_same_pid(void)
{
    fork_session(1);
}

static void case_forked_before_open(void)
{
    session s;
    pid_t child = fork();
    open_session(&s, "");
    end_session(&s);
    if (child == 0) {
        _exit(0);
    }
    wait_child(child);
}

static void case_freed_open(void)
{
    session s;
    codex_buf *batch;
    int64_t started;
    open_session(&s, "");
    start_thread(&s, UNSANDBOXED);
    start_turn(&s);
    wait_event(&s, THREAD, "\"method\":\"item/agentMessage/delta\"");
    started = now_ms();
    codex_client_free(s.client);
    CHECK(now_ms() - started < 1000);
    s.client = NULL;
    /* It closes in the background, in order: the turn is interrupted. */
    wait_event(&s, THREAD, TURN_COMPLETED);
    CHECK(strstr(s.event[THREAD], "\"status\":\"interrupted\"") != NULL);
    while (next_event(&s, THREAD, PATIENCE_MS) != NULL) {
    }
    FAILS(CODEX_STATUS_CLOSED, codex_thread_poll, s.thread, 1, AGES, &batch);
    free_session(&s);
}

static void case_handles_outlive_client(void)
{
    session s;
    codex_call *call;
    codex_buf *batch;
    uint64_t key;
    open_session(&s, "");
    start_thread(&s, UNSANDBOXED);
    OK(codex_call_start, s.client, TEXT("command/exec"), TEXT(slow_command(300)), &call);
    start_turn(&s);
    key = codex_thread_key(s.thread);
    OK(codex_client_close, s.client, AGES);
    codex_client_free(s.client);
    s.client = NULL;
    CHECK(codex_thread_key(s.thread) == key);
    OK(codex_thread_wake, s.thread);
    /* What was said before the close is there, its last word too. */
    wait_event(&s, THREAD, TURN_COMPLETED);
    while (next_event(&s, THREAD, AGES) != NULL) {
    }
    FAILS(CODEX_STATUS_CLOSED, codex_thread_poll, s.thread, 1, AGES, &batch);
    FAILS(CODEX_STATUS_CLOSED, codex_thread_close, s.thread);
    CHECK(codex_call_wait(call, PATIENCE_MS, &batch, NULL) == CODEX_STATUS_CLOSED);
    codex_call_free(call);
    free_session(&s);
}

/* ---- cases: waiting ----------------------------------------------------------------------------------------------------------- */

static void case_timeouts(void)
{
    session s;
    codex_buf *result;
    codex_call *call;
    int64_t started;
    open_session(&s, "");
    started = now_ms();
    FAILS(CODEX_STATUS_TIMEOUT, codex_client_call, s.client, TEXT("command/exec"), TEXT(slow_command(10)), 50, &result);
    CHECK(now_ms() - started >= 100 && now_ms() - started < 900);
    OK(codex_call_start, s.client, TEXT("command/exec"), TEXT(slow_command(5)), &call);
    FAILS(CODEX_STATUS_TIMEOUT, codex_call_wait, call, 0, &result);
    FAILS(CODEX_STATUS_TIMEOUT, codex_call_wait, call, 20, &result);
    OK(codex_call_wait, call, AGES, &result);
    codex_buf_free(result);
    FAILS(CODEX_STATUS_INVALID_ARGUMENT, codex_call_wait, call, -1, &result);
    codex_call_free(call);
    /* An empty poll takes its time and is no error. */
    while (next_event(&s, REQUESTS, 0) != NULL) {
    }
    started = now_ms();
    OK(codex_client_poll_requests, s.client, 1, 50, &result);
    CHECK(result == NULL && now_ms() - started >= 50);
    /* A handle that is freed before its result. */
    OK(codex_call_start, s.client, TEXT(LIST), TEXT("{}"), &call);
    codex_call_free(call);
    end_session(&s);
}

typedef struct poller {
    pthread_t thread;
    session *of;
    enum queue queue;
    int32_t status;
    int64_t returned;
} poller;

static void *poll_for_ages(void *data)
{
    poller *p = (poller *)data;
    codex_buf *batch;
    /* Once for ever, once for a finite time that is as good. */
    p->status = poll_queue(p->of, p->queue, p->queue == OWN ? -1 : AGES, &batch, NULL);
    CHECK(batch == NULL);
    p->returned = now_ms();
    return NULL;
}

static void start_pollers(session *s, poller pollers[3])
{
    int i;
    for (i = 0; i < 3; i++) {
        pollers[i].of = s;
        pollers[i].queue = (enum queue)i;
        pollers[i].returned = 0;
        CHECK(pthread_create(&pollers[i].thread, NULL, poll_for_ages, &pollers[i]) == 0);
    }
    sleep_ms(200);
}

static void drain(session *s)
{
    while (next_event(s, OWN, 200) != NULL || next_event(s, REQUESTS, 0) != NULL || next_event(s, THREAD, 200) != NULL) {
    }
}

static void case_blocked_polls(void)
{
    session s;
    poller pollers[3];
    int64_t started;
    int i;
    open_session(&s, "");
    start_thread(&s, UNSANDBOXED);
    drain(&s);
    start_pollers(&s, pollers);
    started = now_ms();
    for (i = 0; i < 3; i++) {
        CHECK(pollers[i].returned == 0);
    }
    /* One thread's wake is for that thread. */
    OK(codex_thread_wake, s.thread);
    CHECK(pthread_join(pollers[THREAD].thread, NULL) == 0 && pollers[THREAD].status == CODEX_STATUS_OK);
    sleep_ms(100);
    CHECK(pollers[OWN].returned == 0 && pollers[REQUESTS].returned == 0);
    OK(codex_client_wake, s.client);
    CHECK(pthread_join(pollers[OWN].thread, NULL) == 0 && pollers[OWN].status == CODEX_STATUS_OK);
    CHECK(pthread_join(pollers[REQUESTS].thread, NULL) == 0 && pollers[REQUESTS].status == CODEX_STATUS_OK);
    CHECK(now_ms() - started < 5000);
    start_pollers(&s, pollers);
    OK(codex_client_wake, s.client);
    for (i = 0; i < 3; i++) {
        CHECK(pthread_join(pollers[i].thread, NULL) == 0 && pollers[i].status == CODEX_STATUS_OK);
    }
    /* The close ends them with its own status. A notification may come in between; the queue says CLOSED once it is empty. */
    OK(codex_thread_close, s.thread);
    while (next_event(&s, THREAD, AGES) != NULL) {
    }
    start_pollers(&s, pollers);
    OK(codex_client_close, s.client, AGES);
    for (i = 0; i < 3; i++) {
        CHECK(pthread_join(pollers[i].thread, NULL) == 0 && pollers[i].status == CODEX_STATUS_CLOSED);
    }
    free_session(&s);
}

#define POLLERS 4
#define SUBMITTED 400

typedef struct crowd {
    codex_client *client;
    pthread_mutex_t lock;
    /* By ticket and by number. */
    int tickets[SUBMITTED + 1];
    int numbers[4 * SUBMITTED];
    int completed;
} crowd;

static void *poll_in_crowd(void *data)
{
    crowd *c = (crowd *)data;
    for (;;) {
        codex_buf *batch;
        codex_error *error;
        char *text;
        const char *in;
        int32_t status = codex_client_poll(c->client, 7, -1, &batch, &error);
        if (status != CODEX_STATUS_OK) {
            CHECK(status == CODEX_STATUS_CLOSED);
            codex_error_free(error);
            return NULL;
        }
        if (batch == NULL) {
            continue;
        }
        text = take(batch);
        CHECK(pthread_mutex_lock(&c->lock) == 0);
        for (in = text; (in = strstr(in, "{\"seq\":")) != NULL; in++) {
            unsigned long number = strtoul(in + strlen("{\"seq\":"), NULL, 10);
            CHECK(number > 0 && number < 4 * SUBMITTED);
            CHECK(c->numbers[number]++ == 0);
        }
        for (in = text; (in = strstr(in, "\"ticket\":")) != NULL; in++) {
            unsigned long ticket = strtoul(in + strlen("\"ticket\":"), NULL, 10);
            CHECK(ticket > 0 && ticket <= SUBMITTED);
            CHECK(c->tickets[ticket]++ == 0);
            c->completed++;
        }
        CHECK(pthread_mutex_unlock(&c->lock) == 0);
        free(text);
    }
}

static void case_many_pollers(void)
{
    static crowd c;
    session s;
    pthread_t threads[POLLERS];
    int64_t deadline = now_ms() + PATIENCE_MS;
    int i;
    open_session(&s, "");
    c.client = s.client;
    CHECK(pthread_mutex_init(&c.lock, NULL) == 0);
    for (i = 0; i < POLLERS; i++) {
        CHECK(pthread_create(&threads[i], NULL, poll_in_crowd, &c) == 0);
    }
    for (i = 0; i < SUBMITTED; i++) {
        uint64_t ticket;
        OK(codex_client_submit, s.client, TEXT(LIST), TEXT("{}"), &ticket);
    }
    for (i = 0; i < SUBMITTED;) {
        CHECK(now_ms() < deadline);
        sleep_ms(5);
        CHECK(pthread_mutex_lock(&c.lock) == 0);
        i = c.completed;
        CHECK(pthread_mutex_unlock(&c.lock) == 0);
    }
    OK(codex_client_close, s.client, AGES);
    for (i = 0; i < POLLERS; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    /* Nothing lost, nothing twice: the numbers have no hole. */
    for (i = 1; i < 4 * SUBMITTED && c.numbers[i] != 0; i++) {
    }
    CHECK(i > SUBMITTED);
    for (; i < 4 * SUBMITTED; i++) {
        CHECK(c.numbers[i] == 0);
    }
    free_session(&s);
}

static int rings(int64_t fd, int timeout_ms)
{
    struct pollfd bell;
    bell.fd = (int)fd;
    bell.events = POLLIN;
    bell.revents = 0;
    return poll(&bell, 1, timeout_ms);
}

/* Takes the ready queues and reads them, until the bell is silent. Returns a bit per queue that was named: 1 own, 2 requests, 4 thread. */
static int serve(session *s, int64_t fd)
{
    int named = 0;
    while (rings(fd, 300) == 1) {
        uint64_t ids[4];
        size_t count;
        size_t i;
        OK(codex_client_ready, s->client, ids, 4, &count);
        for (i = 0; i < count; i++) {
            enum queue queue = ids[i] == CODEX_QUEUE_CLIENT ? OWN : ids[i] == CODEX_QUEUE_REQUESTS ? REQUESTS : THREAD;
            CHECK(queue != THREAD || ids[i] == codex_thread_key(s->thread));
            named |= 1 << queue;
            /* One event only: a queue with more is named again. */
            next_event(s, queue, 0);
        }
    }
    return named;
}

static void case_doorbell(void)
{
    session s;
    int64_t fd;
    int64_t same;
    uint64_t ticket;
    uint64_t ids[4];
    size_t count;
    int named;
    open_session(&s, "");
    OK(codex_client_doorbell, s.client, &fd);
    CHECK(fd >= 0);
    OK(codex_client_doorbell, s.client, &same);
    CHECK(fd == same);
    CHECK((fcntl((int)fd, F_GETFD) & FD_CLOEXEC) != 0);
    serve(&s, fd);
    OK(codex_client_submit, s.client, TEXT(LIST), TEXT("{}"), &ticket);
    CHECK(rings(fd, PATIENCE_MS) == 1);
    CHECK(rings(fd, 0) == 1); /* Level-triggered. */
    /* No room for any id: it rings on. */
    OK(codex_client_ready, s.client, NULL, 0, &count);
    CHECK(count == 0 && rings(fd, 0) == 1);
    OK(codex_client_ready, s.client, ids, 4, &count);
    CHECK(count == 1 && ids[0] == CODEX_QUEUE_CLIENT);
    CHECK(rings(fd, 300) == 0); /* Silent, though the queue was not read: nothing is new. */
    OK(codex_client_submit, s.client, TEXT(LIST), TEXT("{}"), &ticket);
    CHECK(rings(fd, PATIENCE_MS) == 1);
    CHECK(serve(&s, fd) == 1 << OWN);
    CHECK(next_event(&s, OWN, 0) == NULL); /* Both were read, though only one poll was made each time. */
    /* A whole turn through the bell alone. */
    OK(codex_tool_register, s.client, TEXT(LOOKUP), NULL, NULL);
    OK(codex_client_accept_requests, s.client, 1);
    start_thread(&s, UNSANDBOXED);
    serve(&s, fd);
    start_turn(&s);
    named = serve(&s, fd);
    CHECK((named & 1 << REQUESTS) != 0 && (named & 1 << THREAD) != 0);
    CHECK(strstr(s.event[REQUESTS], "host/tool/call") != NULL);
    {
        char name[60];
        char id[64];
        copy_string(s.event[REQUESTS], "id", name, sizeof name);
        snprintf(id, sizeof id, "\"%s\"", name);
        OK(codex_client_reject, s.client, TEXT(id), TEXT("not now"));
    }
    CHECK((serve(&s, fd) & 1 << THREAD) != 0);
    CHECK(next_event(&s, THREAD, 0) == NULL); /* The bell told of everything. */
    /* The end of a queue is news too. */
    OK(codex_client_close, s.client, AGES);
    CHECK(serve(&s, fd) == (1 << OWN | 1 << REQUESTS | 1 << THREAD));
    CHECK(rings(fd, 300) == 0);
    free_session(&s);
}

/* A reader who sleeps through 200 KiB of deltas with a queue of 64 KiB. */
static void case_gap(void)
{
    session s;
    char params[128];
    char *status;
    open_session(&s, ",\"queue_bytes\":65536");
    start_thread(&s, UNSANDBOXED);
    start_turn(&s);
    wait_event(&s, THREAD, "\"type\":\"agentMessage\"");
    snprintf(params, sizeof params, "{\"threadId\":\"%s\"}", s.thread_id);
    do {
        sleep_ms(20);
        status = request(s.client, "thread/read", params);
        params[0] = strstr(status, "\"type\":\"idle\"") != NULL ? '\0' : '{';
        free(status);
    } while (params[0] != '\0');
    wait_event(&s, THREAD, "\"method\":\"item/completed\"");
    CHECK(s.gaps > 0);
    CHECK(strlen(s.event[THREAD]) > 200 * 1024);
    wait_event(&s, THREAD, TURN_COMPLETED);
    end_session(&s);
}

/* ---- cases: requests of the engine -------------------------------------------------------------------------------------------- */

#define FOUND "{\"content\":[{\"type\":\"inputText\",\"text\":\"found\"}],\"success\":true}"

static void case_tool_called(void)
{
    session s;
    char id[64];
    const char *event;
    open_session(&s, "");
    OK(codex_tool_register, s.client, TEXT(LOOKUP), NULL, NULL);
    OK(codex_client_accept_requests, s.client, 1);
    start_thread(&s, UNSANDBOXED);
    start_turn(&s);
    event = wait_request(&s, "host/tool/call", id);
    CHECK(strstr(event, s.thread_id) != NULL && strstr(event, s.turn_id) != NULL);
    CHECK(strstr(event, "\"callId\":\"answered\"") != NULL && strstr(event, "\"tool\":\"lookup\"") != NULL);
    CHECK(strstr(event, "\"arguments\":\"{\\\"key\\\":1}\"") != NULL && strstr(event, "\"freeform\":false") != NULL);
    /* A wrong answer is none: the request stays open. */
    FAILS(CODEX_STATUS_INVALID_JSON, codex_client_respond, s.client, TEXT(id), TEXT("{"));
    OK(codex_client_respond, s.client, TEXT(id), TEXT(FOUND));
    FAILS(CODEX_STATUS_NOT_FOUND, codex_client_reject, s.client, TEXT(id), TEXT("too late"));
    wait_request(&s, "host/tool/call", id);
    OK(codex_client_reject, s.client, TEXT(id), TEXT("refused by the host"));
    answer(&s, "host/tool/call", "{\"unusable\":1}");
    wait_event(&s, THREAD, TURN_COMPLETED);
    /* Each call was asked once, by one request. */
    CHECK(next_event(&s, REQUESTS, 200) == NULL);
    end_session(&s);
}

static void case_approvals(void)
{
    session s;
    char id[64];
    open_session(&s, "");
    OK(codex_client_accept_requests, s.client, 1);
    start_thread(&s, UNSANDBOXED ",\"approvalPolicy\":\"untrusted\"");
    start_turn(&s);
    answer(&s, "item/commandExecution/requestApproval", "{\"decision\":\"accept\"}");
    wait_request(&s, "item/commandExecution/requestApproval", id);
    CHECK(exists("accepted"));
    OK(codex_client_reject, s.client, TEXT(id), TEXT("no"));
    wait_event(&s, THREAD, TURN_COMPLETED);
    CHECK(!exists("declined"));
    end_session(&s);
}

/* Nobody said that he answers. */
static void case_requests_denied(void)
{
    session s;
    open_session(&s, "");
    OK(codex_tool_register, s.client, TEXT(LOOKUP), NULL, NULL);
    OK(codex_interceptor_register, s.client, TEXT("apply_*"));
    start_thread(&s, UNSANDBOXED ",\"approvalPolicy\":\"untrusted\"");
    start_turn(&s);
    wait_event(&s, THREAD, TURN_COMPLETED);
    CHECK(!exists("declined") && !exists("patched"));
    CHECK(next_event(&s, REQUESTS, 0) == NULL);
    end_session(&s);
}

static void case_requests_withdrawn(void)
{
    session s;
    char id[64];
    char params[256];
    open_session(&s, "");
    OK(codex_tool_register, s.client, TEXT(LOOKUP), NULL, NULL);
    OK(codex_client_accept_requests, s.client, 1);
    start_thread(&s, UNSANDBOXED);
    start_turn(&s);
    /* By the host, who answers no longer: the call fails and the turn goes on. */
    wait_request(&s, "host/tool/call", id);
    OK(codex_client_accept_requests, s.client, 0);
    CHECK(strstr(wait_event(&s, REQUESTS, "\"method\":\"request/withdrawn\""), id) != NULL);
    FAILS(CODEX_STATUS_NOT_FOUND, codex_client_respond, s.client, TEXT(id), TEXT(FOUND));
    wait_event(&s, THREAD, TURN_COMPLETED);
    /* By the engine, whose turn is interrupted. */
    OK(codex_client_accept_requests, s.client, 1);
    start_turn(&s);
    wait_request(&s, "host/tool/call", id);
    snprintf(params, sizeof params, "{\"threadId\":\"%s\",\"turnId\":\"%s\"}", s.thread_id, s.turn_id);
    free(request(s.client, "turn/interrupt", params));
    CHECK(strstr(wait_event(&s, REQUESTS, "\"method\":\"request/withdrawn\""), id) != NULL);
    FAILS(CODEX_STATUS_NOT_FOUND, codex_client_reject, s.client, TEXT(id), TEXT(""));
    wait_event(&s, THREAD, TURN_COMPLETED);
    /* By the close. */
    start_turn(&s);
    wait_request(&s, "host/tool/call", id);
    OK(codex_client_close, s.client, AGES);
    CHECK(strstr(wait_event(&s, REQUESTS, "\"method\":\"request/withdrawn\""), id) != NULL);
    free_session(&s);
}

/* The turn's id is known before the engine has begun with the turn. */
static void case_interrupted_at_once(void)
{
    session s;
    char params[256];
    int i;
    open_session(&s, "");
    start_thread(&s, UNSANDBOXED);
    for (i = 0; i < 20; i++) {
        start_turn(&s);
        snprintf(params, sizeof params, "{\"threadId\":\"%s\",\"turnId\":\"%s\"}", s.thread_id, s.turn_id);
        free(request(s.client, "turn/interrupt", params));
        CHECK(strstr(wait_event(&s, THREAD, TURN_COMPLETED), s.turn_id) != NULL);
        CHECK(strstr(s.event[THREAD], "\"status\":\"interrupted\"") != NULL);
    }
    end_session(&s);
}

static void case_intercepted(void)
{
    session s;
    char id[64];
    const char *event;
    open_session(&s, "");
    OK(codex_interceptor_register, s.client, TEXT("exec_*"));
    OK(codex_client_accept_requests, s.client, 1);
    start_thread(&s, UNSANDBOXED);
    start_turn(&s);
    event = wait_request(&s, "host/tool/intercept", id);
    CHECK(strstr(event, "\"callId\":\"passed\"") != NULL && strstr(event, "\"tool\":\"exec_command\"") != NULL);
    CHECK(strstr(event, "echo passed") != NULL);
    OK(codex_client_respond, s.client, TEXT(id), TEXT("{\"action\":\"pass\"}"));
    answer(&s, "host/tool/intercept",
           "{\"action\":\"reply\",\"content\":[{\"type\":\"inputText\",\"text\":\"the host's reply\"}],\"success\":true}");
    CHECK(!exists("replied"));
    answer(&s, "host/tool/intercept", "{\"action\":\"call\",\"arguments\":{\"cmd\":\"echo changed\"}}");
    event = wait_request(&s, "host/tool/result", id);
    CHECK(strstr(event, "\"callId\":\"changed\"") != NULL && strstr(event, "\"success\":true") != NULL);
    CHECK(strstr(event, "\"content\":[{") != NULL && strstr(event, "changed\\n") != NULL);
    OK(codex_client_respond, s.client, TEXT(id),
       TEXT("{\"action\":\"reply\",\"content\":[{\"type\":\"inputText\",\"text\":\"seen by the host\"}],\"success\":true}"));
    /* The model's own arguments, and the result as it is. */
    answer(&s, "host/tool/intercept", "{\"action\":\"call\"}");
    answer(&s, "host/tool/result", "{\"action\":\"pass\"}");
    wait_request(&s, "host/tool/intercept", id);
    OK(codex_client_reject, s.client, TEXT(id), TEXT("refused by the host"));
    answer(&s, "host/tool/intercept", "{\"action\":\"no_such_action\"}");
    /* Taken back, the call runs as if nothing was. */
    wait_request(&s, "host/tool/intercept", id);
    OK(codex_interceptor_unregister, s.client, TEXT("exec_*"));
    OK(codex_client_respond, s.client, TEXT(id), TEXT("{\"action\":\"pass\"}"));
    wait_event(&s, THREAD, TURN_COMPLETED);
    CHECK(!exists("rejected") && !exists("unusable"));
    CHECK(next_event(&s, REQUESTS, 0) == NULL);
    end_session(&s);
}

/* ---- cases: tools with a callback --------------------------------------------------------------------------------------------- */

typedef struct server {
    codex_client *client;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int called;
    int returned;
    int released;
    char id[64];
} server;

static void make_server(server *v, codex_client *client)
{
    memset(v, 0, sizeof *v);
    v->client = client;
    CHECK(pthread_mutex_init(&v->lock, NULL) == 0 && pthread_cond_init(&v->changed, NULL) == 0);
}

static void await(server *v, const int *what, int least)
{
    CHECK(pthread_mutex_lock(&v->lock) == 0);
    while (*what < least) {
        CHECK(pthread_cond_wait(&v->changed, &v->lock) == 0);
    }
    CHECK(pthread_mutex_unlock(&v->lock) == 0);
}

static void count(server *v, int *what)
{
    CHECK(pthread_mutex_lock(&v->lock) == 0);
    ++*what;
    CHECK(pthread_cond_broadcast(&v->changed) == 0);
    CHECK(pthread_mutex_unlock(&v->lock) == 0);
}

static int32_t answer_at_once(void *data, const char *id, size_t id_len, const char *call, size_t call_len)
{
    server *v = (server *)data;
    CHECK(call_len > 2 && call[0] == '{' && call[call_len - 1] == '}');
    OK(codex_client_respond, v->client, id, id_len, TEXT(FOUND));
    count(v, &v->called);
    return 0;
}

static int32_t fail_at_once(void *data, const char *id, size_t id_len, const char *call, size_t call_len)
{
    server *v = (server *)data;
    (void)id, (void)id_len, (void)call, (void)call_len;
    count(v, &v->called);
    return 42;
}

static int32_t answer_later(void *data, const char *id, size_t id_len, const char *call, size_t call_len)
{
    server *v = (server *)data;
    (void)call, (void)call_len;
    CHECK(id_len < sizeof v->id);
    memcpy(v->id, id, id_len);
    v->id[id_len] = '\0';
    count(v, &v->called);
    return 0;
}

/* Waits for its release with an answer already given. */
static int32_t linger(void *data, const char *id, size_t id_len, const char *call, size_t call_len)
{
    server *v = (server *)data;
    (void)call, (void)call_len;
    OK(codex_client_respond, v->client, id, id_len, TEXT(FOUND));
    count(v, &v->called);
    await(v, &v->released, 1);
    count(v, &v->returned);
    return 0;
}

/* Takes itself back: the wait for a running callback is not for the one that asks. */
static int32_t unregister_itself(void *data, const char *id, size_t id_len, const char *call, size_t call_len)
{
    server *v = (server *)data;
    (void)call, (void)call_len;
    OK(codex_tool_unregister, v->client, TEXT("{\"name\":\"itself\"}"));
    OK(codex_client_respond, v->client, id, id_len, TEXT(FOUND));
    count(v, &v->called);
    return 0;
}

static void *unregister_lookup(void *data)
{
    server *v = (server *)data;
    OK(codex_tool_unregister, v->client, TEXT("{\"name\":\"lookup\"}"));
    /* Now the data may go. */
    CHECK(v->returned == 1);
    return NULL;
}

static void case_callbacks(void)
{
    session s;
    server v;
    open_session(&s, "");
    make_server(&v, s.client);
    OK(codex_tool_register, s.client, TEXT("{\"name\":\"at_once\",\"description\":\"\"}"), answer_at_once, &v);
    OK(codex_tool_register, s.client, TEXT("{\"name\":\"failing\",\"description\":\"\"}"), fail_at_once, &v);
    OK(codex_tool_register, s.client, TEXT("{\"name\":\"later\",\"description\":\"\"}"), answer_later, &v);
    OK(codex_tool_register, s.client, TEXT("{\"name\":\"itself\",\"description\":\"\"}"), unregister_itself, &v);
    start_thread(&s, UNSANDBOXED);
    start_turn(&s);
    await(&v, &v.called, 3);
    sleep_ms(50); /* The callback is over, its call is not. */
    CHECK(next_event(&s, REQUESTS, 0) == NULL);
    OK(codex_client_respond, s.client, TEXT(v.id), TEXT(FOUND));
    wait_event(&s, THREAD, TURN_COMPLETED);
    CHECK(v.called == 4);
    FAILS(CODEX_STATUS_NOT_FOUND, codex_tool_unregister, s.client, TEXT("{\"name\":\"itself\"}"));
    end_session(&s);
}

/* Two calls at once. Taking the tool back waits for the one that runs; the other one, which waits for its turn, never runs. */
static void case_unregister_waits(void)
{
    session s;
    server v;
    pthread_t thread;
    open_session(&s, "");
    make_server(&v, s.client);
    OK(codex_tool_register, s.client, TEXT("{\"name\":\"lookup\",\"description\":\"\",\"parallel\":true}"), linger, &v);
    start_thread(&s, UNSANDBOXED);
    start_turn(&s);
    await(&v, &v.called, 1);
    wait_event(&s, THREAD, "\"method\":\"item/started\",\"params\":{\"item\":{\"type\":\"dynamicToolCall\"");
    wait_event(&s, THREAD, "\"method\":\"item/started\",\"params\":{\"item\":{\"type\":\"dynamicToolCall\"");
    CHECK(pthread_create(&thread, NULL, unregister_lookup, &v) == 0);
    sleep_ms(300);
    count(&v, &v.released);
    CHECK(pthread_join(thread, NULL) == 0);
    wait_event(&s, THREAD, TURN_COMPLETED);
    CHECK(v.called == 1 && v.returned == 1);
    end_session(&s);
}

static void *release_late(void *data)
{
    sleep_ms(300);
    count((server *)data, &((server *)data)->released);
    return NULL;
}

/* user_data may go once codex_client_close returned, or, if that was with a TIMEOUT, once the callback did. */
static void case_close_waits_for_callback(void)
{
    session s;
    server v;
    pthread_t thread;
    int64_t started;
    open_session(&s, "");
    make_server(&v, s.client);
    OK(codex_tool_register, s.client, TEXT(LOOKUP), linger, &v);
    start_thread(&s, UNSANDBOXED);
    start_turn(&s);
    await(&v, &v.called, 1);
    CHECK(pthread_create(&thread, NULL, release_late, &v) == 0);
    OK(codex_client_close, s.client, AGES);
    CHECK(v.returned == 1);
    CHECK(pthread_join(thread, NULL) == 0);
    free_session(&s);

    open_session(&s, "");
    make_server(&v, s.client);
    OK(codex_tool_register, s.client, TEXT(LOOKUP), linger, &v);
    start_thread(&s, UNSANDBOXED);
    start_turn(&s);
    await(&v, &v.called, 1);
    started = now_ms();
    CHECK(codex_client_close(s.client, 500, check_poisoned_error()) == CODEX_STATUS_TIMEOUT);
    CHECK(codex_error_code(check_error) == CODEX_STATUS_TIMEOUT && codex_error_retriable(check_error) == 1);
    printf("saw codex_client_close CODEX_STATUS_TIMEOUT\n");
    codex_error_free(check_error);
    CHECK(now_ms() - started >= 500 && now_ms() - started < 5000);
    FAILS(CODEX_STATUS_CLOSED, codex_client_close, s.client, AGES);
    count(&v, &v.released);
    await(&v, &v.returned, 1);
    free_session(&s);
}

static int32_t close_client(void *data, const char *id, size_t id_len, const char *call, size_t call_len)
{
    server *v = (server *)data;
    (void)id, (void)id_len, (void)call, (void)call_len;
    OK(codex_client_close, v->client, AGES);
    codex_client_free(v->client);
    count(v, &v->called);
    return 0;
}

static void case_closed_in_callback(void)
{
    session s;
    server v;
    open_session(&s, "");
    make_server(&v, s.client);
    OK(codex_tool_register, s.client, TEXT(LOOKUP), close_client, &v);
    start_thread(&s, UNSANDBOXED);
    start_turn(&s);
    await(&v, &v.called, 1);
    s.client = NULL;
    while (next_event(&s, THREAD, AGES) != NULL) {
    }
    free_session(&s);
}

/* ---- cases: the sandbox ------------------------------------------------------------------------------------------------------- */

static void case_no_bubblewrap(void)
{
    static const char *const SANDBOXED[] = {"{}", "{\"sandbox\":\"read-only\"}", "{\"sandbox\":\"workspace-write\"}", ""};
    session s;
    codex_buf *result;
    codex_call *call;
    uint64_t ticket;
    char params[1024];
    size_t i;
    CHECK(setenv("PATH", "", 1) == 0); /* Before any other thread can look at it. */
    open_session(&s, "");
    for (i = 0; i < sizeof SANDBOXED / sizeof *SANDBOXED; i++) {
        const char *message = FAILS(CODEX_STATUS_SANDBOX_UNAVAILABLE, codex_client_call, s.client, TEXT("thread/start"), TEXT(SANDBOXED[i]), AGES, &result);
        CHECK(strstr(message, "bubblewrap") != NULL);
        FAILS(CODEX_STATUS_SANDBOX_UNAVAILABLE, codex_call_start, s.client, TEXT("thread/start"), TEXT(SANDBOXED[i]), &call);
        FAILS(CODEX_STATUS_SANDBOX_UNAVAILABLE, codex_client_submit, s.client, TEXT("thread/start"), TEXT(SANDBOXED[i]), &ticket);
    }
    start_thread(&s, UNSANDBOXED);
    snprintf(params, sizeof params, "{\"threadId\":\"%s\",\"input\":[],\"sandboxPolicy\":{\"type\":\"readOnly\"}}", s.thread_id);
    FAILS(CODEX_STATUS_SANDBOX_UNAVAILABLE, codex_client_call, s.client, TEXT("turn/start"), TEXT(params), AGES, &result);
    start_turn(&s);
    wait_event(&s, THREAD, TURN_COMPLETED);
    CHECK(exists("unsandboxed"));
    /* A single command does not run without the sandbox either. */
    snprintf(params, sizeof params, "{\"command\":[\"/bin/sh\",\"-c\",\"echo > sandboxed\"],\"cwd\":\"%s\"}", scratch);
    FAILS(CODEX_STATUS_SANDBOX_UNAVAILABLE, codex_client_call, s.client, TEXT("command/exec"), TEXT(params), AGES, &result);
    CHECK(!exists("sandboxed"));
    end_session(&s);
}

static void case_sandboxed(void)
{
    session s;
    open_session(&s, "");
    start_thread(&s, ",\"sandbox\":\"read-only\"");
    start_turn(&s);
    wait_event(&s, THREAD, TURN_COMPLETED);
    CHECK(!exists("sandboxed"));
    end_session(&s);
}

/* ---- cases: the checks themselves --------------------------------------------------------------------------------------------- */

/* test_abi.py runs these to see that the leak check sees them: each loses one object and ends everything else in order. */
enum object { BUFFER, ERROR, CALL_HANDLE, THREAD_OBJECT };

/* In a frame of its own, which is gone when the check looks for pointers. */
static void lose(session *s, enum object object)
{
    codex_buf *result;
    codex_error *error;
    codex_call *call;
    codex_thread *thread;
    switch (object) {
    case BUFFER:
        OK(codex_client_call, s->client, TEXT(LIST), TEXT("{}"), AGES, &result);
        break;
    case ERROR:
        CHECK(codex_client_wake(NULL, &error) == CODEX_STATUS_INVALID_ARGUMENT);
        break;
    case CALL_HANDLE:
        OK(codex_call_start, s->client, TEXT(LIST), TEXT("{}"), &call);
        OK(codex_call_wait, call, AGES, &result);
        codex_buf_free(result);
        break;
    case THREAD_OBJECT:
        OK(codex_thread_open, s->client, TEXT("thread"), &thread);
        break;
    }
}

static void lose_and_end(enum object object)
{
    session s;
    open_session(&s, "");
    lose(&s, object);
    end_session(&s);
}

static void case_leaked_buffer(void)
{
    lose_and_end(BUFFER);
}

static void case_leaked_error(void)
{
    lose_and_end(ERROR);
}

static void case_leaked_call(void)
{
    lose_and_end(CALL_HANDLE);
}

static void case_leaked_thread(void)
{
    lose_and_end(THREAD_OBJECT);
}

static const struct {
    const char *name;
    void (*run)(void);
} CASES[] = {
    {"accessors_of_null", case_accessors_of_null},
    {"log", case_log},
    {"null_arguments", case_null_arguments},
    {"inputs_too_large_or_not_text", case_inputs_too_large_or_not_text},
    {"options_refused", case_options_refused},
    {"config_file_refused", case_config_file_refused},
    {"requests_refused", case_requests_refused},
    {"answers_refused", case_answers_refused},
    {"tools_refused", case_tools_refused},
    {"thread_opened_twice", case_thread_opened_twice},
    {"closed", case_closed},
    {"panicked", case_panicked},
    {"forked", case_forked},
    {"forked_with_the_same_pid", case_forked_with_the_same_pid},
    {"forked_before_open", case_forked_before_open},
    {"freed_open", case_freed_open},
    {"handles_outlive_client", case_handles_outlive_client},
    {"timeouts", case_timeouts},
    {"blocked_polls", case_blocked_polls},
    {"many_pollers", case_many_pollers},
    {"doorbell", case_doorbell},
    {"gap", case_gap},
    {"tool_called", case_tool_called},
    {"approvals", case_approvals},
    {"requests_denied", case_requests_denied},
    {"requests_withdrawn", case_requests_withdrawn},
    {"interrupted_at_once", case_interrupted_at_once},
    {"intercepted", case_intercepted},
    {"callbacks", case_callbacks},
    {"unregister_waits", case_unregister_waits},
    {"close_waits_for_callback", case_close_waits_for_callback},
    {"closed_in_callback", case_closed_in_callback},
    {"no_bubblewrap", case_no_bubblewrap},
    {"sandboxed", case_sandboxed},
    {"leaked_buffer", case_leaked_buffer},
    {"leaked_error", case_leaked_error},
    {"leaked_call", case_leaked_call},
    {"leaked_thread", case_leaked_thread},
};

int main(int argc, char **argv)
{
    size_t i;
    setvbuf(stdout, NULL, _IONBF, 0); /* A child of fork() prints too. */
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (i = 0; i < sizeof CASES / sizeof *CASES; i++) {
            puts(CASES[i].name);
        }
        return 0;
    }
    CHECK(argc == 5);
    scratch = argv[2];
    helper = argv[3];
    provider = argv[4];
    for (i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        if (strcmp(argv[1], CASES[i].name) == 0) {
            CASES[i].run();
            puts("passed");
            return 0;
        }
    }
    fprintf(stderr, "no case %s\n", argv[1]);
    return 2;
}
