#define _GNU_SOURCE
#include "monitor/logjournal.h"

#include <endian.h>
#include <errno.h>
#include <linux/sockios.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/scoped.h"

/* Milliseconds. The kernel holds a few lines for the journal, often ten; it is back for more in a few of these. */
enum { PATIENCE = 5000, LOOK_AGAIN = 1 };

static struct {
	int fd;
	const char *path;
	const char *fields;
	bool stuck; /* it took nothing for so long that nobody waits for it any more */
	unsigned long long lost;
} journal = {.fd = -1};

static int reach(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	scoped_fd fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	if (strlen(journal.path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, journal.path, strlen(journal.path));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	if (journal.fd >= 0)
		close(journal.fd);
	journal.fd = scoped_take_fd(&fd);
	return 0;
}

int logjournal_open(const char *path, const char *fields)
{
	journal.path = path;
	journal.fields = fields ? fields : "";
	return reach();
}

bool logjournal_is_open(void)
{
	return journal.fd >= 0;
}

/* Waits until there is room for a line. */
static bool wait_for_room(void)
{
	struct pollfd room = {.fd = journal.fd, .events = POLLOUT};

	return !journal.stuck && poll(&room, 1, PATIENCE) > 0;
}

static bool send_whole(const struct msghdr *message)
{
	bool anew = false;

	while (sendmsg(journal.fd, message, MSG_NOSIGNAL) < 0) {
		switch (errno) {
		case EINTR:
			continue;
		case EAGAIN:
			if (wait_for_room())
				continue;
			journal.stuck = true;
			return false;
		case ECONNREFUSED:
		case ENOTCONN:
		case ECONNRESET:
			/* The journal was started anew: its socket is another one. */
			if (anew || reach() < 0)
				return false;
			anew = true;
			continue;
		default:
			return false;
		}
	}
	journal.stuck = false;
	return true;
}

/* systemd.io, "Native Journal Protocol": a value that may hold line feeds follows its length, 64 bits, little-endian.
 */
static bool send_line(bool is_error, const char *parts[2], const size_t sizes[2], bool ends)
{
	static const char error[] = "PRIORITY=3\nMESSAGE\n", output[] = "PRIORITY=6\nMESSAGE\n";
	static const char partial[] = "\nCONTAINER_PARTIAL_MESSAGE=true\n";
	uint64_t length = htole64(sizes[0] + sizes[1]);
	const char *head = is_error ? error : output, *tail = ends ? "\n" : partial;
	struct iovec pieces[] = {
		{(void *)(size_t)journal.fields, strlen(journal.fields)},
		{(void *)(size_t)head, strlen(head)},
		{&length, sizeof(length)},
		{(void *)(size_t)parts[0], sizes[0]},
		{(void *)(size_t)parts[1], sizes[1]},
		{(void *)(size_t)tail, strlen(tail)},
	};
	struct msghdr message = {.msg_iov = pieces, .msg_iovlen = sizeof(pieces) / sizeof(*pieces)};

	return send_whole(&message);
}

/* Says that lines are missing where they are missing. */
static bool note_loss(void)
{
	char text[160];
	const char *parts[2] = {text, ""};
	size_t sizes[2] = {0, 0};
	int n = snprintf(text, sizeof(text), "wherry: lines before this one are lost (%llu): the journal took none",
			 journal.lost);

	sizes[0] = n > 0 ? (size_t)n : 0;
	return send_line(true, parts, sizes, true);
}

void logjournal_send(bool is_error, const char *parts[2], const size_t sizes[2], bool ends)
{
	if (journal.lost > 0 && note_loss())
		journal.lost = 0;
	if (journal.lost > 0 || !send_line(is_error, parts, sizes, ends))
		journal.lost++;
}

void logjournal_flush(void)
{
	int unread;

	/* What a datagram socket has sent and nobody has read (unix(7), SIOCOUTQ). */
	for (int waited = 0; !journal.stuck && waited < PATIENCE; waited += LOOK_AGAIN) {
		if (ioctl(journal.fd, SIOCOUTQ, &unread) < 0 || unread == 0)
			return;
		(void)poll(NULL, 0, LOOK_AGAIN);
	}
}
