/* SPDX-License-Identifier: GPL-2.0-or-later */
/* digest.c - SHA-256 and HMAC by the standards' own examples, and against libcrypto. */
#include "../tap.h"

#include "base/mem.h"
#include "digest/digest.h"
#include "digest/running.h"

#include <stdlib.h>

static struct mt_err err;

static void hex_of(const unsigned char *raw, size_t n, char *hex)
{
    for (size_t i = 0; i < n; i++)
        snprintf(hex + 2 * i, 3, "%02x", raw[i]);
}

static void test_examples(void)
{
    char hex[MT_SHA256_TEXT];
    char *million = mt_alloc(1000000);

    memset(million, 'a', 1000000);
    /* FIPS 180-4's own, as NIST publishes them with intermediate values. */
    OK(mt_sha256_of("abc", 3, hex, &err) == 0, "a short hash");
    IS_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "of abc");
    OK(mt_sha256_of("", 0, hex, &err) == 0, "one of nothing");
    IS_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "of nothing");
    OK(mt_sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56, hex, &err) == 0,
       "one of two blocks");
    IS_STR(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1", "of 56 bytes");
    OK(mt_sha256_of(million, 1000000, hex, &err) == 0, "one of a million bytes");
    IS_STR(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", "of a million");
    free(million);
}

/* RFC 4231, test cases 1, 2, 3 and 6. */
static void test_hmac(void)
{
    unsigned char key[131];
    unsigned char data[50];
    unsigned char mac[MT_HMAC_SIZE];
    char hex[2 * MT_HMAC_SIZE + 1];
    const char *text = "Test Using Larger Than Block-Size Key - Hash Key First";

    memset(key, 0x0b, 20);
    mt_hmac_sha256(key, 20, "Hi There", 8, mac);
    hex_of(mac, sizeof mac, hex);
    IS_STR(hex, "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7", "HMAC, case 1");
    mt_hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
    hex_of(mac, sizeof mac, hex);
    IS_STR(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", "HMAC, case 2");
    memset(key, 0xaa, sizeof key);
    memset(data, 0xdd, sizeof data);
    mt_hmac_sha256(key, 20, data, sizeof data, mac);
    hex_of(mac, sizeof mac, hex);
    IS_STR(hex, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe", "HMAC, case 3");
    mt_hmac_sha256(key, sizeof key, text, strlen(text), mac);
    hex_of(mac, sizeof mac, hex);
    IS_STR(hex, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", "HMAC, case 6");
    OK(mt_equal_constant("same", "same", 4) && !mt_equal_constant("same", "samf", 4) &&
           !mt_equal_constant("same", "tame", 4) && mt_equal_constant("a", "b", 0),
       "equal is equal");
}

/* Of each length around the edges of blocks: this module's own code says what libcrypto says. */
static void test_agreement(void)
{
    char data[300];
    size_t same = 0;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 37 + 11);
    for (size_t n = 0; n <= sizeof data; n++) {
        struct mt_running *run = NULL;
        unsigned char raw[MT_SHA256_SIZE];
        char own[MT_SHA256_TEXT];
        char theirs[MT_SHA256_TEXT];
        if (mt_running_open(&run, &err) < 0)
            break;
        mt_running_add(run, data, n);
        mt_running_hex(run, theirs);
        mt_running_close(&run);
        mt_sha256_short(data, n, raw);
        hex_of(raw, sizeof raw, own);
        same += strcmp(own, theirs) == 0;
    }
    OK(same == sizeof data + 1, "the same as libcrypto, for each length");
}

static void test_checksums(void)
{
    struct mt_checksum *sum = NULL;
    unsigned char raw[MT_CHECKSUM_MAX];
    char hex[2 * MT_CHECKSUM_MAX + 1];
    size_t n = 0;

    OK(mt_checksum_open(&sum, "sha1", &err) == 0 && mt_checksum_add(sum, "ab", 2, &err) == 0 &&
           mt_checksum_add(sum, "c", 1, &err) == 0 && mt_checksum_end(sum, raw, &n, &err) == 0,
       "SHA-1");
    hex_of(raw, n, hex);
    IS_STR(hex, "a9993e364706816aba3e25717850c26c9cd0d89d", "of abc");
    mt_checksum_close(&sum);
}

int main(void)
{
    test_examples();
    test_hmac();
    test_agreement();
    test_checksums();
    return tap_done();
}
