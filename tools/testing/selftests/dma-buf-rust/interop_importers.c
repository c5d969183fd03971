// SPDX-License-Identifier: GPL-2.0
/*
 * Importers of the interop matrix that do not show pictures: vgem and the DRM
 * sample, looked at by mmap through their handle, and the importer sample.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <drm/drm.h>
#include <drm/vgem_drm.h>
#include <linux/dma-buf.h>
#include <linux/sync_file.h>

#include "interop.h"
#include "rust_samples.h"

#define IN_OUT	(POLLIN | POLLOUT)

static struct {
	int card;
	__u32 handle;
	size_t size;
} drm = { .card = -1 };

static bool open_drm(const char *driver)
{
	drm.card = open_card(driver);
	return drm.card >= 0 || missing(driver);
}

static bool open_vgem(void)
{
	return open_drm("vgem");
}

static bool open_dumb(void)
{
	return open_drm("rust-drm-dumb");
}

static bool import_drm(const struct shared *s)
{
	drm.size = s->size;
	return !prime_import(drm.card, s->fd, &drm.handle) ||
	       refused("DRM_IOCTL_PRIME_FD_TO_HANDLE");
}

/* DRM maps an imported object through the dma-buf that its handle stands for. */
static __u32 *map_handle(int *fd)
{
	__u32 *at = NULL;

	*fd = handle_to_fd(drm.card, drm.handle);
	if (*fd < 0) {
		refused("DRM_IOCTL_PRIME_HANDLE_TO_FD");
		return NULL;
	}
	at = map_shared(*fd, drm.size, 0);
	if (!at) {
		refused("mmap through the importer");
		close(*fd);
	}
	return at;
}

static void unmap_handle(int fd, __u32 *at)
{
	munmap(at, drm.size);
	close(fd);
}

static bool reads_drm(unsigned int seed)
{
	int fd;
	__u32 *at = map_handle(&fd);
	bool fine;

	if (!at)
		return false;
	begin_access(fd, DMA_BUF_SYNC_READ);
	fine = words_are(at, WORDS, seed, ~0U);
	end_access(fd, DMA_BUF_SYNC_READ);
	unmap_handle(fd, at);
	return fine;
}

static bool writes_drm(const __u32 *view, unsigned int seed)
{
	int fd;
	__u32 *at = map_handle(&fd);

	if (!at)
		return false;
	fill_words(fd, at, seed);
	unmap_handle(fd, at);
	return words_are(view, WORDS, seed, ~0U);
}

static void release_drm(void)
{
	if (drm.handle)
		gem_close(drm.card, drm.handle);
	drm.handle = 0;
}

static void close_drm(void)
{
	if (drm.card >= 0)
		close(drm.card);
	drm.card = -1;
}

static int vgem_attach(__u32 flags, __u32 *fence)
{
	struct drm_vgem_fence_attach arg = {
		.handle = drm.handle,
		.flags = flags,
	};
	int ret = ioctl(drm.card, DRM_IOCTL_VGEM_FENCE_ATTACH, &arg);

	*fence = arg.out_fence;
	return ret;
}

/* A fence of vgem's cannot go beside one that excludes it. */
static bool heeds_vgem(const struct shared *s, int line, bool writer)
{
	__u32 fence;
	bool fine = vgem_attach(writer ? 0 : VGEM_FENCE_WRITE, &fence) &&
		    errno == EBUSY;

	(void)s;
	timeline_inc(line, 1);
	return fine || wrong("vgem does not see the fence of a %s",
			     writer ? "writer" : "reader");
}

static bool own_fence_vgem(const struct shared *s)
{
	struct drm_vgem_fence_signal arg = { 0 };
	struct sync_fence_info each = { 0 };
	struct sync_file_info info = { 0 };
	bool fine;
	int seen;

	if (vgem_attach(VGEM_FENCE_WRITE, &arg.fence))
		return refused("DRM_IOCTL_VGEM_FENCE_ATTACH");
	seen = export_fence(s->fd, DMA_BUF_SYNC_READ);
	fine = !poll_now(s->fd, IN_OUT) && seen >= 0 &&
	       !fence_info(seen, &info, &each, 1) && !info.status &&
	       !strcmp(each.driver_name, "vgem");
	if (ioctl(drm.card, DRM_IOCTL_VGEM_FENCE_SIGNAL, &arg))
		refused("DRM_IOCTL_VGEM_FENCE_SIGNAL");
	fine &= poll_now(s->fd, IN_OUT) == IN_OUT && fence_status(seen) == 1;
	close(seen);
	return fine || wrong("the buffer does not show the fence of vgem");
}

const struct importer vgem_importer = {
	.name = "vgem",
	.driver = "vgem",
	.attaches = 1,
	.open = open_vgem,
	.import = import_drm,
	.reads = reads_drm,
	.writes = writes_drm,
	.heeds = heeds_vgem,
	.own_fence = own_fence_vgem,
	.release = release_drm,
	.close = close_drm,
};

