/* Answers every datagram on UDP port 53 with itself: busybox has nothing that does. Linked statically, bound into a container. */
#include <arpa/inet.h>
#include <sys/socket.h>

int main(void)
{
	struct sockaddr_in peer, own = {.sin_family = AF_INET, .sin_port = htons(53)};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char data[2048];

	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0)
		return 1;
	for (;;) {
		socklen_t size = sizeof(peer);
		ssize_t n = recvfrom(fd, data, sizeof(data), 0, (struct sockaddr *)&peer, &size);

		if (n < 0 || sendto(fd, data, (size_t)n, 0, (struct sockaddr *)&peer, size) < 0)
			return 1;
	}
}
