#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <unistd.h>

#include "monitor/dial.h"
#include "monitor/life.h"
#include "monitor/port.h"

enum {
	AT_ONCE = 64, /* connections accepted in one round */
	AGAIN = 100,  /* ms until the next try when there are no descriptors */
	MOST_MOVED = 256 * 1024,
	SPARE_PIPES = 4,
};

/* One direction of a connection. Bytes go through a pipe, so they never come up here; and a connection has a pipe only
 * while it holds bytes that the other side can't take, so that thousands of quiet ones cost little. */
struct flow {
	int pipe[2];
	size_t held;
	bool ended;  /* the source will send no more */
	bool closed; /* and the target was told */
};

struct link {
	struct watch client, server;
	struct flow to_server, to_client;
	bool connecting;
	struct port *port;
};

static int spare[SPARE_PIPES][2];
static size_t spares;
static size_t links, most_links;

static bool borrow_pipe(int ends[2])
{
	if (spares == 0)
		return pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0;
	spares--;
	ends[0] = spare[spares][0];
	ends[1] = spare[spares][1];
	return true;
}

static void return_pipe(struct flow *flow)
{
	if (flow->held == 0 && spares < SPARE_PIPES) {
		spare[spares][0] = flow->pipe[0];
		spare[spares][1] = flow->pipe[1];
		spares++;
	} else {
		close(flow->pipe[0]);
		close(flow->pipe[1]);
	}
	flow->pipe[0] = flow->pipe[1] = -1;
}

/* Both sides see at once that it is over, and no socket waits for anything. */
static void reset(int fd)
{
	struct linger at_once = {.l_onoff = 1, .l_linger = 0};

	if (fd >= 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void drop_flow(struct flow *flow)
{
	if (flow->pipe[0] >= 0)
		return_pipe(flow);
}

static void drop(struct link *link, bool broken)
{
	if (broken) {
		reset(link->client.fd);
		reset(link->server.fd);
	}
	watch_close(&link->client);
	watch_close(&link->server);
	drop_flow(&link->to_server);
	drop_flow(&link->to_client);
	loop_bury(&link->client, link);
	if (--links > 0)
		return;
	/* After a rush: what it took goes back. */
	while (spares > 0) {
		spares--;
		close(spare[spares][0]);
		close(spare[spares][1]);
	}
	if (most_links > AT_ONCE)
		malloc_trim(0);
	most_links = 0;
}

/* Moves what can be moved now; false when the connection is broken. */
static bool pump(struct flow *flow, int from, int to)
{
	ssize_t n;

	if (flow->held == 0 && !flow->ended) {
		if (flow->pipe[0] < 0 && !borrow_pipe(flow->pipe))
			return false;
		n = splice(from, NULL, flow->pipe[1], NULL, MOST_MOVED, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		flow->ended = n == 0;
		flow->held = n > 0 ? (size_t)n : 0;
	}
	while (flow->held > 0) {
		n = splice(flow->pipe[0], NULL, to, NULL, flow->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0 && errno != EINTR)
			return false;
		flow->held -= n > 0 ? (size_t)n : 0;
	}
	if (flow->pipe[0] >= 0)
		return_pipe(flow);
	if (flow->ended && !flow->closed) {
		flow->closed = true;
		/* The other direction goes on. ENOTCONN: it has just been reset, which will show. */
		(void)shutdown(to, SHUT_WR);
	}
	return true;
}

/* One side: read from while there is room for what comes, written to while there is something for it. */
static int want(struct watch *watch, const struct flow *in, const struct flow *out)
{
	uint32_t events = 0;

	if (!in->ended && in->held == 0)
		events |= EPOLLIN;
	if (out->held > 0)
		events |= EPOLLOUT;
	/* The end of both directions would be reported without end. */
	if (events)
		return watch_want(watch, events);
	watch_pause(watch);
	return 0;
}

static void go_on(struct link *link, bool to_server, bool to_client)
{
	if ((to_server && !pump(&link->to_server, link->client.fd, link->server.fd)) ||
	    (to_client && !pump(&link->to_client, link->server.fd, link->client.fd)))
		return drop(link, true);
	if (link->to_server.closed && link->to_client.closed)
		return drop(link, false);
	if (want(&link->client, &link->to_server, &link->to_client) < 0 ||
	    want(&link->server, &link->to_client, &link->to_server) < 0)
		drop(link, true);
}

static void client_ready(struct watch *watch, uint32_t events)
{
	struct link *link = loop_owner(watch, struct link, client);

	if (events & EPOLLERR)
		drop(link, true);
	else if (!link->connecting)
		go_on(link, events & ~(uint32_t)EPOLLOUT, events & EPOLLOUT);
	else if (events & EPOLLHUP) /* it did not wait */
		drop(link, true);
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
	} else if (events & EPOLLERR) {
		return drop(link, true);
	}
	go_on(link, events & EPOLLOUT, events & ~(uint32_t)EPOLLOUT);
}

static void set_options(int fd)
{
	int yes = 1;

	/* Whoever sends has decided how much to send at once. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	/* A peer that vanished must not hold its connection for ever. */
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes));
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
	most_links = links > most_links ? links : most_links;
	link->port = port;
	link->to_server.pipe[0] = link->to_client.pipe[0] = -1;
	link->connecting = true;
	set_options(fd);
	set_options(server);
	watch_init(&link->client, fd, client_ready);
	watch_init(&link->server, server, server_ready);
	/* Of the client only the end matters until there is somebody to send to. */
	if (watch_want(&link->server, EPOLLOUT) < 0 || watch_want(&link->client, 0) < 0)
		drop(link, true);
}

static void listen_again(struct timer *timer)
{
	struct port *port = loop_owner(timer, struct port, again);

	(void)watch_want(&port->watch, EPOLLIN);
}

static void accept_links(struct watch *watch, uint32_t events)
{
	struct port *port = loop_owner(watch, struct port, watch);

	(void)events;
	for (int i = 0; i < AT_ONCE; i++) {
		union address client = {0};
		socklen_t size = sizeof(client);
		int fd = accept4(watch->fd, &client.any, &size, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			open_link(port, fd, &client);
			continue;
		}
		/* Out of descriptors or memory: others may be done soon. All else is a client's trouble. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			watch_pause(watch);
			timer_set(&port->again, AGAIN, listen_again);
		}
		if (errno != ECONNABORTED && errno != EINTR)
			return;
	}
}

void tcp_listen(struct port *port, int fd)
{
	watch_init(&port->watch, fd, accept_links);
}
