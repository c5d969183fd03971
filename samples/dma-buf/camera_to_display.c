// SPDX-License-Identifier: GPL-2.0
/*
 * camera_to_display: frames go from a V4L2 camera to a DRM display through
 * dma-bufs of a heap, and every step is checked.
 */
#include <getopt.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>

#include <drm/drm_fourcc.h>
#include <linux/videodev2.h>

#include "atomic.h"
#include "camera.h"
#include "display.h"
#include "evidence.h"
#include "heap.h"
#include "options.h"
#include "util.h"

static const struct pixel_format rgb565 = {
	"RGB565", V4L2_PIX_FMT_RGB565, DRM_FORMAT_RGB565, 2, 0xffffffff,
};

static const struct pixel_format xrgb8888 = {
	"XRGB8888", V4L2_PIX_FMT_XBGR32, DRM_FORMAT_XRGB8888, 4, 0x00ffffff,
};

struct job {
	struct options opt;
	const struct pixel_format *format;
	struct camera camera;
	struct display display;
	int heap;
	struct buffer buf[MAX_BUFFERS];
	struct buffer wb;
	struct evidence evidence;
	unsigned int shown;
	unsigned int distinct;
	unsigned int scanned_out;
};

static const char help[] =
"Usage: camera_to_display [OPTION]...\n"
"Allocates buffers from a dma-buf heap, lets a V4L2 camera capture straight\n"
"into them and a DRM display show them. Takes a few seconds.\n"
"\n"
"  --heap NAME      heap to allocate from (default_cma_region)\n"
"  --camera NAME    V4L2 driver of the camera (vivid)\n"
"  --display NAME   DRM driver of the display (the first with a screen; vkms\n"
"                   only if there is no other)\n"
"  --buffers N      number of buffers, 3 to 8 (4)\n"
"  --frames N       number of frames to show (30)\n"
"  --size WxH       size of the picture and of the screen (640x480)\n"
"  --dump FILE      write the last frame, as the display saw it, as binary PPM\n"
"  --hold           after the last frame wait for a line on standard input\n"
"\n"
"Each frame gets two checksums, and they must agree:\n"
"  v4l2  a mapping of the dma-buf that was queued to the camera\n"
"  drm   where the display has a writeback connector (vkms): what the display\n"
"        composed from the imported buffer, written to a buffer of its own.\n"
"        Elsewhere (pl111): a mapping of the dma-buf that the display's handle\n"
"        is exported to. The PL111 shows in debugfs which address it fetches\n"
"        from: the memory there (/dev/mem) must hold the frame as well.\n"
"Padding bits (the X of XRGB8888) do not count. Consecutive frames must differ.\n"
"vivid appears among the attached devices when it is loaded with allocators=1;\n"
"otherwise it uses the buffers through a kernel mapping alone.\n"
"Every look of the CPU stands between two DMA_BUF_IOCTL_SYNC.\n"
"\n"
"Exit status: 0 all frames were shown and all checks agree, 1 otherwise.\n";

static unsigned int parse_number(const char *what, const char *text,
				 unsigned int min, unsigned int max)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (end == text || *end || v < min || v > max)
		fail("camera_to_display --help shows what is possible",
		     "--%s wants a value from %u to %u, not \"%s\"", what, min,
		     max, text);
	return v;
}

static void parse_size(struct options *o, const char *text)
{
	char more;

	if (sscanf(text, "%ux%u%c", &o->width, &o->height, &more) != 2 ||
	    !o->width || !o->height || o->width > 8192 || o->height > 8192)
		fail("for example --size 640x480",
		     "--size wants WIDTHxHEIGHT, not \"%s\"", text);
}

static void parse_options(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "heap", required_argument, NULL, 'H' },
		{ "camera", required_argument, NULL, 'c' },
		{ "display", required_argument, NULL, 'D' },
		{ "buffers", required_argument, NULL, 'b' },
		{ "frames", required_argument, NULL, 'f' },
		{ "size", required_argument, NULL, 's' },
		{ "dump", required_argument, NULL, 'd' },
		{ "hold", no_argument, NULL, 'o' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		switch (c) {
		case 'H':
			o->heap = optarg;
			break;
		case 'c':
			o->camera = optarg;
			break;
		case 'D':
			o->display = optarg;
			break;
		case 'b':
			o->buffers = parse_number("buffers", optarg, 3, MAX_BUFFERS);
			break;
		case 'f':
			o->frames = parse_number("frames", optarg, 1, 100000);
			break;
		case 's':
			parse_size(o, optarg);
			break;
		case 'd':
			o->dump = optarg;
			break;
		case 'o':
			o->hold = true;
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			fputs("Try: camera_to_display --help\n", stderr);
			exit(1);
		}
	}
	if (optind < argc)
		fail("camera_to_display --help shows what is possible",
		     "what is \"%s\"?", argv[optind]);
}

