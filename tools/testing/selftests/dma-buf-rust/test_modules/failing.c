// SPDX-License-Identifier: GPL-2.0
/*
 * Calls the exported functions that allocate: which one is written to a file of
 * debugfs, with a number behind it where one is needed, so that it is
 * the writer's own calls that fail, and the writer who is told. What it gets is
 * let go again. For the test program fail_each. "too_many" adds fences without
 * room.
 */
#include <linux/debugfs.h>
#include <linux/dma-buf.h>
#include <linux/dma-buf-mapping.h>
#include <linux/dma-fence-array.h>
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/dma-heap-owned.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/iosys-map.h>
#include <linux/kstrtox.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pci-p2pdma.h>
#include <linux/platform_device.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>

#define FENCES	12
#define SIZE	(4 * PAGE_SIZE)

static struct platform_device *device;
static u64 dma_mask = DMA_BIT_MASK(64);
static struct dentry *dir;
static DEFINE_SPINLOCK(lock);

static const char *fence_name(struct dma_fence *fence)
{
	return "failing";
}

static const struct dma_fence_ops fence_ops = {
	.get_driver_name = fence_name,
	.get_timeline_name = fence_name,
};

/* There before anything fails: pending, each of a context of its own */
static struct dma_fence *fences[FENCES];

static struct sg_table *give_no_table(struct dma_buf_attachment *attach,
				      enum dma_data_direction direction)
{
	return ERR_PTR(-ENOMEM);
}

static void take_table(struct dma_buf_attachment *attach, struct sg_table *table,
		       enum dma_data_direction direction)
{
}

static void let_go(struct dma_buf *buf)
{
}

static const struct dma_buf_ops buf_ops = {
	.map_dma_buf = give_no_table,
	.unmap_dma_buf = take_table,
	.release = let_go,
};

static struct dma_buf *new_buffer(void)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);

	info.ops = &buf_ops;
	info.size = SIZE;
	info.flags = O_RDWR;
	info.priv = &device;
	return dma_buf_export(&info);
}

static int call_export(void)
{
	struct dma_buf *buf = new_buffer();

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	dma_buf_put(buf);
	return 0;
}

static int with_attachment(struct device *dev, int (*use)(struct dma_buf_attachment *attach))
{
	struct dma_buf *buf = new_buffer();
	struct dma_buf_attachment *attach;
	int ret;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	attach = dma_buf_attach(buf, dev);
	ret = PTR_ERR_OR_ZERO(attach);
	if (!ret) {
		ret = use(attach);
		dma_buf_detach(buf, attach);
	}
	dma_buf_put(buf);
	return ret;
}

static int leave_it(struct dma_buf_attachment *attach)
{
	return 0;
}

static int call_attach(void)
{
	return with_attachment(&device->dev, leave_it);
}

static int call_fd(void)
{
	struct dma_buf *buf = new_buffer();
	int fd;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	fd = dma_buf_fd(buf, O_CLOEXEC);
	if (fd < 0) {
		dma_buf_put(buf);
		return fd;
	}
	close_fd(fd);
	return 0;
}

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
	.get_driver_name = fence_name,
	.get_timeline_name = fence_name,
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
	dma_fence_init(&late->base, &late_ops, &lock, dma_fence_context_alloc(1), 1);
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

/* The number behind the name */
static int given = -1;

/*
 * Memory of a PCI device, and who gets at it: that device itself, by addresses of
 * the bus, and another one through the host bridge. Addresses are all there is:
 * nobody is told them.
 */
static struct pci_dev *peers[2];
static struct p2pdma_provider *provider;
static struct phys_vec ranges[2];
static void *resources;

static void begin_memory(struct pci_dev *pdev)
{
	int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if (pci_resource_flags(pdev, bar) & IORESOURCE_MEM &&
		    pci_resource_len(pdev, bar) >= PAGE_SIZE)
			break;
	if (bar == PCI_STD_NUM_BARS)
		return;
	resources = devres_open_group(&pdev->dev, NULL, GFP_KERNEL);
	if (!resources)
		return;
	if (!pcim_p2pdma_init(pdev))
		provider = pcim_p2pdma_provider(pdev, bar);
	devres_close_group(&pdev->dev, resources);
	if (!provider) {
		devres_release_group(&pdev->dev, resources);
		return;
	}
	ranges[0].paddr = pci_resource_start(pdev, bar);
	ranges[0].len = PAGE_SIZE;
	ranges[1] = ranges[0];
	peers[0] = pci_dev_get(pdev);
}

