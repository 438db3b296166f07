// SPDX-License-Identifier: GPL-2.0-or-later
// app.js - the frame of the page: its parts, its language, the token.
import {el} from './dom.js';
import {t, language, speak} from './words.js';
import {token} from './api.js';
import {problemBox} from './problem.js';
import {uploadView} from './upload.js';
import {jobsView, jobView, queueView} from './jobs.js';
import {mediaView, assetView} from './media.js';

const views = {upload: uploadView, jobs: jobsView, job: jobView, media: mediaView, asset: assetView, queue: queueView};
const tabs = {upload: 'upload', jobs: 'jobs', job: 'jobs', media: 'media', asset: 'media', queue: 'queue'};
const $ = id => document.getElementById(id);
let leave = new AbortController();

function frame(name) {
    $('skip').textContent = t('skip');
    $('brand').textContent = t('title');
    $('nav').setAttribute('aria-label', t('nav'));
    $('nav').replaceChildren(...['upload', 'jobs', 'media', 'queue'].map(x =>
        el('a', {href: `#/${x}`, 'aria-current': tabs[name] === x ? 'page' : null}, t(x))));
    $('language').textContent = t('other');
    $('language').lang = language === 'ar' ? 'en' : 'ar';
    $('token').textContent = t('token');
    document.title = `${t(tabs[name])} · ${t('title')}`;
}

async function show(byUser = true) {
    const [, name = 'upload', ...args] = location.hash.split('/'), view = views[name] ? name : 'upload';
    leave.abort();
    leave = new AbortController();
    const {signal} = leave, main = $('main');
    frame(view);
    const place = el('div');
    main.replaceChildren(place);
    const shown = views[view](place, signal, args);
    if (byUser) (place.querySelector('h1') || main).focus(); // whoever listens hears where he is
    try {
        await shown;
    } catch (error) {
        if (signal.aborted) return;
        if (!place.querySelector('.problem')) place.append(problemBox(error));
        if (error.status === 401) askToken();
        if (!(error.problem)) console.error(error);
    }
}

function askToken() {
    const ask = $('ask');
    if (ask.open) return;
    const input = el('input', {type: 'password', name: 'token', autocomplete: 'off', spellcheck: 'false', value: token.get(), id: 'token-text'});
    const use = value => { token.set(value); ask.close(); show(false); };
    ask.replaceChildren(el('form', {method: 'dialog', onsubmit: e => { e.preventDefault(); use(input.value.trim()); }},
        el('h1', {id: 'ask-title'}, t('token_title')), el('p', {class: 'faint'}, t('token_why')),
        el('label', {}, t('token'), input),
        el('div', {class: 'bar'}, el('button', {type: 'submit'}, t('token_use')),
            el('button', {type: 'button', class: 'quiet', onclick: () => use('')}, t('token_forget')),
            el('button', {type: 'button', class: 'quiet', onclick: () => ask.close()}, t('close')))));
    ask.showModal();
    input.focus();
}

$('language').addEventListener('click', () => { speak(language === 'ar' ? 'en' : 'ar'); show(false); });
$('token').addEventListener('click', askToken);
addEventListener('media-token', askToken);
$('skip').addEventListener('click', e => { e.preventDefault(); $('main').focus(); });
addEventListener('hashchange', () => show());
// A file that misses its place must not replace the page.
addEventListener('dragover', e => e.preventDefault());
addEventListener('drop', e => e.preventDefault());
speak(language);
show(false);
if (!token.get() && !location.hash) fetch('/api/v1/media/jobs?limit=1').then(a => { if (a.status === 401) askToken(); }).catch(() => {});
