/* The stage: one clip, still or sound. value: {src, poster, fps, frames, kind, says, title, note, progress} or null. */
const root = element.querySelector('.player');
const find = selector => root.querySelector(selector);
const video = find('video'), picture = find('img');
const clock = new Clock(() => paint());
const controls = deck(root, clock);
let shown = {};

function paint() {
  const none = silent(video), sound = find('.sound');
  sound.setAttribute('aria-pressed', clock.heard === 0 && !none);
  sound.disabled = none;
  sound.title = none ? say('This clip has no sound') : 'M';
  controls.paint();
}

/* Text from outside is only ever set as text. */
function apply() {
  const value = props.value && props.value.src !== undefined ? props.value : {};
  const moved = value.kind && value.kind !== 'still';
  if (value.src !== shown.src || value.kind !== shown.kind) moved ? roll(value) : stand(value);
  shown = value;
  root.dataset.kind = value.kind ?? '';
  const label = value.says ?? '';
  video.setAttribute('aria-label', label);
  picture.alt = label;
  find('.slate').hidden = !(value.title || value.note);
  find('.title').textContent = value.title ?? '';
  find('.note').textContent = value.note ?? '';
  const progress = find('progress');
  progress.hidden = value.progress === undefined;
  value.progress == null ? progress.removeAttribute('value') : progress.value = value.progress;
  paint();
}

function roll(value) {
  video.poster = value.poster ?? '';
  video.src = value.src;
  clock.load([video], value.fps || 24);
  if (value.kind === 'clip' && !calm()) clock.play();
}

function stand(value) {
  clock.load([], 24);
  video.pause();
  video.removeAttribute('src');
  video.load();
  if (!value.src) { picture.removeAttribute('src'); return; }
  const next = new Image();  // a preview replaces the one before it without a flash
  next.onload = next.onerror = () => { if (shown.src === value.src) picture.src = value.src; };
  next.src = value.src;
}

const hush = () => clock.listen(clock.heard === 0 ? -1 : 0);
find('.sound').addEventListener('click', hush);
find('.screen').addEventListener('click', event => {
  root.focus({ preventScroll: true });
  if (shown.kind && shown.kind !== 'still' && !event.target.closest('button')) clock.toggle();
});
find('.screen').addEventListener('dblclick', controls.full);
root.addEventListener('keydown', event => {
  if (typing(event) || !shown.src) return;
  const own = { m: hush, f: controls.full, r: controls.loop }[event.key.toLowerCase()];
  if (own && !event.ctrlKey && !event.metaKey) own(); else if (!transport(clock, event)) return;
  event.preventDefault();
  event.stopPropagation();
});
video.addEventListener('error', () => { if (video.getAttribute('src')) { root.dataset.kind = 'broken'; } });
video.addEventListener('ended', () => trigger('finished'));
root.clock = clock;
watch('value', apply);
apply();
