/*
 * host.c: a C program with a coding agent inside, the way through csrc/codex_capi.h from open to free.
 *
 *     cc -std=c11 -I csrc tests/c/host.c -o host -L codex_cffi/_native -lcodex_capi -Wl,-rpath,"$PWD/codex_cffi/_native"
 *     ./host client.json "Who owns billing?"
 *
 * client.json is what codex_client_open takes. The agent works in the current directory and may read it, nothing more.
 */
#include "codex_capi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- just enough JSON for an example; use the JSON library of your program ---------------------------------------------------- */

/* Where `needle` is in `text`. Quotes inside a JSON string are escaped, so "\"key\":" finds keys only, never what somebody wrote. */
static const char *find(const char *text, size_t len, const char *needle)
{
    size_t needle_len = strlen(needle);
    for (; len >= needle_len; text++, len--) {
        if (memcmp(text, needle, needle_len) == 0) {
            return text;
        }
    }
    return NULL;
}

/* The first string that follows `key` ("\"name\":\""), unescaped. Returns NULL if there is none; else the caller frees it. */
static char *json_string(const char *json, size_t len, const char *key)
{
    const char *in = find(json, len, key);
    const char *end = json + len;
    char *text = in == NULL ? NULL : (char *)malloc(len + 1);
    char *out = text;
    if (text == NULL) {
        return NULL;
    }
    for (in += strlen(key); in < end && *in != '"'; in++) {
        if (*in != '\\' || ++in == end) {
            *out++ = *in;
        } else if (*in == 'n') {
            *out++ = '\n';
        } else if (*in == 't') {
            *out++ = '\t';
        } else if (*in == 'u' && end - in > 4) {
            *out++ = '?'; /* A control character: the library escapes no others. */
            in += 4;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
    return text;
}

/* `text` as a JSON string with its quotes. The caller frees it. */
static char *json_quote(const char *text)
{
    char *quoted = (char *)malloc(6 * strlen(text) + 3);
    char *out = quoted;
    if (quoted == NULL) {
        return NULL;
    }
    *out++ = '"';
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            *out++ = '\\';
            *out++ = *text;
        } else if ((unsigned char)*text < 0x20) {
            out += sprintf(out, "\\u%04x", (unsigned)*text);
        } else {
            *out++ = *text;
        }
    }
    *out++ = '"';
    *out = '\0';
    return quoted;
}

/* ---- errors ------------------------------------------------------------------------------------------------------------------- */

/* Whether a call failed; says why, and frees the error. */
static int failed(int32_t status, const char *doing, codex_error *error)
{
    if (status == CODEX_STATUS_OK) {
        return 0;
    }
    fprintf(stderr, "host: %s: %s: %s\n", doing, codex_error_name(error), codex_error_message(error));
    codex_error_free(error);
    return 1;
}

/* ---- a tool ------------------------------------------------------------------------------------------------------------------- */

static const char SERVICE_OWNER[] =
    "{\"name\":\"service_owner\",\"description\":\"Team that owns a service.\",\"parameters\":{\"type\":\"object\","
    "\"properties\":{\"name\":{\"type\":\"string\"}},\"required\":[\"name\"],\"additionalProperties\":false}}";

/* Runs on a thread of the library's. A slow tool would hand `id` to a thread of its own and return 0 here. */
static int32_t service_owner(void *user_data, const char *id, size_t id_len, const char *call, size_t call_len)
{
    codex_client *client = (codex_client *)user_data;
    codex_error *error = NULL;
    /* The arguments are JSON text inside the call's JSON, as the model wrote them. */
    char *arguments = json_string(call, call_len, "\"arguments\":\"");
    char *name = arguments == NULL ? NULL : json_string(arguments, strlen(arguments), "\"name\":\"");
    const char *team = name != NULL && strcmp(name, "billing") == 0 ? "Payments" : "nobody";
    char result[128];
    snprintf(result, sizeof result, "{\"content\":[{\"type\":\"inputText\",\"text\":\"%s\"}],\"success\":true}", team);
    free(name);
    free(arguments);
    return failed(codex_client_respond(client, id, id_len, result, strlen(result), &error), "respond", error);
}

/* ---- the agent ---------------------------------------------------------------------------------------------------------------- */

/* Sends a request and waits for its result, which the caller frees; NULL if it failed. */
static codex_buf *request(codex_client *client, const char *method, const char *params)
{
    const int64_t timeout_ms = 30000;
    codex_buf *result = NULL;
    codex_error *error = NULL;
    int32_t status = codex_client_call(client, method, strlen(method), params, strlen(params), timeout_ms, &result, &error);
    return failed(status, method, error) ? NULL : result;
}

/* Takes what a batch tells of the answer: *message becomes the agent's latest message, NULL if the turn failed. Returns 1 once it is over. */
static int read_batch(const codex_buf *batch, char **message)
{
    static const char AGENT_MESSAGE[] = "\"type\":\"agentMessage\"";
    const char *json = codex_buf_data(batch);
    const char *end = json + codex_buf_len(batch);
    const char *item = json;
    while ((item = find(item, (size_t)(end - item), AGENT_MESSAGE)) != NULL) {
        char *text = json_string(item, (size_t)(end - item), "\"text\":\"");
        if (text != NULL && *text != '\0') { /* A message that has just begun is empty. */
            free(*message);
            *message = text;
        } else {
            free(text);
        }
        item += sizeof AGENT_MESSAGE - 1;
    }
    item = find(json, (size_t)(end - json), "\"method\":\"turn/completed\"");
    if (item != NULL) {
        const char *error = find(item, (size_t)(end - item), "\"error\":{");
        char *why = error == NULL ? NULL : json_string(error, (size_t)(end - error), "\"message\":\"");
        if (why != NULL) {
            fprintf(stderr, "host: the turn failed: %s\n", why);
            free(why);
            free(*message);
            *message = NULL;
        }
    }
    return item != NULL;
}

