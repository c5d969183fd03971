// SPDX-License-Identifier: GPL-2.0
/*
 * What drivers see that look into the structures themselves, or use the inline
 * functions of the headers, instead of calling the core. The outcome is in the
 * module's parameters, for c_view.
 */
#include <linux/dma-buf.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/file.h>
#include <linux/kernel.h>
#include <linux/platform_device.h>
#include <linux/slab.h>
#include <linux/sync_file.h>

#include "checks.h"

static int released;
module_param(released, int, 0444);
MODULE_PARM_DESC(released, "How many buffers were released, which they are on the way back to user space");

/* Bits of the driver's own: the first one and the last. */
#define FIRST_BIT	DMA_FENCE_FLAG_USER_BITS
#define LAST_BIT	(BITS_PER_LONG - 1)

static DEFINE_SPINLOCK(lock);

static const char *name(struct dma_fence *fence)
{
	return "view";
}

static const struct dma_fence_ops plain_ops = {
	.get_driver_name = name,
	.get_timeline_name = name,
};

static struct dma_fence *new_fence(spinlock_t *with, u64 context, u64 seqno)
{
	struct dma_fence *fence = kzalloc_obj(*fence);

	if (!fence)
		return NULL;
	check(!dma_fence_was_initialized(fence));
	dma_fence_init(fence, &plain_ops, with, context, seqno);
	set_bit(FIRST_BIT, &fence->flags);
	set_bit(LAST_BIT, &fence->flags);
	return fence;
}

static bool has_driver_bits(struct dma_fence *fence)
{
	return test_bit(FIRST_BIT, &fence->flags) && test_bit(LAST_BIT, &fence->flags);
}

struct counted {
	struct dma_fence_cb cb;
	int calls;
};

static void count(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	container_of(cb, struct counted, cb)->calls++;
}

static void new_is_consistent(struct dma_fence *fence, spinlock_t *with, u64 seqno)
{
	check(dma_fence_was_initialized(fence));
	check(dma_fence_spinlock(fence) == (with ?: &fence->inline_lock));
	check(rcu_access_pointer(fence->ops) == &plain_ops);
	check(list_empty(&fence->cb_list));
	check(fence->seqno == seqno && !fence->error);
	check(kref_read(&fence->refcount) == 1);
	check(!dma_fence_is_signaled(fence) && !dma_fence_is_container(fence));
	check(!dma_fence_is_array(fence) && !dma_fence_is_chain(fence));
	check(dma_fence_chain_contained(fence) == fence);
}

static void one_fence(spinlock_t *with)
{
	struct counted counted = { };
	struct dma_fence *fence = new_fence(with, 7, U32_MAX);
	ktime_t before, after;
	unsigned long flags;

	check(fence);
	if (!fence)
		return;
	new_is_consistent(fence, with, U32_MAX);

	check(!dma_fence_add_callback(fence, &counted.cb, count));
	check(list_is_singular(&fence->cb_list) && fence->cb_list.next == &counted.cb.node);
	check(counted.cb.func == count && has_driver_bits(fence));
	check(test_bit(DMA_FENCE_FLAG_ENABLE_SIGNAL_BIT, &fence->flags));

	dma_fence_set_error(fence, -ENODATA);
	before = ktime_get();
	dma_fence_lock_irqsave(fence, flags);
	check(!dma_fence_is_signaled_locked(fence) && !dma_fence_get_status_locked(fence));
	dma_fence_signal_locked(fence);
	check(dma_fence_is_signaled_locked(fence));
	check(dma_fence_get_status_locked(fence) == -ENODATA);
	dma_fence_unlock_irqrestore(fence, flags);
	after = ktime_get();

	check(counted.calls == 1 && list_empty(&counted.cb.node));
	check(dma_fence_is_signaled(fence) && dma_fence_get_status(fence) == -ENODATA);
	check(ktime_compare(dma_fence_timestamp(fence), before) >= 0);
	check(ktime_compare(dma_fence_timestamp(fence), after) <= 0);
	check(has_driver_bits(fence) && kref_read(&fence->refcount) == 1);
	check(fence->context == 7 && fence->seqno == U32_MAX);
	/* Nothing of a driver is needed any more, so that it can be unloaded. */
	check(!rcu_access_pointer(fence->ops));
	check(dma_fence_spinlock(fence) == (with ?: &fence->inline_lock));
	dma_fence_put(fence);
}

