// SPDX-License-Identifier: GPL-2.0
/*
 * The display: find a DRM device with a screen, import buffers into it.
 */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <drm/drm.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_mode.h>

#include "atomic.h"
#include "display.h"

#define MAX_OBJECTS	16
#define MAX_MODES	256
#define DISPLAY_HINT	"load an atomic DRM driver that can import (modprobe vkms)"

struct resources {
	__u32 crtcs[MAX_OBJECTS];
	__u32 connectors[MAX_OBJECTS];
	__u32 n_crtcs;
	__u32 n_connectors;
};

static __u64 ptr64(const void *p)
{
	return (uintptr_t)p;
}

static bool set_cap(int fd, __u64 cap)
{
	struct drm_set_client_cap c = { .capability = cap, .value = 1 };

	return !xioctl(fd, DRM_IOCTL_SET_CLIENT_CAP, &c);
}

static bool can_display(struct display *d)
{
	struct drm_version version = {
		.name = d->driver,
		.name_len = sizeof(d->driver) - 1,
	};
	struct drm_get_cap cap = { .capability = DRM_CAP_PRIME };

	memset(d->driver, 0, sizeof(d->driver));
	if (xioctl(d->fd, DRM_IOCTL_VERSION, &version) ||
	    xioctl(d->fd, DRM_IOCTL_GET_CAP, &cap) ||
	    !(cap.value & DRM_PRIME_CAP_IMPORT) ||
	    !set_cap(d->fd, DRM_CLIENT_CAP_UNIVERSAL_PLANES) ||
	    !set_cap(d->fd, DRM_CLIENT_CAP_ATOMIC))
		return false;
	/* Without it there are simply no writeback connectors to see. */
	set_cap(d->fd, DRM_CLIENT_CAP_WRITEBACK_CONNECTORS);
	return true;
}

static bool get_resources(struct display *d, struct resources *r)
{
	struct drm_mode_card_res res = {
		.crtc_id_ptr = ptr64(r->crtcs),
		.connector_id_ptr = ptr64(r->connectors),
		.count_crtcs = MAX_OBJECTS,
		.count_connectors = MAX_OBJECTS,
	};

	if (xioctl(d->fd, DRM_IOCTL_MODE_GETRESOURCES, &res) ||
	    res.count_crtcs > MAX_OBJECTS || res.count_connectors > MAX_OBJECTS)
		return false;
	r->n_crtcs = res.count_crtcs;
	r->n_connectors = res.count_connectors;
	return r->n_crtcs && r->n_connectors;
}

/* The first CRTC that an encoder of this connector can use. */
static __u32 crtc_of(struct display *d, const struct resources *r,
		     __u32 encoder)
{
	struct drm_mode_get_encoder enc = { .encoder_id = encoder };

	if (xioctl(d->fd, DRM_IOCTL_MODE_GETENCODER, &enc))
		return 0;
	for (__u32 i = 0; i < r->n_crtcs; i++)
		if (enc.possible_crtcs & (1U << i))
			return r->crtcs[i];
	return 0;
}

static bool use_mode(struct display *d, struct drm_mode_modeinfo *modes,
		     __u32 count, const struct options *o)
{
	for (__u32 i = 0; i < count; i++) {
		struct drm_mode_create_blob blob = {
			.data = ptr64(&modes[i]),
			.length = sizeof(modes[i]),
		};

		if (modes[i].hdisplay != o->width ||
		    modes[i].vdisplay != o->height ||
		    (modes[i].flags & DRM_MODE_FLAG_INTERLACE))
			continue;
		if (xioctl(d->fd, DRM_IOCTL_MODE_CREATEPROPBLOB, &blob))
			return false;
		d->mode_blob = blob.blob_id;
		return true;
	}
	return false;
}

static void look_at_connector(struct display *d, const struct resources *r,
			      __u32 id, const struct options *o)
{
	static struct drm_mode_modeinfo modes[MAX_MODES];
	__u32 encoders[MAX_OBJECTS] = { 0 };
	struct drm_mode_get_connector conn = { .connector_id = id };
	__u32 crtc;

	/* Asking for no modes makes the driver probe them. */
	if (xioctl(d->fd, DRM_IOCTL_MODE_GETCONNECTOR, &conn))
		return;
	conn = (struct drm_mode_get_connector){
		.connector_id = id,
		.modes_ptr = ptr64(modes),
		.count_modes = MAX_MODES,
		.encoders_ptr = ptr64(encoders),
		.count_encoders = MAX_OBJECTS,
	};
	if (xioctl(d->fd, DRM_IOCTL_MODE_GETCONNECTOR, &conn) ||
	    conn.count_modes > MAX_MODES || !conn.count_encoders)
		return;
	crtc = crtc_of(d, r, encoders[0]);

	if (conn.connector_type == DRM_MODE_CONNECTOR_WRITEBACK) {
		if (!d->writeback && d->crtc && crtc == d->crtc)
			d->writeback = id;
	} else if (!d->connector && conn.connection == 1 && crtc &&
		   use_mode(d, modes, conn.count_modes, o)) {
		d->connector = id;
		d->crtc = crtc;
	}
}

static __u32 crtc_index(const struct resources *r, __u32 crtc)
{
	__u32 i;

	for (i = 0; i < r->n_crtcs; i++)
		if (r->crtcs[i] == crtc)
			break;
	return i;
}

