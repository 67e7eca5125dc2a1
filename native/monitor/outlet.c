#define _GNU_SOURCE
#include "monitor/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

void outlet_init(struct outlet *outlet, struct watch *watch, enum outlet_kind kind)
{
	*outlet = (struct outlet){.watch = watch, .kind = kind};
}

void outlet_share(struct outlet *outlet, struct watch *watch, int fd, void (*ready)(struct watch *, uint32_t))
{
	enum outlet_kind kind = OUTLET_POLLED;
	struct stat status = {0};
	char path[32];

	if (fstat(fd, &status) == 0 && S_ISSOCK(status.st_mode)) {
		kind = OUTLET_SOCKET;
	} else if (S_ISREG(status.st_mode)) {
		kind = OUTLET_FILE;
	} else {
		/* O_NONBLOCK belongs to the open file, which the user's shell may share: so open it once more. A
		 * terminal must not become ours by that. */
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		int own = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

		if (own >= 0) {
			kind = OUTLET_NONBLOCK;
			close(fd);
			fd = own;
		}
	}
	watch_init(watch, fd, ready);
	outlet_init(outlet, watch, kind);
}

static ssize_t write_polled(int fd, const struct iovec *parts, size_t count)
{
	struct pollfd wait = {.fd = fd, .events = POLLOUT};

	if (poll(&wait, 1, 0) < 1) {
		errno = EAGAIN;
		return -1;
	}
	for (size_t i = 0; i < count; i++)
		if (parts[i].iov_len > 0)
			return write(fd, parts[i].iov_base, parts[i].iov_len < PIPE_BUF ? parts[i].iov_len : PIPE_BUF);
	return 0;
}

static ssize_t write_once(const struct outlet *outlet, const struct iovec *parts, size_t count)
{
	int fd = outlet->watch->fd;
	struct msghdr message = {.msg_iov = (struct iovec *)(size_t)parts, .msg_iovlen = count};

	if (outlet->kind == OUTLET_SOCKET)
		return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (outlet->kind == OUTLET_POLLED)
		return write_polled(fd, parts, count);
	return writev(fd, parts, (int)count);
}

/* Takes N bytes off the front of PARTS; how many parts are used up. */
static size_t advance(struct iovec *parts, size_t count, size_t n)
{
	size_t done = 0;

	while (done < count && n >= parts[done].iov_len)
		n -= parts[done++].iov_len;
	if (done < count) {
		parts[done].iov_base = (char *)parts[done].iov_base + n;
		parts[done].iov_len -= n;
	}
	return done;
}

static int keep(struct outlet *outlet, const struct iovec *parts, size_t count)
{
	size_t more = 0;
	char *grown;

	for (size_t i = 0; i < count; i++)
		more += parts[i].iov_len;
	if (outlet->begin > 0) {
		memmove(outlet->kept, outlet->kept + outlet->begin, outlet->end - outlet->begin);
		outlet->end -= outlet->begin;
		outlet->begin = 0;
	}
	grown = realloc(outlet->kept, outlet->end + more);
	if (!grown)
		return -1;
	outlet->kept = grown;
	for (size_t i = 0; i < count; i++) {
		memcpy(outlet->kept + outlet->end, parts[i].iov_base, parts[i].iov_len);
		outlet->end += parts[i].iov_len;
	}
	return watch_add(outlet->watch, EPOLLOUT);
}

int outlet_write(struct outlet *outlet, const struct iovec *parts, size_t count)
{
	struct iovec rest[4];
	size_t at = 0;

	if (outlet->watch->fd < 0) {
		errno = EPIPE;
		return -1;
	}
	if (outlet->kept)
		return keep(outlet, parts, count);
	if (count > sizeof(rest) / sizeof(*rest)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(rest, parts, count * sizeof(*rest));
	while (at < count) {
		ssize_t n = write_once(outlet, rest + at, count - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return keep(outlet, rest + at, count - at);
		if (n < 0)
			return -1;
		at += advance(rest + at, count - at, (size_t)n);
	}
	return 0;
}

int outlet_flush(struct outlet *outlet)
{
	while (outlet->begin < outlet->end) {
		struct iovec part = {outlet->kept + outlet->begin, outlet->end - outlet->begin};
		ssize_t n = write_once(outlet, &part, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		outlet->begin += (size_t)n;
	}
	outlet_forget(outlet);
	return 0;
}

bool outlet_busy(const struct outlet *outlet)
{
	return outlet->kept != NULL;
}

void outlet_forget(struct outlet *outlet)
{
	free(outlet->kept);
	outlet->kept = NULL;
	outlet->begin = outlet->end = 0;
	watch_drop(outlet->watch, EPOLLOUT);
}

void outlet_close(struct outlet *outlet)
{
	if (!outlet->watch)
		return;
	outlet_forget(outlet);
	watch_close(outlet->watch);
}