static void later_fences(void)
{
	struct dma_fence *a = new_fence(&lock, 3, U32_MAX), *b = new_fence(&lock, 3, 2);
	struct dma_fence *wide = kzalloc_obj(*wide), *wider = kzalloc_obj(*wider);

	check(a && b && wide && wider);
	if (a && b && wide && wider) {
		/* 32 bits wrap, 64 do not. */
		check(dma_fence_is_later(b, a) && !dma_fence_is_later(a, b));
		check(dma_fence_later(a, b) == b && dma_fence_is_later_or_same(a, a));
		dma_fence_init64(wide, &plain_ops, &lock, 4, U32_MAX);
		dma_fence_init64(wider, &plain_ops, &lock, 4, U32_MAX + 1ull);
		check(dma_fence_is_later(wider, wide) && !dma_fence_is_later(wide, wider));
		check(test_bit(DMA_FENCE_FLAG_SEQNO64_BIT, &wide->flags));
		dma_fence_signal(a);
		dma_fence_signal(b);
		dma_fence_signal(wide);
		dma_fence_signal(wider);
		check(!dma_fence_later(a, b));
		dma_fence_put(wide);
		dma_fence_put(wider);
	} else {
		kfree(wide);
		kfree(wider);
	}
	dma_fence_put(a);
	dma_fence_put(b);
}

static void array_of(struct dma_fence *a, struct dma_fence *b)
{
	struct dma_fence **list = kmalloc_objs(*list, 2);
	struct dma_fence_array *array;
	struct dma_fence *fence;
	unsigned int i, seen = 0;

	check(list);
	if (!list)
		return;
	list[0] = dma_fence_get(a);
	list[1] = dma_fence_get(b);
	array = dma_fence_array_create(2, list, 11, 12);
	check(array);
	if (!array)
		return;
	set_bit(LAST_BIT, &array->base.flags);
	check(dma_fence_is_array(&array->base) && dma_fence_is_container(&array->base));
	check(!dma_fence_is_chain(&array->base) && to_dma_fence_array(&array->base) == array);
	check(array->base.context == 11 && array->base.seqno == 12);
	check(array->num_fences == 2 && array->fences == list && list[0] == a && list[1] == b);
	check(atomic_read(&array->num_pending) == 2);
	dma_fence_array_for_each(fence, i, &array->base)
		seen += fence == list[i];
	check(seen == 2);
	dma_fence_enable_signaling(&array->base);
	check(!dma_fence_is_signaled(&array->base));
	check(test_bit(LAST_BIT, &array->base.flags));
	dma_fence_put(&array->base);
}

static void chain_of(struct dma_fence *a, struct dma_fence *b)
{
	struct dma_fence_chain *first = dma_fence_chain_alloc(), *second = dma_fence_chain_alloc();
	struct dma_fence_unwrap cursor;
	struct dma_fence *fence;
	int links = 0, fences = 0;

	check(first && second);
	if (!first || !second) {
		dma_fence_chain_free(first);
		dma_fence_chain_free(second);
		return;
	}
	dma_fence_chain_init(first, NULL, dma_fence_get(a), 5);
	dma_fence_chain_init(second, dma_fence_get(&first->base), dma_fence_get(b), 9);
	check(dma_fence_is_chain(&second->base) && dma_fence_is_container(&second->base));
	check(!dma_fence_is_array(&second->base) && to_dma_fence_chain(&second->base) == second);
	check(second->fence == b && dma_fence_chain_contained(&second->base) == b);
	check(rcu_access_pointer(second->prev) == &first->base && !rcu_access_pointer(first->prev));
	check(first->base.seqno == 5 && second->base.seqno == 9);
	check(second->prev_seqno == 5 && first->base.context == second->base.context);
	dma_fence_chain_for_each(fence, &second->base)
		links++;
	check(links == 2);
	dma_fence_unwrap_for_each(fence, &cursor, &second->base)
		fences++;
	check(fences == 2);
	dma_fence_put(&first->base);
	dma_fence_put(&second->base);
}

