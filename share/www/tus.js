// SPDX-License-Identifier: GPL-2.0-or-later
// tus.js - resumable uploads (tus 1.0): they go on after lost connections, sleep and reloads.
//
// The server knows how many bytes it has; all that is kept here is where an upload lies, so that
// the same file, chosen again after a reload, goes on from there.
import {base, bearer, request, problemOf, offline, pause, Problem} from './api.js';

const shelf = 'media-uploads';
const version = {'Tus-Resumable': '1.0.0'};
const longest = 30; // seconds between attempts

export const shelved = {
    all() {
        try { return JSON.parse(localStorage.getItem(shelf)) || {}; } catch { return {}; }
    },
    put(key, value) {
        const all = this.all();
        if (value) all[key] = value; else delete all[key];
        localStorage.setItem(shelf, JSON.stringify(all));
    },
};

export const fingerprint = file => `${file.name}|${file.size}|${file.lastModified}`;

// UTF-8 as base64, for Upload-Metadata.
const base64 = text => btoa(String.fromCharCode(...new TextEncoder().encode(text)));

// States: waiting, sending, paused, lost (trying again), done, failed, gone.
export class Upload extends EventTarget {
    constructor(file, options = {}) {
        super();
        Object.assign(this, {file, options, state: 'waiting', sent: 0, url: '', error: null, retryIn: 0, rate: 0});
        this.key = fingerprint(file);
    }

    #change(state, more = {}) {
        Object.assign(this, more, {state});
        this.dispatchEvent(new Event('change'));
    }

    async start() {
        if (this.state === 'sending') return;
        const stop = this.stop = new AbortController();
        let failures = 0;
        this.#change('sending', {error: null});
        while (!stop.signal.aborted) {
            const before = this.sent;
            try {
                await this.#go(stop.signal);
                shelved.put(this.key, null);
                this.#change('done');
                return;
            } catch (error) {
                if (stop.signal.aborted) return;
                if (!this.#temporary(error)) {
                    this.#change('failed', {error});
                    return;
                }
                failures = this.sent > before ? 1 : failures + 1;
                const wait = error.retryAfter || Math.min(longest, 2 ** (failures - 1));
                if (await this.#wait(wait, error, stop.signal)) return;
                if (error.status === 0 || error.status >= 500) continue;
            }
        }
    }

    // Until it is time, or the network is back. True: stopped meanwhile.
    async #wait(seconds, error, signal) {
        let back = () => {};
        const online = new Promise(done => { back = done; addEventListener('online', back, {once: true}); });
        try {
            for (let left = Math.ceil(seconds); left > 0; left--) {
                this.#change('lost', {retryIn: left, error});
                if (await Promise.race([pause(1000, signal).then(() => false), online.then(() => true)])) break;
            }
            this.#change('sending', {error: null});
            return false;
        } catch {
            return true;
        } finally {
            removeEventListener('online', back);
        }
    }

    #temporary(error) {
        return error instanceof Problem &&
            (error.status === 0 || [408, 409, 423, 429, 460].includes(error.status) || (error.status >= 500 && error.status !== 507));
    }

    async #go(signal) {
        const known = this.url || shelved.all()[this.key]?.url;
        if (known) {
            try {
                const answer = await request('HEAD', known, undefined, {signal, headers: version});
                this.url = known;
                this.#change('sending', {sent: Number(answer.headers.get('Upload-Offset')) || 0});
            } catch (error) {
                if (![403, 404, 410].includes(error.status)) throw error;
                this.url = ''; // it has expired, or is somebody else's: begin anew
                this.sent = 0;
            }
        }
        if (!this.url) await this.#create(signal);
        if (this.sent < this.file.size) await this.#patch(signal);
    }

    async #create(signal) {
        const words = {filename: this.file.name, filetype: this.file.type || 'application/octet-stream'};
        if (this.options.processing) words.processing_options = JSON.stringify(this.options.processing);
        const answer = await request('POST', 'uploads', undefined, {signal, headers: {...version,
            'Upload-Length': String(this.file.size),
            'Upload-Metadata': Object.entries(words).map(([k, v]) => `${k} ${base64(v)}`).join(',')}});
        this.url = new URL(answer.headers.get('Location'), location.href).pathname;
        shelved.put(this.key, {url: this.url, name: this.file.name, size: this.file.size, at: Date.now()});
        this.#change('sending', {sent: Number(answer.headers.get('Upload-Offset')) || 0});
    }

    // All that is left, in one request: fetch() does not tell how much of a body has gone.
    #patch(signal) {
        return new Promise((done, no) => {
            const from = this.sent, begun = performance.now(), x = new XMLHttpRequest();
            x.open('PATCH', this.url);
            for (const [k, v] of Object.entries({...version, ...bearer(), 'Upload-Offset': String(from),
                'Content-Type': 'application/offset+octet-stream'})) x.setRequestHeader(k, v);
            x.upload.onprogress = e => this.#change('sending',
                {sent: from + e.loaded, rate: e.loaded / Math.max(0.2, (performance.now() - begun) / 1000)});
            x.onload = () => {
                const now = Number(x.getResponseHeader('Upload-Offset'));
                if (x.status >= 200 && x.status < 300) {
                    this.#change('sending', {sent: now});
                    if (now < this.file.size) no(offline()); else done();
                } else no(problemOf(x.status, x.responseText, x.getResponseHeader('Retry-After')));
            };
            x.onerror = () => no(offline());
            signal.addEventListener('abort', () => { x.abort(); no(new DOMException('', 'AbortError')); }, {once: true});
            x.send(this.file.slice(from));
        });
    }

    pause() {
        this.stop?.abort();
        this.#change('paused');
    }

    // Gives it up, here and there.
    async cancel() {
        this.stop?.abort();
        shelved.put(this.key, null);
        this.#change('gone');
        if (this.url) await discard(this.url);
    }

    get id() { return this.url.split('/').pop(); }
}

export async function discard(url) {
    try {
        await request('DELETE', url, undefined, {headers: version});
    } catch (error) {
        if (![404, 410].includes(error.status)) throw error;
    }
}

// How far the processing of an upload is.
export const progress = id => `${base}/upload/${id}/progress`;
