#define _GNU_SOURCE
#include "launcher/scope.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/scoped.h"
#include "launcher/command.h"

static bool has_manager(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	scoped_str socket = NULL;

	if (!runtime || asprintf(&socket, "%s/systemd/private", runtime) < 0) {
		socket = NULL;
		return false;
	}
	return access(socket, F_OK) == 0;
}

void scope_make(pid_t pid)
{
	scoped_str program = NULL;
	char unit[48], number[16];

	if (!has_manager() || !(program = command_find("busctl")))
		return;
	snprintf(unit, sizeof(unit), "wherry-holder-%d.scope", pid);
	snprintf(number, sizeof(number), "%d", pid);
	/* org.freedesktop.systemd1(5): StartTransientUnit(name, mode, properties, auxiliary units). */
	const char *arguments[] = {
		program,
		"--user",
		"--quiet",
		"--timeout=5",
		"call",
		"org.freedesktop.systemd1",
		"/org/freedesktop/systemd1",
		"org.freedesktop.systemd1.Manager",
		"StartTransientUnit",
		"ssa(sv)a(sa(sv))",
		unit,
		"fail",
		"3",
		"Description",
		"s",
		"wherry: what keeps the namespaces of this user alive",
		"CollectMode",
		"s",
		"inactive-or-failed",
		"PIDs",
		"au",
		"1",
		number,
		"0",
		NULL,
	};

	(void)command_run(arguments, NULL);
}
