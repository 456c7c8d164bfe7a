// SPDX-License-Identifier: MIT
/*
 * What C does with libbpf, to measure against.
 *
 *   consumer OBJECT ring|map   for each line of input: makes COUNT records or entries, reads them, writes
 *                              "nanoseconds count checksum"
 *   consumer produce RATE SECONDS   makes RATE records a second by getppid() and writes how many calls it made;
 *                              the first line of input starts it
 */
#define _GNU_SOURCE
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BATCH 100	/* records.bpf.c */
#define COUNT 120000
#define MAP_COUNT 100000
#define MAP_BATCH 10000

struct record {
	uint64_t time;
	uint32_t pid, sequence, bytes_in, bytes_out;
	uint8_t payload[104];
};

static uint32_t checksum;
static uint64_t handled;

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000000000ull + time.tv_nsec;
}

static void touch(const struct record *record)
{
	checksum += (uint32_t)record->time + record->pid + record->sequence + record->bytes_in + record->bytes_out;
	handled++;
}

static int on_record(void *context, void *data, size_t size)
{
	touch(data);
	return 0;
}

static void make(int count)
{
	for (int at = 0; at < count / BATCH; at++)
		syscall(SYS_getppid);
}

static void drain_map(int fd)
{
	static uint64_t keys[MAP_BATCH];
	static struct record values[MAP_BATCH];
	uint32_t bookmark, count;
	int error = 0;

	for (int first = 1; !error; first = 0) {
		count = MAP_BATCH;
		error = bpf_map_lookup_and_delete_batch(fd, first ? NULL : &bookmark, &bookmark, keys, values, &count, NULL);
		for (uint32_t at = 0; at < count; at++) {
			checksum += (uint32_t)keys[at];
			touch(&values[at]);
		}
	}
}

static int produce(long rate, long seconds)
{
	struct timespec until;
	long calls = 0;
	char line[16];

	if (!fgets(line, sizeof(line), stdin))
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &until);
	for (long tick = 1; tick <= seconds * 1000; tick++) {
		for (; calls < tick * rate / 1000 / BATCH; calls++)
			syscall(SYS_getppid);
		until.tv_nsec += 1000000;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	}
	printf("%ld\n", calls);
	return 0;
}

int main(int argc, char **argv)
{
	struct ring_buffer *ring = NULL;
	struct bpf_program *program;
	struct bpf_object *object;
	struct bpf_map *constants;
	int for_map, entries = -1;
	uint32_t *tgid;
	size_t size;
	char line[16];

	if (argc == 4 && !strcmp(argv[1], "produce"))
		return produce(atol(argv[2]), atol(argv[3]));
	if (argc != 3)
		return 2;
	for_map = !strcmp(argv[2], "map");
	object = bpf_object__open(argv[1]);
	if (!object)
		return 1;
	constants = bpf_object__find_map_by_name(object, ".rodata");
	tgid = (uint32_t *)bpf_map__initial_value(constants, &size);
	*tgid = getpid();
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), for_map ? "make_entries" : "make_records"));
	if (bpf_object__load(object))
		return 1;
	program = bpf_object__find_program_by_name(object, for_map ? "make_entries" : "make_records");
	if (!bpf_program__attach(program))
		return 1;
	if (for_map)
		entries = bpf_object__find_map_fd_by_name(object, "entries");
	else
		ring = ring_buffer__new(bpf_object__find_map_fd_by_name(object, "records"), on_record, NULL, NULL);
	while (fgets(line, sizeof(line), stdin)) {
		uint64_t begin;

		make(for_map ? MAP_COUNT : COUNT);
		checksum = handled = 0;
		begin = now();
		if (for_map)
			drain_map(entries);
		else
			ring_buffer__consume(ring);
		printf("%lu %lu %u\n", now() - begin, handled, checksum);
		fflush(stdout);
	}
	return 0;
}
