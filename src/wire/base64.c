/* Base64. Bits left over after the last whole byte are not looked at, as most decoders do. */
#include "wire/base64.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_encoded_size(size_t length)
{
    return (length + 2) / 3 * 4;
}

void base64_encode(struct slice bytes, char *text)
{
    for (size_t i = 0; i < bytes.length; i += 3, text += 4) {
        size_t left = bytes.length - i;
        uint32_t bits = (uint32_t)bytes.data[i] << 16;
        bits |= left > 1 ? (uint32_t)bytes.data[i + 1] << 8 : 0;
        bits |= left > 2 ? (uint32_t)bytes.data[i + 2] : 0;
        text[0] = alphabet[bits >> 18];
        text[1] = alphabet[bits >> 12 & 63];
        text[2] = left > 1 ? alphabet[bits >> 6 & 63] : '=';
        text[3] = left > 2 ? alphabet[bits & 63] : '=';
    }
}

size_t base64_decoded_max(size_t length)
{
    return length / 4 * 3 + 2;
}

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

bool base64_decode(const char *text, size_t length, uint8_t *bytes, size_t *size)
{
    size_t digits = length;
    while (digits > 0 && length - digits < 2 && text[digits - 1] == '=')
        digits--;
    if (digits % 4 == 1 || (digits < length && length % 4 != 0))
        return false;

    uint32_t bits = 0;
    size_t wrote = 0;
    for (size_t i = 0; i < digits; i++) {
        int digit = digit_of(text[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4 > 0)
            bytes[wrote++] = (uint8_t)(bits >> (6 - i % 4 * 2));
    }
    *size = wrote;
    return true;
}
