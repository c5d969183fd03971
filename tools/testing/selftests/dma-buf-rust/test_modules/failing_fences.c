// SPDX-License-Identifier: GPL-2.0
/* Fences of failing.ko, reservation objects, containers and sync_files */
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/sync_file.h>

#include "failing.h"

#define FENCES	12

DEFINE_SPINLOCK(failing_lock);

const char *failing_fence_name(struct dma_fence *fence)
{
	return "failing";
}

const struct dma_fence_ops failing_fence_ops = {
	.get_driver_name = failing_fence_name,
	.get_timeline_name = failing_fence_name,
};

struct dma_fence *failing_fence(const struct dma_fence_ops *ops, spinlock_t *lock)
{
	struct dma_fence *fence = kzalloc_obj(*fence);

	if (fence)
		dma_fence_init(fence, ops, lock, dma_fence_context_alloc(1), 1);
	return fence;
}

/* There before anything fails: pending, each of a context of its own */
static struct dma_fence *fences[FENCES];

/* Without room the machine stops with the C core, and warns with ours. */
static int fill(struct dma_resv *resv, bool has_room)
{
	int ret = 0, i;

	for (i = 0; i < FENCES && !ret; i++) {
		if (has_room)
			ret = dma_resv_reserve_fences(resv, 1);
		if (!ret)
			dma_resv_add_fence(resv, fences[i], DMA_RESV_USAGE_READ);
	}
	return ret;
}

static int with_fences(bool has_room, int (*use)(struct dma_resv *resv))
{
	struct dma_resv resv;
	int ret;

	dma_resv_init(&resv);
	dma_resv_lock(&resv, NULL);
	ret = fill(&resv, has_room);
	if (!ret)
		ret = use(&resv);
	dma_resv_unlock(&resv);
	dma_resv_fini(&resv);
	return ret;
}

static int get_fences(struct dma_resv *resv)
{
	struct dma_fence **got = NULL;
	unsigned int n = 0;
	int ret = dma_resv_get_fences(resv, DMA_RESV_USAGE_READ, &n, &got);

	if (ret)
		return ret;
	while (n)
		dma_fence_put(got[--n]);
	kfree(got);
	return 0;
}

static int get_singleton(struct dma_resv *resv)
{
	struct dma_fence *fence = NULL;
	int ret = dma_resv_get_singleton(resv, DMA_RESV_USAGE_READ, &fence);

	if (!ret)
		dma_fence_put(fence);
	return ret;
}

/* As many again */
static int reserve_more(struct dma_resv *resv)
{
	return dma_resv_reserve_fences(resv, FENCES);
}

static int copy_fences(struct dma_resv *resv)
{
	struct dma_resv copy;
	int ret;

	dma_resv_init(&copy);
	/* its lock is of the same class, which nobody else has */
	if (WARN_ON(!dma_resv_trylock(&copy)))
		return -EBUSY;
	ret = dma_resv_copy_fences(&copy, resv);
	dma_resv_unlock(&copy);
	dma_resv_fini(&copy);
	return ret;
}

static int call_get_fences(void)
{
	return with_fences(true, get_fences);
}

static int call_get_singleton(void)
{
	return with_fences(true, get_singleton);
}

static int call_reserve(void)
{
	return with_fences(true, reserve_more);
}

static int call_copy_fences(void)
{
	return with_fences(true, copy_fences);
}

static int call_too_many(void)
{
	return with_fences(false, get_fences);
}

static int call_array(void)
{
	struct dma_fence **list = kmalloc_objs(*list, 2);
	struct dma_fence_array *array;
	int i;

	if (!list)
		return -ENOMEM;
	for (i = 0; i < 2; i++)
		list[i] = dma_fence_get(fences[i]);
	array = dma_fence_array_create(2, list, dma_fence_context_alloc(1), 1);
	if (!array) {
		for (i = 0; i < 2; i++)
			dma_fence_put(list[i]);
		kfree(list);
		return -ENOMEM;
	}
	dma_fence_put(&array->base);
	return 0;
}

