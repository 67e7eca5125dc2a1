#define _GNU_SOURCE
#include "launcher/runtime.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/scoped.h"

/* Neither a symbolic link nor shared with anybody. */
static bool is_private(const char *path)
{
	struct stat stat;

	return path[0] == '/' && lstat(path, &stat) == 0 && S_ISDIR(stat.st_mode) && stat.st_uid == geteuid() &&
	       (stat.st_mode & 07777) == 0700;
}

static char *join(const char *directory, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", directory, name) < 0)
		die("Out of memory");
	return path;
}

char *runtime_fallback(void)
{
	char name[32];

	snprintf(name, sizeof(name), "wherry-%u", geteuid());
	return join("/tmp", name);
}

char *runtime_path(bool root)
{
	const char *xdg = getenv("XDG_RUNTIME_DIR");
	char login[32];

	if (root)
		return join("/run", "wherry");
	/* After `su` it may still be another user's: then it is as good as not set. */
	if (xdg && is_private(xdg))
		return join(xdg, "wherry");
	snprintf(login, sizeof(login), "/run/user/%u", geteuid());
	if (is_private(login))
		return join(login, "wherry");
	return runtime_fallback();
}

static void hint_to_false_root(void)
{
	hint("Root without the right to write in /run is root of a user namespace only: run wherry outside of "
	     "it");
}

static void make_directory(const char *path)
{
	if (mkdir(path, 0700) == 0 || errno == EEXIST)
		return;
	int error = errno;

	warn("Cannot make the runtime directory \"%s\": %s", path, strerror(error));
	if (geteuid() == 0)
		hint_to_false_root();
	else
		hint("Set XDG_RUNTIME_DIR to a directory of your own with mode 0700");
	die_quietly();
}

static int open_directory(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* What is wrong with an open directory; NULL when it can be trusted. */
static const char *flaw(int fd)
{
	struct stat stat;

	if (fstat(fd, &stat) < 0)
		return strerror(errno);
	if (stat.st_uid != geteuid())
		return "another user owns it";
	if ((stat.st_mode & 022) != 0)
		return "other users may write there";
	/* Only readable for others: that does no harm yet, and ends here. */
	if ((stat.st_mode & 0777) != 0700 && fchmod(fd, 0700) < 0)
		return strerror(errno);
	return NULL;
}

int runtime_peek(const char *path)
{
	scoped_fd fd = open_directory(path);

	return fd >= 0 && !flaw(fd) ? scoped_take_fd(&fd) : -1;
}

int runtime_open(const char *path)
{
	scoped_fd fd = open_directory(path);
	const char *wrong;

	if (fd < 0 && errno == ENOENT) {
		make_directory(path);
		fd = open_directory(path);
	}
	/* Somebody else may have been first in /tmp: with a link, a file or a directory of theirs. */
	bool denied = fd < 0 && errno == EACCES;
	wrong = fd < 0 ? strerror(errno) : flaw(fd);
	if (wrong) {
		warn("Cannot use the runtime directory \"%s\": %s", path, wrong);
		if (denied && geteuid() == 0)
			hint_to_false_root();
		else
			hint("Remove it, or set XDG_RUNTIME_DIR to a directory of your own with mode 0700");
		die_quietly();
	}
	return scoped_take_fd(&fd);
}
