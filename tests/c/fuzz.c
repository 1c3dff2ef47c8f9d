/*
 * fuzz.c: every function of csrc/codex_capi.h in an order and with arguments that bytes decide, from several threads at times.
 *
 *     fuzz SEED STEPS      makes its own bytes until it has made so many calls
 *     fuzz < FILE          takes them from FILE: what AFL wants
 *
 * The environment has FUZZ_SCRATCH (a folder, also the working directory), FUZZ_HELPER (codex-linux-sandbox) and FUZZ_PROVIDER (the "config" of a
 * client). With libFuzzer, whose main replaces this one:
 *
 *     clang -g -fsanitize=fuzzer,address,undefined -DFUZZ_NO_MAIN -I csrc tests/c/fuzz.c codex_cffi/_native/libcodex_capi.so -pthread
 *
 * A promise of the header that is not kept ends the process. At the end each function and status is printed with its count: test_fuzz.py holds these
 * against the header.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "check.h"

#include <fcntl.h>
#include <pthread.h>
#include <time.h>
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/lsan_interface.h>
#endif

#define PATIENCE_MS 20000
#define KEPT 4
#define STATUSES 17

/* ---- what is called ----------------------------------------------------------------------------------------------------------- */

/* clang-format off */
#define FUNCTIONS(X)                                                                                                                        \
    X(codex_abi_version) X(codex_build_info) X(codex_log_filter) X(codex_log_poll) X(codex_log_wake) X(codex_client_open)                   \
    X(codex_client_call) X(codex_call_start) X(codex_call_wait) X(codex_call_free) X(codex_client_submit) X(codex_client_poll)              \
    X(codex_client_poll_requests) X(codex_client_accept_requests) X(codex_client_respond) X(codex_client_reject) X(codex_client_doorbell)   \
    X(codex_client_ready) X(codex_client_wake) X(codex_client_close) X(codex_client_free) X(codex_thread_open) X(codex_thread_key)          \
    X(codex_thread_poll) X(codex_thread_wake) X(codex_thread_close) X(codex_thread_free) X(codex_tool_register) X(codex_tool_unregister)    \
    X(codex_interceptor_register) X(codex_interceptor_unregister) X(codex_hook_register) X(codex_hook_unregister) X(codex_buf_data)         \
    X(codex_buf_len) X(codex_buf_free) X(codex_error_code) X(codex_error_name) X(codex_error_message) X(codex_error_detail) X(codex_error_retriable) X(codex_error_free)
/* clang-format on */

#define NUMBER(name) N_##name,
#define NAME(name) #name,
enum { FUNCTIONS(NUMBER) FUNCTION_COUNT };
static const char *const NAMES[] = {FUNCTIONS(NAME)};

static unsigned long calls;
static unsigned long counts[FUNCTION_COUNT][STATUSES];

/* ---- bytes -------------------------------------------------------------------------------------------------------------------- */

/* What one thread of the driver takes its decisions from; zeros after the end. */
typedef struct bytes {
    const uint8_t *next;
    const uint8_t *end;
    /* May it free? Not while other threads use the same handles. */
    int alone;
} bytes;

static unsigned take(bytes *b)
{
    return b->next < b->end ? *b->next++ : 0;
}

static unsigned below(bytes *b, unsigned count)
{
    return take(b) % count;
}

/* ---- handles ------------------------------------------------------------------------------------------------------------------ */

enum { CLIENTS, THREADS, CALLS, BUFS, ERRORS, KINDS };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *kept[KINDS][KEPT];
/* What the engine told last, for arguments that fit. */
static char thread_id[64] = "none";
static char turn_id[64] = "none";
static char request_id[64] = "\"none\"";

static const char *helper;
static const char *provider;
static int callback_data = 42;

static void count_call(int function, int32_t status)
{
    CHECK(status >= 0 && status < STATUSES && status != CODEX_STATUS_PANIC);
    pthread_mutex_lock(&lock);
    calls++;
    counts[function][status]++;
    pthread_mutex_unlock(&lock);
}

static void free_handle(int kind, void *handle)
{
    switch (kind) {
    case CLIENTS:
        codex_client_free((codex_client *)handle);
        count_call(N_codex_client_free, 0);
        break;
    case THREADS:
        codex_thread_free((codex_thread *)handle);
        count_call(N_codex_thread_free, 0);
        break;
    case CALLS:
        codex_call_free((codex_call *)handle);
        count_call(N_codex_call_free, 0);
        break;
    case BUFS:
        codex_buf_free((codex_buf *)handle);
        count_call(N_codex_buf_free, 0);
        break;
    default:
        codex_error_free((codex_error *)handle);
        count_call(N_codex_error_free, 0);
    }
}

