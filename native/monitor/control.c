#define _GNU_SOURCE
#include "monitor/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "monitor/outlet.h"
#include "monitor/stdio.h"

enum { LONGEST_LINE = 128, LONGEST_ANSWER = 4096 };

static struct {
	struct watch watch;
	struct outlet out;
	void (*heard)(enum control_event event);
	char line[LONGEST_LINE];
	size_t size;
} control = {.watch.fd = -1};

static void hang_up(void)
{
	if (control.watch.fd < 0)
		return;
	outlet_close(&control.out);
	control.heard(COMMAND_GONE);
}

static void obey(const char *line)
{
	unsigned rows, columns;

	if (strcmp(line, "go") == 0)
		control.heard(COMMAND_GO);
	else if (strcmp(line, "done") == 0)
		control.heard(COMMAND_DONE);
	else if (strcmp(line, "stay") == 0)
		control.heard(COMMAND_STAY);
	else if (sscanf(line, "resize %u %u", &rows, &columns) == 2)
		stdio_resize(rows, columns);
}

static void hear(struct watch *watch, uint32_t events)
{
	char text[LONGEST_LINE];
	ssize_t n;

	if (events & EPOLLOUT && outlet_flush(&control.out) < 0)
		return hang_up();
	if (!(events & ~(uint32_t)EPOLLOUT))
		return;
	n = recv(watch->fd, text, sizeof(text), MSG_DONTWAIT);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return hang_up();
	for (ssize_t i = 0; i < n && watch->fd >= 0; i++) {
		if (text[i] == '\n') {
			control.line[control.size] = '\0';
			control.size = 0;
			obey(control.line);
		} else if (control.size + 1 < sizeof(control.line)) {
			control.line[control.size++] = text[i];
		}
	}
}

void control_open(void (*heard)(enum control_event event))
{
	control.heard = heard;
	watch_init(&control.watch, CONTROL_FD, hear);
	outlet_init(&control.out, &control.watch, OUTLET_SOCKET);
	if (fcntl(CONTROL_FD, F_SETFD, FD_CLOEXEC) < 0 || watch_want(&control.watch, EPOLLIN) < 0) {
		control.watch.fd = -1;
		heard(COMMAND_GONE);
	}
}

void control_say(const char *format, ...)
{
	char line[LONGEST_ANSWER];
	struct iovec part = {.iov_base = line};
	va_list arguments;
	int n;

	if (control.watch.fd < 0)
		return;
	va_start(arguments, format);
	n = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	if (n < 0)
		return;
	part.iov_len = (size_t)n < sizeof(line) - 2 ? (size_t)n : sizeof(line) - 2;
	line[part.iov_len++] = '\n';
	if (outlet_write(&control.out, &part, 1) < 0)
		hang_up();
}
