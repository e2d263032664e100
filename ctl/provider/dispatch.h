/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the daemon says unasked. */
#ifndef CTL_PROVIDER_DISPATCH_H
#define CTL_PROVIDER_DISPATCH_H

#include "core/local.h"

/* REQUEST, WITHDRAWN, CLOSED; mutex locked. About unknown sockets: ignored, they were closed meanwhile. */
void lc_dispatch(const struct lc_local_message *event);

#endif
