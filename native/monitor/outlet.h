/*
 * A descriptor that is written to without ever waiting: what it can't take at once is kept until it can.
 *
 * Whoever feeds an outlet stops feeding while outlet_busy(); that bounds what is kept to what one round reads.
 */
#ifndef WHERRY_MONITOR_OUTLET_H
#define WHERRY_MONITOR_OUTLET_H

#include <sys/uio.h>

#include "monitor/loop.h"

enum outlet_kind {
	OUTLET_NONBLOCK, /* O_NONBLOCK is set on it */
	OUTLET_SOCKET,	 /* each write says that it must not wait */
	OUTLET_FILE,	 /* never waits */
	OUTLET_POLLED,	 /* may wait, and its flags are not ours to change: asked before each small write */
};

struct outlet {
	struct watch *watch;
	enum outlet_kind kind;
	char *kept;
	size_t begin, end;
};

void outlet_init(struct outlet *outlet, struct watch *watch, enum outlet_kind kind);

/* For a descriptor that other processes use as well, such as the user's terminal: finds the way to write to it that
 * leaves them alone. Takes FD over, or leaves it open and watches a new one. */
void outlet_share(struct outlet *outlet, struct watch *watch, int fd, void (*ready)(struct watch *, uint32_t));

/* Writes all of PARTS, or keeps what can't be written now. -1 with errno when the other side is gone or memory is. */
int outlet_write(struct outlet *outlet, const struct iovec *parts, size_t count);

/* To be called when the descriptor can be written to again; -1 with errno when the other side is gone. */
int outlet_flush(struct outlet *outlet);

bool outlet_busy(const struct outlet *outlet);

/* Forgets what was kept. */
void outlet_forget(struct outlet *outlet);

/* Closes the descriptor and forgets what was kept. */
void outlet_close(struct outlet *outlet);

#endif