static void set_up(struct job *j)
{
	const struct options *o = &j->opt;

	display_open(&j->display, o);
	/* vkms rounds RGB565 down on its way; eight bits a colour survive. */
	j->format = j->display.writeback ? &xrgb8888 : &rgb565;
	if (!display_plane_has(&j->display, j->format->drm))
		fail("use another --display", "%s (%s) cannot show %s",
		     j->display.node, j->display.driver, j->format->name);
	camera_open(&j->camera, o, j->format);
	printf("camera:  %s (%s, %s)\n", j->camera.node, j->camera.driver,
	       j->camera.bus);
	printf("display: %s (%s)%s\n", j->display.node, j->display.driver,
	       j->display.writeback ? ", with writeback" : "");
	printf("frames:  %u of %ux%u %s in %u buffers of heap %s\n", o->frames,
	       o->width, o->height, j->format->name, o->buffers, o->heap);

	j->heap = heap_open(o->heap);
	for (unsigned int i = 0; i < o->buffers; i++) {
		heap_alloc(j->heap, o->heap, j->camera.frame_size, &j->buf[i]);
		display_import(&j->display, &j->buf[i], o->width, o->height,
			       j->camera.pitch, j->format);
	}
	if (j->display.writeback) {
		heap_alloc(j->heap, o->heap, j->camera.frame_size, &j->wb);
		display_import(&j->display, &j->wb, o->width, o->height,
			       j->camera.pitch, j->format);
	}
	camera_start(&j->camera, j->buf, o->buffers);
}

/* Where the display fetches its pixels from there must be the same frame. */
static void check_scanout(struct job *j, const struct buffer *b, __u32 want)
{
	size_t size = j->camera.frame_size;
	__u64 address;
	__u32 sum;
	void *view;

	if (!scanout_address(&j->display, &address))
		return;
	view = scanout_map(address, size);
	if (!view)
		return;
	sum = buffer_checksum(b->fd, view, size, j->format->mask);
	munmap(view, size);
	printf(" scanout %08x at 0x%llx", sum, address);
	if (sum != want) {
		printf("\n");
		fail(BUG_HINT,
		     "the display scans out 0x%llx, which holds another frame",
		     address);
	}
	j->scanned_out++;
}

/* Shows one frame and checks it; the CPU looks, nobody copies. */
static __u32 show_frame(struct job *j, unsigned int index, __u32 sequence)
{
	struct buffer *b = &j->buf[index];
	const struct buffer *seen = b;
	__u32 v4l2, drm;

	v4l2 = buffer_checksum(b->fd, b->camera_view, j->camera.frame_size,
			       j->format->mask);
	if (j->display.writeback)
		seen = &j->wb;
	display_show(&j->display, b, j->display.writeback ? seen : NULL,
		     j->opt.width, j->opt.height);
	drm = buffer_checksum(seen->display_fd, seen->display_view,
			      j->camera.frame_size, j->format->mask);
	printf("frame %3u: sequence %3u buffer %u v4l2 %08x drm %08x%s",
	       j->shown, sequence, index, v4l2, drm,
	       seen == b ? "" : " (writeback)");
	check_scanout(j, b, v4l2);
	printf("\n");
	if (v4l2 != drm)
		fail(BUG_HINT,
		     "the camera's frame and the display's frame differ");
	j->shown++;
	return v4l2;
}

