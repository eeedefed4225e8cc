/* Clips as cards. value: a list of cards, or {cards, undo: {token, clips}} after something was deleted.
 *
 * Events: 'act' {act, clip, clips} goes to another tab; 'keep' {act, clips, on | tag | token} changes the gallery (star,
 * delete, undo, tag); 'open' {clip} wants to see one. */
const root = element.querySelector('.cards');
const find = selector => root.querySelector(selector);
const list = find('.list'), menu = find('.menu'), tray = find('.tray');
const picked = new Set();
const PLACES = ['.open', '.star', '.more', '.pick input'];  // of a card, where the focus can be
let cards = [], last = null, gone = null;

root.dataset.layout = given.layout;
find('.none').textContent = say(given.empty);

function apply() {
  const value = props.value || [];
  cards = Array.isArray(value) ? value : value.cards ?? [];
  const here = new Set(cards.map(card => card.id));
  if (given.layout === 'strip') for (const id of picked) if (!here.has(id)) picked.delete(id);  // a grid has other pages
  for (const id of value.undo?.clips ?? []) picked.delete(id);
  const held = document.activeElement, place = placed(held);
  list.replaceChildren(...cards.map(draw));
  root.toggleAttribute('data-empty', !cards.length);
  if (value.undo) undo(value.undo);
  mark();
  if (place && !held.checkVisibility()) hold(place);
}

/* Where the focus is among the cards, for the keys go on from there when all cards are drawn anew. */
function placed(held) {
  if (!root.contains(held)) return null;
  const part = held.closest('.list > .card');
  return { id: part?.dataset.id, at: part ? [...list.children].indexOf(part) : 0, what: PLACES.find(place => held.matches(place)) ?? '.open' };
}
function hold({ id, at, what }) {
  const part = partOf(id) ?? list.children[Math.min(at, cards.length - 1)];
  if (!part) find('.undo button').focus();
  else if (what === '.open') enter(part);
  else part.querySelector(what).focus({ preventScroll: true });
}

/* Text from outside is only ever set as text. */
function draw(card, number) {
  const part = find('template').content.firstElementChild.cloneNode(true);
  const inside = selector => part.querySelector(selector);
  part.dataset.id = card.id;
  for (const picture of part.querySelectorAll('img')) picture.src = card.poster;
  inside('.open').setAttribute('aria-label', say('Open: {prompt}', card));
  inside('.open').tabIndex = number ? -1 : 0;
  inside('.says').textContent = inside('.says').title = card.prompt;
  inside('.line').textContent = inside('.line').title = [card.model, card.size, ago(card.created), ...card.tags.map(tag => '#' + tag)].join('  \u00b7  ');
  inside('.badge').textContent = card.kind === 'still' ? say('still') : `${+card.seconds.toFixed(1)} s`;
  inside('.star').setAttribute('aria-pressed', card.starred);
  return part;
}

function ago(moment) {
  const age = Date.now() / 1000 - moment, words = new Intl.RelativeTimeFormat(tongue, { style: 'short' });
  if (age < 90) return say('now');
  if (age < 5400) return words.format(-Math.round(age / 60), 'minute');
  if (age < 129600) return words.format(-Math.round(age / 3600), 'hour');
  if (age < 2592000) return words.format(-Math.round(age / 86400), 'day');
  return new Date(moment * 1000).toLocaleDateString(tongue);
}

const partOf = id => [...list.children].find(part => part.dataset.id === id);
const cardOf = node => cards.find(card => card.id === node?.closest?.('.card')?.dataset.id);

function mark() {
  for (const part of list.children) {
    part.toggleAttribute('data-picked', picked.has(part.dataset.id));
    part.querySelector('.pick input').checked = picked.has(part.dataset.id);
  }
  root.toggleAttribute('data-picking', picked.size > 0);
  tray.hidden = !picked.size;
  find('.count').textContent = say(picked.size === 1 ? '1 selected' : '{n} selected', { n: picked.size });
  const few = picked.size >= 2 && picked.size <= 4, compare = find('[data-many=compare]');
  compare.disabled = !few;
  compare.title = few ? '' : say('Choose two to four clips');
}

function pick(card, on, range) {
  const from = cards.findIndex(other => other.id === last), to = cards.indexOf(card);
  const some = range && from >= 0 ? cards.slice(Math.min(from, to), Math.max(from, to) + 1) : [card];
  for (const { id } of some) on ? picked.add(id) : picked.delete(id);
  last = card.id;
  mark();
}

function star(card) {
  card.starred = !card.starred;
  partOf(card.id).querySelector('.star').setAttribute('aria-pressed', card.starred);
  trigger('keep', { act: 'star', clips: [card.id], on: card.starred });
}

function act(name, ids) {
  trigger('act', { act: name, clip: ids[0], clips: ids });
}

