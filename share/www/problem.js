// SPDX-License-Identifier: GPL-2.0-or-later
// problem.js - what went wrong: title, what exactly, and what can be done about it.
import {el, english} from './dom.js';
import {t, has, language} from './words.js';

export const titleOf = e => {
    const key = `p.${e.kind}`;
    return has(key) ? t(key) : e.problem?.title || e.message;
};

function box(title, detail, remedy, more = []) {
    return el('div', {class: 'problem', role: 'alert'}, el('p', {class: 'title'}, title),
        detail && el('p', {}, detail), more,
        remedy && el('p', {}, `${t('remedy')}: `, remedy));
}

// In another language than the server's: what such a failure means, and below it what the server says.
function meant(key, said) {
    if (language === 'en' || !has(key)) return said ? english(said) : has(key) ? t(key) : null;
    return [t(key), said ? el('span', {class: 'said faint'}, english(said)) : null];
}

// Of a request.
export function problemBox(e) {
    const p = e.problem || {};
    const remedy = p.hint ? english(p.hint) : has(`r.${e.kind}`) ? t(`r.${e.kind}`) : null;
    const detail = has(`p.${e.kind}.d`) ? t(`p.${e.kind}.d`) : meant(`m.${e.kind}`, p.detail || (e.problem ? null : e.message));
    const errors = (p.errors || []).map(x => el('li', {}, english(`${x.pointer} ${x.detail}`)));
    return box(titleOf(e), detail, remedy,
        [errors.length ? el('ul', {}, errors) : null, p.request_id && el('p', {class: 'faint'}, t('request', {id: p.request_id}))]);
}

// Of a job: its error has a code, a message and a hint.
export function failureBox(error) {
    return box(t('failed'), meant(`e.${String(error.code).replaceAll('_', '-')}`, error.message), error.hint && english(error.hint),
        [el('p', {class: 'faint'}, english([error.stage, error.code].filter(Boolean).join(' · ')))]);
}
