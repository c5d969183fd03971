// SPDX-License-Identifier: GPL-2.0
/*
 * Runs a command on a terminal of its own and keeps what it draws there.
 *
 * usage: record FILE ROWS COLUMNS COMMAND...
 *
 * The file begins with a line that has the size of the terminal. The status is the command's.
 */
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct winsize size = { 0 };
	char drawn[4096];
	int near, status;
	ssize_t length;
	pid_t child;
	FILE *file;

	if (argc < 5) {
		fprintf(stderr, "usage: record FILE ROWS COLUMNS COMMAND...\n");
		return 2;
	}
	file = fopen(argv[1], "w");
	if (!file) {
		perror(argv[1]);
		return 2;
	}
	size.ws_row = atoi(argv[2]);
	size.ws_col = atoi(argv[3]);
	fprintf(file, "%d %d\n", size.ws_row, size.ws_col);
	/* before the child has a copy of it */
	fflush(file);
	child = forkpty(&near, NULL, NULL, &size);
	if (child < 0) {
		perror("forkpty");
		return 2;
	}
	if (!child) {
		execvp(argv[4], argv + 4);
		perror(argv[4]);
		_exit(127);
	}
	/* ends with an error when nobody has the other side any more */
	while ((length = read(near, drawn, sizeof(drawn))) > 0)
		fwrite(drawn, 1, length, file);
	if (fclose(file) || waitpid(child, &status, 0) != child)
		return 2;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
