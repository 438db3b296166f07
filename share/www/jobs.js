// SPDX-License-Identifier: GPL-2.0-or-later
// jobs.js - what is being done: the list, one job as it happens, the queue and what has failed.
import {el, say, keep, english} from './dom.js';
import {t, has, when, percent, number, clock} from './words.js';
import {get, send, follow, pause} from './api.js';
import {problemBox, failureBox} from './problem.js';

export const typeName = type => has(`j.${type}`) ? t(`j.${type}`) : type;
const stateName = job => job.status === 'completed' && job.outcome === 'degraded' ? t('degraded') : t(job.status);
export const stateOf = job => el('span', {class: `state ${job.status}`}, stateName(job));

const bar = job => el('progress', {max: 100, value: job.progress || 0, 'aria-label': `${typeName(job.type)}: ${t('progress')}`}, percent(job.progress || 0));

function fill(e, job) {
    const same = JSON.stringify(job);
    if (e.shown === same) return;
    e.shown = same;
    const live = ['pending', 'processing'].includes(job.status);
    e.querySelector('.what').replaceChildren(stateOf(job));
    e.querySelector('.body').replaceChildren(...[
        live && bar(job), live && job.current_step && el('p', {class: 'faint'}, t('step', {step: job.current_step})),
        job.error && job.status === 'failed' && failureBox(job.error)].filter(Boolean));
}

function jobRow(job) {
    return el('li', {class: 'row'}, el('div', {class: 'top'},
        el('a', {class: 'name', href: `#/job/${job.job_id}`}, typeName(job.type)),
        el('span', {class: 'faint'}, when(job.created_at)), el('span', {class: 'what'})), el('div', {class: 'body'}));
}

const size = 25;

// The newest jobs of a query: as many pages as are shown.
async function pagesOf(query, pages, signal) {
    const jobs = [];
    let cursor = '';
    for (let i = 0; i < pages && cursor !== null; i++) {
        const page = await get(`jobs?limit=${size}${query}${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ''}`, {signal});
        jobs.push(...page.jobs);
        cursor = page.next;
    }
    return {jobs, more: cursor !== null};
}

// The jobs of a state ('': all), asked for again while they are shown.
async function list(main, signal, state, empty) {
    const rows = el('ul', {class: 'rows', id: 'jobs'}), note = el('div'), more = el('button', {type: 'button', class: 'quiet', hidden: true}, t('more'));
    let pages = 1;
    more.addEventListener('click', () => { pages++; load().catch(() => {}); });
    main.append(note, rows, el('p', {}, more));
    async function load() {
        const found = await pagesOf(state ? `&status=${state}` : '', pages, signal), {jobs} = found;
        more.hidden = !found.more;
        keep(rows, jobs, j => j.job_id, jobRow, fill);
        note.replaceChildren(...jobs.length ? [] : [el('p', {class: 'faint'}, empty)]);
    }
    while (!signal.aborted) {
        try { await load(); } catch (error) {
            if (error.name === 'AbortError') return;
            note.replaceChildren(problemBox(error));
            if ([401, 403].includes(error.status)) throw error;
        }
        try { await pause(4000, signal); } catch { return; }
    }
}

export function jobsView(main, signal, [wanted = '']) {
    const states = ['', 'pending', 'processing', 'completed', 'failed', 'cancelled'];
    const choice = el('select', {id: 'filter', onchange: () => { location.hash = `#/jobs/${choice.value}`; }},
        states.map(s => el('option', {value: s, selected: s === wanted}, t(s || 'all'))));
    main.append(el('h1', {tabindex: '-1'}, t('jobs')), el('div', {class: 'bar'}, el('label', {}, t('state'), choice)));
    return list(main, signal, states.includes(wanted) ? wanted : '', t('none'));
}

// --- one job

const stepRow = s => el('li', {class: 'row'}, el('div', {class: 'top'}, el('span', {class: 'name'}, english(s.name)),
    el('span', {class: `state ${s.status}`}, has(s.status) ? t(s.status) : s.status)),
s.progress !== undefined && s.status === 'processing' ? el('progress', {max: 100, value: s.progress, 'aria-label': s.name}) : null);

// Ids of what an ingest has queued: {"transcode": ID} or {"transcode": {"job_id": ID}}.
const partsOf = job => {
    const w = job.workflow || {}, id = x => typeof x === 'string' ? x : x?.job_id;
    return [...Object.entries(w.parts || {}), ['update', w.update]].map(([name, x]) => ({type: name, job_id: id(x)})).filter(p => p.job_id);
};

function facts(job) {
    const pairs = [[t('created'), when(job.created_at)], [t('started'), when(job.started_at)], [t('ended'), when(job.completed_at)],
        [t('attempts'), t('attempts_of', {n: job.attempts ?? 0, max: job.max_attempts ?? 1})]];
    return el('dl', {}, pairs.filter(p => p[1]).map(([k, v]) => [el('dt', {}, k), el('dd', {}, v)]));
}

