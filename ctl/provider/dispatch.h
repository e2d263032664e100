/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/* What the connection says unasked; by the hidden thread, nothing locked. */
#ifndef CTL_PROVIDER_DISPATCH_H
#define CTL_PROVIDER_DISPATCH_H

#include "provider/connection.h"

/*
 * REQUEST, WITHDRAWN, CLOSED; about unknown sockets: ignored, they were closed
 * meanwhile, which rejects whoever asked there. And the connection's loss and
 * the next one.
 */
extern const struct lc_connection_handlers lc_dispatch;

#endif
