/* A blind vote: fetches a pair, shows it in the comparison, opens the answers when both were played, sends them.
 *
 * Addresses are relative to /vote/<link>. Nothing from the server reaches the page but by textContent and src. */
const CHOICES = [[2, 'A much better'], [1, 'A slightly'], [0, 'No difference'], [-1, 'B slightly'], [-2, 'B much better'], ['bad', 'Both bad']];
const KEYS = { a: 1, A: 2, b: -1, B: -2, t: 0, n: 'bad' };
const NEAR_END_S = 0.35;
const link = location.pathname.split('/').pop();
const page = document.querySelector('main'), form = page.querySelector('form');
const q = selector => page.querySelector(selector), all = selector => [...page.querySelectorAll(selector)];
const send = q('footer button'), notice = q('.notice'), lock = q('.lock');
const seen = new Set();
let ballot = null, open = false, pair = null;

async function ask(path, body) {
  const options = body ? { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) } : {};
  const answer = await fetch(`${link}/${path}`, { cache: 'no-store', ...options });
  const said = await answer.json().catch(() => ({ error: say('The studio does not answer; try again in a moment.') }));
  if (!answer.ok) throw new Error(said.error);
  return said;
}

async function next() {
  try {
    show((await ask('next')).ballot);
  } catch (error) { over(error.message); }
}

function over(sentence) {
  ballot = null;
  pair.show(null);
  page.dataset.state = 'over';
  tell(sentence);
}

function tell(sentence) {
  notice.hidden = !sentence;
  notice.textContent = sentence || '';
}

function show(given) {
  if (!given) return over(say('That was all. Thank you: every vote is kept.'));
  ballot = given;
  seen.clear();
  tell('');
  q('.count').textContent = say('{n} of {all}', { n: given.done + 1, all: given.total });
  q('header progress').value = given.done / given.total;
  q('.prompt').textContent = given.prompt;
  q('.axes').replaceChildren(...given.axes.map(question));
  unlock(false);
  const kind = given.still ? 'still' : 'clip';
  pair.show({ clips: [given.left, given.right].map(name => ({ src: `media/${name}`, kind, label: '' })), fps: given.fps });
  page.dataset.state = 'voting';
  scrollTo(0, 0);
  q('.compare').focus({ preventScroll: true });
  if (given.still) Promise.all(all('.cell:not([hidden]) img').map(image => image.decode())).then(() => unlock(true), broken);
}

const broken = () => tell(say('A clip could not be loaded; reload the page.'));

function question(axis, number) {
  const box = document.createElement('fieldset'), title = document.createElement('legend'), scale = document.createElement('div');
  title.textContent = say(axis.question);
  scale.className = 'scale';
  for (const [value, text] of CHOICES) {
    const label = document.createElement('label'), input = document.createElement('input');
    Object.assign(input, { type: 'radio', name: `axis-${number}`, value });
    label.append(input, say(text));
    scale.append(label);
  }
  box.append(title, scale);
  return box;
}

/* Each of the two has been played when its head has been near the end while it ran. */
function watched() {
  if (open || !ballot || !pair) return;
  const { media, wanted, duration } = pair.clock;
  media.forEach((video, number) => { if (wanted && duration && video.currentTime >= duration - NEAR_END_S) seen.add(number); });
  if (media.length && seen.size === media.length) unlock(true);
}

function unlock(on) {
  open = on;
  lock.hidden = on;
  for (const box of all('fieldset')) box.disabled = !on;
  count();
}

function count() {
  const left = all('fieldset').filter(box => !box.querySelector(':checked'));
  for (const box of all('fieldset')) box.toggleAttribute('data-now', open && box === left[0]);
  send.disabled = !open || left.length > 0 || page.dataset.state === 'sending';
}

async function cast() {
  if (send.disabled || !ballot) return;
  const answers = {};
  ballot.axes.forEach((axis, number) => {
    const { value } = form.elements[`axis-${number}`];
    answers[axis.name] = value === 'bad' ? value : Number(value);
  });
  page.dataset.state = 'sending';
  count();
  try {
    await ask('ballot', { ballot: ballot.id, answers });
    await next();
  } catch (error) {
    page.dataset.state = 'voting';
    tell(error instanceof TypeError ? say('The vote did not arrive; send it again. It counts once.') : error.message);
    count();
  }
}

form.addEventListener('submit', event => { event.preventDefault(); cast(); });
form.addEventListener('change', count);
for (const medium of all('video, img')) medium.addEventListener('error', () => { if (medium.getAttribute('src')) broken(); });
document.addEventListener('keydown', event => {
  if (page.dataset.state !== 'voting' || event.ctrlKey || event.metaKey || event.altKey) return;
  const box = q('fieldset[data-now]');
  if (event.key in KEYS && box) { box.querySelector(`input[value="${KEYS[event.key]}"]`).checked = true; count(); }
  else if (event.key === 'Enter' && event.target.tagName !== 'BUTTON') cast();
  else if (event.key === ' ' && event.target === document.body) pair.clock.toggle();
  else return;
  event.preventDefault();
});
localise(document.documentElement);
pair = comparison(q('.compare'), watched);
next();
