#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/chunk.h"
#include "monitor/dial.h"
#include "monitor/life.h"
#include "monitor/port.h"

enum {
	AT_ONCE = 64, /* datagrams in one round */
	LARGEST = 64 * 1024,
	QUIET = 90 * 1000, /* ms after which a peer is forgotten, as Docker's proxy does */
	LOOK = 15 * 1000,
	BUCKETS = 1024,
	MOST_PEERS = 8192, /* then who was quiet for longest is forgotten */
};

/* Where a datagram came to: the answer must come from there, though the socket is bound to all addresses. */
struct place {
	bool known;
	union {
		struct in_pktinfo v4;
		struct in6_pktinfo v6;
	};
};

/* A client of a port, with a socket of its own that the container answers to. */
struct peer {
	struct watch watch;
	struct port *port;
	union address address;
	struct place place;
	uint64_t seen;	   /* ms */
	struct peer *next; /* of the same bucket */
	struct peer *older, *newer;
};

static struct peer *buckets[BUCKETS];
static struct peer *oldest, *newest; /* by when they were seen */
static size_t peers;
static struct timer look;

static struct peer **bucket_of(const union address *address)
{
	const unsigned char *bytes = (const unsigned char *)address;
	uint32_t hash = 2166136261; /* FNV-1a */

	for (socklen_t i = 0; i < address_size(address); i++)
		hash = (hash ^ bytes[i]) * 16777619;
	return &buckets[hash % BUCKETS];
}

static void take_out(struct peer *peer)
{
	*(peer->older ? &peer->older->newer : &oldest) = peer->newer;
	*(peer->newer ? &peer->newer->older : &newest) = peer->older;
}

static void put_last(struct peer *peer)
{
	peer->seen = loop_now();
	peer->newer = NULL;
	peer->older = newest;
	*(newest ? &newest->newer : &oldest) = peer;
	newest = peer;
}

static void see(struct peer *peer)
{
	take_out(peer);
	put_last(peer);
}

static void drop(struct peer *peer)
{
	for (struct peer **at = bucket_of(&peer->address); *at; at = &(*at)->next) {
		if (*at == peer) {
			*at = peer->next;
			break;
		}
	}
	take_out(peer);
	watch_close(&peer->watch);
	loop_bury(&peer->watch, peer);
	peers--;
}

static void drop_quiet(struct timer *timer)
{
	uint64_t now = loop_now();

	while (oldest && now - oldest->seen > QUIET)
		drop(oldest);
	if (peers > 0)
		timer_set(timer, LOOK, drop_quiet);
}

/* Sends to the client, from the address that it had sent to. */
static void answer(const struct peer *peer, const char *bytes, size_t size)
{
	union {
		char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control = {0};
	struct iovec part = {(void *)(size_t)bytes, size};
	struct msghdr message = {
		.msg_name = (void *)(size_t)&peer->address,
		.msg_namelen = address_size(&peer->address),
		.msg_iov = &part,
		.msg_iovlen = 1,
	};
	bool is_v4 = peer->address.any.sa_family == AF_INET;
	size_t info = is_v4 ? sizeof(peer->place.v4) : sizeof(peer->place.v6);

	if (peer->place.known) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(info);
		struct cmsghdr *head = CMSG_FIRSTHDR(&message);

		head->cmsg_level = is_v4 ? IPPROTO_IP : IPPROTO_IPV6;
		head->cmsg_type = is_v4 ? IP_PKTINFO : IPV6_PKTINFO;
		head->cmsg_len = CMSG_LEN(info);
		memcpy(CMSG_DATA(head), &peer->place.v4, info);
	}
	/* Datagrams may be lost; that is their nature. */
	(void)sendmsg(peer->port->watch.fd, &message, MSG_DONTWAIT);
}

static void peer_ready(struct watch *watch, uint32_t events)
{
	struct peer *peer = loop_owner(watch, struct peer, watch);

	(void)events;
	for (int i = 0; i < AT_ONCE; i++) {
		ssize_t n = recv(watch->fd, chunk, LARGEST, MSG_DONTWAIT);

		/* ECONNREFUSED and such: the container does not listen (yet). The error was taken with this call. */
		if (n < 0)
			return;
		chunk_used((size_t)n);
		see(peer);
		answer(peer, chunk, (size_t)n);
	}
}

