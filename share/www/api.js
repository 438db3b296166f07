// SPDX-License-Identifier: GPL-2.0-or-later
// api.js - requests to media-api: the token, problem documents, events.
export const base = '/api/v1/media';

export const token = {
    get: () => sessionStorage.getItem('media-token') || '',
    set(value) { if (value) sessionStorage.setItem('media-token', value); else sessionStorage.removeItem('media-token'); },
};

// An answer that is no success, or none at all; problem is as RFC 9457 has it.
export class Problem extends Error {
    constructor(problem, retryAfter) {
        super(problem.detail || problem.title);
        this.problem = problem;
        this.status = problem.status || 0;
        this.retryAfter = retryAfter;
    }
    get kind() { return String(this.problem.type || '').split('/').pop(); }
}

export function bearer() {
    return token.get() ? {Authorization: `Bearer ${token.get()}`} : {};
}

// What went wrong, from the text of an answer that may be no problem document.
export function problemOf(status, text, retryAfter) {
    let problem = {};
    try { problem = JSON.parse(text) || {}; } catch { /* not ours: a proxy's, perhaps */ }
    return new Problem({title: `HTTP ${status}`, ...problem, status}, Number(retryAfter) || 0);
}

export const offline = () => new Problem({type: 'offline', title: '', status: 0});

export async function request(method, path, body, {headers = {}, signal} = {}) {
    let answer;
    try {
        answer = await fetch(path.startsWith('/') ? path : `${base}/${path}`, {
            method, signal, cache: 'no-cache',
            headers: {...bearer(), ...(body ? {'Content-Type': 'application/json'} : {}), ...headers},
            body: body && JSON.stringify(body),
        });
    } catch (error) {
        if (error.name === 'AbortError') throw error;
        throw offline();
    }
    if (!answer.ok && answer.status !== 304)
        throw problemOf(answer.status, await answer.text(), answer.headers.get('Retry-After'));
    return answer;
}

export async function get(path, options) { return (await request('GET', path, undefined, options)).json(); }
export async function send(method, path, body) { return (await request(method, path, body)).json(); }

export const pause = (ms, signal) => new Promise((done, no) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener('abort', () => { clearTimeout(timer); no(new DOMException('', 'AbortError')); }, {once: true});
});

// One event of a stream after the other. EventSource cannot send a token, so the stream is read here
// (HTML standard, "Interpreting an event stream").
async function* events(path, last, signal) {
    const answer = await request('GET', path, undefined,
        {signal, headers: {Accept: 'text/event-stream', ...(last ? {'Last-Event-ID': last} : {})}});
    if (!String(answer.headers.get('Content-Type')).startsWith('text/event-stream')) throw offline();
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (;;) {
        const {value, done} = await reader.read();
        if (done) return;
        text += value;
        let end;
        while ((end = text.search(/\r?\n\r?\n/)) >= 0) {
            const event = {event: 'message', data: ''};
            for (const line of text.slice(0, end).split(/\r?\n/)) {
                const [, name, rest] = /^([^:]*):? ?(.*)$/.exec(line);
                if (name === 'data') event.data += rest;
                else if (name) event[name] = rest;
            }
            text = text.slice(end).replace(/^\r?\n\r?\n/, '');
            if (event.data) yield event;
        }
    }
}

// Calls back with the state of a job, now and whenever it changes, until it has ended or signal.
// By events where they come through; where they do not (a proxy that keeps them back, too many
// streams), by asking.
export async function follow(id, signal, changed) {
    const ended = job => !['pending', 'processing'].includes(job.status);
    let last = '', broken = 0, tag = '';
    for (;;) {
        try {
            const answer = await request('GET', `job/${id}/status`, undefined, {signal, headers: tag ? {'If-None-Match': tag} : {}});
            if (answer.status !== 304) {
                tag = answer.headers.get('ETag') || '';
                const job = await answer.json();
                changed(job, broken > 1 ? 'polling' : 'live');
                if (ended(job)) return;
            }
            if (broken > 1) { await pause(2000, signal); if (broken++ < 15) continue; broken = 0; }
            for await (const event of events(`job/${id}/events`, last, signal)) {
                last = event.id || last;
                if (event.event === 'progress') changed(JSON.parse(event.data), 'live');
                broken = 0;
                if (event.event === 'done') break;
            }
        } catch (error) {
            if (error.name === 'AbortError') return;
            if (error instanceof Problem && [401, 403, 404].includes(error.status)) throw error;
            broken++;
            if (error.status === 0) changed(null, 'offline');
        }
        try { await pause(broken ? 2000 : 300, signal); } catch { return; }
    }
}
