/* Asks the ssh agent of SSH_AUTH_SOCK one question a word, by its number, and prints the kinds of the answers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int answer(int fd)
{
	unsigned char head[5], rest[65536];
	size_t length;

	if (read(fd, head, sizeof(head)) != sizeof(head))
		return -1;
	length = ((size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3]) - 1;
	for (ssize_t got; length > 0; length -= (size_t)got)
		if ((got = read(fd, rest, length < sizeof(rest) ? length : sizeof(rest))) <= 0)
			return -1;
	return head[4];
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strncpy(address.sun_path, getenv("SSH_AUTH_SOCK"), sizeof(address.sun_path) - 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
		return 1;
	for (int i = 1; i < argc; i++) {
		unsigned char question[5] = {0, 0, 0, 1, (unsigned char)atoi(argv[i])};
		if (write(fd, question, sizeof(question)) != sizeof(question))
			return 1;
		printf("%d\n", answer(fd));
	}
	return 0;
}
