/* SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause */
/*
 * The few Windows types that the Winsock headers beside this one need, with
 * the sizes they have there: a LONG, ULONG and DWORD is 32 bits on every
 * machine, a WCHAR 16. The system's own u_long stays as it is (64 bits on most
 * machines): where Winsock says u_long, these headers say ULONG.
 */
#ifndef WINSOCK_WINDEF_H
#define WINSOCK_WINDEF_H

#include <stdint.h>

typedef uint8_t BYTE;
typedef uint16_t WORD;
typedef uint32_t DWORD;
typedef int32_t LONG;
typedef uint32_t ULONG;
typedef int INT;
typedef unsigned int UINT;
typedef int BOOL;
typedef char CHAR;
typedef uint16_t WCHAR;
typedef uintptr_t UINT_PTR;
typedef uintptr_t ULONG_PTR;
typedef intptr_t LONG_PTR;
typedef uintptr_t DWORD_PTR;

typedef void *LPVOID;
typedef void *HANDLE;
typedef void *HWND;
typedef UINT_PTR WPARAM;
typedef LONG_PTR LPARAM;
typedef int *LPINT;
typedef DWORD *LPDWORD;
typedef HANDLE *LPHANDLE;
typedef CHAR *LPSTR;
typedef const CHAR *LPCSTR;
typedef WCHAR *LPWSTR;
typedef const WCHAR *LPCWSTR;

typedef struct _GUID {
	uint32_t Data1;
	uint16_t Data2;
	uint16_t Data3;
	uint8_t Data4[8];
} GUID, *LPGUID;

#ifndef TRUE
#define TRUE 1
#endif
#ifndef FALSE
#define FALSE 0
#endif

/* Empty: there is one calling convention and one kind of pointer. */
#define FAR
#define PASCAL
#define CALLBACK
#define WSAAPI
#define WSPAPI

#define MAKEWORD(low, high) ((WORD)((BYTE)(low) | (WORD)((BYTE)(high) << 8)))
#define MAKELONG(low, high) ((LONG)((WORD)(low) | (DWORD)((WORD)(high)) << 16))
#define LOWORD(l)	    ((WORD)((DWORD_PTR)(l)&0xffff))
#define HIWORD(l)	    ((WORD)((DWORD_PTR)(l) >> 16 & 0xffff))
#define LOBYTE(w)	    ((BYTE)((DWORD_PTR)(w)&0xff))
#define HIBYTE(w)	    ((BYTE)((DWORD_PTR)(w) >> 8 & 0xff))

#endif
