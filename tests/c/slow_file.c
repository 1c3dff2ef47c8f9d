/*
 * slow_file.c: preloaded into a process, makes each write to a session file take a while. What is told before it is written is then told
 * well before.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t write(int file, const void *bytes, size_t size)
{
    char link[64], path[4096];
    ssize_t length;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof path - 1);
    if (length > 0) {
        path[length] = '\0';
        if (strstr(path, "/rollout-") != NULL) {
            usleep(20000);
        }
    }
    return (ssize_t)syscall(SYS_write, file, bytes, size);
}
