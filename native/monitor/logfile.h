/*
 * The file that entries are collected for: written in large blocks, rotated as Docker does it, never left with half
 * an entry at its end for longer than the rest takes to come.
 */
#ifndef WHERRY_MONITOR_LOGFILE_H
#define WHERRY_MONITOR_LOGFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Opens PATH to append to it. An entry that a killed monitor left unfinished is cut off. LIMIT: bytes after which
 * another file is begun, -1 for none; FILES: how many there may be; COMPRESSOR: gzip(1) for those that are complete,
 * NULL for none. -1 with errno.
 */
int logfile_open(const char *path, long long limit, long long files, const char *compressor);

bool logfile_is_open(void);

/* A place for an entry of at most SIZE bytes (LOGFILE_ENTRY). */
enum { LOGFILE_ENTRY = 192 * 1024 };
char *logfile_room(void);

/* The entry is there, and ends before END. */
void logfile_add(const char *end);

/* -1 when nothing waits for logfile_flush(); else how many milliseconds it may: a few while much is coming, so that
 * blocks become full, none otherwise, so that whoever follows the log sees each line at once. */
int logfile_wait(void);

/* Writes all that waits, and gives back the memory it had. */
void logfile_flush(void);

/* A child has ended and was waited for: its number may be another's from now on. */
void logfile_reap(pid_t pid);

/* Opens the file by its name again. */
void logfile_reopen(void);

/* How many entries could not be written since this was last asked, and why; 0 when none. */
unsigned long long logfile_lost(int *problem);

#endif
