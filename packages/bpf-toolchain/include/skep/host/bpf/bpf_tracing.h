/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Programs become functions that a test calls with the arguments themselves, no context in between. */
#pragma once

#define BPF_PROG(name, ...) name(__VA_ARGS__)
#define BPF_KPROBE(name, ...) name(__VA_ARGS__)
#define BPF_KRETPROBE(name, ...) name(__VA_ARGS__)
#define BPF_UPROBE(name, ...) name(__VA_ARGS__)
#define BPF_URETPROBE(name, ...) name(__VA_ARGS__)
