/*
 * The clients of the container's socket: attached people, and programs that wait or steer.
 *
 * Frames as Docker has them: type, three zeros, length as 32 bits big endian, then so many bytes. From a client: 0 is
 * standard input, 3 a word of control. To a client: 1 and 2 are output, 3 is news.
 */
#ifndef WHERRY_MONITOR_CLIENTS_H
#define WHERRY_MONITOR_CLIENTS_H

#include <stdbool.h>
#include <stddef.h>

#include "monitor/config.h"

struct client_calls {
	void (*attached)(void); /* somebody is attached */
	void (*stop)(void);	/* by hand: no restart from now on */
	/* Somebody stops or continues the processes, which is none of ours; false when there are none now. */
	bool (*pause)(bool paused);
	/* Another restart policy; false when there is none of this name. */
	bool (*policy)(const char *name, long long most);
	/* What is done to an unhealthy container from now on; false where there is nothing of this name. */
	bool (*action)(const char *name);
	/* A health check now, and clients_checked() with its result; false where nothing can be checked. */
	bool (*check)(void);
	/* The news for somebody who asks when all is over; NULL before. */
	const char *(*ended)(void);
};

/* Listens at the socket of CONFIG, if it names one; -1 with errno. */
int clients_open(const struct config *config, const struct client_calls *calls);

/* Sends output to everybody who is attached to STREAM (STREAM_OUT or STREAM_ERR). */
void clients_send(unsigned stream, const char *bytes, size_t size);

/* Is somebody who is attached to STREAM behind? */
bool clients_busy(unsigned stream);

/* Sends news to everybody who is attached or waits. */
void clients_tell(const char *news);

/* Sends news to those who wait for a health check, once. */
void clients_checked(const char *news);

/* Is somebody there who will clean up after the end? They say so before it, and "done" when it's done. */
bool clients_cleaning(void);

/* Has somebody cleaned up? */
bool clients_cleaned(void);

/* Standard input has room again: goes on reading. */
void clients_resume(void);

/* Removes the socket: no new clients. */
void clients_close(void);

/* Is anything still to be sent? */
bool clients_pending(void);

#endif
