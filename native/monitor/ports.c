#define _GNU_SOURCE
#include "monitor/ports.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/scoped.h"
#include "monitor/dial.h"
#include "monitor/overflow.h"
#include "monitor/port.h"
#include "monitor/tcp.h"

enum { BACKLOG = 4096 };

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
	return address_parse(from, from_port, &port->from) && address_parse(to, to_port, &port->to);
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

void ports_close(void)
{
	overflow_end();
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
	if (!dial_prepare(config)) {
		snprintf(problem, size, "cannot publish ports: no valid subnet that the container is on");
		return false;
	}
	ports = calloc(config->publish.count, sizeof(*ports));
	if (!ports) {
		snprintf(problem, size, "cannot publish ports: %s", strerror(errno));
		return false;
	}
	for (; port_count < config->publish.count; port_count++) {
		struct port *port = &ports[port_count];

		port->watch.fd = -1;
		if (!open_port(port, config->publish.items[port_count], problem, size)) {
			/* The others are free again at once, though the command has still to hear of it. */
			ports_close();
			return false;
		}
	}
	overflow_prepare(ports, port_count);
	if (enter_network(config, problem, size))
		return true;
	ports_close();
	return false;
}

bool ports_lead(const char *text)
{
	char words[2][INET6_ADDRSTRLEN];
	union address to[2];
	int count = sscanf(text, "%45s %45s", words[0], words[1]);

	for (int i = 0; i < count; i++)
		if (!address_parse(words[i], 0, &to[i]))
			return false;
	dial_forget_near();
	overflow_outdated();
	for (size_t i = 0; i < port_count; i++) {
		struct port *port = &ports[i];
		in_port_t number = port->to.any.sa_family == AF_INET ? port->to.v4.sin_port : port->to.v6.sin6_port;

		port->closed = count < 1;
		if (port->closed)
			continue;
		/* Each version leads to its own where there is one. */
		port->to = to[count == 2 && to[1].any.sa_family == port->from.any.sa_family];
		if (port->to.any.sa_family == AF_INET)
			port->to.v4.sin_port = number;
		else
			port->to.v6.sin6_port = number;
	}
	return true;
}
