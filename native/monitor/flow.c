#define _GNU_SOURCE
#include "monitor/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/chunk.h"

enum {
	MOST_MOVED = 1024 * 1024,
	MOST_COPIED = 64 * 1024,
	SPARE_PIPES = 4,
	MOST_PIPES = 512,
	ROOM = 512 * 1024, /* a pipe that is asked for; an ordinary user may get a small one */
};

static int spare[SPARE_PIPES][2];
static size_t spares, pipes;

void flow_init(struct flow *flow)
{
	*flow = (struct flow){.pipe = {-1, -1}};
}

static bool borrow_pipe(int ends[2])
{
	if (spares > 0) {
		spares--;
		ends[0] = spare[spares][0];
		ends[1] = spare[spares][1];
		return true;
	}
	if (pipes >= MOST_PIPES || pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return false;
	(void)fcntl(ends[1], F_SETPIPE_SZ, ROOM);
	pipes++;
	return true;
}

static void close_pipe(const int ends[2])
{
	close(ends[0]);
	close(ends[1]);
	pipes--;
}

static void return_pipe(struct flow *flow)
{
	if (flow->held == 0 && spares < SPARE_PIPES) {
		spare[spares][0] = flow->pipe[0];
		spare[spares][1] = flow->pipe[1];
		spares++;
	} else {
		close_pipe(flow->pipe);
	}
	flow->pipe[0] = flow->pipe[1] = -1;
}

void flow_drop(struct flow *flow)
{
	bulk_forget(&flow->bulk);
	if (flow->pipe[0] >= 0)
		return_pipe(flow);
}

void flow_rest(void)
{
	while (spares > 1)
		close_pipe(spare[--spares]);
}

/* How much came, or -1 for an error; none for now is 0, and so is the end. */
static ssize_t received(struct flow *flow, int from, ssize_t n)
{
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	flow->ended = n == 0;
	if (n > 0)
		bulk_count(&flow->bulk, from, (size_t)n);
	return n;
}

/* Without a pipe: the source keeps what the target has not taken. */
static bool copy(struct flow *flow, int from, int to)
{
	ssize_t n = received(flow, from, recv(from, chunk, MOST_COPIED, MSG_PEEK | MSG_DONTWAIT)), sent;

	if (n <= 0)
		return n == 0;
	chunk_used((size_t)n);
	sent = send(to, chunk, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	flow->full = sent < n;
	if (sent < 0)
		return errno == EAGAIN || errno == EINTR;
	return recv(from, chunk, (size_t)sent, MSG_TRUNC | MSG_DONTWAIT) == sent;
}

static bool fill(struct flow *flow, int from)
{
	ssize_t n = splice(from, NULL, flow->pipe[1], NULL, MOST_MOVED, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	n = received(flow, from, n);
	flow->held = n > 0 ? (size_t)n : 0;
	return n >= 0;
}

static bool empty(struct flow *flow, int to)
{
	while (flow->held > 0) {
		ssize_t n = splice(flow->pipe[0], NULL, to, NULL, flow->held, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n <= 0 && errno != EINTR)
			return false;
		flow->held -= n > 0 ? (size_t)n : 0;
	}
	flow->full = flow->held > 0;
	return true;
}

bool flow_pump(struct flow *flow, int from, int to)
{
	if (flow->held > 0 && !empty(flow, to))
		return false;
	if (flow->held == 0 && !flow->ended) {
		flow->full = false;
		if (flow->pipe[0] < 0 && !borrow_pipe(flow->pipe)) {
			if (!copy(flow, from, to))
				return false;
		} else if (!fill(flow, from) || !empty(flow, to)) {
			return false;
		}
	}
	if (flow->held == 0 && flow->pipe[0] >= 0)
		return_pipe(flow);
	if (flow->ended && flow->held == 0 && !flow->closed) {
		flow->closed = true;
		/* The other direction goes on. ENOTCONN: it has just been reset, which will show. */
		(void)shutdown(to, SHUT_WR);
	}
	return true;
}

void flow_renew(void)
{
	spares = pipes = 0;
	bulk_renew();
}
