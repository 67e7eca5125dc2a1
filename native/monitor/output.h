/*
 * What the container's process writes: to the log, to the command's own streams ("direct"), and to the clients.
 *
 * A stream is read only while everybody who wants it keeps up, so that what is in memory is one chunk. When the process
 * has ended the rest is read regardless: it is no more than what a pipe holds.
 */
#ifndef WHERRY_MONITOR_OUTPUT_H
#define WHERRY_MONITOR_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

/* STREAM (STREAM_OUT or STREAM_ERR) also goes to FD, which is taken over. */
void output_share(unsigned stream, int fd);

/* Makes a pipe for STREAM; the end for the process, which belongs to the caller, or -1 with errno. */
int output_pipe(unsigned stream);

/* Takes over a terminal, which is standard output and standard error in one. */
void output_terminal(int fd);

/* Begins to read. */
void output_start(void);

/* Takes the streams back before anything was read; TEXT gets the last of what was written to standard error. */
void output_fail(char *text, size_t size);

/* The process has ended: reads the rest, for at most two seconds where others still hold the streams, as Docker does.
 * DONE is called when all of it was passed on. */
void output_finish(void (*done)(void));

/* Somebody has caught up or is gone: goes on reading where nobody else is behind. */
void output_resume(void);

/* Was the first that came no output of the program's, but the runtime's word that the kernel refused it? */
bool output_refused(void);

/* Closes the command's streams. */
void output_let_go(void);

/* Have the command's streams taken all that was read? */
bool output_flushed(void);

#endif
