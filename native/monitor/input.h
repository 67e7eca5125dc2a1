/*
 * What the container's process reads: from clients, or copied from the command's own standard input.
 */
#ifndef WHERRY_MONITOR_INPUT_H
#define WHERRY_MONITOR_INPUT_H

#include <stdbool.h>
#include <stddef.h>

/* Copies from FD, which is taken over, to each process from now on until FD ends. */
void input_pump(int fd);

/* Is there something to copy from? */
bool input_has_pump(void);

/* A terminal is on its way: what comes before it is kept for it. */
void input_await(void);

/* The process reads from FD, a pipe's other end or a terminal, which is taken over. */
void input_open(int fd, bool is_terminal);

/* The process runs: begins to copy. */
void input_start(void);

/* Bytes for the process. Whoever has them stops while input_full(). Dropped where nobody reads. */
void input_feed(const char *bytes, size_t size);
bool input_full(void);

/* No more comes: the process sees the end when it has read all. Not for a terminal, which has no end. */
void input_end(void);

/* The process has ended. */
void input_close(void);

/* The command is gone: nothing to copy from any more, which for the process is the end. */
void input_let_go(void);

#endif
