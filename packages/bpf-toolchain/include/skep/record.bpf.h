/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Puts a struct into the object's BTF, so that skep-bpf can generate its codec and the agent can prove its layout.
 *
 * clang describes only types that something global refers to; a record that is only reserved in a ring buffer is
 * left out. This pointer is such a reference. It has a section of its own, which loaders skip: in .rodata or .bss it
 * would cost each object a map.
 */
#pragma once

#define SKEP_RECORD(name) \
	const struct name *const skep_record_##name __attribute__((section(".skep"), used)) = 0
