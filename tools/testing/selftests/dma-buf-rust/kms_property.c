// SPDX-License-Identifier: GPL-2.0
/*
 * Properties of what a display consists of.
 */
#include <string.h>
#include <sys/ioctl.h>

#include <drm/drm.h>
#include <drm/drm_mode.h>

#include "common.h"
#include "kms_property.h"

__u32 kms_property(int card, __u32 object, const char *name, __u64 *value)
{
	__u64 values[64];
	__u32 ids[64];
	struct drm_mode_obj_get_properties all = {
		.props_ptr = ptr64(ids),
		.prop_values_ptr = ptr64(values),
		.count_props = ARRAY_SIZE(ids),
		.obj_id = object,
		.obj_type = DRM_MODE_OBJECT_ANY,
	};

	if (ioctl(card, DRM_IOCTL_MODE_OBJ_GETPROPERTIES, &all))
		return 0;
	for (__u32 i = 0; i < all.count_props && i < ARRAY_SIZE(ids); i++) {
		struct drm_mode_get_property p = { .prop_id = ids[i] };

		if (ioctl(card, DRM_IOCTL_MODE_GETPROPERTY, &p) ||
		    strcmp(p.name, name))
			continue;
		if (value)
			*value = values[i];
		return ids[i];
	}
	return 0;
}
