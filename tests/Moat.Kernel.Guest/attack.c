/* attack CGROUP NAME DIRECTORY: joins the run's cgroup and attacks what the rules protect in the directory. */
#include "attack.h"

const char *cgroup;

static const struct attack *find(const char *name)
{
	const struct attack *tables[] = { file_attacks, descriptor_attacks, program_attacks, network_attacks, guard_attacks, loads };

	for (unsigned i = 0; i < sizeof(tables) / sizeof(*tables); i++)
		for (const struct attack *attack = tables[i]; attack->name; attack++)
			if (!strcmp(attack->name, name))
				return attack;
	return 0;
}

int main(int count, char **arguments)
{
	const struct attack *attack;

	if (count < 4)
		return 7; /* started as a program of the tree: it ran, and that is all */
	if (!(attack = find(arguments[2])) || chdir(arguments[3])) {
		fprintf(stderr, "no such attack or directory: %s %s\n", arguments[2], arguments[3]);
		return BROKEN;
	}
	cgroup = arguments[1];
	if (attack->prepare && attack->prepare())
		return BROKEN;
	join(cgroup);
	return attack->run();
}