static void keep(int kind, void *handle)
{
    int i;
    if (handle == NULL) {
        return;
    }
    pthread_mutex_lock(&lock);
    for (i = 0; i < KEPT && handle != NULL; i++) {
        if (kept[kind][i] == NULL) {
            kept[kind][i] = handle;
            handle = NULL;
        }
    }
    pthread_mutex_unlock(&lock);
    if (handle != NULL) {
        free_handle(kind, handle);
    }
}

/* One of the handles; NULL at times. */
static void *get(bytes *b, int kind)
{
    void *handle = NULL;
    unsigned first = take(b);
    int i;
    if (first < 8) {
        return NULL;
    }
    pthread_mutex_lock(&lock);
    for (i = 0; i < KEPT && handle == NULL; i++) {
        handle = kept[kind][(first + (unsigned)i) % KEPT];
    }
    pthread_mutex_unlock(&lock);
    return handle;
}

/* Frees one of the handles, or NULL; under the lock, so that the ticker does not meet it. */
static void end(bytes *b, int kind)
{
    unsigned which = take(b) % KEPT;
    void *handle;
    pthread_mutex_lock(&lock);
    handle = kept[kind][which];
    kept[kind][which] = NULL;
    pthread_mutex_unlock(&lock);
    free_handle(kind, handle);
}

