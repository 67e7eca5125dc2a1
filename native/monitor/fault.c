#define _GNU_SOURCE
#include "monitor/fault.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/scoped.h"
#include "monitor/json.h"

enum { MESSAGE = 2048, NAME = 512 };

/* The runtimes log JSON objects, over one line (runc, older crun) or several (newer crun). The last one counts. */
static void last_message(const struct config *config, const char *said, char *message, size_t size)
{
	scoped_str text = config->runtime_log ? io_read_file(AT_FDCWD, config->runtime_log, NULL) : NULL;
	const char *last = NULL;

	for (const char *at = text; at && (at = strstr(at, "\"msg\"")); at++)
		last = at;
	if (!last || !json_member(last, "msg", message, size))
		snprintf(message, size, "%s", said);
	for (char *at = message; *at; at++)
		if ((unsigned char)*at < ' ')
			*at = ' ';
	for (size_t length = strlen(message); length > 0 && message[length - 1] == ' '; length--)
		message[length - 1] = '\0';
}

/* What stands between backticks in crun's messages. */
static bool quoted_name(const char *message, char *name, size_t size)
{
	const char *from = strchr(message, '`'), *to = from ? strchr(from + 1, '`') : NULL;

	if (!to)
		return false;
	snprintf(name, size, "%.*s", (int)(to - from - 1), from + 1);
	return true;
}

/* The program's name out of the file that the runtime was given: the first string of the first "args". */
static bool configured_name(const struct config *config, char *name, size_t size)
{
	scoped_str text = NULL;
	char *at = NULL;

	for (size_t i = 0; i + 1 < config->runtime.count; i++) {
		const char *value = config->runtime.items[i + 1];
		char path[4096];

		if (strcmp(config->runtime.items[i], "--bundle") == 0)
			snprintf(path, sizeof(path), "%s/config.json", value);
		else if (strcmp(config->runtime.items[i], "--process") == 0)
			snprintf(path, sizeof(path), "%s", value);
		else
			continue;
		text = io_read_file(AT_FDCWD, path, NULL);
		break;
	}
	at = text ? strstr(text, "\"args\"") : NULL;
	at = at ? strchr(at, '[') : NULL;
	if (!at)
		return false;
	at += 1 + strspn(at + 1, " \t\r\n");
	if (*at != '"')
		return false;
	return snprintf(name, size, "%.*s", (int)strcspn(at + 1, "\""), at + 1) > 0;
}

static bool has(const char *text, const char *words)
{
	return strcasestr(text, words) != NULL;
}

/* crun's sentences become those of runc, which Docker shows. false: nothing about a program. */
static bool about_program(const struct config *config, const char *message, char *text, size_t size)
{
	const char *runc = strstr(message, "exec: \"");
	char name[NAME] = "";

	if (runc) {
		snprintf(text, size, "%s", runc);
		return true;
	}
	if (!has(message, "executable") && !has(message, "is not a regular file"))
		return false;
	if (!quoted_name(message, name, sizeof(name)) && !configured_name(config, name, sizeof(name)))
		return false;
	if (has(message, "not found") && strchr(name, '/'))
		snprintf(text, size, "exec: \"%s\": stat %s: no such file or directory", name, name);
	else if (has(message, "not found"))
		snprintf(text, size, "exec: \"%s\": executable file not found in $PATH", name);
	else if (has(message, "is not a regular file"))
		snprintf(text, size, "exec: \"%s\": is a directory: permission denied", name);
	else if (has(message, "permission denied") || has(message, "not permitted"))
		snprintf(text, size, "exec: \"%s\": permission denied", name);
	else
		return false;
	return true;
}

/* As the docker command maps them (cli/command/container/run.go, toStatusError). */
static int status_of(const char *text)
{
	if (has(text, "executable file not found") || has(text, "no such file or directory"))
		return 127;
	if (has(text, "permission denied") || has(text, "is a directory"))
		return 126;
	return 125;
}

int fault_read(const struct config *config, const char *said, int status, char *text, size_t size)
{
	const char *before = config_is_exec(config) ? "OCI runtime exec failed: exec failed"
						    : "OCI runtime create failed: create failed";
	char message[MESSAGE], program[MESSAGE];

	last_message(config, said, message, sizeof(message));
	if (about_program(config, message, program, sizeof(program)))
		snprintf(text, size, "%s: unable to start container process: %s", before, program);
	else if (*message)
		snprintf(text, size, "%s: %s", before, message);
	else
		snprintf(text, size, "%s: %s ended with status %d and no message", before, config->runtime.items[0],
			 status);
	return status_of(text);
}

bool fault_refused(const char *bytes, size_t size, char *text, size_t room)
{
	static const char before[] = "exec container process ";
	char object[MESSAGE], message[MESSAGE];
	const char *end, *from = object;
	char name[NAME];

	if (size >= sizeof(object))
		return false;
	memcpy(object, bytes, size);
	object[size] = '\0';
	/* On a terminal it is red. */
	if (*from == '\x1b')
		from += strcspn(from, "m") + 1;
	if (from >= object + size || *from != '{')
		return false;
	if (!json_member(from, "msg", message, sizeof(message)) || strncmp(message, before, strlen(before)) != 0)
		return false;
	/* Before the name it may guess: "(missing dynamic library?)". */
	end = strrchr(message, '`');
	if (!quoted_name(message, name, sizeof(name)) || strncmp(end, "`: ", 3) != 0 || !end[3])
		return false;
	snprintf(text, room, "exec %s: %c%s", name, tolower((unsigned char)end[3]), end + 4);
	return true;
}
