#include "monitor/bulk.h"

#include <sys/socket.h>

#include "monitor/loop.h"

enum {
	PAUSE = 2,	       /* ms without a byte */
	RUN = 4 * 1024 * 1024, /* bytes after which a stream is one in bulk */
	MOST = 256 * 1024,
};

static struct bulk *first;
static struct timer look;

static void set(struct bulk *bulk, int least)
{
	bulk->least = least;
	(void)setsockopt(bulk->fd, SOL_SOCKET, SO_RCVLOWAT, &least, sizeof(least));
}

/* A quarter of the room that the kernel gives the stream by now: the sender must never wait for us. */
static void adapt(struct bulk *bulk)
{
	int room = 0, least;
	socklen_t size = sizeof(room);

	if (getsockopt(bulk->fd, SOL_SOCKET, SO_RCVBUF, &room, &size) < 0)
		return;
	least = room / 4 < MOST ? room / 4 : MOST;
	if (least > bulk->least)
		set(bulk, least);
}

void bulk_forget(struct bulk *bulk)
{
	if (!bulk->on)
		return;
	for (struct bulk **at = &first; *at; at = &(*at)->next) {
		if (*at == bulk) {
			*at = bulk->next;
			break;
		}
	}
	bulk->on = false;
	bulk->run = 0;
}

static void look_for_pauses(struct timer *timer)
{
	for (struct bulk *bulk = first, *next; bulk; bulk = next) {
		next = bulk->next;
		if (!bulk->moved) {
			/* What has come by now is told at once. */
			bulk_forget(bulk);
			set(bulk, 1);
		} else {
			adapt(bulk);
		}
		bulk->moved = false;
	}
	if (first)
		timer_set(timer, PAUSE, look_for_pauses);
}

void bulk_count(struct bulk *bulk, int fd, size_t size)
{
	uint64_t now;

	bulk->moved = true;
	if (bulk->on)
		return;
	now = loop_now();
	bulk->run = now - bulk->last > PAUSE ? size : bulk->run + size;
	bulk->last = now;
	if (bulk->run < RUN)
		return;
	if (!first)
		timer_set(&look, PAUSE, look_for_pauses);
	bulk->fd = fd;
	bulk->on = true;
	bulk->next = first;
	first = bulk;
	adapt(bulk);
}

void bulk_renew(void)
{
	first = NULL;
	look = (struct timer){0};
}
