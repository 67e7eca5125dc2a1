#define _GNU_SOURCE
#include "monitor/dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/scoped.h"

enum { SEES_V4 = 1, SEES_V6 = 2 };

struct subnet {
	union address address;
	unsigned prefix;
};

static struct {
	long long sees; /* SEES_… */
	struct subnet *near;
	size_t count;
} dialing;

bool address_parse(const char *text, long port, union address *address)
{
	*address = (union address){0};
	if (port < 0 || port > 65535)
		return false;
	if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
		address->v4.sin_family = AF_INET;
		address->v4.sin_port = htons((uint16_t)port);
		return true;
	}
	if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1) {
		address->v6.sin6_family = AF_INET6;
		address->v6.sin6_port = htons((uint16_t)port);
		return true;
	}
	return false;
}

socklen_t address_size(const union address *address)
{
	return address->any.sa_family == AF_INET ? sizeof(address->v4) : sizeof(address->v6);
}

static const unsigned char *bytes_of(const union address *address)
{
	return address->any.sa_family == AF_INET ? (const unsigned char *)&address->v4.sin_addr
						 : (const unsigned char *)&address->v6.sin6_addr;
}

void dial_forget_near(void)
{
	free(dialing.near);
	dialing.near = NULL;
	dialing.count = 0;
}

bool dial_add_near(const char *text)
{
	scoped_str copy = strdup(text);
	char *slash = copy ? strchr(copy, '/') : NULL;
	struct subnet *grown, subnet;
	char *end = NULL;

	if (!slash)
		return false;
	*slash++ = '\0';
	subnet.prefix = (unsigned)strtoul(slash, &end, 10);
	if (end == slash || *end || !address_parse(copy, 0, &subnet.address) ||
	    subnet.prefix > (subnet.address.any.sa_family == AF_INET ? 32 : 128))
		return false;
	grown = realloc(dialing.near, (dialing.count + 1) * sizeof(*grown));
	if (!grown)
		return false;
	dialing.near = grown;
	dialing.near[dialing.count++] = subnet;
	return true;
}

bool dial_prepare(const struct config *config)
{
	dialing.sees = config->transparent;
	for (size_t i = 0; i < config->near.count; i++)
		if (!dial_add_near(config->near.items[i]))
			return false;
	return true;
}

static bool contains(const struct subnet *subnet, const union address *address)
{
	const unsigned char *ours = bytes_of(&subnet->address), *theirs = bytes_of(address);
	unsigned whole = subnet->prefix / 8, rest = subnet->prefix % 8;

	if (subnet->address.any.sa_family != address->any.sa_family || memcmp(ours, theirs, whole) != 0)
		return false;
	return rest == 0 || (ours[whole] ^ theirs[whole]) >> (8 - rest) == 0;
}

bool is_loopback(const union address *address)
{
	if (address->any.sa_family == AF_INET)
		return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

/* Can the container answer to the client's own address? */
static bool sees(const union address *to, const union address *client)
{
	if (client->any.sa_family != to->any.sa_family || is_loopback(client))
		return false;
	if (client->any.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&client->v6.sin6_addr))
		return false;
	if (!(dialing.sees & (client->any.sa_family == AF_INET ? SEES_V4 : SEES_V6)))
		return false;
	for (size_t i = 0; i < dialing.count; i++)
		if (contains(&dialing.near[i], client))
			return false;
	return true;
}

/* The client's port too, if nobody has it: the same client may speak with two ports of the container. */
static int take_place_of(int fd, union address client, bool own_port)
{
	int yes = 1;
	bool is_v4 = client.any.sa_family == AF_INET;
	int level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;

	if (setsockopt(fd, level, is_v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, &yes, sizeof(yes)) < 0)
		return -1;
	if (own_port) {
		if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0)
			return -1;
	} else {
		/* The kernel chooses one when it knows with whom we speak. */
		(void)setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof(yes));
		if (is_v4)
			client.v4.sin_port = 0;
		else
			client.v6.sin6_port = 0;
	}
	return bind(fd, &client.any, address_size(&client));
}

/* FOR: whose place to take; NULL for the gateway's. */
static int try(const struct port *port, const union address *client, bool own_port)
{
	scoped_fd fd = socket(port->to.any.sa_family, port->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || (client && take_place_of(fd, *client, own_port) < 0))
		return -1;
	if (connect(fd, &port->to.any, address_size(&port->to)) < 0 && errno != EINPROGRESS)
		return -1;
	return scoped_take_fd(&fd);
}

int dial(const struct port *port, const union address *client)
{
	int fd;

	if (!sees(&port->to, client))
		return try(port, NULL, false);
	fd = try(port, client, true);
	if (fd < 0 && (errno == EADDRINUSE || errno == EADDRNOTAVAIL))
		fd = try(port, client, false);
	/* Rights that were there at the start may be gone; all but the address still works. */
	if (fd < 0 && (errno == EPERM || errno == EACCES || errno == EADDRNOTAVAIL))
		fd = try(port, NULL, false);
	return fd;
}
