/* What a runtime says when it can't start a process, in Docker's words and with Docker's exit status. */
#ifndef WHERRY_MONITOR_FAULT_H
#define WHERRY_MONITOR_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "monitor/config.h"

/*
 * Reads the runtime's own log, else takes what it wrote to standard error (SAID, may be empty), and writes one line to
 * TEXT. 127 when the program is not in the container, 126 when it can't be executed, 125 for all else.
 */
int fault_read(const struct config *config, const char *said, int status, char *text, size_t size);

/* The exit status that Docker's runtime gives a process whose program the kernel refused. */
enum { FAULT_REFUSED = 255 };

/*
 * crun's child says with a JSON object, on the container's own standard error, that the kernel refused the program (an
 * executable for another processor, a script without its interpreter). Are these SIZE bytes that? TEXT gets runc's
 * words: "exec /bin/sh: exec format error".
 */
bool fault_refused(const char *bytes, size_t size, char *text, size_t room);

#endif
