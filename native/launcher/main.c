/*
 * bin/wherry: brings the user into their namespaces and becomes Node there.
 *
 * Node has threads, and a process with threads may not enter a user namespace (setns(2)); so this goes first. It reads
 * no flags but to see whether the command needs the namespaces at all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/die.h"
#include "base/scoped.h"
#include "launcher/holder.h"
#include "launcher/node.h"
#include "launcher/place.h"
#include "launcher/runtime.h"
#include "launcher/standing.h"

/* What a process that is started from inside (a monitor's clean-up) needs to know that it is there already. */
static const char MARK[] = "WHERRY_INSIDE";

/* Help, version and completion work on a machine that allows no namespaces. */
static bool needs_namespace(int count, char *const words[])
{
	static const char *const never[] = {"--help", "-h",	 "help",       "--version",
					    "-v",     "version", "completion", "__complete"};

	if (count < 2)
		return false;
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		if (strcmp(words[1], never[i]) == 0)
			return false;
	}
	if (count > 2 && strcmp(words[2], "--help") == 0)
		return false;
	return !(count > 3 && words[1][0] != '-' && words[2][0] != '-' && strcmp(words[3], "--help") == 0);
}

/* With closed standard streams, the next file that is opened would be where errors are written to. */
static void keep_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			_exit(EXIT_OURS);
	}
}

/* Whoever gave the program more than its user has would give it to all who can set $PATH or a variable of Node's. */
static void refuse_privileges(void)
{
	bool differs = getuid() != geteuid() || getgid() != getegid();
	bool capable = getauxval(AT_SECURE) && getxattr("/proc/self/exe", "security.capability", NULL, 0) >= 0;

	if (!differs && !capable)
		return;
	warn("Cannot run with the privileges of a setuid, setgid or capability bit: wherry needs none");
	hint("Have root take it away: chmod u-s,g-s on bin/wherry (setcap -r for capabilities)");
	die_quietly();
}

static bool has_sys_admin(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{.effective = 0}};

	return syscall(SYS_capget, &header, data) == 0 && (data[0].effective & (1U << CAP_SYS_ADMIN)) != 0;
}

/* Names the namespaces that this process is in. */
static void describe(char *mark, size_t size)
{
	struct stat user, mount;

	if (stat("/proc/self/ns/user", &user) < 0 || stat("/proc/self/ns/mnt", &mount) < 0)
		die_errno("Cannot look at this process's namespaces in /proc");
	snprintf(mark, size, "%lu.%lu", (unsigned long)user.st_ino, (unsigned long)mount.st_ino);
}

/* Is the environment one that a launcher set in these very namespaces? */
static bool is_inside(void)
{
	const char *told = getenv(MARK);
	char mark[48];

	if (!told)
		return false;
	describe(mark, sizeof(mark));
	return strcmp(told, mark) == 0 && getenv("WHERRY_RUNTIME_DIR") && getenv("WHERRY_NAMESPACE");
}

static void tell_number(const char *name, unsigned int number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	node_tell(name, text);
}

/* The same ids inside as in a fresh shell of the user, even when they came with another group (newgrp(1)). */
static void become_root(void)
{
	if (getegid() != 0 && setresgid(0, 0, 0) < 0)
		die_errno("Cannot become the root group of the namespace");
	if (geteuid() != 0 && setresuid(0, 0, 0) < 0)
		die_errno("Cannot become the root user of the namespace");
}

/*
 * Enters, and gives the runtime directory's path. Containers that were started before this boot's first log-in (by
 * cron, say) are below /tmp; as long as their holder lives, everything goes on there.
 */
static char *enter(bool root, enum inside *inside)
{
	scoped_str path = runtime_path(root);
	scoped_str other = NULL;
	scoped_fd runtime = runtime_open(path);

	if (holder_join(runtime, root, inside))
		return scoped_take_str(&path);
	if (!root) {
		other = runtime_fallback();
		scoped_fd earlier = runtime_peek(other);

		if (earlier >= 0 && holder_join(earlier, root, inside))
			return scoped_take_str(&other);
	}
	*inside = holder_enter(runtime, root);
	return scoped_take_str(&path);
}

static void go_inside(void)
{
	static const char *const names[] = {[INSIDE_USER] = "user", [INSIDE_SINGLE] = "single", [INSIDE_ROOT] = "root"};
	const bool root = geteuid() == 0;
	const mode_t mask = umask(077);
	enum inside inside;
	struct place place;
	char mark[48];

	if (root && !has_sys_admin()) {
		warn("Cannot make a mount namespace: root has no CAP_SYS_ADMIN here");
		hint("Start the container around wherry with --privileged, or run wherry as an ordinary user");
		die_quietly();
	}
	place_note(&place);
	scoped_str path = enter(root, &inside);

	place_return(&place);
	if (!root)
		become_root();
	umask(mask);
	describe(mark, sizeof(mark));
	node_tell(MARK, mark);
	node_tell("WHERRY_RUNTIME_DIR", path);
	node_tell("WHERRY_NAMESPACE", names[inside]);
}

/* Is the answer to this command the one of last time? Else the command is told where to note what it says. */
static bool is_answered(int count, char *const words[])
{
	struct standing standing;
	char told[sizeof(standing.name) + sizeof(standing.stamp)];

	node_tell("WHERRY_STANDING", NULL);
	if (!standing_asked(&standing, count, words))
		return false;
	scoped_str path = runtime_path(geteuid() == 0);

	if (standing_repeat(&standing, path))
		return true;
	snprintf(told, sizeof(told), "%s %s", standing.name, standing.stamp);
	node_tell("WHERRY_STANDING", told);
	return false;
}

/* docker-compose was a program of its own once, and scripts still call it: docker's words, with compose in front. */
static char **with_compose(int count, char *words[])
{
	static char compose[] = "compose";
	char **more = calloc((size_t)count + 2, sizeof(*more));

	if (!more)
		die("Out of memory");
	more[0] = words[0];
	more[1] = compose;
	for (int i = 1; i < count; i++)
		more[i + 1] = words[i];
	return more;
}

int main(int count, char *words[])
{
	const char *slash = count > 0 ? strrchr(words[0], '/') : NULL;
	const char *program = count < 1 ? "wherry" : slash ? slash + 1 : words[0];

	keep_streams();
	if (strcmp(program, "docker-compose") == 0) {
		words = with_compose(count++, words);
		program = "docker";
	}
	die_as(program);
	refuse_privileges();
	const bool inside = is_inside();

	if (!inside && is_answered(count, words))
		return EXIT_SUCCESS;
	scoped_str home = node_home();

	node_tell("WHERRY_PROGRAM", program);
	node_tell("WHERRY_HOME", home);
	if (!inside) {
		tell_number("WHERRY_UID", geteuid());
		tell_number("WHERRY_GID", getegid());
		if (needs_namespace(count, words)) {
			go_inside();
		} else {
			scoped_str path = runtime_path(geteuid() == 0);

			node_tell(MARK, NULL);
			node_tell("WHERRY_RUNTIME_DIR", path);
			node_tell("WHERRY_NAMESPACE", "none");
		}
	}
	node_become(home, count > 0 ? count - 1 : 0, words + 1);
}
