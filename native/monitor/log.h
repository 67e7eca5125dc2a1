/*
 * The container's log: Docker's json-file format, with Docker's rotation, byte for byte; or lines as Kubernetes and
 * podman have them (k8s-file); or the system's journal.
 *
 * Lines are collected and written in large blocks; log_flush() writes what is there. A full disk or another defect of
 * the file never stops the container: what can't be written is lost, never half a line, and the log says so once when
 * it goes on.
 */
#ifndef WHERRY_MONITOR_LOG_H
#define WHERRY_MONITOR_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "monitor/config.h"

enum { LOG_PIECE = 16 * 1024 }; /* longer lines become several entries, as with Docker */

/* The beginning of a line whose end has not come yet. */
struct line {
	const char *stream; /* stdout or stderr */
	char *held;	    /* LOG_PIECE bytes */
	size_t size;
	bool partial;	       /* pieces of this line are in the log already */
	struct timespec since; /* when its first piece was logged */
};

/* Opens the log of CONFIG, or none when it names none; -1 with errno. */
int log_open(const struct config *config);

/* Takes what a stream gave. */
void log_feed(struct line *line, const char *bytes, size_t size);

/* The stream has ended: what stands without an end of line is logged without one. */
void log_finish(struct line *line);

/* What is collected: -1 when nothing is, else how many milliseconds log_flush() may wait for more. */
int log_wait(void);
void log_flush(void);

/* A child has ended: perhaps the one that compressed a file. */
void log_reap(pid_t pid);

/* Opens the file again: another program has renamed it. */
void log_reopen(void);

#endif
