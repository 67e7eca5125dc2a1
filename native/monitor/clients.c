#define _GNU_SOURCE
#include "monitor/clients.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "monitor/chunk.h"
#include "monitor/dial.h"
#include "monitor/log.h"
#include "monitor/input.h"
#include "monitor/outlet.h"
#include "monitor/output.h"
#include "monitor/ports.h"
#include "monitor/stdio.h"

enum { HEADER = 8, LONGEST_CONTROL = 128, BACKLOG = 128, MOST_AT_ONCE = 64 * 1024, ACCEPT_AGAIN = 100 /* ms */ };

enum { FRAME_IN = 0, FRAME_CONTROL = 3 };

struct client {
	struct watch watch;
	struct outlet out;
	struct client *next;
	unsigned attached; /* STREAM_… */
	bool waits;
	bool checks; /* it waits for a health check */
	bool cleans; /* it will clean up after the end */
	bool held;   /* it has sent more input than the container takes */
	bool silent; /* it has closed its side */
	bool leaves; /* it is gone, but input it sent is still to be read */
	unsigned char header[HEADER];
	size_t header_size;
	size_t rest; /* of the frame's contents */
	char control[LONGEST_CONTROL];
	size_t control_size;
};

static struct {
	struct watch watch;
	const struct config *config;
	const struct client_calls *calls;
	struct client *first;
	struct timer again;
	bool cleaned; /* one of them has cleaned up */
} clients = {.watch.fd = -1};

static void listen_again(struct timer *timer)
{
	(void)timer;
	(void)watch_want(&clients.watch, EPOLLIN);
}

/* Docker closes the standard input of a container that was made for one client when that client is gone. */
static void input_over(const struct client *client)
{
	if (client->attached & STREAM_IN && clients.config->stdin_once && !clients.config->terminal)
		input_end();
}

static void drop(struct client *client)
{
	if (client->watch.fd < 0)
		return;
	outlet_close(&client->out);
	for (struct client **at = &clients.first; *at; at = &(*at)->next) {
		if (*at == client) {
			*at = client->next;
			break;
		}
	}
	input_over(client);
	loop_bury(&client->watch, client);
	output_resume();
}

/* One frame to one client, which is dropped when it is gone. */
static void send_frame(struct client *client, unsigned char type, const char *bytes, size_t size)
{
	unsigned char header[HEADER] = {type,
					0,
					0,
					0,
					(unsigned char)(size >> 24),
					(unsigned char)(size >> 16),
					(unsigned char)(size >> 8),
					(unsigned char)size};
	struct iovec parts[2] = {{header, HEADER}, {(void *)(size_t)bytes, size}};

	if (!client->leaves && outlet_write(&client->out, parts, 2) < 0)
		drop(client);
}

static void tell(struct client *client, const char *news)
{
	send_frame(client, FRAME_CONTROL, news, strlen(news));
}

static void attach(struct client *client, unsigned mask)
{
	client->attached = mask & (STREAM_IN | STREAM_OUT | STREAM_ERR);
	client->waits = true;
	tell(client, "attached");
	if (clients.calls->ended())
		tell(client, clients.calls->ended());
	else
		clients.calls->attached();
}

