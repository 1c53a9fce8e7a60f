/* Floating-point numbers as JSON writes them, whatever the locale. */
#ifndef WIRE_NUMBER_H
#define WIRE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

#define NUMBER_TEXT_MAX 40

/* A decimal of no more digits than it takes to read back as the same number, always with a fraction or an
 * exponent ("4.0", "1e+22"). The number is finite. Returns `text`. */
const char *number_format_double(double value, char text[NUMBER_TEXT_MAX]);
const char *number_format_float(float value, char text[NUMBER_TEXT_MAX]);

/* Reads a number of JSON's grammar that fills the whole text, which ends with a NUL. False for anything else
 * and for what is too large for a double. */
bool number_parse(const char *text, double *value);

#endif
