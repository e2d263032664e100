/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * An application's event object, for as long as registrations refer to it. Of
 * ours, which is an eventfd, it holds a duplicate: when the application has
 * closed its own, the number may be a file's.
 */
#ifndef CTL_PROVIDER_EVENT_OBJECT_H
#define CTL_PROVIDER_EVENT_OBJECT_H

#include "provider/provider.h"

struct lc_event_object;

/* With one reference for the caller. WSAEINVAL: that is no event object; WSAENOBUFS. */
int lc_event_object_new(WSAEVENT event, struct lc_event_object **object);
/* NULL is allowed in both. */
struct lc_event_object *lc_event_object_reference(struct lc_event_object *object);
void lc_event_object_release(struct lc_event_object *object);

void lc_event_object_set(struct lc_event_object *object);
/*
 * Resets what the application names: `object`, if that is the one it registered
 * by this name, else the event itself, if it is one.
 */
void lc_event_object_reset(struct lc_event_object *object, WSAEVENT event);

#endif