/* Hovering plays, after a moment and without sound; one at a time. */
let waiting = null, playing = null;
function rest() {
  clearTimeout(waiting);
  playing?.remove();
  playing = null;
}
function preview(part) {
  rest();
  const card = cardOf(part);
  if (!card || card.kind !== 'clip' || calm()) return;
  waiting = setTimeout(() => {
    playing = Object.assign(document.createElement('video'), { src: card.src, muted: true, loop: true, playsInline: true });
    playing.tabIndex = -1;
    part.querySelector('.poster').after(playing);
    playing.play().catch(() => {});
  }, 140);
}
list.addEventListener('pointerover', event => {
  const part = event.pointerType === 'mouse' && event.target.closest('.thumb')?.parentElement;
  if (part && !part.contains(event.relatedTarget)) preview(part);
});
list.addEventListener('pointerout', event => {
  if (!event.relatedTarget?.closest?.('.card')?.contains(event.target)) rest();
});
list.addEventListener('focusin', event => { if (event.target.matches('.open:focus-visible')) preview(event.target.closest('.card')); });
list.addEventListener('focusout', rest);

/* One menu for all cards, in the top layer so that nothing clips it. */
const offer = actions(menu, (kind, name, card) => {
  menu.hidePopover();
  if (kind === 'act') act(name, [card.id]);
  else if (name === 'star') star(card);
  else if (name) trigger('keep', { act: name, clips: [card.id] });
});
function showMenu(card, from) {
  offer(card);
  menu.showPopover();
  const box = from.getBoundingClientRect(), own = menu.getBoundingClientRect();
  menu.style.left = `${Math.max(8, Math.min(box.right - own.width, innerWidth - own.width - 8))}px`;
  menu.style.top = `${box.bottom + own.height + 8 < innerHeight ? box.bottom + 4 : Math.max(8, box.top - own.height - 4)}px`;
  menu.querySelector('button').focus({ preventScroll: true });
}
menu.addEventListener('keydown', event => {
  const items = [...menu.querySelectorAll('button, a')], way = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!way) return;
  event.preventDefault();
  items[(items.indexOf(document.activeElement) + way + items.length) % items.length].focus();
});

list.addEventListener('click', event => {
  const card = cardOf(event.target), at = selector => event.target.closest(selector);
  if (!card) return;
  if (at('.star')) star(card);
  else if (at('.more')) showMenu(card, at('.more'));
  else if (at('.pick input')) pick(card, event.target.checked, event.shiftKey);
  else if (at('.open') && (event.ctrlKey || event.metaKey || event.shiftKey)) pick(card, !picked.has(card.id), event.shiftKey);
  else if (at('.open')) trigger('open', { clip: card.id });
});
list.addEventListener('contextmenu', event => {
  const card = cardOf(event.target);
  if (!card) return;
  event.preventDefault();
  showMenu(card, event.target.closest('.card').querySelector('.more'));
});

/* Keys of a card: arrows walk, Space selects, a full stop stars, letters do what the menu says. */
list.addEventListener('keydown', event => {
  const card = cardOf(event.target);
  if (!card || !event.target.matches('.open') || event.ctrlKey || event.metaKey || event.altKey) return;
  const acts = { a: 'reuse', r: 'remix', p: 'prompt', s: 'seed', c: 'compare' }, key = event.key.toLowerCase();
  const wide = Math.max(1, Math.round(list.clientWidth / list.firstElementChild.offsetWidth));
  const steps = { arrowleft: -1, arrowright: 1, arrowup: -wide, arrowdown: wide };
  if (acts[key]) act(acts[key], [card.id]);
  else if (steps[key]) walk(card, steps[key]);
  else if (key === ' ') pick(card, !picked.has(card.id), event.shiftKey);
  else if (key === '.') star(card);
  else if (key === 'd') save(card.src, card.file);
  else if (key === 'delete') trigger('keep', { act: 'delete', clips: picked.has(card.id) ? [...picked] : [card.id] });
  else return;
  event.preventDefault();
  event.stopPropagation();
});
function walk(card, steps) {
  const next = list.children[cards.indexOf(card) + steps];
  if (next) enter(next);
}
function enter(part) {
  for (const open of list.querySelectorAll('.open')) open.tabIndex = -1;
  part.querySelector('.open').tabIndex = 0;
  part.querySelector('.open').focus();
}

tray.addEventListener('click', event => {
  const name = event.target.closest('[data-many]')?.dataset.many;
  if (name === 'compare') act(name, [...picked]);
  else if (name === 'delete') trigger('keep', { act: name, clips: [...picked] });
  else if (name === 'zip') save(`media/archive?clips=${[...picked]}`, 'rushes.zip');
  if (name === 'clear') { picked.clear(); mark(); }
});
tray.querySelector('form').addEventListener('submit', event => {
  event.preventDefault();
  const field = event.target.querySelector('input');
  if (field.value.trim()) trigger('keep', { act: 'tag', clips: [...picked], tag: field.value.trim() });
  field.value = '';
});

/* The offer stays until its time is up, whatever else happens to the cards. */
function undo(what) {
  const bar = find('.undo');
  clearTimeout(gone);
  bar.hidden = false;
  bar.querySelector('span').textContent = say(what.clips.length === 1 ? 'One clip deleted' : '{n} clips deleted', { n: what.clips.length });
  bar.querySelector('button').onclick = () => { bar.hidden = true; list.querySelector('.open')?.focus(); trigger('keep', { act: 'undo', token: what.token, clips: [] }); };
  gone = setTimeout(() => { bar.hidden = true; }, 30000);
}

watch('value', apply);
apply();
