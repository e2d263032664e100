// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* What the plane has, for who goes on from it. */
#include "plane/internal.h"

int lc_plane_each_own_session(struct lc_plane *plane,
			      int (*each)(void *context, uint32_t number,
					  const struct lc_session *session),
			      void *context)
{
	int stop = 0;

	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_SESSIONS) && !stop; i++) {
		struct lc_session session = *lc_session_of(plane, i);

		if (session.state == LC_SESSION_OPEN)
			stop = each(context, i, &session);
	}
	return stop;
}

int lc_plane_each_own_leaf(struct lc_plane *plane,
			   int (*each)(void *context, uint32_t number, const struct lc_leaf *leaf),
			   void *context)
{
	int stop = 0;

	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_LEAVES) && !stop; i++) {
		struct lc_leaf leaf = *lc_leaf_of(plane, i);

		if (leaf.session)
			stop = each(context, i, &leaf);
	}
	return stop;
}

int lc_plane_each_own_socket(struct lc_plane *plane,
			     int (*each)(void *context, uint32_t admit,
					 const struct lc_admit *record),
			     void *context)
{
	int stop = 0;

	for (uint32_t i = 1; i < lc_map_entries(&plane->maps, LC_MAP_ADMITS) && !stop; i++) {
		struct lc_admit record = *lc_admit_of(plane, i);

		if (record.cookie)
			stop = each(context, i, &record);
	}
	return stop;
}
