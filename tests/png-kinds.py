#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
# png-kinds.py - PNG files of all kinds that ISO/IEC 15948 allows, and some that it does not.
#
#   png-kinds.py make DIR         writes DIR/*.png, and beside each good one what it shows: *.want,
#                                 width and height in text, then RGBA with 8 bits
#   png-kinds.py check DIR OUT    holds OUT/NAME-thumbs/0s.png against them: a line for each that
#                                 differs, and "N compared"
#   png-kinds.py raw DIR          the same for DIR/NAME.rgba, as ImageMagick writes it
import os, random, struct, sys, zlib

CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind, data=b'', crc=None):
    return struct.pack('>I', len(data)) + kind + data + struct.pack(
        '>I', zlib.crc32(kind + data) if crc is None else crc)


def pack(row, depth):
    """Samples as the bytes of a line."""
    if depth == 16:
        return struct.pack('>%dH' % len(row), *row)
    if depth == 8:
        return bytes(row)
    bits = ''.join(format(v, '0%db' % depth) for v in row)
    bits += '0' * (-len(bits) % 8)
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits), 8))


def paeth(a, b, c):
    p = a + b - c
    return min(((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c)))[2]


def lines(rows, depth, channels, choose):
    """Filtered scan lines."""
    step = max(1, depth * channels // 8)
    out, before = b'', None
    for y, row in enumerate(rows):
        line = pack(row, depth)
        up = before or bytes(len(line))
        kind = choose(y)
        done = bytearray()
        for i, v in enumerate(line):
            a = line[i - step] if i >= step else 0
            c = up[i - step] if i >= step else 0
            done.append(v - (0, a, up[i], (a + up[i]) // 2, paeth(a, up[i], c))[kind] & 255)
        out += bytes([kind]) + bytes(done)
        before = line
    return out


def picture(w, h, kind, depth, seed):
    """Rows of samples: a slope, and noise in a corner."""
    r, top, n = random.Random(seed), (1 << depth) - 1, CHANNELS[kind]
    rows = [[((x * (c + 2) + y * (3 - c % 3)) * top // (8 * max(w, h)) if x < w * 2 // 3 else r.randint(0, top))
             for x in range(w) for c in range(n)] for y in range(h)]
    return rows


def write(path, w, h, kind, depth, rows, interlace=0, palette=None, trns=None, choose=lambda y: y % 5,
          before=b'', split=0):
    n = CHANNELS[kind]
    if interlace:
        data = b''
        for x0, y0, dx, dy in ADAM7:
            part = [[v for x in range(x0, w, dx) for v in rows[y][x * n:x * n + n]] for y in range(y0, h, dy)]
            if part and part[0]:
                data += lines(part, depth, n, choose)
    else:
        data = lines(rows, depth, n, choose)
    data = zlib.compress(data)
    cuts = [data[i:i + split] for i in range(0, len(data), split)] if split else [data]
    with open(path, 'wb') as f:
        f.write(b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', w, h, depth, kind, 0, 0, interlace)))
        f.write(before)
        if palette:
            f.write(chunk(b'PLTE', bytes(v for p in palette for v in p)))
        if trns is not None:
            f.write(chunk(b'tRNS', bytes(trns) if kind == 3 else struct.pack('>%dH' % len(trns), *trns)))
        f.write(b''.join(chunk(b'IDAT', c) for c in cuts) + chunk(b'IEND'))


def shown(w, h, kind, depth, rows, palette, trns, gamma):
    """RGBA, 8 bits."""
    top, n, out = (1 << depth) - 1, CHANNELS[kind], bytearray()

    def eight(v, of):
        return round(255 * (v / of) ** (1 / 2.2 / gamma if gamma else 1))

    for row in rows:
        for x in range(w):
            s = row[x * n:x * n + n]
            if kind == 3:
                p = palette[s[0]]
                out += bytes([eight(v, 255) for v in p] + [trns[s[0]] if trns and s[0] < len(trns) else 255])
                continue
            colour = s[:1] * 3 if n < 3 else s[:3]
            alpha = round(255 * s[-1] / top) if kind in (4, 6) else 0 if trns and list(trns) == s else 255
            out += bytes([eight(v, top) for v in colour] + [alpha])
    return bytes(out)


def good(where, name, w, h, kind, depth, gamma=None, trns=None, **more):
    rows = picture(w, h, kind, depth, name)
    palette = None
    if kind == 3:
        r = random.Random(depth)
        palette = [tuple(r.randint(0, 255) for _ in range(3)) for _ in range(1 << depth)]
    if trns:
        trns = rows[h // 2][:CHANNELS[kind]] if kind != 3 else [0, 85, 170][:1 << depth]
    write(f'{where}/{name}.png', w, h, kind, depth, rows, palette=palette, trns=trns, **more)
    with open(f'{where}/{name}.want', 'wb') as f:
        near = gamma is None or abs(gamma * 2.2 - 1) <= 0.05
        f.write(b'%d %d\n' % (w, h) + shown(w, h, kind, depth, rows, palette, trns, None if near else gamma))


def make(where):
    for kind, depths in DEPTHS.items():
        for depth in depths:
            for i in (0, 1):
                good(where, f'basic-{kind}-{depth}-{i}', 32, 32, kind, depth, interlace=i)
            if kind in (0, 2, 3):
                good(where, f'trns-{kind}-{depth}', 32, 32, kind, depth, trns=True)
    for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 33, 37, 40):
        for i in (0, 1):
            good(where, f'size-{n}-{i}', n, 40 - n + 1, 2 if n % 2 else 3, 8 if n % 2 else 4, interlace=i)
    for f in range(5):
        good(where, f'filter-{f}', 32, 32, 2 if f % 2 else 0, 8, choose=lambda y, f=f: f)
    for g in (0.35, 0.45, 0.55, 0.7, 1.0, 2.5):
        before = chunk(b'gAMA', struct.pack('>I', round(g * 1e5)))
        for kind, depth in ((0, 8), (2, 8), (3, 8), (6, 8), (2, 16)):
            good(where, f'gamma-{g}-{kind}-{depth}', 32, 32, kind, depth, gamma=g, before=before)
    # sRGB is what counts where both are said
    good(where, 'gamma-and-srgb', 32, 32, 2, 8, before=chunk(b'gAMA', struct.pack('>I', 100000)) + chunk(b'sRGB', b'\0'))
    extra = (chunk(b'pHYs', struct.pack('>IIB', 1, 4, 1)) + chunk(b'tIME', struct.pack('>HBBBBB', 2000, 1, 1, 0, 0, 0)) +
             chunk(b'tEXt', b'Title\0PNG') + chunk(b'zTXt', b'Long\0\0' + zlib.compress(b'x' * 999)) +
             chunk(b'bKGD', struct.pack('>HHH', 255, 0, 0)) + chunk(b'sBIT', b'\5\6\5') + chunk(b'unKn', b'?'))
    good(where, 'chunks', 32, 32, 2, 8, before=extra)
    good(where, 'pieces', 32, 32, 2, 8, split=1)
    bad(where)


def bad(where):
    rows = picture(32, 32, 2, 8, 'bad')
    write(f'{where}/x.png', 32, 32, 2, 8, rows)
    with open(f'{where}/x.png', 'rb') as f:
        data = f.read()
    os.remove(f'{where}/x.png')
    head = lambda depth, kind, w=32, h=32: data[:8] + chunk(
        b'IHDR', struct.pack('>IIBBBBB', w, h, depth, kind, 0, 0, 0)) + data[33:]
    broken = {
        'signature-1': b'\x88' + data[1:], 'signature-crlf': data[:4] + b'\n' + data[6:], 'signature-7': data[:7] + b'\r' + data[8:],
        'kind-1': head(8, 1), 'kind-9': head(8, 9), 'depth-0': head(0, 2), 'depth-3': head(3, 0), 'depth-99': head(99, 2),
        'depth-4-of-rgb': head(4, 2), 'width-0': head(8, 2, 0, 32), 'height-0': head(8, 2, 32, 0),
        'no-idat': data[:33] + chunk(b'IEND'), 'no-palette': head(8, 3), 'head-only': data[:33],
        'cut': data[:len(data) // 2], 'idat-junk': data[:60] + bytes(200) + data[260:],
    }
    for name, content in broken.items():
        with open(f'{where}/bad-{name}.png', 'wb') as f:
            f.write(content)


def read(path):
    """A PNG without interlacing of 8 bits or fewer, as this toolkit writes it: width, height, RGBA."""
    with open(path, 'rb') as f:
        data = f.read()
    i, idat, palette, trns = 8, b'', b'', b''
    while i < len(data):
        n, kind = struct.unpack('>I4s', data[i:i + 8])
        body = data[i + 8:i + 8 + n]
        if kind == b'IHDR':
            w, h, depth, colour, _, _, interlace = struct.unpack('>IIBBBBB', body)
        idat += body if kind == b'IDAT' else b''
        palette = body if kind == b'PLTE' else palette
        trns = body if kind == b'tRNS' else trns
        i += 12 + n
    n = CHANNELS[colour]
    assert interlace == 0 and depth == 8 and not trns and colour != 3, (depth, colour, interlace)
    flat, at, out, before = zlib.decompress(idat), 0, bytearray(), bytes(w * n)
    for _ in range(h):
        kind, line = flat[at], bytearray(flat[at + 1:at + 1 + w * n])
        at += 1 + w * n
        for k in range(w * n):
            a, c = (line[k - n], before[k - n]) if k >= n else (0, 0)
            line[k] = line[k] + (0, a, before[k], (a + before[k]) // 2, paeth(a, before[k], c))[kind] & 255
        for x in range(w):
            s = line[x * n:x * n + n]
            out += (s[:1] * 3 if n < 3 else s[:3]) + (s[-1:] if n in (2, 4) else b'\xff')
        before = line
    return w, h, bytes(out)


def far(a, b):
    """The largest difference; what is transparent has no colour."""
    most = 0
    for i in range(0, len(a), 4):
        most = max(most, abs(a[i + 3] - b[i + 3]))
        for k in range(3):
            most = max(most, abs(a[i + k] * a[i + 3] - b[i + k] * b[i + 3]) // 255)
    return most


def check(where, got_of, skip=()):
    n = 0
    for name in sorted(f[:-5] for f in os.listdir(where) if f.endswith('.want')):
        if name.startswith(skip):
            continue
        with open(f'{where}/{name}.want', 'rb') as f:
            w, h = map(int, f.readline().split())
            want = f.read()
        try:
            got = got_of(name, w, h)
        except Exception as e:
            print(f'{name}: {e!r}')
            continue
        n += 1
        if got[:2] != (w, h) or far(got[2], want) > 1:
            print(f'{name}: {got[0]}x{got[1]}, off by {far(got[2], want) if got[:2] == (w, h) else "?"}')
    print(f'{n} compared')


if sys.argv[1] == 'make':
    os.makedirs(sys.argv[2], exist_ok=True)
    make(sys.argv[2])
elif sys.argv[1] == 'check':
    check(sys.argv[2], lambda name, w, h: read(f'{sys.argv[3]}/{name}-thumbs/0s.png'))
else:
    # ImageMagick keeps the numbers, whatever the gamma
    check(sys.argv[2], lambda name, w, h: (w, h, open(f'{sys.argv[2]}/{name}.rgba', 'rb').read()), ('gamma',))
