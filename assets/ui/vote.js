/* A blind vote. value: {id, left, right, fps, kind, prompt, axes: [{name, question}], done, total} or null; left and right
 * are addresses. Event: 'vote' {ballot, answers: {axis: 2 | 1 | 0 | -1 | -2 | 'bad'}}, where 2 means that A is much better.
 * Nothing here knows what it shows: addresses and names come in random, and the file's own name is never shown. */
const root = element.querySelector('.vote');
const find = selector => root.querySelector(selector);
const form = find('form'), axes = find('.axes'), button = find('.cast');
const compared = comparison(find('.compare'), () => watched());
const seen = new Set(), KEPT = 'rushes-vote';  // under which the answers so far stay, should the page be loaded again
let ballot = null, open = false;

function apply() {
  const value = props.value || null;
  root.hidden = !value;
  if (value && value.id === ballot) return;
  ballot = value?.id ?? null;
  seen.clear();
  axes.replaceChildren(...(value?.axes ?? []).map(question));
  recall();
  find('.asked').textContent = value?.prompt ?? '';
  find('.progress').textContent = value ? say('{n} of {all}', { n: value.done + 1, all: value.total }) : '';
  unlock(false);
  const kind = value?.kind ?? 'clip';
  compared.show(value && { clips: [value.left, value.right].map(src => ({ src, kind, label: '' })), fps: value.fps });
  if (value && !compared.clock.media.length) unlock(true);
}

function question(axis, number) {
  const part = find('template').content.firstElementChild.cloneNode(true);
  part.querySelector('legend').textContent = say(axis.question);
  part.dataset.axis = axis.name;
  for (const choice of part.querySelectorAll('input')) choice.name = `axis-${number}`;
  return part;
}

/* Each of the two has been played when its head has been near its own end while they ran. */
function watched() {
  if (open || !ballot) return;
  const { media, wanted } = compared.clock;
  media.forEach((video, number) => { if (wanted && video.currentTime >= video.duration - 0.35) seen.add(number); });
  if (media.length && seen.size === media.length) unlock(true);
}

function unlock(on) {
  open = on;
  find('.lock').hidden = on;
  for (const part of axes.children) part.disabled = !on;
  count();
}

function answers() {
  const given = [...axes.children].map(part => [part.dataset.axis, part.querySelector('input:checked')?.value]);
  return given.filter(([, value]) => value !== undefined).map(([name, value]) => [name, value === 'bad' ? value : +value]);
}

function keep() {
  try { sessionStorage.setItem(KEPT, JSON.stringify({ ballot, said: answers() })); } catch { /* this browser keeps nothing */ }
  count();
}

function recall() {
  let kept = {};
  try { kept = JSON.parse(sessionStorage.getItem(KEPT)) ?? {}; } catch { /* or nothing that can be read */ }
  const said = new Map(kept.ballot === ballot ? kept.said : []);
  for (const part of axes.children)
    for (const choice of part.querySelectorAll('input')) choice.checked = choice.value === String(said.get(part.dataset.axis));
}

function count() {
  const missing = axes.children.length - answers().length;
  button.disabled = !open || missing > 0;
  find('.left').textContent = !open || !missing ? '' : say(missing === 1 ? 'One question left' : '{n} questions left', { n: missing });
}

form.addEventListener('change', keep);
form.addEventListener('submit', event => {
  event.preventDefault();
  if (button.disabled) return;
  button.disabled = true;
  trigger('vote', { ballot, answers: Object.fromEntries(answers()) });
});

/* A and B answer the next open question (with Shift: much), T is no difference, N both bad, Enter votes: but on a button
 * it presses that, and letters in a list choose in it. */
root.addEventListener('keydown', event => {
  if (!open || event.repeat || (typing(event) && !event.target.closest('.scale')) || event.ctrlKey || event.metaKey || event.altKey) return;
  const choice = { a: '1', A: '2', b: '-1', B: '-2', t: '0', n: 'bad' }[event.key];
  const next = [...axes.children].find(part => !part.querySelector('input:checked'));
  if (event.key === 'Enter' && !button.disabled) form.requestSubmit();
  else if (choice !== undefined && next) { next.querySelector(`input[value="${choice}"]`).checked = true; keep(); }
  else return;
  event.preventDefault();
});
watch('value', apply);
apply();
