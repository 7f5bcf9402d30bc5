// SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
/*
 * One question to one daemon of FRR's, by the socket that vtysh asks at. vtysh itself makes the
 * commands of all daemons anew at each start, which takes it thirty times as long as the answer.
 *
 *   vty SOCKET COMMAND
 *
 * A command ends with a NUL; an answer with three and an octet that is 0 if it was taken.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define END 4 /* octets that end an answer */

/* Returns the last octet of the answer, whose words are printed if they are asked for; -1: cut. */
static int ask(int fd, const char *command, bool is_printed)
{
	size_t n = strlen(command) + 1, have = 0;
	char words[1 << 16];

	if (send(fd, command, n, MSG_NOSIGNAL) != (ssize_t)n)
		return -1;
	for (;;) {
		const ssize_t got = recv(fd, words + have, sizeof(words) - have, 0);

		if (got <= 0)
			return -1;
		have += (size_t)got;
		n = have < END ? 0 : have - END;
		if (have >= END && memcmp(words + n, "\0\0\0", END - 1) == 0) {
			if (is_printed && fwrite(words, 1, n, stdout) != n)
				return -1;
			return words[have - 1];
		}
		if (is_printed && fwrite(words, 1, n, stdout) != n)
			return -1;
		memmove(words, words + n, have - n);
		have -= n;
	}
}

int main(int argc, char **argv)
{
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	if (argc != 3 || strlen(argv[1]) >= sizeof(at.sun_path)) {
		(void)fprintf(stderr, "usage: vty SOCKET COMMAND\n");
		return EXIT_FAILURE;
	}
	memcpy(at.sun_path, argv[1], strlen(argv[1]));
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || ask(fd, "enable", false) != 0) {
		(void)fprintf(stderr, "vty: %s: %m\n", argv[1]);
		return EXIT_FAILURE;
	}
	if (ask(fd, argv[2], true) != 0 || fflush(stdout) != 0) {
		(void)fprintf(stderr, "vty: %s: refused: %s\n", argv[1], argv[2]);
		return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}