static void obey(struct client *client)
{
	const char *word = client->control;
	unsigned first, second;
	char policy[16];
	long long most;

	if (sscanf(word, "attach %u", &first) == 1) {
		attach(client, first);
	} else if (sscanf(word, "resize %u %u", &first, &second) == 2) {
		stdio_resize(first, second);
	} else if (strcmp(word, "stop") == 0) {
		tell(client, "stopping");
		clients.calls->stop();
	} else if (strcmp(word, "wait") == 0) {
		client->waits = true;
		if (clients.calls->ended())
			tell(client, clients.calls->ended());
	} else if (strcmp(word, "clean") == 0) {
		client->cleans = client->waits = true;
		tell(client, "cleaning");
		if (clients.calls->ended())
			tell(client, clients.calls->ended());
	} else if (strcmp(word, "done") == 0) {
		client->cleans = false;
		/* Before the end there is nothing that it could have cleaned up. */
		clients.cleaned = clients.calls->ended() != NULL;
	} else if (sscanf(word, "policy %15s %lld", policy, &most) == 2 && clients.calls->policy(policy, most)) {
		tell(client, "policy");
	} else if (strncmp(word, "lead ", 5) == 0 && ports_lead(word + 5)) {
		tell(client, "leads");
	} else if (strncmp(word, "near ", 5) == 0 && dial_add_near(word + 5)) {
		tell(client, "near");
	} else if (sscanf(word, "unhealthy %15s", policy) == 1 && clients.calls->action(policy)) {
		tell(client, "unhealthy");
	} else if (strcmp(word, "check") == 0) {
		client->checks = true;
		if (!clients.calls->check())
			clients_checked("checked -1 none");
	} else if (strcmp(word, "pause") == 0 || strcmp(word, "unpause") == 0) {
		tell(client, clients.calls->pause(*word == 'p') ? word : "not-running");
	} else if (strcmp(word, "close-stdin") == 0) {
		input_over(client);
	} else if (strcmp(word, "reopen") == 0) {
		log_reopen();
	} else {
		drop(client);
	}
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* A frame's head is whole: what comes now? */
static bool begin_frame(struct client *client)
{
	const unsigned char *h = client->header;

	client->header_size = 0;
	client->rest = (size_t)h[4] << 24 | (size_t)h[5] << 16 | (size_t)h[6] << 8 | h[7];
	client->control_size = 0;
	if (h[0] == FRAME_CONTROL)
		return client->rest > 0 && client->rest < LONGEST_CONTROL;
	return h[0] == FRAME_IN;
}

/* Takes what has come of a frame's contents; how much was used. */
static size_t take_contents(struct client *client, const char *bytes, size_t size)
{
	size_t used = least(size, client->rest);

	client->rest -= used;
	if (client->header[0] == FRAME_IN) {
		if (client->attached & STREAM_IN) {
			input_feed(bytes, used);
			client->held = input_full();
		}
		return used;
	}
	memcpy(client->control + client->control_size, bytes, used);
	client->control_size += used;
	if (client->rest == 0) {
		client->control[client->control_size] = '\0';
		obey(client);
	}
	return used;
}

/* Frames come in any pieces. */
static void take(struct client *client, const char *bytes, size_t size)
{
	while (size > 0 && client->watch.fd >= 0) {
		size_t used;

		if (client->rest > 0) {
			used = take_contents(client, bytes, size);
		} else {
			used = least(size, HEADER - client->header_size);
			memcpy(client->header + client->header_size, bytes, used);
			client->header_size += used;
			if (client->header_size == HEADER && !begin_frame(client))
				return drop(client);
		}
		bytes += used;
		size -= used;
	}
}

static void receive(struct client *client)
{
	ssize_t n = recv(client->watch.fd, chunk, MOST_AT_ONCE, MSG_DONTWAIT);

	if (n > 0) {
		chunk_used((size_t)n);
		take(client, chunk, (size_t)n);
	} else if (n == 0 && !client->leaves) {
		/* It sends no more, but may still read. */
		watch_drop(&client->watch, EPOLLIN);
		client->silent = true;
		input_over(client);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		drop(client);
	}
}

static void client_ready(struct watch *watch, uint32_t events)
{
	struct client *client = loop_owner(watch, struct client, watch);

	if (events & EPOLLERR)
		return drop(client);
	if (events & EPOLLHUP && !client->leaves) {
		/* Nobody reads any more; what was typed before still counts. */
		client->leaves = true;
		outlet_forget(&client->out);
		output_resume();
	}
	if (events & EPOLLOUT) {
		if (outlet_flush(&client->out) < 0)
			return drop(client);
		if (!outlet_busy(&client->out))
			output_resume();
	}
	if (events & (EPOLLIN | EPOLLHUP) && !client->held)
		receive(client);
	if (!client->held)
		return;
	watch_drop(watch, EPOLLIN);
	/* That it is gone would be told again and again. */
	if (client->leaves)
		watch_pause(watch);
}

static void accept_clients(struct watch *watch, uint32_t events)
{
	(void)events;
	for (;;) {
		int fd = accept4(watch->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		struct client *client;

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0 && errno != EAGAIN) {
			watch_pause(watch);
			timer_set(&clients.again, ACCEPT_AGAIN, listen_again);
		}
		if (fd < 0)
			return;
		client = calloc(1, sizeof(*client));
		if (!client) {
			close(fd);
			continue;
		}
		watch_init(&client->watch, fd, client_ready);
		outlet_init(&client->out, &client->watch, OUTLET_SOCKET);
		client->next = clients.first;
		clients.first = client;
		if (watch_want(&client->watch, EPOLLIN) < 0)
			drop(client);
	}
}

int clients_open(const struct config *config, const struct client_calls *calls)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	clients.config = config;
	clients.calls = calls;
	if (!config->socket)
		return 0;
	if (strlen(config->socket) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, config->socket);
	if (unlink(config->socket) < 0 && errno != ENOENT)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -1;
	watch_init(&clients.watch, fd, accept_clients);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, BACKLOG) < 0)
		return -1;
	return watch_want(&clients.watch, EPOLLIN);
}

void clients_send(unsigned stream, const char *bytes, size_t size)
{
	for (struct client *client = clients.first, *next; client; client = next) {
		next = client->next;
		if (client->attached & stream)
			send_frame(client, stream == STREAM_OUT ? 1 : 2, bytes, size);
	}
}

bool clients_busy(unsigned stream)
{
	for (const struct client *client = clients.first; client; client = client->next)
		if (client->attached & stream && outlet_busy(&client->out))
			return true;
	return false;
}

void clients_tell(const char *news)
{
	for (struct client *client = clients.first, *next; client; client = next) {
		next = client->next;
		if (client->waits)
			tell(client, news);
	}
}

void clients_checked(const char *news)
{
	for (struct client *client = clients.first, *next; client; client = next) {
		next = client->next;
		if (client->checks) {
			client->checks = false;
			tell(client, news);
		}
	}
}

void clients_resume(void)
{
	for (struct client *client = clients.first; client; client = client->next) {
		if (client->held && (!client->silent || client->leaves))
			(void)watch_add(&client->watch, EPOLLIN);
		client->held = false;
	}
}

void clients_close(void)
{
	if (clients.watch.fd < 0)
		return;
	timer_clear(&clients.again);
	watch_close(&clients.watch);
	(void)unlink(clients.config->socket);
}

bool clients_pending(void)
{
	for (const struct client *client = clients.first; client; client = client->next)
		if (outlet_busy(&client->out))
			return true;
	return false;
}

bool clients_cleaning(void)
{
	for (const struct client *client = clients.first; client; client = client->next)
		if (client->cleans && !client->leaves)
			return true;
	return false;
}

bool clients_cleaned(void)
{
	return clients.cleaned;
}