/* A socket for one more; where there is no room, the one that was quiet for longest makes some. */
static int dial_for(const struct port *port, const union address *address)
{
	int fd;

	if (peers >= MOST_PEERS)
		drop(oldest);
	fd = dial(port, address);
	if (fd < 0 && (errno == EMFILE || errno == ENFILE) && oldest) {
		drop(oldest);
		fd = dial(port, address);
	}
	return fd;
}

static struct peer *add(struct port *port, const union address *address)
{
	struct peer *peer = port->closed ? NULL : calloc(1, sizeof(*peer));
	struct peer **bucket = bucket_of(address);
	int fd = peer ? dial_for(port, address) : -1;

	if (fd < 0) {
		free(peer);
		return NULL;
	}
	watch_init(&peer->watch, fd, peer_ready);
	if (watch_want(&peer->watch, EPOLLIN) < 0) {
		watch_close(&peer->watch);
		free(peer);
		return NULL;
	}
	peer->port = port;
	peer->address = *address;
	peer->next = *bucket;
	*bucket = peer;
	put_last(peer);
	if (peers++ == 0)
		timer_set(&look, LOOK, drop_quiet);
	return peer;
}

static struct peer *find(struct port *port, const union address *address)
{
	struct peer *peer = *bucket_of(address);

	while (peer && (peer->port != port || memcmp(&peer->address, address, address_size(address)) != 0))
		peer = peer->next;
	return peer ? peer : add(port, address);
}

/* Keeps the address only: by which link an answer leaves is for the routes to say. */
static void note_place(struct place *place, struct msghdr *message)
{
	for (struct cmsghdr *head = CMSG_FIRSTHDR(message); head; head = CMSG_NXTHDR(message, head)) {
		if (head->cmsg_level == IPPROTO_IP && head->cmsg_type == IP_PKTINFO) {
			memcpy(&place->v4, CMSG_DATA(head), sizeof(place->v4));
			place->v4.ipi_spec_dst = place->v4.ipi_addr;
			place->v4.ipi_ifindex = 0;
			place->known = true;
		} else if (head->cmsg_level == IPPROTO_IPV6 && head->cmsg_type == IPV6_PKTINFO) {
			memcpy(&place->v6, CMSG_DATA(head), sizeof(place->v6));
			if (!IN6_IS_ADDR_LINKLOCAL(&place->v6.ipi6_addr))
				place->v6.ipi6_ifindex = 0;
			place->known = true;
		}
	}
}

static void port_ready(struct watch *watch, uint32_t events)
{
	struct port *port = loop_owner(watch, struct port, watch);

	(void)events;
	for (int i = 0; i < AT_ONCE; i++) {
		union {
			char room[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
			struct cmsghdr align;
		} control;
		union address from = {0};
		struct iovec part = {chunk, LARGEST};
		struct msghdr message = {
			.msg_name = &from,
			.msg_namelen = sizeof(from),
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		ssize_t n = recvmsg(watch->fd, &message, MSG_DONTWAIT);
		struct peer *peer;

		if (n < 0)
			return;
		chunk_used((size_t)n);
		if (from.any.sa_family == AF_INET6)
			from.v6.sin6_flowinfo = 0;
		peer = life_running() ? find(port, &from) : NULL;
		if (!peer)
			continue;
		see(peer);
		note_place(&peer->place, &message);
		(void)send(peer->watch.fd, chunk, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
}

int udp_listen(struct port *port, int fd)
{
	int yes = 1;
	bool is_v4 = port->from.any.sa_family == AF_INET;

	if (setsockopt(fd, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_PKTINFO : IPV6_RECVPKTINFO, &yes,
		       sizeof(yes)) < 0)
		return -1;
	watch_init(&port->watch, fd, port_ready);
	return 0;
}