/* Runs one turn. Returns the final message, which the caller frees; NULL if the turn failed. */
static char *run_turn(codex_client *client, codex_thread *thread, const char *thread_id, const char *prompt)
{
    char *message = NULL;
    char *input = json_quote(prompt);
    size_t size = (input == NULL ? 0 : strlen(input)) + strlen(thread_id) + 128;
    char *params = (char *)malloc(size);
    codex_buf *turn = NULL;
    int over = 0;
    if (input != NULL && params != NULL) {
        snprintf(params, size, "{\"threadId\":\"%s\",\"input\":[{\"type\":\"text\",\"text\":%s}]}", thread_id, input);
        turn = request(client, "turn/start", params);
    }
    free(params);
    free(input);
    if (turn == NULL) {
        return NULL;
    }
    codex_buf_free(turn);
    while (!over) {
        codex_buf *batch = NULL;
        codex_error *error = NULL;
        /* Short waits leave room for a look at the rest of the world: a signal, a deadline. */
        if (failed(codex_thread_poll(thread, 64, 100, &batch, &error), "poll", error)) {
            break;
        }
        if (batch == NULL) {
            continue;
        }
        over = read_batch(batch, &message);
        codex_buf_free(batch);
    }
    return message;
}

/* The id of the thread that thread/start started, freed by the caller; NULL if there is none. */
static char *start_thread(codex_client *client)
{
    codex_buf *started = request(client, "thread/start", "{\"sandbox\":\"read-only\",\"approvalPolicy\":\"never\"}");
    const char *json = codex_buf_data(started);
    const char *thread = find(json, codex_buf_len(started), "\"thread\":{");
    char *id = thread == NULL ? NULL : json_string(thread, codex_buf_len(started) - (size_t)(thread - json), "\"id\":\"");
    codex_buf_free(started);
    return id;
}

/* Opens a thread into *thread, asks it, prints the answer. Returns the exit status. */
static int ask(codex_client *client, const char *prompt, codex_thread **thread)
{
    codex_error *error = NULL;
    char *message = NULL;
    char *id = start_thread(client);
    int exit_status = EXIT_FAILURE;
    if (id != NULL && !failed(codex_thread_open(client, id, strlen(id), thread, &error), "open the thread's queue", error)) {
        message = run_turn(client, *thread, id, prompt);
    }
    if (message != NULL) {
        puts(message);
        exit_status = EXIT_SUCCESS;
    }
    free(message);
    free(id);
    return exit_status;
}

/* Ends everything in the order of chapter 7 of the header, of which step 1 is that nothing is sent any more. */
static int end(codex_client *client, codex_thread *thread)
{
    codex_error *error = NULL;
    codex_buf *batch = NULL;
    int exit_status = EXIT_SUCCESS;
    if (failed(codex_client_close(client, 10000, &error), "close", error)) {
        exit_status = EXIT_FAILURE;
    }
    /* A program that keeps a log would write these; the queue ends with CODEX_STATUS_CLOSED. */
    while (thread != NULL && codex_thread_poll(thread, 64, 0, &batch, NULL) == CODEX_STATUS_OK) {
        codex_buf_free(batch);
    }
    codex_thread_free(thread);
    codex_client_free(client);
    return exit_status;
}

/* The bytes of a file, freed by the caller; NULL if it cannot be read. */
static char *read_file(const char *path, size_t *len)
{
    const size_t limit = 1 << 20;
    FILE *file = fopen(path, "rb");
    char *text = (char *)malloc(limit);
    *len = file == NULL || text == NULL ? 0 : fread(text, 1, limit, file);
    if (file == NULL) {
        perror(path);
        free(text);
        return NULL;
    }
    fclose(file);
    return text;
}

int main(int argc, char **argv)
{
    int exit_status = EXIT_FAILURE;
    codex_client *client = NULL;
    codex_thread *thread = NULL;
    codex_error *error = NULL;
    char *config = NULL;
    size_t config_len = 0;
    int32_t status = CODEX_STATUS_OK;
    if (argc != 3) {
        fprintf(stderr, "usage: %s CLIENT.JSON PROMPT\n", argv[0]);
        return EXIT_FAILURE;
    }
    if (codex_abi_version() != CODEX_ABI_VERSION) {
        fprintf(stderr, "host: the library is not of this header: %s\n", codex_build_info());
        return EXIT_FAILURE;
    }
    config = read_file(argv[1], &config_len);
    if (config == NULL) {
        return EXIT_FAILURE;
    }
    status = codex_client_open(config, config_len, &client, &error);
    free(config);
    if (failed(status, "open", error)) {
        return EXIT_FAILURE;
    }
    status = codex_tool_register(client, SERVICE_OWNER, sizeof SERVICE_OWNER - 1, service_owner, client, &error);
    if (!failed(status, "register the tool", error)) {
        exit_status = ask(client, argv[2], &thread);
    }
    return end(client, thread) == EXIT_SUCCESS ? exit_status : EXIT_FAILURE;
}