static void iterate(struct dma_resv *resv, struct dma_fence *reader, struct dma_fence *writer)
{
	struct dma_resv_iter cursor;
	struct dma_fence *fence;
	int readers = 0, writers = 0;

	dma_resv_for_each_fence(&cursor, resv, DMA_RESV_USAGE_READ, fence) {
		readers += fence == reader && dma_resv_iter_usage(&cursor) == DMA_RESV_USAGE_READ;
		writers += fence == writer && dma_resv_iter_usage(&cursor) == DMA_RESV_USAGE_WRITE;
	}
	check(readers == 1 && writers == 1);

	readers = 0;
	writers = 0;
	dma_resv_iter_begin(&cursor, resv, dma_resv_usage_rw(false));
	dma_resv_for_each_fence_unlocked(&cursor, fence) {
		check(dma_resv_iter_is_restarted(&cursor) == !(readers + writers));
		check(cursor.fence == fence);
		readers += fence == reader;
		writers += fence == writer && dma_resv_iter_usage(&cursor) == DMA_RESV_USAGE_WRITE;
	}
	dma_resv_iter_end(&cursor);
	check(!readers && writers == 1);
}

static void resv_of(struct dma_fence *reader, struct dma_fence *writer)
{
	struct ww_acquire_ctx ctx;
	struct dma_resv resv;

	dma_resv_init(&resv);
	check(!dma_resv_is_locked(&resv));
	ww_acquire_init(&ctx, &reservation_ww_class);
	check(!dma_resv_lock(&resv, &ctx));
	check(dma_resv_is_locked(&resv) && dma_resv_locking_ctx(&resv) == &ctx);
	check(!dma_resv_trylock(&resv));
	check(!dma_resv_reserve_fences(&resv, 2));
	dma_resv_add_fence(&resv, reader, DMA_RESV_USAGE_READ);
	dma_resv_add_fence(&resv, writer, DMA_RESV_USAGE_WRITE);
	iterate(&resv, reader, writer);
	dma_resv_unlock(&resv);
	ww_acquire_fini(&ctx);
	check(!dma_resv_is_locked(&resv));
	dma_resv_fini(&resv);
}

static void sync_file_of(struct dma_fence *fence)
{
	struct sync_file *file = sync_file_create(fence);

	check(file);
	if (!file)
		return;
	check(file->fence == fence && file->file->private_data == file);
	check(file_count(file->file) == 1 && !test_bit(POLL_ENABLED, &file->flags));
	check(!file->user_name[0]);
	fput(file->file);
}

/* An exporter and importers that keep data of their own where they may. */
static int exporter_data, attachment_data, importer_data;

static int attach(struct dma_buf *buf, struct dma_buf_attachment *at)
{
	check(at->dmabuf == buf && at->dev && !at->priv);
	at->priv = &attachment_data;
	return 0;
}

static void detach(struct dma_buf *buf, struct dma_buf_attachment *at)
{
	check(at->dmabuf == buf && at->priv == &attachment_data);
}

static struct sg_table *map(struct dma_buf_attachment *at, enum dma_data_direction dir)
{
	check(dma_resv_is_locked(at->dmabuf->resv) && at->priv == &attachment_data);
	return ERR_PTR(-EXDEV);
}

static void unmap(struct dma_buf_attachment *at, struct sg_table *table,
		  enum dma_data_direction dir)
{
}

static void release(struct dma_buf *buf)
{
	check(buf->priv == &exporter_data && !buf->vmapping_counter);
	check(list_empty(&buf->attachments));
	released++;
}

static int pin(struct dma_buf_attachment *at)
{
	return 0;
}

static void unpin(struct dma_buf_attachment *at)
{
}

static const struct dma_buf_ops static_buf_ops = {
	.attach = attach, .detach = detach, .map_dma_buf = map, .unmap_dma_buf = unmap,
	.release = release,
};

static const struct dma_buf_ops pinned_buf_ops = {
	.attach = attach, .detach = detach, .map_dma_buf = map, .unmap_dma_buf = unmap,
	.release = release, .pin = pin, .unpin = unpin,
};

