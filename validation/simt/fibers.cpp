/* SPDX-License-Identifier: MIT */
/* fibers.cpp - see fibers.h. On x86-64 a change is six registers; elsewhere
 * ucontext, which asks the kernel each time.
 */
#include "simt/fibers.h"

#include <stdint.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <vector>

enum { STACKS = 1024, STACK = 128 * 1024, PAGE = 4096, COLOUR = 448 };

simt_stack fibers_host;
static simt_stack stacks[STACKS];
static std::vector<simt_stack *> unused;
static char *memory;

#ifdef __x86_64__
extern "C" void fibers_jump(void **saved, void *to);
__asm__(".text\n"
        ".globl fibers_jump\n"
        ".type fibers_jump,@function\n"
        "fibers_jump:\n"
        " pushq %rbp\n pushq %rbx\n pushq %r12\n"
        " pushq %r13\n pushq %r14\n pushq %r15\n"
        " movq %rsp,(%rdi)\n movq %rsi,%rsp\n"
        " popq %r15\n popq %r14\n popq %r13\n"
        " popq %r12\n popq %rbx\n popq %rbp\n ret\n"
        ".size fibers_jump,.-fibers_jump\n"
        ".section .note.GNU-stack,\"\",@progbits\n"
        ".text\n");

static void prepare(simt_stack *s, void (*main)(void))
{
    /* apart in the cache: stacks are a power of two long */
    uintptr_t top = (uintptr_t)s->high - (uintptr_t)s->number * COLOUR % 8192;
    void **at = (void **)(top & ~(uintptr_t)15);

    *--at = nullptr; /* main does not return */
    *--at = (void *)main;
    for (int i = 0; i < 6; i++)
        *--at = nullptr;
    s->saved = at;
}

void fibers_change(simt_stack *from, simt_stack *to)
{
    fibers_jump(&from->saved, to->saved);
}
#else
static ucontext_t contexts[STACKS + 1];

static void prepare(simt_stack *s, void (*main)(void))
{
    ucontext_t *u = &contexts[s->number];

    getcontext(u);
    u->uc_stack.ss_sp = s->low;
    u->uc_stack.ss_size = (size_t)(s->high - s->low);
    u->uc_link = nullptr;
    makecontext(u, main, 0);
    s->saved = u;
}

void fibers_change(simt_stack *from, simt_stack *to)
{
    if (from == &fibers_host)
        from->saved = &contexts[STACKS];
    swapcontext((ucontext_t *)from->saved, (ucontext_t *)to->saved);
}
#endif

static void make_all(void)
{
    memory =
        (char *)mmap(nullptr, (size_t)STACKS * STACK, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    for (int i = 0; i < STACKS; i++) {
        char *low = memory + (size_t)i * STACK;

        mprotect(low, PAGE, PROT_NONE); /* a stack that overflows */
        stacks[i] = {nullptr, low + PAGE, low + STACK, i};
    }
}

void fibers_give_all(void)
{
    if (!memory)
        make_all();
    if (unused.size() == STACKS)
        return;
    unused.clear();
    for (int i = STACKS; i-- > 0;)
        unused.push_back(&stacks[i]);
}

simt_stack *fibers_take(void (*main)(void))
{
    simt_stack *s = unused.back();

    unused.pop_back();
    prepare(s, main);
    return s;
}

void fibers_give(simt_stack *s)
{
    unused.push_back(s);
}

const simt_stack *fibers_find(const void *p)
{
    size_t offset = (uintptr_t)p - (uintptr_t)memory;

    return memory && offset < (size_t)STACKS * STACK ? &stacks[offset / STACK]
                                                     : nullptr;
}
