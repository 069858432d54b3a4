/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Running programs, and mapping code from files. */
#pragma once

#define PROT_READ 1
#define PROT_WRITE 2
#define PROT_EXEC 4
#define MAP_SHARED 1
#define VM_EXEC 4

static __always_inline int judge_exec(struct file *file)
{
	struct found f;
	struct settings *s;
	__u32 slot = 0;
	__u64 dentry = FILE_DENTRY(file);
	int result;

	s = policy(&slot);
	if (!s)
		return -EACCES;
	result = judge(s, slot, dentry, EXECUTE, &f);
	if (!result && (s->flags & OBSERVE_EXEC) && (f.mask & EXECUTE)) {
		struct subject what = { .dentry = dentry, .action = EXECUTE };

		tell(s, &f, &what, 0);
	}
	return result;
}

/* Asked for the program, and again for each interpreter that a script or a binfmt brings in. */
SEC("lsm/bprm_check_security")
int BPF_PROG(bprm_check_security, struct linux_binprm *bprm)
{
	return in_scope() ? judge_exec(bprm->file) : 0;
}

SEC("lsm/mmap_file")
int BPF_PROG(mmap_file, struct file *file, unsigned long requested, unsigned long protection, unsigned long flags)
{
	__u32 slot = 0, need = 0;
	struct settings *s;
	int result;

	if (!file || !in_scope())
		return 0;
	if ((requested | protection) & PROT_EXEC) {
		result = require(FILE_DENTRY(file), MAP);
		if (result)
			return result;
	}
	/* A descriptor from before the policy was tightened. */
	s = policy(&slot);
	if (!s || !(s->flags & REVALIDATE))
		return 0;
	if (requested & (PROT_READ | PROT_WRITE))
		need |= READ;
	if ((requested & PROT_WRITE) && (flags & MAP_SHARED))
		need |= WRITE;
	/* Code needs no more than the right to be mapped: a library that may be loaded need not be readable. */
	return need && !((requested | protection) & PROT_EXEC) && is_regular(file) ? judge_file(file, need, 0) : 0;
}

/*
 * A mapping of an overlay's file is one of the layer's file beneath it, on which the rules say nothing: where an overlay
 * is there, only what a rule names may be turned into code after it was mapped.
 */
SEC("lsm/file_mprotect")
int BPF_PROG(file_mprotect, struct vm_area_struct *area, unsigned long requested, unsigned long protection)
{
	struct file *file = READ_KERNEL(struct vm_area_struct, area, vm_file);
	struct found f;
	struct settings *s;
	__u32 slot = 0;

	if (!file || !((requested | protection) & PROT_EXEC) || (READ_KERNEL(struct vm_area_struct, area, vm_flags) & VM_EXEC))
		return 0;
	if (!in_scope())
		return 0;
	s = policy(&slot);
	if (!s)
		return -EACCES;
	if (!find(s, slot, FILE_DENTRY(file), &f) && (f.mask & MAP) && (f.hit || !(s->flags & LAYERS)))
		return 0;
	return refuse(s, &f, FILE_DENTRY(file), MAP);
}
