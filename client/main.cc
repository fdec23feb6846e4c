// atoll-client, and what Atoll::client_main gives to a program with models of its own.
#include "client/client_main.h"

int main(int argc, char** argv) { return atl::client::client_main(argc, argv); }