static void run(struct job *j)
{
	unsigned int on_screen = MAX_BUFFERS, again = 0;
	__u32 sum, last = 0, sequence, last_sequence = 0;

	while (j->shown < j->opt.frames) {
		unsigned int index = camera_dequeue(&j->camera, &sequence);

		/* vivid gives the same frame once more when it gets no time. */
		if (j->shown && sequence == last_sequence &&
		    again++ < j->opt.frames) {
			camera_queue(&j->camera, &j->buf[index], index);
			continue;
		}
		last_sequence = sequence;
		sum = show_frame(j, index, sequence);
		if (j->shown == 1 || sum != last)
			j->distinct++;
		last = sum;
		if (j->shown == 2)
			look_at_bufinfo(j->buf, j->opt.buffers, &j->evidence);
		/* The flip is done: the frame before is off the screen. */
		if (on_screen != MAX_BUFFERS)
			camera_queue(&j->camera, &j->buf[on_screen], on_screen);
		on_screen = index;
	}
	if (j->opt.frames == 1)
		look_at_bufinfo(j->buf, j->opt.buffers, &j->evidence);
	if (j->distinct != j->shown)
		fail("a still picture proves nothing: turn on vivid's text overlay",
		     "only %u of %u frames differ from the frame before",
		     j->distinct, j->shown);
	if (j->opt.dump) {
		const struct buffer *seen = &j->buf[on_screen];

		if (j->display.writeback)
			seen = &j->wb;
		buffer_sync(seen->display_fd, true);
		write_ppm(j->opt.dump, seen->display_view, j->opt.width,
			  j->opt.height, j->format);
		buffer_sync(seen->display_fd, false);
	}
	if (j->opt.hold) {
		printf("SCREENDUMP NOW\n");
		fflush(stdout);
		wait_for_line();
	}
}

static unsigned int tear_down(struct job *j)
{
	unsigned int left = 0;

	camera_stop(&j->camera);
	for (unsigned int i = 0; i < j->opt.buffers; i++) {
		display_release(&j->display, &j->buf[i]);
		buffer_free(&j->buf[i]);
	}
	if (j->display.writeback) {
		display_release(&j->display, &j->wb);
		buffer_free(&j->wb);
	}
	display_close(&j->display);
	for (unsigned int i = 0; i < j->opt.buffers; i++)
		left += still_in_bufinfo(j->buf[i].ino);
	if (j->display.writeback)
		left += still_in_bufinfo(j->wb.ino);
	return left;
}

/* What a display driver does with an imported buffer is in no ABI. */
static void print_copies(const struct job *j)
{
	const char *driver = j->display.driver;

	printf("bytes copied by the CPU between camera and display: ");
	if (!strcmp(driver, "pl111"))
		printf("0 (the PL111 fetches the imported memory itself%s)\n",
		       j->scanned_out ? ", seen at its scan-out address" : "");
	else if (!strcmp(driver, "vkms"))
		printf("%llu (vkms is software: it composed %u frames of %zu bytes)\n",
		       (unsigned long long)j->display.writebacks *
		       j->camera.frame_size, j->display.writebacks,
		       j->camera.frame_size);
	else
		printf("unknown (what %s does with imported memory is not known here)\n",
		       driver);
}

static void print_summary(const struct job *j, const char *core,
			  unsigned int left)
{
	struct utsname u;

	uname(&u);
	printf("--- summary of camera_to_display ---\n");
	printf("core: %s\n", core);
	printf("kernel: %s %s\n", u.release, u.machine);
	printf("exporters: %s\n", j->evidence.exporters);
	printf("importers: camera %s, display %s\n", j->camera.driver,
	       j->display.driver);
	printf("attached devices: %s\n", j->evidence.importers);
	printf("frames shown: %u\n", j->shown);
	printf("checksums that agree: %u\n", j->shown);
	printf("frames that differ from the one before: %u\n", j->distinct);
	if (j->scanned_out)
		printf("frames found where the display scans out: %u\n",
		       j->scanned_out);
	print_copies(j);
	printf("buffers left behind: %u\n", left);
	printf("picture: %s\n", j->opt.dump ? j->opt.dump : "on the screen");
	printf("--- end of summary ---\n");
}

int main(int argc, char **argv)
{
	static struct job j = {
		.opt = {
			.heap = "default_cma_region",
			.camera = "vivid",
			.buffers = 4,
			.frames = 30,
			.width = 640,
			.height = 480,
		},
	};
	const char *core;
	unsigned int left;

	setvbuf(stdout, NULL, _IOLBF, 0);
	parse_options(&j.opt, argc, argv);
	core = running_core();
	set_up(&j);
	run(&j);
	left = tear_down(&j);
	print_summary(&j, core, left);
	if (left)
		fail(BUG_HINT,
		     "%u buffers are still there after everything was closed",
		     left);
	return 0;
}
