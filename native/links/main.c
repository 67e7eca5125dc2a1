/*
 * wherry-links PLAN [PROGRAM [ARGUMENT...]]: makes and enters network namespaces, makes what is wanted in them, and
 * becomes the program. A process without threads can enter a namespace and Node is none, so it hands over what it wants
 * as lines:
 *
 *   new PATH                   a new network namespace, bound on PATH, which is there; from here on we are in it
 *   enter PATH                 into this one
 *   hold NUMBER PATH           opens PATH as this descriptor, which requests may name
 *   send PLACES HEX WHAT       a request to the kernel (rtnetlink(7)); PLACES: - or OFFSET:INTERFACE/..., where the
 * number of an interface is to be put; WHAT: words for an error write PATH VALUE           into a file below /proc/sys;
 * fine where it says so already
 *
 * A line that begins with "try " may fail, and one with "once " where what it makes is there already. Else the first
 * that fails is told on standard error, and the rest is left.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/die.h"
#include "base/io.h"
#include "base/scoped.h"
#include "links/netlink.h"

/* The socket for requests of the namespace that we are in; -1: none was needed yet. */
static int asking = -1;

static char nothing[1];

/* Cuts the next word off *REST; "" at the end, as *REST is then. */
static char *word(char **rest)
{
	char *found = strsep(rest, " ");

	if (!*rest)
		*rest = nothing;
	return found ? found : nothing;
}

static int enter(int fd)
{
	if (asking >= 0)
		close(asking);
	asking = -1;
	return setns(fd, CLONE_NEWNET);
}

static int line_new(char *rest)
{
	if (asking >= 0)
		close(asking);
	asking = -1;
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	return mount("/proc/self/ns/net", rest, NULL, MS_BIND, NULL);
}

static int line_enter(char *rest)
{
	scoped_fd fd = open(rest, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -1 : enter(fd);
}

/* *REST becomes the path, for errors. */
static int line_hold(char **rest)
{
	int number = atoi(word(rest));
	int fd = open(*rest, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fd == number)
		return fd;
	scoped_fd moved = fd;

	return dup3(moved, number, O_CLOEXEC);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes that HEX stands for; their count, or -1 with EINVAL. */
static ssize_t read_hex(const char *hex, unsigned char *bytes)
{
	size_t size = strlen(hex) / 2;

	errno = EINVAL;
	/* The least that a place may be in. */
	if (size < sizeof(uint32_t) || size > NETLINK_MOST)
		return -1;
	for (size_t at = 0; at < size; at++) {
		int high = digit(hex[2 * at]), low = digit(hex[2 * at + 1]);

		if (high < 0 || low < 0)
			return -1;
		bytes[at] = (unsigned char)(high << 4 | low);
	}
	return (ssize_t)size;
}

/* Puts the numbers of interfaces to their places. */
static int fill(char *places, unsigned char *bytes, size_t size)
{
	char *place;

	while ((place = strsep(&places, "/")) != NULL) {
		char *name = NULL;
		unsigned long at = strtoul(place, &name, 10);
		uint32_t index;

		if (*name++ != ':' || at > size - sizeof(index)) {
			errno = EINVAL;
			return -1;
		}
		index = if_nametoindex(name);
		if (index == 0)
			return -1;
		memcpy(bytes + at, &index, sizeof(index));
	}
	return 0;
}

/* TEXT gets what the kernel says besides errno. *REST is what the request is about afterwards. */
static int line_send(char **rest, char *text)
{
	unsigned char bytes[NETLINK_MOST];
	char *places = word(rest);
	ssize_t size = read_hex(word(rest), bytes);

	if (size < 0)
		return -1;
	if (strcmp(places, "-") != 0 && fill(places, bytes, (size_t)size) < 0)
		return -1;
	if (asking < 0)
		asking = netlink_open();
	return asking < 0 ? -1 : netlink_ask(asking, bytes, (size_t)size, text);
}

static bool says_already(const char *path, const char *value)
{
	scoped_str text = io_read_file(AT_FDCWD, path, NULL);

	if (!text)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, value) == 0;
}

/* *REST becomes the path, for errors. */
static int line_write(char **rest)
{
	char *path = word(rest);
	const char *value = *rest;
	scoped_fd fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && io_write(fd, value, strlen(value)) == 0;
	int error = errno;

	*rest = path;
	if (written || says_already(path, value))
		return 0;
	errno = error;
	return -1;
}

/* Does what a line says; -1 with errno, and then *REST is what it was about. */
static int follow(const char *verb, char **rest, char *text)
{
	if (strcmp(verb, "send") == 0)
		return line_send(rest, text);
	if (strcmp(verb, "write") == 0)
		return line_write(rest);
	if (strcmp(verb, "new") == 0)
		return line_new(*rest);
	if (strcmp(verb, "enter") == 0)
		return line_enter(*rest);
	if (strcmp(verb, "hold") == 0)
		return line_hold(rest);
	errno = EINVAL;
	return -1;
}

static void follow_line(char *line)
{
	char text[NETLINK_TEXT] = "";
	char *rest = line;
	const char *verb = word(&rest);
	bool may_fail = strcmp(verb, "try") == 0;
	bool may_be_there = strcmp(verb, "once") == 0;

	if (may_fail || may_be_there)
		verb = word(&rest);
	if (follow(verb, &rest, text) >= 0 || may_fail || (may_be_there && errno == EEXIST))
		return;
	if (*text)
		die("%s: %s", rest, text);
	die_errno("%s", rest);
}

int main(int count, char **words)
{
	char *line;

	die_as("links");
	if (count < 2)
		die("no plan");
	for (char *plan = words[1]; (line = strsep(&plan, "\n")) != NULL;)
		if (*line)
			follow_line(line);
	if (count == 2)
		return 0;
	execvp(words[2], words + 2);
	die_errno("%s", words[2]);
}
