/*
 * The system's journal (systemd's native protocol): one datagram a line. The journal may be busy for a moment, and so
 * long the container waits, as with Docker. One that has stopped taking anything is not waited for again: what it
 * misses is lost, and the log says so when it goes on.
 */
#ifndef WHERRY_MONITOR_LOGJOURNAL_H
#define WHERRY_MONITOR_LOGJOURNAL_H

#include <stdbool.h>
#include <stddef.h>

/* Connects to the socket PATH. FIELDS: lines of NAME=value that each entry carries. -1 with errno. */
int logjournal_open(const char *path, const char *fields);

bool logjournal_is_open(void);

/* Sends a line in PARTS; is_error: of standard error. ENDS: no further piece of it will come. */
void logjournal_send(bool is_error, const char *parts[2], const size_t sizes[2], bool ends);

/* Waits until the journal has read all that it was sent: who reads it now finds it there. */
void logjournal_flush(void);

#endif
