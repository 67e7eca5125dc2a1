#define _GNU_SOURCE
#include "launcher/place.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/die.h"
#include "base/scoped.h"

void place_note(struct place *place)
{
	place->fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	place->path = getcwd(NULL, 0);
}

/* A mount that the namespace did not get leaves the directory below it under the same name. */
static bool is_current(int fd)
{
	struct stat noted, current;

	return fstat(fd, &noted) == 0 && stat(".", &current) == 0 && noted.st_dev == current.st_dev &&
	       noted.st_ino == current.st_ino;
}

void place_return(struct place *place)
{
	scoped_fd fd = place->fd;
	scoped_str path = place->path;
	bool there = path && chdir(path) == 0;

	if (there && fd >= 0 && is_current(fd))
		return;
	if (path && fd < 0) {
		/* Another user's directory, after `sudo -u`. Silence would let `-v .:/data` mean the whole host. */
		warn("Cannot stay in the directory \"%s\": relative paths start at \"/\"", path);
		return;
	}
	if (path) {
		warn("The directory \"%s\" is on a mount that wherry's namespace does not have", path);
		hint("When no container runs, end the process wherry-holder: the next command makes the namespace "
		     "anew");
	}
	if (fd >= 0 && fchdir(fd) < 0)
		warn("Cannot stay in the current directory: relative paths start at \"/\"");
}
