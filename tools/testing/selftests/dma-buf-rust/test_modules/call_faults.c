// SPDX-License-Identifier: GPL-2.0
/*
 * Faults of calls that the kernel has none of. A call that is to fail returns
 * before it has begun. For the test program fail_each, by fail-nth of a task,
 * which counts them among the others; on arm64.
 */
#include <linux/dma-mapping.h>
#include <linux/errno.h>
#include <linux/fault-inject.h>
#include <linux/kprobes.h>
#include <linux/mm_types.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/ptrace.h>

#if defined(CONFIG_ARM64) && defined(CONFIG_KPROBES)
static DECLARE_FAULT_ATTR(fault);

static int fail_call(struct kprobe *probe, struct pt_regs *regs);

struct call {
	struct kprobe probe;
	/* What it returns when it fails */
	unsigned long failure;
	bool is_probed;
};

#define CALL(function, value) {						\
	.probe = { .symbol_name = function, .pre_handler = fail_call },	\
	.failure = value,						\
}

static struct call calls[] = {
	CALL("__memcg_kmem_charge_page", -ENOMEM),
	CALL("cma_alloc", 0),
	CALL("dma_iova_link", -ENOMEM),
	CALL("dma_iova_sync", -ENOMEM),
	CALL("dma_iova_try_alloc", false),
	CALL("dma_map_phys", DMA_MAPPING_ERROR),
	CALL("dma_map_sgtable", -ENOMEM),
	CALL("get_unused_fd_flags", -ENOMEM),
	CALL("vmf_insert_pfn_prot", VM_FAULT_OOM),
};

static int fail_call(struct kprobe *probe, struct pt_regs *regs)
{
	struct call *call = container_of(probe, struct call, probe);

	if (!should_fail(&fault, 1))
		return 0;
	/* The stack has been told, but for who calls: there is no frame yet. */
	pr_notice(" %pS\n", (void *)procedure_link_pointer(regs));
	regs_set_return_value(regs, call->failure);
	instruction_pointer_set(regs, procedure_link_pointer(regs));
	return 1;
}
NOKPROBE_SYMBOL(fail_call);

/* Not each kernel has each of them. */
static void begin(void)
{
	int i, ret;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		ret = register_kprobe(&calls[i].probe);
		calls[i].is_probed = !ret;
		if (ret)
			pr_info("call_faults: none of %s: %d\n", calls[i].probe.symbol_name, ret);
	}
}

static void end(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].is_probed) {
			unregister_kprobe(&calls[i].probe);
			if (calls[i].probe.nmissed)
				pr_warn("call_faults: %lu calls of %s were missed\n",
					calls[i].probe.nmissed, calls[i].probe.symbol_name);
		}
}
#else
static void begin(void)
{
}

static void end(void)
{
}
#endif

static int __init call_faults_init(void)
{
	begin();
	return 0;
}
module_init(call_faults_init);

static void __exit call_faults_exit(void)
{
	end();
}
module_exit(call_faults_exit);

MODULE_DESCRIPTION("Faults of calls that have none");
MODULE_LICENSE("GPL");
