#define _GNU_SOURCE
#include "monitor/ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/scoped.h"
#include "monitor/port.h"

enum { BACKLOG = 4096 };

static bool parse_address(const char *text, long port, union address *address)
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

static bool is_loopback(const union address *address)
{
	if (address->any.sa_family == AF_INET)
		return ntohl(address->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return IN6_IS_ADDR_LOOPBACK(&address->v6.sin6_addr);
}

/* Without the rules or the right it fails, and the container sees the gateway's address, as with other tools. */
static void show_client(int fd, union address client)
{
	int yes = 1;
	bool is_v4 = client.any.sa_family == AF_INET;

	if (is_v4)
		client.v4.sin_port = 0;
	else
		client.v6.sin6_port = 0;
	if (setsockopt(fd, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, &yes,
		       sizeof(yes)) == 0)
		(void)bind(fd, &client.any, address_size(&client));
}

int port_dial(const struct port *port, const union address *client)
{
	int fd = socket(port->to.any.sa_family, port->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && port->transparent && client->any.sa_family == port->to.any.sa_family && !is_loopback(client))
		show_client(fd, *client);
	return fd;
}

/* "PROTOCOL HOST-ADDRESS HOST-PORT CONTAINER-ADDRESS CONTAINER-PORT" */
static bool parse(const char *text, struct port *port)
{
	char protocol[4], from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];
	long from_port, to_port;

	/* The widths are the arrays' sizes, less one. */
	if (sscanf(text, "%3s %45s %ld %45s %ld", protocol, from, &from_port, to, &to_port) != 5)
		return false;
	port->type = strcmp(protocol, "tcp") == 0 ? SOCK_STREAM : SOCK_DGRAM;
	if (port->type == SOCK_DGRAM && strcmp(protocol, "udp") != 0)
		return false;
	return parse_address(from, from_port, &port->from) && parse_address(to, to_port, &port->to);
}

static int bind_port(struct port *port)
{
	int yes = 1;
	scoped_fd fd = socket(port->from.any.sa_family, port->type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	/* Without it a service that was just ended keeps its port for a minute. For datagrams it would let two have
	 * one. */
	if (port->type == SOCK_STREAM && setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0)
		return -1;
	/* 0.0.0.0 has its own line. */
	if (port->from.any.sa_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) < 0)
		return -1;
	if (bind(fd, &port->from.any, address_size(&port->from)) < 0)
		return -1;
	if (port->type == SOCK_STREAM && listen(fd, BACKLOG) < 0)
		return -1;
	if (port->type == SOCK_STREAM)
		tcp_listen(port, fd);
	else if (udp_listen(port, fd) < 0)
		return -1;
	/* The watch has it now. */
	scoped_take_fd(&fd);
	return watch_want(&port->watch, EPOLLIN);
}

static bool enter_network(const struct config *config, char *problem, size_t size)
{
	if (!config->network)
		return true;
	scoped_fd network = open(config->network, O_RDONLY | O_CLOEXEC);

	if (network >= 0 && setns(network, CLONE_NEWNET) == 0)
		return true;
	snprintf(problem, size, "cannot enter the network namespace \"%s\": %s", config->network, strerror(errno));
	return false;
}

/* All ports, for as long as the process lives. */
static struct port *ports;
static size_t port_count;

/* The others are free again at once, though the command has still to hear of it. */
static void close_all(void)
{
	for (size_t i = 0; i < port_count; i++)
		watch_close(&ports[i].watch);
}

static bool open_port(struct port *port, const char *line, char *problem, size_t size)
{
	char protocol[8], address[64], number[8];

	if (!parse(line, port)) {
		snprintf(problem, size, "cannot publish \"%s\": no valid addresses and ports", line);
		return false;
	}
	/* As with Docker, a host without IPv6 just has no such addresses. */
	if (bind_port(port) == 0 || (errno == EAFNOSUPPORT && port->from.any.sa_family == AF_INET6))
		return true;
	if (sscanf(line, "%7s %63s %7s", protocol, address, number) == 3)
		snprintf(problem, size, "bind %s %s %s %s", protocol, address, number, strerrorname_np(errno));
	return false;
}

bool ports_open(const struct config *config, char *problem, size_t size)
{
	if (config->publish.count == 0)
		return true;
	ports = calloc(config->publish.count, sizeof(*ports));
	if (!ports) {
		snprintf(problem, size, "cannot publish ports: %s", strerror(errno));
		return false;
	}
	for (; port_count < config->publish.count; port_count++) {
		struct port *port = &ports[port_count];

		port->watch.fd = -1;
		port->transparent = config->transparent != 0;
		if (!open_port(port, config->publish.items[port_count], problem, size)) {
			close_all();
			return false;
		}
	}
	if (enter_network(config, problem, size))
		return true;
	close_all();
	return false;
}
