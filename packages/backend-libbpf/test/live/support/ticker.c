// SPDX-License-Identifier: MIT
/* Says where its function tick() is, then calls it with the number on each line of its input and writes the result. */
#include <stdio.h>

__attribute__((noinline)) int tick(int n)
{
	__asm__ volatile("" : "+r"(n));
	return n * 10;
}

int main(void)
{
	int n;

	printf("%p\n", (void *)tick);
	fflush(stdout);
	while (scanf("%d", &n) == 1) {
		printf("%d\n", tick(n));
		fflush(stdout);
	}
	return 0;
}
