// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Moat's rules, held by the kernel's security hooks for the processes of one run. */
#include "vmlinux_min.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_tracing.h>

#include "maps.h"
#include "walk.h"
#include "events.h"
#include "scope.h"
#include "files.h"
#include "programs.h"
#include "network.h"
#include "guards.h"

/* The kernel lends its helpers only to programs whose licence it knows. */
char _license[] SEC("license") = "Dual BSD/GPL";