/*
 * The kernel trusts no host bridge that QEMU has. It looks at the bridge's vendor
 * for that, and only the first time that it is asked about two devices.
 */
static void begin_peer(struct pci_dev *pdev)
{
	struct pci_dev *bridge = pci_get_slot(pdev->bus, PCI_DEVFN(0, 0));
	unsigned short vendor;

	if (!bridge)
		return;
	vendor = bridge->vendor;
	bridge->vendor = PCI_VENDOR_ID_GOOGLE;
	if (pci_p2pdma_distance(peers[0], &pdev->dev, false) >= 0)
		peers[1] = pci_dev_get(pdev);
	bridge->vendor = vendor;
	pci_dev_put(bridge);
}

static void begin_peers(void)
{
	struct pci_dev *pdev = NULL;

	for_each_pci_dev(pdev) {
		/* what belongs to a device without a driver may be in the way of one */
		if (!pdev->dev.driver || !pci_is_root_bus(pdev->bus))
			continue;
		if (!peers[0])
			begin_memory(pdev);
		else if (!peers[1])
			begin_peer(pdev);
	}
}

static void end_peers(void)
{
	if (peers[0])
		devres_release_group(&peers[0]->dev, resources);
	pci_dev_put(peers[0]);
	pci_dev_put(peers[1]);
}

static int make_table(struct dma_buf_attachment *attach)
{
	struct sg_table *table;

	dma_resv_lock(attach->dmabuf->resv, NULL);
	table = dma_buf_phys_vec_to_sgt(attach, provider, ranges, ARRAY_SIZE(ranges),
					ARRAY_SIZE(ranges) * PAGE_SIZE, DMA_BIDIRECTIONAL);
	if (!IS_ERR(table))
		dma_buf_free_sgt(attach, table, DMA_BIDIRECTIONAL);
	dma_resv_unlock(attach->dmabuf->resv);
	return PTR_ERR_OR_ZERO(table);
}

static int call_ranges(void)
{
	if (given < 0 || given >= ARRAY_SIZE(peers) || !peers[given])
		return -ENODEV;
	return with_attachment(&peers[given]->dev, make_table);
}

/* With the descriptor of a buffer of user space's */
static int call_map(void)
{
	struct dma_buf *buf = dma_buf_get(given);
	struct dma_buf_attachment *attach;
	struct sg_table *table, *second;
	int ret;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	attach = dma_buf_attach(buf, &device->dev);
	ret = PTR_ERR_OR_ZERO(attach);
	if (ret)
		goto put;
	table = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	ret = PTR_ERR_OR_ZERO(table);
	if (ret)
		goto detach;
	/* once more: with exporters in Rust, a table of its own */
	second = dma_buf_map_attachment_unlocked(attach, DMA_TO_DEVICE);
	ret = PTR_ERR_OR_ZERO(second);
	if (!ret)
		dma_buf_unmap_attachment_unlocked(attach, second, DMA_TO_DEVICE);
	dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
	if (ret)
		goto detach;
	/* and when it is mapped no more: the table that is there */
	table = dma_buf_map_attachment_unlocked(attach, DMA_BIDIRECTIONAL);
	ret = PTR_ERR_OR_ZERO(table);
	if (!ret)
		dma_buf_unmap_attachment_unlocked(attach, table, DMA_BIDIRECTIONAL);
detach:
	dma_buf_detach(buf, attach);
put:
	dma_buf_put(buf);
	return ret;
}

static int call_vmap(void)
{
	struct dma_buf *buf = dma_buf_get(given);
	struct iosys_map map;
	int ret;

	if (IS_ERR(buf))
		return PTR_ERR(buf);
	ret = dma_buf_vmap_unlocked(buf, &map);
	if (!ret)
		dma_buf_vunmap_unlocked(buf, &map);
	dma_buf_put(buf);
	return ret;
}

#ifdef CONFIG_DMABUF_CORE_RUST
static struct dma_buf *no_buffer(struct dma_heap *heap, unsigned long len,
				 u32 fd_flags, u64 heap_flags)
{
	return ERR_PTR(-ENOMEM);
}

static const struct dma_heap_ops heap_ops = { .allocate = no_buffer };

static const struct dma_heap_export_info heap_info = {
	.name = "failing",
	.ops = &heap_ops,
};

