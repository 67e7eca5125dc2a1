/* In the place of the system's journal: writes each datagram that comes to the socket PATH to standard output. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int count, char **arguments)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	static char datagram[65536];
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	ssize_t n;

	if (count != 2 || fd < 0 || strlen(arguments[1]) >= sizeof(address.sun_path))
		return 1;
	strcpy(address.sun_path, arguments[1]);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return 1;
	puts("ready");
	fflush(stdout);
	while ((n = recv(fd, datagram, sizeof(datagram), 0)) > 0)
		if (write(STDOUT_FILENO, datagram, (size_t)n) != n)
			return 1;
	return 0;
}