function acts(job, trouble) {
    const change = (word, method, path, question) => el('button', {type: 'button', class: 'quiet', 'data-act': word, onclick: async () => {
        if (question && !confirm(question)) return;
        try { await send(method, path); trouble.replaceChildren(); if (word === 'retry') dispatchEvent(new HashChangeEvent('hashchange')); }
        catch (error) { trouble.replaceChildren(problemBox(error)); }
    }}, t(word));
    return [
        ['pending', 'processing'].includes(job.status) && !job.cancel_requested && change('cancel', 'DELETE', `job/${job.job_id}`, t('confirm_cancel')),
        ['failed', 'cancelled'].includes(job.status) && change('retry', 'POST', `job/${job.job_id}/retry`),
        job.asset_id && el('a', {class: 'button', href: `#/asset/${job.asset_id}`}, t('to_asset'))].filter(Boolean);
}

async function followParts(rows, heading, parts, signal, asset) {
    heading.hidden = false;
    const jobs = new Map();
    const show = () => keep(rows, parts.map(p => jobs.get(p.job_id) || {...p, status: 'pending', progress: 0}), j => j.job_id, jobRow, fill);
    show();
    await Promise.all(parts.map(p => follow(p.job_id, signal, job => {
        if (!job) return;
        jobs.set(p.job_id, job);
        if (job.asset_id) asset(job.asset_id);
        show();
    }).catch(() => {})));
}

export async function jobView(main, signal, [id]) {
    const title = el('h1', {tabindex: '-1'}, t('job')), state = el('p', {class: 'bar'}), body = el('div'), trouble = el('div');
    const buttons = el('div', {class: 'bar'}), steps = el('ul', {class: 'rows'}), heading = el('h2', {hidden: true}, t('parts')), parts = el('ul', {class: 'rows', id: 'parts'});
    let said = '', shownActs = '', following = false, asset = '', last;
    main.append(el('p', {}, el('a', {href: '#/jobs'}, t('back_jobs'))), title, state, body, trouble, buttons, steps, heading, parts);
    // An ingest begins without an asset: what follows it knows which one it has become.
    const showActs = () => {
        const job = {...last, asset_id: last.asset_id || asset}, now = JSON.stringify([job.status, job.cancel_requested, job.asset_id]);
        if (now !== shownActs) buttons.replaceChildren(...acts(job, trouble));
        shownActs = now;
    };
    const show = (job, how) => {
        if (!job) { if (!state.querySelector('.away')) state.append(el('span', {class: 'faint away'}, t('offline'))); return; }
        const live = ['pending', 'processing'].includes(job.status);
        title.textContent = typeName(job.type);
        state.replaceChildren(stateOf(job), ...live ? [el('span', {class: 'faint'}, t(how))] : []);
        body.replaceChildren(...[live && bar(job), live && el('p', {class: 'faint'}, percent(job.progress || 0), job.current_step ? ` · ${t('step', {step: job.current_step})}` : ''),
            job.cancel_requested && live && el('p', {}, t('stop_asked')), job.error && job.status === 'failed' && failureBox(job.error), facts(job)].filter(Boolean));
        last = job;
        showActs();
        steps.replaceChildren(...(job.steps || []).map(stepRow));
        if (said !== job.status && said) say(t('said_job', {type: typeName(job.type), state: stateName(job)}));
        said = job.status;
        const p = partsOf(job);
        if (p.length && !following) { following = true; followParts(parts, heading, p, signal, found => { asset = found; showActs(); }); }
    };
    await follow(id, signal, show);
}

// --- the queue

const figure = (name, value) => el('div', {}, el('dt', {}, name), el('dd', {}, value));

async function depth(place, signal) {
    while (!signal.aborted) {
        try {
            const d = await get('queue', {signal});
            place.replaceChildren(el('dl', {class: 'figures'}, figure(t('waits'), number(d.ready)), figure(t('later'), number(d.waiting + d.delayed)),
                figure(t('runs'), number(d.running)), figure(t('oldest'), d.oldest_s === null ? '–' : clock(d.oldest_s))));
        } catch (error) {
            if (error.name === 'AbortError') return;
            place.replaceChildren(problemBox(error));
            if ([401, 403].includes(error.status)) return; // only operators see everybody's queue
        }
        try { await pause(4000, signal); } catch { return; }
    }
}

export async function queueView(main, signal) {
    const place = el('div', {id: 'depth'});
    main.append(el('h1', {tabindex: '-1'}, t('queue')), place, el('h2', {}, t('failures')));
    depth(place, signal);
    await list(main, signal, 'failed', t('no_failures'));
}
