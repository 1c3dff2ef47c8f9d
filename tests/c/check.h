/*
 * check.h: what abi.c checks with. A failed check says where and ends the process.
 *
 * Every failure of a function that FAILS sees is also printed ("saw <function> <status>"): test_abi.py holds that against the function's
 * "Errors:" line in the header.
 */
#ifndef CHECK_H
#define CHECK_H

#include "codex_capi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __cplusplus
#define THREAD_LOCAL thread_local
#else
#define THREAD_LOCAL _Thread_local
#endif

#define CHECK(condition)                                                                 \
    do {                                                                                 \
        if (!(condition)) {                                                              \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);      \
            _exit(1);                                                                    \
        }                                                                                \
    } while (0)

/* Garbage for output parameters: they are set on failure too. */
#define POISON 0x5a

static THREAD_LOCAL codex_error *check_error;

static inline codex_error **check_poisoned_error(void)
{
    memset(&check_error, POISON, sizeof check_error);
    return &check_error;
}

static const char *const CHECK_NAMES[] = {
    "CODEX_STATUS_OK",        "CODEX_STATUS_INVALID_ARGUMENT", "CODEX_STATUS_INVALID_JSON", "CODEX_STATUS_INVALID_CONFIG",
    "CODEX_STATUS_UNKNOWN_METHOD", "CODEX_STATUS_TOO_LARGE",   "CODEX_STATUS_CLOSED",       "CODEX_STATUS_FORKED",
    "CODEX_STATUS_TIMEOUT",   "CODEX_STATUS_PANIC",            "CODEX_STATUS_ENGINE",       "CODEX_STATUS_OVERLOADED",
    "CODEX_STATUS_NOT_FOUND", "CODEX_STATUS_ALREADY_EXISTS",   "CODEX_STATUS_SANDBOX_UNAVAILABLE", "CODEX_STATUS_IO",
    "CODEX_STATUS_UNSUPPORTED",
};

static inline const char *check_name(int32_t status)
{
    return status >= 0 && (size_t)status < sizeof CHECK_NAMES / sizeof *CHECK_NAMES ? CHECK_NAMES[status] : "no status";
}

/* A call that has to succeed, `error` being its last parameter. */
static inline void check_ok(const char *file, int line, const char *function, int32_t status)
{
    if (status != CODEX_STATUS_OK) {
        fprintf(stderr, "%s:%d: %s: %s: %s\n", file, line, function, codex_error_name(check_error), codex_error_message(check_error));
        _exit(1);
    }
    if (check_error != NULL) {
        fprintf(stderr, "%s:%d: %s: success left *error set\n", file, line, function);
        _exit(1);
    }
}

/* A call that has to fail with `wanted`; the error object has to tell the same. Returns its message, valid until the next check. */
static inline const char *check_fails(const char *file, int line, const char *function, int32_t wanted, int32_t silent, int32_t status)
{
    static THREAD_LOCAL char message[1024];
    if (status != wanted || silent != wanted) {
        fprintf(stderr, "%s:%d: %s: wanted %s, got %s, and without an error parameter %s: %s\n", file, line, function, check_name(wanted),
                check_name(status), check_name(silent), status == CODEX_STATUS_OK ? "" : codex_error_message(check_error));
        _exit(1);
    }
    CHECK(check_error != NULL);
    CHECK(codex_error_code(check_error) == wanted);
    CHECK(strcmp(codex_error_name(check_error), check_name(wanted)) == 0);
    CHECK(codex_error_message(check_error)[0] != '\0');
    CHECK(codex_error_retriable(check_error) == (wanted == CODEX_STATUS_TIMEOUT || wanted == CODEX_STATUS_OVERLOADED));
    if (wanted == CODEX_STATUS_ENGINE) {
        CHECK(strncmp(codex_error_detail(check_error), "{\"code\":", 8) == 0);
    } else {
        CHECK(strcmp(codex_error_detail(check_error), "null") == 0);
    }
    snprintf(message, sizeof message, "%s", codex_error_message(check_error));
    codex_error_free(check_error);
    check_error = NULL;
    printf("saw %s %s\n", function, check_name(status));
    return message;
}

/* OK(codex_client_wake, client); FAILS(CODEX_STATUS_CLOSED, codex_client_close, client, -1). Both add the error parameter. FAILS calls twice,
 * with and without one: a call that fails changes nothing. */
#define OK(function, ...) check_ok(__FILE__, __LINE__, #function, function(__VA_ARGS__, check_poisoned_error()))
#define FAILS(status, function, ...)                                                              \
    check_fails(__FILE__, __LINE__, #function, status, function(__VA_ARGS__, NULL), function(__VA_ARGS__, check_poisoned_error()))

#endif