static void moved(struct dma_buf_attachment *at)
{
}

static const struct dma_buf_attach_ops importer_ops = {
	.allow_peer2peer = true,
	.invalidate_mappings = moved,
};

static void attachments_of(struct dma_buf *buf, struct device *dev)
{
	struct dma_buf_attachment *plain = dma_buf_attach(buf, dev), *dynamic;

	check(!IS_ERR(plain));
	if (IS_ERR(plain))
		return;
	dynamic = dma_buf_dynamic_attach(buf, dev, &importer_ops, &importer_data);
	check(!IS_ERR(dynamic));
	if (!IS_ERR(dynamic)) {
		check(dynamic->importer_ops == &importer_ops && dynamic->peer2peer);
		check(dynamic->importer_priv == &importer_data);
		/* The latest comes first. */
		check(buf->attachments.next == &dynamic->node);
		check(buf->attachments.prev == &plain->node);
		dma_buf_detach(buf, dynamic);
	}
	check(plain->dmabuf == buf && plain->dev == dev && plain->priv == &attachment_data);
	check(!plain->importer_ops && !plain->importer_priv && !plain->peer2peer);
	check(PTR_ERR(dma_buf_map_attachment_unlocked(plain, DMA_TO_DEVICE)) == -EXDEV);
	check(list_is_singular(&buf->attachments));
	dma_buf_detach(buf, plain);
	check(list_empty(&buf->attachments));
}

static void buffer_with(const struct dma_buf_ops *ops, struct dma_resv *resv, struct device *dev)
{
	struct dma_buf_export_info info = {
		.exp_name = "view", .owner = THIS_MODULE, .ops = ops, .size = 3 * PAGE_SIZE,
		.flags = O_RDWR, .resv = resv, .priv = &exporter_data,
	};
	struct dma_buf *buf = dma_buf_export(&info);

	check(!IS_ERR(buf));
	if (IS_ERR(buf))
		return;
	check(buf->size == 3 * PAGE_SIZE && buf->ops == ops && buf->owner == THIS_MODULE);
	check(!strcmp(buf->exp_name, "view") && !buf->name && buf->priv == &exporter_data);
	check(resv ? buf->resv == resv : !!buf->resv);
	check(!buf->vmapping_counter && iosys_map_is_null(&buf->vmap_ptr));
	check(list_empty(&buf->attachments) && buf->file->private_data == buf);
	check(dma_buf_is_dynamic(buf) == !!ops->pin);
	check(file_count(buf->file) == 1);
	get_dma_buf(buf);
	check(file_count(buf->file) == 2);
	dma_buf_put(buf);
	attachments_of(buf, dev);
	dma_buf_put(buf);
}

/* Of a buffer that the module's end waits for, as it waits for all of them. */
static struct dma_resv shared_resv;

static int __init view_init(void)
{
	struct platform_device *pdev;
	struct dma_fence *a, *b;

	pdev = platform_device_register_simple("view", PLATFORM_DEVID_NONE, NULL, 0);
	if (IS_ERR(pdev))
		return PTR_ERR(pdev);
	one_fence(NULL);
	one_fence(&lock);
	later_fences();
	a = new_fence(NULL, dma_fence_context_alloc(1), 1);
	b = new_fence(&lock, dma_fence_context_alloc(1), 1);
	check(a && b);
	if (a && b) {
		array_of(a, b);
		chain_of(a, b);
		resv_of(a, b);
		sync_file_of(a);
		dma_fence_signal(a);
		dma_fence_signal(b);
		check(has_driver_bits(a) && has_driver_bits(b));
	}
	dma_fence_put(a);
	dma_fence_put(b);
	buffer_with(&static_buf_ops, NULL, &pdev->dev);
	dma_resv_init(&shared_resv);
	buffer_with(&pinned_buf_ops, &shared_resv, &pdev->dev);
	platform_device_unregister(pdev);
	return 0;
}
module_init(view_init);

static void __exit view_exit(void)
{
	dma_resv_fini(&shared_resv);
}
module_exit(view_exit);

MODULE_DESCRIPTION("Looks into the structures of DMA-BUF as C drivers do");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
