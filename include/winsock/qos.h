/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * Flow specifications: an RFC 2215 TSpec in bytes (per second) of whole IP
 * datagrams, and the provider-specific objects that may follow it.
 */
#ifndef WINSOCK_QOS_H
#define WINSOCK_QOS_H

#include "windef.h"

typedef ULONG SERVICETYPE;

#define SERVICETYPE_NOTRAFFIC		0x00000000
#define SERVICETYPE_BESTEFFORT		0x00000001
#define SERVICETYPE_CONTROLLEDLOAD	0x00000002
#define SERVICETYPE_GUARANTEED		0x00000003
#define SERVICETYPE_NETWORK_UNAVAILABLE 0x00000004
#define SERVICETYPE_GENERAL_INFORMATION 0x00000005
#define SERVICETYPE_NOCHANGE		0x00000006
#define SERVICETYPE_NONCONFORMING	0x00000009
#define SERVICETYPE_NETWORK_CONTROL	0x0000000A
#define SERVICETYPE_QUALITATIVE		0x0000000D
/* ORed into one of the above */
#define SERVICE_NO_TRAFFIC_CONTROL 0x81000000
#define SERVICE_NO_QOS_SIGNALING   0x40000000

#define QOS_NOT_SPECIFIED      0xFFFFFFFF
#define POSITIVE_INFINITY_RATE 0xFFFFFFFE

typedef struct _flowspec {
	ULONG TokenRate;       /* r, bytes/s */
	ULONG TokenBucketSize; /* b, bytes */
	ULONG PeakBandwidth;   /* p, bytes/s */
	ULONG Latency;	       /* us */
	ULONG DelayVariation;  /* us */
	SERVICETYPE ServiceType;
	ULONG MaxSduSize;	  /* M, bytes */
	ULONG MinimumPolicedSize; /* m, bytes */
} FLOWSPEC, *PFLOWSPEC, *LPFLOWSPEC;

/* Begins every object in QOS.ProviderSpecific. */
typedef struct {
	ULONG ObjectType;
	ULONG ObjectLength; /* bytes, this header included */
} QOS_OBJECT_HDR, *LPQOS_OBJECT_HDR;

#define QOS_OBJECT_END_OF_LIST	2001
#define QOS_OBJECT_SD_MODE	2002
#define QOS_OBJECT_SHAPING_RATE 2003
#define QOS_OBJECT_DESTADDR	2004

#define TC_NONCONF_BORROW      0
#define TC_NONCONF_SHAPE       1
#define TC_NONCONF_DISCARD     2
#define TC_NONCONF_BORROW_PLUS 3

/* What happens to datagrams that do not conform. */
typedef struct _QOS_SD_MODE {
	QOS_OBJECT_HDR ObjectHdr;
	ULONG ShapeDiscardMode; /* TC_NONCONF_* */
} QOS_SD_MODE, *LPQOS_SD_MODE;

#endif
