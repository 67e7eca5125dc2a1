/*
 * Writes a block of the log while the next one is filled: a thread, which is there only while much is coming. Where
 * none can be started the block is written at once.
 */
#ifndef WHERRY_MONITOR_LOGWRITER_H
#define WHERRY_MONITOR_LOGWRITER_H

#include <stddef.h>
#include <sys/types.h>

/* Begins to write SIZE bytes to FD: at OFFSET, or at the file's end where it is -1. BYTES and FD must stay as they are
 * until logwriter_wait(), and nothing else may have been begun. */
void logwriter_begin(int fd, const char *bytes, size_t size, off_t offset);

/* Waits for the end of that: 0, or the error's number; a part may have been written then. *NANOSECONDS: how long it
 * took. */
int logwriter_wait(long long *nanoseconds);

/* The thread goes; nothing may be under way. */
void logwriter_end(void);

#endif
