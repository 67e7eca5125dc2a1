#define _GNU_SOURCE
#include "monitor/logjournal.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/scoped.h"

static struct {
	int fd;
	const char *path;
	const char *fields;
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

/* systemd.io, "Native Journal Protocol": a value that may hold line feeds follows its length, 64 bits, little-endian.
 */
void logjournal_send(bool is_error, const char *parts[2], const size_t sizes[2], bool ends)
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

	if (sendmsg(journal.fd, &message, MSG_NOSIGNAL) >= 0)
		return;
	/* The journal was started anew: its socket is another one. */
	if ((errno == ECONNREFUSED || errno == ENOTCONN || errno == ECONNRESET) && reach() == 0)
		(void)sendmsg(journal.fd, &message, MSG_NOSIGNAL);
}
