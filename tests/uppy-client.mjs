// SPDX-License-Identifier: GPL-2.0-or-later
// uppy-client.mjs ENDPOINT FILE TOKEN - uploads FILE by Uppy with its tus plugin in several ways.
// Prints one JSON object for each: {"mode", "url"} or {"mode", "error"}. Below NODE_MODULES are
// @uppy/core and @uppy/tus.
import {createRequire} from 'node:module';
import {readFileSync} from 'node:fs';
import {pathToFileURL} from 'node:url';

const [endpoint, file, token] = process.argv.slice(2);
const find = createRequire(`${process.env.NODE_MODULES}/`);
const load = async name => (await import(pathToFileURL(find.resolve(name)).href)).default;
const [Uppy, Tus] = [await load('@uppy/core'), await load('@uppy/tus')];
const {DefaultHttpStack} = await import(pathToFileURL(find.resolve('tus-js-client')).href);
const bytes = readFileSync(file);

// Uppy takes what a browser gives it; its tus-js-client takes buffers here.
const source = () => Object.assign(Buffer.from(bytes), {size: bytes.length});

// Uppy sets a member of the XMLHttpRequest, which there is none of here. cut: the number of the PATCH
// whose connection is torn down.
function stack(cut) {
    const own = new DefaultHttpStack({});
    let n = 0;
    return {
        getName: () => 'node',
        createRequest(method, url) {
            const request = own.createRequest(method, url);
            const under = request.getUnderlyingObject.bind(request), send = request.send.bind(request);
            const broken = method === 'PATCH' && ++n === cut;
            request.getUnderlyingObject = () => under() || {};
            request.send = body => {
                const answer = send(body);
                if (broken) setTimeout(() => under().destroy(new Error('cut')), 0);
                return answer;
            };
            return request;
        },
    };
}

async function upload(mode, options = {}, during = () => {}) {
    const uppy = new Uppy({autoProceed: false}).use(Tus, {
        endpoint, headers: {Authorization: `Bearer ${token}`}, retryDelays: [0, 100, 300], httpStack: stack(0), ...options});
    try {
        const id = uppy.addFile({name: 'фильм في.mov', type: 'video/quicktime', data: source(), meta: {title: mode}});
        during(uppy, id);
        const {successful, failed} = await uppy.upload();
        if (failed.length) throw new Error(failed[0].error);
        console.log(JSON.stringify({mode, url: successful[0].uploadURL}));
    } catch (error) {
        console.log(JSON.stringify({mode, error: String(error)}));
    }
    uppy.destroy?.();
}

await upload('whole');
await upload('chunks', {chunkSize: 100000});
await upload('creation with data', {uploadDataDuringCreation: true});
await upload('deferred length', {uploadLengthDeferred: true, chunkSize: 300000});
await upload('paused and resumed', {chunkSize: 50000}, (uppy, id) => {
    let paused = false;
    uppy.on('upload-progress', (_, progress) => {
        if (paused || progress.bytesUploaded < 200000) return;
        paused = true;
        uppy.pauseResume(id);
        setTimeout(() => uppy.pauseResume(id), 300);
    });
});
await upload('cut and retried', {chunkSize: 100000, httpStack: stack(3)});
