/*
 * Tells whoever asks on port 7000, by TCP or UDP, which address the question came from: "[ADDRESS]:PORT". To HTTP it is
 * an answer after which the connection ends; other connections stay until the client ends them. Linked statically, bound
 * into containers.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int open_port(int type)
{
	struct sockaddr_in6 own = {.sin6_family = AF_INET6, .sin6_port = htons(7000)};
	int no = 0, yes = 1, fd = socket(AF_INET6, type | SOCK_NONBLOCK, 0);

	if (fd < 0) { /* without IPv6 */
		struct sockaddr_in old = {.sin_family = AF_INET, .sin_port = htons(7000)};

		fd = socket(AF_INET, type | SOCK_NONBLOCK, 0);
		return fd < 0 || bind(fd, (struct sockaddr *)&old, sizeof(old)) < 0 ? -1 : fd;
	}
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof(no));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	return bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0 ? -1 : fd;
}

static int describe(const struct sockaddr_in6 *peer, char *text, size_t size)
{
	char address[INET6_ADDRSTRLEN];

	if (peer->sin6_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *)peer)->sin_addr, address, sizeof(address));
	else if (IN6_IS_ADDR_V4MAPPED(&peer->sin6_addr))
		inet_ntop(AF_INET, &peer->sin6_addr.s6_addr[12], address, sizeof(address));
	else
		inet_ntop(AF_INET6, &peer->sin6_addr, address, sizeof(address));
	return snprintf(text, size, "[%s]:%u\n", address, ntohs(peer->sin6_port));
}

static void answer_datagrams(int fd)
{
	struct sockaddr_in6 peer;
	socklen_t size = sizeof(peer);
	char data[2048], text[80];

	while (recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&peer, &size) >= 0) {
		sendto(fd, text, (size_t)describe(&peer, text, sizeof(text)), 0, (struct sockaddr *)&peer, size);
		size = sizeof(peer);
	}
}

static void answer(int fd)
{
	struct sockaddr_in6 peer;
	socklen_t size = sizeof(peer);
	char data[4096], text[80], all[256];
	ssize_t n = read(fd, data, sizeof(data));
	int length;

	if (n <= 0 || getpeername(fd, (struct sockaddr *)&peer, &size) < 0) {
		close(fd);
		return;
	}
	length = describe(&peer, text, sizeof(text));
	if (n < 4 || memcmp(data, "GET ", 4) != 0) {
		if (write(fd, text, (size_t)length) < 0)
			close(fd);
		return;
	}
	length = snprintf(all, sizeof(all), "HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", length, text);
	if (write(fd, all, (size_t)length) >= 0)
		shutdown(fd, SHUT_WR);
	close(fd);
}

int main(void)
{
	int loop = epoll_create1(0), tcp = open_port(SOCK_STREAM), udp = open_port(SOCK_DGRAM);
	struct epoll_event event = {.events = EPOLLIN, .data.fd = tcp}, ready[64];
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (tcp < 0 || udp < 0 || listen(tcp, 4096) < 0)
		return 1;
	epoll_ctl(loop, EPOLL_CTL_ADD, tcp, &event);
	event.data.fd = udp;
	epoll_ctl(loop, EPOLL_CTL_ADD, udp, &event);
	for (;;) {
		int count = epoll_wait(loop, ready, 64, -1);

		for (int i = 0; i < count; i++) {
			if (ready[i].data.fd == udp) {
				answer_datagrams(udp);
			} else if (ready[i].data.fd == tcp) {
				while ((event.data.fd = accept4(tcp, NULL, NULL, SOCK_NONBLOCK)) >= 0)
					epoll_ctl(loop, EPOLL_CTL_ADD, event.data.fd, &event);
			} else {
				answer(ready[i].data.fd);
			}
		}
	}
}
