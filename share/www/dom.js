// SPDX-License-Identifier: GPL-2.0-or-later
// dom.js - elements without markup in strings: what comes from the server is text, never markup.

// el('p', {class: 'x', onclick: f, dir: 'auto'}, 'text', child, [children])
export function el(name, attributes = {}, ...children) {
    const e = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (value === undefined || value === null || value === false) continue;
        if (key.startsWith('on')) e.addEventListener(key.slice(2), value);
        else if (['value', 'checked', 'disabled', 'max', 'src'].includes(key)) e[key] = value;
        else e.setAttribute(key, value === true ? '' : value);
    }
    e.append(...children.flat(Infinity).filter(c => c !== undefined && c !== null && c !== false));
    return e;
}

// A name that somebody else has given, of whatever script.
export const theirs = text => el('bdi', {}, text ?? '');

// Words of the server, which are English.
export const english = text => el('span', {lang: 'en', dir: 'ltr'}, text);

export function say(text) {
    const said = document.getElementById('said');
    said.textContent = '';
    setTimeout(() => { said.textContent = text; }, 50); // so that the same words are said again
}

// Changes children of a list in place, by keys, so that focus and what is selected stay.
export function keep(list, items, key, make, update) {
    const old = new Map([...list.children].map(c => [c.dataset.key, c]));
    let at = list.firstElementChild;
    for (const item of items) {
        const k = String(key(item));
        let e = old.get(k);
        if (!e) { e = make(item); e.dataset.key = k; }
        old.delete(k);
        update?.(e, item);
        if (e === at) at = at.nextElementSibling;
        else list.insertBefore(e, at);
    }
    for (const e of old.values()) e.remove();
}
