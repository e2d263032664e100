/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Types of the RSVP objects that programs put into QOS.ProviderSpecific. There
 * is no RSVP here: they are accepted and ignored.
 */
#ifndef WINSOCK_QOSSP_H
#define WINSOCK_QOSSP_H

#include "qos.h"

#define RSVP_OBJECT_STATUS_INFO	    1000
#define RSVP_OBJECT_RESERVE_INFO    1001
#define RSVP_OBJECT_ADSPEC	    1002
#define RSVP_OBJECT_POLICY_INFO	    1003
#define RSVP_OBJECT_FILTERSPEC_LIST 1004

#define RSVP_DEFAULT_STYLE	   0
#define RSVP_WILDCARD_STYLE	   1
#define RSVP_FIXED_FILTER_STYLE	   2
#define RSVP_SHARED_EXPLICIT_STYLE 3

#endif
