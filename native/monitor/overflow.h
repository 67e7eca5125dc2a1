/*
 * More connections than one process may have descriptors for: another process like this one, with the same listeners,
 * takes those that come then. It ends with us, or when it has had no connection for a while.
 */
#ifndef WHERRY_MONITOR_OVERFLOW_H
#define WHERRY_MONITOR_OVERFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "monitor/port.h"

/* The listeners; PORTS live as long as the process. */
void overflow_prepare(struct port *ports, size_t count);

/*
 * May this process open one more connection? LATEST is a descriptor of the last one. Some stay free for all else that a
 * monitor does.
 */
bool overflow_room(int latest);

/* No connection can be taken here: somebody else is to do it. */
void overflow_start(void);

/* The ports lead somewhere else: whoever was started takes no more. */
void overflow_outdated(void);

/* Nobody takes connections any more, and those there are end. */
void overflow_end(void);

/* A child has ended. */
void overflow_reap(pid_t pid);

#endif
