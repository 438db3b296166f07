// SPDX-License-Identifier: GPL-2.0-or-later
// tus-client.mjs - tus-js-client in all of its modes.
//
//   NODE_MODULES=DIR node tus-client.mjs ENDPOINT FILE TOKEN
//
// Prints one JSON line for each mode: its name, and the upload's URL or the error.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const require = createRequire(process.env.NODE_MODULES + '/x');
const { Upload } = require('tus-js-client');
const [endpoint, file, token] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${token}` };
const data = readFileSync(file);
const quarter = Math.ceil(data.length / 4);
const metadata = { filename: 'фильм في.mov', filetype: 'video/quicktime' };

// Uploads; ends early after so many bytes if that is wanted.
function upload(options, { body = data, abortAt = 0 } = {}) {
    return new Promise((resolve, reject) => {
        const u = new Upload(body, {
            endpoint, headers, metadata, retryDelays: null, onError: reject,
            onSuccess: () => resolve(u.url),
            onProgress: (sent) => {
                if (abortAt && sent >= abortAt) {
                    abortAt = 0;
                    u.abort().then(() => resolve(u.url), reject);
                }
            },
            ...options,
        });
        u.start();
    });
}

async function resumed(options) {
    const url = await upload({ chunkSize: quarter, ...options }, { abortAt: quarter + 1 });
    return upload({ uploadUrl: url, ...options });
}

async function resumedTwice() {
    const url = await upload({ chunkSize: quarter }, { abortAt: quarter });
    await upload({ uploadUrl: url, chunkSize: quarter }, { abortAt: 2 * quarter });
    return upload({ uploadUrl: url });
}

async function terminated() {
    const url = await upload({ chunkSize: quarter }, { abortAt: quarter });
    await Upload.terminate(url, { headers });
    const answer = await fetch(url, { method: 'HEAD', headers: { ...headers, 'Tus-Resumable': '1.0.0' } });
    if (answer.status !== 410) throw new Error(`HEAD afterwards: ${answer.status}`);
    return null;
}

const modes = {
    plain: () => upload({}),
    chunks: () => upload({ chunkSize: quarter }),
    'during creation': () => upload({ uploadDataDuringCreation: true }),
    'during creation, in chunks': () => upload({ uploadDataDuringCreation: true, chunkSize: quarter }),
    'override method': () => upload({ overridePatchMethod: true }),
    // From a stream 4.3.1 announces a whole chunk as the last one, whatever is left, and hangs.
    'deferred length': () => upload({ uploadLengthDeferred: true, chunkSize: quarter }),
    parallel: () => upload({ parallelUploads: 3 }),
    'abort and resume': () => resumed({}),
    'abort and resume twice': resumedTwice,
    terminate: terminated,
    'draft 05': () => upload({ protocol: 'ietf-draft-05' }),
    'draft 05, in chunks': () => upload({ protocol: 'ietf-draft-05', chunkSize: quarter }),
    'draft 05, abort and resume': () => resumed({ protocol: 'ietf-draft-05' }),
};

for (const [mode, run] of Object.entries(modes)) {
    try {
        console.log(JSON.stringify({ mode, url: await run() }));
    } catch (e) {
        console.log(JSON.stringify({ mode, error: String(e) }));
    }
}
