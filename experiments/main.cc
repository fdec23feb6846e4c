// atoll, and what Atoll::workbench_main gives to a program with models of its own.
#include "experiments/workbench/workbench_main.h"

int main(int argc, char** argv) { return atl::workbench::workbench_main(argc, argv); }
