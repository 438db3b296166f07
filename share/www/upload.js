// SPDX-License-Identifier: GPL-2.0-or-later
// upload.js - files are dropped, sent, and followed until they are taken in.
import {el, say, theirs} from './dom.js';
import {t, bytes, clock, percent} from './words.js';
import {get, pause} from './api.js';
import {Upload, shelved, discard, progress} from './tus.js';
import {problemBox, titleOf} from './problem.js';

const going = []; // of this visit; they go on while other parts of the page are shown
const together = 2;

addEventListener('beforeunload', e => {
    if (going.some(u => ['sending', 'lost'].includes(u.state))) e.preventDefault();
});

function next() {
    const busy = going.filter(u => ['sending', 'lost'].includes(u.state)).length;
    going.filter(u => u.state === 'waiting').slice(0, Math.max(0, together - busy)).forEach(u => u.start());
}

function add(files, changed) {
    for (const file of files) {
        if (going.some(u => u.key === `${file.name}|${file.size}|${file.lastModified}` && !['done', 'failed', 'gone'].includes(u.state))) continue;
        const upload = new Upload(file, {processing: {storyboard: true}});
        upload.addEventListener('change', () => told(upload));
        going.unshift(upload);
    }
    changed();
    next();
}

// What is worth being said aloud: not each percent.
function told(u) {
    if (u.state === u.told) return;
    u.told = u.state;
    const name = u.file.name;
    if (u.state === 'done') { say(t('said_done', {name})); watch(u); }
    if (u.state === 'failed' && u.error?.status === 401) dispatchEvent(new Event('media-token')); // it has expired meanwhile
    if (u.state === 'failed') say(t('said_failed', {name, why: titleOf(u.error)}));
    if (u.state === 'lost') say(t('said_lost', {name}));
    if (u.state === 'gone') say(t('said_cancelled', {name}));
    next();
}

// Until the file is an asset, or refused.
async function watch(u) {
    for (let i = 0; i < 1800; i++) {
        try {
            u.after = await get(progress(u.id));
            u.dispatchEvent(new Event('change'));
            if (u.after.asset_id || u.after.media_asset_id || ['failed', 'cancelled'].includes(u.after.status)) return;
        } catch (error) {
            if ([401, 403, 404].includes(error.status)) return;
        }
        await pause(Math.min(5000, 1000 + i * 200));
    }
}

function status(u) {
    if (u.state === 'lost') return t('lost', {n: u.retryIn});
    if (u.state === 'done' && u.after?.status === 'failed') return t('failed');
    return t(u.state);
}

function figures(u) {
    const size = u.file.size, parts = [t('sent_of', {sent: bytes(u.sent), size: bytes(size)})];
    if (u.state === 'sending' && u.rate > 0 && u.sent < size)
        parts.push(t('rate', {rate: bytes(u.rate)}), t('left', {time: clock((size - u.sent) / u.rate)}));
    return parts.join(' · ');
}

function links(u) {
    const asset = u.after?.asset_id || u.after?.media_asset_id, job = u.after?.job_id;
    return [job && el('a', {class: 'button quiet', href: `#/job/${job}`}, t('follow')),
        asset && el('a', {class: 'button', href: `#/asset/${asset}`}, t('watch'))];
}

const act = (name, word, handler) => el('button', {type: 'button', class: 'quiet', onclick: handler,
    'aria-label': t('of_name', {act: t(word), name}), 'data-act': word}, t(word));

function row(u, changed) {
    const name = el('span', {class: 'name'}, theirs(u.file.name)), state = el('span', {class: 'state'});
    const bar = el('progress', {max: Math.max(1, u.file.size), value: 0, 'aria-label': u.file.name});
    const small = el('p', {class: 'faint'}), acts = el('div', {class: 'acts'}), trouble = el('div');
    const e = el('li', {class: 'row'}, el('div', {class: 'top'}, name, state), bar, small, trouble, acts);
    let shown = '';
    const show = () => {
        state.textContent = status(u);
        state.className = `state ${u.state === 'done' ? 'completed' : u.state === 'failed' ? 'failed' : 'processing'}`;
        bar.value = u.file.size ? u.sent : u.state === 'done' ? 1 : 0;
        bar.textContent = percent(100 * u.sent / (u.file.size || 1));
        small.textContent = figures(u);
        const now = JSON.stringify([u.state === 'lost' ? 'sending' : u.state, u.after?.job_id, u.after?.asset_id, u.after?.media_asset_id]);
        if (now === shown) return; // buttons stay, and with them the focus
        shown = now;
        trouble.replaceChildren(...u.error && u.state === 'failed' ? [problemBox(u.error)] : []);
        const open = ['waiting', 'sending', 'lost', 'paused', 'failed'].includes(u.state);
        acts.replaceChildren(...[
            ['sending', 'lost'].includes(u.state) && act(u.file.name, 'pause', () => u.pause()),
            u.state === 'paused' && act(u.file.name, 'resume', () => u.start()),
            u.state === 'failed' && act(u.file.name, 'retry', () => u.start()),
            open && act(u.file.name, 'cancel', async () => {
                try { await u.cancel(); } catch (error) { trouble.replaceChildren(problemBox(error)); }
                changed();
            }), ...links(u)].filter(Boolean));
    };
    u.addEventListener('change', show);
    show();
    return e;
}

// Uploads that an earlier visit has begun: the browser does not give the file again by itself.
function interrupted(choose) {
    const items = Object.entries(shelved.all()).filter(([key]) => !going.some(u => u.key === key));
    if (!items.length) return [];
    return [el('h2', {}, t('interrupted')), el('p', {class: 'faint'}, t('again')),
        el('ul', {class: 'rows', id: 'interrupted'}, items.map(([key, x]) => {
            const e = el('li', {class: 'row'}, el('div', {class: 'top'}, el('span', {class: 'name'}, theirs(x.name)), el('span', {class: 'faint'}, bytes(x.size))),
                el('div', {class: 'acts'}, el('button', {type: 'button', onclick: choose}, t('go_on', {name: x.name})),
                    act(x.name, 'discard', async () => {
                        try { await discard(x.url); shelved.put(key, null); e.remove(); } catch (error) { e.append(problemBox(error)); }
                    })));
            return e;
        }))];
}

export function uploadView(main) {
    const list = el('ul', {class: 'rows', id: 'uploads'}), old = el('div');
    const heading = el('h2', {hidden: true}, t('uploads'));
    const input = el('input', {type: 'file', multiple: true, class: 'hidden', id: 'files', tabindex: '-1', 'aria-label': t('choose_label'),
        accept: 'video/*,audio/*,image/*,.mkv,.flv,.ts,.amr,.heic', onchange: () => { add(input.files, show); input.value = ''; }});
    const choose = () => input.click();
    const drop = el('div', {class: 'drop', id: 'drop'}, el('p', {}, t('drop')),
        el('button', {type: 'button', id: 'choose', onclick: choose}, t('choose')), input,
        el('p', {class: 'faint'}, t('resumable')));
    const show = () => {
        heading.hidden = !going.length;
        list.replaceChildren(...going.filter(u => u.state !== 'gone').map(u => row(u, show)));
        old.replaceChildren(...interrupted(choose));
    };
    const over = on => e => { e.preventDefault(); drop.classList.toggle('over', on); };
    drop.addEventListener('dragenter', over(true));
    drop.addEventListener('dragover', over(true));
    drop.addEventListener('dragleave', over(false));
    drop.addEventListener('drop', e => { over(false)(e); add(e.dataTransfer.files, show); });
    main.append(el('h1', {tabindex: '-1'}, t('upload')), drop, heading, list, old);
    show();
}