/* Wakes what waits for ever. */
static void *tick(void *running)
{
    struct timespec pause = {0, 3000000};
    int i;
    while (__atomic_load_n((int *)running, __ATOMIC_ACQUIRE)) {
        pthread_mutex_lock(&lock);
        codex_log_wake(NULL);
        for (i = 0; i < KEPT; i++) {
            codex_client_wake((codex_client *)kept[CLIENTS][i], NULL);
            codex_thread_wake((codex_thread *)kept[THREADS][i], NULL);
        }
        pthread_mutex_unlock(&lock);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

/* ---- texts -------------------------------------------------------------------------------------------------------------------- */

typedef struct text {
    char *data;
    size_t len;
} text;

/* In memory of just its size, so that the sanitizer sees one byte too many. */
static void replace(text *t, size_t at, size_t cut, const char *with, size_t with_len)
{
    size_t len = t->len - cut + with_len;
    char *data = (char *)malloc(len > 0 ? len : 1);
    CHECK(data != NULL);
    memcpy(data, t->data, at);
    memcpy(data + at, with, with_len);
    memcpy(data + at + with_len, t->data + at + cut, t->len - at - cut);
    free(t->data);
    t->data = data;
    t->len = len;
}

static void fill_in(text *t, const char *name, const char *value)
{
    char *found;
    while ((found = (char *)memmem(t->data, t->len, name, strlen(name))) != NULL) {
        replace(t, (size_t)(found - t->data), strlen(name), value, strlen(value));
    }
}

static const char *const SCRAPS[] = {
    "\"",   "\\",    "{",     "}",      "[",        "]",          ",",      ":",        "null",       "-1",    "1e999", "18446744073709551616",
    "\xff", "\xc0\x80", "\xed\xa0\x80", "\\ud800", "\\u0000", "\"a\":", "true", "\xf0\x9f\x98\x80", "\"threadId\":", "[[[[[[[[", " ",  "*",
};
#define COUNT(array) ((unsigned)(sizeof(array) / sizeof *(array)))

/* One of the templates with its names filled in, and a few changes. */
static text make(bytes *b, const char *const *templates, unsigned count)
{
    text t;
    unsigned changes = take(b) < 56 ? 1 + below(b, 3) : 0;
    const char *from = templates[below(b, count)];
    t.data = (char *)malloc(1);
    t.len = 0;
    replace(&t, 0, 0, from, strlen(from));
    fill_in(&t, "$PROVIDER", provider);
    fill_in(&t, "$HELPER", helper);
    pthread_mutex_lock(&lock);
    fill_in(&t, "$THREAD", thread_id);
    fill_in(&t, "$TURN", turn_id);
    fill_in(&t, "$REQUEST", request_id);
    pthread_mutex_unlock(&lock);
    for (; changes > 0; changes--) {
        size_t at = t.len > 0 ? (take(b) * 256u + take(b)) % t.len : 0;
        const char *scrap = SCRAPS[below(b, COUNT(SCRAPS))];
        char byte = (char)take(b);
        switch (below(b, 6)) {
        case 0:
            replace(&t, at, t.len - at, "", 0);
            break;
        case 1:
            replace(&t, at, 0, scrap, strlen(scrap));
            break;
        case 2:
            replace(&t, at, t.len > at ? 1 : 0, &byte, 1);
            break;
        case 3:
            replace(&t, at, t.len - at < 7 ? t.len - at : 7, scrap, strlen(scrap));
            break;
        case 4: {
            /* Deep, or long. */
            size_t size = byte & 1 ? 300 : 70000;
            char *much = (char *)malloc(size);
            CHECK(much != NULL);
            memset(much, byte & 2 ? '[' : 'x', size);
            replace(&t, at, 0, much, size);
            free(much);
            break;
        }
        default:
            replace(&t, at, 0, &byte, 1);
        }
    }
    return t;
}

/* The pointer as the function gets it: an empty text may be NULL, any other is an error. */
static const char *pointer(bytes *b, text t)
{
    return take(b) < 8 ? NULL : t.data;
}

/* No change may make a folder elsewhere: the codex home stays relative. */
static void stay(text *t)
{
    const char key[] = "\"codex_home\"";
    char *found = t->data;
    char *last = t->data + t->len;
    while (found < last && (found = (char *)memmem(found, (size_t)(last - found), key, sizeof key - 1)) != NULL) {
        found += sizeof key - 1;
        while (found < last && strchr(" \t\r\n:\"", *found) != NULL) {
            found++;
        }
        if (found < last && (*found == '/' || *found == '\\')) {
            *found = 'x';
        }
    }
}

static const char *const CONFIGS[] = {
    "{\"codex_home\":\"home\",\"helper\":\"$HELPER\",\"isolated\":true,\"config\":$PROVIDER}",
    "{\"codex_home\":\"home\",\"helper\":\"$HELPER\",\"isolated\":true,\"config\":$PROVIDER,\"queue_bytes\":65536}",
    "{\"codex_home\":\"home\",\"helper\":\"$HELPER\",\"isolated\":true,\"config\":$PROVIDER,\"api_key\":\"sk-fuzz\",\"client_name\":\"fuzz\"}",
    "{\"codex_home\":\"other\",\"helper\":\"$HELPER\",\"config\":$PROVIDER,\"session_source\":\"cli\",\"client_version\":\"1\"}",
};
/* Requests that change nothing outside of the codex home; what they ask of the model is in test_fuzz.py. */
static const char *const REQUESTS[][2] = {
    {"thread/start", "{\"cwd\":\".\",\"sandbox\":\"read-only\",\"approvalPolicy\":\"untrusted\"}"},
    {"turn/start", "{\"threadId\":\"$THREAD\",\"input\":[{\"type\":\"text\",\"text\":\"text\"}]}"},
    {"turn/start", "{\"threadId\":\"$THREAD\",\"input\":[{\"type\":\"text\",\"text\":\"tool\"}]}"},
    {"turn/start", "{\"threadId\":\"$THREAD\",\"input\":[{\"type\":\"text\",\"text\":\"stall\"}]}"},
    {"turn/start", "{\"threadId\":\"$THREAD\",\"input\":[{\"type\":\"text\",\"text\":\"shell\"}]}"},
    {"turn/steer", "{\"threadId\":\"$THREAD\",\"expectedTurnId\":\"$TURN\",\"input\":[{\"type\":\"text\",\"text\":\"more\"}]}"},
    {"turn/interrupt", "{\"threadId\":\"$THREAD\",\"turnId\":\"$TURN\"}"},
    {"thread/loaded/list", "{}"},
    {"thread/list", "{}"},
    {"thread/read", "{\"threadId\":\"$THREAD\",\"includeTurns\":true}"},
    {"thread/resume", "{\"threadId\":\"$THREAD\"}"},
    {"thread/fork", "{\"threadId\":\"$THREAD\"}"},
    {"thread/unsubscribe", "{\"threadId\":\"$THREAD\"}"},
    {"thread/name/set", "{\"threadId\":\"$THREAD\",\"name\":\"x\"}"},
    {"model/list", ""},
    {"capi/panic", "{}"},
    {"nothing", "{}"},
    {"", ""},
};
static const char *const SPECS[] = {
    "{\"name\":\"lookup\",\"description\":\"Looks up.\"}",
    "{\"name\":\"lookup\",\"description\":\"Looks up.\",\"thread_id\":\"$THREAD\",\"parallel\":true,\"strict\":true,\"namespace\":\"group\","
    "\"parameters\":{\"type\":\"object\",\"properties\":{\"key\":{\"type\":[\"string\",\"null\"]}},\"required\":[\"key\"]}}",
};
static const char *const TOOLS[] = {
    "{\"name\":\"lookup\"}",
    "{\"name\":\"lookup\",\"namespace\":\"group\",\"thread_id\":\"$THREAD\"}",
};
static const char *const PATTERNS[] = {"*", "exec*", "exec_command", "a::*", "**", ""};
static const char *const HOOKS[] = {
    "{\"id\":\"h\",\"event\":\"PreToolUse\",\"matcher\":\"Bash\",\"timeout_ms\":1}", "{\"id\":\"h\",\"event\":\"Stop\"}", "{\"id\":\"\",\"event\":\"Stop\"}", "h", ""};
static const char *const FILTERS[] = {"off", "trace", "codex_core=debug,warn", "=info", ",", "loud", ""};
static const char *const IDS[] = {"$REQUEST", "$REQUEST", "\"host-1\"", "\"\"", "1"};
static const char *const THREAD_IDS[] = {"$THREAD", "$THREAD", "thread", ""};
static const char *const MESSAGES[] = {"no", ""};
static const char *const ANSWERS[] = {
    "{\"content\":[{\"type\":\"inputText\",\"text\":\"x\"}],\"success\":true}",
    "{\"action\":\"pass\"}",
    "{\"action\":\"reply\",\"content\":[],\"success\":false}",
    "{\"action\":\"call\",\"arguments\":{\"cmd\":\"true\"}}",
    "{\"decision\":\"accept\"}",
    "{\"decision\":\"decline\"}",
};

/* ---- what comes out ----------------------------------------------------------------------------------------------------------- */

/* Holds status, error and output of a call against each other, and keeps the error. */
static void done(int function, int32_t status, codex_error *error, int with_error, int nothing)
{
    count_call(function, status);
    if (status != CODEX_STATUS_OK) {
        CHECK(nothing);
    }
    if (!with_error) {
        return;
    }
    CHECK((error == NULL) == (status == CODEX_STATUS_OK));
    if (error != NULL) {
        CHECK(codex_error_code(error) == status);
        CHECK(strcmp(codex_error_name(error), check_name(status)) == 0);
        CHECK(codex_error_message(error)[0] != '\0');
        CHECK(codex_error_detail(error)[0] != '\0');
        keep(ERRORS, error);
    }
}

/* Copies the string that follows `needle` somewhere after `where`, between `before` and `after`. */
static void learn(const char *data, size_t len, const char *where, const char *needle, char out[64], const char *before, const char *after)
{
    const char *last = data + len;
    const char *found = (const char *)memmem(data, len, where, strlen(where));
    size_t size;
    found = found != NULL ? (const char *)memmem(found, (size_t)(last - found), needle, strlen(needle)) : NULL;
    if (found == NULL) {
        return;
    }
    found += strlen(needle);
    for (size = 0; found + size < last && found[size] != '"'; size++) {
    }
    /* A name with a '$' would be filled in for ever. */
    if (size < 50 && found + size < last && memchr(found, '$', size) == NULL) {
        pthread_mutex_lock(&lock);
        snprintf(out, 64, "%s%.*s%s", before, (int)size, found, after);
        pthread_mutex_unlock(&lock);
    }
}

static void look(codex_buf *buf)
{
    const char *data = codex_buf_data(buf);
    size_t len = codex_buf_len(buf);
    if (buf == NULL) {
        return;
    }
    CHECK(len > 0 && data != NULL);
    learn(data, len, "\"thread\":{", "\"id\":\"", thread_id, "", "");
    learn(data, len, "\"turn\":{", "\"id\":\"", turn_id, "", "");
    learn(data, len, "", "\"id\":\"host-", request_id, "\"host-", "\"");
    learn(data, len, "", "\"id\":\"engine-", request_id, "\"engine-", "\"");
    keep(BUFS, buf);
}

static int32_t callback(void *user_data, const char *id, size_t id_len, const char *call, size_t call_len)
{
    CHECK(user_data == &callback_data && callback_data == 42);
    CHECK(id_len > 2 && id[0] == '"' && call_len > 2 && call[0] == '{');
    pthread_mutex_lock(&lock);
    if (id_len < sizeof request_id) {
        memcpy(request_id, id, id_len);
        request_id[id_len] = '\0';
    }
    pthread_mutex_unlock(&lock);
    return (int32_t)(id[id_len - 2] % 3);
}

/* ---- one call ----------------------------------------------------------------------------------------------------------------- */

static int64_t waiting_time(bytes *b)
{
    static const int64_t TIMES[] = {0, 0, 0, 1, 5, -1, INT64_MIN, INT64_MAX};
    return TIMES[below(b, COUNT(TIMES))];
}

/* Where no wake ends it: short, or until the engine answers. */
static int64_t answer_time(bytes *b)
{
    static const int64_t TIMES[] = {0, 1, 20, 50};
    return TIMES[below(b, COUNT(TIMES))];
}

static uint32_t events(bytes *b)
{
    static const uint32_t MOST[] = {0, 1, 2, 64, UINT32_MAX};
    return MOST[below(b, COUNT(MOST))];
}

/* The output parameter, full of garbage; NULL at times. */
#define SLOT(type, name)                          \
    type name##_slot;                             \
    type *name = take(b) < 8 ? NULL : &name##_slot; \
    memset(&name##_slot, POISON, sizeof name##_slot)

#define DONE(function, call, nothing)                                         \
    do {                                                                      \
        codex_error *error;                                                   \
        int with_error = take(b) > 32;                                        \
        codex_error **error_slot = with_error ? &error : NULL;                \
        int32_t status;                                                       \
        memset(&error, POISON, sizeof error);                                 \
        status = call;                                                        \
        done(N_##function, status, with_error ? error : NULL, with_error, nothing); \
        ok = status == CODEX_STATUS_OK;                                       \
    } while (0)

#define EMPTY(slot) (slot == NULL || *slot == NULL)

static void step(bytes *b)
{
    int ok = 0;
    int function = (int)below(b, FUNCTION_COUNT + 24);
    static const int OFTEN[24] = {
        N_codex_client_call, N_codex_client_call, N_codex_client_call,   N_codex_client_submit,        N_codex_call_start,    N_codex_call_wait,
        N_codex_thread_open, N_codex_thread_poll, N_codex_thread_poll,   N_codex_client_poll,          N_codex_client_poll,   N_codex_client_respond,
        N_codex_client_respond, N_codex_client_poll_requests, N_codex_client_poll_requests, N_codex_client_accept_requests, N_codex_tool_register,
        N_codex_client_open, N_codex_client_open, N_codex_client_ready, N_codex_interceptor_register, N_codex_tool_unregister, N_codex_client_call,
        N_codex_client_call,
    };
    if (function >= FUNCTION_COUNT) {
        function = OFTEN[function - FUNCTION_COUNT];
    }
    switch (function) {
    case N_codex_abi_version:
        CHECK(codex_abi_version() == CODEX_ABI_VERSION);
        count_call(function, 0);
        break;
    case N_codex_build_info:
        CHECK(codex_build_info()[0] == '{');
        count_call(function, 0);
        break;
    case N_codex_log_filter: {
        text filter = make(b, FILTERS, COUNT(FILTERS));
        DONE(codex_log_filter, codex_log_filter(pointer(b, filter), filter.len, error_slot), 1);
        free(filter.data);
        break;
    }
    case N_codex_log_poll: {
        SLOT(codex_buf *, batch);
        DONE(codex_log_poll, codex_log_poll(events(b), waiting_time(b), batch, error_slot), EMPTY(batch));
        if (ok) {
            keep(BUFS, *batch);
        }
        break;
    }
    case N_codex_log_wake:
        DONE(codex_log_wake, codex_log_wake(error_slot), 1);
        break;
    case N_codex_client_open: {
        text config = make(b, CONFIGS, COUNT(CONFIGS));
        SLOT(codex_client *, client);
        stay(&config);
        DONE(codex_client_open, codex_client_open(pointer(b, config), config.len, client, error_slot), EMPTY(client));
        if (ok) {
            CHECK(*client != NULL);
            keep(CLIENTS, *client);
        }
        free(config.data);
        break;
    }
    case N_codex_client_call:
    case N_codex_call_start:
    case N_codex_client_submit: {
        codex_client *client = (codex_client *)get(b, CLIENTS);
        const char *const *chosen = REQUESTS[below(b, COUNT(REQUESTS))];
        text method = make(b, chosen, 1);
        text params = make(b, chosen + 1, 1);
        const char *m = pointer(b, method);
        const char *p = pointer(b, params);
        if (function == N_codex_client_call) {
            SLOT(codex_buf *, result);
            /* An interruption whose turn has ended may be left unanswered. */
            int64_t time = strcmp(chosen[0], "turn/interrupt") == 0 ? answer_time(b) : take(b) < 64 ? answer_time(b) : PATIENCE_MS;
            int32_t told = CODEX_STATUS_OK;
            DONE(codex_client_call, told = codex_client_call(client, m, method.len, p, params.len, time, result, error_slot), EMPTY(result));
            CHECK(told != CODEX_STATUS_TIMEOUT || time < PATIENCE_MS);
            if (ok) {
                CHECK(*result != NULL);
                look(*result);
            }
        } else if (function == N_codex_call_start) {
            SLOT(codex_call *, call);
            DONE(codex_call_start, codex_call_start(client, m, method.len, p, params.len, call, error_slot), EMPTY(call));
            if (ok) {
                CHECK(*call != NULL);
                keep(CALLS, *call);
            }
        } else {
            SLOT(uint64_t, ticket);
            DONE(codex_client_submit, codex_client_submit(client, m, method.len, p, params.len, ticket, error_slot), ticket == NULL || *ticket == 0);
            CHECK(!ok || *ticket > 0);
        }
        free(method.data);
        free(params.data);
        break;
    }
    case N_codex_call_wait: {
        codex_call *call = (codex_call *)get(b, CALLS);
        SLOT(codex_buf *, result);
        DONE(codex_call_wait, codex_call_wait(call, answer_time(b), result, error_slot), EMPTY(result));
        if (ok) {
            look(*result);
        }
        break;
    }
    case N_codex_client_poll:
    case N_codex_client_poll_requests: {
        codex_client *client = (codex_client *)get(b, CLIENTS);
        SLOT(codex_buf *, batch);
        if (function == N_codex_client_poll) {
            DONE(codex_client_poll, codex_client_poll(client, events(b), waiting_time(b), batch, error_slot), EMPTY(batch));
        } else {
            DONE(codex_client_poll_requests, codex_client_poll_requests(client, events(b), waiting_time(b), batch, error_slot), EMPTY(batch));
        }
        if (ok) {
            look(*batch);
        }
        break;
    }
    case N_codex_client_accept_requests: {
        codex_client *client = (codex_client *)get(b, CLIENTS);
        DONE(codex_client_accept_requests, codex_client_accept_requests(client, (int32_t)below(b, 4) - 1, error_slot), 1);
        break;
    }
    case N_codex_client_respond:
    case N_codex_client_reject: {
        codex_client *client = (codex_client *)get(b, CLIENTS);
        text id = make(b, IDS, COUNT(IDS));
        if (function == N_codex_client_respond) {
            text result = make(b, ANSWERS, COUNT(ANSWERS));
            DONE(codex_client_respond, codex_client_respond(client, pointer(b, id), id.len, pointer(b, result), result.len, error_slot), 1);
            free(result.data);
        } else {
            text message = make(b, MESSAGES, COUNT(MESSAGES));
            DONE(codex_client_reject, codex_client_reject(client, pointer(b, id), id.len, pointer(b, message), message.len, error_slot), 1);
            free(message.data);
        }
        free(id.data);
        break;
    }
    case N_codex_client_doorbell: {
        codex_client *client = (codex_client *)get(b, CLIENTS);
        SLOT(int64_t, fd);
        DONE(codex_client_doorbell, codex_client_doorbell(client, fd, error_slot), fd == NULL || *fd == -1);
        CHECK(!ok || *fd > 2);
        break;
    }
    case N_codex_client_ready: {
        codex_client *client = (codex_client *)get(b, CLIENTS);
        unsigned capacity = below(b, 5);
        uint64_t *ids = capacity > 0 && take(b) > 8 ? (uint64_t *)malloc(capacity * sizeof *ids) : NULL;
        SLOT(size_t, count);
        DONE(codex_client_ready, codex_client_ready(client, ids, capacity, count, error_slot), count == NULL || *count == 0);
        CHECK(!ok || *count <= capacity);
        free(ids);
        break;
    }
    case N_codex_client_wake:
        DONE(codex_client_wake, codex_client_wake((codex_client *)get(b, CLIENTS), error_slot), 1);
        break;
    case N_codex_client_close: {
        codex_client *client = (codex_client *)get(b, CLIENTS);
        int64_t time = take(b) < 128 ? answer_time(b) : PATIENCE_MS;
        if (take(b) > 96) {
            break; /* Not too often: little can be done afterwards. */
        }
        DONE(codex_client_close, codex_client_close(client, time, error_slot), 1);
        break;
    }
    case N_codex_thread_open: {
        codex_client *client = (codex_client *)get(b, CLIENTS);
        text id = make(b, THREAD_IDS, COUNT(THREAD_IDS));
        SLOT(codex_thread *, thread);
        DONE(codex_thread_open, codex_thread_open(client, pointer(b, id), id.len, thread, error_slot), EMPTY(thread));
        if (ok) {
            CHECK(codex_thread_key(*thread) > CODEX_QUEUE_REQUESTS);
            keep(THREADS, *thread);
        }
        free(id.data);
        break;
    }
    case N_codex_thread_key: {
        codex_thread *thread = (codex_thread *)get(b, THREADS);
        CHECK((codex_thread_key(thread) == 0) == (thread == NULL));
        count_call(function, 0);
        break;
    }
    case N_codex_thread_poll: {
        codex_thread *thread = (codex_thread *)get(b, THREADS);
        SLOT(codex_buf *, batch);
        DONE(codex_thread_poll, codex_thread_poll(thread, events(b), waiting_time(b), batch, error_slot), EMPTY(batch));
        if (ok) {
            look(*batch);
        }
        break;
    }
    case N_codex_thread_wake:
        DONE(codex_thread_wake, codex_thread_wake((codex_thread *)get(b, THREADS), error_slot), 1);
        break;
    case N_codex_thread_close:
        DONE(codex_thread_close, codex_thread_close((codex_thread *)get(b, THREADS), error_slot), 1);
        break;
    case N_codex_tool_register: {
        codex_client *client = (codex_client *)get(b, CLIENTS);
        text spec = make(b, SPECS, COUNT(SPECS));
        codex_tool_callback function_or_none = take(b) & 1 ? callback : NULL;
        DONE(codex_tool_register, codex_tool_register(client, pointer(b, spec), spec.len, function_or_none, &callback_data, error_slot), 1);
        free(spec.data);
        break;
    }
    case N_codex_tool_unregister: {
        codex_client *client = (codex_client *)get(b, CLIENTS);
        text tool = make(b, TOOLS, COUNT(TOOLS));
        DONE(codex_tool_unregister, codex_tool_unregister(client, pointer(b, tool), tool.len, error_slot), 1);
        free(tool.data);
        break;
    }
    case N_codex_interceptor_register:
    case N_codex_interceptor_unregister: {
        codex_client *client = (codex_client *)get(b, CLIENTS);
        text pattern = make(b, PATTERNS, COUNT(PATTERNS));
        if (function == N_codex_interceptor_register) {
            DONE(codex_interceptor_register, codex_interceptor_register(client, pointer(b, pattern), pattern.len, error_slot), 1);
        } else {
            DONE(codex_interceptor_unregister, codex_interceptor_unregister(client, pointer(b, pattern), pattern.len, error_slot), 1);
        }
        free(pattern.data);
        break;
    }
    case N_codex_hook_register:
    case N_codex_hook_unregister: {
        codex_client *client = (codex_client *)get(b, CLIENTS);
        text hook = make(b, HOOKS, COUNT(HOOKS));
        if (function == N_codex_hook_register) {
            DONE(codex_hook_register, codex_hook_register(client, pointer(b, hook), hook.len, error_slot), 1);
        } else {
            DONE(codex_hook_unregister, codex_hook_unregister(client, pointer(b, hook), hook.len, error_slot), 1);
        }
        free(hook.data);
        break;
    }
    case N_codex_buf_data: {
        codex_buf *buf = (codex_buf *)get(b, BUFS);
        CHECK((codex_buf_data(buf) == NULL) == (buf == NULL));
        count_call(function, 0);
        break;
    }
    case N_codex_buf_len: {
        codex_buf *buf = (codex_buf *)get(b, BUFS);
        CHECK((codex_buf_len(buf) == 0) == (buf == NULL));
        count_call(function, 0);
        break;
    }
    case N_codex_error_code: {
        codex_error *error = (codex_error *)get(b, ERRORS);
        CHECK((codex_error_code(error) == CODEX_STATUS_OK) == (error == NULL));
        count_call(function, 0);
        break;
    }
    case N_codex_error_name:
        CHECK(strncmp(codex_error_name((codex_error *)get(b, ERRORS)), "CODEX_STATUS_", 13) == 0);
        count_call(function, 0);
        break;
    case N_codex_error_message: {
        codex_error *error = (codex_error *)get(b, ERRORS);
        CHECK((strlen(codex_error_message(error)) == 0) == (error == NULL));
        count_call(function, 0);
        break;
    }
    case N_codex_error_detail:
        CHECK(strlen(codex_error_detail((codex_error *)get(b, ERRORS))) > 0);
        count_call(function, 0);
        break;
    case N_codex_error_retriable: {
        int32_t retriable = codex_error_retriable((codex_error *)get(b, ERRORS));
        CHECK(retriable == 0 || retriable == 1);
        count_call(function, 0);
        break;
    }
    default:
        if (b->alone) {
            end(b, function == N_codex_client_free   ? CLIENTS
                   : function == N_codex_thread_free ? THREADS
                   : function == N_codex_call_free   ? CALLS
                   : function == N_codex_buf_free    ? BUFS
                                                     : ERRORS);
        }
    }
}

/* ---- runs --------------------------------------------------------------------------------------------------------------------- */

static void *steps(void *argument)
{
    bytes *b = (bytes *)argument;
    while (b->next < b->end) {
        step(b);
    }
    return NULL;
}

/* A request that has to succeed: nothing is changed in it. */
static void request(codex_client *client, const char *const *chosen)
{
    uint8_t none[2] = {255, 0};
    bytes b = {none, none + sizeof none, 1};
    text params = make(&b, chosen + 1, 1);
    codex_buf *result;
    if (codex_client_call(client, chosen[0], strlen(chosen[0]), params.data, params.len, PATIENCE_MS, &result, NULL) == CODEX_STATUS_OK) {
        look(result);
    }
    free(params.data);
}

/* A client at work: what chance alone rarely comes to. */
static void begin(bytes *b)
{
    uint8_t none[2] = {255, 0};
    bytes plain = {none, none + sizeof none, 1};
    text config = make(&plain, CONFIGS, 1);
    codex_client *client;
    codex_thread *thread;
    if (codex_client_open(config.data, config.len, &client, NULL) == CODEX_STATUS_OK) {
        codex_client_accept_requests(client, 1, NULL);
        codex_tool_register(client, SPECS[0], strlen(SPECS[0]), take(b) & 1 ? callback : NULL, &callback_data, NULL);
        if (take(b) & 1) {
            codex_interceptor_register(client, PATTERNS[0], 1, NULL);
        }
        request(client, REQUESTS[0]);
        codex_thread_open(client, thread_id, strlen(thread_id), &thread, NULL);
        keep(THREADS, thread);
        request(client, REQUESTS[1 + below(b, 4)]);
        keep(CLIENTS, client);
    }
    free(config.data);
}

/* Some of the next bytes, shared out between three threads. */
static void together(bytes *b)
{
    pthread_t threads[3];
    bytes parts[3];
    size_t share = (size_t)take(b);
    int i;
    for (i = 0; i < 3; i++) {
        size_t left = (size_t)(b->end - b->next);
        parts[i].next = b->next;
        parts[i].end = b->next + (share < left ? share : left);
        parts[i].alone = 0;
        b->next = parts[i].end;
        CHECK(pthread_create(&threads[i], NULL, steps, &parts[i]) == 0);
    }
    for (i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
    }
}

#ifdef __cplusplus
extern "C" {
#endif
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
#ifdef __cplusplus
}
#endif

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *scratch = getenv("FUZZ_SCRATCH");
    (void)argc;
    (void)argv;
    helper = getenv("FUZZ_HELPER");
    provider = getenv("FUZZ_PROVIDER");
    CHECK(scratch != NULL && helper != NULL && provider != NULL);
    CHECK(chdir(scratch) == 0);
    return 0;
}

/* Everything of one input: handles made and used as its bytes say, then freed, the clients open or closed. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bytes b;
    pthread_t ticker;
    int running = 1;
    int kind;
    int i;
    b.next = data;
    b.end = data + size;
    b.alone = 1;
    CHECK(pthread_create(&ticker, NULL, tick, &running) == 0);
    if (take(&b) < 224) {
        begin(&b);
    }
    while (b.next < b.end) {
        unsigned what = take(&b);
        if (what < 6) {
            begin(&b);
        } else if (what < 12) {
            together(&b);
        } else {
            step(&b);
        }
    }
    __atomic_store_n(&running, 0, __ATOMIC_RELEASE);
    pthread_join(ticker, NULL);
    for (kind = 0; kind < KINDS; kind++) {
        for (i = 0; i < KEPT; i++) {
            if (kind == CLIENTS && (size & 1)) {
                codex_client_close((codex_client *)kept[kind][i], PATIENCE_MS, NULL);
            }
            free_handle(kind, kept[kind][i]);
            kept[kind][i] = NULL;
        }
    }
    return 0;
}

#ifndef FUZZ_NO_MAIN
/* Clients that were freed open end in the background. What their threads hold meanwhile may look lost to the leak check; what is lost stays so. */
static void check_leaks(void)
{
#ifdef __SANITIZE_ADDRESS__
    struct timespec pause = {0, 300000000};
    int tries;
    int to_errors = dup(2);
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, 2);
    for (tries = 0; tries < 40; tries++) {
        if (__lsan_do_recoverable_leak_check() == 0) {
            _exit(0);
        }
        nanosleep(&pause, NULL);
    }
    dup2(to_errors, 2);
#endif
}

/* xorshift64*: the same everywhere. */
static uint8_t chance(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint8_t)(*state * UINT64_C(0x2545f4914f6cdd1d) >> 56);
}

int main(int argc, char **argv)
{
    static uint8_t data[1 << 16];
    int function;
    int status;
    LLVMFuzzerInitialize(&argc, &argv);
    if (argc < 3) {
        size_t size = fread(data, 1, sizeof data, stdin);
        LLVMFuzzerTestOneInput(data, size);
    } else {
        uint64_t seed = strtoull(argv[1], NULL, 10) * 2 + 1;
        unsigned long most = strtoul(argv[2], NULL, 10);
        while (calls < most) {
            size_t size = 1000 + chance(&seed) * 8u;
            size_t i;
            for (i = 0; i < size; i++) {
                data[i] = chance(&seed);
            }
            LLVMFuzzerTestOneInput(data, size);
        }
    }
    for (function = 0; function < FUNCTION_COUNT; function++) {
        for (status = 0; status < STATUSES; status++) {
            if (counts[function][status] > 0) {
                printf("%s %s %lu\n", NAMES[function], check_name(status), counts[function][status]);
            }
        }
    }
    fflush(stdout);
    check_leaks();
    return 0;
}
#endif
