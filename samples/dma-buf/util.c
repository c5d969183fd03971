// SPDX-License-Identifier: GPL-2.0
/*
 * Small things every part of camera_to_display uses.
 */
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "util.h"

void fail_begin(void)
{
	/* What was printed so far belongs before the complaint. */
	fflush(stdout);
	fputs("camera_to_display: ", stderr);
}

void fail_end(const char *hint, int err)
{
	if (err)
		fprintf(stderr, ": %s (errno %d)", strerror(err), err);
	fprintf(stderr, "\n  what to do: %s\n", hint);
}

int xioctl(int fd, unsigned long request, void *arg)
{
	int ret;

	do {
		ret = ioctl(fd, request, arg);
	} while (ret < 0 && (errno == EINTR || errno == EAGAIN));
	return ret;
}

bool wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int ret;

	do {
		ret = poll(&p, 1, PATIENCE_MS);
	} while (ret < 0 && errno == EINTR);
	return ret == 1 && (p.revents & POLLIN);
}

void wait_for_line(void)
{
	char c;

	while (read(STDIN_FILENO, &c, 1) == 1 && c != '\n')
		;
}

bool read_text(const char *path, char *buf, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t used = 0;
	ssize_t n = 0;

	if (fd < 0)
		return false;
	while (used < len - 1) {
		n = read(fd, buf + used, len - 1 - used);
		if (n <= 0)
			break;
		used += n;
	}
	close(fd);
	buf[used] = '\0';
	return n >= 0;
}

/*
 * CRC-32 (the Ethernet polynomial) over whole 32-bit words; every size here is
 * a number of pages. Bits outside the mask are padding that a display may fill.
 */
__u32 checksum(const void *data, size_t size, __u32 mask)
{
	static __u32 table[256];
	const __u32 *word = data;
	__u32 crc = ~0U;

	if (!table[1]) {
		for (__u32 i = 0; i < 256; i++) {
			__u32 v = i;

			for (int bit = 0; bit < 8; bit++)
				v = v & 1 ? (v >> 1) ^ 0xedb88320U : v >> 1;
			table[i] = v;
		}
	}
	for (size_t i = 0; i < size / 4; i++) {
		__u32 v = word[i] & mask;

		for (int byte = 0; byte < 4; byte++, v >>= 8)
			crc = table[(crc ^ v) & 0xff] ^ (crc >> 8);
	}
	return ~crc;
}

static void pixel_to_rgb(const void *pixels, size_t i, unsigned int bytes,
			 __u8 *rgb)
{
	if (bytes == 2) {
		__u16 v = ((const __u16 *)pixels)[i];

		rgb[0] = (v >> 11) * 255 / 31;
		rgb[1] = (v >> 5 & 0x3f) * 255 / 63;
		rgb[2] = (v & 0x1f) * 255 / 31;
	} else {
		__u32 v = ((const __u32 *)pixels)[i];

		rgb[0] = v >> 16;
		rgb[1] = v >> 8;
		rgb[2] = v;
	}
}

void write_ppm(const char *path, const void *pixels, unsigned int width,
	       unsigned int height, const struct pixel_format *format)
{
	FILE *f = fopen(path, "w");

	if (!f)
		fail_errno("give --dump a file in a directory that exists and is writable",
			   "cannot create %s", path);
	fprintf(f, "P6\n%u %u\n255\n", width, height);
	for (size_t i = 0; i < (size_t)width * height; i++) {
		__u8 rgb[3];

		pixel_to_rgb(pixels, i, format->bytes, rgb);
		fwrite(rgb, sizeof(rgb), 1, f);
	}
	if (ferror(f) || fclose(f))
		fail_errno("make room on that file system", "cannot write %s",
			   path);
}
