/*
 * The standard streams of the container's process put together: a terminal, or three of pipes, the command's own
 * descriptors and nothing.
 */
#ifndef WHERRY_MONITOR_STDIO_H
#define WHERRY_MONITOR_STDIO_H

#include <stdbool.h>
#include <stddef.h>

#include "monitor/config.h"

/* Takes over descriptors 0 to 2, which become /dev/null; once. -1 with errno. */
int stdio_init(const struct config *config);

/* Makes the streams of the process that is to be started; -1 with errno. */
int stdio_open(void);

/* The three descriptors for the runtime, from stdio_open() on. */
const int *stdio_for_runtime(void);

/* Where the runtime shall send the terminal. */
const char *stdio_console_path(void);

/* The runtime has started the process: reading begins. false when a terminal was wanted and none has come. */
bool stdio_started(void);

/* The runtime could not: takes the streams back; TEXT gets what it said. */
void stdio_failed(char *text, size_t size);

/* The process has ended: reads the rest. DONE is called when all of it is in the log. */
void stdio_finish(void (*done)(void));

/* The command is gone, or leaves: its streams are closed. */
void stdio_let_go(void);

/* The size of the terminal, now and after a restart; nothing without one. */
void stdio_resize(unsigned rows, unsigned columns);

#endif
