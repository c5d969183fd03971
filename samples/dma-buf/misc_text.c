// SPDX-License-Identifier: GPL-2.0
/*
 * Shares a text with the kernel module rust_dma_buf_misc through a dma-buf:
 * gets the buffer, reads the text in it, writes another, and reads that from
 * the module's device.
 *
 *   misc_text [TEXT]
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "rust_samples.h"

static void need(int ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(EXIT_FAILURE);
}

/*
 * The CPU's access begins (DMA_BUF_SYNC_START) or ends (DMA_BUF_SYNC_END). In
 * between, what devices have written can be seen, and after it they see what
 * the CPU has written. A signal may interrupt it.
 */
static void cpu_access(int buf, __u64 flags)
{
	struct dma_buf_sync sync = { .flags = flags };
	int ret;

	do {
		ret = ioctl(buf, DMA_BUF_IOCTL_SYNC, &sync);
	} while (ret && (errno == EINTR || errno == EAGAIN));
	need(!ret, "DMA_BUF_IOCTL_SYNC");
}

int main(int argc, char **argv)
{
	const char *mine = argc > 1 ? argv[1] : "Hello from user space!\n";
	struct rust_dma_buf_misc_get_fd arg = { .flags = O_RDWR | O_CLOEXEC };
	char answer[4096];
	int device, buf;
	ssize_t len;
	off_t size;
	char *text;

	device = open(RUST_DMA_BUF_MISC_DEVICE, O_RDWR | O_CLOEXEC);
	need(device >= 0, RUST_DMA_BUF_MISC_DEVICE);
	need(!ioctl(device, RUST_DMA_BUF_MISC_GET_FD, &arg), "GET_FD");
	buf = arg.fd;

	/* A dma-buf has no read() and write(), but it tells its size. */
	size = lseek(buf, 0, SEEK_END);
	need(size > 0, "lseek");
	if (strlen(mine) >= (size_t)size) {
		fprintf(stderr, "the text does not fit in %ld bytes\n", (long)size);
		return EXIT_FAILURE;
	}
	text = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, buf, 0);
	need(text != MAP_FAILED, "mmap");

	cpu_access(buf, DMA_BUF_SYNC_START | DMA_BUF_SYNC_RW);
	printf("in the buffer: %.*s", (int)strnlen(text, size), text);
	memcpy(text, mine, strlen(mine) + 1);
	cpu_access(buf, DMA_BUF_SYNC_END | DMA_BUF_SYNC_RW);

	/* The mapping keeps the buffer, as the descriptor did. */
	close(buf);

	len = read(device, answer, sizeof(answer));
	need(len >= 0, "read");
	printf("in the device: %.*s", (int)len, answer);

	munmap(text, size);
	close(device);
	return EXIT_SUCCESS;
}
