/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* CO-RE on the host: the layout compiled against is the layout there is. */
#pragma once

#define SKEP_HOST_PATH1(a) a
#define SKEP_HOST_PATH2(a, b) a->b
#define SKEP_HOST_PATH3(a, b, c) a->b->c
#define SKEP_HOST_PATH4(a, b, c, d) a->b->c->d
#define SKEP_HOST_PATH5(a, b, c, d, e) a->b->c->d->e
#define SKEP_HOST_PICK(_1, _2, _3, _4, _5, name, ...) name
#define SKEP_HOST_PATH(...)                                                                                   \
	SKEP_HOST_PICK(__VA_ARGS__, SKEP_HOST_PATH5, SKEP_HOST_PATH4, SKEP_HOST_PATH3, SKEP_HOST_PATH2,       \
		       SKEP_HOST_PATH1, )                                                                     \
	(__VA_ARGS__)

#define BPF_CORE_READ(from, ...) ((from)->SKEP_HOST_PATH(__VA_ARGS__))
#define BPF_CORE_READ_INTO(to, from, ...) skep_host_copy(to, sizeof(*(to)), &BPF_CORE_READ(from, __VA_ARGS__))
#define BPF_CORE_READ_STR_INTO(to, from, ...) \
	skep_host_copy_string(to, sizeof(*(to)), &BPF_CORE_READ(from, __VA_ARGS__))
#define BPF_CORE_READ_BITFIELD(from, member) ((from)->member)
#define BPF_CORE_READ_BITFIELD_PROBED(from, member) ((from)->member)
#define bpf_core_read(to, size, from) skep_host_copy(to, size, from)
#define bpf_core_field_exists(...) 1
#define bpf_core_type_exists(type) 1
#define bpf_core_enum_value_exists(type, value) 1
#define bpf_core_enum_value(type, value) (value)
#define bpf_core_type_size(type) sizeof(type)
