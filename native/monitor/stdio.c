#define _GNU_SOURCE
#include "monitor/stdio.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "base/scoped.h"
#include "monitor/input.h"
#include "monitor/output.h"

enum { ABOVE_STANDARD = 10 };

static struct {
	const struct config *config;
	int users[3];	/* what the command gave, and the process gets as it is; -1: nothing */
	int runtime[3]; /* what the runtime gets; -1: /dev/null */
	int console;	/* listens for the terminal */
	char console_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int terminal;
	struct winsize size;
} stdio = {.users = {-1, -1, -1}, .runtime = {-1, -1, -1}, .console = -1, .terminal = -1};

static void let_go(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/*
 * May the container have this descriptor itself? A pipe without a name, yes. A terminal would let it take what the user
 * types for others, and programs would treat it as theirs, which they don't with Docker; a file could be opened once
 * more through /proc/self/fd, for writing too, and runtimes give it to the container's user; a socket can't be opened
 * again as /dev/stdout. These are copied.
 */
static bool is_harmless(int fd)
{
	char path[32], target[sizeof("pipe:") - 1];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, target, sizeof(target)) == (ssize_t)sizeof(target) &&
	       memcmp(target, "pipe:", sizeof(target)) == 0;
}

/* Standard error always comes by here: a runtime that can't start the process writes to it as well. */
static bool goes_untouched(const struct config *config, int i, int fd)
{
	return config->untouched || ((i == 0 || (i == 1 && !config->log)) && is_harmless(fd));
}

int stdio_init(const struct config *config)
{
	scoped_fd null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return -1;
	stdio.config = config;
	stdio.size =
		(struct winsize){.ws_row = (unsigned short)config->rows, .ws_col = (unsigned short)config->columns};
	for (int i = 0; i < 3; i++) {
		bool given = config->direct & 1 << i && !config->terminal;
		int fd = given ? fcntl(i, F_DUPFD_CLOEXEC, ABOVE_STANDARD) : -1;

		if (dup2(null, i) < 0)
			return -1;
		if (fd < 0)
			continue;
		if (goes_untouched(config, i, fd))
			stdio.users[i] = fd;
		else if (i == 0)
			input_pump(fd);
		else
			output_share(1U << i, fd);
	}
	return 0;
}

static int open_input(void)
{
	int ends[2];

	if (!stdio.config->open_stdin && !input_has_pump())
		return 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	input_open(ends[1], false);
	stdio.runtime[0] = ends[0];
	return 0;
}

static int open_console(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s.c", stdio.config->socket);

	if (n < 0 || (size_t)n >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	input_await();
	memcpy(stdio.console_path, address.sun_path, sizeof(stdio.console_path));
	(void)unlink(stdio.console_path);
	stdio.console = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (stdio.console < 0 || bind(stdio.console, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	return listen(stdio.console, 1);
}

int stdio_open(void)
{
	for (unsigned i = 1; i < 3; i++) {
		if (stdio.users[i] >= 0)
			continue;
		stdio.runtime[i] = output_pipe(1U << i);
		if (stdio.runtime[i] < 0)
			return -1;
	}
	return stdio.config->terminal ? open_console() : stdio.users[0] < 0 ? open_input() : 0;
}

const int *stdio_for_runtime(void)
{
	static int streams[3];

	for (int i = 0; i < 3; i++)
		streams[i] = stdio.users[i] >= 0 ? stdio.users[i] : stdio.runtime[i] >= 0 ? stdio.runtime[i] : i;
	return streams;
}

const char *stdio_console_path(void)
{
	return stdio.console_path;
}

/* The terminal comes as a descriptor in one message (runtime-spec, config.md: "terminal"; runc docs/terminals.md). */
static int receive_terminal(void)
{
	scoped_fd peer = accept4(stdio.console, NULL, NULL, SOCK_CLOEXEC);
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} room;
	char name[PATH_MAX];
	struct iovec part = {name, sizeof(name)};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = &room, .msg_controllen = sizeof(room)};
	struct cmsghdr *part_two;
	int fd;

	/* The runtime has ended: what it has sent is here. */
	if (peer < 0 || recvmsg(peer, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
		return -1;
	part_two = CMSG_FIRSTHDR(&message);
	if (!part_two || part_two->cmsg_level != SOL_SOCKET || part_two->cmsg_type != SCM_RIGHTS ||
	    part_two->cmsg_len != CMSG_LEN(sizeof(fd)))
		return -1;
	memcpy(&fd, CMSG_DATA(part_two), sizeof(fd));
	return fd;
}

static void close_console(void)
{
	if (stdio.console >= 0)
		(void)unlink(stdio.console_path);
	let_go(&stdio.console);
}

static bool open_terminal(void)
{
	int fd = receive_terminal(), second;

	if (fd < 0)
		return false;
	second = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE_STANDARD);
	if (second < 0) {
		close(fd);
		return false;
	}
	stdio.terminal = second;
	input_open(second, true);
	output_terminal(fd);
	if (stdio.size.ws_row || stdio.size.ws_col)
		(void)ioctl(second, TIOCSWINSZ, &stdio.size);
	return true;
}

bool stdio_started(void)
{
	bool complete = !stdio.config->terminal || open_terminal();

	close_console();
	for (int i = 0; i < 3; i++)
		let_go(&stdio.runtime[i]);
	/* Who writes into a pipe shall see that its reader is gone, and it's us only as long as there may be a restart.
	 */
	if (!stdio.config->restart || strcmp(stdio.config->restart, "no") == 0)
		for (int i = 0; i < 3; i++)
			let_go(&stdio.users[i]);
	output_start();
	input_start();
	return complete;
}

void stdio_failed(char *text, size_t size)
{
	close_console();
	for (int i = 0; i < 3; i++)
		let_go(&stdio.runtime[i]);
	output_fail(text, size);
	input_close();
}

void stdio_finish(void (*done)(void))
{
	stdio.terminal = -1;
	input_close();
	output_finish(done);
}

void stdio_let_go(void)
{
	for (int i = 0; i < 3; i++)
		let_go(&stdio.users[i]);
	input_let_go();
	output_let_go();
}

void stdio_resize(unsigned rows, unsigned columns)
{
	if (rows > USHRT_MAX || columns > USHRT_MAX)
		return;
	stdio.size = (struct winsize){.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
	if (stdio.terminal >= 0)
		(void)ioctl(stdio.terminal, TIOCSWINSZ, &stdio.size);
}
