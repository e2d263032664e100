/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * What applications ask for (core/local.h), and what becomes of all that is
 * theirs when their connection is lost, and when they end.
 */
#ifndef CTL_DAEMON_REQUEST_H
#define CTL_DAEMON_REQUEST_H

#include "daemon/membership.h"

extern const struct application_handler application_requests;

#endif
