// One test at a time: a fork of one test would hold the script that another has just written, which then cannot be run.
[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]
