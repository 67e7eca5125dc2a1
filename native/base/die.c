#define _GNU_SOURCE
#include "base/die.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/io.h"

enum { LINE_SIZE = 4096 + 1024 }; /* a path and a sentence */

static const char *program = "wherry";

void die_as(const char *name)
{
	program = name;
}

/* One write, so that the lines of processes that fail together don't mix. A line that is too long is cut. */
static void say(const char *before, int error, const char *format, va_list arguments)
{
	char line[LINE_SIZE];
	size_t room = sizeof(line) - 1, used = 0;
	int n = snprintf(line, room, "%s: ", before);

	if (n > 0)
		used = (size_t)n < room ? (size_t)n : room - 1;
	n = vsnprintf(line + used, room - used, format, arguments);
	if (n > 0)
		used += (size_t)n < room - used ? (size_t)n : room - used - 1;
	if (error) {
		n = snprintf(line + used, room - used, ": %s", strerror(error));
		if (n > 0)
			used += (size_t)n < room - used ? (size_t)n : room - used - 1;
	}
	line[used++] = '\n';
	/* Nobody is left to tell when standard error is gone. */
	(void)io_write(STDERR_FILENO, line, used);
}

void warn(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(program, 0, format, arguments);
	va_end(arguments);
}

void hint(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say("hint", 0, format, arguments);
	va_end(arguments);
}

void die(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	say(program, 0, format, arguments);
	va_end(arguments);
	die_quietly();
}

void die_errno(const char *format, ...)
{
	int error = errno;
	va_list arguments;

	va_start(arguments, format);
	say(program, error, format, arguments);
	va_end(arguments);
	die_quietly();
}

void die_quietly(void)
{
	_exit(EXIT_OURS);
}