static int call_heap(void)
{
	struct dma_heap *heap = dma_heap_add_owned(&heap_info, THIS_MODULE, NULL);

	if (IS_ERR(heap))
		return PTR_ERR(heap);
	dma_heap_remove(heap);
	return 0;
}

/* A heap that is added so stays for ever, were there not another one of its name. */
static int call_same_heap(void)
{
	struct dma_heap *heap = dma_heap_add_owned(&heap_info, THIS_MODULE, NULL);
	struct dma_heap *same;

	if (IS_ERR(heap))
		return PTR_ERR(heap);
	same = dma_heap_add(&heap_info);
	dma_heap_remove(heap);
	return PTR_ERR(same) == -EEXIST ? 0 : PTR_ERR_OR_ZERO(same);
}
#else
static int call_heap(void)
{
	/* C has no heaps that can be removed, and sysfs a word for two of a name. */
	return -ENODEV;
}

#define call_same_heap call_heap
#endif

static const struct {
	const char *name;
	int (*call)(void);
} calls[] = {
	{ "dma_buf_export", call_export },
	{ "dma_buf_attach", call_attach },
	{ "dma_buf_fd", call_fd },
	{ "dma_resv_get_fences", call_get_fences },
	{ "dma_resv_get_singleton", call_get_singleton },
	{ "dma_resv_copy_fences", call_copy_fences },
	{ "dma_fence_array_create", call_array },
	{ "dma_fence_array_alloc", call_array_alloc },
	{ "dma_fence_unwrap_merge", call_merge },
	{ "dma_fence_allocate_private_stub", call_stub },
	{ "dma_fence_wait_any_timeout", call_wait_any },
	{ "dma_buf_map_attachment", call_map },
	{ "dma_buf_vmap", call_vmap },
	{ "dma_buf_phys_vec_to_sgt", call_ranges },
	{ "sync_file_create", call_sync_file },
	{ "dma_heap_add_owned", call_heap },
	{ "dma_heap_add", call_same_heap },
	{ "chain", call_chain },
	{ "too_many", call_too_many },
};

static ssize_t call_write(struct file *file, const char __user *text, size_t len,
			  loff_t *pos)
{
	char text_of[64] = "", *number = text_of, *name;
	int i, ret;

	if (len >= sizeof(text_of))
		return -EINVAL;
	if (copy_from_user(text_of, text, len))
		return -EFAULT;
	/* one call at a time */
	name = strsep(&number, " ");
	if (number && kstrtoint(number, 10, &given))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		if (strcmp(name, calls[i].name))
			continue;
		ret = calls[i].call();
		return ret ? ret : len;
	}
	return -ENOENT;
}

static const struct file_operations call_file = {
	.owner = THIS_MODULE,
	.open = simple_open,
	.write = call_write,
};

static void signal_all(void)
{
	int i;

	for (i = 0; i < FENCES && fences[i]; i++) {
		dma_fence_signal(fences[i]);
		dma_fence_put(fences[i]);
	}
}

static int __init failing_init(void)
{
	int i;

	for (i = 0; i < FENCES; i++) {
		fences[i] = kzalloc_obj(*fences[i]);
		if (!fences[i]) {
			signal_all();
			return -ENOMEM;
		}
		dma_fence_init(fences[i], &fence_ops, &lock,
			       dma_fence_context_alloc(1), 1);
	}
	device = platform_device_register_simple("failing", PLATFORM_DEVID_NONE,
						 NULL, 0);
	if (IS_ERR(device)) {
		signal_all();
		return PTR_ERR(device);
	}
	device->dev.dma_mask = &dma_mask;
	device->dev.coherent_dma_mask = DMA_BIT_MASK(64);
	begin_peers();
	dir = debugfs_create_dir("dma_buf_failing", NULL);
	debugfs_create_file("call", 0200, dir, NULL, &call_file);
	return 0;
}
module_init(failing_init);

static void __exit failing_exit(void)
{
	debugfs_remove(dir);
	end_peers();
	platform_device_unregister(device);
	signal_all();
	/* who still looks at the names of one does so under RCU */
	synchronize_rcu();
}
module_exit(failing_exit);

MODULE_DESCRIPTION("Calls what allocates");
MODULE_LICENSE("GPL");
MODULE_IMPORT_NS("DMA_BUF");
MODULE_IMPORT_NS("DMA_BUF_HEAP");
