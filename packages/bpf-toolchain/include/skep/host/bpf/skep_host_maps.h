/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/* Maps as one list of entries and ring buffers as one list of records; slow, small and enough for a test. */
#pragma once

struct skep_host_entry {
	struct skep_host_entry *next;
	const void *map;
	void *key, *value;
};

static struct skep_host_entry *skep_host_entries __attribute__((unused));

static inline struct skep_host_entry **skep_host_find(const void *map, const void *key, unsigned long key_size)
{
	struct skep_host_entry **at = &skep_host_entries;

	while (*at && ((*at)->map != map || __builtin_memcmp((*at)->key, key, key_size)))
		at = &(*at)->next;
	return at;
}

static inline void *skep_host_add(const void *map, const void *key, unsigned long key_size, unsigned long value_size)
{
	struct skep_host_entry *entry = calloc(1, sizeof(*entry));

	*entry = (struct skep_host_entry){ skep_host_entries, map, calloc(1, key_size), calloc(1, value_size) };
	__builtin_memcpy(entry->key, key, key_size);
	skep_host_entries = entry;
	return entry->value;
}

/* Arrays have all their elements from the start; per-CPU maps have the value of the one CPU there is. */
static inline void *skep_host_lookup(const void *map, const void *key, unsigned long key_size, unsigned long value_size,
				     int type, unsigned int max_entries)
{
	struct skep_host_entry *entry = *skep_host_find(map, key, key_size);

	if (entry)
		return entry->value;
	if (type != 2 /* ARRAY */ && type != 6 /* PERCPU_ARRAY */)
		return (void *)0;
	return *(const __u32 *)key < max_entries ? skep_host_add(map, key, key_size, value_size) : (void *)0;
}

static inline long skep_host_update(const void *map, const void *key, unsigned long key_size, const void *value,
				    unsigned long value_size, unsigned long long flags, unsigned int max_entries)
{
	struct skep_host_entry *entry = *skep_host_find(map, key, key_size);
	unsigned int count = 0;

	if (entry && flags == 1 /* BPF_NOEXIST */)
		return -17; /* EEXIST */
	if (!entry && flags == 2 /* BPF_EXIST */)
		return -2; /* ENOENT */
	if (!entry)
		for (struct skep_host_entry *other = skep_host_entries; other; other = other->next)
			count += other->map == map;
	if (!entry && count >= max_entries)
		return -7; /* E2BIG */
	__builtin_memcpy(entry ? entry->value : skep_host_add(map, key, key_size, value_size), value, value_size);
	return 0;
}

static inline long skep_host_delete(const void *map, const void *key, unsigned long key_size)
{
	struct skep_host_entry **at = skep_host_find(map, key, key_size), *entry = *at;

	if (!entry)
		return -2;
	*at = entry->next;
	free(entry->key);
	free(entry->value);
	free(entry);
	return 0;
}

/* `__uint(name, value)` keeps its value as the length of an array. */
#define SKEP_HOST_UINT(map, name) (sizeof(*(map)->name) / sizeof(int))
#define bpf_map_lookup_elem(map, k)                                                                      \
	((__typeof__((map)->value))skep_host_lookup(map, k, sizeof(*(map)->key), sizeof(*(map)->value), \
						    SKEP_HOST_UINT(map, type), SKEP_HOST_UINT(map, max_entries)))
#define bpf_map_update_elem(map, k, v, flags)                                                          \
	skep_host_update(map, k, sizeof(*(map)->key), v, sizeof(*(map)->value), (unsigned long long)(flags), \
			 SKEP_HOST_UINT(map, max_entries))
#define bpf_map_delete_elem(map, k) skep_host_delete(map, k, sizeof(*(map)->key))

struct skep_host_record {
	struct skep_host_record *next;
	const void *ring;
	__u64 bytes[];
};

static struct skep_host_record *skep_host_records __attribute__((unused));

static inline void *skep_host_reserve(const void *ring, unsigned long size)
{
	struct skep_host_record *record;

	if (skep_host.ring_full)
		return (void *)0;
	record = calloc(1, sizeof(*record) + size);
	record->ring = ring;
	return record->bytes;
}

#define SKEP_HOST_RECORD(memory) ((struct skep_host_record *)((char *)(memory) - offsetof(struct skep_host_record, bytes)))

static inline void skep_host_submit(void *memory)
{
	struct skep_host_record **end = &skep_host_records;

	while (*end)
		end = &(*end)->next;
	*end = SKEP_HOST_RECORD(memory);
}

/* For the test: the oldest record submitted to @ring and not yet taken, or NULL. */
static inline void *skep_host_take(const void *ring)
{
	struct skep_host_record **at = &skep_host_records, *record;

	while (*at && (*at)->ring != ring)
		at = &(*at)->next;
	record = *at;
	if (!record)
		return (void *)0;
	*at = record->next;
	return record->bytes;
}

static inline long skep_host_output(const void *ring, const void *from, unsigned long size)
{
	void *to = skep_host_reserve(ring, size);

	if (!to)
		return -11; /* EAGAIN */
	__builtin_memcpy(to, from, size);
	skep_host_submit(to);
	return 0;
}

#define bpf_ringbuf_reserve(ring, size, flags) skep_host_reserve(ring, size)
#define bpf_ringbuf_submit(memory, flags) skep_host_submit(memory)
#define bpf_ringbuf_discard(memory, flags) free(SKEP_HOST_RECORD(memory))
#define bpf_ringbuf_output(ring, from, size, flags) skep_host_output(ring, from, size)
#define bpf_ringbuf_query(ring, flags) 0UL
