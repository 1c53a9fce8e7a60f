/* zmesosd's main() under another name: src/daemon/main.c is compiled with this and main=zmesosd_main. */
#ifndef TEST_CRASHD_H
#define TEST_CRASHD_H

int zmesosd_main(int argc, char **argv);

#endif