/* PRIMARY planes are told from cursors by what they can show. */
static __u32 find_plane(struct display *d, const struct resources *r)
{
	__u32 ids[MAX_OBJECTS * 4];
	struct drm_mode_get_plane_res res = {
		.plane_id_ptr = ptr64(ids),
		.count_planes = MAX_OBJECTS * 4,
	};
	__u32 index = crtc_index(r, d->crtc);

	if (xioctl(d->fd, DRM_IOCTL_MODE_GETPLANERESOURCES, &res) ||
	    res.count_planes > MAX_OBJECTS * 4)
		return 0;
	for (__u32 i = 0; i < res.count_planes; i++) {
		struct drm_mode_get_plane plane = { .plane_id = ids[i] };

		d->plane = ids[i];
		if (!xioctl(d->fd, DRM_IOCTL_MODE_GETPLANE, &plane) &&
		    (plane.possible_crtcs & (1U << index)) &&
		    display_plane_has(d, DRM_FORMAT_XRGB8888))
			return ids[i];
	}
	return 0;
}

bool display_plane_has(struct display *d, __u32 format)
{
	__u32 formats[256];
	struct drm_mode_get_plane plane = {
		.plane_id = d->plane,
		.format_type_ptr = ptr64(formats),
		.count_format_types = 256,
	};

	if (xioctl(d->fd, DRM_IOCTL_MODE_GETPLANE, &plane) ||
	    plane.count_format_types > 256)
		return false;
	for (__u32 i = 0; i < plane.count_format_types; i++)
		if (formats[i] == format)
			return true;
	return false;
}

static bool has_screen(struct display *d, const struct options *o)
{
	struct resources r;

	if (!get_resources(d, &r))
		return false;
	/* Twice, so that a writeback connector may come before the screen. */
	for (int pass = 0; pass < 2; pass++)
		for (__u32 i = 0; i < r.n_connectors; i++)
			look_at_connector(d, &r, r.connectors[i], o);
	return d->connector && find_plane(d, &r);
}

/*
 * A display that fetches its pixels itself is better than vkms, which is used
 * when there is nothing else (or when it was asked for).
 */
static bool try_card(struct display *d, unsigned int minor,
		     const struct options *o, bool software)
{
	memset(d, 0, sizeof(*d));
	d->minor = minor;
	snprintf(d->node, sizeof(d->node), "/dev/dri/card%u", minor);
	d->fd = open(d->node, O_RDWR | O_CLOEXEC);
	if (d->fd < 0)
		return false;
	if (can_display(d) &&
	    (o->display ? !strcmp(o->display, d->driver) :
			  software == !strcmp(d->driver, "vkms")) &&
	    has_screen(d, o))
		return true;
	close(d->fd);
	return false;
}

void display_open(struct display *d, const struct options *o)
{
	for (int software = 0; software < 2; software++) {
		for (unsigned int i = 0; i < 16; i++) {
			if (try_card(d, i, o, software)) {
				display_find_props(d);
				return;
			}
		}
	}
	fail(DISPLAY_HINT, "no /dev/dri/card* (driver: %s) has a connected screen of %ux%u",
	     o->display ? o->display : "any", o->width, o->height);
}

void display_import(struct display *d, struct buffer *b, unsigned int width,
		    unsigned int height, unsigned int pitch,
		    const struct pixel_format *format)
{
	struct drm_prime_handle in = { .fd = b->fd };
	struct drm_mode_fb_cmd2 fb = {
		.width = width,
		.height = height,
		.pixel_format = format->drm,
		.pitches[0] = pitch,
	};
	struct drm_prime_handle out = { .flags = DRM_CLOEXEC };
	struct stat st;

	if (xioctl(d->fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &in))
		fail_errno("a display that needs contiguous memory needs a CMA --heap",
			   "%s (%s) does not import the buffer", d->node,
			   d->driver);
	b->handle = in.handle;
	fb.handles[0] = in.handle;
	if (xioctl(d->fd, DRM_IOCTL_MODE_ADDFB2, &fb))
		fail_errno(DISPLAY_HINT, "%s (%s) makes no %ux%u %s frame buffer of it",
			   d->node, d->driver, width, height, format->name);
	b->fb = fb.fb_id;

	/*
	 * Ask the display which dma-buf its handle stands for and look through
	 * that one: nothing here comes from the file descriptor we passed in.
	 */
	out.handle = b->handle;
	if (xioctl(d->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &out))
		fail_errno(BUG_HINT,
			   "%s (%s) does not export what it imported", d->node,
			   d->driver);
	b->display_fd = out.fd;
	if (fstat(b->display_fd, &st))
		fail_errno(BUG_HINT, "fstat");
	if (st.st_ino != b->ino)
		fail(BUG_HINT,
		     "%s (%s) exports dma-buf %llu although %llu was imported",
		     d->node, d->driver, (unsigned long long)st.st_ino,
		     (unsigned long long)b->ino);
	buffer_map(b->display_fd, b->size, &b->display_view);
}

void display_release(struct display *d, struct buffer *b)
{
	struct drm_gem_close gem = { .handle = b->handle };

	munmap(b->display_view, b->size);
	close(b->display_fd);
	if (xioctl(d->fd, DRM_IOCTL_MODE_RMFB, &b->fb) ||
	    xioctl(d->fd, DRM_IOCTL_GEM_CLOSE, &gem))
		fail_errno(BUG_HINT,
			   "%s (%s) does not let go of a buffer", d->node,
			   d->driver);
}

void display_close(struct display *d)
{
	close(d->fd);
}
