// SPDX-License-Identifier: GPL-2.0
/*
 * Showing a frame: atomic commits with a page flip event, and a writeback job
 * where the driver offers one.
 */
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "atomic.h"
#include "framebuffer.h"
#include "util.h"

#define MAX_PROPS	24

static __u64 ptr64(const void *p)
{
	return (uintptr_t)p;
}

static __u32 find_prop(struct display *d, __u32 object, __u32 type,
		       const char *name)
{
	__u32 ids[64];
	__u64 values[64];
	struct drm_mode_obj_get_properties props = {
		.props_ptr = ptr64(ids),
		.prop_values_ptr = ptr64(values),
		.count_props = 64,
		.obj_id = object,
		.obj_type = type,
	};

	if (!xioctl(d->fd, DRM_IOCTL_MODE_OBJ_GETPROPERTIES, &props) &&
	    props.count_props <= 64) {
		for (__u32 i = 0; i < props.count_props; i++) {
			struct drm_mode_get_property p = { .prop_id = ids[i] };

			if (!xioctl(d->fd, DRM_IOCTL_MODE_GETPROPERTY, &p) &&
			    !strcmp(p.name, name))
				return ids[i];
		}
	}
	fail("use an atomic DRM driver: name one with --display",
	     "%s (%s) has no property %s", d->node, d->driver, name);
}

void display_find_props(struct display *d)
{
	struct display_props *p = &d->prop;
	const struct {
		const char *name;
		__u32 object;
		__u32 type;
		__u32 *id;
	} wanted[] = {
		{ "CRTC_ID", d->connector, DRM_MODE_OBJECT_CONNECTOR, &p->conn_crtc },
		{ "MODE_ID", d->crtc, DRM_MODE_OBJECT_CRTC, &p->crtc_mode },
		{ "ACTIVE", d->crtc, DRM_MODE_OBJECT_CRTC, &p->crtc_active },
		{ "FB_ID", d->plane, DRM_MODE_OBJECT_PLANE, &p->plane_fb },
		{ "CRTC_ID", d->plane, DRM_MODE_OBJECT_PLANE, &p->plane_crtc },
		{ "SRC_X", d->plane, DRM_MODE_OBJECT_PLANE, &p->plane_src_x },
		{ "SRC_Y", d->plane, DRM_MODE_OBJECT_PLANE, &p->plane_src_y },
		{ "SRC_W", d->plane, DRM_MODE_OBJECT_PLANE, &p->plane_src_w },
		{ "SRC_H", d->plane, DRM_MODE_OBJECT_PLANE, &p->plane_src_h },
		{ "CRTC_X", d->plane, DRM_MODE_OBJECT_PLANE, &p->plane_crtc_x },
		{ "CRTC_Y", d->plane, DRM_MODE_OBJECT_PLANE, &p->plane_crtc_y },
		{ "CRTC_W", d->plane, DRM_MODE_OBJECT_PLANE, &p->plane_crtc_w },
		{ "CRTC_H", d->plane, DRM_MODE_OBJECT_PLANE, &p->plane_crtc_h },
		{ "CRTC_ID", d->writeback, DRM_MODE_OBJECT_CONNECTOR, &p->wb_crtc },
		{ "WRITEBACK_FB_ID", d->writeback, DRM_MODE_OBJECT_CONNECTOR, &p->wb_fb },
		{ "WRITEBACK_OUT_FENCE_PTR", d->writeback, DRM_MODE_OBJECT_CONNECTOR,
		  &p->wb_fence },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
		if (wanted[i].object)
			*wanted[i].id = find_prop(d, wanted[i].object,
						  wanted[i].type,
						  wanted[i].name);
}

/* Objects, the number of properties of each, and all properties in a row. */
struct commit {
	__u32 objects[4];
	__u32 counts[4];
	__u32 props[MAX_PROPS];
	__u64 values[MAX_PROPS];
	__u32 n_objects;
	__u32 n_props;
};

static void set(struct commit *c, __u32 object, __u32 prop, __u64 value)
{
	if (!c->n_objects || c->objects[c->n_objects - 1] != object)
		c->objects[c->n_objects++] = object;
	c->counts[c->n_objects - 1]++;
	c->props[c->n_props] = prop;
	c->values[c->n_props++] = value;
}

static void wait_for_flip(struct display *d)
{
	struct drm_event_vblank event;

	if (!wait_readable(d->fd))
		fail(LOG_HINT,
		     "%s (%s): no page flip event within a minute", d->node,
		     d->driver);
	if (read(d->fd, &event, sizeof(event)) != sizeof(event) ||
	    event.base.type != DRM_EVENT_FLIP_COMPLETE)
		fail(LOG_HINT,
		     "%s (%s): something else than a page flip event", d->node,
		     d->driver);
}

void display_show(struct display *d, const struct buffer *b,
		  const struct buffer *wb, unsigned int width,
		  unsigned int height)
{
	const struct display_props *p = &d->prop;
	struct commit c = { 0 };
	/* The driver leaves a fence here that signals when wb is written. */
	__s32 fence = -1;
	struct drm_mode_atomic atomic = {
		.flags = DRM_MODE_PAGE_FLIP_EVENT |
			 (d->lit ? 0 : DRM_MODE_ATOMIC_ALLOW_MODESET),
		.objs_ptr = ptr64(c.objects),
		.count_props_ptr = ptr64(c.counts),
		.props_ptr = ptr64(c.props),
		.prop_values_ptr = ptr64(c.values),
	};

	if (!d->lit) {
		set(&c, d->connector, p->conn_crtc, d->crtc);
		set(&c, d->crtc, p->crtc_mode, d->mode_blob);
		set(&c, d->crtc, p->crtc_active, 1);
	}
	set(&c, d->plane, p->plane_fb, b->fb);
	if (!d->lit) {
		set(&c, d->plane, p->plane_crtc, d->crtc);
		set(&c, d->plane, p->plane_src_x, 0);
		set(&c, d->plane, p->plane_src_y, 0);
		set(&c, d->plane, p->plane_src_w, (__u64)width << 16);
		set(&c, d->plane, p->plane_src_h, (__u64)height << 16);
		set(&c, d->plane, p->plane_crtc_x, 0);
		set(&c, d->plane, p->plane_crtc_y, 0);
		set(&c, d->plane, p->plane_crtc_w, width);
		set(&c, d->plane, p->plane_crtc_h, height);
	}
	if (wb) {
		set(&c, d->writeback, p->wb_crtc, d->crtc);
		set(&c, d->writeback, p->wb_fb, wb->fb);
		set(&c, d->writeback, p->wb_fence, ptr64(&fence));
	}
	atomic.count_objs = c.n_objects;
	if (xioctl(d->fd, DRM_IOCTL_MODE_ATOMIC, &atomic))
		fail_errno("another program may own the screen; or try another --size",
			   "%s (%s) does not show the frame", d->node,
			   d->driver);
	d->lit = true;
	wait_for_flip(d);
	if (!wb)
		return;
	if (fence < 0 || !wait_readable(fence))
		fail(LOG_HINT,
		     "%s (%s): the writeback does not finish", d->node,
		     d->driver);
	close(fence);
	framebuffer_let_go(d->fd, wb->fb, PATIENCE_MS);
	d->writebacks++;
}
