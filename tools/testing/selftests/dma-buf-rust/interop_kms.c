// SPDX-License-Identifier: GPL-2.0
/*
 * A display, as far as the interop matrix needs one: frame buffers, atomic
 * commits that show one, and a writeback where the driver offers it.
 */
#include <poll.h>
#include <sys/ioctl.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "framebuffer.h"
#include "interop.h"
#include "interop_kms.h"
#include "kms_property.h"

#define MAX_IDS		64
#define MAX_PROPS	24

static __u32 find_mode(struct kms *k, const struct drm_mode_modeinfo *modes,
		       __u32 n)
{
	for (__u32 i = 0; i < n; i++) {
		struct drm_mode_create_blob blob = {
			.data = ptr64(&modes[i]),
			.length = sizeof(modes[i]),
		};

		if (modes[i].hdisplay == WIDTH && modes[i].vdisplay == HEIGHT &&
		    !(modes[i].flags & DRM_MODE_FLAG_INTERLACE) &&
		    !ioctl(k->card, DRM_IOCTL_MODE_CREATEPROPBLOB, &blob))
			return blob.blob_id;
	}
	return 0;
}

static void look_at_connector(struct kms *k, __u32 id)
{
	static struct drm_mode_modeinfo modes[256];
	struct drm_mode_get_connector conn = { .connector_id = id };

	/* asking for no modes makes the driver look for some */
	if (ioctl(k->card, DRM_IOCTL_MODE_GETCONNECTOR, &conn))
		return;
	if (conn.connector_type == DRM_MODE_CONNECTOR_WRITEBACK) {
		k->writeback = id;
		return;
	}
	conn = (struct drm_mode_get_connector){
		.connector_id = id,
		.modes_ptr = ptr64(modes),
		.count_modes = ARRAY_SIZE(modes),
	};
	if (k->connector ||
	    ioctl(k->card, DRM_IOCTL_MODE_GETCONNECTOR, &conn) ||
	    conn.count_modes > ARRAY_SIZE(modes))
		return;
	k->mode = find_mode(k, modes, conn.count_modes);
	if (k->mode)
		k->connector = id;
}

static void find_plane(struct kms *k)
{
	__u32 ids[MAX_IDS];
	struct drm_mode_get_plane_res res = {
		.plane_id_ptr = ptr64(ids),
		.count_planes = MAX_IDS,
	};
	__u64 type;

	if (ioctl(k->card, DRM_IOCTL_MODE_GETPLANERESOURCES, &res))
		return;
	for (__u32 i = 0; i < res.count_planes && i < MAX_IDS; i++) {
		if (kms_property(k->card, ids[i], "type", &type) &&
		    type == DRM_PLANE_TYPE_PRIMARY) {
			k->plane = ids[i];
			return;
		}
	}
}

static bool set_cap(int card, __u64 cap)
{
	struct drm_set_client_cap c = { .capability = cap, .value = 1 };

	return !ioctl(card, DRM_IOCTL_SET_CLIENT_CAP, &c);
}

bool kms_open(struct kms *k, const char *driver)
{
	__u32 crtcs[MAX_IDS], connectors[MAX_IDS];
	struct drm_mode_card_res res = {
		.crtc_id_ptr = ptr64(crtcs),
		.connector_id_ptr = ptr64(connectors),
		.count_crtcs = MAX_IDS,
		.count_connectors = MAX_IDS,
	};

	*k = (struct kms){ .card = open_card(driver) };
	if (k->card < 0)
		return missing(driver);
	ioctl(k->card, DRM_IOCTL_SET_MASTER);
	set_cap(k->card, DRM_CLIENT_CAP_UNIVERSAL_PLANES);
	if (!set_cap(k->card, DRM_CLIENT_CAP_ATOMIC))
		return refused("DRM_IOCTL_SET_CLIENT_CAP");
	set_cap(k->card, DRM_CLIENT_CAP_WRITEBACK_CONNECTORS);
	if (ioctl(k->card, DRM_IOCTL_MODE_GETRESOURCES, &res) ||
	    !res.count_crtcs)
		return refused("DRM_IOCTL_MODE_GETRESOURCES");
	k->crtc = crtcs[0];
	for (__u32 i = 0; i < res.count_connectors && i < MAX_IDS; i++)
		look_at_connector(k, connectors[i]);
	find_plane(k);
	return (k->connector && k->plane) ||
	       wrong("%s has no screen of %ux%u", driver, WIDTH, HEIGHT);
}

void kms_close(struct kms *k)
{
	if (k->card >= 0)
		close(k->card);
	k->card = -1;
}

