/*
 * Streams in bulk. Each wake-up costs as much as moving a tenth of a megabyte, and a stream that never pauses is as
 * well served in larger pieces: its socket is ready only once much has come (SO_RCVLOWAT), and as ever when it pauses.
 */
#ifndef WHERRY_MONITOR_BULK_H
#define WHERRY_MONITOR_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of one direction; all zero at first. */
struct bulk {
	int fd;	       /* its source */
	size_t run;    /* bytes since the last pause */
	uint64_t last; /* ms */
	int least;     /* bytes that it waits for */
	bool on, moved;
	struct bulk *next;
};

/* SIZE bytes have come from FD. */
void bulk_count(struct bulk *bulk, int fd, size_t size);

/* In a copy of this process: there is none. */
void bulk_renew(void);

/* The source is closed, or will be. */
void bulk_forget(struct bulk *bulk);

#endif
