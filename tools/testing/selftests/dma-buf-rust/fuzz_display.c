// SPDX-License-Identifier: GPL-2.0
/*
 * The fuzzer's commits to a display, that of vkms, each with a fence of its own. The display
 * is off before and after each call: a frame would come at its own time.
 */
#include <sys/ioctl.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "fuzz.h"
#include "kms_property.h"

/* Whoever opens the card first is its master, as long as it stays open. */
static int card;
static __u32 crtc, connector, plane, mode;
static __u32 objects[5], props[5];

void display_begin(void)
{
	static const char * const names[] = {
		"CRTC_ID", "MODE_ID", "ACTIVE", "OUT_FENCE_PTR", "IN_FENCE_FD",
	};
	static const struct drm_mode_modeinfo vga = {
		.clock = 25175, .vrefresh = 60,
		.hdisplay = 640, .hsync_start = 656, .hsync_end = 752, .htotal = 800,
		.vdisplay = 480, .vsync_start = 490, .vsync_end = 492, .vtotal = 525,
		.flags = DRM_MODE_FLAG_NHSYNC | DRM_MODE_FLAG_NVSYNC, .name = "640x480",
	};
	struct drm_set_client_cap atomic = { .capability = DRM_CLIENT_CAP_ATOMIC, .value = 1 };
	struct drm_mode_create_blob blob = { .data = ptr64(&vga), .length = sizeof(vga) };
	struct drm_mode_card_res res = {
		.crtc_id_ptr = ptr64(&crtc), .count_crtcs = 1,
		.connector_id_ptr = ptr64(&connector), .count_connectors = 1,
	};
	struct drm_mode_get_plane_res planes = {
		.plane_id_ptr = ptr64(&plane), .count_planes = 1,
	};

	card = open_card("vkms");
	t_need(card >= 0 && !ioctl(card, DRM_IOCTL_SET_CLIENT_CAP, &atomic) &&
	       !ioctl(card, DRM_IOCTL_MODE_GETRESOURCES, &res) &&
	       !ioctl(card, DRM_IOCTL_MODE_GETPLANERESOURCES, &planes) &&
	       !ioctl(card, DRM_IOCTL_MODE_CREATEPROPBLOB, &blob), "a display of vkms");
	mode = blob.blob_id;
	memcpy(objects, (const __u32[]){ connector, crtc, crtc, crtc, plane }, sizeof(objects));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		props[i] = kms_property(card, objects[i], names[i], NULL);
		t_need(props[i], names[i]);
	}
}

/* From the first of "props" on; the last of them only with a fence to wait for */
static long commit(bool on, unsigned int first, const __s32 *fence, int wait_for, __u32 flags)
{
	static const __u32 counts[] = { 1, 1, 1, 1, 1 };
	const __u64 values[] = { on ? crtc : 0, on ? mode : 0, on, ptr64(fence), wait_for };
	struct drm_mode_atomic arg = {
		.flags = flags,
		.count_objs = (wait_for < 0 ? 4 : 5) - first,
		.objs_ptr = ptr64(objects + first),
		.count_props_ptr = ptr64(counts + first),
		.props_ptr = ptr64(props + first),
		.prop_values_ptr = ptr64(values + first),
	};

	return ioctl(card, DRM_IOCTL_MODE_ATOMIC, &arg);
}

static void got_fence(struct run *r, long ret, int fence)
{
	if (ret || fence < 0)
		said(r, ret);
	else
		got_fd(r, FENCE, fence);
}

/*
 * The usual one turns the display on without a mode: the fence, which nobody will signal, is
 * made and thrown away. A display that is turned on or off has signalled when it returns,
 * but for threads, which need not wait. What is only tested has no fence, and waits for none.
 */
static void display_commit(struct run *r, const __u8 *a)
{
	enum { NO_MODE, ON_AND_OFF, NO_MODESET, TESTED } how = a[0] & 3;
	__u32 flags = how == NO_MODESET ? 0 : DRM_MODE_ATOMIC_ALLOW_MODESET;
	int wait_for = how == TESTED && a[2] & 1 ? fd_of(r, FENCE, a[3]) : -1;
	__s32 fence = -1;
	long ret;

	if (how == TESTED)
		flags |= DRM_MODE_ATOMIC_TEST_ONLY;
	else if (r->world->racing && a[4] & 1)
		flags |= DRM_MODE_ATOMIC_NONBLOCK;
	ret = commit(true, how == NO_MODE ? 2 : 0, arg_at(a[1], &fence, sizeof(fence)), wait_for,
		     flags);
	got_fence(r, ret, fence);
	if (ret || how != ON_AND_OFF)
		return;
	fence = -1;
	ret = commit(false, 0, &fence, -1, flags);
	got_fence(r, ret, fence);
	/* without a fence there is nothing of it that is meant to fail */
	if (ret)
		said(r, commit(false, 0, NULL, -1, DRM_MODE_ATOMIC_ALLOW_MODESET));
}

const struct op display_ops[] = {
	{ "display_commit", display_commit },
	{ }
};