const struct importer dumb_importer = {
	.name = "rust_dumb",
	.driver = "rust-drm-dumb",
	.attaches = 1,
	.open = open_dumb,
	.import = import_drm,
	.reads = reads_drm,
	.writes = writes_drm,
	.release = release_drm,
	.close = close_drm,
};

/* What the sample is asked to do, by another thread where it may have to wait */
static struct {
	int device;
	int fd;
	bool submitted;
	__u32 sum;
	__u32 cpu_sum;
	int err;
} sample = { .device = -1 };

static bool open_sample(void)
{
	sample.device = open("/dev/rust-dma-buf-importer", O_RDWR | O_CLOEXEC);
	return sample.device >= 0 || missing("/dev/rust-dma-buf-importer");
}

static void *submit(void *arg)
{
	struct rust_dma_buf_importer_submit job = { .fd = sample.fd };

	int ret = ioctl(sample.device, RUST_DMA_BUF_IMPORTER_SUBMIT, &job);

	sample.cpu_sum = job.cpu_sum;
	__atomic_store_n(&sample.err, ret ? errno : 0, __ATOMIC_RELEASE);
	return arg;
}

static bool submitted(void)
{
	errno = sample.err;
	sample.submitted = !sample.err;
	return sample.submitted || refused("RUST_DMA_BUF_IMPORTER_SUBMIT");
}

static bool submit_waits(void)
{
	return __atomic_load_n(&sample.err, __ATOMIC_ACQUIRE) == -1;
}

/* It imports with each job: this one is what shows whether it can. */
static bool import_sample(const struct shared *s)
{
	sample.fd = s->fd;
	sample.sum = fnv1a(s->view, s->size);
	submit(NULL);
	return submitted();
}

static bool reads_sample(unsigned int seed)
{
	struct rust_dma_buf_importer_result result = { 0 };

	(void)seed;
	if (!sample.submitted) {
		submit(NULL);
		if (!submitted())
			return false;
	}
	sample.submitted = false;
	if (ioctl(sample.device, RUST_DMA_BUF_IMPORTER_RESULT, &result))
		return refused("RUST_DMA_BUF_IMPORTER_RESULT");
	if (sample.cpu_sum != sample.sum || result.device_sum != sample.sum)
		return wrong("sums %08x (CPU) and %08x (device, %u entries), not %08x",
			     sample.cpu_sum, result.device_sum, result.entries,
			     sample.sum);
	return result.entries || wrong("no entries");
}

/* A job waits until a writer is done, and not for readers. */
static bool heeds_sample(const struct shared *s, int line, bool writer)
{
	struct pollfd p = { .fd = s->fd, .events = POLLOUT };
	pthread_t thread;
	bool fine;

	sample.err = -1;
	sample.sum = fnv1a(s->view, s->size);
	t_need(!pthread_create(&thread, NULL, submit, NULL), "pthread_create");
	for (int ms = 0; ms < (writer ? 50 : PATIENCE_MS); ms += 10) {
		nap_ms(10);
		if (!submit_waits())
			break;
	}
	fine = submit_waits() == writer;
	timeline_inc(line, 1);
	pthread_join(thread, NULL);
	if (!fine)
		return wrong("a %s's fence: the sample %s", writer ? "writer" :
			     "reader", writer ? "does not wait" : "waits");
	if (!submitted() || !reads_sample(0))
		return false;
	return poll(&p, 1, PATIENCE_MS) == 1 || wrong("its job has a fence for ever");
}

/* Its fence is the buffer's from the job's submission until the job is done. */
static bool own_fence_sample(const struct shared *s)
{
	struct pollfd p = { .events = POLLIN };
	bool fine;

	submit(NULL);
	if (!submitted())
		return false;
	p.fd = export_fence(s->fd, DMA_BUF_SYNC_WRITE);
	fine = p.fd >= 0 && poll(&p, 1, PATIENCE_MS) == 1 && fence_status(p.fd) == 1;
	close(p.fd);
	if (!fine)
		return wrong("a writer cannot wait for the sample's job");
	return reads_sample(0);
}

static bool keep_sample(const struct shared *s)
{
	return import_sample(s);
}

/* A job that nobody asked for the result of is over when its file is. */
static void release_sample(void)
{
	struct rust_dma_buf_importer_result result;

	if (sample.submitted)
		ioctl(sample.device, RUST_DMA_BUF_IMPORTER_RESULT, &result);
	sample.submitted = false;
}

static void close_sample(void)
{
	if (sample.device >= 0)
		close(sample.device);
	sample.device = -1;
}

const struct importer sample_importer = {
	.name = "rust_importer",
	.attaches = -1,
	.open = open_sample,
	.import = import_sample,
	.reads = reads_sample,
	.heeds = heeds_sample,
	.own_fence = own_fence_sample,
	.keep = keep_sample,
	.release = release_sample,
	.close = close_sample,
};
