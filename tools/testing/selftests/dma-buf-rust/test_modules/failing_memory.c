// SPDX-License-Identifier: GPL-2.0
#include <linux/device.h>
#include <linux/dma-buf.h>
#include <linux/dma-buf-mapping.h>
#include <linux/dma-resv.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/pci.h>
#include <linux/pci-p2pdma.h>
#include <linux/rcupdate.h>

#include "failing.h"

/*
 * Memory of a PCI device, and who gets at it: that device itself, by addresses of
 * the bus, and another one through the host bridge. Addresses are all there is:
 * nobody is told them.
 */
static struct pci_dev *peers[2];
static struct p2pdma_provider *provider;
static struct phys_vec ranges[2];
static void *resources;

/* Whether its driver does that already: it would keep what it is told of the bridge. */
static bool shares_memory(struct pci_dev *pdev)
{
#ifdef CONFIG_PCI_P2PDMA
	return rcu_access_pointer(pdev->p2pdma);
#else
	return false;
#endif
}

static void begin_memory(struct pci_dev *pdev)
{
	int bar;

	for (bar = 0; bar < PCI_STD_NUM_BARS; bar++)
		if (pci_resource_flags(pdev, bar) & IORESOURCE_MEM &&
		    pci_resource_len(pdev, bar) >= ARRAY_SIZE(ranges) * PAGE_SIZE)
			break;
	if (bar == PCI_STD_NUM_BARS)
		return;
	if (shares_memory(pdev))
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
	/* as a driver whose memory is in pieces has them, and an IOMMU puts them in a row */
	ranges[1].paddr = ranges[0].paddr + PAGE_SIZE;
	ranges[1].len = PAGE_SIZE;
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

void failing_memory_begin(void)
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

void failing_memory_end(void)
{
	if (peers[0])
		devres_release_group(&peers[0]->dev, resources);
	pci_dev_put(peers[0]);
	pci_dev_put(peers[1]);
}

/* Whether the IOMMU, if there is one in between, finds the ranges at these addresses */
static bool leads_there(struct device *dev, struct sg_table *table)
{
	struct iommu_domain *domain = iommu_get_domain_for_dev(dev);
	unsigned int i, page = 0, at;
	struct scatterlist *entry;

	if (!domain || dev == &peers[0]->dev)
		return true;
	for_each_sgtable_dma_sg(table, entry, i)
		for (at = 0; at < sg_dma_len(entry); at += PAGE_SIZE, page++)
			if (page >= ARRAY_SIZE(ranges) ||
			    iommu_iova_to_phys(domain, sg_dma_address(entry) + at) !=
			    ranges[page].paddr)
				return false;
	return page == ARRAY_SIZE(ranges);
}

static int make_table(struct dma_buf_attachment *attach)
{
	struct sg_table *table;
	int ret;

	dma_resv_lock(attach->dmabuf->resv, NULL);
	table = dma_buf_phys_vec_to_sgt(attach, provider, ranges, ARRAY_SIZE(ranges),
					ARRAY_SIZE(ranges) * PAGE_SIZE, DMA_BIDIRECTIONAL);
	ret = PTR_ERR_OR_ZERO(table);
	if (!ret) {
		if (!leads_there(attach->dev, table))
			ret = -EBADE;
		dma_buf_free_sgt(attach, table, DMA_BIDIRECTIONAL);
	}
	dma_resv_unlock(attach->dmabuf->resv);
	return ret;
}

static int call_ranges(void)
{
	if (failing_number < 0 || failing_number >= ARRAY_SIZE(peers) || !peers[failing_number])
		return -ENODEV;
	return with_attachment(&peers[failing_number]->dev, make_table);
}

const struct failing_call failing_memory[] = {
	{ "dma_buf_phys_vec_to_sgt", call_ranges },
	{ }
};