bool kms_frame_buffer(struct kms *k, __u32 handle, __u32 format, __u32 pitch,
		      __u32 *fb)
{
	struct drm_mode_fb_cmd2 add = {
		.width = WIDTH,
		.height = HEIGHT,
		.pixel_format = format,
		.handles[0] = handle,
		.pitches[0] = pitch,
	};

	if (ioctl(k->card, DRM_IOCTL_MODE_ADDFB2, &add))
		return refused("DRM_IOCTL_MODE_ADDFB2");
	*fb = add.fb_id;
	return true;
}

void kms_remove(struct kms *k, __u32 *fb, __u32 *handle)
{
	if (*fb)
		ioctl(k->card, DRM_IOCTL_MODE_RMFB, fb);
	if (*handle)
		gem_close(k->card, *handle);
	*fb = 0;
	*handle = 0;
}

/* Objects, the number of properties of each, and all properties in a row */
struct commit {
	struct kms *k;
	__u32 objects[4];
	__u32 counts[4];
	__u32 props[MAX_PROPS];
	__u64 values[MAX_PROPS];
	__u32 n_objects;
	__u32 n_props;
};

static void set(struct commit *c, __u32 object, const char *name, __u64 value)
{
	if (!c->n_objects || c->objects[c->n_objects - 1] != object)
		c->objects[c->n_objects++] = object;
	c->counts[c->n_objects - 1]++;
	c->props[c->n_props] = kms_property(c->k->card, object, name, NULL);
	c->values[c->n_props++] = value;
}

static int commit(struct kms *k, __u32 fb, __u32 wb, __s32 *fence, __u32 flags)
{
	struct commit c = { .k = k };
	struct drm_mode_atomic atomic = {
		.flags = DRM_MODE_PAGE_FLIP_EVENT | flags,
		.objs_ptr = ptr64(c.objects),
		.count_props_ptr = ptr64(c.counts),
		.props_ptr = ptr64(c.props),
		.prop_values_ptr = ptr64(c.values),
	};

	if (flags & DRM_MODE_ATOMIC_ALLOW_MODESET) {
		set(&c, k->connector, "CRTC_ID", k->crtc);
		set(&c, k->crtc, "MODE_ID", k->mode);
		set(&c, k->crtc, "ACTIVE", 1);
	}
	set(&c, k->plane, "FB_ID", fb);
	set(&c, k->plane, "CRTC_ID", k->crtc);
	set(&c, k->plane, "SRC_W", (__u64)WIDTH << 16);
	set(&c, k->plane, "SRC_H", (__u64)HEIGHT << 16);
	set(&c, k->plane, "CRTC_W", WIDTH);
	set(&c, k->plane, "CRTC_H", HEIGHT);
	if (wb) {
		set(&c, k->writeback, "CRTC_ID", k->crtc);
		set(&c, k->writeback, "WRITEBACK_FB_ID", wb);
		set(&c, k->writeback, "WRITEBACK_OUT_FENCE_PTR", ptr64(fence));
	}
	atomic.count_objs = c.n_objects;
	return ioctl(k->card, DRM_IOCTL_MODE_ATOMIC, &atomic);
}

/* A writeback is over when the driver has let go of its target. */
static bool write_back(struct kms *k, __u32 fb, __u32 wb)
{
	__s32 fence = -1;
	bool fine;

	if (commit(k, fb, wb, &fence, DRM_MODE_ATOMIC_ALLOW_MODESET))
		return refused("DRM_IOCTL_MODE_ATOMIC");
	fine = kms_shown(k, PATIENCE_MS) && fence >= 0 && poll_signalled(fence);
	close(fence);
	if (!fine)
		return wrong("the writeback does not finish");
	return framebuffer_let_go(k->card, wb, PATIENCE_MS) == 1 ||
	       wrong("the writeback's target stays in use");
}

bool kms_show(struct kms *k, __u32 fb, __u32 wb)
{
	if (wb)
		return write_back(k, fb, wb);
	if (commit(k, fb, 0, NULL, DRM_MODE_ATOMIC_ALLOW_MODESET))
		return refused("DRM_IOCTL_MODE_ATOMIC");
	return kms_shown(k, PATIENCE_MS) || wrong("no page flip");
}

bool kms_start(struct kms *k, __u32 fb)
{
	return !commit(k, fb, 0, NULL, DRM_MODE_ATOMIC_NONBLOCK) ||
	       refused("DRM_IOCTL_MODE_ATOMIC");
}

bool kms_shown(struct kms *k, int ms)
{
	struct pollfd p = { .fd = k->card, .events = POLLIN };
	struct drm_event_vblank event;

	return poll(&p, 1, ms) == 1 &&
	       read(k->card, &event, sizeof(event)) == sizeof(event) &&
	       event.base.type == DRM_EVENT_FLIP_COMPLETE;
}
