/*
 * One direction of a forwarded connection. Bytes go through a pipe, so they never come up here; and a flow has a pipe
 * only while it holds bytes that the target can't take, so that thousands of quiet ones cost little. Pipes are scarce
 * for ordinary users (fs.pipe-user-pages-soft), and descriptors too: where there is none, bytes stay in the source
 * until the target has taken a copy.
 */
#ifndef WHERRY_MONITOR_FLOW_H
#define WHERRY_MONITOR_FLOW_H

#include <stdbool.h>
#include <stddef.h>

#include "monitor/bulk.h"

struct flow {
	int pipe[2]; /* -1: none */
	size_t held; /* bytes in it */
	bool full;   /* the target takes no more for now */
	bool ended;  /* the source will send no more */
	bool closed; /* and the target was told */
	struct bulk bulk;
};

void flow_init(struct flow *flow);

/* Moves what can be moved now; false when the connection is broken. */
bool flow_pump(struct flow *flow, int from, int to);

/* Gives back what it holds. */
void flow_drop(struct flow *flow);

/* In a copy of this process: its pipes are closed. */
void flow_renew(void);

/* No connection is left: what a rush has taken goes back. */
void flow_rest(void);

#endif