static int call_array_alloc(void)
{
	struct dma_fence_array *array = dma_fence_array_alloc(FENCES);

	if (!array)
		return -ENOMEM;
	/* as dma_fence_init() was not called */
	kfree(array);
	return 0;
}

static int call_merge(void)
{
	struct dma_fence *merged = dma_fence_unwrap_merge(fences[0], fences[1], fences[2]);

	if (!merged)
		return -ENOMEM;
	dma_fence_put(merged);
	return 0;
}

static int call_stub(void)
{
	struct dma_fence *stub = dma_fence_allocate_private_stub(ktime_get());

	if (!stub)
		return -ENOMEM;
	dma_fence_put(stub);
	return 0;
}

static int call_sync_file(void)
{
	struct sync_file *file = sync_file_create(fences[0]);

	if (!file)
		return -ENOMEM;
	fput(file->file);
	return 0;
}

static int call_wait_any(void)
{
	long ret = dma_fence_wait_any_timeout(fences, FENCES, true, 1, NULL);

	/* nothing signals them */
	return ret > 0 ? -EBUSY : ret;
}

/* Pending when it is looked at for the first time, signalled from then on */
struct late_fence {
	struct dma_fence base;
	int looks;
};

static bool is_late(struct dma_fence *fence)
{
	return container_of(fence, struct late_fence, base)->looks++ > 0;
}

static const struct dma_fence_ops late_ops = {
	.get_driver_name = failing_fence_name,
	.get_timeline_name = failing_fence_name,
	.signaled = is_late,
};

/* The descriptor of a sync_file, of a chain that has lost a link when it is told of */
static int call_chain(void)
{
	struct dma_fence_chain *first = dma_fence_chain_alloc();
	struct dma_fence_chain *second = dma_fence_chain_alloc();
	struct late_fence *late = kzalloc_obj(*late);
	struct sync_file *file;
	int fd;

	if (!first || !second || !late) {
		dma_fence_chain_free(first);
		dma_fence_chain_free(second);
		kfree(late);
		return -ENOMEM;
	}
	dma_fence_init(&late->base, &late_ops, &failing_lock, dma_fence_context_alloc(1), 1);
	dma_fence_chain_init(first, NULL, &late->base, 1);
	dma_fence_chain_init(second, &first->base, dma_fence_get(fences[0]), 2);
	file = sync_file_create(&second->base);
	dma_fence_put(&second->base);
	if (!file)
		return -ENOMEM;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		fput(file->file);
	else
		fd_install(fd, file->file);
	return fd;
}

const struct failing_call failing_fences[] = {
	{ "dma_resv_get_fences", call_get_fences },
	{ "dma_resv_get_singleton", call_get_singleton },
	{ "dma_resv_copy_fences", call_copy_fences },
	{ "dma_resv_reserve_fences", call_reserve },
	{ "dma_fence_array_create", call_array },
	{ "dma_fence_array_alloc", call_array_alloc },
	{ "dma_fence_unwrap_merge", call_merge },
	{ "dma_fence_allocate_private_stub", call_stub },
	{ "dma_fence_wait_any_timeout", call_wait_any },
	{ "sync_file_create", call_sync_file },
	{ "chain", call_chain },
	{ "too_many", call_too_many },
	{ }
};

void failing_fences_end(void)
{
	int i;

	for (i = 0; i < FENCES && fences[i]; i++) {
		dma_fence_signal(fences[i]);
		dma_fence_put(fences[i]);
	}
}

int failing_fences_begin(void)
{
	int i;

	for (i = 0; i < FENCES; i++) {
		fences[i] = failing_fence(&failing_fence_ops, &failing_lock);
		if (!fences[i]) {
			failing_fences_end();
			return -ENOMEM;
		}
	}
	return 0;
}
