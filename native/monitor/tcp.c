#define _GNU_SOURCE
#include <errno.h>
#include <linux/sockios.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "monitor/dial.h"
#include "monitor/flow.h"
#include "monitor/life.h"
#include "monitor/overflow.h"
#include "monitor/tcp.h"

enum {
	AT_ONCE = 64, /* connections accepted in one round */
	AGAIN = 100,  /* ms until the next try when there are no descriptors */
	/*
	 * Bytes that wait for us at most on this machine; everybody may ask for as much. The kernel would let it grow
	 * to megabytes, and then all that passes has left the processor's caches before it is read: a fifth slower.
	 */
	NEAR_ROOM = 208 * 1024,
};

struct link {
	struct watch client, server;
	struct flow to_server, to_client;
	bool connecting;
	bool dying; /* one side was reset; the other one gets what had come before */
	struct port *port;
};

static size_t links, most_links;
static int latest; /* descriptor */

/* Both sides see at once that it is over, and no socket waits for anything. */
static void reset(int fd)
{
	struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void drop(struct link *link, bool broken)
{
	if (broken) {
		reset(link->client.fd);
		reset(link->server.fd);
	}
	flow_drop(&link->to_server);
	flow_drop(&link->to_client);
	watch_close(&link->client);
	watch_close(&link->server);
	loop_bury(&link->client, link);
	if (--links > 0)
		return;
	/* After a rush: what it took goes back. */
	flow_rest();
	if (most_links > AT_ONCE)
		malloc_trim(0);
	most_links = 0;
}

/* One side: read from while there is room for what comes, written to while there is something for it. */
static int want(struct watch *watch, const struct flow *in, const struct flow *out)
{
	uint32_t events = 0;

	if (!in->ended && !in->full)
		events |= EPOLLIN;
	if (out->full)
		events |= EPOLLOUT;
	/* The end of both directions would be reported without end. */
	if (events)
		return watch_want(watch, events);
	watch_pause(watch);
	return 0;
}

/*
 * FROM was reset: TO gets what had come before, and then a reset as well; but where it is still on its way to TO the
 * end comes in order, as a reset would overtake it.
 */
static void pass_reset(struct link *link, struct flow *flow, struct watch *from, struct watch *to)
{
	bool moves = true;
	int unsent = 0;

	link->dying = true;
	for (int i = 0; i < AT_ONCE && moves && !flow->ended && (i == 0 || !flow->full); i++)
		moves = flow_pump(flow, from->fd, to->fd);
	if (!moves || !flow->full)
		return drop(link, ioctl(to->fd, SIOCOUTQ, &unsent) < 0 || unsent == 0);
	watch_pause(from);
	if (watch_want(to, EPOLLOUT) < 0)
		drop(link, true);
}

static void go_on(struct link *link, bool to_server, bool to_client)
{
	/* One of the two is gone; the other one may still have something to come. */
	if (to_server && !flow_pump(&link->to_server, link->client.fd, link->server.fd))
		return pass_reset(link, &link->to_client, &link->server, &link->client);
	if (to_client && !flow_pump(&link->to_client, link->server.fd, link->client.fd))
		return pass_reset(link, &link->to_server, &link->client, &link->server);
	if (link->to_server.closed && link->to_client.closed)
		return drop(link, false);
	if (want(&link->client, &link->to_server, &link->to_client) < 0 ||
	    want(&link->server, &link->to_client, &link->to_server) < 0)
		drop(link, true);
}

static void client_ready(struct watch *watch, uint32_t events)
{
	struct link *link = loop_owner(watch, struct link, client);

	if (link->dying)
		pass_reset(link, &link->to_client, &link->server, watch);
	else if (events & EPOLLERR)
		pass_reset(link, &link->to_server, watch, &link->server);
	else
		go_on(link, events & ~(uint32_t)EPOLLOUT, events & EPOLLOUT);
}

static void server_ready(struct watch *watch, uint32_t events)
{
	struct link *link = loop_owner(watch, struct link, server);
	int error = 0;
	socklen_t size = sizeof(error);

	if (link->connecting) {
		if (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error)
			return drop(link, true);
		link->connecting = false;
	} else if (link->dying) {
		return pass_reset(link, &link->to_server, &link->client, watch);
	} else if (events & EPOLLERR) {
		return pass_reset(link, &link->to_client, watch, &link->client);
	}
	go_on(link, events & EPOLLOUT, events & ~(uint32_t)EPOLLOUT);
}

/* LOCAL: what it sends stays on this machine, where there is no congestion; some hosts' usual control slows it down. */
static void set_options(int fd, bool local)
{
	static const char simple[] = "reno"; /* everybody may have it */
	int yes = 1, room = NEAR_ROOM;

	if (local) {
		(void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, simple, sizeof(simple) - 1);
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	}
	/* Whoever sends has decided how much to send at once. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	/* A peer that vanished must not hold its connection for ever. */
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
}

/* The way to a container is so short that most are there when connect() returns. 0, or an error. */
static int settle(struct link *link)
{
	const union address *to = &link->port->to;

	if (connect(link->server.fd, &to->any, address_size(to)) == 0 || errno == EISCONN)
		link->connecting = false;
	else if (errno != EALREADY && errno != EINPROGRESS)
		return -1;
	if (link->connecting)
		return watch_want(&link->server, EPOLLOUT);
	return watch_want(&link->server, EPOLLIN) < 0 ? -1 : watch_want(&link->client, EPOLLIN);
}

static void open_link(struct port *port, int fd, const union address *client)
{
	struct link *link = calloc(1, sizeof(*link));
	int server = link && !port->closed && life_running() ? dial(port, client) : -1;

	if (server < 0) {
		reset(fd);
		close(fd);
		free(link);
		return;
	}
	links++;
	latest = server;
	most_links = links > most_links ? links : most_links;
	link->port = port;
	flow_init(&link->to_server);
	flow_init(&link->to_client);
	link->connecting = true;
	set_options(fd, is_loopback(client));
	set_options(server, true);
	watch_init(&link->client, fd, client_ready);
	watch_init(&link->server, server, server_ready);
	if (settle(link) < 0)
		drop(link, true);
}

size_t tcp_links(void)
{
	return links;
}

void tcp_renew(void)
{
	links = most_links = 0;
	latest = 0;
	flow_renew();
}

static void listen_again(struct timer *timer)
{
	struct port *port = loop_owner(timer, struct port, again);

	(void)watch_want(&port->watch, EPOLLIN);
}

/* Out of descriptors or memory: others may be done soon. */
static void rest(struct port *port)
{
	watch_pause(&port->watch);
	timer_set(&port->again, AGAIN, listen_again);
}

static void accept_links(struct watch *watch, uint32_t events)
{
	struct port *port = loop_owner(watch, struct port, watch);

	(void)events;
	for (int i = 0; i < AT_ONCE; i++) {
		union address client = {0};
		socklen_t size = sizeof(client);
		int fd;

		if (!overflow_room(latest)) {
			overflow_start();
			return rest(port);
		}
		fd = accept4(watch->fd, &client.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			open_link(port, fd, &client);
			continue;
		}
		/* All else is a client's trouble. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			return rest(port);
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

void tcp_listen(struct port *port, int fd)
{
	watch_init(&port->watch, fd, accept_links);
}
